//! A whole file: its head, and where its archives are.
//!
//! Every length is checked against the bytes that are there before anything is read by it.

use super::archive::{Archive, Function};
use super::error::{Error, Foreign};
use super::layout::{
    ARCHIVE_LEN, ARCHIVE_ROWS, ARCHIVE_STEPS, ARCHIVES, CELL_LEN, COOKIE, COOKIE_32, COOKIE_VALUE, HEAD_LEN,
    MAGIC, PENDING_LEN, PLACE_LEN, READING_LEN, SOURCE_KIND, SOURCE_LEN, SOURCES, STEP, UPDATE_LEN, VERSION,
    name, number,
};

/// An RRD.
#[derive(Clone, Debug)]
pub struct Rrd<'a> {
    /// The seconds of a step, at least 1.
    pub step_s: u64,
    /// When it was written to last, in seconds since the epoch.
    pub last_update_s: u64,
    /// What it has of each row, in order; at least one.
    pub sources: Vec<Source<'a>>,
    /// Its archives in their order; at least one.
    pub archives: Vec<Archive<'a>>,
}

/// A source of readings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source<'a> {
    /// Its name.
    pub name: &'a str,
    /// What is made of its readings.
    pub kind: SourceKind,
}

/// What is made of readings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceKind {
    /// They are taken as they are, or computed of others that are.
    Value,
    /// Their change per second.
    Rate,
}

