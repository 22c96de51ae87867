//! A pane of a tmux of the test's own.

use std::fs;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::stage::{Stage, custos, text, wait_for};

/// Panes that were started by this process.
static PANES: AtomicU32 = AtomicU32::new(0);

/// A tmux with one pane, in which a shell runs. It is ended with the test.
pub(crate) struct Pane {
    socket: String,
}

impl Pane {
    /// A shell that can show these characters, in a pane of this size, with the directory of a stage.
    pub(crate) fn start(stage: &Stage, (columns, lines): (u16, u16), locale: &str) -> Pane {
        // One that is ending still has its socket.
        let number = PANES.fetch_add(1, Ordering::Relaxed);
        let pane = Pane { socket: stage.shown(&format!("tmux{number}")) };
        let size = [columns.to_string(), lines.to_string()];
        let variables = [format!("LC_ALL={locale}"), "TZ=UTC".to_owned(), "PS1=$ ".to_owned()];
        let new = ["-f", "/dev/null", "new-session", "-d", "-x", &size[0], "-y", &size[1]];
        let shell =
            [&["env"][..], &variables.each_ref().map(String::as_str), &["bash", "--norc", "-i"]].concat();
        let started = Command::new("tmux")
            .args(["-S", &pane.socket, "-u"])
            .args(new)
            .args(shell)
            .current_dir(stage.root())
            .env("TERM", "screen-256color")
            .output()
            .unwrap();
        assert!(started.status.success(), "tmux: {}", text(&started.stderr));
        pane.wait("a prompt", |shown| shown.contains('$'));
        pane
    }

    fn tmux(&self, arguments: &[&str]) -> Output {
        Command::new("tmux").arg("-S").arg(&self.socket).args(arguments).output().unwrap()
    }

    /// Types a line for the shell: this `custos`, with arguments.
    pub(crate) fn type_custos(&self, arguments: &str) {
        let program = custos(&[]).get_program().to_str().unwrap().to_owned();
        self.keys(&[&format!("{program} {arguments}"), "Enter"]);
    }

    /// The same at a time at which the clock stands still, of UTC.
    pub(crate) fn type_custos_at(&self, time: &str, arguments: &str) {
        let library = fs::read_dir("/usr/lib").unwrap().find_map(|entry| {
            let library = entry.ok()?.path().join("faketime/libfaketime.so.1");
            library.exists().then_some(library)
        });
        let library = library.expect("libfaketime is installed").display().to_string();
        self.keys(&["export FAKETIME_DONT_FAKE_MONOTONIC=1 FAKETIME_DISABLE_SHM=1 NO_FAKE_STAT=1", "Enter"]);
        self.keys(&[&format!("export FAKETIME='{time}' LD_PRELOAD={library}"), "Enter", "clear", "Enter"]);
        self.type_custos(arguments);
    }

    /// Presses keys, by tmux's names, or types texts.
    pub(crate) fn keys(&self, keys: &[&str]) {
        for key in keys {
            let sent = self.tmux(&["send-keys", key]);
            assert!(sent.status.success(), "{key}: {}", text(&sent.stderr));
        }
    }

    /// Gives the pane another size.
    pub(crate) fn resize(&self, columns: u16, lines: u16) {
        self.tmux(&["resize-window", "-x", &columns.to_string(), "-y", &lines.to_string()]);
    }

    /// What the pane shows.
    pub(crate) fn shown(&self) -> String {
        text(&self.tmux(&["capture-pane", "-p"]).stdout)
    }

    /// The same with its colours, as escape sequences.
    pub(crate) fn coloured(&self) -> String {
        text(&self.tmux(&["capture-pane", "-p", "-e"]).stdout)
    }

    /// Waits until the pane shows something.
    pub(crate) fn wait(&self, what: &str, is_there: impl Fn(&str) -> bool) -> String {
        let _told = Told(self);
        wait_for(what, || Some(self.shown()).filter(|shown| is_there(shown)))
    }

    /// What tmux says of the pane, in its own format.
    pub(crate) fn format(&self, format: &str) -> String {
        text(&self.tmux(&["display-message", "-p", format]).stdout).trim().to_owned()
    }

    /// The process of the shell.
    pub(crate) fn shell(&self) -> i32 {
        self.format("#{pane_pid}").parse().unwrap()
    }
}

/// Prints what a pane shows if a test fails meanwhile.
struct Told<'a>(&'a Pane);

impl Drop for Told<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the pane shows:\n{}", self.0.shown());
        }
    }
}

impl Drop for Pane {
    fn drop(&mut self) {
        self.tmux(&["kill-server"]);
    }
}
