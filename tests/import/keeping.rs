//! A directory with files and a store.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::stage::{custos, text};

/// A directory of its own, in which commands run.
pub(crate) struct Keeping {
    directory: tempfile::TempDir,
}

impl Keeping {
    pub(crate) fn new() -> Keeping {
        Keeping { directory: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    /// `custos import` of these words into the store of this directory.
    pub(crate) fn import(&self, words: &[&str]) -> Output {
        let mut command = custos(&["import"]);
        command.args(words).args(["--store", "store"]).current_dir(self.directory.path());
        command.output().unwrap()
    }

    /// The same, which succeeds; what it prints.
    pub(crate) fn imported(&self, words: &[&str]) -> String {
        let output = self.import(words);
        assert!(output.status.success(), "{words:?}: {}{}", text(&output.stdout), text(&output.stderr));
        text(&output.stdout)
    }

    /// Another command on that store, which succeeds; what it prints.
    pub(crate) fn custos(&self, words: &[&str]) -> String {
        let mut command = custos(words);
        let output = command.current_dir(self.directory.path()).output().unwrap();
        assert!(output.status.success(), "{words:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    /// All runs of a check in the store, as `custos store export` has them.
    pub(crate) fn runs(&self, check: &str) -> Vec<Value> {
        let lines = self.custos(&["store", "export", "store", "--check", check]);
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The names of the checks in the store.
    pub(crate) fn checks(&self) -> Vec<String> {
        let lines = self.custos(&["store", "export", "store"]);
        let of =
            |line: &str| serde_json::from_str::<Value>(line).unwrap()["check"].as_str().unwrap().to_owned();
        let mut checks: Vec<String> = lines.lines().map(of).collect();
        checks.sort();
        checks.dedup();
        checks
    }

    /// A program of another system in this directory, which succeeds; what it prints.
    pub(crate) fn run(&self, program: &str, words: &[&str]) -> String {
        let mut command = Command::new(program);
        command.args(words).env("TZ", "UTC").stdin(Stdio::null()).current_dir(self.directory.path());
        let output =
            command.output().unwrap_or_else(|error| panic!("{program} (scripts/test installs it): {error}"));
        assert!(output.status.success(), "{program} {words:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }
}

impl AsRef<Path> for Keeping {
    fn as_ref(&self) -> &Path {
        self.directory.path()
    }
}
