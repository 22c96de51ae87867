//! The bytes of a chunk to rows in memory, column by column, each checked against its checksum first.

use std::ops::Range;

use super::attributes::{self, ATTRIBUTES, has_span};
use super::header::{self, Extent, Header, SeriesEntry};
use super::instances::InstancesIn;
use super::rows::{RowsIn, SeriesRows};
use crate::bytes::{Cursor, Short};
use crate::column::{Ints, Summing, Texts, TimeLookup, Times, Values, ValuesIn, get_texts};
use crate::figure::Figure;
use crate::log::SeriesDef;
use crate::run::Reason;
use crate::search_budget::SearchBudget;
use crate::state::State;

/// Why a chunk cannot be read: what, and at which offset within it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bad {
    pub(crate) at: usize,
    pub(crate) what: &'static str,
}

/// Stretches that are shorter on average than so many rows save nothing.
const ROWS_PER_STRETCH_MIN: usize = 16;

/// Rows that follow one another and ended alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EndedAlike {
    /// The times of the first and the last.
    pub(crate) ends_ms: (i64, i64),
    pub(crate) runs: u64,
    /// How far neighbours are apart, at least and at most (ms).
    pub(crate) apart_ms: (i64, i64),
    pub(crate) state: State,
    pub(crate) reason: Reason,
}

/// The bytes of one chunk.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ChunkBytes<'a>(pub(crate) &'a [u8]);

/// The offsets in a file at which a chunk's header begins. Its columns are not checked. The search ends early in bytes
/// that were made to take for ever: chunks without number that claim the same bytes.
pub(crate) fn find_chunks(bytes: &[u8]) -> Vec<usize> {
    find_within(bytes, &mut SearchBudget::of(bytes.len()))
}

fn find_within(bytes: &[u8], budget: &mut SearchBudget) -> Vec<usize> {
    let mut found = Vec::new();
    for at in 0..bytes.len() {
        let Some(len) = Header::claimed_len(&bytes[at..]) else { continue };
        if !budget.spend(len) {
            break;
        }
        let Ok(header) = ChunkBytes(&bytes[at..]).header_alone() else { continue };
        // Whoever asked reads the columns, too.
        if !budget.spend(header.chunk_len(0).min(bytes.len() - at)) {
            break;
        }
        found.push(at);
    }
    found
}

/// The shapes of a chunk: the sequences of series, and which of them each row has.
pub(crate) struct Shapes {
    shapes: Vec<Vec<u32>>,
    rows: Vec<u32>,
}

impl Shapes {
    /// The rows that have a series; none if all have.
    pub(crate) fn present(&self, series: usize) -> Option<Vec<u32>> {
        let has: Vec<bool> = self.shapes.iter().map(|shape| shape.contains(&(series as u32))).collect();
        if has.iter().all(|has| *has) {
            return None;
        }
        let rows = self.rows.iter().enumerate();
        Some(rows.filter(|(_, shape)| has[**shape as usize]).map(|(row, _)| row as u32).collect())
    }
}

impl<'a> ChunkBytes<'a> {
    /// The header, checked.
    pub(crate) fn header(&self) -> Result<Header, Bad> {
        self.header_with(SeriesDef::get)
    }

