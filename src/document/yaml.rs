//! YAML as a tree in which everything knows its place.
//!
//! One document a file, of bounded depth and size; aliases and merge keys (`<<`) are resolved, also within
//! bounds, so no short file can unfold into a large tree. A key given twice is a mistake that names both
//! places, and the first one is kept. A syntax error ends the file: what was read of it is dropped, because a
//! tree that ends in the middle would only bring forth further messages that are not true.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span, Tag};

use crate::document::diagnostic::Findings;
use crate::document::place::{Place, SourceFile};
use crate::document::scalar::{Kind, Scalar};
use crate::limits::{CONFIG_DEPTH_MAX, CONFIG_NODES_MAX};
use crate::text::is_unsafe;

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(crate) content: Content,
}

/// A value.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    Scalar(Scalar),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// One key of a mapping with its value. No two of a mapping have the same key.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_place: Place,
    pub(crate) value: Node,
}

impl Node {
    /// What stands here, for a message: `the number 5`.
    pub(crate) fn describe(&self) -> String {
        match &self.content {
            Content::List(_) => "a list".to_owned(),
            Content::Map(_) => "a mapping".to_owned(),
            Content::Scalar(scalar) => match scalar.kind {
                Kind::Null => "nothing".to_owned(),
                Kind::Bool(_) => format!("the boolean `{}`", scalar.text),
                Kind::Integer(_) | Kind::Float(_) => format!("the number `{}`", scalar.text),
                Kind::Text if scalar.text.is_empty() => "an empty text".to_owned(),
                Kind::Text => format!("`{}`", shortened(&scalar.text)),
            },
        }
    }

    fn size(&self) -> usize {
        1 + match &self.content {
            Content::Scalar(_) => 0,
            Content::List(items) => items.iter().map(Node::size).sum(),
            Content::Map(entries) => entries.iter().map(|entry| entry.value.size()).sum(),
        }
    }
}

/// At most 60 characters, on one line.
fn shortened(text: &str) -> String {
    let mut short: String = text.chars().take(60).map(|c| if is_unsafe(c) { '·' } else { c }).collect();
    if text.chars().nth(60).is_some() {
        short.push('…');
    }
    short
}

/// Reads the only document of a file; `None` if it is empty or cannot be used. Mistakes go to `findings`.
pub(crate) fn parse(file: &Arc<SourceFile>, findings: &mut Findings) -> Option<Node> {
    if let Some((offset, c)) = file.text().char_indices().find(|(_, c)| forbidden(*c)) {
        let place = Place::at_byte(file, offset);
        findings.error(&place, format!("the character U+{:04X} is not allowed in YAML", u32::from(c)));
        return None;
    }
    let mut builder =
        Builder { file, findings, stack: Vec::new(), anchors: HashMap::new(), nodes: 0, root: None };
    let mut parser = Parser::new_from_str(file.text());
    let mut documents = 0;
    while let Some(next) = parser.next_event() {
        match next {
            Err(error) => {
                builder.syntax_error(error.marker(), error.info());
                return None;
            }
            Ok((Event::DocumentStart(_), span)) => {
                documents += 1;
                if documents > 1 {
                    let place = builder.place(&span);
                    builder.findings.error(&place, "found a second YAML document, expected one in a file");
                    return builder.root;
                }
            }
            Ok((event, span)) => {
                if builder.accept(event, &span).is_err() {
                    return None;
                }
            }
        }
    }
    builder.root
}

