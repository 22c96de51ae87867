//! The start as root: paths through directories of the plugins' user, and what is inherited.

use std::fs;
use std::net::TcpStream;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, lchown, symlink};
use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::PLUGINS;
use crate::stage::{Daemon, PROGRAM, Running, Stage, as_root, custos, free_port, python, wait_for};

/// What `custos nrpe` as root is started with: files below `home`, which belongs to the user that it becomes.
struct Start {
    stage: Stage,
    port: String,
}

impl Start {
    fn new() -> Start {
        as_root();
        let stage = Stage::new();
        for name in ["home", "roots", "roots/store"] {
            fs::create_dir(stage.path(name)).unwrap();
        }
        chown(stage.path("home"), Some(PLUGINS), Some(PLUGINS)).unwrap();
        Start { stage, port: free_port().to_string() }
    }

    /// Starts the listener with a store there.
    fn start(&self, store: &str, lines: &str) -> Daemon {
        let config = format!(
            "server_address=127.0.0.1\nserver_port={}\nnrpe_user={PLUGINS}\nnrpe_group={PLUGINS}\n\
             disable_syslog=1\ncommand[umask]=umask\n{}",
            self.port,
            lines.replace("%d", &self.stage.root().display().to_string())
        );
        self.stage.write("nrpe.cfg", &config);
        let mut command = custos(&["nrpe", "-f", "-n"]);
        command.arg("-c").arg(self.stage.path("nrpe.cfg")).arg("--store").arg(self.stage.path(store));
        Daemon::start(&mut command, &self.stage.path("log"))
    }

    fn is_up(&self) {
        wait_for("the listener", || TcpStream::connect(format!("127.0.0.1:{}", self.port)).ok());
    }

    /// A link of the plugins' user.
    fn link(&self, name: &str, target: &str) {
        symlink(self.stage.path(target), self.stage.path(name)).unwrap();
        lchown(self.stage.path(name), Some(PLUGINS), Some(PLUGINS)).unwrap();
    }

    /// Nothing was made in the directory of root, and nothing in it was given away.
    fn assert_roots_is_untouched(&self) {
        let found: Vec<_> =
            fs::read_dir(self.stage.path("roots")).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(found, ["store"], "{found:?}");
        for name in ["roots", "roots/store"] {
            assert_eq!(fs::metadata(self.stage.path(name)).unwrap().uid(), 0, "{name}");
        }
        assert_eq!(fs::read_dir(self.stage.path("roots/store")).unwrap().count(), 0);
    }
}

#[test]
fn root_is_led_nowhere_by_links_of_the_user_that_it_becomes() {
    let start = Start::new();
    start.link("home/logs", "roots");
    start.link("home/var", "roots");
    start.link("home/data", "roots");
    let log = "log_file=%d/home/logs/nrpe.log\n";
    let agent = start.start("home/data/history", log);
    start.is_up();
    agent.kill();
    start.assert_roots_is_untouched();
    let mut agent = start.start("home/data/history", "pid_file=%d/home/var/nrpe.pid\n");
    assert!(!agent.wait().success());
    start.assert_roots_is_untouched();
    // A link in the place of the store itself, to a directory that is there.
    start.link("home/store", "roots/store");
    let agent = start.start("home/store", "");
    start.is_up();
    agent.kill();
    start.assert_roots_is_untouched();
}

#[test]
fn what_is_made_in_a_directory_of_the_user_is_the_users() {
    let start = Start::new();
    let lines = "log_file=%d/home/nrpe.log\npid_file=%d/home/nrpe.pid\n";
    let agent = start.start("home/history", lines);
    start.is_up();
    wait_for("a log", || fs::metadata(start.stage.path("home/history/lock")).ok());
    for (name, mode) in
        [("history", 0o750), ("history/lock", 0o600), ("nrpe.log", 0o644), ("nrpe.pid", 0o644)]
    {
        let entry = fs::metadata(start.stage.path("home").join(name)).unwrap();
        assert_eq!((entry.uid(), entry.mode() & 0o777), (PLUGINS, mode), "{name}");
    }
    assert!(agent.end().success());
    assert!(!start.stage.path("home/nrpe.pid").exists());
}

#[test]
fn a_directory_that_is_exchanged_while_root_starts_gives_nothing_away() {
    let start = Start::new();
    // Puts links in the place of directories, over and over.
    let program = r#"
import os, sys
home, roots = sys.argv[1] + "/home", sys.argv[1] + "/roots"
print("ready", flush=True)
while True:
    for name in ("store", "var"):
        path = os.path.join(home, name)
        try:
            os.rename(path, path + ".away")
        except OSError:
            pass
        try:
            os.symlink(roots, path)
            os.unlink(path)
            os.rename(path + ".away", path)
        except OSError:
            pass
"#;
    let mut command = Command::new(python());
    command.args(["-c", program]).arg(start.stage.root()).uid(PLUGINS).gid(PLUGINS);
    let exchanger = Running::start(command.stdout(std::process::Stdio::null()));
    for _ in 0..20 {
        let agent =
            start.start("home/store", "pid_file=%d/home/var/nrpe.pid\nlog_file=%d/home/var/nrpe.log\n");
        wait_for("the start or its end", || {
            let up = TcpStream::connect(format!("127.0.0.1:{}", start.port)).is_ok();
            (up || agent.log().contains("nrpe: ")).then_some(())
        });
        agent.kill();
        let _ = fs::remove_file(start.stage.path("log"));
    }
    drop(exchanger);
    let roots = fs::metadata(start.stage.path("roots")).unwrap();
    assert_eq!((roots.uid(), roots.mode() & 0o777), (0, 0o755));
    start.assert_roots_is_untouched();
}

#[test]
fn a_umask_that_lets_everybody_write_is_not_handed_on() {
    as_root();
    let stage = Stage::new();
    stage.plugin("umask", "umask");
    stage.configure("defaults: { check_interval: 200ms }", "  umask: { command: umask }\n");
    for (given, kept) in [("0", "0022"), ("020", "0022"), ("002", "0002"), ("077", "0077")] {
        let line = format!("umask {given}; exec \"$@\"");
        let mut command = Command::new("/bin/sh");
        command.args(["-c", &line, "sh", PROGRAM, "run", "--config"]);
        command.arg(stage.path("custos.yaml"));
        let agent = Daemon::start(&mut command, &stage.path("log"));
        let before = stage.history("umask").len();
        let runs = stage.runs("umask", before + 1);
        assert_eq!(runs.last().unwrap()["text"], kept, "{given}");
        assert!(agent.end().success());
        for entry in fs::read_dir(stage.path("store")).unwrap() {
            let entry = entry.unwrap();
            assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o027, 0, "{:?}", entry.file_name());
        }
        fs::remove_dir_all(stage.path("store")).unwrap();
    }
}
