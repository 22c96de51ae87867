//! Walking columns side by side: GetBulk with as many rows as fit, or GetNext for version 1.
//!
//! Agents exist that make mistakes of which one at a time can be worked round: an answer that breaks a rule is thrown
//! away as a whole, as nobody knows what else of it is wrong, and the device is asked in a simpler [`Manner`]. Only what
//! goes wrong in the simplest one, which is what `snmpwalk` does, is cut off.
//!
//! Invariants: a column only ever goes forward, or its walk ends; each answer brings a walk nearer to its end or makes
//! it simpler; no column gets more than its bound of rows, and all together no more than [`SNMP_VARBINDS_MAX`].

use custos_compat::snmp::{ErrorStatus, Oid, Pdu, PduKind, Value, VarBind, Version};

use super::get::UPTIME;
use super::manner::Manner;
use super::request::Request;
use super::track::{Piece, Track};
use crate::limits::{SNMP_BULK_VARBINDS_MAX, SNMP_COLUMNS_AT_ONCE_MAX, SNMP_VARBINDS_MAX};
use crate::snmp::question::{Absence, Column, Failure};

/// The conversation.
#[derive(Debug)]
pub(super) struct Walk {
    tracks: Vec<Track>,
    /// Indexes of the tracks that the request under way asks for.
    asked: Vec<usize>,
    manner: Manner,
    uptime: Uptime,
    bulk: bool,
    rows_max: usize,
    /// Rows to ask for at once; halved when an answer does not fit, doubled when it does.
    repetitions: u32,
    repetitions_max: u32,
    found: usize,
    answered: bool,
    /// Whether the device answered anything without an error.
    succeeded: bool,
    /// Whether the first columns are being asked for again, one by one, because nothing was found.
    doubted: bool,
}

/// The uptime, which is asked along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Uptime {
    /// In front of the columns of the request under way.
    Along,
    /// Once the columns are there.
    Later,
    /// Known, or not to be had.
    Done(Option<u32>),
}

impl Walk {
    pub(super) fn new(
        roots: &[Oid],
        rows_max: usize,
        version: Version,
        repetitions_max: u32,
        manner: Manner,
    ) -> Walk {
        let mut walk = Walk {
            tracks: roots.iter().cloned().map(Track::new).collect(),
            asked: Vec::new(),
            manner,
            uptime: Uptime::Along,
            bulk: version != Version::V1,
            rows_max,
            repetitions: repetitions_max.max(1),
            repetitions_max: repetitions_max.max(1),
            found: 0,
            answered: false,
            succeeded: false,
            doubted: false,
        };
        walk.choose();
        walk
    }

    /// Chooses the columns of the next request: the first that are not done.
    fn choose(&mut self) {
        let mut left: Vec<usize> =
            (0..self.tracks.len()).filter(|index| !self.tracks[*index].is_done()).collect();
        if left.is_empty() && self.doubt_nothing() {
            left = (0..self.tracks.len()).filter(|index| !self.tracks[*index].is_done()).collect();
        }
        let alone =
            self.manner == Manner::Single || left.first().is_some_and(|first| self.tracks[*first].by_next);
        left.truncate(if alone { 1 } else { SNMP_COLUMNS_AT_ONCE_MAX });
        // A column that is asked for by GetNext is asked for alone.
        let together = left.iter().take_while(|index| alone || !self.tracks[**index].by_next).count();
        left.truncate(together);
        self.asked = left;
        if self.uptime == Uptime::Along && !self.may_go_along() {
            self.uptime = Uptime::Later;
        }
    }

    /// Whether the uptime may be asked in front of the columns. To an agent that repeats it like them, sysUpTime.0 is
    /// followed by something else in the second row; that shows if it is below what a column was asked for.
    fn may_go_along(&self) -> bool {
        let behind = |index: &usize| self.tracks[*index].last.ids() >= &UPTIME[..];
        self.manner == Manner::Together && !self.asked.is_empty() && self.asked.iter().all(behind)
    }

