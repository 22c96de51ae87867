//! What is remembered of the engines that send messages of version 3, so that none of them counts twice.
//!
//! Whoever records a message can send it again. RFC 3414 refuses it once it is older than 150 seconds by the clock of its
//! engine; here it is refused within them, too, because its digest is remembered, and after a restart, because up to
//! where each engine was heard is noted in the store. Who has no key can neither change a message nor make one, so
//! the same bytes are all that can come again.
//!
//! Invariants: no digest is forgotten while its message would be timely, unless what is as old or older is refused from
//! then on (the floor); a floor only rises.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use custos_compat::snmp::usm::{Engine, TIME_WINDOW_S};

use crate::limits::{TRAPS_DIGESTS_MAX, TRAPS_ENGINES_MAX, TRAPS_NOTE_SLACK_S};

/// Bytes of a digest that are remembered.
const DIGEST_BYTES: usize = 16;
/// The last line of a note whose author ended in order.
const CLEAN: &str = "clean";
/// The first word of the line of the agent's own engine.
const OWN: &str = "own";

/// How often an engine was started, and the seconds since then.
type EngineTime = (u32, u32);
type EngineId = Arc<[u8]>;

/// What became of a message whose digest is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Timeliness {
    /// It is new.
    New,
    /// It came before.
    Repeated,
    /// It is old, or cannot be told from what came before; the engine was heard at this time already.
    Old(EngineTime),
}

#[derive(Debug)]
struct Known {
    /// None for the engine of this agent, which has a clock of its own.
    clock: Option<Engine>,
    /// The latest time that it was heard with.
    latest: EngineTime,
    /// Up to here messages are refused.
    floor: Option<EngineTime>,
    /// When it was heard last, on the monotonic clock.
    heard_s: u64,
}

/// A message that was taken.
#[derive(Debug)]
struct Taken {
    engine: EngineId,
    digest: Box<[u8]>,
    time: EngineTime,
    /// When it came, on the monotonic clock.
    at_s: u64,
}

/// What is remembered of engines.
#[derive(Debug, Default)]
pub struct Engines {
    known: HashMap<EngineId, Known>,
    taken: VecDeque<Taken>,
    digests: HashSet<(EngineId, Box<[u8]>)>,
    /// How often the engine of this agent was started.
    own_boots: u32,
    changed: bool,
}

/// What is remembered of engines, by whoever judges packets at the time.
pub type SharedEngines = Arc<Mutex<Engines>>;

impl Engines {
    /// Judges a message by the clock of its engine, which sent it.
    pub(super) fn judge(&mut self, id: &[u8], time: EngineTime, digest: &[u8], now_s: u64) -> Timeliness {
        let heard = || Known { clock: Some(Engine::heard(time.0, time.1, now_s)), ..Known::new(time, now_s) };
        let id = self.engine(id, heard);
        if self.came_before(&id, digest) {
            return Timeliness::Repeated;
        }
        let Some(known) = self.known.get_mut(&id) else { return Timeliness::Old(time) };
        if known.floor.is_some_and(|floor| time <= floor) {
            return Timeliness::Old(known.latest);
        }
        let timely = known.clock.as_mut().is_none_or(|clock| clock.accept(time.0, time.1, now_s));
        if !timely {
            return Timeliness::Old(known.latest);
        }
        known.heard_s = now_s;
        if time > known.latest {
            known.latest = time;
            self.changed = true;
        }
        self.take(id, time, digest, now_s);
        Timeliness::New
    }

    /// The engine of this agent starts: with this count of starts, or a higher one if it had that before.
    pub(super) fn start_own(&mut self, boots: u32) -> u32 {
        self.own_boots = boots.max(self.own_boots.saturating_add(1));
        self.changed = true;
        self.own_boots
    }