impl<'a> Rrd<'a> {
    /// Reads the head of a file and finds its archives.
    ///
    /// # Errors
    /// It is no RRD, or one of another kind of machine, or damaged.
    pub fn parse(bytes: &'a [u8]) -> Result<Rrd<'a>, Error> {
        check_head(bytes)?;
        let (source_count, archive_count, step_s) =
            (number(bytes, SOURCES), number(bytes, ARCHIVES), number(bytes, STEP));
        let short = |expected| Error::Short { found: bytes.len(), expected };
        let sum = |parts: &[(u64, usize)]| {
            parts.iter().try_fold(0_u64, |sum, (count, len)| sum.checked_add(count.checked_mul(*len as u64)?))
        };
        let pairs = source_count.checked_mul(archive_count).ok_or(short(None))?;
        let before_rows = sum(&[
            (1, HEAD_LEN + UPDATE_LEN),
            (source_count, SOURCE_LEN + READING_LEN),
            (archive_count, ARCHIVE_LEN + PLACE_LEN),
            (pairs, PENDING_LEN),
        ]);
        let Some(before_rows) = before_rows else { return Err(short(None)) };
        if before_rows > bytes.len() as u64 {
            return Err(short(Some(before_rows)));
        }
        for (what, found, at) in [
            ("the number of sources", source_count, SOURCES),
            ("the number of archives", archive_count, ARCHIVES),
            ("the seconds of a step", step_s, STEP),
        ] {
            if found == 0 {
                return Err(Error::Number { what, found, at });
            }
        }
        // Both are less than the bytes of the file.
        let (source_count, archive_count) = (source_count as usize, archive_count as usize);
        let archives_at = HEAD_LEN + source_count * SOURCE_LEN;
        let update_at = archives_at + archive_count * ARCHIVE_LEN;
        let last_update_s = number(bytes, update_at);
        if last_update_s > i64::MAX as u64 {
            let what = "the time of the last update";
            return Err(Error::Number { what, found: last_update_s, at: update_at });
        }
        let sources = (0..source_count).map(|index| source(bytes, HEAD_LEN + index * SOURCE_LEN));
        let sources = sources.collect::<Result<Vec<_>, _>>()?;
        let mut rows_at = before_rows;
        let places_at = before_rows as usize - archive_count * PLACE_LEN;
        let mut archives = Vec::with_capacity(archive_count);
        for index in 0..archive_count {
            let (at, place_at) = (archives_at + index * ARCHIVE_LEN, places_at + index * PLACE_LEN);
            let function = name(bytes, at).ok_or(Error::Name { what: "a function", at })?;
            let (rows, steps) = (number(bytes, at + ARCHIVE_ROWS), number(bytes, at + ARCHIVE_STEPS));
            let newest = number(bytes, place_at);
            let len = sum(&[(rows, 1)]).and_then(|rows| rows.checked_mul((source_count * CELL_LEN) as u64));
            let end = len.and_then(|len| rows_at.checked_add(len));
            let end = end.ok_or(short(None))?;
            if end > bytes.len() as u64 {
                return Err(short(Some(end)));
            }
            let span_s = steps.checked_mul(step_s).filter(|span_s| *span_s > 0);
            let found = Error::Number { what: "the steps of a row", found: steps, at: at + ARCHIVE_STEPS };
            let span_s = span_s.filter(|span_s| *span_s <= i64::MAX as u64 / 1000).ok_or(found)?;
            if rows == 0 {
                return Err(Error::Number { what: "the number of rows", found: rows, at: at + ARCHIVE_ROWS });
            }
            if newest >= rows {
                return Err(Error::Number {
                    what: "the place of the newest row",
                    found: newest,
                    at: place_at,
                });
            }
            archives.push(Archive {
                name: function,
                function: Function::named(function),
                span_s,
                last_s: last_update_s - last_update_s % span_s,
                cells: &bytes[rows_at as usize..end as usize],
                sources: source_count,
                rows: rows as usize,
                newest: newest as usize,
            });
            rows_at = end;
        }
        Ok(Rrd { step_s, last_update_s, sources, archives })
    }
}

/// Whether this is a file whose numbers lie as they are read here.
fn check_head(bytes: &[u8]) -> Result<(), Error> {
    if !bytes.starts_with(MAGIC) {
        return Err(Error::NotAnRrd);
    }
    let cookie = |at: usize| bytes.get(at..at + 8).map(|_| number(bytes, at));
    let known = COOKIE_VALUE.to_bits();
    match (cookie(COOKIE), cookie(COOKIE_32)) {
        (Some(found), _) if found == known => {}
        (_, Some(found)) if found == known => return Err(Error::Foreign(Foreign::Bits32)),
        (Some(found), other) if [Some(found), other].contains(&Some(known.swap_bytes())) => {
            return Err(Error::Foreign(Foreign::BigEndian));
        }
        _ => return Err(Error::NotAnRrd),
    }
    let version = bytes.get(VERSION).unwrap_or_default();
    if !matches!(version, b"0003\0" | b"0004\0") {
        let text = String::from_utf8_lossy(version.strip_suffix(&[0]).unwrap_or(version)).into_owned();
        return Err(Error::Version(text));
    }
    // Two numbers of 32 bits where one of 64 should be: the sources and the archives.
    if number(bytes, SOURCES) >> 32 != 0 {
        return Err(Error::Foreign(Foreign::Bits32));
    }
    match bytes.len() < HEAD_LEN {
        true => Err(Error::Short { found: bytes.len(), expected: Some(HEAD_LEN as u64) }),
        false => Ok(()),
    }
}

fn source(bytes: &[u8], at: usize) -> Result<Source<'_>, Error> {
    let wrong = |what, at| Error::Name { what, at };
    let name_of = name(bytes, at).ok_or(wrong("a source", at))?;
    let kind_at = at + SOURCE_KIND;
    let kind = match name(bytes, kind_at).ok_or(wrong("a kind", kind_at))? {
        "COUNTER" | "DERIVE" | "ABSOLUTE" | "DCOUNTER" | "DDERIVE" => SourceKind::Rate,
        _ => SourceKind::Value,
    };
    Ok(Source { name: name_of, kind })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A file of a source `load` and two archives, of which the first has begun anew at its start.
    fn file() -> Vec<u8> {
        let mut bytes = vec![0; HEAD_LEN];
        bytes[..9].copy_from_slice(b"RRD\x000003\0");
        bytes[COOKIE..COOKIE + 8].copy_from_slice(&COOKIE_VALUE.to_le_bytes());
        for (at, value) in [(SOURCES, 1_u64), (ARCHIVES, 2), (STEP, 60)] {
            bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
        }
        let mut source = vec![0; SOURCE_LEN];
        source[..4].copy_from_slice(b"load");
        source[SOURCE_KIND..SOURCE_KIND + 5].copy_from_slice(b"GAUGE");
        bytes.extend(source);
        for (function, rows, steps) in [("AVERAGE", 3_u64, 1_u64), ("MAX", 2, 5)] {
            let mut archive = vec![0; ARCHIVE_LEN];
            archive[..function.len()].copy_from_slice(function.as_bytes());
            archive[ARCHIVE_ROWS..ARCHIVE_ROWS + 8].copy_from_slice(&rows.to_le_bytes());
            archive[ARCHIVE_STEPS..ARCHIVE_STEPS + 8].copy_from_slice(&steps.to_le_bytes());
            bytes.extend(archive);
        }
        bytes.extend(1_000_030_u64.to_le_bytes());
        bytes.extend([0; 8 + READING_LEN + 2 * PENDING_LEN]);
        for place in [0_u64, 1] {
            bytes.extend(place.to_le_bytes());
        }
        for value in [3.0, 1.0, f64::NAN, 7.0, 8.0] {
            bytes.extend(value.to_le_bytes());
        }
        bytes
    }

