//! Shapes of values that keys of several sections have.

use crate::document::section::Shape;

/// A port of a host, or of every address.
const ADDRESS: &str = r"^(\*|\[[0-9A-Fa-f:.]+\]|[^:\[\] /]+):[0-9]{1,5}$";
/// An address, or a network with the length of its prefix.
const NETWORK: &str = r"^[0-9A-Fa-f:.]+(/[0-9]{1,3})?$";
/// Any text at all.
const ANY_TEXT: &str = r"^";

/// A number that is taken as the text that was written.
pub(crate) fn number() -> Shape {
    Shape::Number { least: f64::MIN, most: f64::MAX }
}

/// The path of a file or directory.
pub(crate) fn path() -> Shape {
    Shape::Text
}

/// Addresses with port.
pub(crate) fn addresses() -> Shape {
    Shape::Pattern(ADDRESS).one_or_more()
}

/// Addresses and networks.
pub(crate) fn networks() -> Shape {
    Shape::Pattern(NETWORK).one_or_more()
}

/// Objects of SNMP: names, or numbers such as `1.3.6.1.2.1.1.3.0`.
pub(crate) fn objects() -> Shape {
    Shape::Scalar.one_or_more()
}

/// Objects of SNMP, perhaps by label.
pub(crate) fn labelled_objects() -> Shape {
    Shape::Either(vec![objects(), Shape::Scalar.by_name()])
}

/// Objects of SNMP by name or numbers, with the values that they must have.
pub(crate) fn conditions() -> Shape {
    let whole = Shape::Whole { least: i64::MIN, most: i64::MAX };
    Shape::Either(vec![whole, Shape::Pattern(ANY_TEXT)]).one_or_more().by_name()
}
