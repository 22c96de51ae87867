//! The page: a head, the list, a check or the silences, and a line for what is asked and said. Pure.

mod detail;
mod head;
mod help;
mod line;
mod list;
mod page;
mod silences;

pub(super) use page::draw;
