//! A feed; see the head of `mod.rs`.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use custos_store::disk::{Disk, RealDisk};
use custos_store::{ArrivalRange, Cursors, Delivered, Identity, Position, Reader};

use super::amended;
use super::backlog::Backlog;
use super::consumed::{self, Found};
use super::continuity::{Notice, settle};
use super::error::FeedError;
use super::lag::Lag;
use super::live::Live;
use super::options::{FeedOptions, From, Order};
use super::owed::{Asked, Owed, Why, bound};
use super::piece::{Budget, Piece, Progress};
use super::place::Place;
use super::selection::Wanted;
use crate::clock::{Moment, micros};
use crate::limits::{FEED_LIVE_RUNS_MAX, FEED_LOOK, FEED_SAVE};

/// The runs of a store for one consumer.
///
/// What [`Feed::next`] hands out goes to the consumer; when it has it, [`Feed::acknowledged`] moves the cursor. Where there is
/// nothing, ask again after [`FEED_POLL`](crate::limits::FEED_POLL): it costs three small reads.
pub struct Feed {
    reader: Reader,
    cursors: Cursors,
    options: FeedOptions,
    /// What was handed out; none as long as the store is not there.
    read: Option<Place>,
    /// What was acknowledged.
    acknowledged: Option<Place>,
    live: Live,
    backlog: Backlog,
    notices: Vec<Notice>,
    next_id: u64,
    epoch: u64,
    looked_us: Option<u64>,
    saved_us: Option<u64>,
    /// What the cursor says on the disk.
    saved: Option<Place>,
}

impl Feed {
    /// Opens the feed of that name of a store, whether or not somebody writes to it.
    ///
    /// # Errors
    /// If the store cannot be read. If the cursor is damaged: where the consumer had got to is then not known, and it is to be
    /// removed, or [`FeedOptions::anew`] be set.
    pub fn open(store: &Path, options: FeedOptions) -> Result<Feed, FeedError> {
        Feed::open_on(Arc::new(RealDisk::new(store)), options)
    }

    /// The same on any disk.
    ///
    /// # Errors
    /// As [`Feed::open`].
    pub fn open_on(disk: Arc<dyn Disk>, options: FeedOptions) -> Result<Feed, FeedError> {
        let mut feed = Feed {
            reader: Reader::open_on(Arc::clone(&disk))?,
            cursors: Cursors::on(disk),
            options,
            read: None,
            acknowledged: None,
            live: Live::default(),
            backlog: Backlog::default(),
            notices: Vec::new(),
            next_id: 0,
            epoch: 0,
            looked_us: None,
            saved_us: None,
            saved: None,
        };
        feed.find_place()?;
        Ok(feed)
    }

    /// Finds where to go on, once the store is there.
    fn find_place(&mut self) -> Result<(), FeedError> {
        let Some(store) = self.reader.identity() else { return Ok(()) };
        let cursor = match &self.options.name {
            Some(name) if !self.options.anew => self.cursors.read(name)?,
            _ => None,
        };
        self.saved = cursor.clone().map(Place::of);
        let mut place = match cursor {
            Some(cursor) => Place::of(cursor),
            None => Place::at(store, self.begin()?, self.reader.amendments().count()),
        };
        self.notices.extend(settle(&mut place, &self.reader)?);
        place.owed.iter_mut().for_each(|owed| {
            self.next_id += 1;
            owed.id = self.next_id;
        });
        self.read = Some(place.clone());
        self.acknowledged = Some(place);
        self.live.reset();
        self.backlog.reset();
        Ok(())
    }

    /// The position at which a feed without cursor begins.
    fn begin(&self) -> Result<Position, FeedError> {
        let time_ms = match self.options.from {
            From::Start => return Ok(Position::START),
            From::Position(position) => {
                let end = self.reader.acknowledged();
                return if position > end { Err(FeedError::Beyond { position, end }) } else { Ok(position) };
            }
            From::End => return Ok(self.reader.acknowledged()),
            From::Time(time_ms) => time_ms,
        };
        let range = ArrivalRange { times: time_ms..i64::MAX, ..ArrivalRange::default() };
        let mut arrivals = self.reader.arrivals(range);
        match arrivals.next_or_unread() {
            Some(Ok(arrived)) => Ok(Position(arrived.position.0.saturating_sub(1))),
            Some(Err(unread)) => match unread.damage {
                Some(damage) => Ok(damage.start),
                None => Err(unread.error.into()),
            },
            None => Ok(self.reader.acknowledged()),
        }
    }

