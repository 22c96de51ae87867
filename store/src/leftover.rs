//! What a writer that had to be given up leaves to the one that takes its place.
//!
//! A store may be removed, replaced by a backup or mounted over while it is written to. What was appended to its log since
//! can then be read through the open file only. The next writer finds out which of these runs the store at the path does
//! not have, and appends them.

use std::sync::Arc;

use crate::cursor::fingerprint;
use crate::disk::Disk;
use crate::error::Result;
use crate::identity::Identity;
use crate::limits::{LEFTOVER_LOGS_MAX, RESCUE_BATCH_RUNS};
use crate::log::LogImage;
use crate::position::Position;
use crate::reader::{Arrivals, Reader};
use crate::run::Run;

/// Appends runs by check.
type Append<'a> = dyn FnMut(&[(&str, &Run)]) -> Result<()> + 'a;

/// What writers left that were given up, see [`crate::Writer::give_up`].
#[derive(Default)]
pub struct Leftover {
    logs: Vec<OrphanLog>,
    refused: Option<Refused>,
}

/// A log that is open and may be at no path any more.
pub(crate) struct OrphanLog {
    image: LogImage,
    /// Its runs before this number have been taken over.
    from: u64,
}

/// Runs that were refused, which no log says.
#[derive(Clone, Copy)]
pub(crate) struct Refused {
    pub(crate) store: Identity,
    /// Where the runs end that count.
    pub(crate) end: u64,
    /// The number after the last that was refused.
    pub(crate) next: u64,
}

impl Leftover {
    /// Nothing.
    pub fn new() -> Leftover {
        Leftover::default()
    }

    /// `true` if there is nothing to take over.
    pub fn is_empty(&self) -> bool {
        self.logs.is_empty() && self.refused.is_none()
    }

    /// Keeps a log. Of too many the oldest goes; returns how many of its runs are lost with it.
    pub(crate) fn keep_log(&mut self, image: LogImage) -> u64 {
        self.logs.push(OrphanLog { from: image.start(), image });
        if self.logs.len() <= LEFTOVER_LOGS_MAX {
            return 0;
        }
        let oldest = self.logs.remove(0);
        oldest.image.end().saturating_sub(oldest.from)
    }

    pub(crate) fn keep_refused(&mut self, refused: Refused) {
        self.refused = Some(refused);
    }

    /// Where the runs of this store end that count, if the last of those that were found were refused.
    pub(crate) fn take_refused(&mut self, store: Identity, found_end: u64) -> Option<u64> {
        let refused = self.refused.take()?;
        let theirs = refused.store == store && refused.end < found_end && found_end <= refused.next;
        theirs.then_some(refused.end)
    }

    /// Hands out the runs of the logs that the store on this disk does not have, in batches. What has been taken is not
    /// handed out again, also if `append` fails. Returns how many there were.
    pub(crate) fn rescue(&mut self, disk: &Arc<dyn Disk>, append: &mut Append<'_>) -> Result<u64> {
        let mut rescued = 0;
        while let Some(log) = self.logs.first_mut() {
            let reader = Reader::open_on(Arc::clone(disk))?;
            log.image.extend(&**disk)?;
            rescued += log.rescue(&**disk, &reader, append)?;
            self.logs.remove(0);
        }
        Ok(rescued)
    }
}

impl OrphanLog {
    fn rescue(&mut self, disk: &dyn Disk, reader: &Reader, append: &mut Append<'_>) -> Result<u64> {
        let mut there = There { arrivals: reader.since(Position(self.from)), next: None };
        let mut rescued = 0;
        let mut batch: Vec<(Arc<str>, Run)> = Vec::new();
        for row in self.image.arrivals(self.from) {
            // What cannot be read is lost.
            let Ok(run) = self.image.run(disk, row) else { continue };
            let check = Arc::clone(self.image.check(row));
            if !there.has(row.seq, fingerprint(row.seq, &check, &run)) {
                batch.push((check, run));
            }
            if batch.len() >= RESCUE_BATCH_RUNS {
                append(&named(&batch))?;
                rescued += batch.len() as u64;
                batch.clear();
                self.from = row.seq.saturating_add(1);
            }
        }
        if !batch.is_empty() {
            append(&named(&batch))?;
        }
        Ok(rescued + batch.len() as u64)
    }
}

fn named(batch: &[(Arc<str>, Run)]) -> Vec<(&str, &Run)> {
    batch.iter().map(|(check, run)| (&**check, run)).collect()
}

/// The runs of a store by number, asked for in order.
struct There {
    arrivals: Arrivals,
    /// The run that was read last: its number and fingerprint.
    next: Option<(u64, u64)>,
}

impl There {
    fn has(&mut self, number: u64, fingerprint: u64) -> bool {
        while self.next.is_none_or(|(next, _)| next < number) {
            match self.arrivals.next() {
                Some(Ok(arrived)) => {
                    let number = arrived.position.0.saturating_sub(1);
                    self.next = Some((number, crate::fingerprint(number, &arrived.check, &arrived.run)));
                }
                // Damage: what is not known to be there is appended.
                Some(Err(_)) => {}
                None => return false,
            }
        }
        self.next == Some((number, fingerprint))
    }
}
