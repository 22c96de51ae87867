//! nrpe's debug lines about a request, over a socket or, with `-i`, on standard input. `peer` is empty with `-i`.

use std::ffi::OsStr;
use std::fmt::Display;

use super::output::Log;
use crate::nrpe::listener::request::Answer;

/// Logs that a client asks for a command.
pub(in crate::nrpe::listener) fn asked(log: &Log, peer: impl Display, command: &str) {
    log.debug(|| format!("Host {peer} is asking for command '{command}' to be run..."));
}

/// Logs the command line that is about to run.
pub(in crate::nrpe::listener) fn runs(log: &Log, line: &OsStr) {
    log.debug(|| format!("Running command: {}", line.to_string_lossy()));
}

/// Logs the answer that is about to be sent.
pub(in crate::nrpe::listener) fn answers(log: &Log, answer: &Answer) {
    log.debug(|| format!("Return Code: {}, Output: {}", answer.code, String::from_utf8_lossy(&answer.text)));
}
