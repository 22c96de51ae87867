//! The engine beside a receiver and a feed that are made up: nothing is lost and nothing stored twice, whatever fails.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use custos_promql::Labels;
use custos_query::{RunSample, RunSeries};
use custos_store::Value;

use super::marks::Mark;
use super::*;
use crate::clock::Moment;

/// Milliseconds since the epoch at which everything begins.
const NOON: i64 = 1_795_700_000_000;
const SERIES: u32 = 3;

/// What the feed has: samples of all series at each step, in each lane, by place.
struct Feed {
    now: Moment,
    next: [u64; 2],
    settled: [u64; 2],
    last: [u64; 2],
}

/// A place of the feed: how far each lane is.
type Place = (Lane, u64);

impl Mark for Place {
    fn covers(&self, _: &Place) -> bool {
        true
    }
}

/// What takes samples. It may lose the last ones when it is killed, as VictoriaMetrics does.
struct Receiver {
    process: u64,
    safe: BTreeSet<(u32, i64)>,
    unsafe_since: Vec<(u64, (u32, i64))>,
    /// It keeps repeats apart only if they differ; what it was sent in all.
    taken: u64,
    bad: BTreeSet<i64>,
    in_order: bool,
    /// Until when it is not there after it was killed (µs of the monotonic clock).
    down_until_us: u64,
}

struct Chance(u64);

impl Chance {
    fn one_in(&mut self, n: u64) -> bool {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.is_multiple_of(n)
    }
}

impl Receiver {
    fn tick(&mut self, now: Moment) {
        let safe_us = now.mono_us.saturating_sub(10_000_000);
        let (old, new): (Vec<_>, Vec<_>) =
            self.unsafe_since.drain(..).partition(|(at_us, _)| *at_us <= safe_us);
        self.unsafe_since = new;
        self.safe.extend(old.into_iter().map(|(_, sample)| sample));
    }

    fn kill(&mut self, down_until_us: u64) {
        self.unsafe_since.clear();
        self.process += 1;
        self.down_until_us = down_until_us;
    }

    fn is_down(&self, now: Moment) -> bool {
        now.mono_us < self.down_until_us
    }

    fn take(&mut self, parcel: &Parcel, now: Moment, chance: &mut Chance) -> Answer {
        if self.is_down(now) || chance.one_in(9) {
            return Answer::later("it is down");
        }
        if chance.one_in(31) {
            return Answer::of_status(500, "broken", None);
        }
        if parcel.len() > 200 {
            return Answer::of_status(413, "", None);
        }
        let samples: Vec<(u32, i64)> = parcel
            .series()
            .flat_map(|part| part.times_ms.iter().map(move |time_ms| (part.of.number, *time_ms)))
            .collect();
        if samples.iter().any(|(series, time_ms)| *series == 1 && self.bad.contains(time_ms)) {
            return Answer::of_status(400, "bad sample", None);
        }
        let all_ahead = samples.iter().any(|(_, time_ms)| *time_ms > now.wall_ms + 300_000);
        assert!(!all_ahead, "a sample ahead of the receiver's clock was sent");
        self.taken += samples.len() as u64;
        self.unsafe_since.extend(samples.into_iter().map(|sample| (now.mono_us, sample)));
        // The answer may be lost on its way.
        if chance.one_in(17) { Answer::later("the connection broke") } else { Answer::Taken }
    }
}

fn series() -> Vec<Arc<RunSeries>> {
    let one = |number| {
        Arc::new(RunSeries {
            labels: Labels::new([("__name__", format!("s{number}"))]),
            unit: String::new(),
            check: Arc::from("x"),
            metric: None,
        })
    };
    (0..SERIES).map(one).collect()
}

/// The time of a step of a lane: the backlog lies before all that is live.
fn time_ms(lane: Lane, step: u64) -> i64 {
    match lane {
        Lane::Live => NOON + step as i64 * 1000,
        Lane::Behind => NOON - 10_000_000 + step as i64 * 1000,
    }
}

