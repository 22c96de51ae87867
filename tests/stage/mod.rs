//! What every suite needs: a directory with a configuration, plugins and a store; the agent that works in it; waiting
//! for an event with a deadline; ports that are free; the processes of the machine.
//!
//! Each suite is a program of its own and takes this module by its path. No test sleeps or asserts how long something
//! took: it waits for an event.
#![allow(dead_code, unused_imports, reason = "a suite uses the part that it needs")]

mod daemon;
mod directory;
mod icinga;
mod needs;
mod output;
mod port;
mod process;
mod program;
mod random;
mod running;
mod wait;

pub(crate) use daemon::Daemon;
pub(crate) use directory::Stage;
pub(crate) use icinga::Icinga;
pub(crate) use needs::{as_root, python};
pub(crate) use output::{lines, text};
pub(crate) use port::free_port;
pub(crate) use process::{all_processes, children, has_marks, kill_hard, marked_by, send};
pub(crate) use program::{PROGRAM, custos};
pub(crate) use random::Random;
pub(crate) use running::Running;
pub(crate) use wait::{PATIENCE, pause, wait_for, wait_until};
