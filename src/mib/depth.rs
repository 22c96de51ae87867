//! MIB files whose names lie too deep, found before anything is made of them.
//!
//! An object identifier ends at 128 numbers. A file can chain its names far beyond, each below the one before, and every
//! name of such a chain costs as much as it is long. So the length of every name is counted first, by links alone, and a
//! file with one that is too long is left out.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use mib_rs::compile::{ir, lower, parser};
use mib_rs::{DiagnosticConfig, SourceOrigin, SourceSet};

use super::table::Names;
use crate::limits::MIB_DEPTH_MAX;

/// A file that is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TooDeep {
    /// Which of the files.
    pub(super) file: usize,
    /// The first name in it that is too long.
    pub(super) name: String,
    /// How many numbers that has.
    pub(super) numbers: usize,
    /// How many names are too long.
    pub(super) count: usize,
}

/// The files of these with a name of more than [`MIB_DEPTH_MAX`] numbers. One that cannot be read is not among them.
pub(super) fn too_deep(files: &[PathBuf], known: &Names) -> Vec<TooDeep> {
    let mut modules = Vec::new();
    for (file, path) in files.iter().enumerate() {
        // Whoever reads it for its names says why it cannot be read.
        if let Ok(bytes) = std::fs::read(path) {
            modules.extend(modules_of(file, bytes.into()));
        }
    }
    let links = Links::of(&modules, known);
    let lengths = links.lengths();
    let mut found: Vec<TooDeep> = Vec::new();
    for (link, numbers) in links.links.iter().zip(lengths) {
        if numbers <= MIB_DEPTH_MAX {
            continue;
        }
        match found.last_mut().filter(|last| last.file == link.file) {
            Some(last) => last.count += 1,
            None => found.push(TooDeep { file: link.file, name: link.name.to_owned(), numbers, count: 1 }),
        }
    }
    found
}

fn modules_of(file: usize, bytes: Arc<[u8]>) -> Vec<(usize, ir::Module)> {
    let config = DiagnosticConfig::silent();
    let mut sources = SourceSet::new();
    let inserted = sources.insert(SourceOrigin::memory("depth"), "depth", bytes);
    let Some(document) = inserted.ok().and_then(|id| sources.get(id)) else { return Vec::new() };
    let parsed = parser::parse(document, &config);
    parsed.into_iter().map(|module| (file, lower::lower(module, document, &config))).collect()
}

/// A definition, and what it lies below.
struct Link<'m> {
    file: usize,
    name: &'m str,
    /// Numbers that it has itself, with those of what lies outside of the files.
    own: usize,
    /// The definitions that it may lie below; more than one where a module is there several times.
    above: Vec<usize>,
}

struct Links<'m> {
    links: Vec<Link<'m>>,
}

