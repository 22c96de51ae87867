//! One sink at work: the feed, the engine and the connections of its lanes, as one task.

use std::collections::VecDeque;
use std::path::Path;
use std::time::Duration;

use custos_store::{Error, Notes};
use tokio::task::JoinSet;

use super::answer::{Looked, Sent};
use super::arrival::Arrivals;
use super::aside::{Asides, note_name};
use super::changed::Changed;
use super::engine::{Effect, Engine, Event, Manner};
use super::lane::Lane;
use super::loading::Loading;
use super::marks::Mark;
use super::nats::Ending;
use super::parcel::Parcel;
use super::report::SinkReport;
use super::sender::Sender;
use super::settings::{SinkSettings, Takes};
use crate::clock::{self, Moment, micros};
use crate::config::SinkStart;
use crate::feed::read::{
    self, Asked, Budget, Feed, FeedError, FeedOptions, Found, Order, Progress, Selection,
};
use crate::hash::fnv1a;
use crate::limits::{SINK_NOTE_LOOK, SINK_PAUSE_MAX, SINK_PIECE_BYTES, SINK_REPORT_INTERVAL};

/// What helps where the cursor of a sink, or the store, is damaged.
const REPAIR: &str = "it delivers nothing until `custos store repair` was run with the agent stopped";

/// The note by which somebody has a sink send again what was set aside.
pub fn retry_note(sink: &str) -> String {
    format!("sink-{sink}.retry")
}

/// A sink at work.
pub struct Delivery {
    settings: SinkSettings,
    feed: Feed,
    engine: Engine<Progress>,
    lanes: [LaneParts; 2],
    /// What the receiver says that it has last, as [`Sender::ending`] does.
    ending: (u64, Option<Ending>),
    /// The feed is to go on behind that.
    is_to_be_placed: bool,
    /// The receiver says what it has.
    is_told: bool,
    /// What is under way: each has the sender of its lane with it.
    tasks: JoinSet<Ended>,
    notes: Notes,
    asides: Asides,
    /// What was set aside, or taken out, and is not on the disk yet.
    is_note_old: bool,
    /// What is safe, and must not be passed before what was set aside is on the disk.
    unsettled: Vec<Progress>,
    noted_us: u64,
    wants_look: bool,
    looked: Looked,
    trouble: Option<String>,
    noticed: Option<(i64, String)>,
    arrivals: Arrivals,
    /// When the first run of the piece that is delivered live arrived (ms since the epoch).
    arrived_ms: Option<i64>,
    gaps: u64,
    acknowledged_ms: Option<i64>,
    started_ms: i64,
    told_us: u64,
}

struct LaneParts {
    /// None while something is under way.
    sender: Option<Sender>,
    loading: Loading,
    /// What is to be sent as soon as the sender is back.
    waiting: Option<(u64, Parcel)>,
    /// The latest time in the piece.
    newest_ms: Option<i64>,
    /// What the sender has counted.
    sent_bytes: u64,
    changed: Changed,
}

/// Something that was under way.
struct Ended {
    lane: Lane,
    sender: Sender,
    what: What,
}

enum What {
    Sent { piece: u64, sent: Sent, took: Duration },
    Looked(Result<Looked, String>),
}

impl Delivery {
    /// A sink of a store, which goes on where it was.
    ///
    /// # Errors
    /// The store, the cursor or the note cannot be read, in words.
    pub fn open(store: &Path, settings: SinkSettings) -> Result<Delivery, String> {
        let failed = |error: &dyn std::fmt::Display| format!("sink {}: failed to {error}", settings.name);
        let options = feed_options(&settings).map_err(|error| failed(&error))?;
        let feed = Feed::open(store, options).map_err(|error| match error {
            FeedError::Store(Error::Damaged { .. }) => format!("{}; {REPAIR}", failed(&error)),
            error => failed(&error),
        })?;
        let notes = Notes::new(store);
        let asides = Asides::read(&notes, &settings.name).map_err(|why| failed(&why))?;
        let delivered = feed.has_delivered();
        let own = feed.reader().identity().filter(|_| delivered);
        let lane = |sender: Sender| {
            let loading = Loading::new(settings.kind.takes(), &settings.host, &settings.labels);
            LaneParts {
                sender: Some(sender),
                loading,
                waiting: None,
                newest_ms: None,
                sent_bytes: 0,
                changed: Changed::default(),
            }
        };
        let senders = Sender::pair(&settings, own);
        let arrivals = Arrivals::new(clock::now_ms(), feed.lag().and_then(|lag| lag.newest_ms));
        let settle = senders[0].settle();
        let gather = settings.gather.unwrap_or_else(|| senders[0].gather());
        let is_told = senders[0].is_told();
        let lanes = senders.map(lane);
        let seed = fnv1a(settings.host.bytes().chain(settings.name.bytes()));
        let clock_lead_ms = settings.clock_lead.as_millis() as i64;
        Ok(Delivery {
            engine: Engine::new(Manner { clock_lead_ms, settle, settles_when_asked: is_told, gather, seed }),
            feed,
            lanes,
            ending: (0, None),
            is_to_be_placed: is_told,
            is_told,
            tasks: JoinSet::new(),
            notes,
            asides,
            is_note_old: false,
            unsettled: Vec::new(),
            noted_us: 0,
            wants_look: false,
            looked: Looked::default(),
            trouble: None,
            noticed: None,
            arrivals,
            arrived_ms: None,
            gaps: 0,
            acknowledged_ms: None,
            started_ms: clock::now_ms(),
            told_us: 0,
            settings,
        })
    }

