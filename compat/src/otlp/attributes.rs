//! Attributes: names with values.

use crate::protobuf::{put_double, put_message, put_text, put_uint};

/// Fields of `KeyValue`, and of `AnyValue`.
const KEY: u32 = 1;
const VALUE: u32 = 2;
const STRING_VALUE: u32 = 1;
const INT_VALUE: u32 = 3;
const DOUBLE_VALUE: u32 = 4;

/// Attributes as the messages have them, but for the number of the field, which is each message's own.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attributes(Vec<Vec<u8>>);

impl Attributes {
    /// None.
    pub fn new() -> Attributes {
        Attributes::default()
    }

    /// Adds one whose value is a text. Names must not come twice; whoever adds them sees to that.
    pub fn text(&mut self, name: &str, value: &str) {
        self.add(name, |out| put_text(out, STRING_VALUE, value));
    }

    /// Adds one whose value is an integer.
    pub fn integer(&mut self, name: &str, value: i64) {
        self.add(name, |out| put_uint(out, INT_VALUE, value as u64));
    }

    /// Adds one whose value is a float.
    pub fn float(&mut self, name: &str, value: f64) {
        self.add(name, |out| put_double(out, DOUBLE_VALUE, value));
    }

    fn add(&mut self, name: &str, value: impl FnOnce(&mut Vec<u8>)) {
        let mut pair = Vec::with_capacity(name.len() + 24);
        put_text(&mut pair, KEY, name);
        put_message(&mut pair, VALUE, value);
        self.0.push(pair);
    }

    /// Writes them as the field of this number.
    pub(super) fn put(&self, out: &mut Vec<u8>, field: u32) {
        for pair in &self.0 {
            crate::protobuf::put_bytes(out, field, pair);
        }
    }
}

/// A text as the body of a log record: `AnyValue` as the field of this number.
pub(super) fn put_text_value(out: &mut Vec<u8>, field: u32, text: &str) {
    put_message(out, field, |out| put_text(out, STRING_VALUE, text));
}
