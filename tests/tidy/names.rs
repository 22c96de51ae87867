//! What ARCHITECTURE.md names in backticks: files and directories, types and functions.

use std::collections::BTreeSet;

use crate::tree::{Source, Tree};

const PAGE: &str = "ARCHITECTURE.md";

/// What the page names and the code does not have. A path may be short if it lies below a directory that its section
/// names in full, itself or by a file in it.
pub(crate) fn missing(tree: &Tree, sources: &[Source]) -> Vec<String> {
    let page = tree.files.get(PAGE).map_or("", String::as_str);
    let words: BTreeSet<&str> = sources
        .iter()
        .filter(|source| source.path.contains("src/"))
        .flat_map(|source| source.tokens.iter().filter_map(|token| token.word()))
        .collect();
    let mut wrong = Vec::new();
    for section in sections(page) {
        let named = section.iter().flat_map(|(_, line)| spans(line));
        let directories: Vec<&str> = named.filter_map(|name| directory(tree, name)).collect();
        for (number, line) in &section {
            for name in spans(line) {
                let reason = if is_path(name) {
                    let found = exists(tree, name) || directories.iter().any(|at| is_below(tree, at, name));
                    (!found).then_some("there is no such file where this section looks; write its whole path")
                } else if is_name(name) {
                    let found = name.split("::").all(|word| words.contains(word));
                    (!found).then_some("the code has no such name")
                } else {
                    None
                };
                wrong.extend(reason.map(|reason| format!("{PAGE}:{number}: {name}: {reason}")));
            }
        }
    }
    wrong
}

/// The lines below each heading, with their numbers.
fn sections(page: &str) -> Vec<Vec<(usize, &str)>> {
    let mut sections = vec![Vec::new()];
    for (number, line) in page.lines().enumerate() {
        if line.starts_with('#') {
            sections.push(Vec::new());
        }
        if let Some(section) = sections.last_mut() {
            section.push((number + 1, line));
        }
    }
    sections
}

fn spans(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

fn is_path(name: &str) -> bool {
    let file = [".rs", ".md", ".txt", "/"].iter().any(|end| name.ends_with(end));
    file && !name.contains([' ', '*']) && !name.contains("NAME")
}

/// `Type`, `Type::Variant`, `module::Type::function` or `some_function`.
fn is_name(name: &str) -> bool {
    let word = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_alphabetic())
            && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    name.split("::").all(word)
        && (name.contains("::") || name.contains(|c: char| c == '_' || c.is_ascii_uppercase()))
}

fn exists(tree: &Tree, name: &str) -> bool {
    match name.strip_suffix('/') {
        Some(_) => tree.files.keys().any(|file| file.starts_with(name)),
        None => tree.files.contains_key(name),
    }
}

/// The directory of a path that is written in full.
fn directory<'n>(tree: &Tree, name: &'n str) -> Option<&'n str> {
    let (directory, _) = name.rsplit_once('/')?;
    exists(tree, name).then_some(directory)
}

/// Whether a file below the directory has a path that ends so.
fn is_below(tree: &Tree, directory: &str, name: &str) -> bool {
    let below = |file: &str| file.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/'));
    tree.files.keys().filter(|file| below(file)).any(|file| match name.strip_suffix('/') {
        Some(_) => file.contains(&format!("/{name}")),
        None => file.ends_with(&format!("/{name}")),
    })
}
