//! Which rules are in force, how they stand, and which alerts are pending or fire.

mod answer;
mod page;
mod standing;

pub(super) use answer::{alerts, rules};
