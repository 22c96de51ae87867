//! Names given to numbers within a log: checks and schemas, on the writing side.
//!
//! Definitions stand in the log before their first use. Now and then the writer forgets all of them and begins
//! a new generation, so that a damaged definition hides runs up to the next generation only. Every frame names its
//! generation and every definition its number, so that a run is never read with a definition that is not its own.

use std::collections::HashMap;

use crate::bytes::{put_str, put_varint};
use crate::limits::SCHEMAS_PER_CHECK_MAX;
use crate::log::schema::Schema;
use crate::run::Metric;

/// Item: this check number means this name.
pub(super) const TAG_CHECK: u8 = 1;
/// Item: this schema number means this check number with these metrics.
pub(super) const TAG_SCHEMA: u8 = 2;
/// Item: a run: schema number, time (zigzag, against the run before it in the frame), row.
pub(super) const TAG_RUN: u8 = 3;

/// What the log has defined in this generation.
#[derive(Default)]
pub(super) struct Dictionary {
    generation: u64,
    numbers: HashMap<String, usize>,
    /// By check number: (schema number, schema), the one used last at the end.
    checks: Vec<Vec<(u64, Schema)>>,
    schemas_len: u64,
    bytes: u64,
}

impl Dictionary {
    /// Counts up with every [`Dictionary::reset`].
    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    /// Bytes of definitions in this generation.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The number and content of the schema for a run, defined in `out` if it is new.
    pub(super) fn schema(&mut self, out: &mut Vec<u8>, check: &str, metrics: &[Metric]) -> (u64, &Schema) {
        let before = out.len();
        let number = match self.numbers.get(check) {
            Some(number) => *number,
            None => {
                let number = self.checks.len();
                out.push(TAG_CHECK);
                put_varint(out, number as u64);
                put_str(out, check);
                self.numbers.insert(check.to_owned(), number);
                self.checks.push(Vec::new());
                number
            }
        };
        let schemas = &mut self.checks[number];
        match schemas.iter().rposition(|(_, schema)| schema.names(metrics)) {
            Some(at) if at + 1 == schemas.len() => {}
            Some(at) => schemas[at..].rotate_left(1),
            None => {
                let schema = Schema::of(metrics);
                out.push(TAG_SCHEMA);
                put_varint(out, self.schemas_len);
                put_varint(out, number as u64);
                schema.put(out);
                if schemas.len() == SCHEMAS_PER_CHECK_MAX {
                    schemas.remove(0);
                }
                schemas.push((self.schemas_len, schema));
                self.schemas_len += 1;
            }
        }
        self.bytes += (out.len() - before) as u64;
        let (number, schema) = &schemas[schemas.len() - 1];
        (*number, schema)
    }

    /// Forgets everything and begins the next generation.
    pub(super) fn reset(&mut self) {
        *self = Dictionary { generation: self.generation + 1, ..Dictionary::default() };
    }
}
