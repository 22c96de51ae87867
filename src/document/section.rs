//! Sections of the configuration as data: which keys each has, and what their values may look like. A reader of Custos
//! decides; this tells editors and people.

use std::time::Duration;

/// What a value may look like.
#[derive(Clone, Debug)]
pub(crate) enum Shape {
    /// `true` or `false`.
    Boolean,
    /// A whole number.
    Whole { least: i64, most: i64 },
    /// A number.
    Number { least: f64, most: f64 },
    /// A duration with its units.
    Duration { least: Duration, most: Duration },
    /// A number of bytes, with or without a unit.
    Size { most: u64 },
    /// One of these words.
    Words(Vec<&'static str>),
    /// A text that is not empty, and no number or boolean.
    Text,
    /// A text that matches this regular expression, which Rust, Python and ECMAScript read alike.
    Pattern(&'static str),
    /// Anything that is written on one line: a text, a number or a boolean.
    Scalar,
    /// Nothing at all, as behind `checks:` with all of them commented out.
    Nothing,
    /// A list.
    List(Box<Shape>),
    /// A mapping of names that match this regular expression, and are none of those words, to values.
    Map { names: String, reserved: &'static [&'static str], values: Box<Shape> },
    /// A mapping with known keys.
    Section(&'static Section),
    /// A mapping with known keys, and others that match this regular expression.
    Open { section: &'static Section, names: String, values: Box<Shape> },
    /// Whatever somebody likes.
    Anything,
    /// One of several.
    Either(Vec<Shape>),
}

impl Shape {
    /// One value, or a list of such values.
    pub(crate) fn one_or_more(self) -> Shape {
        Shape::Either(vec![self.clone(), Shape::List(Box::new(self))])
    }

    /// A mapping of names of at least one character to such values.
    pub(crate) fn by_name(self) -> Shape {
        self.by_name_but(&[])
    }

    /// A mapping of names, other than those that are reserved, to such values.
    pub(crate) fn by_name_but(self, reserved: &'static [&'static str]) -> Shape {
        Shape::Map { names: r"^[\s\S]".to_owned(), reserved, values: Box::new(self) }
    }
}

/// What holds where a key is absent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Absent {
    /// Nothing: it is a mistake.
    Required,
    /// A value, as it would be written.
    Value(String),
    /// A list of texts.
    Values(&'static [&'static str]),
    /// What these words of Markdown say.
    Words(&'static str),
}

/// A key of any type, as a table lists it.
pub(crate) trait Row: Sync {
    /// The key.
    fn name(&self) -> &'static str;
    /// What its value may look like.
    fn shape(&self) -> Shape;
    /// What holds where it is absent.
    fn absent(&self) -> Absent;
    /// What it is for, in Markdown.
    fn text(&self) -> &'static str;
}

/// What of the keys of a section belongs together. The reader of the section sees to it; this tells editors.
pub(crate) enum Rule {
    /// Exactly one of these is given.
    One(&'static [&'static dyn Row]),
    /// At least one of these is given.
    Some(&'static [&'static dyn Row]),
    /// The first is not given without the second.
    With(&'static dyn Row, &'static dyn Row),
    /// The first is not given without one of the others.
    WithOne(&'static dyn Row, &'static [&'static dyn Row]),
    /// Where the key has one of these values, `needed` is given and `refused` are not.
    Where {
        key: &'static dyn Row,
        values: &'static [&'static str],
        needed: &'static dyn Row,
        refused: &'static [&'static dyn Row],
    },
}

/// A mapping with known keys.
pub(crate) struct Section {
    /// A name for it, in one word.
    pub(crate) name: &'static str,
    /// Its own keys.
    rows: &'static [&'static dyn Row],
    /// Sections whose keys it has as well.
    with: &'static [&'static Section],
    /// What belongs together.
    pub(crate) rules: &'static [Rule],
}

impl Section {
    /// A section of these keys and those of other sections.
    pub(crate) const fn new(
        name: &'static str,
        rows: &'static [&'static dyn Row],
        with: &'static [&'static Section],
        rules: &'static [Rule],
    ) -> Section {
        Section { name, rows, with, rules }
    }

    /// Its own keys, without those of other sections.
    pub(crate) fn own(&self) -> impl Iterator<Item = &'static dyn Row> {
        self.rows.iter().copied()
    }

    /// All its keys.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &'static dyn Row> {
        let others = self.with.iter().flat_map(|section| section.rows.iter());
        self.rows.iter().chain(others).copied()
    }

    /// Whether it has a key of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.rows().any(|row| row.name() == name)
    }

    /// The names of all its keys.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        self.rows().map(Row::name).collect()
    }
}

impl std::fmt::Debug for Section {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}