    /// Judges a message by the engine of this agent, whose clock has found it timely.
    pub(super) fn judge_own(&mut self, id: &[u8], time: EngineTime, digest: &[u8], now_s: u64) -> Timeliness {
        let id = self.engine(id, || Known::new(time, now_s));
        if self.came_before(&id, digest) {
            return Timeliness::Repeated;
        }
        match self.known.get(&id).and_then(|known| known.floor) {
            Some(floor) if time <= floor => Timeliness::Old(floor),
            _ => {
                self.take(id, time, digest, now_s);
                Timeliness::New
            }
        }
    }

    /// The id of an engine, which is made known if it was not. The one that was quiet longest makes place.
    fn engine(&mut self, id: &[u8], heard: impl FnOnce() -> Known) -> EngineId {
        if let Some((id, _)) = self.known.get_key_value(id) {
            return Arc::clone(id);
        }
        if self.known.len() >= TRAPS_ENGINES_MAX {
            let others = self.known.iter().filter(|(_, known)| known.clock.is_some());
            let quiet = others.min_by_key(|(_, known)| known.heard_s).map(|(id, _)| Arc::clone(id));
            quiet.map(|quiet| self.known.remove(&quiet));
        }
        let id: EngineId = id.into();
        let known = heard();
        self.changed |= known.clock.is_some();
        self.known.insert(Arc::clone(&id), known);
        id
    }

    fn came_before(&self, id: &EngineId, digest: &[u8]) -> bool {
        self.digests.contains(&(Arc::clone(id), short(digest)))
    }

    fn take(&mut self, engine: EngineId, time: EngineTime, digest: &[u8], now_s: u64) {
        self.forget(now_s);
        let digest = short(digest);
        self.digests.insert((Arc::clone(&engine), digest.clone()));
        self.taken.push_back(Taken { engine, digest, time, at_s: now_s });
    }

    /// Forgets digests that are too old to matter, and the oldest if there are too many: then what is as old as that is
    /// refused.
    fn forget(&mut self, now_s: u64) {
        while let Some(oldest) = self.taken.front() {
            let is_old = now_s.saturating_sub(oldest.at_s) > 2 * u64::from(TIME_WINDOW_S);
            if !is_old && self.taken.len() < TRAPS_DIGESTS_MAX {
                break;
            }
            let Some(Taken { engine, digest, time, .. }) = self.taken.pop_front() else { break };
            if let Some(known) = self.known.get_mut(&engine).filter(|_| !is_old) {
                known.floor = known.floor.max(Some(time));
            }
            self.digests.remove(&(engine, digest));
        }
    }

    /// What is to be noted, if that changed since it was asked for last.
    pub(crate) fn take_note(&mut self) -> Option<String> {
        std::mem::take(&mut self.changed).then(|| self.note(false))
    }

    /// What is to be noted: up to where each engine was heard. `clean` if nothing will be taken any more.
    pub(crate) fn note(&self, clean: bool) -> String {
        let mut lines: Vec<String> = self
            .known
            .iter()
            .filter(|(_, known)| known.clock.is_some())
            .map(|(id, known)| {
                let mut line = id.iter().fold(String::new(), |mut line, byte| {
                    // Writing to a string cannot fail.
                    let _ = write!(line, "{byte:02x}");
                    line
                });
                let (boots, time) = known.latest;
                let _ = write!(line, " {boots} {time}");
                line
            })
            .collect();
        lines.sort();
        lines.insert(0, format!("{OWN} {}", self.own_boots));
        lines.extend(clean.then(|| CLEAN.to_owned()));
        lines.iter().fold(String::new(), |note, line| note + line + "\n")
    }

