//! Reading a mapping by its known keys, and values by their types. Whatever does not fit is reported and read
//! as absent, so that everything else is still checked.

use crate::document::diagnostic::Findings;
use crate::document::key::{Absence, Is, Key, Reads};
use crate::document::place::Place;
use crate::document::scalar::{Kind, Scalar};
use crate::document::section::{Row, Section};
use crate::document::yaml::{Content, Entry, Node};
use crate::text::human::counted;

/// A mapping whose keys have been compared with those of its section.
pub(crate) struct Fields<'n> {
    entries: &'n [Entry],
    section: &'static Section,
    /// The keys that unknown ones were probably meant to be.
    misspelled: Vec<&'static str>,
}

impl<'n> Fields<'n> {
    /// The mapping at `node`; `owner` says whose keys these are, for messages: `` check `load` ``.
    pub(crate) fn of(
        node: &'n Node,
        owner: &str,
        section: &'static Section,
        findings: &mut Findings,
    ) -> Option<Fields<'n>> {
        let Content::Map(entries) = &node.content else {
            findings.error(&node.place, format!("found {} for {owner}, expected a mapping", node.describe()));
            return None;
        };
        let misspelled = refuse_unknown(entries.iter(), owner, section, findings);
        Some(Fields { entries, section, misspelled })
    }

    /// Whether a key is not given, nor meant by an unknown key, which is then the one mistake.
    pub(crate) fn lacks(&self, key: &dyn Row) -> bool {
        self.entry(key).is_none() && !self.misspelled.contains(&key.name())
    }

    /// The key with its value, if it is given.
    pub(crate) fn entry(&self, key: &dyn Row) -> Option<&'n Entry> {
        // A key that the table of the section lacks would have been refused as unknown.
        debug_assert!(self.section.has(key.name()), "{} is no key of {:?}", key.name(), self.section);
        self.entries.iter().find(|entry| entry.key == key.name())
    }

    /// The value of a key, if it is given.
    pub(crate) fn get(&self, key: &dyn Row) -> Option<&'n Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The value of a key, if it is given and fits.
    pub(crate) fn read<K: Reads + Sync, A: Absence<K> + Sync>(
        &self,
        key: &Key<K, A>,
        findings: &mut Findings,
    ) -> Option<K::Value> {
        key.kind().read(self.get(key)?, findings)
    }

    /// The value of a key, or the one that is built in where the key is absent; `None` if it does not fit.
    pub(crate) fn value<K: Reads + Sync>(
        &self,
        key: &Key<K, Is<K::Value>>,
        findings: &mut Findings,
    ) -> Option<K::Value>
    where
        K::Value: Sync,
    {
        match self.get(key) {
            None => Some(key.built_in()),
            Some(node) => key.kind().read(node, findings),
        }
    }

    /// The value of a key that must be given: one that is not is reported at `place`.
    pub(crate) fn need(
        &self,
        key: &dyn Row,
        place: &Place,
        owner: &str,
        expected: &str,
        findings: &mut Findings,
    ) -> Option<&'n Node> {
        if self.lacks(key) {
            findings.error(place, format!("{owner} has no `{}`, expected {expected}", key.name()));
        }
        self.get(key)
    }
}

/// Reports every key that is not one of the section; returns those of it that were probably meant.
pub(crate) fn refuse_unknown<'n>(
    entries: impl Iterator<Item = &'n Entry>,
    owner: &str,
    section: &Section,
    findings: &mut Findings,
) -> Vec<&'static str> {
    let mut misspelled = Vec::new();
    for entry in entries.filter(|entry| !section.has(&entry.key)) {
        let known = section.names();
        let meant = findings.nearest(&entry.key, known.iter().copied());
        let advice = match meant {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("expected {}", some_of(&entry.key, &known, findings)),
        };
        findings.error(&entry.key_place, format!("unknown key `{}` in {owner}; {advice}", entry.key));
        misspelled.extend(meant);
    }
    misspelled
}

/// Keys that are named where none is near enough to be the one that was meant.
const KEYS_NAMED_MAX: usize = 6;

