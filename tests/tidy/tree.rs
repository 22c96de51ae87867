//! The files of the repository, from the disk or made up by a test.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::lexer::{self, Comment, Token};

/// Directories that hold nothing of the project's own text.
const SKIPPED: [&str; 4] = ["target", ".git", "corpus", "artifacts"];

/// Text files by their path from the root, with `/` between names.
#[derive(Default)]
pub(crate) struct Tree {
    pub(crate) files: BTreeMap<String, String>,
}

/// A Rust file.
pub(crate) struct Source {
    pub(crate) path: String,
    /// Tokens outside of `#[cfg(test)]` items.
    pub(crate) tokens: Vec<Token>,
    /// All tokens.
    pub(crate) all: Vec<Token>,
    pub(crate) comments: Vec<Comment>,
    /// Modules that are declared under `#[cfg(test)]` in files of their own.
    pub(crate) test_modules: Vec<String>,
    /// Lines before the tests.
    pub(crate) len: usize,
}

impl Tree {
    /// The repository.
    pub(crate) fn of_repository() -> Tree {
        let mut tree = Tree::default();
        tree.add(Path::new(env!("CARGO_MANIFEST_DIR")), "");
        tree
    }

    fn add(&mut self, directory: &Path, prefix: &str) {
        for entry in fs::read_dir(directory).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let path = format!("{prefix}{name}");
            let kind = entry.file_type().unwrap();
            if kind.is_dir() && !SKIPPED.contains(&name.as_str()) {
                self.add(&entry.path(), &format!("{path}/"));
            } else if kind.is_file() {
                // What is no text matters only by its existence.
                let text = fs::read_to_string(entry.path()).unwrap_or_default();
                self.files.insert(path, text);
            }
        }
    }

    /// Every Rust file.
    pub(crate) fn sources(&self) -> Vec<Source> {
        let rust = self.files.iter().filter(|(path, _)| path.ends_with(".rs"));
        rust.map(|(path, text)| Source::read(path, text)).collect()
    }
}

impl Source {
    fn read(path: &str, text: &str) -> Source {
        let (all, comments) = lexer::read(text);
        let (mut tokens, mut test_modules) = (Vec::new(), Vec::new());
        let mut len = text.lines().count();
        let mut at = 0;
        while at < all.len() {
            if is_cfg_test(&all[at..]) {
                let end = item_end(&all, at);
                if let [.., name, semicolon] = &all[at..end]
                    && semicolon.is(";")
                    && all[at..end].iter().any(|token| token.is("mod"))
                {
                    test_modules.extend(name.word().map(str::to_owned));
                } else if all[at..end].iter().any(|token| token.is("mod")) {
                    len = len.min(all[at].line - 1);
                }
                at = end;
            } else {
                tokens.push(all[at].clone());
                at += 1;
            }
        }
        Source { path: path.to_owned(), tokens, all, comments, test_modules, len }
    }
}

fn is_cfg_test(tokens: &[Token]) -> bool {
    let pattern = ["#", "[", "cfg", "(", "test", ")", "]"];
    tokens.len() >= pattern.len() && pattern.iter().zip(tokens).all(|(text, token)| token.is(text))
}

/// Where the item ends that begins with attributes at `start`: behind its `;` or its braces.
fn item_end(tokens: &[Token], start: usize) -> usize {
    let mut at = start;
    while tokens.get(at).is_some_and(|token| token.is("#")) {
        at = matching(tokens, at + 1);
    }
    while let Some(token) = tokens.get(at) {
        if token.is(";") {
            return at + 1;
        }
        if token.is("{") {
            return matching(tokens, at);
        }
        at += 1;
    }
    at
}

/// The index behind the bracket that closes the one at `open`.
pub(crate) fn matching(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match () {
            () if ["{", "(", "["].iter().any(|sign| token.is(sign)) => depth += 1,
            () if ["}", ")", "]"].iter().any(|sign| token.is(sign)) => depth -= 1,
            () => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    tokens.len()
}
