//! Taking a bundle apart.

use std::sync::Arc;

use super::values::get_values;
use super::{BundleFault, MAGIC, TEXTS, VERSION};
use crate::bytes::{Cursor, Short};
use crate::chunk::{ATTRIBUTES, run_of};
use crate::instances::{Instances, get_changes};
use crate::limits::BUNDLE_BYTES_MAX;
use crate::log::{Schema, SeriesMeta};
use crate::run::Run;
use crate::value::Value;

/// Bytes that each run has at least: one in every column and of every text.
const RUN_BYTES_MIN: usize = 2 + ATTRIBUTES + TEXTS;

/// A run of a bundle.
#[derive(Clone, Debug, PartialEq)]
pub struct Bundled {
    /// The number that the run has in the store that the bundle was made from.
    pub number: u64,
    /// The name of its check.
    pub check: Arc<str>,
    /// The run.
    pub run: Run,
}

/// The runs of a bundle, in the order in which they were put into it.
///
/// # Errors
/// If the bytes are no bundle.
pub fn read_bundle(bytes: &[u8]) -> Result<Vec<Bundled>, BundleFault> {
    let Some(rest) = bytes.strip_prefix(&MAGIC) else { return Err(BundleFault::NoBundle) };
    let mut cursor = Cursor::new(rest);
    let version = cursor.u8()?;
    if version != VERSION {
        return Err(BundleFault::Version(version));
    }
    let len = cursor.size()?;
    if len > BUNDLE_BYTES_MAX {
        return Err(BundleFault::TooLarge(len));
    }
    let content = zstd::bulk::decompress(&rest[cursor.at()..], len).map_err(|_| BundleFault::Compression)?;
    if content.len() != len {
        return Err(BundleFault::Compression);
    }
    Ok(runs(&content)?)
}

fn runs(content: &[u8]) -> Result<Vec<Bundled>, Short> {
    let mut cursor = Cursor::new(content);
    let mut groups = Vec::new();
    for _ in 0..cursor.count(2)? {
        groups.push(group(&mut cursor)?.into_iter());
    }
    let mut all = Vec::new();
    for _ in 0..cursor.count(1)? {
        let group = groups.get_mut(cursor.size()?).ok_or(Short)?;
        all.push(group.next().ok_or(Short)?);
    }
    let is_whole = cursor.is_at_end() && groups.iter_mut().all(|group| group.len() == 0);
    if is_whole { Ok(all) } else { Err(Short) }
}

/// The runs of one group.
fn group(cursor: &mut Cursor<'_>) -> Result<Vec<Bundled>, Short> {
    let check: Arc<str> = Arc::from(cursor.str()?);
    let instances = match cursor.u8()? {
        0 => false,
        1 => true,
        _ => return Err(Short),
    };
    let schema = Schema::get(cursor, instances)?;
    let len = cursor.count(RUN_BYTES_MIN)?;
    let columns = columns(cursor, len)?;
    let run = |row: usize| {
        let attributes = std::array::from_fn(|at| columns[2 + at][row]);
        let run = run_of(columns[1][row], &attributes)?;
        Ok(Bundled { number: columns[0][row] as u64, check: Arc::clone(&check), run })
    };
    let mut runs = (0..len).map(run).collect::<Result<Vec<_>, Short>>()?;
    put_texts(cursor, &mut runs)?;
    put_metrics(cursor, &schema, &mut runs)?;
    if instances {
        put_instances(cursor, &mut runs)?;
    }
    Ok(runs)
}

fn columns(cursor: &mut Cursor<'_>, runs: usize) -> Result<Vec<Vec<i64>>, Short> {
    let mut column = || {
        let mut before = 0_i64;
        let numbers = (0..runs).map(|_| {
            before = before.wrapping_add(cursor.zigzag()?);
            Ok(before)
        });
        numbers.collect()
    };
    (0..2 + ATTRIBUTES).map(|_| column()).collect()
}

fn put_texts(cursor: &mut Cursor<'_>, runs: &mut [Bundled]) -> Result<(), Short> {
    for which in 0..TEXTS {
        let mut last = "";
        for one in &mut *runs {
            if let Some(len) = cursor.size()?.checked_sub(1) {
                last = std::str::from_utf8(cursor.take(len)?).map_err(|_| Short)?;
            }
            let run = &mut one.run;
            let texts =
                [&mut run.text, &mut run.long_text, &mut run.stderr, &mut run.origin, &mut run.judgement];
            last.clone_into(texts.into_iter().nth(which).ok_or(Short)?);
        }
    }
    Ok(())
}

fn put_metrics(cursor: &mut Cursor<'_>, schema: &Schema, runs: &mut [Bundled]) -> Result<(), Short> {
    let values: Vec<Vec<Option<Value>>> =
        schema.metrics.iter().map(|_| get_values(cursor, runs.len())).collect::<Result<_, _>>()?;
    for (row, one) in runs.iter_mut().enumerate() {
        let metrics = schema.metrics.iter().zip(&values);
        one.run.metrics = metrics.map(|((series, meta), values)| meta.metric(series, values[row])).collect();
    }
    for _ in 0..cursor.count(5)? {
        let (row, index) = (cursor.size()?, cursor.size()?);
        let meta = SeriesMeta::get(cursor)?;
        let (series, _) = schema.metrics.get(index).ok_or(Short)?;
        let metric = runs.get_mut(row).and_then(|one| one.run.metrics.get_mut(index)).ok_or(Short)?;
        *metric = meta.metric(series, metric.value);
    }
    Ok(())
}

fn put_instances(cursor: &mut Cursor<'_>, runs: &mut [Bundled]) -> Result<(), Short> {
    let mut last = Instances::default();
    for one in runs {
        let len = cursor.count(1)?;
        if len > 0 {
            let mut changes = Cursor::new(cursor.take(len)?);
            last = get_changes(&mut changes, last, one.run.time_ms)?;
            if !changes.is_at_end() {
                return Err(Short);
            }
        }
        one.run.instances = last.clone();
    }
    Ok(())
}