    /// Delivers, until the future is dropped; `tell` is given a report now and then.
    pub async fn run(&mut self, mut tell: impl FnMut(SinkReport)) {
        let mut events = VecDeque::from([Event::Tick]);
        loop {
            let now = clock::now();
            self.look_after_note(now);
            while let Some(event) = events.pop_front() {
                for effect in self.engine.handle(event, now) {
                    self.perform(effect, now, &mut events);
                }
            }
            self.start_look();
            self.tell_notices(now);
            if now.mono_us.saturating_sub(self.told_us) >= micros(SINK_REPORT_INTERVAL) {
                self.told_us = now.mono_us;
                tell(self.report(now));
            }
            let next_us = self.engine.next_us().map(|at_us| at_us.saturating_sub(clock::now().mono_us));
            let pause = next_us.map_or(SINK_PAUSE_MAX, Duration::from_micros).min(SINK_PAUSE_MAX);
            tokio::select! {
                Some(ended) = self.tasks.join_next() => events.extend(ended.ok().map(|ended| self.ended(ended))),
                () = tokio::time::sleep(pause) => events.push_back(Event::Tick),
            }
        }
    }

    /// Writes the cursor, so that a restart goes on from here.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn save(&mut self) -> Result<(), String> {
        self.feed.save().map_err(|error| format!("failed to {error}"))
    }

    /// Logs what the feed found about its store.
    fn tell_notices(&mut self, now: Moment) {
        for notice in self.feed.take_notices() {
            tracing::warn!("sink {}: {notice}", self.settings.name);
            self.noticed = Some((now.wall_ms, notice.to_string()));
        }
    }

    fn ended(&mut self, ended: Ended) -> Event<Progress> {
        let Ended { lane, sender, what } = ended;
        let parts = &mut self.lanes[lane.index()];
        (parts.sent_bytes, parts.changed) = (sender.sent_bytes(), sender.changed());
        if sender.ending().0 >= self.ending.0 {
            self.ending = sender.ending();
        }
        parts.sender = Some(sender);
        if let Some((piece, parcel)) = parts.waiting.take() {
            self.send(lane, piece, parcel);
        }
        match what {
            What::Sent { piece, sent, took } => Event::Sent { lane, piece, sent, took },
            What::Looked(Ok(looked)) => {
                self.looked = looked;
                // Its head goes by the newest sample of all series, so that one check after the other would be too old.
                let is_strict = self.looked.in_order_only;
                self.feed.set_order(if is_strict { Order::InOrder } else { Order::Beside });
                let Looked { process, date_ms, in_order_only, is_unsure, .. } = self.looked;
                Event::Looked { process, date_ms, in_order_only, is_unsure }
            }
            What::Looked(Err(why)) => Event::NotThere(why),
        }
    }

    fn perform(&mut self, effect: Effect<Progress>, now: Moment, events: &mut VecDeque<Event<Progress>>) {
        match effect {
            Effect::Fetch { lane, budget } => events.push_back(self.fetch(lane, budget, now)),
            Effect::Send { lane, piece, parcel } => self.send(lane, piece, parcel),
            Effect::SetAside { parcel, why, until_ms } => {
                self.asides.add(&parcel, &why, until_ms);
                self.is_note_old = true;
            }
            Effect::Done(lane) => {
                // What was set aside is on the disk before the cursor passes it.
                self.write_note();
                let newest_ms = self.lanes[lane.index()].newest_ms.take();
                if lane == Lane::Live {
                    self.acknowledged_ms = self.acknowledged_ms.max(newest_ms);
                }
            }
            Effect::Settle(place) => {
                self.unsettled.pop_if(|before| place.covers(before));
                self.unsettled.push(place);
                if self.is_note_old {
                    return;
                }
                for place in std::mem::take(&mut self.unsettled) {
                    let result = self.feed.acknowledged(&place, now);
                    self.troubled(result.err().map(|error| format!("failed to {error}")));
                }
            }
            Effect::Rewind => {
                self.feed.rewind();
                self.is_to_be_placed = self.is_told;
                self.arrivals.begin_again();
                self.lanes.iter_mut().for_each(|parts| parts.loading.begin_again());
            }
            Effect::Look => self.wants_look = true,
        }
    }

    /// Has the feed go on behind what the receiver says that it has; false if that is not yet possible.
    fn is_placed(&mut self, now: Moment) -> bool {
        if !self.is_to_be_placed {
            return true;
        }
        let last = self.ending.1.and_then(|ending| Some((ending.store, ending.last?)));
        match self.feed.go_on_behind(last, now) {
            Ok(found) => {
                self.is_to_be_placed = found.is_none();
                if let Some(Found::Earlier) = found {
                    tracing::warn!(
                        "sink {}: the receiver no longer has all that it had acknowledged; delivering it again",
                        self.settings.name
                    );
                }
            }
            Err(error) => self.troubled(Some(format!("failed to {error}"))),
        }
        !self.is_to_be_placed
    }

    fn fetch(&mut self, lane: Lane, budget: usize, now: Moment) -> Event<Progress> {
        if !self.is_placed(now) {
            return Event::Nothing(lane);
        }
        let parts = &mut self.lanes[lane.index()];
        let budget = Budget { runs: parts.loading.runs_for(budget), bytes: SINK_PIECE_BYTES };
        let piece = match lane {
            Lane::Live => self.feed.next_live(budget, now),
            Lane::Behind => self.feed.next_owed(budget),
        };
        match piece {
            Ok(Some(piece)) => {
                self.gaps += piece.gaps.len() as u64;
                if lane == Lane::Live {
                    let times_ms = piece.runs.iter().map(|fed| fed.run.time_ms);
                    self.arrived_ms = self.arrivals.take(times_ms, now.wall_ms);
                }
                let (place, has_more) = (piece.progress.clone(), piece.has_more);
                let load = parts.loading.load(piece, self.feed.reader());
                parts.newest_ms = load.whole().span_ms().map(|(_, last_ms)| last_ms);
                self.troubled(None);
                Event::Piece { lane, load, place, has_more }
            }
            Ok(None) => Event::Nothing(lane),
            Err(error) => {
                self.troubled(Some(format!("failed to {error}")));
                Event::Nothing(lane)
            }
        }
    }

    fn troubled(&mut self, trouble: Option<String>) {
        if let Some(why) = &trouble
            && self.trouble != trouble
        {
            tracing::error!("sink {}: {why}", self.settings.name);
        }
        self.trouble = trouble;
    }

    fn send(&mut self, lane: Lane, piece: u64, parcel: Parcel) {
        let parts = &mut self.lanes[lane.index()];
        let Some(mut sender) = parts.sender.take() else {
            parts.waiting = Some((piece, parcel));
            return;
        };
        self.tasks.spawn(async move {
            let begun = clock::now();
            let sent = sender.send(&parcel).await;
            let took = Duration::from_micros(clock::now().mono_us.saturating_sub(begun.mono_us));
            Ended { lane, sender, what: What::Sent { piece, sent, took } }
        });
    }

    /// Looks at the receiver over the connection of a lane that does nothing.
    fn start_look(&mut self) {
        if !self.wants_look {
            return;
        }
        let free = Lane::ALL.into_iter().find(|lane| self.lanes[lane.index()].sender.is_some());
        let Some(lane) = free else { return };
        let Some(mut sender) = self.lanes[lane.index()].sender.take() else { return };
        self.wants_look = false;
        self.tasks.spawn(async move {
            let looked = sender.look().await;
            Ended { lane, sender, what: What::Looked(looked) }
        });
    }

    /// Sends again what is due, and what somebody wants to be sent again.
    fn look_after_note(&mut self, now: Moment) {
        if now.mono_us < self.noted_us.saturating_add(micros(SINK_NOTE_LOOK)) {
            return;
        }
        self.noted_us = now.mono_us;
        let ordered = self.notes.read(&retry_note(&self.settings.name)).ok().flatten();
        let ordered_ms = ordered.and_then(|text| String::from_utf8(text).ok()?.parse().ok()).unwrap_or(0_i64);
        let everything = ordered_ms != 0 && ordered_ms != self.asides.retried_ms;
        if everything {
            self.asides.retried_ms = ordered_ms;
            self.is_note_old = true;
        }
        for due in self.asides.take_due(self.engine.limit_ms(now), everything) {
            let times = due.first_ms..due.last_ms.saturating_add(1);
            self.feed.ask_again(Asked { check: Some(due.check), times });
            self.is_note_old = true;
        }
        if self.is_note_old {
            // The cursor has it before the note no longer does.
            match self.feed.save() {
                Ok(()) => self.write_note(),
                Err(error) => self.troubled(Some(format!("failed to {error}"))),
            }
        }
    }

    fn write_note(&mut self) {
        if !self.is_note_old {
            return;
        }
        let text = serde_json::to_vec(&self.asides).unwrap_or_default();
        match self.notes.write(&note_name(&self.settings.name), &text) {
            Ok(()) => self.is_note_old = false,
            Err(error) => self.troubled(Some(format!("failed to note what was set aside: {error}"))),
        }
    }

    /// How long ago the oldest run arrived that is to be delivered live and is not.
    fn lag_ms(&self, now: Moment) -> i64 {
        let oldest_ms = match (self.engine.oldest_live_ms(), self.feed.lag()) {
            (Some(oldest_ms), _) => self.arrived_ms.unwrap_or(oldest_ms),
            // Nothing has been fetched, since the receiver has not answered yet.
            (None, Some(lag)) if lag.runs > 0 && !self.engine.has_looked() => {
                lag.newest_ms.map_or(self.started_ms, |newest_ms| newest_ms.min(now.wall_ms))
            }
            _ => return 0,
        };
        now.wall_ms.saturating_sub(oldest_ms).max(0)
    }

    fn report(&self, now: Moment) -> SinkReport {
        let lag = self.feed.lag();
        let mut changed = Changed::default();
        self.lanes.iter().for_each(|parts| changed += parts.changed);
        let mut counts = self.engine.counts().clone();
        counts.acknowledged = counts.acknowledged.saturating_sub(changed.left_out);
        SinkReport {
            name: self.settings.name.clone(),
            has_answered: self.engine.has_looked(),
            kind: self.settings.kind.key().to_owned(),
            what: self.looked.what.clone(),
            counts,
            lag_ms: self.lag_ms(now),
            behind_runs: lag.map_or(0, |lag| lag.owed_runs),
            acknowledged_ms: self.acknowledged_ms,
            safe_ms: lag.and_then(|lag| lag.last_ms),
            // What proves that is beside this.
            proven_ms: None,
            not_proven: None,
            waits: self.engine.waits().map(str::to_owned),
            trouble: self.trouble.clone(),
            noticed: self.noticed.clone(),
            warnings: self.looked.warnings.clone(),
            set_aside: self.asides.samples(),
            set_aside_why: self.asides.all.last().map(|one| one.why.clone()),
            gaps: self.gaps,
            repeated: self.lanes.iter().map(|parts| parts.loading.repeated()).sum(),
            rounded: changed.rounded,
            left_out: changed.left_out,
            sent_bytes: self.lanes.iter().map(|parts| parts.sent_bytes).sum(),
            lag_limits_ms: (
                self.settings.lag_warning.as_millis() as i64,
                self.settings.lag_critical.as_millis() as i64,
            ),
        }
    }
}

/// The feed of a sink.
pub(in crate::feed) fn feed_options(settings: &SinkSettings) -> Result<FeedOptions, FeedError> {
    let from = match settings.start {
        SinkStart::Beginning => read::From::Start,
        SinkStart::Now => read::From::End,
    };
    let selection = Selection::of(&settings.checks, &settings.metrics)?;
    let selection = match settings.kind.takes() {
        Takes::Runs => selection,
        // Who judges series elsewhere must not see that somebody looked.
        Takes::Samples => selection.of_own_runs(),
    };
    Ok(FeedOptions {
        name: Some(note_name(&settings.name)),
        from,
        anew: false,
        order: Order::Beside,
        selection,
    })
}

impl Mark for Progress {
    fn covers(&self, before: &Progress) -> bool {
        self.goes_on_from(before)
    }
}
