//! What this host has, and the checks that suit it.
//!
//! `gather` reads the host, below whatever directory is its root, without asking any service and without privileges; what
//! it cannot read is not there. `propose` decides, purely, what to check of that, and `document` writes it as YAML.

mod document;
mod gather;
mod host;
mod propose;

pub(crate) use document::document;
pub(crate) use gather::gather;
pub(crate) use propose::{Proposal, Wish, propose};
