//! Names given to numbers within a log: checks and schemas, on the writing side.
//!
//! Definitions stand in the log before their first use. Now and then the writer forgets all of them and begins
//! a new generation, so that a damaged definition hides runs up to the next generation only. Every frame names its
//! generation and every definition its number, so that a run is never read with a definition that is not its own.

use std::collections::HashMap;

use crate::bytes::{put_str, put_varint};
use crate::error::Result;
use crate::limits::SCHEMAS_PER_CHECK_MAX;
use crate::log::instances::Current;
use crate::log::row::Defined;
use crate::log::schema::Schema;
use crate::run::{Metric, Run};

/// Item: this check number means this name.
pub(super) const TAG_CHECK: u8 = 1;
/// Item: this schema number means this check number with these metrics.
pub(super) const TAG_SCHEMA: u8 = 2;
/// Item: a run: schema number, time (zigzag, against the run before it in the frame), row.
pub(super) const TAG_RUN: u8 = 3;
/// Item: a schema as above, of runs with instances.
pub(super) const TAG_INSTANCES_SCHEMA: u8 = 4;

/// A schema that the log has defined, packed for quick comparison: the writer compares every run with one, so what
/// is compared lies together.
struct Known {
    number: u64,
    /// Of each metric: lengths of label, unit and printed unit, and flags.
    lens: Vec<(u32, u32, u32, u8)>,
    /// Label, unit and printed unit of each metric, one after the other.
    texts: Vec<u8>,
    schema: Schema,
}

/// The metric has further labels.
const LABELS: u8 = 1;
/// The metric has limits.
const LIMITS: u8 = 2;

fn flags(metric: &Metric) -> u8 {
    let limits =
        metric.warn.is_some() || metric.crit.is_some() || metric.min.is_some() || metric.max.is_some();
    if limits { LIMITS } else { 0 }
}

/// Equality without a call for texts of a few bytes.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && if a.len() <= 16 { a.iter().zip(b).all(|(a, b)| a == b) } else { a == b }
}

impl Known {
    fn new(number: u64, schema: Schema) -> Known {
        let (mut lens, mut texts) = (Vec::new(), Vec::new());
        for (series, meta) in &schema.metrics {
            let len = |text: &str| text.len() as u32;
            let limits =
                meta.warn.is_some() || meta.crit.is_some() || meta.min.is_some() || meta.max.is_some();
            let flags = if limits { LIMITS } else { 0 } | if series.labels.is_empty() { 0 } else { LABELS };
            lens.push((len(&series.label), len(&meta.unit), len(&meta.printed_unit), flags));
            for text in [&series.label, &meta.unit, &meta.printed_unit] {
                texts.extend_from_slice(text.as_bytes());
            }
        }
        Known { number, lens, texts, schema }
    }

    /// How many metrics differ in unit or limits; none if the names differ, or their order, or whether there are
    /// instances. Allocates nothing.
    fn changes(&self, run: &Run) -> Option<usize> {
        let metrics = &run.metrics;
        if self.lens.len() != metrics.len() || self.schema.instances == run.instances.is_empty() {
            return None;
        }
        let (mut at, mut changed) = (0, 0);
        for (index, (metric, (label, unit, printed, known))) in metrics.iter().zip(&self.lens).enumerate() {
            let mut text = |len: usize| {
                at += len;
                self.texts.get(at - len..at).unwrap_or_default()
            };
            if !same(text(*label as usize), metric.label.as_bytes()) {
                return None;
            }
            if (known & LABELS != 0 || !metric.labels.is_empty())
                && self.schema.metrics[index].0.labels != metric.labels
            {
                return None;
            }
            let units = same(text(*unit as usize), metric.unit.as_bytes())
                & same(text(*printed as usize), metric.printed_unit.as_bytes());
            let limits =
                (known & LIMITS == 0 && flags(metric) == 0) || self.schema.metrics[index].1.is_of(metric);
            changed += usize::from(!(units && limits));
        }
        Some(changed)
    }
}

/// What the log has defined of a check in this generation.
#[derive(Default)]
struct Check {
    /// Its schemas, the one used last at the end.
    schemas: Vec<Known>,
    /// The instances of its last run that had some.
    instances: Option<Current>,
}

/// What the log has defined in this generation.
#[derive(Default)]
pub(super) struct Dictionary {
    generation: u64,
    numbers: HashMap<String, usize>,
    /// By check number.
    checks: Vec<Check>,
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

    /// What a row of that run is written with. Its schema is defined in `out` if it is new.
    pub(super) fn define(&mut self, out: &mut Vec<u8>, check: &str, run: &Run) -> Result<Defined<'_>> {
        let number = self.check_number(out, check);
        let before = out.len();
        let known = &mut self.checks[number];
        let schemas = &mut known.schemas;
        let found = (0..schemas.len()).rev().find_map(|at| Some((at, schemas[at].changes(run)?)));
        let changed_metas = match found {
            Some((at, changes)) => {
                if at + 1 < schemas.len() {
                    schemas[at..].rotate_left(1);
                }
                changes
            }
            None => {
                let schema = Schema::of(run);
                out.push(if schema.instances { TAG_INSTANCES_SCHEMA } else { TAG_SCHEMA });
                put_varint(out, self.schemas_len);
                put_varint(out, number as u64);
                schema.put(out);
                if schemas.len() == SCHEMAS_PER_CHECK_MAX {
                    schemas.remove(0);
                }
                schemas.push(Known::new(self.schemas_len, schema));
                self.schemas_len += 1;
                0
            }
        };
        self.bytes += (out.len() - before) as u64;
        let instances = match &mut known.instances {
            _ if run.instances.is_empty() => None,
            Some(current) => current.next(&run.instances, run.time_ms)?,
            none => {
                let (current, bytes) = Current::first(&run.instances, run.time_ms)?;
                *none = Some(current);
                self.bytes += bytes.len() as u64;
                Some(bytes)
            }
        };
        let last = &known.schemas[known.schemas.len() - 1];
        Ok(Defined { number: last.number, schema: &last.schema, changed_metas, instances })
    }

    /// The number of a check, defined in `out` if it is new.
    fn check_number(&mut self, out: &mut Vec<u8>, check: &str) -> usize {
        if let Some(number) = self.numbers.get(check) {
            return *number;
        }
        let number = self.checks.len();
        let before = out.len();
        out.push(TAG_CHECK);
        put_varint(out, number as u64);
        put_str(out, check);
        self.numbers.insert(check.to_owned(), number);
        self.checks.push(Check::default());
        self.bytes += (out.len() - before) as u64;
        number
    }

    /// Forgets everything and begins the next generation.
    pub(super) fn reset(&mut self) {
        *self = Dictionary { generation: self.generation + 1, ..Dictionary::default() };
    }
}
