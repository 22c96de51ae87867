//! Commands that stand within sentences: they are not run, but their words and options must exist.

use std::collections::BTreeMap;

use crate::PAGES;
use crate::page::Page;
use crate::stage::{custos, text};

/// Pieces of code within the sentences of a page that begin with `custos `, with their line.
fn commands(page: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut fenced = false;
    // A piece may go on in the next line, so the page is read as a whole.
    let mut sentences = String::new();
    for line in page.lines() {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        sentences.push_str(if fenced || fence { "" } else { line });
        sentences.push('\n');
    }
    let mut line = 1;
    for (at, piece) in sentences.split('`').enumerate() {
        if at % 2 == 1 && piece.starts_with("custos ") {
            found.push((line, piece.split_whitespace().collect::<Vec<_>>().join(" ")));
        }
        line += piece.matches('\n').count();
    }
    found
}

/// What is wrong with a command by the help of the program. `helps` keeps what was asked.
fn wrong(command: &str, helps: &mut BTreeMap<String, Option<String>>) -> Option<String> {
    let mut words = command.split(' ').skip(1).peekable();
    let mut path: Vec<&str> = Vec::new();
    let mut help = help_of(&path, helps)?;
    while let Some(word) = words.peek().copied() {
        let choices: Vec<&str> = word.split(['|', '\\']).filter(|choice| !choice.is_empty()).collect();
        let is_word = |word: &&str| word.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        if !help.contains("\nCommands:\n") || !choices.iter().all(is_word) {
            break;
        }
        let unknown = choices.iter().find(|choice| !help.contains(&format!("\n  {choice} ")));
        if let Some(unknown) = unknown {
            return Some(format!("there is no `{unknown}`"));
        }
        path.push(choices[0]);
        help = help_of(&path, helps)?;
        words.next();
    }
    let options = words.map(|word| word.trim_matches(|c: char| "[]|.,;".contains(c)));
    let missing =
        |option: &&str| option.starts_with("--") && !help.contains(option.split('=').next().unwrap());
    options.into_iter().find(missing).map(|option| format!("it has no option {option}"))
}

fn help_of(path: &[&str], helps: &mut BTreeMap<String, Option<String>>) -> Option<String> {
    let key = path.join(" ");
    let ask = || {
        let output = custos(path).arg("--help").output().unwrap();
        let help = text(&output.stdout);
        output.status.success().then_some(help)
    };
    helps.entry(key).or_insert_with(ask).clone()
}

#[test]
fn commands_within_sentences_exist() {
    let mut helps = BTreeMap::new();
    let mut found = Vec::new();
    for page in PAGES.iter().copied().map(Page::read) {
        for (line, command) in commands(&page.text) {
            if let Some(what) = wrong(&command, &mut helps) {
                found.push(format!("{}:{line}: `{command}`: {what}", page.name));
            }
        }
    }
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_found_in_sentences_only() {
        let page = "a `custos status\n--json` b\n```console\n$ custos x\n```\nand `custos run`.\n";
        let expected = [(1, "custos status --json".to_owned()), (6, "custos run".to_owned())];
        assert_eq!(commands(page), expected);
    }

    #[test]
    fn a_word_or_an_option_that_is_not_there_is_found() {
        let mut helps = BTreeMap::new();
        let mut wrong = |command: &str| wrong(command, &mut helps);
        for right in [
            "custos status --exit-code",
            "custos store export --check NAME",
            "custos config check|show [FILE]",
            "custos NAME",
            "custos history CHECK --json",
        ] {
            assert_eq!(wrong(right), None, "{right}");
        }
        assert_eq!(wrong("custos statsu"), Some("there is no `statsu`".to_owned()));
        assert_eq!(wrong("custos store exprot"), Some("there is no `exprot`".to_owned()));
        assert_eq!(wrong("custos status --nope"), Some("it has no option --nope".to_owned()));
    }
}
