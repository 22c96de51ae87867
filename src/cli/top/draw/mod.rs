//! The page: a head, the list or a check, and a line for what is asked and said. Pure.

mod detail;
mod head;
mod help;
mod line;
mod list;
mod page;

pub(super) use page::draw;
