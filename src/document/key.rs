//! What a section of the configuration may say: its keys, each with its type, its default and its text.
//!
//! A key is defined once, in a table made by [`section!`]. Its reader, the list of known keys, the schema for editors, the
//! tables of the documentation and `custos.yaml(5)` all go by that.

use crate::document::diagnostic::Findings;
use crate::document::section::{Absent, Row, Shape};
use crate::document::yaml::Node;

/// One key: how its value is written and read (`K`), and what holds where it is absent (`A`).
#[derive(Clone, Copy)]
pub(crate) struct Key<K, A = Says> {
    name: &'static str,
    kind: K,
    absent: A,
    text: &'static str,
}

/// Where the key is absent, these words of Markdown tell what holds.
#[derive(Clone, Copy)]
pub(crate) struct Says(&'static str);

/// Where the key is absent, this value holds.
#[derive(Clone, Copy)]
pub(crate) struct Is<V>(V);

/// The key may not be absent.
#[derive(Clone, Copy)]
pub(crate) struct Required;

/// How a value is written.
pub(crate) trait Kind {
    /// As data.
    fn shape(&self) -> Shape;
}

/// A kind with a reader that needs nothing but the value.
pub(crate) trait Reads: Kind {
    /// What is read.
    type Value: Copy;

    /// Reads a value; one that does not fit is reported.
    fn read(&self, node: &Node, findings: &mut Findings) -> Option<Self::Value>;

    /// A value as it is written.
    fn written(&self, value: Self::Value) -> String;
}

/// A kind whose reader belongs to its section.
#[derive(Clone, Copy)]
pub(crate) struct Own(pub(crate) fn() -> Shape);

impl Kind for Own {
    fn shape(&self) -> Shape {
        self.0()
    }
}

/// A key of this kind, of which this is to be said in Markdown. It is optional, and absent it means nothing.
pub(crate) const fn key<K: Copy>(name: &'static str, kind: K, text: &'static str) -> Key<K> {
    Key { name, kind, absent: Says("none"), text }
}

impl<K: Copy> Key<K> {
    /// With words of Markdown for what holds where it is absent.
    pub(crate) const fn says(self, words: &'static str) -> Key<K> {
        Key { name: self.name, kind: self.kind, absent: Says(words), text: self.text }
    }

    /// With the value that holds where it is absent.
    pub(crate) const fn is<V: Copy>(self, value: V) -> Key<K, Is<V>> {
        Key { name: self.name, kind: self.kind, absent: Is(value), text: self.text }
    }

    /// It may not be absent.
    pub(crate) const fn required(self) -> Key<K, Required> {
        Key { name: self.name, kind: self.kind, absent: Required, text: self.text }
    }
}

impl<K, A> Key<K, A> {
    /// How its value is written.
    pub(crate) const fn kind(&self) -> &K {
        &self.kind
    }
}

impl<K, V: Copy> Key<K, Is<V>> {
    /// The value that holds where the key is absent.
    pub(crate) const fn built_in(&self) -> V {
        self.absent.0
    }
}

/// A way to say what holds where a key of kind `K` is absent.
pub(crate) trait Absence<K> {
    /// What holds.
    fn absent(&self, kind: &K) -> Absent;
}

impl<K> Absence<K> for Says {
    fn absent(&self, _: &K) -> Absent {
        Absent::Words(self.0)
    }
}

impl<K> Absence<K> for Required {
    fn absent(&self, _: &K) -> Absent {
        Absent::Required
    }
}

impl<K: Reads> Absence<K> for Is<K::Value> {
    fn absent(&self, kind: &K) -> Absent {
        Absent::Value(kind.written(self.0))
    }
}

impl Absence<Own> for Is<&'static str> {
    fn absent(&self, _: &Own) -> Absent {
        Absent::Value(self.0.to_owned())
    }
}

impl Absence<Own> for Is<&'static [&'static str]> {
    fn absent(&self, _: &Own) -> Absent {
        Absent::Values(self.0)
    }
}

impl<K: Kind + Sync, A: Absence<K> + Sync> Row for Key<K, A> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn shape(&self) -> Shape {
        self.kind.shape()
    }

    fn absent(&self) -> Absent {
        self.absent.absent(&self.kind)
    }

    fn text(&self) -> &'static str {
        self.text
    }
}

/// Defines a section and its keys, a constant for each. Keys of other sections are `with` it.
macro_rules! section {
    (
        $(#[$doc:meta])*
        $section:ident = $name:literal $(with [$($other:ident),+])? $(rules [$($rule:expr),+ $(,)?])?;
        $($key:ident : $type:ty = $value:expr;)+
    ) => {
        $(
            #[doc = concat!("The key of ", $name, ".")]
            pub(crate) const $key: $type = $value;
        )+
        $(#[$doc])*
        pub(crate) static $section: $crate::document::section::Section =
            $crate::document::section::Section::new(
                $name,
                &[$(&$key),+],
                &[$($(&$other),+)?],
                &[$($($rule),+)?],
            );
    };
}
pub(crate) use section;
