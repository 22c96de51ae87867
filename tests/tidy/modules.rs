//! The modules of a package, what each imports, and in which file that is defined.

use std::collections::{BTreeMap, BTreeSet};

use crate::lexer::{Kind, Token};
use crate::tree::Source;

/// The files of one package as modules.
pub(crate) struct Package<'s> {
    /// By module path, such as `reader::view`; empty for the root.
    files: BTreeMap<String, &'s Source>,
    /// What each module imports and names, as written.
    paths: BTreeMap<String, Vec<Path>>,
}

/// A path as it is imported or named: where it starts, and its names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Path {
    pub(crate) line: usize,
    pub(crate) names: Vec<String>,
    /// The name by which it is known here.
    alias: String,
    /// Whether it is a `pub use`, in whichever form.
    exported: bool,
}

/// One file uses another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Import {
    /// Module paths.
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) line: usize,
}

impl<'s> Package<'s> {
    /// The package whose sources are below `root`.
    pub(crate) fn of(root: &str, sources: &'s [Source]) -> Package<'s> {
        let prefix = format!("{root}/");
        let within = sources.iter().filter(|source| source.path.starts_with(&prefix));
        let mut files = BTreeMap::new();
        for source in within {
            files.insert(module_path(&source.path[prefix.len()..]), source);
        }
        let paths = files.iter().map(|(module, source)| (module.clone(), paths(&source.tokens))).collect();
        Package { files, paths }
    }

    /// Files that no `mod` declares.
    pub(crate) fn undeclared(&self) -> Vec<String> {
        let mut declared = BTreeSet::from([String::new(), "main".to_owned()]);
        for (module, source) in &self.files {
            let parent = if module == "main" { "" } else { module.as_str() };
            for pair in source.all.windows(3) {
                if let [keyword, name, end] = pair
                    && keyword.is("mod")
                    && end.is(";")
                {
                    declared.insert(join(parent, name.word().unwrap_or_default()));
                }
            }
        }
        let dead = self.files.iter().filter(|(module, _)| !declared.contains(*module));
        dead.map(|(_, source)| source.path.clone()).collect()
    }

    /// Everything that one file uses of another, tests aside.
    pub(crate) fn imports(&self) -> Vec<Import> {
        let mut imports = BTreeSet::new();
        for (module, source) in &self.files {
            if self.is_test(module) {
                continue;
            }
            // What a root re-exports, it does not use.
            for path in self.used(module, source).into_iter().filter(|path| !path.exported) {
                let Some(to) = self.resolve(module, &path.names, 0) else { continue };
                if to != *module {
                    imports.insert(Import { from: module.clone(), to, line: path.line });
                }
            }
        }
        imports.into_iter().collect()
    }

    /// The files with their modules, tests aside.
    pub(crate) fn modules(&self) -> impl Iterator<Item = (&str, &'s Source)> {
        let files = self.files.iter().filter(|(module, _)| !self.is_test(module));
        files.map(|(module, source)| (module.as_str(), *source))
    }

    /// The path of a module's file.
    pub(crate) fn file(&self, module: &str) -> &str {
        &self.files[module].path
    }

    /// The paths that a file names, also through a module that it imports: `use super::tls;` and then `tls::done`.
    fn used(&self, module: &str, source: &Source) -> Vec<Path> {
        let mut used = self.paths[module].clone();
        let imported: Vec<Path> = used
            .iter()
            .filter(|path| {
                let to = self.resolve(module, &path.names, 0);
                to.is_some_and(|to| to == path.alias || to.ends_with(&format!("::{}", path.alias)))
            })
            .cloned()
            .collect();
        for (at, token) in source.tokens.iter().enumerate().skip(1) {
            let Some(path) = imported.iter().find(|path| !path.alias.is_empty() && token.is(&path.alias))
            else {
                continue;
            };
            let rest = straight(&source.tokens[at..]);
            if rest.len() > 1 && !source.tokens[at - 1].is("::") {
                let names = path.names.iter().chain(&rest[1..]).cloned().collect();
                used.push(Path { line: token.line, names, alias: String::new(), exported: false });
            }
        }
        used
    }

    fn is_test(&self, module: &str) -> bool {
        let Some((parent, name)) = split(module) else { return false };
        self.is_test(parent)
            || self
                .files
                .get(parent)
                .is_some_and(|parent| parent.test_modules.iter().any(|test| test == name))
    }

    /// The module whose file defines what a path names, seen from a module. `None` if it is not of this package.
    fn resolve(&self, from: &str, names: &[String], depth: usize) -> Option<String> {
        let (mut module, rest) = self.start(from, names)?;
        let mut rest = rest;
        while let Some((name, further)) = rest.split_first() {
            let child = join(&module, name);
            if self.files.contains_key(&child) {
                (module, rest) = (child, further);
                continue;
            }
            // What a root of modules re-exports is defined elsewhere.
            let exported = self.paths.get(&module)?.iter().find(|path| path.exported && path.alias == *name);
            return match exported {
                Some(path) if depth < 8 => {
                    let mut names = path.names.clone();
                    names.extend_from_slice(further);
                    self.resolve(&module, &names, depth + 1).or(Some(module))
                }
                _ => Some(module),
            };
        }
        Some(module)
    }

    /// Where a path starts, and what is left of it.
    fn start<'n>(&self, from: &str, names: &'n [String]) -> Option<(String, &'n [String])> {
        let (first, mut rest) = names.split_first()?;
        match first.as_str() {
            // The program in `main.rs` calls the package by its name.
            "crate" | "custos" => Some((String::new(), rest)),
            "self" => Some((from.to_owned(), rest)),
            "super" => {
                let mut module = parent(from);
                while let Some((_, further)) = rest.split_first().filter(|(next, _)| *next == "super") {
                    module = parent(&module);
                    rest = further;
                }
                Some((module, rest))
            }
            // A child that is named without `self::`.
            child if self.files.contains_key(&join(from, child)) => Some((from.to_owned(), names)),
            _ => None,
        }
    }
}

