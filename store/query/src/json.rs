//! Lines of JSON that are safe to show on a terminal, whatever is in them.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

use crate::printable::json_escaped;

/// Writes a value as a line of JSON, with a newline at its end. Characters that would do something to a terminal are
/// escaped, which changes nothing for a program that reads them.
///
/// # Errors
/// Those of the writer, and of values that have no JSON.
pub fn write_json_line(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    value.serialize(&mut Serializer::with_formatter(&mut *out, Safe))?;
    out.write_all(b"\n")
}

/// The compact form, with more characters escaped than JSON asks for.
struct Safe;

impl Formatter for Safe {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        match json_escaped(fragment) {
            Some(escaped) => writer.write_all(escaped.as_bytes()),
            None => writer.write_all(fragment.as_bytes()),
        }
    }
}
