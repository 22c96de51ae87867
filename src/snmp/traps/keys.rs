//! Where each thing stands that a check is about: the interfaces of a device, by what was last said of each.
//!
//! Only problems are kept; what is not among them is OK. The state of the check is the worst of them. Every run lists
//! them in lines of its long text, and from the runs they are read back after a restart: each run has the key that it
//! concerns, and one in [`CHECKPOINT_RUNS`] has all of them, however many.
//!
//! A line is `key STATE SINCE SEEN "KEY" TEXT`, where the times are milliseconds since the epoch and the key is quoted as
//! in JSON. The last line says whether all are listed.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write;
use std::time::Duration;

use custos_store::{Run, State};

use crate::limits::{TRAP_KEYS_LISTED_MAX, TRAP_KEYS_MAX};

/// What the lines of keys begin with.
pub const MARK: &str = "key ";
/// What the line begins with that ends the list of all problems.
const ALL: &str = "keys: all ";
/// What the line begins with that ends a list of some.
const SOME: &str = "keys: ";
/// Runs between two that list all keys.
const CHECKPOINT_RUNS: u32 = 256;

/// Where one key stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyState {
    /// Its state; never OK.
    pub state: State,
    /// When the state began, in ms since the epoch.
    pub since_ms: i64,
    /// When it was last reported.
    pub seen_ms: i64,
    /// What was said of it.
    pub text: String,
}

/// The problems of a check by key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys {
    problems: BTreeMap<String, KeyState>,
    /// Runs since one listed all.
    unlisted_runs: u32,
    /// Problems that were given up because there were too many.
    dropped: u64,
}

impl Keys {
    /// A key as it is shown: `ifIndex=3`, `ifIndex=3, source=192.0.2.1`.
    pub fn name(key: &[(String, String)]) -> String {
        let parts: Vec<String> = key.iter().map(|(label, value)| format!("{label}={value}")).collect();
        parts.join(", ")
    }

    /// Takes what was said of a key.
    pub fn set(&mut self, key: &str, state: State, text: &str, now_ms: i64) {
        if state == State::Ok {
            self.problems.remove(key);
            return;
        }
        if self.problems.len() >= TRAP_KEYS_MAX && !self.problems.contains_key(key) {
            let oldest = self.problems.iter().min_by_key(|(_, known)| known.seen_ms);
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                self.problems.remove(&oldest);
                self.dropped += 1;
            }
        }
        let since_ms =
            self.problems.get(key).filter(|known| known.state == state).map(|known| known.since_ms);
        let since_ms = since_ms.unwrap_or(now_ms);
        let text = text.to_owned();
        self.problems.insert(key.to_owned(), KeyState { state, since_ms, seen_ms: now_ms, text });
    }

    /// The keys whose problem was not reported for so long.
    pub fn expired(&self, after: Duration, now_ms: i64) -> Vec<String> {
        let after_ms = i64::try_from(after.as_millis()).unwrap_or(i64::MAX);
        let old = self.problems.iter().filter(|(_, known)| now_ms.saturating_sub(known.seen_ms) >= after_ms);
        old.map(|(key, _)| key.clone()).collect()
    }

    /// The worst state of all keys.
    pub fn worst(&self) -> State {
        self.problems.values().fold(State::Ok, |worst, known| worst.worst(known.state))
    }

    /// How many keys are not OK.
    pub fn problems(&self) -> &BTreeMap<String, KeyState> {
        &self.problems
    }

    /// The text of a run that concerns one key: its own, and what is wrong elsewhere where that is worse.
    pub fn summary(&self, key: &str, text: &str) -> String {
        let own = self.problems.get(key).map_or(State::Ok, |known| known.state);
        let worst = self.worst();
        if own.severity() >= worst.severity() {
            return text.to_owned();
        }
        let mut others = self.problems.iter().filter(|(_, known)| known.state == worst);
        let Some((name, first)) = others.next() else { return text.to_owned() };
        let more = match others.count() {
            0 => String::new(),
            count => format!(", and {count} more"),
        };
        format!("{text} (still {} {name}: {}{more})", worst.name(), first.text)
    }

    /// The lines of a run that concerns one key, or none in particular.
    pub fn list(&mut self, key: Option<&str>, text: &str, now_ms: i64) -> String {
        let mut lines = String::new();
        if let Some(key) = key.filter(|key| !self.problems.contains_key(*key)) {
            let state =
                KeyState { state: State::Ok, since_ms: now_ms, seen_ms: now_ms, text: text.to_owned() };
            write_line(&mut lines, key, &state);
        } else if let Some((key, state)) = key.and_then(|key| self.problems.get_key_value(key)) {
            write_line(&mut lines, key, state);
        }
        let all = self.problems.len() <= TRAP_KEYS_LISTED_MAX || self.unlisted_runs >= CHECKPOINT_RUNS;
        self.unlisted_runs = if all { 0 } else { self.unlisted_runs + 1 };
        let listed = if all { self.problems.len() } else { TRAP_KEYS_LISTED_MAX };
        let mut worst: Vec<(&String, &KeyState)> =
            self.problems.iter().filter(|(other, _)| Some(other.as_str()) != key).collect();
        worst.sort_by_key(|(_, known)| std::cmp::Reverse(known.state.severity()));
        worst.iter().take(listed).for_each(|(key, state)| write_line(&mut lines, key, state));
        // Writing to a string cannot fail.
        let _ = write!(lines, "{}{} not OK", if all { ALL } else { SOME }, self.problems.len());
        if self.dropped > 0 {
            let _ = write!(lines, ", {} were given up", self.dropped);
        }
        lines
    }

    /// Whether a run lists all keys, so that none before it is needed.
    pub fn is_complete(run: &Run) -> bool {
        run.long_text.lines().next_back().is_some_and(|line| line.starts_with(ALL))
    }

    /// Reads from runs, oldest first, where the keys stand.
    pub fn restore(runs: &[Run]) -> Keys {
        let mut keys = Keys::default();
        let mut known: HashSet<String> = HashSet::new();
        for run in runs.iter().rev() {
            for (key, state) in run.long_text.lines().filter_map(read_line) {
                if known.insert(key.clone())
                    && state.state != State::Ok
                    && keys.problems.len() < TRAP_KEYS_MAX
                {
                    keys.problems.insert(key, state);
                }
            }
            if Keys::is_complete(run) {
                break;
            }
        }
        keys
    }
}