    /// What is next: the newest runs where there are some, else what is owed. None if there is nothing now.
    ///
    /// # Errors
    /// If the store cannot be read, or the cursor not be written. Nothing is lost by it: the next call goes on.
    pub fn next(&mut self, budget: Budget, now: Moment) -> Result<Option<Piece>, FeedError> {
        match self.next_live(budget, now)? {
            Some(piece) => Ok(Some(piece)),
            None => self.next_owed(budget),
        }
    }

    /// The newest runs, where there are some.
    ///
    /// # Errors
    /// As [`Feed::next`].
    pub fn next_live(&mut self, budget: Budget, now: Moment) -> Result<Option<Piece>, FeedError> {
        self.look(now)?;
        self.save_if_due(now)?;
        let (Some(read), Some(acknowledged)) = (&mut self.read, &mut self.acknowledged) else {
            return Ok(None);
        };
        let (before, is_idle) = (read.position, acknowledged.position == read.position);
        let wanted = Wanted { snapshot: &self.reader, selection: &self.options.selection, budget };
        let mut piece = self.live.next(read, wanted)?;
        piece.iter_mut().for_each(|piece| piece.progress.epoch = self.epoch);
        if piece.is_none() && is_idle && read.position > before {
            // There was nothing that is wanted.
            acknowledged.position = read.position;
            acknowledged.pass_owed();
        }
        Ok(piece)
    }

    /// What is owed, where something is: the backlog of a feed that goes [`Order::Beside`], what was restored, what was
    /// [asked for](Feed::ask_again).
    ///
    /// # Errors
    /// As [`Feed::next`].
    pub fn next_owed(&mut self, budget: Budget) -> Result<Option<Piece>, FeedError> {
        let Some(read) = &mut self.read else { return Ok(None) };
        let wanted = Wanted { snapshot: &self.reader, selection: &self.options.selection, budget };
        let mut piece = self.backlog.next(read, wanted)?;
        piece.iter_mut().for_each(|piece| piece.progress.epoch = self.epoch);
        Ok(piece)
    }

    /// Looks what is new: at the log, and now and then at all of the store.
    fn look(&mut self, now: Moment) -> Result<(), FeedError> {
        let is_due = |at: u64| now.mono_us.saturating_sub(at) >= micros(FEED_LOOK) || now.mono_us < at;
        if self.looked_us.is_some_and(|at| !is_due(at)) {
            if !self.live.is_reading() {
                self.reader.refresh_log()?;
                self.fall_behind();
            }
            return Ok(());
        }
        self.reader.refresh()?;
        self.looked_us = Some(now.mono_us);
        let Some(read) = &self.read else { return self.find_place() };
        if self.reader.identity().is_some_and(|store| store != read.store)
            || (self.reader.end() < read.position && self.reader.identity().is_some())
        {
            return self.find_another_store();
        }
        if amended::is_new(read, &self.reader) {
            let (owed, count) = (amended::owed_by(read, &self.reader), self.reader.amendments().count());
            owed.into_iter().for_each(|owed| self.owe(owed));
            for place in [&mut self.read, &mut self.acknowledged].into_iter().flatten() {
                place.amendments = count;
            }
        }
        self.fall_behind();
        Ok(())
    }

    /// Goes on in a store that is another one, or an older one.
    fn find_another_store(&mut self) -> Result<(), FeedError> {
        if let Some(acknowledged) = &mut self.acknowledged {
            self.notices.extend(settle(acknowledged, &self.reader)?);
            self.read = Some(acknowledged.clone());
        }
        // What is still with the consumer was of the other one.
        self.epoch += 1;
        self.live.reset();
        self.backlog.reset();
        Ok(())
    }

    /// Takes for backlog what the newest runs are not to wait for.
    fn fall_behind(&mut self) {
        while self.options.order == Order::Beside && !self.live.is_reading() {
            let Some(read) = &self.read else { return };
            let (from, end) = (read.position, read.next_behind(self.reader.acknowledged()));
            let is_sealed = from < self.reader.unsealed().min(end);
            if end <= from || (!is_sealed && self.reader.runs_between(from, end) <= FEED_LIVE_RUNS_MAX) {
                return;
            }
            self.owe(Owed::new(from..end, Why::Behind));
            for place in [&mut self.read, &mut self.acknowledged].into_iter().flatten() {
                place.pass_owed();
            }
        }
    }

    fn owe(&mut self, owed: Owed) {
        self.next_id += 1;
        let owed = Owed { id: self.next_id, ..owed };
        // Both join alike, so that they go by the same ids.
        let before = self.next_id;
        for place in [&mut self.read, &mut self.acknowledged].into_iter().flatten() {
            self.next_id = before;
            // The older ones first, so that the runs of a check come in order.
            let is_behind = |owed: &Owed| owed.why == Why::Behind;
            let later = place.owed.iter().position(|there| is_behind(there) && there.from > owed.from);
            let at = later.filter(|_| is_behind(&owed)).unwrap_or(place.owed.len());
            place.owed.insert(at, owed.clone());
            bound(&mut place.owed, &mut self.next_id);
        }
    }