    /// The header, checked, with the names of series as they stand there: for a look at some series of many.
    pub(crate) fn header_of_bytes(&self) -> Result<Header<&'a [u8]>, Bad> {
        self.header_with(SeriesDef::get_bytes)
    }

    fn header_with<N>(
        &self,
        name: impl FnMut(&mut Cursor<'a>) -> Result<N, Short>,
    ) -> Result<Header<N>, Bad> {
        let bad = |Short| Bad { at: 0, what: "the header of a chunk is damaged" };
        let len = Header::check(self.0).map_err(bad)?;
        let header = Header::get_with(&self.0[..len], name).map_err(bad)?;
        if header.chunk_len(len) > self.0.len() { Err(bad(Short)) } else { Ok(header) }
    }

    /// The bytes of a column, checked.
    fn column(&self, extent: Extent) -> Result<Cursor<'a>, Bad> {
        let bad = Bad { at: extent.at, what: "a column does not match its checksum" };
        let bytes = self.0.get(extent.at..extent.at + extent.len).ok_or(bad)?;
        if crc32c::crc32c(bytes) == extent.crc { Ok(Cursor::new(bytes)) } else { Err(bad) }
    }

    pub(crate) fn times<N>(&self, header: &Header<N>) -> Result<Times<'a>, Bad> {
        let extent = header.columns[header::TIMES];
        Times::get(&mut self.column(extent)?, header.rows).map_err(malformed(extent))
    }

    pub(crate) fn all_times<N>(&self, header: &Header<N>) -> Result<Vec<i64>, Bad> {
        self.times(header)?.all(header.rows).map_err(malformed(header.columns[header::TIMES]))
    }

    pub(crate) fn seqs<N>(&self, header: &Header<N>) -> Result<Vec<i64>, Bad> {
        let extent = header.columns[header::SEQS];
        let mut cursor = self.column(extent)?;
        Ints::get(&mut cursor, header.rows).and_then(|ints| ints.all(header.rows)).map_err(malformed(extent))
    }

    pub(crate) fn shapes<N>(&self, header: &Header<N>) -> Result<Shapes, Bad> {
        let extent = header.columns[header::SHAPES];
        let mut cursor = self.column(extent)?;
        let mut read = || {
            let series = |cursor: &mut Cursor<'_>| {
                u32::try_from(cursor.varint()?)
                    .ok()
                    .filter(|at| (*at as usize) < header.series.len())
                    .ok_or(Short)
            };
            let shapes = (0..cursor.count(1)?)
                .map(|_| {
                    (0..cursor.count(1)?).map(|_| series(&mut cursor)).collect::<Result<Vec<u32>, Short>>()
                })
                .collect::<Result<Vec<_>, Short>>()?;
            let rows = Ints::get(&mut cursor, header.rows)?.all(header.rows)?;
            let shape = |index: i64| {
                u32::try_from(index).ok().filter(|at| (*at as usize) < shapes.len()).ok_or(Short)
            };
            let rows = rows.into_iter().map(shape).collect::<Result<_, Short>>()?;
            Ok(Shapes { shapes, rows })
        };
        read().map_err(malformed(extent))
    }

    /// The metas of a series, and its values not decoded yet.
    pub(crate) fn series<N>(&self, entry: &SeriesEntry<N>) -> Result<(Ints<'a>, ValuesIn<'a>), Bad> {
        let mut cursor = self.column(entry.extent)?;
        let mut read = || Ok((Ints::get(&mut cursor, entry.rows)?, ValuesIn::get(&mut cursor, entry.rows)?));
        read().map_err(malformed(entry.extent))
    }

    /// Reads the values of a range of the rows that have the series in the place of others.
    pub(crate) fn read_values<N>(
        &self,
        entry: &SeriesEntry<N>,
        ranks: Range<usize>,
        values: &mut Values,
    ) -> Result<(), Bad> {
        self.series(entry)?.1.decode_into(ranks, values).map_err(malformed(entry.extent))
    }

    /// Appends the values of a range of rows, if every row that has the series has a float; `false` if not.
    pub(crate) fn append_floats<N>(
        &self,
        entry: &SeriesEntry<N>,
        ranks: Range<usize>,
        floats: &mut Vec<f64>,
    ) -> Result<bool, Bad> {
        self.series(entry)?.1.append_floats(ranks, floats).map_err(malformed(entry.extent))
    }

    /// The same for single rows, which ascend.
    pub(crate) fn append_picked<N>(
        &self,
        entry: &SeriesEntry<N>,
        ranks: &[usize],
        floats: &mut Vec<f64>,
    ) -> Result<bool, Bad> {
        self.series(entry)?.1.append_picked(ranks, floats).map_err(malformed(entry.extent))
    }

    /// The values of a series, ready to be summed up.
    pub(crate) fn summing<N>(&self, entry: &SeriesEntry<N>) -> Result<Summing<'a>, Bad> {
        self.series(entry)?.1.summing().map_err(malformed(entry.extent))
    }

    /// The times, ready to be asked for single rows.
    pub(crate) fn time_lookup<N>(&self, header: &Header<N>) -> Result<TimeLookup<'a>, Bad> {
        self.times(header)?.lookup().map_err(malformed(header.columns[header::TIMES]))
    }

    fn attributes(&self, header: &Header) -> Result<[Vec<i64>; ATTRIBUTES], Bad> {
        let extent = header.columns[header::ATTRIBUTES];
        let mut cursor = self.column(extent)?;
        let mut columns = std::array::from_fn(|_| Vec::new());
        for column in &mut columns[..attributes::SPAN] {
            let ints = Ints::get(&mut cursor, header.rows).and_then(|ints| ints.all(header.rows));
            *column = ints.map_err(malformed(extent))?;
        }
        columns[attributes::SPAN] = if columns[attributes::VERDICT].iter().any(|verdict| has_span(*verdict)) {
            let spans = Ints::get(&mut cursor, header.rows).and_then(|ints| ints.all(header.rows));
            spans.map_err(malformed(extent))?
        } else {
            vec![0; header.rows]
        };
        Ok(columns)
    }

    /// The verdict of each row, not decoded.
    fn verdicts<N>(&self, header: &Header<N>) -> Result<Ints<'a>, Bad> {
        let extent = header.columns[header::ATTRIBUTES];
        let mut cursor = self.column(extent)?;
        let mut read = || {
            for _ in 0..attributes::VERDICT {
                Ints::get(&mut cursor, header.rows)?;
            }
            Ints::get(&mut cursor, header.rows)
        };
        read().map_err(malformed(extent))
    }

    /// The rows that are partial.
    pub(crate) fn partial<N>(&self, header: &Header<N>) -> Result<Vec<u32>, Bad> {
        self.rows_where(header, attributes::is_partial)
    }

    /// The rows of which nothing is known.
    pub(crate) fn unobserved<N>(&self, header: &Header<N>) -> Result<Vec<u32>, Bad> {
        self.rows_where(header, attributes::is_unobserved)
    }

    /// The rows whose verdict is such. Where all rows have the same, none is looked at.
    fn rows_where<N>(
        &self,
        header: &Header<N>,
        is_such: fn(i64) -> Result<bool, Short>,
    ) -> Result<Vec<u32>, Bad> {
        let verdicts = self.verdicts(header)?;
        let read = || {
            if let Ints::Constant(verdict) = verdicts
                && !is_such(verdict)?
            {
                return Ok(Vec::new());
            }
            let (mut found, mut row) = (Vec::new(), 0);
            for stretch in verdicts.all(header.rows)?.chunk_by(|one, other| one == other) {
                let end = row + stretch.len() as u32;
                if is_such(stretch[0])? {
                    found.extend(row..end);
                }
                row = end;
            }
            Ok(found)
        };
        read().map_err(malformed(header.columns[header::ATTRIBUTES]))
    }

    /// State and reason of each row.
    pub(crate) fn states<N>(&self, header: &Header<N>) -> Result<Vec<(State, Reason)>, Bad> {
        let verdicts = self.verdicts(header)?;
        let read = || {
            let verdicts = verdicts.all(header.rows)?;
            let mut states = Vec::with_capacity(verdicts.len());
            // Most rows have the verdict of the row before.
            for stretch in verdicts.chunk_by(|one, other| one == other) {
                let (state, _, reason) = attributes::verdict(stretch[0])?;
                states.resize(states.len() + stretch.len(), (state, reason));
            }
            Ok(states)
        };
        read().map_err(malformed(header.columns[header::ATTRIBUTES]))
    }

    /// The rows in stretches that ended alike and follow one another steadily; none where it takes a look at each row to tell.
    pub(crate) fn ended_alike<N>(&self, header: &Header<N>) -> Result<Option<Vec<EndedAlike>>, Bad> {
        let verdicts = match self.verdicts(header)? {
            Ints::Constant(verdict) => vec![(verdict, header.rows)],
            Ints::Stretches(stretches) => stretches,
            Ints::Packed(_) => return Ok(None),
        };
        let times = self.times(header)?;
        let Some((ends, apart_ms)) = times.steady(header.rows) else { return Ok(None) };
        if (verdicts.len() + ends.len()).saturating_mul(ROWS_PER_STRETCH_MIN) > header.rows {
            return Ok(None);
        }
        let lookup = times.lookup().map_err(malformed(header.columns[header::TIMES]));
        let (mut lookup, mut ends, mut row) = (lookup?, ends.into_iter().peekable(), 0);
        let mut found = Vec::new();
        for (number, end_of_verdict) in verdicts {
            let verdict = attributes::verdict(number).map_err(malformed(header.columns[header::ATTRIBUTES]));
            let (state, _, reason) = verdict?;
            while row < end_of_verdict {
                while ends.next_if(|end| *end <= row).is_some() {}
                let end = ends.peek().map_or(end_of_verdict, |end| (*end).min(end_of_verdict));
                let mut time = |row| lookup.at(row).map_err(malformed(header.columns[header::TIMES]));
                let ends_ms = (time(row)?, time(end - 1)?);
                found.push(EndedAlike { ends_ms, runs: (end - row) as u64, apart_ms, state, reason });
                row = end;
            }
        }
        Ok(Some(found))
    }

    /// What tells whether the state of the check turned from one row to the next: verdict, standing and since when it has stood so.
    pub(crate) fn turning<N>(&self, header: &Header<N>) -> Result<[Ints<'a>; 3], Bad> {
        let extent = header.columns[header::ATTRIBUTES];
        let mut cursor = self.column(extent)?;
        let mut read = || {
            let mut columns = Vec::with_capacity(attributes::SPAN);
            for _ in 0..attributes::SPAN {
                columns.push(Ints::get(&mut cursor, header.rows)?);
            }
            Ok(attributes::TURNING.map(|column| columns[column].clone()))
        };
        read().map_err(malformed(extent))
    }

    /// Reason of each row, and a number of it.
    pub(crate) fn figures<N>(
        &self,
        header: &Header<N>,
        figure: Figure,
    ) -> Result<Vec<(Reason, Option<u64>)>, Bad> {
        let extent = header.columns[header::ATTRIBUTES];
        let mut cursor = self.column(extent)?;
        let mut read = || {
            let columns = attributes::columns_of(figure);
            let (mut decoded, mut next) = (Vec::with_capacity(columns.len()), 0);
            for column in columns {
                for _ in next..*column {
                    Ints::get(&mut cursor, header.rows)?;
                }
                decoded.push(Ints::get(&mut cursor, header.rows)?.all(header.rows)?);
                next = *column + 1;
            }
            let row = |row: usize| {
                let number = |column: usize| {
                    columns.iter().position(|known| *known == column).map(|at| decoded[at][row])
                };
                attributes::figure(figure, number)
            };
            (0..header.rows).map(row).collect::<std::result::Result<_, Short>>()
        };
        read().map_err(malformed(extent))
    }

    fn texts(&self, header: &Header) -> Result<[Texts; super::rows::TEXTS], Bad> {
        let extent = header.columns[header::TEXTS];
        let mut cursor = self.column(extent)?;
        let mut columns = std::array::from_fn(|_| Texts::default());
        for column in &mut columns {
            *column = get_texts(&mut cursor, header.rows).map_err(malformed(extent))?;
        }
        Ok(columns)
    }

    /// The header, checked, of a chunk whose columns may be cut off.
    pub(crate) fn header_alone(&self) -> Result<Header, Bad> {
        let bad = |Short| Bad { at: 0, what: "the header of a chunk is damaged" };
        let len = Header::check(self.0).map_err(bad)?;
        Header::get(&self.0[..len]).map_err(bad)
    }

    /// The instances of rows of these times, if any has some.
    fn instances(&self, header: &Header, times: &[i64]) -> Result<Option<InstancesIn>, Bad> {
        let Some(extent) = header.instances else { return Ok(None) };
        InstancesIn::get(&mut self.column(extent)?, times).map(Some).map_err(malformed(extent))
    }

    /// All rows with those series and instances that can be read, and how many series cannot; all instances count as
    /// one. The rows must be readable otherwise.
    pub(crate) fn salvage(&self, header: &Header) -> Result<(RowsIn, u64), Bad> {
        let readable = |entry: &SeriesEntry| {
            let read = self.series(entry).and_then(|(metas, values)| {
                let all = metas.all(entry.rows).and_then(|_| values.all());
                all.map_err(malformed(entry.extent))
            });
            read.is_ok()
        };
        let lost: Vec<usize> =
            (0..header.series.len()).filter(|index| !readable(&header.series[*index])).collect();
        let mut header = header.clone();
        let mut shapes = self.shapes(&header)?;
        for shape in &mut shapes.shapes {
            shape.retain(|series| !lost.contains(&(*series as usize)));
        }
        for index in &lost {
            header.series[*index].rows = 0;
        }
        let instances = self.instances(&header, &self.all_times(&header)?);
        let lost_instances = !instances.is_ok_and(|read| read.is_none_or(|read| read.check().is_ok()));
        if lost_instances {
            header.instances = None;
        }
        let lost_count = lost.len() as u64 + u64::from(lost_instances);
        Ok((self.rows_of(&header, shapes, &lost)?, lost_count))
    }

    /// The header, after every checksum of the chunk has been found to hold.
    pub(crate) fn verify(&self) -> Result<Header, Bad> {
        let header = self.header()?;
        for extent in header.extents() {
            self.column(*extent)?;
        }
        Ok(header)
    }

    /// The rows without their metrics and instances.
    pub(crate) fn plain_rows(&self, header: &Header) -> Result<RowsIn, Bad> {
        Ok(RowsIn {
            times: self.all_times(header)?,
            seqs: self.seqs(header)?,
            attributes: self.attributes(header)?,
            texts: self.texts(header)?,
            shapes: vec![Vec::new()],
            shape_rows: vec![0; header.rows],
            ..RowsIn::default()
        })
    }

    /// Everything.
    pub(crate) fn rows(&self, header: &Header) -> Result<RowsIn, Bad> {
        self.rows_of(header, self.shapes(header)?, &[])
    }

    fn rows_of(&self, header: &Header, shapes: Shapes, lost: &[usize]) -> Result<RowsIn, Bad> {
        let mut present = Vec::with_capacity(header.series.len());
        let mut series = Vec::with_capacity(header.series.len());
        for (index, entry) in header.series.iter().enumerate() {
            if lost.contains(&index) {
                series.push(SeriesRows { series: entry.series.clone(), ..SeriesRows::default() });
                present.push(Some(Vec::new()));
                continue;
            }
            let rows = shapes.present(index);
            let bad = malformed(entry.extent);
            if rows.as_ref().map_or(header.rows, Vec::len) != entry.rows {
                return Err(bad(Short));
            }
            let (metas, values) = self.series(entry)?;
            let meta = |meta: i64| {
                u32::try_from(meta).ok().filter(|at| (*at as usize) < header.metas.len()).ok_or(Short)
            };
            let metas = metas.all(entry.rows).and_then(|metas| metas.into_iter().map(meta).collect());
            let metas = metas.map_err(malformed(entry.extent))?;
            let values = values.all().map_err(bad)?;
            series.push(SeriesRows { series: entry.series.clone(), metas, values });
            present.push(rows);
        }
        let times = self.all_times(header)?;
        Ok(RowsIn {
            instances: self.instances(header, &times)?,
            times,
            seqs: self.seqs(header)?,
            attributes: self.attributes(header)?,
            texts: self.texts(header)?,
            shapes: shapes.shapes,
            shape_rows: shapes.rows,
            metas: header.metas.clone(),
            series,
            present,
        })
    }
}