/// The known keys, or of many the nearest.
fn some_of(key: &str, known: &[&'static str], findings: &mut Findings) -> String {
    if known.len() <= KEYS_NAMED_MAX {
        return format!("one of {}", quoted(known));
    }
    let mut nearest = findings.by_nearness(key, known.iter().copied());
    if nearest.is_empty() {
        nearest.extend(known);
    }
    let named: Vec<String> = nearest.iter().take(KEYS_NAMED_MAX).map(|key| format!("`{key}`")).collect();
    format!("{} or one of {}", named.join(", "), counted((known.len() - KEYS_NAMED_MAX) as u64, "other"))
}

/// `` `a`, `b` or `c` ``.
pub(crate) fn quoted(words: &[&str]) -> String {
    let mut list = String::new();
    for (index, word) in words.iter().enumerate() {
        list.push_str(match index {
            0 => "",
            _ if index + 1 == words.len() => " or ",
            _ => ", ",
        });
        list.push_str(&format!("`{word}`"));
    }
    list
}

/// Reports that something else was expected here.
pub(crate) fn refuse(node: &Node, expected: &str, findings: &mut Findings) {
    findings.error(&node.place, format!("found {}, expected {expected}", node.describe()));
}

/// Any scalar but nothing, as it was written: `10%`, `5`, `true`.
pub(crate) fn written<'n>(node: &'n Node, expected: &str, findings: &mut Findings) -> Option<&'n str> {
    match &node.content {
        Content::Scalar(scalar) if scalar.kind != Kind::Null => Some(&scalar.text),
        _ => {
            refuse(node, expected, findings);
            None
        }
    }
}

/// A text that is not empty. A number or boolean without quotes is refused, as it is hardly ever meant.
pub(crate) fn text<'n>(node: &'n Node, expected: &str, findings: &mut Findings) -> Option<&'n str> {
    match &node.content {
        Content::Scalar(Scalar { text, kind: Kind::Text }) if !text.is_empty() => Some(text),
        Content::Scalar(Scalar { kind: Kind::Bool(_) | Kind::Integer(_) | Kind::Float(_), .. }) => {
            refuse(node, &format!("{expected} (in quotes, if that is what it is)"), findings);
            None
        }
        _ => {
            refuse(node, expected, findings);
            None
        }
    }
}

/// `true` or `false`, and nothing that merely looks like it.
pub(crate) fn boolean(node: &Node, findings: &mut Findings) -> Option<bool> {
    let Content::Scalar(scalar) = &node.content else {
        refuse(node, "`true` or `false`", findings);
        return None;
    };
    if let Kind::Bool(value) = scalar.kind {
        return Some(value);
    }
    let meant = match scalar.text.to_ascii_lowercase().as_str() {
        "yes" | "on" | "y" | "true" | "1" => Some(true),
        "no" | "off" | "n" | "false" | "0" => Some(false),
        _ => None,
    };
    let expected = match meant {
        Some(meant) => format!("`true` or `false`; write `{meant}`"),
        None => "`true` or `false`".to_owned(),
    };
    refuse(node, &expected, findings);
    None
}

/// A whole number from `least` to `most`.
pub(crate) fn whole(node: &Node, least: i64, most: i64, findings: &mut Findings) -> Option<i64> {
    match &node.content {
        Content::Scalar(Scalar { kind: Kind::Integer(value), .. }) if (least..=most).contains(value) => {
            Some(*value)
        }
        _ => {
            refuse(node, &format!("a whole number from {least} to {most}"), findings);
            None
        }
    }
}

/// A number from `least` to `most`.
pub(crate) fn number(node: &Node, least: f64, most: f64, findings: &mut Findings) -> Option<f64> {
    let value = match &node.content {
        Content::Scalar(Scalar { kind: Kind::Integer(value), .. }) => Some(*value as f64),
        Content::Scalar(Scalar { kind: Kind::Float(value), .. }) => Some(*value),
        _ => None,
    };
    let fitting = value.filter(|value| (least..=most).contains(value));
    if fitting.is_none() {
        refuse(node, &format!("a number from {least} to {most}"), findings);
    }
    fitting
}

