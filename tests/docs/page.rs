//! What a page shows, and the rules for showing it.
//!
//! Every block of code is fenced, and its first word says what it is:
//!
//! - `console`: a session. `$ COMMAND`, lines that begin with `> ` to continue it, and then what it prints. A command
//!   that fails is followed by `$ echo $?`.
//! - `console not-run`: commands that no test can run, of the kinds in [`NOT_RUN`].
//! - `yaml`: a configuration, or its keys at the top; `yaml checks`: what stands below `checks:`; `yaml check`: keys of
//!   one check; `yaml of-others`: a file of another program.
//! - `cfg`, `ini`, `toml`: a file of another program; `json`: what is parsed as JSON; `text`: neither commands nor a file.
//!
//! `file=PATH` writes what stands in a block to that path of the machine, `program=PATH` makes it a program. A comment
//! `<!-- machine: NAME -->` begins a new machine for what follows.

use std::fs;
use std::path::{Path, PathBuf};

/// The first words of commands that no test can run.
pub(crate) const NOT_RUN: &[&str] = &[
    "aa-enforce",
    "ansible-playbook",
    "apt-get",
    "cargo",
    "crontab",
    "dnf",
    "dpkg",
    "journalctl",
    "scripts/attack",
    "scripts/bench-feeds",
    "scripts/bench-store",
    "scripts/docs",
    "scripts/fleet",
    "scripts/package",
    "scripts/try",
    "scripts/test",
    "ssh",
    "systemctl",
    "tar",
    "usermod",
    "watch",
];

/// A command and what it prints by the page.
#[derive(Debug)]
pub(crate) struct Shown {
    /// Line of the command in the page, from 1.
    pub(crate) line: usize,
    pub(crate) command: String,
    pub(crate) output: Vec<String>,
    /// Line after the command, where the output begins.
    pub(crate) output_line: usize,
    /// Blanks before each line of the block in the page.
    pub(crate) indent: usize,
}

/// How a block of YAML becomes a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fragment {
    Whole,
    Checks,
    Check,
}

/// What a page has in its blocks, in order.
#[derive(Debug)]
pub(crate) enum Item {
    Machine(String),
    Shown(Shown),
    NotRun { line: usize, command: String },
    File { path: String, text: String, program: bool },
    Yaml { line: usize, text: String, fragment: Fragment, path: Option<String> },
}

/// A page, read.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) path: PathBuf,
    /// As it is in messages.
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) items: Vec<Item>,
    /// What is against the rules, with the line.
    pub(crate) wrong: Vec<String>,
}

/// A fenced block.
struct Block<'a> {
    line: usize,
    indent: usize,
    words: Vec<&'a str>,
    lines: Vec<&'a str>,
}

impl Page {
    /// Reads a page by its path from the root of the repository.
    pub(crate) fn read(name: &str) -> Page {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
        Page { path, ..Page::parse(name, &text) }
    }

    /// Reads a page from its text.
    pub(crate) fn parse(name: &str, text: &str) -> Page {
        let mut page = Page {
            path: PathBuf::new(),
            name: name.to_owned(),
            text: text.to_owned(),
            items: Vec::new(),
            wrong: Vec::new(),
        };
        let lines: Vec<&str> = text.lines().collect();
        let mut at = 0;
        while at < lines.len() {
            let line = lines[at];
            let indent = line.len() - line.trim_start().len();
            if let Some(words) = line.trim_start().strip_prefix("```") {
                let end = (at + 1..lines.len()).find(|end| lines[*end].trim() == "```");
                let Some(end) = end else {
                    page.refuse(at, "the block does not end");
                    break;
                };
                let inner = lines[at + 1..end].iter().map(|line| line.get(indent..).unwrap_or_default());
                let words = words.split_whitespace().collect();
                page.block(&Block { line: at + 1, indent, words, lines: inner.collect() });
                at = end;
            } else if let Some(name) =
                line.strip_prefix("<!-- machine: ").and_then(|rest| rest.strip_suffix(" -->"))
            {
                page.items.push(Item::Machine(name.to_owned()));
            } else if indent >= 4 && (at == 0 || lines[at - 1].trim().is_empty()) {
                page.refuse(at, "an indented block says not what it is: fence it");
            }
            at += 1;
        }
        page
    }

    fn refuse(&mut self, at: usize, what: &str) {
        self.wrong.push(format!("{}:{}: {what}", self.name, at + 1));
    }

    fn block(&mut self, block: &Block<'_>) {
        let Some((kind, words)) = block.words.split_first() else {
            return self.refuse(block.line - 1, "a block without a word that says what it is");
        };
        let value = |key: &str| words.iter().find_map(|word| word.strip_prefix(key)).map(str::to_owned);
        let (file, program) = (value("file="), value("program="));
        let known = |word: &&&str| {
            let kinds: &[&str] = match *kind {
                "console" => &["not-run"],
                "yaml" => &["checks", "check", "of-others"],
                _ => &[],
            };
            !kinds.contains(word) && !word.starts_with("file=") && !word.starts_with("program=")
        };
        if let Some(word) = words.iter().find(known) {
            self.refuse(block.line - 1, &format!("a {kind} block has no `{word}`"));
        }
        let text = block.lines.iter().map(|line| format!("{line}\n")).collect::<String>();
        match *kind {
            "console" => self.console(block, words.contains(&"not-run")),
            "yaml" if !words.contains(&"of-others") => {
                let fragment = match words.first() {
                    Some(&"checks") => Fragment::Checks,
                    Some(&"check") => Fragment::Check,
                    _ => Fragment::Whole,
                };
                self.items.push(Item::Yaml { line: block.line, text, fragment, path: file });
            }
            "text" | "cfg" | "ini" | "toml" | "yaml" | "json" | "sh" | "python" => {
                let commands = block.lines.iter().any(|line| line.starts_with("$ "));
                if commands || matches!(*kind, "sh" | "python") && program.is_none() {
                    self.refuse(
                        block.line - 1,
                        &format!("commands in a {kind} block are not run: use console"),
                    );
                }
                if *kind == "json" {
                    self.json(block, &text);
                }
                if let Some(path) = program.clone().or(file) {
                    self.items.push(Item::File { path, text, program: program.is_some() });
                }
            }
            _ => self.refuse(block.line - 1, &format!("no block may be of the kind `{kind}`")),
        }
    }