impl Feed {
    fn next(&mut self, lane: Lane, budget: usize) -> Option<(Load, Place)> {
        let at = self.next[lane as usize];
        let until = self.last[lane as usize].min(at + (budget as u64 / u64::from(SERIES)).max(1));
        if at >= until {
            return None;
        }
        let samples: Vec<RunSample> = (at..until)
            .flat_map(|step| {
                (0..SERIES).map(move |series| RunSample {
                    series,
                    time_ms: time_ms(lane, step),
                    value: Some(Value::Integer(step as i64)),
                })
            })
            .collect();
        self.next[lane as usize] = until;
        Some((Load::of_samples(&samples, &series()), (lane, until)))
    }
}

/// A place of both lanes is two places, of which each is settled on its own.
#[derive(Default)]
struct SetAside {
    refused: BTreeMap<(u32, i64), u32>,
}

fn simulate(seed: u64, in_order: bool) {
    let settle = Duration::from_secs(20);
    let manner = Manner {
        clock_lead_ms: 300_000,
        settle,
        settles_when_asked: seed % 2 == 1,
        gather: Duration::from_secs(1),
        seed,
    };
    let mut engine: Engine<Place> = Engine::new(manner);
    let mut chance = Chance(seed | 1);
    let bad: BTreeSet<i64> = [time_ms(Lane::Live, 77), time_ms(Lane::Behind, 1234)].into();
    let mut receiver = Receiver {
        process: 1,
        safe: BTreeSet::new(),
        unsafe_since: Vec::new(),
        taken: 0,
        bad: bad.clone(),
        in_order,
        down_until_us: 0,
    };
    // The process that answered last, as far as is known on this side.
    let mut known = receiver.process;
    let start = Moment { mono_us: 1_000_000_000, wall_ms: NOON };
    let mut feed = Feed { now: start, next: [0; 2], settled: [0; 2], last: [0, 5000] };
    let mut aside = SetAside::default();
    let mut events = vec![Event::Tick];
    let steps = 3000;
    let mut under_way = [false; 2];
    for turn in 0.. {
        assert!(turn < 200_000, "it does not come to an end; seed {seed}");
        let is_over = feed.settled == [steps, 5000];
        if is_over {
            break;
        }
        // Time passes: what is live arrives, and the receiver is killed now and then.
        if events.is_empty() {
            let next_us = engine.next_us().unwrap_or(feed.now.mono_us + 1_000_000);
            let pause =
                Duration::from_micros(next_us.saturating_sub(feed.now.mono_us).clamp(1000, 5_000_000));
            feed.now = feed.now.after(pause);
            feed.last[0] = (((feed.now.wall_ms - NOON) / 1000) as u64).min(steps);
            receiver.tick(feed.now);
            if chance.one_in(150) {
                // Some are down for longer than anything takes to be safe.
                let down_us = if chance.one_in(2) { 45_000_000 } else { 0 };
                receiver.kill(feed.now.mono_us + down_us);
            }
            events.push(Event::Tick);
        }
        for event in std::mem::take(&mut events) {
            for effect in engine.handle(event, feed.now) {
                match effect {
                    Effect::Fetch { lane, budget } => events.push(match feed.next(lane, budget) {
                        Some((load, place)) => {
                            let has_more = place.1 < feed.last[lane as usize];
                            Event::Piece { lane, load, place, has_more }
                        }
                        None => Event::Nothing(lane),
                    }),
                    Effect::Send { lane, piece, parcel } => {
                        assert!(!std::mem::replace(&mut under_way[lane as usize], true));
                        if in_order && lane == Lane::Live {
                            assert_eq!(feed.next[1], 5000, "live before the backlog");
                        }
                        let answer = receiver.take(&parcel, feed.now, &mut chance);
                        under_way[lane as usize] = false;
                        if !receiver.is_down(feed.now) {
                            known = receiver.process;
                        }
                        let sent = Sent { answer, process: known, date_ms: Some(feed.now.wall_ms) };
                        let took = Duration::from_millis(20);
                        events.push(Event::Sent { lane, piece, sent, took });
                    }
                    Effect::SetAside { parcel, until_ms, .. } => {
                        assert_eq!(until_ms, None);
                        for part in parcel.series() {
                            for time_ms in part.times_ms {
                                *aside.refused.entry((part.of.number, *time_ms)).or_default() += 1;
                            }
                        }
                    }
                    Effect::Done(_) => {}
                    Effect::Settle((lane, place)) => {
                        feed.settled[lane as usize] = feed.settled[lane as usize].max(place);
                    }
                    Effect::Rewind => feed.next = feed.settled,
                    Effect::Look => events.push(match receiver.is_down(feed.now) || chance.one_in(5) {
                        true => Event::NotThere("it is down".to_owned()),
                        false => {
                            known = receiver.process;
                            let date_ms = Some(feed.now.wall_ms);
                            // One that cannot say how it is set up is taken for one that wants order.
                            let is_unsure = chance.one_in(8);
                            let in_order_only = receiver.in_order || is_unsure;
                            Event::Looked { process: known, date_ms, in_order_only, is_unsure }
                        }
                    }),
                }
            }
        }
    }
    // All that is settled is there, though the receiver be killed now.
    receiver.kill(0);
    for (lane, count) in [(Lane::Live, steps), (Lane::Behind, 5000)] {
        for (step, series) in (0..count).flat_map(|step| (0..SERIES).map(move |series| (step, series))) {
            let sample = (series, time_ms(lane, step));
            let is_bad = series == 1 && bad.contains(&sample.1);
            assert_ne!(receiver.safe.contains(&sample), is_bad, "{lane:?} {sample:?}, seed {seed}");
            assert_eq!(aside.refused.contains_key(&sample), is_bad, "{lane:?} {sample:?}, seed {seed}");
        }
    }
}

