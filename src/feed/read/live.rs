//! The lane of what is new: runs in order of arrival.

use custos_store::{ArrivalRange, Arrivals, Delivered, Position, Snapshot};

use super::error::FeedError;
use super::piece::{Budget, FedRun, Gap, Piece, Progress, Step};
use super::place::Place;
use super::selection::{Selection, Wanted};
use crate::limits::FEED_ARRIVALS_BYTES;

/// What is being read; nothing where all has been.
#[derive(Default)]
pub(super) struct Live {
    reading: Option<Reading>,
}

struct Reading {
    arrivals: Arrivals,
    until: Position,
    /// What could not be read of whole files, to be told once.
    gaps: Vec<Gap>,
}

/// What is being put together.
struct Filling {
    piece: Vec<FedRun>,
    gaps: Vec<Gap>,
    bytes: usize,
    last: Option<Delivered>,
    last_ms: Option<i64>,
}

impl Live {
    /// Begins anew where the consumer has got to.
    pub(super) fn reset(&mut self) {
        self.reading = None;
    }

    /// Whether something is being read.
    pub(super) fn is_reading(&self) -> bool {
        self.reading.is_some()
    }

    /// The next runs after the place, which goes on by them.
    ///
    /// # Errors
    /// If the store cannot be read. The same runs come next time.
    pub(super) fn next(&mut self, place: &mut Place, wanted: Wanted<'_>) -> Result<Option<Piece>, FeedError> {
        let Wanted { snapshot, selection, budget } = wanted;
        let Some(reading) = self.begin(place, snapshot) else { return Ok(None) };
        let mut filling = Filling {
            piece: Vec::new(),
            gaps: std::mem::take(&mut reading.gaps),
            bytes: 0,
            last: None,
            last_ms: place.last_ms,
        };
        let (mut to, mut failed) = (place.position, None);
        let ended = loop {
            if filling.is_full(budget) {
                break false;
            }
            match reading.arrivals.next_or_unread() {
                Some(Ok(arrived)) => {
                    to = arrived.position;
                    if selection.has_check(&arrived.check) {
                        let number = arrived.position.0.saturating_sub(1);
                        filling.add(FedRun { number, check: arrived.check, run: arrived.run }, selection);
                    }
                }
                Some(Err(unread)) => match unread.damage {
                    Some(damage) => filling.gaps.push(Gap::of(&damage, filling.last_ms)),
                    None => {
                        failed = Some(unread.error);
                        break true;
                    }
                },
                None => {
                    to = reading.until;
                    break true;
                }
            }
        };
        if ended {
            self.reading = None;
        }
        match failed {
            // Nothing is lost: what has been read is handed out, and the rest is read again.
            Some(error) if filling.is_empty() => Err(error.into()),
            _ => Ok(filling.end(place, to, !ended)),
        }
    }

    /// Reads on, or begins to read what there is now.
    fn begin(&mut self, place: &Place, snapshot: &Snapshot) -> Option<&mut Reading> {
        if self.reading.is_none() {
            let until = place.next_behind(snapshot.acknowledged());
            if until <= place.position {
                return None;
            }
            let range = ArrivalRange {
                from: place.position,
                until,
                bytes_max: FEED_ARRIVALS_BYTES,
                ..ArrivalRange::default()
            };
            let gaps = gaps_between(snapshot, place.position, until, place.last_ms);
            self.reading = Some(Reading { arrivals: snapshot.arrivals(range), until, gaps });
        }
        self.reading.as_mut()
    }
}

/// What of whole files and of logs cannot be read and begins between two positions.
pub(super) fn gaps_between(
    snapshot: &Snapshot,
    from: Position,
    until: Position,
    last_ms: Option<i64>,
) -> Vec<Gap> {
    let damages = snapshot.damages().into_iter();
    let begins = damages.filter(|damage| from <= damage.start && damage.start < until);
    begins.filter(|damage| damage.start < damage.end).map(|damage| Gap::of(&damage, last_ms)).collect()
}

impl Filling {
    fn is_full(&self, budget: Budget) -> bool {
        !self.is_empty() && (self.piece.len() >= budget.runs || self.bytes >= budget.bytes)
    }

    fn is_empty(&self) -> bool {
        self.piece.is_empty() && self.gaps.is_empty()
    }

    fn add(&mut self, mut fed: FedRun, selection: &Selection) {
        selection.narrow(&fed.check, &mut fed.run);
        self.bytes += fed.bytes();
        self.last_ms = Some(fed.run.time_ms);
        self.gaps.iter_mut().filter(|gap| gap.until_ms.is_none()).for_each(|gap| gap.until_ms = self.last_ms);
        self.piece.push(fed);
    }

    fn end(mut self, place: &mut Place, to: Position, has_more: bool) -> Option<Piece> {
        self.last = self.piece.last().map(FedRun::delivered);
        let step = Step::Live { to, last: self.last, last_ms: self.last_ms };
        place.take(&step);
        let progress = Progress { epoch: 0, step };
        let is_empty = self.is_empty();
        let Filling { piece: runs, gaps, .. } = self;
        (!is_empty).then_some(Piece { runs, gaps, progress, live: true, has_more, again: false })
    }
}
