//! Deciding what to check of a host; pure.

mod covered;
mod draft;
mod file_systems;
mod machine;
mod network;
mod package;
mod proposal;
mod services;
mod subject;
mod whole;

pub(crate) use proposal::{Missing, NrpePart, Proposal, Proposed};
pub(crate) use whole::{Wish, propose};
