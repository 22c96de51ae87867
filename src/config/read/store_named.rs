//! The store that a configuration names, for commands that only read: a mistake elsewhere in it takes no history away.

use std::path::{Path, PathBuf};

use crate::config::keys::top::STORE;
use crate::document::diagnostic::Findings;
use crate::document::include;
use crate::document::section::Row as _;
use crate::document::yaml::Content;
use crate::limits::CONFIG_MAX_BYTES;
use crate::whole_file;

/// The directory that `store` names in the configuration at `path`, mistakes elsewhere aside; `None` if it names
/// none or the name is unusable.
pub fn store_named(path: &Path) -> Option<PathBuf> {
    let documents = include::read_all(path, &mut Findings::default());
    let named = documents.iter().find_map(|document| match &document.get(STORE.name())?.value.content {
        Content::Scalar(scalar) => Some(document.base().join(&scalar.text)),
        _ => None,
    });
    let is_yaml = documents.first().is_some_and(|main| main.root.is_some());
    named.or_else(|| if is_yaml { None } else { by_line(path) })
}

/// By the line that begins with it, where the file is no YAML as a whole.
fn by_line(path: &Path) -> Option<PathBuf> {
    let text = whole_file::bytes(path, CONFIG_MAX_BYTES).ok()?;
    let text = String::from_utf8_lossy(&text);
    let value = text.lines().find_map(|line| line.strip_prefix("store:"))?.trim();
    let value = match value.chars().next()? {
        quote @ ('"' | '\'') => value[1..].split(quote).next()?,
        _ => value.split(" #").next()?.trim_end(),
    };
    let base = std::path::absolute(path).ok()?;
    (!value.is_empty()).then(|| base.parent().unwrap_or(Path::new("/")).join(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_elsewhere_do_not_matter() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("custos.yaml");
        let named = |text: &str| {
            std::fs::write(&path, text).unwrap();
            store_named(&path)
        };
        for text in [
            "store: s\nchecks: { a: { comand: x } }\n",
            "store: s # here\nchecks: { a: [\n",
            "store: 's'\n\tchecks: 5\n",
            "store: \"s\"\nstore: t\nchecks: 5\n",
            "checks: { a: { command: check_load -w 5,4,3 } }\nstore: s\n",
            "unknown: 1\nstore: s\n",
        ] {
            assert_eq!(named(text), Some(directory.path().join("s")), "{text}");
        }
        assert_eq!(named("store: /elsewhere\nx: [\n"), Some("/elsewhere".into()));
        assert_eq!(named("x: [\n  store: s\n"), None);
        assert_eq!(named("store: [a, b]\n"), None);
        assert_eq!(store_named(&directory.path().join("none")), None);
        assert_eq!(store_named(directory.path()), None);
    }

    #[test]
    fn an_included_file_may_name_it() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("custos.yaml"), "include: more.yaml\nchecks: 5\n").unwrap();
        std::fs::write(directory.path().join("more.yaml"), "store: s\n").unwrap();
        assert_eq!(store_named(&directory.path().join("custos.yaml")), Some(directory.path().join("s")));
    }
}
