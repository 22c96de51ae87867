//! What history says of a series, worked out from plain numbers: which stretches are like one, when it will reach
//! a limit, how unlike its past it is, and where it changed.
//!
//! Pure: no store, no clock, no files, no threads, and what is drawn by chance is the same each time. The caller sorts samples into [`Buckets`],
//! as many at a time as it has memory for, and joins what was found in each.
//!
//! What is alike is a question of shape: the level of a curve does not matter, its height does, by its ratio, and it may be
//! somewhat longer or shorter. Distances are those of [`Form`]; of stretches that overlap, only the nearest counts.

#![forbid(unsafe_code)]

mod block;
mod bucket;
mod change;
mod dice;
mod forecast;
mod form;
pub mod limits;
mod normal;
mod pattern;
mod profile;
mod ranking;
mod rate_change;
#[cfg(test)]
mod reference;
mod refine;
mod search;
mod shift;
mod spread;
mod warp;

pub use block::Block;
pub use bucket::Buckets;
pub use change::{Change, changes};
pub use forecast::{Forecast, Silent, forecast};
pub use form::Form;
pub use normal::{Band, DAY_HOURS, Hourly, Hours, WEEK_HOURS, normal};
pub use pattern::{Pattern, Unfit};
pub use ranking::{Ranked, Ranking};
pub use search::{Candidate, Found, search};
pub use shift::{Shift, shift};
pub use spread::spread;