fn module_path(file: &str) -> String {
    let path = file.trim_end_matches(".rs").replace('/', "::");
    match path.as_str() {
        "lib" => String::new(),
        path => path.trim_end_matches("::mod").to_owned(),
    }
}

fn join(module: &str, name: &str) -> String {
    if module.is_empty() { name.to_owned() } else { format!("{module}::{name}") }
}

fn split(module: &str) -> Option<(&str, &str)> {
    if module.is_empty() { None } else { Some(module.rsplit_once("::").unwrap_or(("", module))) }
}

fn parent(module: &str) -> String {
    split(module).map_or(String::new(), |(parent, _)| parent.to_owned())
}

/// Every path that is imported, and every other one that starts with `crate`, the package's name, `self` or `super`.
fn paths(tokens: &[Token]) -> Vec<Path> {
    let mut paths = Vec::new();
    let mut at = 0;
    let mut exported = false;
    while at < tokens.len() {
        let token = &tokens[at];
        if token.is("use") {
            let end = (at..tokens.len()).find(|at| tokens[*at].is(";")).unwrap_or(tokens.len());
            expand(&tokens[at + 1..end], &mut Vec::new(), exported, &mut paths);
            at = end;
        } else if ["crate", "custos", "self", "super"].iter().any(|start| token.is(start))
            && tokens.get(at + 1).is_some_and(|next| next.is("::"))
        {
            let names = straight(&tokens[at..]);
            at += 2 * names.len() - 1;
            paths.push(Path { line: token.line, alias: String::new(), names, exported: false });
            continue;
        }
        if token.is("pub") {
            exported = true;
            if tokens.get(at + 1).is_some_and(|next| next.is("(")) {
                at = crate::tree::matching(tokens, at + 1) - 1;
            }
        } else if !token.is("use") {
            exported = false;
        }
        at += 1;
    }
    paths
}

/// The names of a path without braces.
fn straight(tokens: &[Token]) -> Vec<String> {
    let mut names = Vec::new();
    for pair in tokens.chunks(2) {
        let Some(name) = pair[0].word() else { break };
        names.push(name.to_owned());
        if !pair.get(1).is_some_and(|next| next.is("::")) {
            break;
        }
    }
    names
}

/// The paths of one `use`, braces expanded.
fn expand(tokens: &[Token], prefix: &mut Vec<String>, exported: bool, paths: &mut Vec<Path>) {
    let own = prefix.len();
    let mut at = 0;
    while at < tokens.len() {
        let token = &tokens[at];
        match &token.kind {
            Kind::Word(word) if word == "as" => {
                if let Some(path) = paths.last_mut() {
                    path.alias = tokens.get(at + 1).and_then(Token::word).unwrap_or_default().to_owned();
                }
                at += 1;
            }
            Kind::Word(word) if tokens.get(at + 1).is_some_and(|next| next.is("::")) => {
                prefix.push(word.clone());
                at += 1;
            }
            Kind::Word(word) => {
                let mut names = prefix.clone();
                if word != "self" || names.is_empty() {
                    names.push(word.clone());
                }
                let alias = names.last().cloned().unwrap_or_default();
                paths.push(Path { line: token.line, names, alias, exported });
            }
            Kind::Sign("*") => {
                paths.push(Path { line: token.line, names: prefix.clone(), alias: String::new(), exported });
            }
            Kind::Sign("{") => {
                let end = crate::tree::matching(tokens, at);
                for part in top_level_parts(&tokens[at + 1..end - 1]) {
                    expand(part, prefix, exported, paths);
                }
                at = end - 1;
            }
            Kind::Sign(_) | Kind::Literal => {}
        }
        at += 1;
    }
    prefix.truncate(own);
}

/// The parts between the commas outside of inner braces.
fn top_level_parts(tokens: &[Token]) -> Vec<&[Token]> {
    let mut parts = Vec::new();
    let (mut start, mut at) = (0, 0);
    while at < tokens.len() {
        if tokens[at].is("{") {
            at = crate::tree::matching(tokens, at);
            continue;
        }
        if tokens[at].is(",") {
            parts.push(&tokens[start..at]);
            start = at + 1;
        }
        at += 1;
    }
    if start < tokens.len() {
        parts.push(&tokens[start..]);
    }
    parts
}
