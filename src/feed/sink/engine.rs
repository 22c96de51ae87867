//! What a sink decides: what is sent when, and what becomes of answers. Pure: events and the time go in, effects come out.
//!
//! Invariants: in each lane at most one request is under way, and what is sent in it is in the order of the feed. A place of
//! the feed is settled only after all before it was taken by the receiver or set aside on the disk, and after the receiver can
//! no longer lose it ([`Marks`]).

use std::time::Duration;

use super::answer::{Answer, Sent, is_too_late};
use super::lane::{Doing, Lane, LaneState};
use super::marks::{Mark, Marks};
use super::pace::{Backoff, Random};
use super::parcel::{Load, Parcel};
use crate::clock::{Moment, micros};
use crate::limits::{
    SINK_CLOSED_RETRY, SINK_FAILURES_OURS, SINK_HELD_LOOK, SINK_LOOK, SINK_RETRY_AFTER_MAX, SINK_SETTLE_ASK,
    SINK_SETTLE_LOOK, SINK_SPLITS_MAX, SINK_UNSURE_LOOK,
};

/// How a sink is to deliver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Manner {
    /// How far ahead of the receiver's clock a sample may be (ms).
    pub clock_lead_ms: i64,
    /// For how long the receiver may lose what it has acknowledged, when it is killed.
    pub settle: Duration,
    /// What was acknowledged becomes safe only when the receiver was asked how it is, and not by the answers to what is sent.
    pub settles_when_asked: bool,
    /// For how long runs are gathered before the feed is asked for more, once it had no more.
    pub gather: Duration,
    /// By what this sink differs from others, so that they do not all come at once.
    pub seed: u64,
}

/// What happened. `P` is a place of the feed.
#[derive(Debug)]
pub enum Event<P> {
    /// Time has passed, or the first event.
    Tick,
    /// The feed has a piece. A load that is empty only moves the place on.
    Piece {
        /// For which lane.
        lane: Lane,
        /// What it is.
        load: Load,
        /// Where the feed is behind it.
        place: P,
        /// Whether the feed had more.
        has_more: bool,
    },
    /// The feed has nothing more now.
    Nothing(Lane),
    /// A request has ended.
    Sent {
        /// Of which lane.
        lane: Lane,
        /// Which piece, as [`Effect::Send`] said.
        piece: u64,
        /// What became of it.
        sent: Sent,
        /// How long it took.
        took: Duration,
    },
    /// The receiver was asked how it is, and answered.
    Looked {
        /// As for [`Sent`].
        process: u64,
        /// As for [`Sent`].
        date_ms: Option<i64>,
        /// Whether it takes the samples of a series in order of time only, so that nothing may be sent live before the backlog.
        in_order_only: bool,
        /// Whether it could not say all of that yet, and is to be asked again soon.
        is_unsure: bool,
    },
    /// The receiver was asked how it is, and did not answer.
    NotThere(String),
}

/// What is to be done, in this order.
#[derive(Debug)]
pub enum Effect<P> {
    /// Ask the feed for a piece of about so many samples.
    Fetch {
        /// For which lane.
        lane: Lane,
        /// How many samples.
        budget: usize,
    },
    /// Send.
    Send {
        /// In which lane.
        lane: Lane,
        /// The number of the piece.
        piece: u64,
        /// What.
        parcel: Parcel,
    },
    /// Set aside on the disk, before anything after it is settled.
    SetAside {
        /// What.
        parcel: Parcel,
        /// Why.
        why: String,
        /// When it is to be tried again by itself (ms since the epoch, by the clock of this host); none if somebody has to say so.
        until_ms: Option<i64>,
    },
    /// All of a piece was taken or set aside.
    Done(Lane),
    /// The cursor may stand here: whatever happens to the receiver, it has all before it.
    Settle(P),
    /// Go back to the last place that was settled: the receiver may have lost what came after it.
    Rewind,
    /// Ask the receiver how it is.
    Look,
}

/// What a sink has done, and where it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Counts {
    /// Samples or runs that the receiver has acknowledged, what was sent again included.
    pub acknowledged: u64,
    /// Requests that were accepted.
    pub requests: u64,
    /// Requests that failed, and were or will be sent again.
    pub failures: u64,
    /// Samples or runs that were refused, and set aside.
    pub refused: u64,
    /// Ends of series that the receiver refused since it has later samples, or takes none that old. They are no measurements, and are
    /// given up.
    pub ends_refused: u64,
    /// Samples that were held back since they are ahead of the receiver's clock.
    pub held_back: u64,
    /// How often the receiver may have lost something, so that what was not settled was sent again.
    pub rewinds: u64,
}

