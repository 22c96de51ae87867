//! `depends_on`: which checks must be well for another to make sense.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::document::diagnostic::Findings;
use crate::document::fields::{one_or_more, text};
use crate::document::place::Place;
use crate::document::yaml::Node;
use crate::limits::CONFIG_RING_NAMED_MAX;

/// The names of a check's `depends_on`, each with its place.
pub(crate) type Named = Vec<(String, Place)>;

/// Reads one name or a list of them, each once.
pub(crate) fn read(node: &Node, findings: &mut Findings) -> Named {
    let mut named = Named::new();
    for item in one_or_more(node) {
        let Some(name) = text(item, "the name of a check", findings) else { continue };
        match named.iter().find(|(known, _)| known == name) {
            Some((_, first)) => {
                findings.error_beside(&item.place, format!("`{name}` is named twice"), "first", first);
            }
            None => named.push((name.to_owned(), item.place.clone())),
        }
    }
    named
}

/// Reports names that no check has, and checks that depend on themselves in the end.
pub(crate) fn verify(known: &[&str], named: &BTreeMap<String, Named>, findings: &mut Findings) {
    let defined: HashSet<&str> = known.iter().copied().collect();
    // Checks from which no way leads back, and those on the way that is being followed.
    let mut safe: HashSet<&str> = HashSet::new();
    for check in named.keys().map(String::as_str) {
        if safe.contains(check) {
            continue;
        }
        let mut path: Vec<(&str, usize)> = vec![(check, 0)];
        let mut on_path: HashMap<&str, usize> = HashMap::from([(check, 0)]);
        while let Some((from, next)) = path.last_mut() {
            let Some((to, place)) = named.get(*from).and_then(|names| names.get(*next)) else {
                safe.insert(from);
                on_path.remove(from);
                path.pop();
                continue;
            };
            *next += 1;
            if let Some(start) = on_path.get(to.as_str()) {
                findings.error(
                    place,
                    format!("the check `{to}` depends on itself: {}", ring(&path[*start..], to)),
                );
            } else if !defined.contains(to.as_str()) {
                let advice = findings
                    .nearest(to, known.iter().copied())
                    .map(|meant| format!("; did you mean `{meant}`?"));
                findings.error(place, format!("no check `{to}` is defined{}", advice.unwrap_or_default()));
            } else if !safe.contains(to.as_str()) {
                on_path.insert(to, path.len());
                path.push((to, 0));
            }
        }
    }
}

/// The checks of a ring that begins and ends with `to`; of a long one the first, and how many follow.
fn ring(path: &[(&str, usize)], to: &str) -> String {
    let mut names: Vec<&str> = path.iter().take(CONFIG_RING_NAMED_MAX).map(|(name, _)| *name).collect();
    let more = path.len() - names.len();
    let counted = format!("{more} more");
    if more > 0 {
        names.push(&counted);
    }
    names.push(to);
    names.join(" → ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::place::SourceFile;
    use crate::document::yaml;

    /// Reads a mapping of names to what they depend on, and verifies it.
    fn mistakes(text: &str) -> String {
        let file = SourceFile::new("f".into(), text.to_owned());
        let mut findings = Findings::default();
        let root = yaml::parse(&file, &mut findings).unwrap();
        let yaml::Content::Map(entries) = &root.content else { panic!("{text} is a mapping") };
        let known: Vec<&str> = entries.iter().map(|entry| entry.key.as_str()).collect();
        let named = entries.iter().map(|e| (e.key.clone(), read(&e.value, &mut findings))).collect();
        verify(&known, &named, &mut findings);
        findings.into_mistakes(&[]).to_string()
    }

    #[test]
    fn a_long_ring_is_told_in_short() {
        let ring: String = (0..50).map(|n| format!("a{n:02}: a{:02}\n", (n + 1) % 50)).collect();
        let told = mistakes(&ring);
        assert!(told.starts_with("f:50:6: the check `a00` depends on itself: a00 → a01 → "), "{told}");
        assert!(told.ends_with(" → a19 → 30 more → a00"), "{told}");
    }

    #[test]
    fn chains_and_diamonds_are_fine() {
        assert_eq!(mistakes("a: [b, c]\nb: d\nc: d\nd: []\n"), "");
    }

    #[test]
    fn rounds_and_unknown_names_are_told_once() {
        assert_eq!(
            mistakes("a: b\nb: c\nc: [b, dd]\nd: [d, a, a]\n"),
            "f:3:5: the check `b` depends on itself: b → c → b\n\
             f:3:8: no check `dd` is defined; did you mean `d`?\n\
             f:4:5: the check `d` depends on itself: d → d\n\
             f:4:11: `a` is named twice (first at f:4:8)"
        );
    }
}
