//! Every file name of a store.
//!
//! A log is named by the number of its first run, a segment by the range of run numbers that it answers for. Whether a
//! file is what its name says is for `survey.rs` to find out.

use crate::limits::CURSOR_NAME_BYTES_MAX;

/// A file that a store may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum FileName {
    /// `0123456789abcdef.log`: runs from this number on, up to the next file's start.
    Log {
        /// Number of the first run that it can hold.
        start: u64,
    },
    /// `0123456789abcdef-0123456789abcdef.seg`: runs with numbers from `start` to before `end`.
    Segment {
        /// First number.
        start: u64,
        /// One past the last number.
        end: u64,
    },
    /// `….seg.tmp`: a segment being written; left over if nobody writes.
    Temporary,
}

/// Room held back for sealing and recovery when the disk is full.
pub(crate) const RESERVE_NAME: &str = "reserve";

/// Ending of the file of a cursor.
pub(crate) const CURSOR_SUFFIX: &str = ".cursor";

/// Ending of the file of a note.
pub(crate) const NOTE_SUFFIX: &str = ".note";

/// Ending of a damaged file that was set aside.
pub(crate) const QUARANTINE_SUFFIX: &str = ".damaged";

impl FileName {
    pub(crate) fn parse(name: &str) -> Option<FileName> {
        let number = |text: &str| {
            let lower_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
            (text.len() == 16 && text.bytes().all(lower_hex)).then(|| u64::from_str_radix(text, 16).ok())?
        };
        if name.ends_with(".seg.tmp") {
            return Some(FileName::Temporary);
        }
        if let Some(stem) = name.strip_suffix(".log") {
            return Some(FileName::Log { start: number(stem)? });
        }
        let (start, end) = name.strip_suffix(".seg")?.split_once('-')?;
        let (start, end) = (number(start)?, number(end)?);
        (start < end).then_some(FileName::Segment { start, end })
    }
}

pub(crate) fn log_name(start: u64) -> String {
    format!("{start:016x}.log")
}

pub(crate) fn segment_name(start: u64, end: u64) -> String {
    format!("{start:016x}-{end:016x}.seg")
}

pub(crate) fn cursor_name(name: &str) -> String {
    format!("{name}{CURSOR_SUFFIX}")
}

pub(crate) fn note_name(name: &str) -> String {
    format!("{name}{NOTE_SUFFIX}")
}

/// Whether a cursor or a note may have this name, which becomes part of a file's.
pub(crate) fn is_good_name(name: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=CURSOR_NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(good) && !name.starts_with('.')
}

/// Whether a name is of the kind that logs and segments have, but for its numbers.
pub(crate) fn has_pattern(name: &str) -> bool {
    let stem = name.strip_suffix(".log").or_else(|| name.strip_suffix(".seg"));
    let fits = |byte: u8| byte.is_ascii_hexdigit() || byte == b'-';
    stem.is_some_and(|stem| !stem.is_empty() && stem.bytes().all(fits))
}

impl FileName {
    /// Number of the first run that it can hold, or answers for.
    pub(crate) fn start(&self) -> Option<u64> {
        match *self {
            FileName::Log { start } | FileName::Segment { start, .. } => Some(start),
            FileName::Temporary => None,
        }
    }

    /// The name in the directory.
    pub(crate) fn name(self) -> String {
        match self {
            FileName::Log { start } => log_name(start),
            FileName::Segment { start, end } => segment_name(start, end),
            FileName::Temporary => String::from("segment.tmp"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back() {
        for file in [
            FileName::Log { start: 0 },
            FileName::Log { start: u64::MAX },
            FileName::Segment { start: 1, end: 9 },
        ] {
            assert_eq!(FileName::parse(&file.name()), Some(file));
        }
        for name in
            ["lock", "1.log", "00000000000000zz.log", "0000000000000001-0000000000000001.seg", "x.seg", ""]
        {
            assert_eq!(FileName::parse(name), None, "{name}");
        }
    }
}
