//! Putting a bundle together, run by run.

use std::collections::HashMap;

use super::values::put_values;
use super::{MAGIC, TEXTS, VERSION};
use crate::bytes::{put_str, put_varint, put_zigzag};
use crate::chunk::{ATTRIBUTES, attributes_of};
use crate::error::{Error, Result};
use crate::instances::{Instances, put_changes};
use crate::limits::{BUNDLE_BYTES_MAX, BUNDLE_EFFORT};
use crate::log::{Schema, SeriesMeta};
use crate::run::Run;
use crate::value::Value;

/// Bytes that are taken for a run and a metric of it beside texts and instances: more than they usually take.
const RUN_BYTES: usize = 64;
const METRIC_BYTES: usize = 16;

/// The runs of a check that have the same metrics.
#[derive(Debug)]
struct Group {
    check: String,
    schema: Schema,
    runs: usize,
    /// Number of the run, its time, its attributes.
    columns: [Vec<i64>; 2 + ATTRIBUTES],
    /// Of each text the bytes written so far and the last one.
    texts: [(Vec<u8>, String); TEXTS],
    /// By metric.
    values: Vec<Vec<Option<Value>>>,
    metas: Vec<u8>,
    metas_len: u64,
    instances: Vec<u8>,
    last_instances: Instances,
}

/// Runs that become one piece of bytes.
#[derive(Debug, Default)]
pub struct Bundle {
    groups: Vec<Group>,
    /// The groups of a check, the one used last at the end.
    by_check: HashMap<String, Vec<usize>>,
    /// The group of each run, in the order in which they were added.
    order: Vec<usize>,
    samples: u64,
    bytes: usize,
}

impl Bundle {
    /// Adds a run of a check with its number.
    pub fn add(&mut self, check: &str, number: u64, run: &Run) {
        let at = self.group(check, run);
        let bytes = self.groups[at].add(number, run);
        self.bytes += bytes;
        self.order.push(at);
        self.samples += run.metrics.len() as u64;
    }

    /// How many runs were added.
    pub fn runs(&self) -> usize {
        self.order.len()
    }

    /// How many samples they have: one a metric a run.
    pub fn samples(&self) -> u64 {
        self.samples
    }

    /// About how many bytes the content has before it is compressed.
    pub fn content_bytes(&self) -> usize {
        self.bytes
    }

    /// The bundle. What was added is gone from here then, and the next one can begin.
    ///
    /// # Errors
    /// If there is more than [`BUNDLE_BYTES_MAX`], or the compressor fails.
    pub fn finish(&mut self) -> Result<Vec<u8>> {
        let bundle = std::mem::take(self);
        let content = bundle.content();
        if content.len() > BUNDLE_BYTES_MAX {
            return Err(Error::BundleTooLarge { bytes: content.len(), limit: BUNDLE_BYTES_MAX });
        }
        compressed(&content).map_err(|error| Error::Compress { what: error.to_string() })
    }

    fn content(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.bytes);
        put_varint(&mut out, self.groups.len() as u64);
        self.groups.iter().for_each(|group| group.put(&mut out));
        put_varint(&mut out, self.order.len() as u64);
        self.order.iter().for_each(|at| put_varint(&mut out, *at as u64));
        out
    }

    fn group(&mut self, check: &str, run: &Run) -> usize {
        if let Some(known) = self.by_check.get_mut(check) {
            let groups = &self.groups;
            if let Some(at) = known.iter().rposition(|at| groups[*at].schema.fits(run)) {
                let found = known.remove(at);
                known.push(found);
                return found;
            }
        }
        let schema = Schema::of(run);
        self.bytes += check.len() + schema.bytes() + RUN_BYTES;
        self.by_check.entry(check.to_owned()).or_default().push(self.groups.len());
        self.groups.push(Group::new(check, schema));
        self.groups.len() - 1
    }
}

/// The bundle of a content.
fn compressed(content: &[u8]) -> std::io::Result<Vec<u8>> {
    let frame = zstd::bulk::compress(content, BUNDLE_EFFORT)?;
    let mut out = Vec::with_capacity(MAGIC.len() + 8 + frame.len());
    out.extend_from_slice(&MAGIC);
    out.push(VERSION);
    put_varint(&mut out, content.len() as u64);
    out.extend_from_slice(&frame);
    Ok(out)
}

