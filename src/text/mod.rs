//! Quantities, times and errors as people write and read them.

pub mod human;
pub mod local_time;
pub(crate) mod system_error;
pub mod time_spec;
pub(crate) mod weekday;
pub mod width;