/// Characters that YAML does not allow anywhere; the parser would take some for the end of the file.
fn forbidden(c: char) -> bool {
    matches!(c, '\0'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x1f' | '\x7f' | '\u{fffe}' | '\u{ffff}')
}

/// The rest of the file cannot be used; the reason has been reported.
struct Abandoned;

/// A list or mapping whose end has not been seen yet.
struct Open {
    place: Place,
    anchor: usize,
    inside: Inside,
}

enum Inside {
    List(Vec<Node>),
    Map(OpenMap),
}

#[derive(Default)]
struct OpenMap {
    entries: Vec<Entry>,
    seen: HashMap<String, usize>,
    key: Option<Key>,
    merged: Vec<Node>,
    /// What stands behind commas after a value within braces, by the index of that value's entry: `4` and `3` of
    /// `{ command: check_load -w 5,4,3 }`.
    pieces: Vec<(usize, String)>,
}

impl OpenMap {
    /// Whether a key without a value is the rest of the text before it, which a comma has cut.
    fn continues(&self, key: &str, place: &Place) -> bool {
        let is_word = key.len() >= 3 && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        let Some(last) = self.entries.last().filter(|_| !is_word) else { return false };
        !is_null(&last.value)
            && matches!(last.value.content, Content::Scalar(_))
            && last.key_place.line() == place.line()
            && matches!(place.following(), Some(',' | '}'))
    }
}

/// Whether nothing stands here, or a word for it.
fn is_null(node: &Node) -> bool {
    matches!(&node.content, Content::Scalar(Scalar { kind: Kind::Null, .. }))
}

enum Key {
    Named(String, Place),
    Merge,
    /// Not usable as a key, which has been reported; its value is dropped.
    Bad,
}

struct Builder<'a> {
    file: &'a Arc<SourceFile>,
    findings: &'a mut Findings,
    stack: Vec<Open>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    root: Option<Node>,
}

