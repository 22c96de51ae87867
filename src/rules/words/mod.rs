//! What a rule came to, in words: one line, and further lines with one for each alert.

mod element;
mod limit;
mod text;

pub use text::{SUMMARIES, alert_line};
pub(super) use text::{Told, cut, in_order, line, lines, words};
