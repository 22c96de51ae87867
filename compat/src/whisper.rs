//! Files of Graphite's whisper.
//!
//! ```text
//! head      16   aggregation, longest retention (s), share that must be known (f32), archives; u32 each but for the third
//! archives  12   each: offset, seconds of a point, points; u32
//! points    12   each: u32 beginning of its slot (s), f64
//! ```
//!
//! All numbers are big-endian. A point counts only if its time says that it is of the round of its archive that its slot is of now.
//! The finest archive has the last value that was written into each slot, the others what was made of those before.

use std::fmt;

const HEAD_LEN: usize = 16;
const ARCHIVE_LEN: usize = 12;
const POINT_LEN: usize = 12;
/// More archives than anybody has.
const ARCHIVES_MAX: u32 = 1024;

/// How a coarser point is made of finer ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aggregation {
    /// The mean, of what is known or with what is unknown as 0.
    Average,
    /// The sum.
    Sum,
    /// The last.
    Last,
    /// The greatest.
    Maximum,
    /// The least.
    Minimum,
    /// The one furthest from 0, or nearest to it: none of the functions that a store has.
    Absolute,
}

/// A file.
#[derive(Clone, Debug)]
pub struct Whisper<'a> {
    /// How coarser archives were made.
    pub aggregation: Aggregation,
    /// Its archives, the finest first; at least one.
    pub archives: Vec<WhisperArchive<'a>>,
}

/// An archive.
#[derive(Clone, Copy, Debug)]
pub struct WhisperArchive<'a> {
    /// The seconds of a slot, at least 1.
    pub slot_s: u32,
    points: &'a [u8],
}

/// What is wrong with a file. The text continues "failed to read FILE: …".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhisperError {
    /// It does not begin as a whisper file does.
    NotWhisper,
    /// It is shorter than its head says.
    Short {
        /// Its bytes.
        found: usize,
        /// Those that its head makes it have.
        expected: u64,
    },
}

impl fmt::Display for WhisperError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WhisperError::NotWhisper => f.write_str("it does not begin as a whisper file does"),
            WhisperError::Short { found, expected } => {
                write!(f, "it has {found} bytes, and by its head {expected}")
            }
        }
    }
}

impl std::error::Error for WhisperError {}

impl<'a> Whisper<'a> {
    /// Reads the head of a file and finds its archives.
    ///
    /// # Errors
    /// It is no such file, or damaged.
    pub fn parse(bytes: &'a [u8]) -> Result<Whisper<'a>, WhisperError> {
        let head = bytes.get(..HEAD_LEN).ok_or(WhisperError::NotWhisper)?;
        let aggregation = match number(head, 0) {
            1 | 6 => Aggregation::Average,
            2 => Aggregation::Sum,
            3 => Aggregation::Last,
            4 => Aggregation::Maximum,
            5 => Aggregation::Minimum,
            7 | 8 => Aggregation::Absolute,
            _ => return Err(WhisperError::NotWhisper),
        };
        let (share, count) = (f32::from_bits(number(head, 8)), number(head, 12));
        if !(0.0..=1.0).contains(&share) || count == 0 || count > ARCHIVES_MAX {
            return Err(WhisperError::NotWhisper);
        }
        let short = |expected: u64| WhisperError::Short { found: bytes.len(), expected };
        let heads_end = HEAD_LEN + count as usize * ARCHIVE_LEN;
        let heads = bytes.get(HEAD_LEN..heads_end).ok_or(short(heads_end as u64))?;
        let mut archives = Vec::with_capacity(count as usize);
        for head in heads.chunks_exact(ARCHIVE_LEN) {
            let (offset, slot_s, points) = (u64::from(number(head, 0)), number(head, 4), number(head, 8));
            if slot_s == 0 || points == 0 || offset < heads_end as u64 {
                return Err(WhisperError::NotWhisper);
            }
            let end = offset + u64::from(points) * POINT_LEN as u64;
            let points = bytes.get(offset as usize..end as usize).ok_or(short(end))?;
            archives.push(WhisperArchive { slot_s, points });
        }
        archives.sort_by_key(|archive| archive.slot_s);
        Ok(Whisper { aggregation, archives })
    }
}

impl WhisperArchive<'_> {
    /// Its points that count, as (beginning of the slot in s, value), by time. `None` among the values is one that is no number.
    pub fn points(&self) -> Vec<(u32, f64)> {
        let slots = (self.points.len() / POINT_LEN) as u64;
        let all = self.points.chunks_exact(POINT_LEN).map(|point| (number(point, 0), value(point)));
        let base = self.points.get(..4).map_or(0, |first| number(first, 0));
        let newest = all.clone().map(|(time, _)| time).max().unwrap_or(0);
        // A slot keeps the point of an earlier round until it is written again.
        let oldest = u64::from(newest).saturating_sub((slots - 1) * u64::from(self.slot_s));
        let counts = |(at, (time, _)): &(usize, (u32, f64))| {
            let place = (i64::from(*time) - i64::from(base)).div_euclid(i64::from(self.slot_s));
            *time != 0
                && u64::from(*time) >= oldest
                && time.is_multiple_of(self.slot_s)
                && place.rem_euclid(slots as i64) == *at as i64
        };
        let mut points: Vec<(u32, f64)> = all.enumerate().filter(counts).map(|(_, point)| point).collect();
        points.sort_by_key(|(time, _)| *time);
        points
    }
}