impl Builder<'_> {
    fn accept(&mut self, event: Event<'_>, span: &Span) -> Result<(), Abandoned> {
        let place = self.place(span);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let scalar = self.scalar(&text, style, tag.as_deref(), &place);
                self.complete(Node { place, content: Content::Scalar(scalar) }, anchor, style)?;
            }
            Event::SequenceStart(anchor, tag) => {
                self.refuse_tag(tag.as_deref(), "seq", &place);
                self.open(Open { place, anchor, inside: Inside::List(Vec::new()) })?;
            }
            Event::MappingStart(anchor, tag) => {
                self.refuse_tag(tag.as_deref(), "map", &place);
                self.open(Open { place, anchor, inside: Inside::Map(OpenMap::default()) })?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.close()?,
            Event::Alias(anchor) => self.alias(anchor, place)?,
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => {}
        }
        Ok(())
    }

    fn open(&mut self, open: Open) -> Result<(), Abandoned> {
        if self.stack.len() >= CONFIG_DEPTH_MAX {
            let message = format!("nested more than {CONFIG_DEPTH_MAX} levels deep");
            self.findings.error(&open.place, message);
            return Err(Abandoned);
        }
        self.stack.push(open);
        Ok(())
    }

    fn close(&mut self) -> Result<(), Abandoned> {
        let Some(open) = self.stack.pop() else { return Ok(()) };
        let content = match open.inside {
            Inside::List(items) => Content::List(items),
            Inside::Map(mut map) => {
                self.report_pieces(&mut map);
                Content::Map(self.merge(map))
            }
        };
        // Only a plain scalar can be a merge key, so any other style will do here.
        self.complete(Node { place: open.place, content }, open.anchor, ScalarStyle::Literal)
    }

    /// Puts a finished node where it belongs.
    fn complete(&mut self, mut node: Node, anchor: usize, style: ScalarStyle) -> Result<(), Abandoned> {
        self.count(1, &node.place)?;
        // A value that was not written has no place of its own; its key has.
        if let (true, Some(place)) = (node.place.is_empty(), self.pending_key_place()) {
            node.place = place.clone();
        }
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let Some(open) = self.stack.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match &mut open.inside {
            Inside::List(items) => items.push(node),
            Inside::Map(map) => match map.key.take() {
                None => map.key = Some(key(node, style, self.findings)),
                Some(Key::Bad) => {}
                Some(Key::Merge) => map.merged.push(node),
                Some(Key::Named(key, place)) if is_null(&node) && map.continues(&key, &place) => {
                    let comma = if place.follows_blank() { ", " } else { "," };
                    map.pieces.push((map.entries.len() - 1, format!("{comma}{key}")));
                }
                Some(Key::Named(key, key_place)) => match map.seen.get(&key) {
                    Some(first) => {
                        let first = &map.entries[*first].key_place;
                        let message = format!("the key `{}` is given twice", shortened(&key));
                        self.findings.error_beside(&key_place, message, "first", first);
                    }
                    None => {
                        map.seen.insert(key.clone(), map.entries.len());
                        map.entries.push(Entry { key, key_place, value: node });
                    }
                },
            },
        }
        Ok(())
    }

    /// Reports each value of a mapping that commas have cut, once, and goes on with what was meant: the pieces have no
    /// further mistakes of their own.
    fn report_pieces(&mut self, map: &mut OpenMap) {
        for (index, entry) in map.entries.iter_mut().enumerate() {
            let pieces: Vec<&str> =
                map.pieces.iter().filter(|(of, _)| *of == index).map(|(_, piece)| piece.as_str()).collect();
            let Content::Scalar(scalar) = &mut entry.value.content else { continue };
            if !pieces.is_empty() {
                let whole = format!("{}{}", scalar.text, pieces.concat());
                let quoted = match whole.contains(['"', '\\']) {
                    true => format!("'{}'", shortened(&whole).replace('\'', "''")),
                    false => format!("\"{}\"", shortened(&whole)),
                };
                let message = format!(
                    "a comma ends a value within braces, so `{}` is only `{}`; write it in quotes, or without braces on \
                     a line of its own: {}: {quoted}",
                    shortened(&entry.key),
                    shortened(&scalar.text),
                    shortened(&entry.key),
                );
                scalar.text = whole;
                self.findings.error(&entry.value.place, message);
            }
        }
    }

    fn pending_key_place(&self) -> Option<&Place> {
        match &self.stack.last()?.inside {
            Inside::Map(OpenMap { key: Some(Key::Named(_, place)), .. }) => Some(place),
            _ => None,
        }
    }

    fn alias(&mut self, anchor: usize, place: Place) -> Result<(), Abandoned> {
        let Some(node) = self.anchors.get(&anchor).cloned() else {
            self.findings.error(&place, "this alias stands inside what it refers to");
            return Err(Abandoned);
        };
        self.count(node.size(), &place)?;
        self.complete(node, 0, ScalarStyle::Literal)
    }

    /// Adds what `<<` brings in: keys of the mapping itself win, then those of the first one merged.
    fn merge(&mut self, map: OpenMap) -> Vec<Entry> {
        let OpenMap { mut entries, seen, merged, .. } = map;
        let mut seen: HashSet<String> = seen.into_keys().collect();
        let sources = merged.into_iter().flat_map(|node| match node.content {
            Content::List(items) => items,
            content => vec![Node { place: node.place, content }],
        });
        for source in sources {
            match source.content {
                Content::Map(brought) => {
                    entries.extend(brought.into_iter().filter(|entry| seen.insert(entry.key.clone())));
                }
                _ => {
                    let message = format!(
                        "found {}, expected a mapping (or a list of them) to merge",
                        source.describe()
                    );
                    self.findings.error(&source.place, message);
                }
            }
        }
        entries
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, tag: Option<&Tag>, place: &Place) -> Scalar {
        let by_style = match style {
            ScalarStyle::Plain => Scalar::plain(text),
            _ => Scalar::quoted(text),
        };
        match tag {
            Some(tag) if tag.is_yaml_core_schema() && tag.suffix == "str" => Scalar::quoted(text),
            _ => {
                self.refuse_tag(tag, "str", place);
                by_style
            }
        }
    }

    fn refuse_tag(&mut self, tag: Option<&Tag>, allowed: &str, place: &Place) {
        if let Some(tag) = tag.filter(|tag| !(tag.is_yaml_core_schema() && tag.suffix == allowed)) {
            self.findings
                .error(place, format!("found the tag `{tag}`, expected none: tags mean nothing here"));
        }
    }

    fn count(&mut self, nodes: usize, place: &Place) -> Result<(), Abandoned> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes > CONFIG_NODES_MAX {
            let message = format!("more than {CONFIG_NODES_MAX} values, those that aliases repeat included");
            self.findings.error(place, message);
            return Err(Abandoned);
        }
        Ok(())
    }

    fn syntax_error(&mut self, marker: &Marker, info: &str) {
        let place = Place::new(self.file, marker.line(), marker.col() + 1, 1);
        let line = self.file.text().lines().nth(marker.line().saturating_sub(1)).unwrap_or("");
        let indent = line.split(|c: char| c != ' ' && c != '\t').next().unwrap_or("");
        let message = match indent.find('\t') {
            Some(_) => {
                "found a tab in the indentation, expected spaces: YAML allows no tabs there".to_owned()
            }
            None => {
                let rest = line.chars().skip(marker.col()).collect::<String>();
                format!("not valid YAML: {info}{}", advice(info, &rest))
            }
        };
        self.findings.error(&place, message);
    }

    fn place(&self, span: &Span) -> Place {
        let width = if span.start.line() == span.end.line() {
            span.end.col().saturating_sub(span.start.col())
        } else {
            usize::MAX
        };
        Place::new(self.file, span.start.line(), span.start.col() + 1, width)
    }
}

