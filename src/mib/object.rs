//! One named object: where it lies in the tree, and how its values are to be read.

use custos_compat::snmp::Oid;

/// What an object is, as far as its type on the wire does not say so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    /// A place in the tree that has no value.
    Node,
    /// A table.
    Table,
    /// A row of a table.
    Row,
    /// A notification.
    Trap,
    /// A number.
    Number,
    /// A number that only grows, until it wraps or the device starts anew.
    Counter,
    /// Hundredths of a second.
    Ticks,
    /// Bytes that are a text.
    Text,
    /// Bytes that are no text.
    Bytes,
    /// A physical address.
    Mac,
    /// Date and time in 8 or 11 bytes (RFC 2579).
    Date,
    /// The name of another object.
    ObjectId,
    /// An IPv4 address.
    IpAddress,
}

impl Syntax {
    /// Its word in the built-in table; none for a node.
    pub(super) fn from_word(word: &str) -> Option<Syntax> {
        Some(match word {
            "table" => Syntax::Table,
            "row" => Syntax::Row,
            "trap" => Syntax::Trap,
            "int" => Syntax::Number,
            "counter" => Syntax::Counter,
            "ticks" => Syntax::Ticks,
            "text" => Syntax::Text,
            "bytes" => Syntax::Bytes,
            "mac" => Syntax::Mac,
            "date" => Syntax::Date,
            "oid" => Syntax::ObjectId,
            "ip" => Syntax::IpAddress,
            _ => return None,
        })
    }

    /// Whether objects of this kind have values.
    pub fn has_value(self) -> bool {
        !matches!(self, Syntax::Node | Syntax::Table | Syntax::Row | Syntax::Trap)
    }
}

/// A named object.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// Its name, such as `ifOperStatus`.
    pub name: Box<str>,
    /// The module that defines it, such as `IF-MIB`.
    pub module: Box<str>,
    /// Where it lies.
    pub oid: Oid,
    /// What it is.
    pub syntax: Syntax,
    /// The words for its numbers, in the order of the numbers.
    pub words: Box<[(i64, Box<str>)]>,
    /// The unit as its module writes it, such as `seconds`; empty if it has none.
    pub units: Box<str>,
}

impl Object {
    /// The word for a number, if the object is an enumeration.
    pub fn word(&self, number: i64) -> Option<&str> {
        self.words.iter().find(|(known, _)| *known == number).map(|(_, word)| &**word)
    }

    /// The number of a word, if the object is an enumeration.
    pub fn number(&self, word: &str) -> Option<i64> {
        self.words.iter().find(|(_, known)| **known == *word).map(|(number, _)| *number)
    }
}
