//! Plugins that are scripts, run by a fork of an interpreter that is there already: what takes most of the time of a small plugin is to
//! start its interpreter and to load what it uses.
//!
//! The *parent* (`parent.rs`) is an interpreter with common modules loaded. It runs a program of ours (`perl.pl`, `python.py`) that
//! forks for each run, and gives the fork all that a process is given. Such a fork is a child of the worker as any plugin is, since it is
//! made with `CLONE_PARENT`: it is waited for, bounded and ended in the same ways, and goes on if the parent is killed.
//!
//! Invariant: whatever is not exactly known runs cold, which is always right. A fork that cannot be made what the plugin's process would
//! have been says so before anything of the plugin has run.

mod parent;
mod parents;
mod script;

pub(crate) use parent::Answer;
pub(crate) use parents::{Found, Parents, Pending, end_unknown};
pub use script::Script;
