//! Attacks by other local users, plugins and peers, carried out for real and failing. The users are numbers that the
//! system does not know, so no process of the machine is theirs; the suite runs as root.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod memory;
mod nrpe;
mod own_user;
mod plugins;
mod start;
mod store;
mod terminal;

#[path = "../stage/mod.rs"]
mod stage;

/// The user that plugins run as.
const PLUGINS: u32 = 54_401;
/// A user who has nothing to do with the agent.
const STRANGER: u32 = 54_402;

/// Runs a Python program as a user; returns what it printed.
fn python(uid: u32, program: &str, arguments: &[&str]) -> String {
    use std::os::unix::process::CommandExt;
    let mut command = std::process::Command::new(stage::python());
    let output = command.arg("-c").arg(program).args(arguments).uid(uid).gid(uid).output().unwrap();
    stage::text(&output.stdout) + &stage::text(&output.stderr)
}
