//! The checks of documents: links, paths, and rules that are cited.

use crate::lexer;
use crate::tree::{Source, Tree};

/// Lines of every document: path, number, line; code blocks aside.
fn lines(tree: &Tree) -> Vec<(&str, usize, &str)> {
    let mut lines = Vec::new();
    for (path, text) in tree.files.iter().filter(|(path, _)| path.ends_with(".md")) {
        let mut code = false;
        for (number, line) in text.lines().enumerate() {
            if line.trim_start().starts_with("```") {
                code = !code;
            } else if !code {
                lines.push((path.as_str(), number + 1, line));
            }
        }
    }
    lines
}

/// Links within the repository that lead nowhere.
pub(crate) fn broken(tree: &Tree) -> Vec<String> {
    let mut wrong = Vec::new();
    for (path, number, line) in lines(tree) {
        for target in line.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            if let Some(reason) = leads_nowhere(tree, path, target) {
                wrong.push(format!("{path}:{number}: {target}: {reason}"));
            }
        }
    }
    wrong.extend(from_comments(tree));
    wrong
}

/// Pages that comments cite by their path from the root.
fn from_comments(tree: &Tree) -> Vec<String> {
    let mut wrong = Vec::new();
    for (path, text) in tree.files.iter().filter(|(path, _)| path.ends_with(".rs")) {
        for comment in lexer::read(text).1 {
            let cited = comment.text.split(['`', ' ', '(', ')', '[', ']', ',', ';', '"', '\'']);
            for target in cited.filter(|word| word.starts_with("docs/") && word.contains(".md")) {
                let target = target.trim_end_matches(['.', ':']);
                if let Some(reason) = leads_nowhere(tree, "", target) {
                    wrong.push(format!("{path}:{}: {target}: {reason}", comment.line));
                }
            }
        }
    }
    wrong
}

fn leads_nowhere(tree: &Tree, from: &str, target: &str) -> Option<&'static str> {
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let path = if file.is_empty() { from.to_owned() } else { join(from, file) };
    let directory = format!("{}/", path.trim_end_matches('/'));
    let Some(text) = tree.files.get(&path) else {
        let exists = tree.files.keys().any(|file| file.starts_with(&directory));
        return (!exists).then_some("there is no such file");
    };
    let heading = text.lines().filter(|line| line.starts_with('#')).any(|line| slug(line) == anchor);
    (!anchor.is_empty() && !heading).then_some("the page has no such heading")
}

/// A path relative to the directory of a file.
fn join(from: &str, file: &str) -> String {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in file.split('/') {
        match part {
            ".." => drop(parts.pop()),
            "." | "" => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// The anchor of a heading, as GitHub makes it.
fn slug(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// The directories that a path in a document may begin with.
const ROOTS: [&str; 11] = [
    "src/",
    "store/",
    "compat/",
    "plugins-shim/",
    "tests/",
    "docs/",
    "scripts/",
    "examples/",
    "fuzz/",
    "bench/",
    "packaging/",
];

/// Files that documents name in backticks and that do not exist.
pub(crate) fn missing_paths(tree: &Tree) -> Vec<String> {
    let mut wrong = Vec::new();
    for (path, number, line) in lines(tree) {
        let named = line.split('`').skip(1).step_by(2).filter(|code| {
            ROOTS.iter().any(|root| code.starts_with(root)) && !code.contains([' ', '*', '{', '<', '$'])
        });
        for name in named {
            let exists = |name: &str| {
                let directory = format!("{}/", name.trim_end_matches('/'));
                tree.files.contains_key(name) || tree.files.keys().any(|file| file.starts_with(&directory))
            };
            // A path may begin beside the document, too.
            if !exists(name) && !exists(&join(path, name)) && !name.contains("NAME") {
                wrong.push(format!("{path}:{number}: {name} does not exist"));
            }
        }
    }
    wrong
}

/// Rules of the plugin API that are cited by a number.
pub(crate) fn numbered_rules(tree: &Tree, sources: &[Source]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut look = |path: &str, number: usize, line: &str| {
        let words = line.split(|c: char| !c.is_alphanumeric());
        let numbered = words.filter(|word| {
            let digits = word.strip_prefix(['R', 'P', 'G']).unwrap_or_default();
            (1..=2).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
        });
        for rule in numbered {
            wrong.push(format!(
                "{path}:{number}: {rule}: say the rule in words and link to its part of docs/plugin-output.md"
            ));
        }
    };
    lines(tree).into_iter().for_each(|(path, number, line)| look(path, number, line));
    for source in sources.iter().filter(|source| !source.path.starts_with("tests/tidy")) {
        source.comments.iter().for_each(|comment| look(&source.path, comment.line, &comment.text));
    }
    wrong
}