    /// What comes first from now on where the consumer is behind. What is owed already stays owed.
    pub fn set_order(&mut self, order: Order) {
        self.options.order = order;
    }

    /// Has runs delivered again that were delivered, beside all else.
    pub fn ask_again(&mut self, asked: Asked) {
        let Some(read) = &self.read else { return };
        let times = Some((asked.times.start, asked.times.end));
        let numbers = Position::START..read.position;
        self.owe(Owed { check: asked.check, times, ..Owed::new(numbers, Why::Asked) });
    }

    /// The consumer has what was handed out up to here. The cursor is written after a while, or by [`Feed::save`].
    ///
    /// # Errors
    /// If the cursor cannot be written. What was acknowledged counts all the same, and it is tried again.
    pub fn acknowledged(&mut self, progress: &Progress, now: Moment) -> Result<(), FeedError> {
        if let Some(place) = self.acknowledged.as_mut().filter(|_| progress.epoch == self.epoch) {
            place.take(&progress.step);
        }
        self.save_if_due(now)
    }

    /// Goes back to what was acknowledged: what was handed out since is handed out again. For a consumer that was lost.
    pub fn rewind(&mut self) {
        self.read.clone_from(&self.acknowledged);
        self.epoch += 1;
        self.live.reset();
        self.backlog.reset();
    }

    /// Whether something was acknowledged of the runs in order of arrival.
    pub fn has_delivered(&self) -> bool {
        self.acknowledged.as_ref().is_some_and(|place| place.last.is_some())
    }

    /// Goes on behind the run that the consumer itself says that it has last of those in order of arrival, and of which store, or
    /// at the start where it says that it has none. None as long as the store is not there: ask again. What the consumer has is
    /// not acknowledged by that.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn go_on_behind(
        &mut self,
        last: Option<(Identity, Delivered)>,
        now: Moment,
    ) -> Result<Option<Found>, FeedError> {
        self.look(now)?;
        let Some(acknowledged) = &mut self.acknowledged else { return Ok(None) };
        let of_store = last.filter(|(store, _)| *store == acknowledged.store).map(|(_, last)| last);
        let begins_late = matches!(self.options.from, From::End);
        let behind = consumed::place_behind(acknowledged, of_store, &self.reader, begins_late)?;
        let (found, place) = behind.unwrap_or_else(|| (Found::Same, acknowledged.clone()));
        if found == Found::Earlier {
            acknowledged.clone_from(&place);
        }
        self.read = Some(place);
        self.live.reset();
        self.backlog.reset();
        Ok(Some(found))
    }

    fn save_if_due(&mut self, now: Moment) -> Result<(), FeedError> {
        let since = self.saved_us.map_or(u64::MAX, |at| now.mono_us.abs_diff(at));
        if since < micros(FEED_SAVE) || self.saved == self.acknowledged {
            return Ok(());
        }
        self.saved_us = Some(now.mono_us);
        self.save()
    }

    /// Writes the cursor, durably, if it has something new to say.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn save(&mut self) -> Result<(), FeedError> {
        let (Some(name), Some(place)) = (&self.options.name, &mut self.acknowledged) else { return Ok(()) };
        place.anchor();
        if self.saved.as_ref() != Some(place) {
            self.cursors.write(name, &place.cursor())?;
            self.saved = Some(place.clone());
        }
        Ok(())
    }

    /// What was found about the store since this was asked last.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    /// How far the consumer is behind.
    pub fn lag(&self) -> Option<Lag> {
        self.acknowledged.as_ref().map(|place| Lag::of(place, &self.reader))
    }

    /// Whether runs of a check and a range of time (ms since the epoch) are still owed, or may be.
    pub fn owes(&self, check: &str, times: &Range<i64>) -> bool {
        let owed = self.acknowledged.iter().flat_map(|place| &place.owed);
        owed.into_iter().any(|owed| owed.may_have(check, times))
    }

    /// Whether older runs are still to be delivered beside the newest ones.
    pub fn is_catching_up(&self) -> bool {
        let is_behind = |owed: &Owed| owed.why == Why::Behind && !owed.finished;
        self.acknowledged.iter().flat_map(|place| &place.owed).any(is_behind)
    }

    /// The store as the feed saw it last.
    pub fn reader(&self) -> &Reader {
        &self.reader
    }
}