/// What is usually behind an error of the parser, where the error itself does not tell; `rest` is the line from there.
fn advice(info: &str, rest: &str) -> &'static str {
    let colon_in_braces = info.starts_with("while parsing a flow") && rest.starts_with(':');
    if colon_in_braces
        || info.starts_with("mapping values are not allowed")
        || info.starts_with("simple key expect")
    {
        "; a text with `: ` in it or `:` at its end must be in quotes"
    } else if info.starts_with("unexpected character") {
        "; a text that begins with it must be in quotes"
    } else {
        ""
    }
}

fn key(node: Node, style: ScalarStyle, findings: &mut Findings) -> Key {
    match node.content {
        Content::Scalar(scalar) if style == ScalarStyle::Plain && scalar.text == "<<" => Key::Merge,
        Content::Scalar(scalar) if scalar.kind != Kind::Null => Key::Named(scalar.text, node.place),
        _ => {
            findings.error(&node.place, format!("found {} as a key, expected a word", node.describe()));
            Key::Bad
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_commas_cut_within_braces_is_one_mistake_with_its_remedy() {
        let messages = |text: &str| {
            let file = SourceFile::new("a.yaml".into(), text.to_owned());
            let mut findings = Findings::default();
            let _ = parse(&file, &mut findings);
            let mistakes = findings.into_mistakes(&[]);
            mistakes.list.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        for (text, whole) in [
            ("load: { command: check_load -w 5,4,3 -c 10,8,6 }", "check_load -w 5,4,3 -c 10,8,6"),
            ("load: { command: check_load -w 5,5,5 -c 9,9,9, timeout: 5s }", "check_load -w 5,5,5 -c 9,9,9"),
            ("d: { interval: 5s, command: check_disk -w 10%,5% -p / }", "check_disk -w 10%,5% -p /"),
            ("a: { command: a, b, c }", "a, b, c"),
            ("a: { command: check_load -w '5,4,3' -c 10 }", "check_load -w '5,4,3' -c 10"),
        ] {
            let found = messages(text);
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].contains("a comma ends a value within braces"), "{found:?}");
            assert!(found[0].contains(&format!("command: \"{whole}\"")), "{found:?}");
        }
        let found = messages("a: { command: check_load -w '5,4' -c \"10, 8\" }");
        assert!(found[0].ends_with("command: 'check_load -w ''5,4'' -c \"10, 8\"'"), "{found:?}");
        for fine in [
            "a: { b: 1, c: }",
            "a: { b: 1, timeout }",
            "a: { b: \"1,2,3\" }",
            "a: [1,2,3]",
            "a: { b, c }",
            "a:\n  b: 1\n  4:\n",
        ] {
            assert_eq!(messages(fine), Vec::<String>::new(), "{fine}");
        }
    }

    /// The tree in one line, and the mistakes.
    fn read(text: &str) -> (String, String) {
        let file = SourceFile::new("a.yaml".into(), text.to_owned());
        let mut findings = Findings::default();
        let tree = parse(&file, &mut findings).map_or("none".to_owned(), |node| draw(&node));
        (tree, findings.into_mistakes(&[]).to_string())
    }

    fn draw(node: &Node) -> String {
        match &node.content {
            Content::Scalar(scalar) => scalar.text.clone(),
            Content::List(items) => format!("[{}]", items.iter().map(draw).collect::<Vec<_>>().join(" ")),
            Content::Map(entries) => {
                let drawn: Vec<_> =
                    entries.iter().map(|entry| format!("{}={}", entry.key, draw(&entry.value))).collect();
                format!("{{{}}}", drawn.join(" "))
            }
        }
    }

    fn good(text: &str) -> String {
        let (tree, mistakes) = read(text);
        assert_eq!(mistakes, "", "{text}");
        tree
    }

    fn bad(text: &str) -> String {
        read(text).1
    }

    #[test]
    fn the_tree_has_lists_mappings_and_scalars() {
        assert_eq!(good("a: [1, 'two']\nb:\n  c: |\n    x\n"), "{a=[1 two] b={c=x\n}}");
        assert_eq!(good(""), "none");
        assert_eq!(good("# only this\n"), "none");
    }

    #[test]
    fn places_count_from_one() {
        let file = SourceFile::new("a.yaml".into(), "a:\n  bc: [x, yz]\n".to_owned());
        let mut findings = Findings::default();
        let root = parse(&file, &mut findings).unwrap();
        let Content::Map(top) = &root.content else { panic!("no mapping") };
        let Content::Map(inner) = &top[0].value.content else { panic!("no mapping") };
        assert_eq!(inner[0].key_place.to_string(), "a.yaml:2:3");
        let Content::List(items) = &inner[0].value.content else { panic!("no list") };
        assert_eq!(items[1].place.to_string(), "a.yaml:2:11");
        assert_eq!(items[1].place.snippet().unwrap(), "  2 |   bc: [x, yz]\n    |           ^^");
    }

    #[test]
    fn aliases_and_merge_keys_are_resolved() {
        assert_eq!(good("a: &x {k: 1, l: 2}\nb: *x\n"), "{a={k=1 l=2} b={k=1 l=2}}");
        assert_eq!(good("a: &x {k: 1, l: 2}\nb: {<<: *x, l: 3}\n"), "{a={k=1 l=2} b={l=3 k=1}}");
        assert_eq!(
            good("a: &x {k: 1}\nb: &y {k: 2, m: 3}\nc: {<<: [*x, *y]}\n"),
            "{a={k=1} b={k=2 m=3} c={k=1 m=3}}"
        );
        assert_eq!(good("a: {'<<': 1}\n"), "{a={<<=1}}");
        assert_eq!(
            bad("a: {<<: 1}\n"),
            "a.yaml:1:9: found the number `1`, expected a mapping (or a list of them) to merge"
        );
    }

    #[test]
    fn a_key_given_twice_names_both_places_and_the_first_is_kept() {
        let (tree, mistakes) = read("a: 1\nb: 2\na: 3\n");
        assert_eq!(tree, "{a=1 b=2}");
        assert_eq!(mistakes, "a.yaml:3:1: the key `a` is given twice (first at a.yaml:1:1)");
    }

    #[test]
    fn odd_keys_and_tags_are_refused_and_reading_goes_on() {
        assert_eq!(bad("? [a]\n: 1\nb: 2\n"), "a.yaml:1:3: found a list as a key, expected a word");
        assert_eq!(bad("~: 1\n"), "a.yaml:1:1: found nothing as a key, expected a word");
        let tagged = bad("a: !foo 1\nb: !!str 5\n");
        assert_eq!(tagged.lines().count(), 1);
        assert!(tagged.contains("found the tag `!foo`"), "{tagged}");
    }

    #[test]
    fn a_bomb_of_aliases_is_stopped() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let last = format!("*a{} , ", level - 1).repeat(9);
            text.push_str(&format!("a{level}: &a{level} [{last}]\n"));
        }
        assert!(bad(&text).contains("those that aliases repeat included"));
    }

    #[test]
    fn depth_and_self_reference_are_bounded() {
        let deep = "[".repeat(CONFIG_DEPTH_MAX + 1);
        assert!(bad(&deep).contains("levels deep"));
        assert_eq!(bad("a: &x [*x]\n"), "a.yaml:1:8: this alias stands inside what it refers to");
    }

    #[test]
    fn syntax_errors_say_where_and_tabs_are_named() {
        assert!(bad("a: [1\nb: 2\n").starts_with("a.yaml:2:"), "{}", bad("a: [1\nb: 2\n"));
        assert!(bad("a:\n\tb: 1\n").contains("expected spaces"), "{}", bad("a:\n\tb: 1\n"));
        assert_eq!(bad("a: \0b\n"), "a.yaml:1:4: the character U+0000 is not allowed in YAML");
    }

    #[test]
    fn texts_that_want_quotes_are_named() {
        for text in
            ["a: {b: 5:}\n", "a: {b: 5:, c: 1}\n", "a: 10:\n", "a: check_x: it\n", "a: @10:20\n", "a: %x\n"]
        {
            assert!(bad(text).ends_with("must be in quotes"), "{}", bad(text));
        }
    }

    #[test]
    fn a_second_document_is_refused() {
        assert_eq!(good("---\na: 1\n...\n"), "{a=1}");
        assert_eq!(
            bad("a: 1\n---\nb: 2\n"),
            "a.yaml:2:1: found a second YAML document, expected one in a file"
        );
    }
}
