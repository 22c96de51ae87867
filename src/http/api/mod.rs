//! What requests mean, and what their answers are. Pure but for reading the store.

mod json;
mod query;
mod request;
mod route;
mod series;
mod status;
mod times;

pub(super) use request::Request;
pub(super) use route::{answer, is_query};