    /// Takes up what was noted: what is not later than that is refused. A note whose author did not end in order may be
    /// behind what was taken by a few seconds, so these are refused as well. Lines that make no sense do not count.
    pub(crate) fn restore(note: &str, now_s: u64) -> Engines {
        let mut engines = Engines::default();
        let own = note.lines().find_map(|line| line.strip_prefix(OWN)?.trim().parse().ok());
        engines.own_boots = own.unwrap_or(0);
        let slack_s = if note.lines().any(|line| line == CLEAN) { 0 } else { TRAPS_NOTE_SLACK_S };
        for (id, (boots, time)) in note.lines().filter_map(engine_line).take(TRAPS_ENGINES_MAX) {
            let floor = (boots, time.saturating_add(slack_s));
            let known = Known {
                clock: Some(Engine::heard(boots, time, now_s)),
                floor: Some(floor),
                ..Known::new((boots, time), now_s)
            };
            engines.known.insert(id, known);
        }
        engines
    }
}

impl Known {
    fn new(latest: EngineTime, heard_s: u64) -> Known {
        Known { clock: None, latest, floor: None, heard_s }
    }
}

fn short(digest: &[u8]) -> Box<[u8]> {
    digest[..digest.len().min(DIGEST_BYTES)].into()
}

/// `ID BOOTS TIME`
fn engine_line(line: &str) -> Option<(EngineId, EngineTime)> {
    let mut words = line.split(' ');
    let (id, boots, time) = (words.next()?, words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    let digits = id.as_bytes().chunks(2).map(|pair| {
        let pair = std::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?;
        u8::from_str_radix(pair, 16).ok()
    });
    let id: Vec<u8> = digits.collect::<Option<_>>()?;
    Some((id.into(), (boots, time)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ONE: &[u8] = b"\x80\0\0\0\x01one";
    const TWO: &[u8] = b"\x80\0\0\0\x01two";

    #[test]
    fn a_message_counts_once() {
        let mut engines = Engines::default();
        assert_eq!(engines.judge(ONE, (5, 100), b"a", 0), Timeliness::New);
        assert_eq!(engines.judge(ONE, (5, 100), b"b", 0), Timeliness::New);
        assert_eq!(engines.judge(TWO, (5, 100), b"a", 0), Timeliness::New);
        for now_s in [0, 1, 149, 150] {
            assert_eq!(engines.judge(ONE, (5, 100), b"a", now_s), Timeliness::Repeated);
        }
        // An earlier one that came late is no repetition.
        assert_eq!(engines.judge(ONE, (5, 60), b"c", 10), Timeliness::New);
        assert_eq!(engines.judge(ONE, (5, 1000), b"d", 500), Timeliness::New);
        assert_eq!(engines.judge(ONE, (5, 100), b"a", 500), Timeliness::Old((5, 1000)));
        assert_eq!(engines.judge(ONE, (4, 2000), b"e", 500), Timeliness::Old((5, 1000)));
        assert_eq!(engines.judge(ONE, (6, 1), b"f", 500), Timeliness::New);
        assert_eq!(engines.judge_own(b"own", (1, 7), b"a", 500), Timeliness::New);
        assert_eq!(engines.judge_own(b"own", (1, 7), b"a", 501), Timeliness::Repeated);
    }

    #[test]
    fn a_restart_changes_nothing_about_that() {
        let mut engines = Engines::default();
        engines.judge(ONE, (5, 100), b"a", 0);
        engines.judge(ONE, (5, 90), b"b", 0);
        engines.judge(TWO, (1, 7), b"c", 0);
        engines.judge_own(b"own", (9, 9), b"d", 0);
        assert_eq!(engines.start_own(7), 7);
        let note = engines.note(true);
        assert_eq!(note, "own 7\n80000000016f6e65 5 100\n800000000174776f 1 7\nclean\n");
        assert_eq!(Engines::restore(&note, 0).start_own(5), 8);
        assert_eq!(Engines::restore(&note, 0).start_own(9), 9);
        for (note, refused_until) in [(note.clone(), 100), (engines.note(false), 100 + TRAPS_NOTE_SLACK_S)] {
            let mut engines = Engines::restore(&note, 50);
            for time in [(5, 90), (5, 100), (5, refused_until), (4, 5000)] {
                assert_eq!(engines.judge(ONE, time, b"x", 50), Timeliness::Old((5, 100)), "{time:?}");
            }
            assert_eq!(engines.judge(ONE, (5, refused_until + 1), b"x", 50), Timeliness::New);
            assert_eq!(engines.judge(ONE, (5, refused_until + 1), b"x", 50), Timeliness::Repeated);
        }
        for note in ["", "x", "8 1 2", "80 1", "80 x 1", "80 1 2 3\n80 -1 2", "clean"] {
            let engines = Engines::restore(note, 0);
            assert!(engines.known.len() <= 1, "{note}");
        }
    }

    #[test]
    fn what_is_noted_is_asked_for_only_when_it_changed() {
        let mut engines = Engines::default();
        assert_eq!(engines.take_note(), None);
        engines.judge(ONE, (5, 100), b"a", 0);
        assert!(engines.take_note().is_some_and(|note| !note.contains(CLEAN)));
        assert_eq!(engines.take_note(), None);
        engines.judge(ONE, (5, 100), b"a", 0);
        assert_eq!(engines.take_note(), None, "a repetition changes nothing");
        engines.judge(ONE, (5, 101), b"b", 1);
        assert!(engines.take_note().is_some_and(|note| note.contains(" 5 101\n")));
    }

    #[test]
    fn memory_is_bounded_and_nothing_counts_twice_for_that() {
        let mut engines = Engines::default();
        let digest = |number: usize| (number as u64).to_be_bytes();
        for number in 0..TRAPS_DIGESTS_MAX + 10 {
            let time = (1, 1000 + u32::from(number >= TRAPS_DIGESTS_MAX));
            assert_eq!(engines.judge(ONE, time, &digest(number), 0), Timeliness::New);
        }
        assert!(engines.taken.len() <= TRAPS_DIGESTS_MAX && engines.digests.len() == engines.taken.len());
        // The first digest is forgotten; its message is refused because it is as old as that.
        assert_eq!(engines.judge(ONE, (1, 1000), &digest(0), 0), Timeliness::Old((1, 1001)));
        assert_eq!(engines.judge(ONE, (1, 1002), b"new", 0), Timeliness::New);
        for number in 0..TRAPS_ENGINES_MAX as u32 + 5 {
            engines.judge(&number.to_be_bytes(), (1, 1), b"x", u64::from(number));
        }
        assert_eq!(engines.known.len(), TRAPS_ENGINES_MAX);
    }

    /// A note, perhaps with lines that nobody wrote.
    fn note() -> impl Strategy<Value = String> {
        let line = prop_oneof![
            3 => ("([0-9a-f]{2}){0,6}", any::<u32>(), any::<u32>())
                .prop_map(|(id, boots, time)| format!("{id} {boots} {time}")),
            1 => Just(CLEAN.to_owned()),
            1 => any::<u32>().prop_map(|boots| format!("own {boots}")),
            1 => "[0-9a-fx+ -]{0,20}",
            1 => ".{0,20}",
        ];
        prop::collection::vec(line, 0..12).prop_map(|lines| lines.join("\n"))
    }

    proptest! {
        #[test]
        fn whatever_a_note_says_nothing_up_to_it_is_taken(note in note(), now_s in 0..1_000_000_u64) {
            let mut engines = Engines::restore(&note, now_s);
            let kept = engines.note(true);
            prop_assert_eq!(&Engines::restore(&kept, 0).note(true), &kept, "a note says what it was made of");
            let heard: Vec<_> = kept.lines().filter_map(engine_line).collect();
            prop_assert_eq!(heard.len(), engines.known.len());
            for (id, (boots, time)) in heard {
                for earlier in [(boots, time), (boots, time / 2), (boots.saturating_sub(1), u32::MAX)] {
                    let judged = engines.judge(&id, earlier, b"x", now_s);
                    prop_assert!(earlier > (boots, time) || judged == Timeliness::Old((boots, time)));
                }
            }
        }
    }
}
