//! Custos in the place of nrpe, and its client in the place of check_nrpe, side by side with the real ones.
//!
//! The real programs are Debian's `nagios-nrpe-server` and `nagios-nrpe-plugin`. Both daemons get the same
//! configuration; what a client sees of them is compared byte for byte. `docs/nrpe-differences.md` lists the
//! deliberate differences, and the tests name them where they meet them.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod access;
mod answers;
mod arguments;
mod authority;
mod background;
mod client;
mod client_words;
mod config;
mod hostile;
mod icinga;
mod logs;
mod nagios;
mod native;
mod process;
mod reply;
mod server;
mod start;
mod tls;
mod unable;
mod wire;
mod wrappers;

#[path = "../stage/mod.rs"]
mod stage;
