//! A directory with a configuration, plugins and a store, and the `custos` that works in it.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use super::daemon::Daemon;
use super::output::text;
use super::program::custos;
use super::wait::wait_for;

/// A directory that is removed at the end of the test.
#[derive(Debug)]
pub(crate) struct Stage {
    directory: tempfile::TempDir,
}

impl Stage {
    /// A directory that every user may enter and read, with an empty `plugins/`.
    pub(crate) fn new() -> Stage {
        Stage::with_mode(0o755)
    }

    /// The same, where programs that have given up root may write, too.
    pub(crate) fn writable_by_all() -> Stage {
        Stage::with_mode(0o777)
    }

    fn with_mode(mode: u32) -> Stage {
        let directory = tempfile::Builder::new().prefix("custos-test-").tempdir().unwrap();
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(mode)).unwrap();
        fs::create_dir(directory.path().join("plugins")).unwrap();
        Stage { directory }
    }

    /// The directory.
    pub(crate) fn root(&self) -> &Path {
        self.directory.path()
    }

    /// A path in the directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The same as text.
    pub(crate) fn shown(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// Writes a file that everybody may read, replacing it as a whole.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        self.write_with_mode(name, text, 0o644)
    }

    /// Writes a file that only its owner may read.
    pub(crate) fn write_secret(&self, name: &str, text: &str) -> PathBuf {
        self.write_with_mode(name, text, 0o600)
    }

    fn write_with_mode(&self, name: &str, text: &str, mode: u32) -> PathBuf {
        let path = self.path(name);
        let aside = self.path("aside");
        fs::write(&aside, text).unwrap();
        fs::set_permissions(&aside, fs::Permissions::from_mode(mode)).unwrap();
        fs::rename(aside, &path).unwrap();
        path
    }

    /// Writes a shell script into `plugins/`.
    pub(crate) fn plugin(&self, name: &str, script: &str) -> PathBuf {
        self.write_with_mode(&format!("plugins/{name}"), &format!("#!/bin/sh\n{script}"), 0o755)
    }

    /// Writes `custos.yaml`: `checks` as the lines under `checks:`, `top` as further keys.
    pub(crate) fn configure(&self, top: &str, checks: &str) {
        self.write("custos.yaml", &format!("store: store\nplugins: plugins\n{top}\nchecks:\n{checks}"));
    }

    /// `custos` with arguments and `--config`, to be started.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = custos(arguments);
        command.arg("--config").arg(self.path("custos.yaml"));
        command
    }

    /// Runs `custos` with arguments and `--config`.
    pub(crate) fn custos(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Stores runs, a JSON object a line, in the directory `store`.
    pub(crate) fn import(&self, runs: &str) {
        let mut import = custos(&["store", "import", "store"])
            .current_dir(self.root())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        import.stdin.take().unwrap().write_all(runs.trim_start().as_bytes()).unwrap();
        assert!(import.wait().unwrap().success());
    }

    /// The stored runs of a check, oldest first.
    pub(crate) fn history(&self, check: &str) -> Vec<Value> {
        let output = self.custos(&["history", check, "--all", "--json"]);
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Waits until a check has that many runs, and returns them, oldest first.
    pub(crate) fn runs(&self, check: &str, count: usize) -> Vec<Value> {
        wait_for(&format!("{count} runs of {check}"), || {
            let history = self.history(check);
            (history.len() >= count).then_some(history)
        })
    }

    /// Waits until the note of a target says that it acknowledged something, so that a kill cannot have it told again.
    pub(crate) fn noted_as_told(&self, target: &str) {
        let note = self.path(&format!("store/notify-target-{target}.note"));
        wait_for(&format!("the note of {target}"), || {
            let noted = fs::read(&note).ok()?;
            String::from_utf8_lossy(&noted).contains("\"last_success_ms\":").then_some(())
        });
    }

    /// Starts the agent; its log goes to the file `log`.
    pub(crate) fn start(&self) -> Daemon {
        Daemon::start(&mut self.command(&["run"]), &self.path("log"))
    }

    /// Starts the agent with a stderr of the test's own.
    pub(crate) fn start_with_log(&self, stderr: impl Into<Stdio>) -> Daemon {
        Daemon::start_with(self.command(&["run"]).stderr(stderr), &self.path("log"))
    }
}
