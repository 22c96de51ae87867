//! Standard plugins done without a process: the same options, text, performance data and exit code as those of the Monitoring
//! Plugins, version 2.3.
//!
//! [`plan`] reads a command line. What is not exactly known here, an option or a form of a value, is [`NotNative`]: then the plugin
//! itself is to be run. [`Plan::run`] measures and judges. Each plugin is a file: its options, what it measures of a [`System`], and
//! what it says of that. Only `system.rs` and `scan.rs` read anything, and both may block for ever, as a file system of a server that
//! is away does: whoever calls must be able to do without the thread.
//!
//! Where a behaviour comes from: the programs `check_load`, `check_swap`, `check_users`, `check_procs` and `check_disk` of version 2.3.3,
//! run side by side by `tests/native/` of this project.

#![forbid(unsafe_code)]

mod arguments;
mod certificate;
mod cpu;
mod disk;
mod expect;
mod file_age;
mod http;
mod http_page;
mod http_redirect;
mod http_request;
mod http_talk;
mod load;
mod mem;
mod mounts;
mod not_native;
mod ntp;
mod plan;
mod printed;
mod procs;
mod range;
mod scan;
mod ssh;
mod step;
mod swap;
mod system;
mod talk;
mod tcp;
mod tcp_talk;
#[cfg(test)]
mod tests;
mod users;

pub use certificate::Certificate;
pub use not_native::NotNative;
pub use plan::{Flavour, Needs, OWN, PLUGINS, Plan, own, plan};
pub use printed::Printed;
pub use scan::{Process, Scan, Wants};
pub use step::{Event, Family, Now, Step, Target};
pub use system::{FileFacts, FileSystemUsage, Live, System};
pub use talk::Talk;
