//! A directory with a configuration, plugins and a store, and the `custos` that works in it.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long an event is waited for. Far longer than it takes, so that a slow machine fails no test.
const PATIENCE: Duration = Duration::from_secs(120);

/// A directory that is removed in the end.
pub(crate) struct World {
    directory: tempfile::TempDir,
}

impl World {
    /// A directory with `plugins/` and nothing else.
    pub(crate) fn new() -> World {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("plugins")).unwrap();
        World { directory }
    }

    /// A path in the directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a file, replacing it as a whole.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        let aside = self.path("aside");
        fs::write(&aside, text).unwrap();
        fs::rename(aside, &path).unwrap();
        path
    }

    /// Writes a shell script into `plugins/`.
    pub(crate) fn plugin(&self, name: &str, script: &str) {
        let path = self.write(&format!("plugins/{name}"), &format!("#!/bin/sh\n{script}"));
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Writes `custos.yaml`: `checks` as the lines under `checks:`, `top` as further keys.
    pub(crate) fn configure(&self, top: &str, checks: &str) {
        self.write("custos.yaml", &format!("store: store\nplugins: plugins\n{top}\nchecks:\n{checks}"));
    }

    /// `custos` with arguments and `--config`.
    pub(crate) fn custos(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_custos"))
            .args(arguments)
            .arg("--config")
            .arg(self.path("custos.yaml"))
            .env("NO_COLOR", "1")
            .env("TZ", "UTC")
            .output()
            .unwrap()
    }

    /// The stored runs of a check, oldest first.
    pub(crate) fn history(&self, check: &str) -> Vec<Value> {
        let output = self.custos(&["history", check, "--json"]);
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Starts the daemon; its log goes to a file of the directory.
    pub(crate) fn start(&self) -> Daemon {
        let log = self.path("log");
        let file = File::options().create(true).append(true).open(&log).unwrap();
        self.start_with_log(file)
    }

    /// Starts the daemon with a stderr of the test's own; its log is then not to be had.
    pub(crate) fn start_with_log(&self, stderr: impl Into<Stdio>) -> Daemon {
        let child = Command::new(env!("CARGO_BIN_EXE_custos"))
            .args(["run", "--config"])
            .arg(self.path("custos.yaml"))
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(stderr)
            .spawn()
            .unwrap();
        Daemon { child, log: self.path("log") }
    }
}

/// A running daemon. Dropped, it is killed.
pub(crate) struct Daemon {
    child: Child,
    log: PathBuf,
}

impl Daemon {
    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal by number.
    pub(crate) fn signal(&self, signal: nix::sys::signal::Signal) {
        let pid = i32::try_from(self.child.id()).unwrap();
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), signal).unwrap();
    }

    /// Kills it with no chance to tidy up.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Ends it with SIGTERM.
    pub(crate) fn end(mut self) -> ExitStatus {
        self.signal(nix::sys::signal::Signal::SIGTERM);
        wait_for("the daemon to end", || self.child.try_wait().unwrap())
    }

    /// All that it has logged so far.
    pub(crate) fn log(&self) -> String {
        text(&fs::read(&self.log).unwrap_or_default())
    }

    /// `true` until it has ended.
    pub(crate) fn is_alive(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the daemon's log:\n{}", self.log());
        }
        // It may have ended already, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks again and again until there is an answer.
#[allow(clippy::disallowed_methods)]
pub(crate) fn wait_for<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Bytes as text.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The lines of a file, none if it is not there.
pub(crate) fn lines(path: &Path) -> Vec<String> {
    fs::read_to_string(path).unwrap_or_default().lines().map(str::to_owned).collect()
}
