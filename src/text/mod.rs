//! Quantities, times and errors as people write and read them, and what of a text is safe to show.

pub(crate) mod accounts;
pub mod head;
pub mod human;
pub mod local_time;
pub mod markup;
pub(crate) mod system_error;
pub mod time_spec;
pub(crate) mod weekday;
pub mod width;
pub mod wrap;

pub(crate) use custos_query::{is_unsafe, printable};