/// A bundle of any content.
#[cfg(feature = "fuzzing")]
pub(crate) fn bundle_around(content: &[u8]) -> Vec<u8> {
    compressed(content).unwrap_or_default()
}

impl Group {
    fn new(check: &str, schema: Schema) -> Group {
        Group {
            check: check.to_owned(),
            runs: 0,
            columns: Default::default(),
            texts: Default::default(),
            values: vec![Vec::new(); schema.metrics.len()],
            metas: Vec::new(),
            metas_len: 0,
            instances: Vec::new(),
            last_instances: Instances::default(),
            schema,
        }
    }

    /// Takes in a run; about the bytes that it takes.
    fn add(&mut self, number: u64, run: &Run) -> usize {
        let (numbers, attributes) = self.columns.split_at_mut(2);
        numbers[0].push(number as i64);
        numbers[1].push(run.time_ms);
        attributes.iter_mut().zip(attributes_of(run)).for_each(|(column, number)| column.push(number));
        let texts = [&run.text, &run.long_text, &run.stderr, &run.origin, &run.judgement];
        for ((out, last), text) in self.texts.iter_mut().zip(texts) {
            if last == text {
                out.push(0);
            } else {
                put_varint(out, text.len() as u64 + 1);
                out.extend_from_slice(text.as_bytes());
                last.clone_from(text);
            }
        }
        let before = self.metas.len() + self.instances.len();
        for (index, (metric, (_, meta))) in run.metrics.iter().zip(&self.schema.metrics).enumerate() {
            self.values[index].push(metric.value);
            if !meta.is_of(metric) {
                put_varint(&mut self.metas, self.runs as u64);
                put_varint(&mut self.metas, index as u64);
                SeriesMeta::of(metric).put(&mut self.metas);
                self.metas_len += 1;
            }
        }
        if self.schema.instances {
            let mut changes = Vec::new();
            put_changes(&mut changes, &self.last_instances, &run.instances, run.time_ms);
            put_varint(&mut self.instances, changes.len() as u64);
            self.instances.append(&mut changes);
            self.last_instances = run.instances.clone();
        }
        self.runs += 1;
        RUN_BYTES
            + texts.iter().map(|text| text.len()).sum::<usize>()
            + run.metrics.len() * METRIC_BYTES
            + (self.metas.len() + self.instances.len() - before)
    }