/// One of a few words.
pub(crate) fn choice<T: Copy>(
    node: &Node,
    words: &[(&'static str, T)],
    findings: &mut Findings,
) -> Option<T> {
    let names: Vec<&str> = words.iter().map(|(name, _)| *name).collect();
    if let Content::Scalar(scalar) = &node.content {
        if let Some((_, value)) = words.iter().find(|(name, _)| *name == scalar.text) {
            return Some(*value);
        }
        if let Some(meant) = findings.nearest(&scalar.text, names.iter().copied()) {
            refuse(node, &format!("{}; did you mean `{meant}`?", quoted(&names)), findings);
            return None;
        }
    }
    refuse(node, &quoted(&names), findings);
    None
}

/// The items of a list, or the one item that stands in place of a list.
pub(crate) fn one_or_more(node: &Node) -> &[Node] {
    match &node.content {
        Content::List(items) => items,
        _ => std::slice::from_ref(node),
    }
}

/// Reports control characters and NUL, which neither a process nor a terminal can take.
pub(crate) fn printable(text: &str, place: &Place, findings: &mut Findings) -> bool {
    match text.chars().position(char::is_control) {
        None => true,
        Some(offset) => {
            let place = place.within(text, offset);
            findings.error(&place, "found a control character, expected printable ones");
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::key::{Key, key, section};
    use crate::document::kind::Flag;
    use crate::document::place::SourceFile;
    use crate::document::yaml;

    section! {
        /// One key.
        ONE = "the test";
        V: Key<Flag> = key("v", Flag, "a value");
    }

    section! {
        /// Two keys.
        TWO = "the other test";
        TIMEOUT: Key<Flag> = key("timeout", Flag, "one");
        COMMAND: Key<Flag> = key("command", Flag, "another");
    }

    /// Reads `v: VALUE` with `read` and returns the value and the message without its place.
    fn with<T>(value: &str, read: impl Fn(&Node, &mut Findings) -> Option<T>) -> (Option<T>, String) {
        let file = SourceFile::new("f".into(), format!("v: {value}\n"));
        let mut findings = Findings::default();
        let root = yaml::parse(&file, &mut findings).unwrap();
        let fields = Fields::of(&root, "the test", &ONE, &mut findings).unwrap();
        let read = read(fields.get(&V).unwrap(), &mut findings);
        let mistakes = findings.into_mistakes(&[]).to_string();
        let message = mistakes.split_once(": ").map_or("", |(_, message)| message);
        (read, message.to_owned())
    }

    #[test]
    fn booleans_are_strict_and_say_what_to_write() {
        assert_eq!(with("true", boolean).0, Some(true));
        assert_eq!(
            with("yes", boolean),
            (None, "found `yes`, expected `true` or `false`; write `true`".into())
        );
        assert_eq!(
            with("Off", boolean),
            (None, "found `Off`, expected `true` or `false`; write `false`".into())
        );
        assert_eq!(with("0", boolean).0, None);
        assert_eq!(with("maybe", boolean).1, "found `maybe`, expected `true` or `false`");
        assert_eq!(with("\"true\"", boolean).0, None);
    }

    #[test]
    fn numbers_have_a_range() {
        assert_eq!(with("3", |node, f| whole(node, 1, 10, f)).0, Some(3));
        for wrong in ["0", "11", "1.5", "three", "99999999999999999999", "[1]", ""] {
            let (value, mistake) = with(wrong, |node, f| whole(node, 1, 10, f));
            assert_eq!(value, None, "{wrong}");
            assert!(mistake.ends_with("expected a whole number from 1 to 10"), "{mistake}");
        }
        assert_eq!(with("2.5", |node, f| number(node, 0.0, 100.0, f)).0, Some(2.5));
        assert_eq!(with(".nan", |node, f| number(node, 0.0, 100.0, f)).0, None);
    }

    #[test]
    fn text_is_text_and_written_is_anything() {
        assert_eq!(with("5", |node, f| text(node, "a name", f).map(str::to_owned)).0, None);
        assert_eq!(with("'5'", |node, f| text(node, "a name", f).map(str::to_owned)).0, Some("5".into()));
        assert_eq!(
            with("010", |node, f| written(node, "a word", f).map(str::to_owned)).0,
            Some("010".into())
        );
        assert_eq!(
            with("", |node, f| written(node, "a word", f).map(str::to_owned)).1,
            "found nothing, expected a word"
        );
    }

    #[test]
    fn a_choice_suggests_the_nearest_word() {
        let words = [("ok", 0), ("critical", 2)];
        assert_eq!(with("critical", |node, f| choice(node, &words, f)).0, Some(2));
        assert_eq!(
            with("critcal", |node, f| choice(node, &words, f)).1,
            "found `critcal`, expected `ok` or `critical`; did you mean `critical`?"
        );
        assert_eq!(
            with("7", |node, f| choice(node, &words, f)).1,
            "found the number `7`, expected `ok` or `critical`"
        );
    }

    #[test]
    fn a_misspelled_key_is_not_missing_as_well() {
        let file = SourceFile::new("f".into(), "comand: 1\nargs: 2\n".to_owned());
        let mut findings = Findings::default();
        let root = yaml::parse(&file, &mut findings).unwrap();
        let fields = Fields::of(&root, "check `x`", &TWO, &mut findings).unwrap();
        assert!(!fields.lacks(&COMMAND) && fields.lacks(&TIMEOUT));
        assert_eq!(
            findings.into_mistakes(&[]).to_string(),
            "f:1:1: unknown key `comand` in check `x`; did you mean `command`?\n\
             f:2:1: unknown key `args` in check `x`; expected one of `timeout` or `command`"
        );
    }

    #[test]
    fn unknown_keys_are_named_with_advice() {
        let file = SourceFile::new("f".into(), "timeot: 1\nbanana: 2\n".to_owned());
        let mut findings = Findings::default();
        let root = yaml::parse(&file, &mut findings).unwrap();
        Fields::of(&root, "check `x`", &TWO, &mut findings);
        assert_eq!(
            findings.into_mistakes(&[]).to_string(),
            "f:1:1: unknown key `timeot` in check `x`; did you mean `timeout`?\n\
             f:2:1: unknown key `banana` in check `x`; expected one of `timeout` or `command`"
        );
    }
}
