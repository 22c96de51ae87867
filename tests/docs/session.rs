//! Runs what a page shows, one machine after the other, and compares.

use std::fs;
use std::process::{Child, Command, Stdio};

use crate::compare;
use crate::night;
use crate::page::{Fragment, Item, Page, Shown};
use crate::stage::{PROGRAM, Stage, as_root, text, wait_for};

/// The machine of a page that names none.
const USUAL: &str = "packaged";
/// What a fragment of a configuration is put below.
const CHECKS: &str = "checks:\n";
const CHECK: &str = "checks:\n  example:\n";

/// What a command on the machine is there for.
enum Step<'a> {
    Shown(&'a Shown),
    /// It has to succeed; what it does stands at this line.
    Needed(usize),
}

/// Lines of a page and what takes their place.
struct Correction {
    from: usize,
    count: usize,
    lines: Vec<String>,
}

/// Runs a page. Panics with all that is wrong.
pub(crate) fn hold(page: &Page) {
    let mut wrong = page.wrong.clone();
    let mut corrections = Vec::new();
    let mut machine = USUAL;
    let mut items: Vec<&Item> = Vec::new();
    for item in page.items.iter().chain([&Item::Machine(String::new())]) {
        match item {
            Item::Machine(next) => {
                run(page, machine, &items, &mut wrong, &mut corrections);
                items.clear();
                machine = next;
            }
            Item::NotRun { line, command } => eprintln!("{}:{line}: not run: {command}", page.name),
            other => items.push(other),
        }
    }
    if std::env::var_os("CUSTOS_DOCS_WRITE").is_some() {
        correct(page, &corrections);
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

/// Puts what was printed into the page.
fn correct(page: &Page, corrections: &[Correction]) {
    let mut lines: Vec<String> = page.text.lines().map(str::to_owned).collect();
    for correction in corrections.iter().rev() {
        let from = correction.from - 1;
        lines.splice(from..from + correction.count, correction.lines.iter().cloned());
    }
    fs::write(&page.path, lines.join("\n") + "\n").unwrap();
}

fn run(
    page: &Page,
    machine: &str,
    items: &[&Item],
    wrong: &mut Vec<String>,
    corrections: &mut Vec<Correction>,
) {
    if items.is_empty() {
        return;
    }
    let stage = Stage::new();
    let mut steps = Vec::new();
    for item in items {
        let (command, step) = step(&stage, steps.len() + 1, item);
        steps.push(step);
        stage.write(&format!("{}.cmd", steps.len()), &command);
    }
    let failure = machine_runs(&stage, machine);
    for (at, step) in steps.iter().enumerate() {
        let read =
            |ending: &str| fs::read(stage.path(&format!("{}.{ending}", at + 1))).map(|bytes| text(&bytes));
        let Ok(status) = read("status") else {
            wrong.push(format!("{}: the machine {machine} ended: {failure}", page.name));
            return;
        };
        let printed = read("out").unwrap();
        let succeeded = status.trim() == "0";
        match step {
            Step::Needed(line) if !succeeded => wrong.push(format!("{}:{line}:\n{printed}", page.name)),
            Step::Needed(_) => {}
            Step::Shown(shown) => {
                let asked = matches!(steps.get(at + 1), Some(Step::Shown(next)) if next.command == "echo $?");
                if !succeeded && !asked {
                    wrong.push(format!(
                        "{}:{}: `{}` ends with {}; show it with `$ echo $?`",
                        page.name,
                        shown.line,
                        shown.command,
                        status.trim()
                    ));
                }
                wrong.extend(judge(page, shown, &printed, corrections));
            }
        }
    }
}

/// What is wrong with what a page says that a command prints.
fn judge(page: &Page, shown: &Shown, printed: &str, corrections: &mut Vec<Correction>) -> Option<String> {
    let said: Vec<&str> = shown.output.iter().map(String::as_str).collect();
    let lines: Vec<&str> = printed.lines().collect();
    let place = format!("{}:{}: `{}`", page.name, shown.line, shown.command);
    if compare::says_nothing(&said) {
        return Some(format!("{place}: what it prints could be anything"));
    }
    if compare::same(&said, &lines) {
        return None;
    }
    let indented = |line: &&str| format!("{}{}", " ".repeat(shown.indent), line.trim_end());
    corrections.push(Correction {
        from: shown.output_line,
        count: said.len(),
        lines: lines.iter().map(indented).collect(),
    });
    Some(format!("{place}\nprints\n{printed}\nand not\n{}\n", said.join("\n")))
}

/// The command of an item, and what it is there for.
fn step<'a>(stage: &Stage, number: usize, item: &&'a Item) -> (String, Step<'a>) {
    let put = |text: &str, path: &str, mode: u32| {
        stage.write(&format!("{number}.file"), text);
        format!("install -D -m {mode} /session/{number}.file {path}")
    };
    match *item {
        Item::Shown(shown) => (shown.command.clone(), Step::Shown(shown)),
        Item::File { path, text, program } => {
            (put(text, path, if *program { 755 } else { 644 }), Step::Needed(0))
        }
        Item::Yaml { line, text, path: Some(path), .. } => {
            (format!("{} && custos config check", put(text, path, 644)), Step::Needed(*line))
        }
        Item::Yaml { line, text, fragment, path: None } => {
            let path = "/etc/custos/shown.yaml";
            let check = format!("{} && custos config check {path}", put(&whole(text, *fragment), path, 644));
            (check, Step::Needed(*line))
        }
        Item::Machine(_) | Item::NotRun { .. } => unreachable!("they end or leave out a step"),
    }
}

/// The configuration that a fragment is of.
fn whole(text: &str, fragment: Fragment) -> String {
    let below = |head: &str, blanks: usize| {
        let lines = text.lines().map(|line| format!("{}{line}\n", " ".repeat(blanks)));
        format!("{head}{}", lines.collect::<String>())
    };
    match fragment {
        Fragment::Whole => text.to_owned(),
        Fragment::Checks => below(CHECKS, 2),
        Fragment::Check if text.lines().any(|line| line.starts_with("command:")) => below(CHECK, 4),
        Fragment::Check => below(&format!("{CHECK}    command: check_load -w 5 -c 10\n"), 4),
    }
}

/// A machine, which ends with the test that waits for it: `unshare` takes along what runs on it.
struct Machine(Child);

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs the session on a machine; gives what the machine itself had to say.
fn machine_runs(stage: &Stage, machine: &str) -> String {
    as_root();
    night::put(stage, machine);
    let repository = env!("CARGO_MANIFEST_DIR");
    let script = format!("{repository}/tests/docs/machine.sh");
    let log = fs::File::create(stage.path("machine.log")).unwrap();
    let child = Command::new("unshare")
        .args(["--mount", "--net", "--uts", "--pid", "--fork", "--kill-child", &script])
        .args([machine, repository, PROGRAM])
        .arg(stage.root())
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap();
    let mut machine = Machine(child);
    wait_for("the session of a page", || machine.0.try_wait().unwrap());
    text(&fs::read(stage.path("machine.log")).unwrap())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(text: &str) -> Vec<String> {
        let page = Page::parse("page.md", text);
        let mut wrong = Vec::new();
        let items: Vec<&Item> = page.items.iter().collect();
        run(&page, USUAL, &items, &mut wrong, &mut Vec::new());
        wrong
    }

    #[test]
    fn what_a_page_says_wrongly_is_found() {
        for (text, named) in [
            ("```console\n$ echo a\nb\n```\n", "page.md:2: `echo a`\nprints\na"),
            ("```console\n$ echo a\n…\n```\n", "page.md:2: `echo a`: what it prints could be anything"),
            ("```console\n$ echo a\n```\n", "page.md:2: `echo a`\nprints\na"),
            ("```console\n$ false\n```\n", "page.md:2: `false` ends with 1"),
            (
                "```console\n$ custos statsu\n…\nFor more information, try '--help'.\n```\n",
                "page.md:2: `custos statsu` ends with 2",
            ),
            ("```yaml\nchekcs: {}\n```\n", "page.md:1:\n"),
            ("```yaml checks\nload: { comand: check_load }\n```\n", "page.md:1:\n"),
        ] {
            let wrong = wrong(text);
            assert!(wrong.len() == 1 && wrong[0].starts_with(named), "{text}: {wrong:?}");
        }
    }

    #[test]
    fn what_a_page_says_rightly_passes() {
        let text = "```sh program=/usr/local/bin/hello\n#!/bin/sh\necho hello\n```\n\
                    ```console\n$ hello >/tmp/a\n$ cat /tmp/a\nhello\n$ false\n$ echo $?\n1\n$ date +%F\n2026-11-27\n```\n\
                    ```yaml check\ncheck_interval: 10s\n```\n";
        assert_eq!(wrong(text), Vec::<String>::new());
    }
}
