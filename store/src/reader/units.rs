//! The units in which a series was reported, told without decoding a value.

use std::collections::BTreeSet;
use std::ops::{Range, RangeInclusive};

use super::runs::{chunks_in, span};
use super::series::SeriesKey;
use super::snapshot::{Part, Snapshot};
use super::wanted::Wanted;
use crate::column::Ints;
use crate::error::Result;
use crate::log::LogImage;
use crate::segment::{ChunkRef, Segment};

impl Snapshot {
    /// The units of a series in the runs of a check in a range of time (ms since the epoch, end excluded), each once, by name. Where a
    /// chunk has runs beyond the range, those of its other runs may be among them.
    ///
    /// # Errors
    /// [`Error::Damaged`](crate::Error::Damaged).
    pub fn units(&self, check: &str, key: &SeriesKey, range: Range<i64>) -> Result<Vec<String>> {
        let span = span(&range);
        let mut wanted = Wanted::new(std::slice::from_ref(key));
        let mut units = BTreeSet::new();
        for part in self.parts() {
            match part {
                Part::Log(image) => self.units_of_log(image, check, &mut wanted, &span, &mut units)?,
                Part::Segment(segment) => {
                    for chunk in chunks_in(segment, check, &span)? {
                        units_of_chunk(segment, chunk, &mut wanted, &mut units)?;
                    }
                }
            }
        }
        Ok(units.into_iter().collect())
    }

    fn units_of_log(
        &self,
        image: &LogImage,
        check: &str,
        wanted: &mut Wanted,
        span: &RangeInclusive<i64>,
        units: &mut BTreeSet<String>,
    ) -> Result<()> {
        // Most rows have the schema of the row before, and hardly any another unit than it says.
        let mut known: Option<(usize, Option<u32>)> = None;
        for row in image.rows(check).within(span) {
            let (schema, metrics) = (image.schema_index(row), &image.schema(row).metrics);
            let at = match known {
                Some((same, at)) if same == schema => at,
                _ => {
                    let found = wanted.find(metrics.iter().map(|(series, _)| series));
                    let at = found.first().copied().flatten();
                    known = Some((schema, at));
                    at
                }
            };
            let Some(at) = at else { continue };
            let view = image.view(self.disk(), row)?;
            let changed = view.metas.iter().find(|(changed, _)| *changed == at as usize);
            let unit = match changed {
                Some((_, meta)) => Some(&meta.unit),
                None => metrics.get(at as usize).map(|(_, meta)| &meta.unit),
            };
            if let Some(unit) = unit
                && !units.contains(unit)
            {
                units.insert(unit.clone());
            }
        }
        Ok(())
    }
}

fn units_of_chunk(
    segment: &Segment,
    chunk: &ChunkRef,
    wanted: &mut Wanted,
    units: &mut BTreeSet<String>,
) -> Result<()> {
    let bytes = segment.chunk(chunk)?;
    let header = bytes.header_of_bytes().map_err(segment.bad(chunk))?;
    let found = wanted.find_encoded(header.series.iter().map(|entry| entry.series));
    let Some(entry) = found.first().copied().flatten().and_then(|at| header.series.get(at as usize)) else {
        return Ok(());
    };
    let malformed = || segment.bad(chunk)(entry.malformed());
    let mut add = |meta: i64| {
        let meta = usize::try_from(meta).ok().and_then(|meta| header.metas.get(meta));
        let unit = &meta.ok_or_else(malformed)?.unit;
        if !units.contains(unit) {
            units.insert(unit.clone());
        }
        Ok(())
    };
    // Mostly all series of the chunk have one.
    if header.metas.windows(2).all(|pair| pair[0].unit == pair[1].unit) {
        return add(entry.last_meta as i64);
    }
    match bytes.series(entry).map_err(segment.bad(chunk))?.0 {
        Ints::Constant(meta) => add(meta),
        Ints::Stretches(stretches) => stretches.into_iter().try_for_each(|(meta, _)| add(meta)),
        packed @ Ints::Packed(_) => {
            let metas = packed.all(entry.rows).map_err(|_| malformed())?;
            metas.chunk_by(|one, other| one == other).try_for_each(|alike| add(alike[0]))
        }
    }
}
