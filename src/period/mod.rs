//! Time periods: when checks are due at all, by the local clock.
//!
//! A period says for every day at which times it is open. Pure: the time zone and the time are given. A moment is in
//! a period if the clock on the wall shows a time of an open range then, so an hour that the clocks repeat is open
//! twice, and one that they skip is not there.

mod calendar;
mod days;
mod hours;

pub use calendar::{Period, Rule, Standing};
pub use days::Days;
pub(crate) use days::MONTHS;
pub use hours::Hours;