impl<N> Header<N> {
    /// The attributes cannot be decoded although their checksum holds.
    pub(crate) fn malformed_attributes(&self) -> Bad {
        malformed(self.columns[header::ATTRIBUTES])(Short)
    }

    /// The times cannot be decoded although their checksum holds.
    pub(crate) fn malformed_times(&self) -> Bad {
        malformed(self.columns[header::TIMES])(Short)
    }
}

impl<N> SeriesEntry<N> {
    /// Its column cannot be decoded although its checksum holds.
    pub(crate) fn malformed(&self) -> Bad {
        malformed(self.extent)(Short)
    }
}

fn malformed(extent: Extent) -> impl FnOnce(Short) -> Bad {
    move |Short| Bad { at: extent.at, what: "a column is not well formed" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{SEARCH_BYTES, SEARCH_FACTOR};

    const LEN: usize = 4 << 20;

    fn bound() -> u64 {
        SEARCH_BYTES + (SEARCH_FACTOR + 1) * LEN as u64
    }

    /// Bytes that were hashed, or would be by whoever reads the chunks, and how many chunks were found.
    fn hashed(bytes: &[u8]) -> (u64, usize) {
        let mut budget = SearchBudget::of(bytes.len());
        let found = find_within(bytes, &mut budget);
        (budget.spent(), found.len())
    }

    #[test]
    fn headers_that_claim_the_same_bytes_are_given_up() {
        let mut bytes = Vec::new();
        while bytes.len() < LEN {
            bytes.extend(header::MAGIC);
            bytes.extend(((LEN - bytes.len()) as u32).to_le_bytes());
            bytes.extend([0; 4]);
        }
        let (hashed, found) = hashed(&bytes);
        assert!(hashed <= bound(), "{hashed} bytes were hashed");
        assert_eq!(found, 0);
    }

    #[test]
    fn chunks_that_share_their_columns_are_given_up() {
        let mut header = Header { check: "x".to_owned(), rows: 1, ..Header::default() };
        header.columns[header::TIMES].len = LEN;
        let one = header.put();
        let mut bytes = Vec::new();
        while bytes.len() < LEN {
            bytes.extend(&one);
        }
        let (hashed, found) = hashed(&bytes);
        assert!(hashed <= bound(), "{hashed} bytes were hashed");
        assert!(found > 0 && found < LEN / one.len() / 2, "{found} chunks were found");
    }

    #[test]
    fn chunks_that_follow_each_other_are_all_found() {
        let mut header = Header { check: "x".to_owned(), rows: 1, ..Header::default() };
        header.columns[header::TIMES].len = 100;
        let mut bytes = Vec::new();
        for at in 0..10_000 {
            bytes.extend(header.put());
            bytes.extend([at as u8; 100]);
        }
        let (hashed, found) = hashed(&bytes);
        assert!(hashed <= 2 * bytes.len() as u64, "{hashed} bytes were hashed");
        assert_eq!(found, 10_000);
    }
}