fn number(bytes: &[u8], at: usize) -> u32 {
    let mut taken = [0; 4];
    if let Some(found) = bytes.get(at..at + 4) {
        taken.copy_from_slice(found);
    }
    u32::from_be_bytes(taken)
}

fn value(point: &[u8]) -> f64 {
    let mut taken = [0; 8];
    if let Some(found) = point.get(4..12) {
        taken.copy_from_slice(found);
    }
    f64::from_be_bytes(taken)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A file of one archive of a minute with these points.
    fn file(points: &[(u32, f64)]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for number in [1, 600, 0.5_f32.to_bits(), 1, 28, 60, points.len() as u32] {
            bytes.extend(u32::to_be_bytes(number));
        }
        for (time, value) in points {
            bytes.extend(time.to_be_bytes());
            bytes.extend(value.to_be_bytes());
        }
        bytes
    }

    #[test]
    fn points_of_an_earlier_round_do_not_count() {
        // Four slots; the second was not written in this round, the last never.
        let bytes = file(&[(1200, 1.0), (780, 2.0), (1080, 3.0), (0, 0.0)]);
        let whisper = Whisper::parse(&bytes).unwrap();
        assert_eq!(whisper.archives[0].points(), [(1080, 3.0), (1200, 1.0)]);
    }

    #[test]
    fn other_files_are_refused() {
        for bytes in [&b""[..], b"RRD\x000003\0aaaaaaaaaaaaaaaa", &[0; 64], &[0, 0, 0, 1, 0, 0, 0, 9]] {
            assert_eq!(Whisper::parse(bytes).unwrap_err(), WhisperError::NotWhisper);
        }
        let bytes = file(&[(60, 1.0), (120, 2.0)]);
        let found = bytes.len() - 1;
        let expected = bytes.len() as u64;
        assert_eq!(Whisper::parse(&bytes[..found]).unwrap_err(), WhisperError::Short { found, expected });
    }

    proptest! {
        #[test]
        fn no_byte_makes_it_panic(changes in prop::collection::vec((0_usize..80, any::<u8>()), 0..12)) {
            let mut bytes = file(&[(60, 1.0), (120, 2.0), (180, 3.0)]);
            for (at, byte) in changes {
                let len = bytes.len();
                bytes[at % len] = byte;
            }
            if let Ok(whisper) = Whisper::parse(&bytes) {
                whisper.archives.iter().for_each(|archive| drop(archive.points()));
            }
        }
    }
}