/// The decisions of one sink.
#[derive(Debug)]
pub struct Engine<P> {
    manner: Manner,
    lanes: [LaneState<P>; 2],
    /// Of each lane.
    marks: [Marks<P>; 2],
    /// The process of the receiver that answered last.
    process: Option<u64>,
    /// How far the receiver's clock is ahead of this one (ms).
    ahead_ms: i64,
    in_order_only: bool,
    random: Random,
    counts: Counts,
    /// Why it waits.
    waits: Option<String>,
    /// When the receiver is looked at (µs of the monotonic clock); none while it is.
    look_us: Option<u64>,
    /// Nothing is sent to a process of the receiver before it has answered once: it is to say its time, and how it is set up, first.
    has_looked: bool,
    look_failures: Backoff,
}

impl<P: Clone + Mark> Engine<P> {
    /// A sink that has not begun.
    pub fn new(manner: Manner) -> Engine<P> {
        Engine {
            manner,
            lanes: [LaneState::new(), LaneState::new()],
            marks: [Marks::new(micros(manner.settle)), Marks::new(micros(manner.settle))],
            process: None,
            ahead_ms: 0,
            in_order_only: false,
            random: Random::new(manner.seed),
            counts: Counts::default(),
            waits: None,
            look_us: Some(0),
            has_looked: false,
            look_failures: Backoff::NONE,
        }
    }

    /// What it has done.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Why nothing is delivered now, if that is so.
    pub fn waits(&self) -> Option<&str> {
        self.waits.as_deref()
    }

    /// Whether the receiver has answered at all.
    pub fn has_looked(&self) -> bool {
        self.has_looked
    }

    /// Whether all that was stored before was delivered.
    pub fn is_caught_up(&self) -> bool {
        self.lanes[Lane::Behind.index()].is_empty
    }

    /// The oldest time that was fetched live and is not delivered (ms since the epoch).
    pub fn oldest_live_ms(&self) -> Option<i64> {
        self.lanes[Lane::Live.index()].oldest_ms
    }

    /// When it wants to be told that time has passed (µs of the monotonic clock).
    pub fn next_us(&self) -> Option<u64> {
        let of_lanes = Lane::ALL.into_iter().filter_map(|lane| match self.lanes[lane.index()].doing {
            _ if self.lanes[lane.index()].is_busy => None,
            Doing::Resting { until_us } if self.may_fetch(lane) => Some(until_us),
            Doing::Waiting { until_us } => Some(until_us),
            _ => None,
        });
        of_lanes.chain(self.look_us).chain(self.settle_look_us()).min()
    }

    /// Takes an event.
    pub fn handle(&mut self, event: Event<P>, now: Moment) -> Vec<Effect<P>> {
        let mut effects = Vec::new();
        match event {
            Event::Tick => {}
            Event::Piece { lane, load, place, has_more } => {
                let pause_us = if has_more { 0 } else { micros(self.manner.gather) };
                self.lanes[lane.index()].gathers_until_us = now.mono_us.saturating_add(pause_us);
                self.piece(lane, &load, place, now, &mut effects);
            }
            Event::Nothing(lane) => {
                let state = &mut self.lanes[lane.index()];
                state.is_empty = true;
                state.rest(now.mono_us + micros(self.manner.gather));
            }
            Event::Sent { lane, piece, sent, took } => self.sent(lane, piece, sent, took, now, &mut effects),
            Event::Looked { process, date_ms, in_order_only, is_unsure } => {
                self.note_process(process, date_ms, now, &mut effects);
                self.in_order_only = in_order_only;
                self.has_looked = true;
                self.look_failures = Backoff::NONE;
                let pause = if is_unsure { SINK_UNSURE_LOOK } else { SINK_LOOK };
                self.look_us = Some(now.mono_us + micros(pause));
                self.waits = None;
                self.settle(now, &mut effects);
            }
            Event::NotThere(why) => {
                self.waits = Some(why);
                let pause_us = self.look_failures.next_us(&mut self.random);
                self.look_us = Some(now.mono_us + pause_us);
            }
        }
        self.go_on(now, &mut effects);
        effects
    }

    /// Starts what is due.
    fn go_on(&mut self, now: Moment, effects: &mut Vec<Effect<P>>) {
        let is_due = |at_us: Option<u64>| at_us.is_some_and(|at_us| at_us <= now.mono_us);
        if is_due(self.look_us) || self.look_us.is_some() && is_due(self.settle_look_us()) {
            self.look_us = None;
            effects.push(Effect::Look);
        }
        for lane in Lane::ALL {
            match self.lanes[lane.index()].doing {
                _ if self.lanes[lane.index()].is_busy => {}
                Doing::Resting { until_us } if until_us <= now.mono_us && self.may_fetch(lane) => {
                    let state = &mut self.lanes[lane.index()];
                    state.doing = Doing::Fetching;
                    effects.push(Effect::Fetch { lane, budget: state.pace.budget() });
                }
                Doing::Waiting { until_us } if until_us <= now.mono_us => self.send(lane, now, effects),
                _ => {}
            }
        }
    }

