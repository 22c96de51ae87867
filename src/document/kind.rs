//! The kinds of values that many keys have, each with its reader.

use std::time::Duration;

use crate::document::diagnostic::Findings;
use crate::document::duration;
use crate::document::fields::{boolean, choice, number, whole};
use crate::document::key::{Kind, Reads};
use crate::document::section::Shape;
use crate::document::size;
use crate::document::yaml::Node;

/// `true` or `false`.
#[derive(Clone, Copy)]
pub(crate) struct Flag;

impl Kind for Flag {
    fn shape(&self) -> Shape {
        Shape::Boolean
    }
}

impl Reads for Flag {
    type Value = bool;

    fn read(&self, node: &Node, findings: &mut Findings) -> Option<bool> {
        boolean(node, findings)
    }

    fn written(&self, value: bool) -> String {
        value.to_string()
    }
}

/// A duration from the first to the second.
#[derive(Clone, Copy)]
pub(crate) struct Span(pub(crate) Duration, pub(crate) Duration);

impl Kind for Span {
    fn shape(&self) -> Shape {
        Shape::Duration { least: self.0, most: self.1 }
    }
}

impl Reads for Span {
    type Value = Duration;

    fn read(&self, node: &Node, findings: &mut Findings) -> Option<Duration> {
        duration::read(node, self.0, self.1, findings)
    }

    fn written(&self, value: Duration) -> String {
        duration::show(value)
    }
}

/// A whole number from the first to the second.
#[derive(Clone, Copy)]
pub(crate) struct Whole<N>(pub(crate) N, pub(crate) N);

impl<N: Copy + Into<i64>> Kind for Whole<N> {
    fn shape(&self) -> Shape {
        Shape::Whole { least: self.0.into(), most: self.1.into() }
    }
}

impl<N: Copy + Into<i64> + TryFrom<i64> + ToString> Reads for Whole<N> {
    type Value = N;

    fn read(&self, node: &Node, findings: &mut Findings) -> Option<N> {
        whole(node, self.0.into(), self.1.into(), findings).and_then(|number| N::try_from(number).ok())
    }

    fn written(&self, value: N) -> String {
        value.to_string()
    }
}

/// A number from the first to the second.
#[derive(Clone, Copy)]
pub(crate) struct Number(pub(crate) f64, pub(crate) f64);

impl Kind for Number {
    fn shape(&self) -> Shape {
        Shape::Number { least: self.0, most: self.1 }
    }
}

impl Reads for Number {
    type Value = f64;

    fn read(&self, node: &Node, findings: &mut Findings) -> Option<f64> {
        number(node, self.0, self.1, findings)
    }

    fn written(&self, value: f64) -> String {
        value.to_string()
    }
}

/// A number of bytes from 1 to this.
#[derive(Clone, Copy)]
pub(crate) struct Size(pub(crate) u64);

impl Kind for Size {
    fn shape(&self) -> Shape {
        Shape::Size { most: self.0 }
    }
}

impl Reads for Size {
    type Value = u64;

    fn read(&self, node: &Node, findings: &mut Findings) -> Option<u64> {
        size::read(node, self.0, findings)
    }

    fn written(&self, value: u64) -> String {
        size::show(value)
    }
}

/// One of a few words, each with its meaning.
#[derive(Clone, Copy)]
pub(crate) struct Choice<T: 'static>(pub(crate) &'static [(&'static str, T)]);

impl<T> Kind for Choice<T> {
    fn shape(&self) -> Shape {
        Shape::Words(self.0.iter().map(|(word, _)| *word).collect())
    }
}

impl<T: Copy + PartialEq> Reads for Choice<T> {
    type Value = T;

    fn read(&self, node: &Node, findings: &mut Findings) -> Option<T> {
        choice(node, self.0, findings)
    }

    fn written(&self, value: T) -> String {
        let word = self.0.iter().find(|(_, known)| *known == value).map(|(word, _)| *word);
        word.unwrap_or_default().to_owned()
    }
}
