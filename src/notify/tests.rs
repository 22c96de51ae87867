//! The notifier as a whole: runs in, messages out.

mod grouping;
mod holding;
mod keeping;
mod pressing;
mod ruled;
mod simulation;
mod stage;
mod withheld;