impl<'m> Links<'m> {
    fn of(modules: &'m [(usize, ir::Module)], known: &Names) -> Links<'m> {
        let mut links = Vec::new();
        let mut assigned = Vec::new();
        let mut within: HashMap<(usize, &str), usize> = HashMap::new();
        let mut by_module: HashMap<(&str, &str), Vec<usize>> = HashMap::new();
        for (number, (file, module)) in modules.iter().enumerate() {
            for definition in &module.definitions {
                let Some(oid) = definition.oid() else { continue };
                within.insert((number, definition.name()), links.len());
                by_module.entry((&module.name, definition.name())).or_default().push(links.len());
                assigned.push((number, &oid.components));
                links.push(Link { file: *file, name: definition.name(), own: 0, above: Vec::new() });
            }
        }
        let imports: Vec<HashMap<&str, &str>> = modules.iter().map(|(_, module)| imports(module)).collect();
        for (link, (number, components)) in links.iter_mut().zip(assigned) {
            let (module, name) = match components.first() {
                Some(ir::OidComponent::Name { name, .. } | ir::OidComponent::NamedNumber { name, .. }) => {
                    link.above.extend(within.get(&(number, name)));
                    (imports[number].get(name.as_str()).copied(), name)
                }
                Some(
                    ir::OidComponent::QualifiedName { module, name, .. }
                    | ir::OidComponent::QualifiedNamedNumber { module, name, .. },
                ) => (Some(module.as_str()), name),
                _ => {
                    link.own = components.len();
                    continue;
                }
            };
            if link.above.is_empty() {
                let imported = module.and_then(|module| by_module.get(&(module, name)));
                link.above.extend(imported.into_iter().flatten());
            }
            let outside = known.by_name(name).filter(|_| link.above.is_empty());
            link.own = components.len().saturating_sub(1) + outside.map_or(0, |object| object.oid.len());
        }
        Links { links }
    }

    /// How many numbers each definition has, at most. Each is counted once; one that lies below itself as if it lay at the root.
    fn lengths(&self) -> Vec<usize> {
        let mut lengths: Vec<Option<usize>> = vec![None; self.links.len()];
        for first in 0..self.links.len() {
            let mut path = vec![(first, 0)];
            while let Some((at, next)) = path.last_mut() {
                let link = &self.links[*at];
                if *next == 0 && lengths[*at].is_some() {
                    path.pop();
                } else if let Some(above) = link.above.get(*next) {
                    // Counted as the root while it is being counted, so that a circle ends.
                    lengths[*at].get_or_insert(0);
                    *next += 1;
                    path.push((*above, 0));
                } else {
                    let above = link.above.iter().filter_map(|above| lengths[*above]).max();
                    lengths[*at] = Some(link.own + above.unwrap_or(0));
                    path.pop();
                }
            }
        }
        lengths.into_iter().map(Option::unwrap_or_default).collect()
    }
}

/// Which module each imported name comes from.
fn imports(module: &ir::Module) -> HashMap<&str, &str> {
    module.imports.iter().map(|import| (import.symbol.as_str(), import.module.as_str())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A module whose names lie each below the one before, the first below what `imports` gives.
    fn chain(module: &str, import: (&str, &str), name: &str, count: usize) -> String {
        let (from, first) = import;
        let mut text = format!("{module} DEFINITIONS ::= BEGIN\nIMPORTS {first} FROM {from};\n");
        let mut above = first.to_owned();
        for number in 0..count {
            text += &format!("{name}{number} OBJECT IDENTIFIER ::= {{ {above} 1 }}\n");
            above = format!("{name}{number}");
        }
        text + "END\n"
    }

    fn found(texts: &[&str]) -> Vec<TooDeep> {
        let directory = tempfile::tempdir().unwrap();
        let files: Vec<PathBuf> =
            (0..texts.len()).map(|number| directory.path().join(format!("{number}.mib"))).collect();
        for (file, text) in files.iter().zip(texts) {
            std::fs::write(file, text).unwrap();
        }
        too_deep(&files, Names::builtin())
    }

    #[test]
    fn a_chain_beyond_the_end_of_an_object_identifier_is_found() {
        let smi = ("SNMPv2-SMI", "enterprises");
        assert_eq!(found(&[&chain("A-MIB", smi, "c", 122)]), []);
        for (count, beyond) in [(123, 1), (20_000, 19_878)] {
            let deep = TooDeep { file: 1, name: "c122".to_owned(), numbers: 129, count: beyond };
            let fine = chain("B-MIB", smi, "d", 5);
            assert_eq!(found(&[&fine, &chain("A-MIB", smi, "c", count)]), [deep]);
        }
        let row = format!(
            "D-MIB DEFINITIONS ::= BEGIN\nlong OBJECT IDENTIFIER ::= {{ iso {} }}\nEND\n",
            "1 ".repeat(300)
        );
        let deep = TooDeep { file: 0, name: "long".to_owned(), numbers: 301, count: 1 };
        assert_eq!(found(&[&row]), [deep]);
    }

    #[test]
    fn a_chain_through_files_is_found_and_a_circle_ends() {
        let one = chain("A-MIB", ("SNMPv2-SMI", "enterprises"), "c", 100);
        let two = chain("B-MIB", ("A-MIB", "c99"), "d", 100);
        let deep = TooDeep { file: 0, name: "d22".to_owned(), numbers: 129, count: 78 };
        assert_eq!(found(&[&two, &one]), [deep]);
        assert_eq!(found(&[&one, &chain("B-MIB", ("C-MIB", "c99"), "d", 100)]), []);
        assert_eq!(
            found(&[&chain("A-MIB", ("B-MIB", "d9"), "c", 10), &chain("B-MIB", ("A-MIB", "c9"), "d", 10)]),
            []
        );
    }
}