    fn put(&self, out: &mut Vec<u8>) {
        put_str(out, &self.check);
        out.push(u8::from(self.schema.instances));
        self.schema.put(out);
        put_varint(out, self.runs as u64);
        for column in &self.columns {
            let mut before = 0_i64;
            for number in column {
                put_zigzag(out, number.wrapping_sub(before));
                before = *number;
            }
        }
        self.texts.iter().for_each(|(texts, _)| out.extend_from_slice(texts));
        self.values.iter().for_each(|values| put_values(out, values));
        put_varint(out, self.metas_len);
        out.extend_from_slice(&self.metas);
        out.extend_from_slice(&self.instances);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{BundleFault, read_bundle};
    use super::*;
    use crate::instances::Instance;
    use crate::provenance::{Consolidation, Provenance};
    use crate::run::{Metric, Reason, Standing};
    use crate::state::State;
    use crate::value::Bounds;
    use proptest::prelude::*;

    fn metric(label: &str, value: impl Into<Option<Value>>) -> Metric {
        Metric {
            unit: "s".to_owned(),
            warn: Some(Bounds { start: 0.0, end: 5.0, inside: false }),
            ..Metric::new(label, value)
        }
    }

    /// A run that differs by its number in every field.
    fn run(n: u64) -> Run {
        let text = |what: &str| format!("{what} {}", n / 3);
        Run {
            time_ms: 1_700_000_000_000 + n as i64 * 10_000 - (n % 3) as i64,
            duration_us: n * 1000,
            lateness_us: n.is_multiple_of(2).then_some(u64::MAX - n),
            cpu_us: n.is_multiple_of(3).then_some(n),
            max_rss_bytes: Some(n << 20),
            state: State::ALL[n as usize % 4],
            plugin_state: State::ALL[n as usize / 2 % 4],
            reason: Reason::ALL[n as usize % 7],
            exit_code: n.is_multiple_of(5).then_some(n as u8),
            signal: n.is_multiple_of(7).then_some(9),
            missed_slots: n as u32 % 5,
            standing: Standing {
                hard: n.is_multiple_of(2),
                attempt: n as u32,
                hard_state: State::ALL[n as usize / 3 % 4],
                since_ms: -(n as i64),
                flapping: n.is_multiple_of(3),
                flap_history: u64::MAX - n,
            },
            text: text("größe"),
            long_text: text("more"),
            stderr: text("stderr"),
            origin: text("nrpe"),
            judgement: text("over"),
            metrics: vec![
                metric("load1", Value::Float(n as f64 / 100.0)),
                Metric {
                    unit: ["B", "MB"][n as usize / 4 % 2].to_owned(),
                    labels: vec![("row".to_owned(), "eth0".to_owned())],
                    ..metric("free", (!n.is_multiple_of(4)).then_some(Value::Integer(i64::MAX - n as i64)))
                },
            ],
            instances: Instances::new(vec![Instance {
                state: State::ALL[n as usize / 5 % 4],
                ..Instance::new(vec![("device".to_owned(), "a".to_owned())])
            }])
            .unwrap(),
            partial: n.is_multiple_of(2),
            provenance: match n % 3 {
                0 => Provenance::Consolidated { span_ms: n, function: Consolidation::Sum },
                1 => Provenance::Asked,
                _ => Provenance::Scheduled,
            },
            imported: n.is_multiple_of(4),
        }
    }

    #[test]
    fn whole_runs_of_several_checks_come_back_in_their_order() {
        let mut bundle = Bundle::default();
        let mut added = Vec::new();
        for n in 0..60 {
            let check = ["disk", "load", "ping /"][n as usize % 3];
            let mut run = run(n);
            if n % 9 == 4 {
                run.metrics.truncate(1);
                run.instances = Instances::default();
            }
            bundle.add(check, n * 3, &run);
            added.push((check.to_owned(), n * 3, run));
        }
        assert_eq!((bundle.runs(), bundle.samples()), (60, 113));
        let most = bundle.content_bytes();
        assert!(bundle.content().len() <= most, "{} > {most}", bundle.content().len());
        let bytes = bundle.finish().unwrap();
        let read = read_bundle(&bytes).unwrap();
        let read: Vec<(String, u64, Run)> =
            read.into_iter().map(|one| (one.check.to_string(), one.number, one.run)).collect();
        assert_eq!(read, added);
        assert_eq!((bundle.runs(), bundle.content_bytes()), (0, 0));
        let nothing = bundle.finish().unwrap();
        assert!(read_bundle(&nothing).unwrap().is_empty());
    }

    #[test]
    fn what_is_no_bundle_is_said_to_be_none() {
        let mut bundle = Bundle::default();
        bundle.add("load", 7, &run(1));
        let good = bundle.finish().unwrap();
        assert_eq!(read_bundle(b"CUSTLOG\0").unwrap_err(), BundleFault::NoBundle);
        let mut other = good.clone();
        other[8] = 2;
        assert_eq!(read_bundle(&other).unwrap_err(), BundleFault::Version(2));
        let large = [&MAGIC[..], &[VERSION, 0xff, 0xff, 0xff, 0xff, 0x0f], &good[12..]].concat();
        assert_eq!(read_bundle(&large).unwrap_err(), BundleFault::TooLarge(0xffff_ffff));
        for end in 0..good.len() {
            assert!(read_bundle(&good[..end]).is_err());
        }
    }

    proptest! {
        #[test]
        fn any_content_is_runs_or_a_fault(content in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read_bundle(&compressed(&content).unwrap());
        }

        #[test]
        fn a_changed_byte_does_no_harm(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
            let mut bundle = Bundle::default();
            (0..6).for_each(|n| bundle.add("load", n, &run(n)));
            let mut content = bundle.content();
            let at = at.index(content.len());
            content[at] = byte;
            let _ = read_bundle(&compressed(&content).unwrap());
        }
    }
}