    fn may_fetch(&self, lane: Lane) -> bool {
        let waits_for_backlog = lane == Lane::Live && self.in_order_only && !self.is_caught_up();
        self.has_looked && !waits_for_backlog
    }

    /// When the receiver is to be looked at so that what it has acknowledged becomes safe.
    fn settle_look_us(&self) -> Option<u64> {
        // While requests go on their answers say as much.
        let is_idle =
            self.lanes.iter().all(|lane| matches!(lane.doing, Doing::Resting { .. } | Doing::Fetching));
        let due_us = self.marks.iter().filter_map(Marks::due_us).min();
        let is_asked = self.manner.settles_when_asked;
        let pause = if is_asked { SINK_SETTLE_ASK } else { SINK_SETTLE_LOOK };
        let after_us = due_us.map(|due_us| due_us.saturating_add(micros(pause)));
        // One that was not there is looked at when that is due again.
        after_us
            .filter(|_| (is_idle || is_asked) && self.look_us.is_some() && self.look_failures.tries() == 0)
    }

    /// The time of the latest sample that the receiver takes, as far as its clock is known (ms since the epoch).
    pub fn limit_ms(&self, now: Moment) -> i64 {
        now.wall_ms.saturating_add(self.ahead_ms).saturating_add(self.manner.clock_lead_ms)
    }

    fn piece(&mut self, lane: Lane, load: &Load, place: P, now: Moment, effects: &mut Vec<Effect<P>>) {
        let (due, early) = load.whole().split_at(self.limit_ms(now).saturating_add(1));
        if let Some((_, last_ms)) = early.span_ms() {
            self.counts.held_back += early.len() as u64;
            let ahead_ms = self.ahead_ms.saturating_add(self.manner.clock_lead_ms);
            let until_ms = Some(last_ms.saturating_sub(ahead_ms));
            let why = "ahead of the receiver's clock".to_owned();
            effects.push(Effect::SetAside { parcel: early, why, until_ms });
            // A clock may be wrong for a moment only.
            let soon_us = now.mono_us.saturating_add(micros(SINK_HELD_LOOK));
            self.look_us = self.look_us.map(|look_us| look_us.min(soon_us));
        }
        let state = &mut self.lanes[lane.index()];
        state.rest(now.mono_us);
        state.is_empty = false;
        state.place = Some(place);
        state.oldest_ms = due.span_ms().map(|(first_ms, _)| first_ms);
        if !due.is_empty() {
            state.parts.push(due);
        }
        self.send(lane, now, effects);
    }

    /// Sends what comes next in a lane, or says that its piece is done.
    fn send(&mut self, lane: Lane, now: Moment, effects: &mut Vec<Effect<P>>) {
        let state = &mut self.lanes[lane.index()];
        if let Some(parcel) = state.parts.last() {
            (state.doing, state.is_busy) = (Doing::Sending, true);
            effects.push(Effect::Send { lane, piece: state.piece, parcel: parcel.clone() });
            return;
        }
        let place = state.place.take();
        state.rest(now.mono_us.max(state.gathers_until_us));
        effects.push(Effect::Done(lane));
        if let Some(place) = place {
            self.marks[lane.index()].acknowledged(now.mono_us, place);
        }
    }

    /// The process of the receiver that took what was acknowledged is there now: what it has had for long enough is safe.
    fn settle(&mut self, now: Moment, effects: &mut Vec<Effect<P>>) {
        let safe = self.marks.iter_mut().flat_map(|marks| marks.safe(now.mono_us));
        effects.extend(safe.map(Effect::Settle));
    }

    /// Notes which process of the receiver there is, as far as that is known, and what time it has.
    fn note_process(
        &mut self,
        process: u64,
        date_ms: Option<i64>,
        now: Moment,
        effects: &mut Vec<Effect<P>>,
    ) {
        if let Some(date_ms) = date_ms {
            self.ahead_ms = date_ms.saturating_sub(now.wall_ms);
        }
        if self.process.replace(process).is_some_and(|before| before != process) {
            self.marks.iter_mut().for_each(Marks::lost);
            self.counts.rewinds += 1;
            // It may be set up otherwise than the one before, which decides in what order it is told.
            self.has_looked = false;
            self.look_us = self.look_us.map(|_| now.mono_us);
            for lane in Lane::ALL {
                self.lanes[lane.index()].rest(now.mono_us);
                self.lanes[lane.index()].is_empty = false;
            }
            effects.push(Effect::Rewind);
        }
    }