fn write_line(lines: &mut String, key: &str, known: &KeyState) {
    let KeyState { state, since_ms, seen_ms, text } = known;
    // A text cannot fail to be written as JSON, and writing to a string cannot fail either.
    let quoted = serde_json::to_string(key).unwrap_or_default();
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let _ = writeln!(lines, "{MARK}{} {since_ms} {seen_ms} {quoted} {text}", state.name());
}

fn read_line(line: &str) -> Option<(String, KeyState)> {
    let mut parts = line.strip_prefix(MARK)?.splitn(4, ' ');
    let name = parts.next()?;
    let state = State::ALL.into_iter().find(|state| state.name() == name)?;
    let since_ms = parts.next()?.parse().ok()?;
    let seen_ms = parts.next()?.parse().ok()?;
    let rest = parts.next()?;
    let mut quoted = serde_json::Deserializer::from_str(rest).into_iter::<String>();
    let key = quoted.next()?.ok()?;
    let text = rest.get(quoted.byte_offset()..)?.strip_prefix(' ')?.to_owned();
    Some((key, KeyState { state, since_ms, seen_ms, text }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn run(keys: &mut Keys, key: &str, state: State, now_ms: i64) -> Run {
        keys.set(key, state, "said", now_ms);
        Run { time_ms: now_ms, long_text: keys.list(Some(key), "said", now_ms), ..Run::default() }
    }

    #[test]
    fn up_clears_only_its_own_down() {
        let mut keys = Keys::default();
        keys.set("if=1", State::Critical, "one is down", 1);
        keys.set("if=2", State::Warning, "two is slow", 2);
        assert_eq!(keys.worst(), State::Critical);
        assert_eq!(keys.summary("if=1", "x"), "x");
        assert_eq!(keys.summary("if=2", "x"), "x (still CRITICAL if=1: one is down)");
        keys.set("if=1", State::Ok, "one is up", 3);
        assert_eq!(keys.worst(), State::Warning);
        keys.set("if=2", State::Warning, "two is slow", 9);
        assert_eq!((keys.problems()["if=2"].since_ms, keys.problems()["if=2"].seen_ms), (2, 9));
        keys.set("if=2", State::Critical, "two is down", 10);
        assert_eq!(keys.problems()["if=2"].since_ms, 10);
        assert_eq!(keys.expired(Duration::from_millis(5), 14), Vec::<String>::new());
        assert_eq!(keys.expired(Duration::from_millis(5), 15), ["if=2"]);
    }

    #[test]
    fn a_run_lists_the_keys_and_says_whether_all() {
        let mut keys = Keys::default();
        keys.set("a", State::Critical, "bad\nthing", 5);
        assert_eq!(
            keys.list(Some("b"), "fine", 7),
            "key OK 7 7 \"b\" fine\nkey CRITICAL 5 5 \"a\" bad thing\nkeys: all 1 not OK"
        );
    }

    #[test]
    fn many_keys_are_restored_from_the_runs_since_all_were_listed() {
        let mut keys = Keys::default();
        let mut runs: Vec<Run> = Vec::new();
        for number in 0..1000_i64 {
            let key = format!("k={}", number * 7919 % 613);
            let state = if number % 3 == 0 { State::Ok } else { State::Critical };
            runs.push(run(&mut keys, &key, state, number));
        }
        assert!(keys.problems().len() > TRAP_KEYS_LISTED_MAX);
        let needed = runs.iter().rposition(Keys::is_complete).unwrap();
        assert!(runs.len() - needed <= CHECKPOINT_RUNS as usize + 1);
        assert_eq!(Keys::restore(&runs[needed..]).problems(), keys.problems());
        assert_eq!(Keys::restore(&runs).problems(), keys.problems());
    }

    #[test]
    fn keys_are_bounded() {
        let mut keys = Keys::default();
        for number in 0..TRAP_KEYS_MAX as i64 + 2 {
            keys.set(&format!("k={number}"), State::Critical, "", number);
        }
        assert_eq!(keys.problems().len(), TRAP_KEYS_MAX);
        assert!(!keys.problems().contains_key("k=1") && keys.problems().contains_key("k=2"));
        assert!(keys.list(None, "", 0).ends_with("2 were given up"));
    }

    proptest! {
        #[test]
        fn any_key_and_text_is_restored(key in "\\PC{0,20}|[\"\\\\ \n]{0,5}", text in "\\PC{0,20}") {
            let mut keys = Keys::default();
            keys.set(&key, State::Unknown, &text, 5);
            let run = Run { long_text: format!("key of = no list\n{}", keys.list(None, "", 5)), ..Run::default() };
            let restored = Keys::restore(&[run]);
            prop_assert_eq!(restored.problems(), keys.problems());
        }

        #[test]
        fn any_long_text_is_harmless(text in "(key |keys: |OK |CRITICAL |1 |\"|\n|\\PC){0,20}") {
            Keys::restore(&[Run { long_text: text, ..Run::default() }]);
        }
    }
}