    #[test]
    fn rows_end_at_whole_spans_and_come_by_time() {
        let bytes = file();
        let rrd = Rrd::parse(&bytes).unwrap();
        assert_eq!(rrd.sources, [Source { name: "load", kind: SourceKind::Value }]);
        let rows = |archive: &Archive<'_>| -> Vec<(u64, String)> {
            archive
                .rows()
                .map(|row| (row.end_s, row.values().map(|value| value.to_string()).collect()))
                .collect()
        };
        let row = |end_s, value: &str| (end_s, value.to_owned());
        assert_eq!(rows(&rrd.archives[0]), [row(999_900, "1"), row(999_960, "NaN"), row(1_000_020, "3")]);
        assert_eq!(rows(&rrd.archives[1]), [row(999_600, "7"), row(999_900, "8")]);
    }

    #[test]
    fn what_another_machine_wrote_is_named() {
        let mut other = file();
        other[COOKIE..COOKIE + 8].copy_from_slice(&COOKIE_VALUE.to_be_bytes());
        assert_eq!(Rrd::parse(&other).unwrap_err(), Error::Foreign(Foreign::BigEndian));
        let mut other = file();
        other.drain(12..16);
        assert_eq!(Rrd::parse(&other).unwrap_err(), Error::Foreign(Foreign::Bits32));
        let mut other = file();
        other[SOURCES + 4] = 200;
        assert_eq!(Rrd::parse(&other[..100]).unwrap_err(), Error::Foreign(Foreign::Bits32));
        let mut other = file();
        other[VERSION.start + 3] = b'5';
        assert_eq!(Rrd::parse(&other).unwrap_err(), Error::Version("0005".to_owned()));
        assert_eq!(Rrd::parse(b"SQLite format 3\0").unwrap_err(), Error::NotAnRrd);
    }

    #[test]
    fn numbers_that_cannot_be_are_refused() {
        let rows_at = HEAD_LEN + SOURCE_LEN + ARCHIVE_ROWS;
        for (at, value) in [
            (SOURCES, 0),
            (SOURCES, u64::MAX),
            (ARCHIVES, 0),
            (ARCHIVES, 1 << 60),
            (STEP, 0),
            (STEP, u64::MAX),
            (rows_at, 0),
            (rows_at, u64::MAX / 4),
            (rows_at + 8, 0),
        ] {
            let mut bytes = file();
            bytes[at..at + 8].copy_from_slice(&u64::to_le_bytes(value));
            assert!(Rrd::parse(&bytes).is_err(), "{value} at {at}");
        }
        let whole = file();
        for len in 0..whole.len() {
            assert!(Rrd::parse(&whole[..len]).is_err(), "{len} bytes");
        }
    }

    proptest! {
        #[test]
        fn no_byte_makes_it_panic(changes in prop::collection::vec((0_usize..600, any::<u8>()), 0..20)) {
            let mut bytes = file();
            for (at, byte) in changes {
                let len = bytes.len();
                bytes[at % len] = byte;
            }
            if let Ok(rrd) = Rrd::parse(&bytes) {
                for archive in &rrd.archives {
                    prop_assert!(archive.rows().take(10_000).all(|row| row.values().count() == rrd.sources.len()));
                }
            }
        }
    }
}
