//! Runs a script that asks the server by a library.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::server::Server;
use crate::stage::text;

/// Where `scripts/clients` put the libraries: as CUSTOS_CLIENTS says, or where it puts them.
fn home() -> PathBuf {
    let home = std::env::var_os("CUSTOS_CLIENTS")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/target/clients")), PathBuf::from);
    assert!(
        home.join("versions").exists(),
        "{} has no clients; `scripts/clients` installs them",
        home.display()
    );
    home
}

/// A program of the clients, with the server to ask in its environment.
fn program(name: &str, server: &Server) -> Command {
    let home = home();
    let mut command = Command::new(home.join("python/bin").join(name));
    command
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients"))
        .env("NODE_PATH", home.join("node/node_modules"))
        .env("CUSTOS_URL", &server.url)
        .env("CUSTOS_END", server.end_s.to_string())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("TZ", "UTC");
    command
}

/// Runs a script of tests in Python, with more in the environment.
pub(crate) fn python(script: &str, server: &Server, environment: &[(&str, &str)]) {
    run(program("python", server).arg(script).envs(environment.iter().copied()));
}

/// Runs a file of tests in Node.
pub(crate) fn node(script: &str, server: &Server) {
    node_with(script, server, &[]);
}

/// The same, with more in the environment.
pub(crate) fn node_with(script: &str, server: &Server, environment: &[(&str, &str)]) {
    let mut node = program("node", server);
    run(node.args(["--test", "--test-reporter=spec", script]).envs(environment.iter().copied()));
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    let printed = text(&output.stdout) + &text(&output.stderr);
    assert!(output.status.success(), "{command:?}\n{printed}");
}
