//! Rows in memory to the bytes of a chunk.

use super::attributes::{self, ATTRIBUTES};
use super::header::{self, Extent, Header, SeriesEntry};
use super::rows::{Rows, SeriesRows};
use crate::bytes::put_varint;
use crate::column::{Effort, Stat, Values, put_ints, put_texts, put_times, put_values};
use crate::error::Result;
use crate::statistics::Statistics;

/// Adds what `write` appends to the body as a column.
fn column(body: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>) -> Result<()>) -> Result<Extent> {
    let at = body.len();
    write(body)?;
    Ok(Extent { at, len: body.len() - at, crc: crc32c::crc32c(&body[at..]) })
}

fn stats(values: &Values) -> Statistics {
    let mut present = (0..values.len()).filter_map(|row| values.at(row));
    if values.specials.is_empty() {
        let Stat { min, max, sum } = Stat::of(&values.floats);
        let (first, last) = (present.next(), values.len().checked_sub(1).and_then(|last| values.at(last)));
        return Statistics { count: values.len() as u64, min, max, sum, first, last };
    }
    present.fold(Statistics::NONE, |stats, value| {
        let float = value.to_f64();
        Statistics {
            count: stats.count + 1,
            min: stats.min.min(float),
            max: stats.max.max(float),
            sum: stats.sum + float,
            first: stats.first.or(Some(value)),
            last: Some(value),
        }
    })
}

fn put_series(out: &mut Vec<u8>, series: &SeriesRows, effort: Effort) -> Result<()> {
    let metas: Vec<i64> = series.metas.iter().map(|meta| i64::from(*meta)).collect();
    put_ints(out, &metas, effort)?;
    put_values(out, &series.values, effort)
}

fn put_attributes(out: &mut Vec<u8>, columns: &[Vec<i64>; ATTRIBUTES], effort: Effort) -> Result<()> {
    let spans = columns[attributes::VERDICT].iter().any(|verdict| attributes::has_span(*verdict));
    let written = if spans { ATTRIBUTES } else { attributes::SPAN };
    columns[..written].iter().try_for_each(|column| put_ints(out, column, effort))
}

fn put_shapes(out: &mut Vec<u8>, rows: &Rows, effort: Effort) -> Result<()> {
    put_varint(out, rows.shapes.len() as u64);
    for shape in &rows.shapes {
        put_varint(out, shape.len() as u64);
        shape.iter().for_each(|series| put_varint(out, u64::from(*series)));
    }
    let indexes: Vec<i64> = rows.shape_rows.iter().map(|shape| i64::from(*shape)).collect();
    put_ints(out, &indexes, effort)
}

/// A chunk as bytes, with its header.
pub(crate) fn encode(check: &str, rows: &Rows, effort: Effort) -> Result<(Header, Vec<u8>)> {
    let mut body = Vec::with_capacity(rows.len() * 16);
    let mut header = Header {
        check: check.to_owned(),
        rows: rows.len(),
        first_ms: rows.times.first().copied().unwrap_or(0),
        last_ms: rows.times.last().copied().unwrap_or(0),
        seq_min: rows.seqs.iter().map(|seq| *seq as u64).min().unwrap_or(0),
        seq_max: rows.seqs.iter().map(|seq| *seq as u64).max().unwrap_or(0),
        samples: rows.series.iter().map(|series| series.values.len() as u64).sum(),
        metas: rows.metas.clone(),
        ..Header::default()
    };
    header.columns[header::TIMES] = column(&mut body, |out| put_times(out, &rows.times, effort))?;
    header.columns[header::SEQS] = column(&mut body, |out| put_ints(out, &rows.seqs, effort))?;
    header.columns[header::ATTRIBUTES] =
        column(&mut body, |out| put_attributes(out, &rows.attributes, effort))?;
    header.columns[header::TEXTS] = column(&mut body, |out| {
        rows.texts.iter().try_for_each(|texts| put_texts(out, texts.texts(), effort))
    })?;
    header.columns[header::SHAPES] = column(&mut body, |out| put_shapes(out, rows, effort))?;
    for series in &rows.series {
        header.series.push(SeriesEntry {
            series: series.series.clone(),
            rows: series.values.len(),
            last_meta: series.metas.last().map_or(0, |meta| *meta as usize),
            extent: column(&mut body, |out| put_series(out, series, effort))?,
            stats: stats(&series.values),
        });
    }
    if !rows.instances.is_empty() {
        let instances = column(&mut body, |out| rows.instances.put(out, rows.len(), effort))?;
        header.instances = Some(instances);
    }
    let mut bytes = header.put();
    bytes.extend_from_slice(&body);
    Ok((header, bytes))
}

/// A chunk of the check `x` with one series, whose columns are these bytes cut to these lengths. It has no column of
/// instances if that would be empty.
#[cfg(feature = "fuzzing")]
pub(crate) fn put_chunk_around(rows: usize, lens: &[usize], body: &[u8]) -> (Header, Vec<u8>) {
    let mut at = 0;
    let mut extents = lens.iter().map(|len| {
        let len = (*len).min(body.len() - at);
        let extent = Extent { at, len, crc: crc32c::crc32c(&body[at..at + len]) };
        at += len;
        extent
    });
    let mut header = Header { check: "x".to_owned(), rows, last_ms: rows as i64 * 1000, ..Header::default() };
    header.columns.iter_mut().zip(extents.by_ref()).for_each(|(to, extent)| *to = extent);
    let extent = extents.next().unwrap_or_default();
    header.metas.push(crate::log::SeriesMeta::default());
    let series = crate::log::SeriesDef::default();
    header.series.push(SeriesEntry { series, rows, last_meta: 0, extent, stats: Statistics::NONE });
    header.instances = extents.next().filter(|extent| extent.len > 0);
    let mut bytes = header.put();
    bytes.extend_from_slice(body);
    (header, bytes)
}
