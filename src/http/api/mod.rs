//! What requests mean, and what their answers are. Pure but for reading the store.

mod backtest;
mod board;
mod envelope;
mod figures;
mod json;
mod marks;
mod newest;
mod note;
mod past;
mod query;
mod quick;
mod request;
mod route;
mod rules;
mod scrape;
mod series;
mod status;
mod stream;
mod times;
mod watch;
mod why;

pub(super) use quick::is_quick;
pub(super) use request::Request;
pub(super) use route::{NOTE_PATH, answer, handler, page};
pub(super) use scrape::asks_for_checks;
pub(super) use stream::{STREAM_CONTENT_TYPE, STREAM_PATH, StreamWish};
pub(super) use watch::{TIME_PATH, WATCH_PATH, WatchForm, WatchWish, time};
