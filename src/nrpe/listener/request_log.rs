//! The debug lines that nrpe writes on the way of a request, whether it came over a socket or, with `-i`, on standard
//! input. There is no peer with `-i`, so its place in the line stays empty.

use std::ffi::OsStr;
use std::fmt::Display;

use super::log::Log;
use super::request::Answer;

/// A command was asked for.
pub(super) fn asked(log: &Log, peer: impl Display, command: &str) {
    log.debug(|| format!("Host {peer} is asking for command '{command}' to be run..."));
}

/// A command line is about to be run.
pub(super) fn runs(log: &Log, line: &OsStr) {
    log.debug(|| format!("Running command: {}", line.to_string_lossy()));
}

/// This is about to be sent.
pub(super) fn answers(log: &Log, answer: &Answer) {
    log.debug(|| format!("Return Code: {}, Output: {}", answer.code, String::from_utf8_lossy(&answer.text)));
}
