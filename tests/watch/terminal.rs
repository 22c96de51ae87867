//! A terminal of tmux that a program runs in, by a server of its own.

use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::stage::{PROGRAM, Stage, children, text, wait_for};

/// The terminal. Its server ends with it.
pub(crate) struct Terminal {
    socket: PathBuf,
    /// Where the exit status of the program is, once it has ended. tmux does not always notice.
    status: PathBuf,
    size: (u16, u16),
}

impl Terminal {
    /// A terminal so wide and high in which `custos` runs with these words, and these variables before them.
    pub(crate) fn start(
        stage: &Stage,
        size: (u16, u16),
        variables: &[(&str, &str)],
        words: &[&str],
    ) -> Terminal {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        // No server ends as soon as it says so.
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let (socket, status) = (stage.path(&format!("tmux{number}")), stage.path(&format!("status{number}")));
        let terminal = Terminal { socket, status, size };
        let quoted = |word: &&str| format!("'{}'", word.replace('\'', r"'\''"));
        let mut line = String::from("env");
        for (name, value) in variables {
            line += &format!(" {name}={}", quoted(value));
        }
        line += &format!(" {PROGRAM}");
        words.iter().for_each(|word| line += &format!(" {}", quoted(word)));
        line += &format!("; echo $? >{}", terminal.status.display());
        let (columns, lines) = (size.0.to_string(), size.1.to_string());
        // What the program says at its end stays on the screen.
        let config = stage.write("tmux.conf", "set -g remain-on-exit on\nset -g status off\n");
        let config = config.display().to_string();
        terminal.tmux(&["-f", &config, "new-session", "-d", "-x", &columns, "-y", &lines, &line]);
        terminal
    }

    fn tmux(&self, words: &[&str]) -> String {
        let mut command = Command::new("tmux");
        command.env("LC_ALL", "C.UTF-8").env_remove("TMUX").arg("-S").arg(&self.socket).args(words);
        let output = command.output().expect("tmux, which scripts/test installs");
        assert!(output.status.success(), "tmux {words:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    /// What is on the screen now.
    pub(crate) fn screen(&self) -> String {
        let screen = self.tmux(&["capture-pane", "-p"]);
        assert!(screen.lines().all(|line| line.chars().count() <= usize::from(self.size.0)), "{screen}");
        screen
    }

    /// All that was ever on it, but for what programs that fill it showed.
    pub(crate) fn history(&self) -> String {
        self.tmux(&["capture-pane", "-p", "-J", "-S", "-"])
    }

    /// Waits for a screen of which this is true.
    pub(crate) fn wait(&self, what: &str, is_there: impl Fn(&str) -> bool) -> String {
        let mut last = String::new();
        let found = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            wait_for(what, || {
                last = self.screen();
                is_there(&last).then(|| last.clone())
            })
        }));
        found.unwrap_or_else(|_| panic!("waited for {what}; there is\n{last}"))
    }

    /// Types keys, by tmux's names.
    pub(crate) fn keys(&self, keys: &[&str]) {
        self.tmux(&[&["send-keys"], keys].concat());
    }

    /// Gives the terminal another size.
    pub(crate) fn resize(&mut self, size: (u16, u16)) {
        self.size = (self.size.0.max(size.0), size.1);
        self.tmux(&["resize-window", "-x", &size.0.to_string(), "-y", &size.1.to_string()]);
    }

    /// The process of the program.
    pub(crate) fn pid(&self) -> i32 {
        let shell = self.tmux(&["display-message", "-p", "#{pane_pid}"]).trim().parse().unwrap();
        children(shell)[0]
    }

    /// The process that takes what the program writes.
    pub(crate) fn reader_pid(&self) -> i32 {
        self.tmux(&["display-message", "-p", "#{pid}"]).trim().parse().unwrap()
    }

    /// Waits for the end of the program, and returns its exit status as a shell has it.
    pub(crate) fn ended(&self) -> String {
        wait_for("the program to end", || {
            let status = std::fs::read_to_string(&self.status).ok()?;
            status.strip_suffix('\n').map(str::to_owned)
        })
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It is gone already where the test stopped it.
        let _ = Command::new("tmux").arg("-S").arg(&self.socket).arg("kill-server").output();
    }
}