#[test]
fn nothing_is_lost_whatever_fails() {
    for seed in 1..16 {
        simulate(seed * 7919, false);
    }
}

#[test]
fn a_receiver_that_wants_order_gets_the_backlog_first() {
    for seed in 1..5 {
        simulate(seed * 104_729, true);
    }
}

/// Fetches are due when a piece was delivered: at once where the feed had more, else when `gather` is over.
#[test]
fn what_arrives_is_gathered_once_everything_was_delivered() {
    let gather = Duration::from_millis(700);
    let manner =
        Manner { clock_lead_ms: 300_000, settle: Duration::ZERO, settles_when_asked: false, gather, seed: 3 };
    let mut engine: Engine<u64> = Engine::new(manner);
    let start = Moment { mono_us: 1_000_000, wall_ms: NOON };
    engine.handle(Event::Looked { process: 1, date_ms: None, in_order_only: false, is_unsure: false }, start);
    engine.handle(Event::Nothing(Lane::Behind), start);
    let later = start.after(Duration::from_millis(20));
    for (place, has_more) in [(1, true), (2, false)] {
        let sample = RunSample { series: 0, time_ms: NOON, value: Some(Value::Integer(1)) };
        let load = Load::of_samples(&[sample], &series());
        let sent = engine.handle(Event::Piece { lane: Lane::Live, load, place, has_more }, start);
        let [Effect::Send { piece, .. }] = sent[..] else { panic!("{sent:?}") };
        let taken = Sent { answer: Answer::Taken, process: 1, date_ms: None };
        let took = Duration::from_millis(20);
        let done = engine.handle(Event::Sent { lane: Lane::Live, piece, sent: taken, took }, later);
        let fetches = done.iter().any(|effect| matches!(effect, Effect::Fetch { lane: Lane::Live, .. }));
        assert_eq!(fetches, has_more, "{done:?}");
    }
    let fetched = engine.handle(Event::Tick, start.after(gather));
    assert!(fetched.iter().any(|effect| matches!(effect, Effect::Fetch { lane: Lane::Live, .. })));
}