    /// A device without anything of what it is asked for is asked once more as `snmpwalk` would. Returns whether.
    fn doubt_nothing(&mut self) -> bool {
        if self.found > 0 {
            // The columns that were not asked for again deserve it as well then.
            let again = std::mem::take(&mut self.doubted);
            for track in self.tracks.iter_mut().filter(|track| again && track.ended_empty()) {
                track.reopen_by_next();
            }
            return again;
        }
        let first = !self.doubted && self.tracks.iter().any(|track| track.ended_empty() && !track.by_next);
        if first {
            self.doubted = true;
            for track in self.tracks.iter_mut().take(SNMP_COLUMNS_AT_ONCE_MAX) {
                if track.ended_empty() {
                    track.reopen_by_next();
                }
            }
        }
        first
    }

    /// The next request; none when every column is at its end.
    pub(super) fn request(&self) -> Option<Request> {
        let Some(first) = self.asked.first() else {
            let uptime = || vec![Oid::from_ids(UPTIME)];
            return (self.uptime == Uptime::Later).then(|| Request {
                kind: PduKind::Get,
                non_repeaters: 0,
                max_repetitions: 0,
                oids: uptime(),
            });
        };
        let along = self.uptime == Uptime::Along;
        let mut oids = Vec::with_capacity(self.asked.len() + 1);
        if along {
            // What follows sysUpTime is sysUpTime.0.
            oids.extend(Oid::new(&UPTIME[..8]));
        }
        oids.extend(self.asked.iter().map(|index| self.tracks[*index].last.clone()));
        let bulk = self.bulk && !self.tracks[*first].by_next;
        let kind = if bulk { PduKind::GetBulk } else { PduKind::GetNext };
        let fitting = (SNMP_BULK_VARBINDS_MAX / self.asked.len()).max(1) as u32;
        let max_repetitions = self.repetitions.min(fitting);
        Some(Request { kind, non_repeaters: u32::from(along), max_repetitions, oids })
    }

    /// The request was not answered in time: a shorter answer may get through.
    pub(super) fn shorten(&mut self) {
        self.repetitions = (self.repetitions / 2).max(1);
    }

    /// Takes the answer to the request under way.
    pub(super) fn reply(&mut self, pdu: Pdu) -> Result<(), Failure> {
        self.answered = true;
        if self.asked.is_empty() {
            self.uptime = Uptime::Done(uptime(pdu.varbinds.first()));
            return Ok(());
        }
        match pdu.status() {
            ErrorStatus::NO_ERROR => self.take(pdu.varbinds),
            ErrorStatus::TOO_BIG if self.repetitions > 1 => {
                self.shorten();
                return Ok(());
            }
            ErrorStatus::TOO_BIG if self.asked.len() > 1 => {
                self.asked.truncate(self.asked.len() / 2);
                return Ok(());
            }
            status => self.refused(status, pdu.error_index)?,
        }
        self.choose();
        Ok(())
    }

    /// An error of one name: version 1 ends a column so.
    fn refused(&mut self, status: ErrorStatus, index: i32) -> Result<(), Failure> {
        let along = self.uptime == Uptime::Along;
        let index = usize::try_from(index).ok().and_then(|index| index.checked_sub(1));
        let index = index.filter(|index| *index < self.asked.len() + usize::from(along));
        let index = match index {
            Some(0) if along && status == ErrorStatus::NO_SUCH_NAME => {
                self.uptime = Uptime::Done(None);
                return Ok(());
            }
            Some(index) if index >= usize::from(along) => index - usize::from(along),
            None if self.asked.len() == 1 && !along => 0,
            // It does not say of which column: that shows when they are asked for one by one.
            _ => {
                self.simplify();
                return Ok(());
            }
        };
        let others = self.succeeded || self.tracks.len() > 1;
        let track = &mut self.tracks[self.asked[index]];
        if status == ErrorStatus::NO_SUCH_NAME {
            track.end();
        } else if !track.by_next {
            track.by_next = true;
        } else if others {
            track.cut(Absence::Status(status));
        } else {
            return Err(Failure::Status(status));
        }
        Ok(())
    }