    fn sent(
        &mut self,
        lane: Lane,
        piece: u64,
        sent: Sent,
        took: Duration,
        now: Moment,
        effects: &mut Vec<Effect<P>>,
    ) {
        let Sent { answer, process, date_ms } = sent;
        self.lanes[lane.index()].is_busy = false;
        let is_current = self.lanes[lane.index()].piece == piece;
        // Where there is no answer, nothing shows that the process is still there.
        let is_there = answer.is_of_receiver();
        if is_current {
            // What is accepted by another process than before was accepted all the same; it is sent again with the rest.
            self.answered(lane, answer, took, now, effects);
        }
        self.note_process(process, date_ms, now, effects);
        if is_current && self.lanes[lane.index()].piece == piece && self.lanes[lane.index()].is_ready() {
            self.send(lane, now, effects);
        }
        if is_there && !self.manner.settles_when_asked {
            self.settle(now, effects);
        }
    }

    fn answered(
        &mut self,
        lane: Lane,
        answer: Answer,
        took: Duration,
        now: Moment,
        effects: &mut Vec<Effect<P>>,
    ) {
        let state = &mut self.lanes[lane.index()];
        let Some(parcel) = state.parts.pop() else { return };
        state.doing = Doing::Resting { until_us: now.mono_us };
        match answer {
            Answer::Taken => self.taken(lane, parcel.len() as u64, took),
            Answer::Partly { refused, why } => {
                let samples = parcel.len() as u64;
                let refused = refused.min(samples);
                self.taken(lane, samples - refused, took);
                self.counts.refused += refused;
                let why = format!("{refused} of {samples} were refused, and it is not known which: {why}");
                effects.push(Effect::SetAside { parcel, why, until_ms: None });
            }
            Answer::Refused(why) => self.refused(lane, parcel, why, effects),
            Answer::TooLarge(why) => {
                state.pace.shrink();
                self.refused(lane, parcel, why, effects);
            }
            Answer::Closed(why) => {
                state.parts.push(parcel);
                let pause_us = self.random.spread_us(micros(SINK_CLOSED_RETRY));
                state.doing = Doing::Waiting { until_us: now.mono_us + pause_us };
                self.counts.failures += 1;
                self.waits = Some(why);
            }
            Answer::Later { why, after, may_be_ours } => {
                self.counts.failures += 1;
                state.pace.shrink();
                let pause_us = state.backoff.next_us(&mut self.random);
                let after_us = after.map_or(0, |after| micros(after.min(SINK_RETRY_AFTER_MAX)));
                let tries = state.backoff.tries();
                state.doing = Doing::Waiting { until_us: now.mono_us + pause_us.max(after_us) };
                self.waits = Some(why.clone());
                if may_be_ours && tries >= SINK_FAILURES_OURS {
                    self.fails(lane, parcel, why, effects);
                } else {
                    state.parts.push(parcel);
                }
            }
        }
    }

    /// A request was accepted, with so many samples or runs.
    fn taken(&mut self, lane: Lane, samples: u64, took: Duration) {
        let state = &mut self.lanes[lane.index()];
        self.counts.acknowledged += samples;
        self.counts.requests += 1;
        state.pace.took(took);
        state.backoff = Backoff::NONE;
        state.some_taken = true;
        self.waits = None;
    }

    /// Something in a parcel is wrong: sends its halves, or sets it aside if it has none.
    fn refused(&mut self, lane: Lane, parcel: Parcel, why: String, effects: &mut Vec<Effect<P>>) {
        let state = &mut self.lanes[lane.index()];
        match parcel.halves().filter(|_| state.splits < SINK_SPLITS_MAX) {
            Some((first, second)) => {
                state.splits += 1;
                state.parts.extend([second, first]);
            }
            // It marks where a series ended for whoever asks the receiver, and would be refused ever again.
            None if parcel.is_ends() && is_too_late(&why) => self.counts.ends_refused += parcel.len() as u64,
            None => {
                self.counts.refused += parcel.len() as u64;
                effects.push(Effect::SetAside { parcel, why, until_ms: None });
            }
        }
    }

    /// The receiver fails again and again at a parcel. If that is due to something in it, then other parts are taken.
    fn fails(&mut self, lane: Lane, parcel: Parcel, why: String, effects: &mut Vec<Effect<P>>) {
        let state = &mut self.lanes[lane.index()];
        let is_single = parcel.halves().is_none();
        if is_single && state.some_taken {
            return self.refused(lane, parcel, why, effects);
        }
        // What comes next is another part, so that one that is taken can be found.
        state.some_taken &= is_single;
        match parcel.halves().filter(|_| state.splits < SINK_SPLITS_MAX) {
            Some((first, second)) => {
                state.splits += 1;
                state.parts.splice(0..0, [second, first]);
            }
            None => state.parts.insert(0, parcel),
        }
    }
}

impl<P> LaneState<P> {
    /// Whether the next part can be sent now.
    fn is_ready(&self) -> bool {
        matches!(self.doing, Doing::Resting { .. })
    }
}