/// An engine of which a piece with one sample is under way live, and the number of that piece.
fn sending(manner: Manner, value: Option<Value>, start: Moment) -> (Engine<u64>, u64) {
    let mut engine: Engine<u64> = Engine::new(manner);
    engine.handle(Event::Looked { process: 1, date_ms: None, in_order_only: false, is_unsure: false }, start);
    let load = Load::of_samples(&[RunSample { series: 0, time_ms: NOON, value }], &series());
    let sent = engine.handle(Event::Piece { lane: Lane::Live, load, place: 1, has_more: false }, start);
    let piece = sent.iter().find_map(|effect| match effect {
        Effect::Send { piece, .. } => Some(*piece),
        _ => None,
    });
    (engine, piece.unwrap())
}

const MANNER: Manner = Manner {
    clock_lead_ms: 300_000,
    settle: Duration::from_secs(20),
    settles_when_asked: false,
    gather: Duration::from_secs(1),
    seed: 3,
};

fn answered(engine: &mut Engine<u64>, piece: u64, answer: Answer, now: Moment) -> Vec<Effect<u64>> {
    let sent = Sent { answer, process: 1, date_ms: None };
    engine.handle(Event::Sent { lane: Lane::Live, piece, sent, took: Duration::from_millis(20) }, now)
}

/// What was made here and can never be taken is not kept for somebody to look at.
#[test]
fn the_end_of_a_series_that_comes_too_late_is_given_up() {
    let start = Moment { mono_us: 1_000_000, wall_ms: NOON };
    let late = || Answer::of_status(400, "out of order sample", None);
    let wrong = || Answer::of_status(400, "invalid label name", None);
    for (value, answer, given_up) in [
        (None, late(), true),
        (None, wrong(), false),
        (Some(Value::Integer(1)), late(), false),
        (Some(Value::Integer(1)), wrong(), false),
    ] {
        let (mut engine, piece) = sending(MANNER, value, start);
        let effects = answered(&mut engine, piece, answer, start);
        let is_aside = effects.iter().any(|effect| matches!(effect, Effect::SetAside { .. }));
        let counts = engine.counts();
        assert_eq!(
            (is_aside, counts.ends_refused, counts.refused),
            (!given_up, u64::from(given_up), u64::from(!given_up))
        );
        assert!(effects.iter().any(|effect| matches!(effect, Effect::Done(Lane::Live))), "{effects:?}");
    }
}

/// An answer to another message says nothing of those before it.
#[test]
fn a_receiver_that_is_to_be_asked_makes_nothing_safe_by_answers() {
    let start = Moment { mono_us: 1_000_000, wall_ms: NOON };
    for settles_when_asked in [false, true] {
        let manner = Manner { settles_when_asked, ..MANNER };
        let (mut engine, piece) = sending(manner, Some(Value::Integer(1)), start);
        answered(&mut engine, piece, Answer::Taken, start);
        let is_settled =
            |effects: &[Effect<u64>]| effects.iter().any(|effect| matches!(effect, Effect::Settle(1)));
        let later = start.after(Duration::from_secs(100));
        let load = Load::of_samples(
            &[RunSample { series: 0, time_ms: NOON + 1, value: Some(Value::Integer(1)) }],
            &series(),
        );
        let mut effects =
            engine.handle(Event::Piece { lane: Lane::Live, load, place: 2, has_more: false }, later);
        let asks = effects.iter().any(|effect| matches!(effect, Effect::Look));
        assert_eq!(asks, settles_when_asked, "{effects:?}");
        let next = effects.iter().find_map(|effect| match effect {
            Effect::Send { piece, .. } => Some(*piece),
            _ => None,
        });
        effects.extend(answered(&mut engine, next.unwrap(), Answer::Taken, later));
        assert_eq!(is_settled(&effects), !settles_when_asked, "{effects:?}");
        let looked = Event::Looked { process: 1, date_ms: None, in_order_only: false, is_unsure: false };
        let effects = engine.handle(looked, later);
        assert_eq!(is_settled(&effects), settles_when_asked, "{effects:?}");
    }
}
