//! The program under test.

use std::process::{Command, Stdio};

/// The path of the built `custos`.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_custos");

/// `custos` with these arguments, without colours, in UTC and with nothing on stdin.
pub(crate) fn custos(arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(arguments).env("NO_COLOR", "1").env("TZ", "UTC").stdin(Stdio::null());
    command
}