    fn json(&mut self, block: &Block<'_>, text: &str) {
        let values = serde_json::Deserializer::from_str(text).into_iter::<serde_json::Value>();
        if let Some(error) = values.filter_map(Result::err).next() {
            self.refuse(block.line - 1, &format!("not JSON: {error}"));
        }
    }

    fn console(&mut self, block: &Block<'_>, not_run: bool) {
        let mut at = 0;
        while at < block.lines.len() {
            let line = block.line + at + 1;
            let Some(command) = block.lines[at].strip_prefix("$ ") else {
                return self.refuse(line - 1, "output before the first command");
            };
            let mut command = command.to_owned();
            at += 1;
            while let Some(more) = block.lines.get(at).and_then(|line| line.strip_prefix("> ")) {
                command.push('\n');
                command.push_str(more);
                at += 1;
            }
            let output_line = block.line + at + 1;
            let from = at;
            while block.lines.get(at).is_some_and(|line| !line.starts_with("$ ")) {
                at += 1;
            }
            let output: Vec<String> = block.lines[from..at].iter().map(|&line| line.to_owned()).collect();
            if not_run {
                self.not_run(line, command, &output);
            } else {
                let indent = block.indent;
                self.items.push(Item::Shown(Shown { line, command, output, output_line, indent }));
            }
        }
    }

    fn not_run(&mut self, line: usize, command: String, output: &[String]) {
        let first = command.split_whitespace().next().unwrap_or_default();
        if !NOT_RUN.contains(&first) {
            self.refuse(line - 1, &format!("`{first}` is none of the commands that may go without a run"));
        }
        if !output.is_empty() {
            self.refuse(line - 1, "output that no run has printed");
        }
        self.items.push(Item::NotRun { line, command });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(text: &str) -> Vec<String> {
        Page::parse("page.md", text).wrong
    }

    #[test]
    fn what_could_go_without_a_run_is_refused() {
        for (text, named) in [
            ("    custos status\n", "page.md:1: an indented block"),
            ("text\n\n    custos status\n", "page.md:3: an indented block"),
            ("```\ncustos status\n```\n", "page.md:1: a block without a word"),
            ("```sh\ncustos status\n```\n", "page.md:1: commands in a sh block are not run"),
            ("```bash\ncustos status\n```\n", "page.md:1: no block may be of the kind `bash`"),
            ("```text\n$ custos status\n```\n", "page.md:1: commands in a text block are not run"),
            ("```console\ncustos status\n```\n", "page.md:2: output before the first command"),
            ("```console ignore\n$ custos status\n```\n", "page.md:1: a console block has no `ignore`"),
            ("```console not-run\n$ custos status\n```\n", "page.md:2: `custos` is none of the commands"),
            ("```console not-run\n$ apt-get x\ndone\n```\n", "page.md:2: output that no run has printed"),
            ("```yaml other\na: b\n```\n", "page.md:1: a yaml block has no `other`"),
            ("```json\n{\"a\": }\n```\n", "page.md:1: not JSON"),
            ("```console\n$ custos status\n", "page.md:1: the block does not end"),
        ] {
            let wrong = wrong(text);
            assert!(wrong.len() == 1 && wrong[0].starts_with(named), "{text:?}: {wrong:?}");
        }
    }

    #[test]
    fn a_session_is_commands_with_what_they_print() {
        let text = "1. a list\n\n   ```console\n   $ cat <<END\n   > a\n   > END\n   a\n   $ echo $?\n   0\n   ```\n";
        let page = Page::parse("page.md", text);
        assert_eq!(page.wrong, Vec::<String>::new());
        let [Item::Shown(cat), Item::Shown(echo)] = &page.items[..] else { panic!("{:?}", page.items) };
        assert_eq!((cat.line, cat.command.as_str(), cat.output_line), (4, "cat <<END\na\nEND", 7));
        assert_eq!((cat.output.as_slice(), cat.indent), (&["a".to_owned()][..], 3));
        assert_eq!((echo.command.as_str(), echo.output.as_slice()), ("echo $?", &["0".to_owned()][..]));
    }

    #[test]
    fn files_configurations_and_machines_are_found() {
        let text = "<!-- machine: night -->\n```yaml checks\na: {}\n```\n```sh program=/usr/local/bin/x\n#!/bin/sh\n```\n\
                    ```console not-run\n$ apt-get install x\n```\n```yaml of-others\na: b\n```\n";
        let page = Page::parse("page.md", text);
        assert_eq!(page.wrong, Vec::<String>::new());
        let [
            Item::Machine(name),
            Item::Yaml { fragment, .. },
            Item::File { path, program, .. },
            Item::NotRun { .. },
        ] = &page.items[..]
        else {
            panic!("{:?}", page.items)
        };
        assert_eq!((name.as_str(), *fragment), ("night", Fragment::Checks));
        assert_eq!((path.as_str(), *program), ("/usr/local/bin/x", true));
    }
}