    /// Asks in a simpler manner from now on. Only ever called while there is one.
    fn simplify(&mut self) {
        self.manner = self.manner.simpler();
        if self.uptime == Uptime::Along {
            self.uptime = Uptime::Later;
        }
    }

    /// Takes an answer without error, or nothing of it if it breaks a rule.
    fn take(&mut self, varbinds: Vec<VarBind>) {
        let mut rest = &varbinds[..];
        if self.uptime == Uptime::Along {
            match rest.split_first() {
                Some((first, others)) if first.oid.ids() == UPTIME => {
                    rest = others;
                    if rest.is_empty() {
                        // It was cut within its first row.
                        self.uptime = Uptime::Done(uptime(Some(first)));
                        return;
                    }
                }
                // The device has no sysUpTime, or it did not answer in the order asked.
                _ => return self.simplify(),
            }
        }
        let (pieces, fault) = self.read(rest);
        let several = self.asked.len() > 1 || self.uptime == Uptime::Along;
        if several && (fault.is_some() || self.contradicts_itself(&pieces)) {
            return self.simplify();
        }
        // What follows the end of a column alone is nothing to it.
        let fault = fault.filter(|_| !pieces[0].has_ended());
        self.succeeded = true;
        if self.uptime == Uptime::Along {
            self.uptime = Uptime::Done(uptime(varbinds.first()));
        }
        for (index, piece) in self.asked.iter().zip(pieces) {
            let (room, rows_max) = (SNMP_VARBINDS_MAX - self.found, self.rows_max);
            self.found += self.tracks[*index].take(piece, room, rows_max);
        }
        if let Some(fault) = fault {
            // One column alone: what came before is right, and GetNext may bring the rest.
            let track = &mut self.tracks[self.asked[0]];
            if track.by_next { track.cut(fault) } else { track.by_next = true }
        }
        self.repetitions = self.repetitions.saturating_mul(2).min(self.repetitions_max);
    }

    /// Reads an answer, row by row: what it has of each column, and the first thing that must not be.
    fn read(&self, varbinds: &[VarBind]) -> (Vec<Piece>, Option<Absence>) {
        let columns = self.asked.len();
        let mut pieces: Vec<Piece> = self.asked.iter().map(|index| self.tracks[*index].begin()).collect();
        for (position, varbind) in varbinds.iter().enumerate() {
            let track = &self.tracks[self.asked[position % columns]];
            if let Err(fault) = track.read(&mut pieces[position % columns], varbind) {
                return (pieces, Some(fault));
            }
        }
        // An agent may end an answer where it no longer fits, even within the first row: then the columns behind are
        // asked for again. An answer with nothing at all would be the same again.
        (pieces, varbinds.is_empty().then_some(Absence::NotAnswered))
    }

    /// Whether something of a column was passed over on the way from the column before: the answer says of both what
    /// comes first.
    fn contradicts_itself(&self, pieces: &[Piece]) -> bool {
        let answered = || self.asked.iter().map(|index| &self.tracks[*index]).zip(pieces);
        answered().filter_map(|(_, piece)| piece.passed()).any(|passed| {
            answered().any(|(track, piece)| {
                track.is_new() && track.has(passed) && piece.first().is_some_and(|first| first < passed)
            })
        })
    }

    /// The uptime if the device said it, the columns in the order asked, and in which manner the device is best asked.
    pub(super) fn finish(self) -> (Option<u32>, Vec<Column>, Manner) {
        let uptime = match self.uptime {
            Uptime::Done(uptime) => uptime,
            Uptime::Along | Uptime::Later => None,
        };
        (uptime, self.tracks.into_iter().map(Track::finish).collect(), self.manner)
    }

    /// Whether anything was answered yet.
    pub(super) fn begun(&self) -> bool {
        self.answered
    }
}

fn uptime(varbind: Option<&VarBind>) -> Option<u32> {
    match varbind {
        Some(VarBind { oid, value: Value::TimeTicks(ticks) }) if oid.ids() == UPTIME => Some(*ticks),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
