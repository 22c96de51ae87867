//! The instances of a check: the interfaces that a trap's check is about, the elements of an alert.
//!
//! Only what is not OK is kept; an instance that is not here is OK. Every run of the check carries the whole set, so the
//! last run alone has the state of each instance. The set shares with the one before what did not change, and what is
//! asked of it (the worst, the ones quiet longest, the first few) is found without going through all of it, so a report
//! costs about the same whatever the number of instances.
//!
//! Invariants: each index has exactly the instances of the set; there are at most [`CHECK_INSTANCES_MAX`].

use std::cmp::{Ordering, Reverse};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use custos_store::{Instance, Instances, State};

use crate::limits::{
    CHECK_INSTANCE_TEXT_MAX_BYTES, CHECK_INSTANCES_MAX, INSTANCE_LISTED_MAX_CHARS, INSTANCES_LISTED_MAX,
};

/// The labels of an instance, sorted by name; empty for a check that is about one thing.
pub type Labels = [(String, String)];

/// The instances of a check that are not OK.
#[derive(Clone, Debug, Default)]
pub struct CheckInstances {
    set: Instances,
    by_seen: BTreeSet<BySeen>,
    by_severity: BTreeSet<BySeverity>,
    /// Instances that were given up because there were too many.
    given_up: u64,
}

/// Instances by when they were last reported, those quiet longest first.
#[derive(Clone, Debug)]
struct BySeen(Arc<Instance>);

/// Instances by severity, the worst first.
#[derive(Clone, Debug)]
struct BySeverity(Arc<Instance>);

fn seen_ms(instance: &Instance) -> i64 {
    instance.seen_ms.unwrap_or(instance.since_ms)
}

impl Ord for BySeen {
    fn cmp(&self, other: &BySeen) -> Ordering {
        (seen_ms(&self.0), &self.0.labels).cmp(&(seen_ms(&other.0), &other.0.labels))
    }
}

impl Ord for BySeverity {
    fn cmp(&self, other: &BySeverity) -> Ordering {
        let rank = |instance: &Instance| Reverse(instance.state.severity());
        (rank(&self.0), &self.0.labels).cmp(&(rank(&other.0), &other.0.labels))
    }
}

/// The equality of an order.
macro_rules! equal_by_order {
    ($($by:ty),*) => {$(
        impl PartialOrd for $by {
            fn partial_cmp(&self, other: &$by) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }
        impl PartialEq for $by {
            fn eq(&self, other: &$by) -> bool {
                self.cmp(other) == Ordering::Equal
            }
        }
        impl Eq for $by {}
    )*};
}
equal_by_order!(BySeen, BySeverity);

/// What is reported of an instance.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    /// Which instance it is.
    pub labels: &'a Labels,
    /// Its state.
    pub state: State,
    /// One line for people.
    pub text: &'a str,
    /// When that was, in ms since the epoch.
    pub at_ms: i64,
}

impl CheckInstances {
    /// Restores the instances from a check's last run. Times ahead of now, which a wrong clock left behind, count as
    /// now.
    pub fn restore(set: &Instances, now_ms: i64) -> CheckInstances {
        let mut restored = CheckInstances::default();
        for instance in set.iter().filter(|instance| instance.state != State::Ok) {
            let mut instance = Arc::clone(instance);
            if seen_ms(&instance) > now_ms {
                Arc::make_mut(&mut instance).seen_ms = Some(now_ms);
            }
            restored.put(instance);
        }
        restored
    }

    /// The instances, for a run to carry.
    pub fn set(&self) -> &Instances {
        &self.set
    }

    /// Takes a report: the instance has this state from now on, and is forgotten if that is OK. Returns the worst
    /// state of all, the reported one included.
    pub fn report(&mut self, report: Report<'_>) -> State {
        let Report { labels, state, text, at_ms } = report;
        let before = self.remove(labels);
        if state != State::Ok {
            let since_ms = before.filter(|before| before.state == state).map(|before| before.since_ms);
            self.put(Arc::new(Instance {
                state,
                since_ms: since_ms.unwrap_or(at_ms),
                seen_ms: Some(at_ms),
                text: cut(text).to_owned(),
                ..Instance::new(labels.to_vec())
            }));
        }
        state.worst(self.set.worst())
    }

    /// Notes that the last report of an instance was repeated. Returns the worst state of all.
    pub fn repeat(&mut self, labels: &Labels, at_ms: i64) -> State {
        if let Some(instance) = self.remove(labels) {
            self.put(Arc::new(Instance { seen_ms: Some(at_ms), ..Arc::unwrap_or_clone(instance) }));
        }
        self.set.worst()
    }

    /// Takes out instances that were not reported for so long, those quiet longest first, and no more than `max`.
    pub fn expire(&mut self, after: Duration, now_ms: i64, max: usize) -> Vec<Arc<Instance>> {
        let after_ms = i64::try_from(after.as_millis()).unwrap_or(i64::MAX);
        let old = |by: &&BySeen| now_ms.saturating_sub(seen_ms(&by.0)) >= after_ms;
        let expired: Vec<Arc<Instance>> =
            self.by_seen.iter().take_while(old).take(max).map(|by| Arc::clone(&by.0)).collect();
        for instance in &expired {
            self.remove(&instance.labels);
        }
        expired
    }

    /// The worst state of all.
    pub fn worst(&self) -> State {
        self.set.worst()
    }

    fn remove(&mut self, labels: &Labels) -> Option<Arc<Instance>> {
        let instance = self.set.remove(labels)?;
        self.by_seen.remove(&BySeen(Arc::clone(&instance)));
        self.by_severity.remove(&BySeverity(Arc::clone(&instance)));
        Some(instance)
    }

    /// Adds an instance that is not there. Where there are too many the ones quiet longest are given up.
    fn put(&mut self, instance: Arc<Instance>) {
        while self.set.len() >= CHECK_INSTANCES_MAX && self.give_up_oldest() {}
        while self.set.insert(Arc::clone(&instance)).is_err() {
            // What the store takes of one alone is no matter of how many there are.
            if Instances::new([(*instance).clone()]).is_err() || !self.give_up_oldest() {
                self.given_up += 1;
                return;
            }
        }
        self.by_seen.insert(BySeen(Arc::clone(&instance)));
        self.by_severity.insert(BySeverity(instance));
    }

    fn give_up_oldest(&mut self) -> bool {
        let Some(oldest) = self.by_seen.first().map(|by| Arc::clone(&by.0)) else { return false };
        self.given_up += 1;
        self.remove(&oldest.labels).is_some()
    }

    /// The text of a run that is about one instance: its own, and what is wrong elsewhere where that is worse.
    pub fn summary(&self, labels: &Labels, text: &str) -> String {
        let own = self.set.get(labels).map_or(State::Ok, |instance| instance.state);
        let worst = self.set.worst();
        let Some(first) = self.by_severity.first().filter(|_| own.severity() < worst.severity()) else {
            return text.to_owned();
        };
        let more = match self.set.count(worst) - 1 {
            0 => String::new(),
            count => format!(", and {count} more"),
        };
        format!("{text} (still {} {}: {}{more})", worst.name(), instance_name(&first.0.labels), first.0.text)
    }

    /// The instances for people: a line for each of the worst, and one that says how many there are.
    pub fn list(&self) -> String {
        let mut lines = String::new();
        // Writing to a string cannot fail.
        for BySeverity(instance) in self.by_severity.iter().take(INSTANCES_LISTED_MAX) {
            let chars = instance.text.chars().take(INSTANCE_LISTED_MAX_CHARS);
            let text: String = chars.map(|c| if c.is_control() { ' ' } else { c }).collect();
            let _ = writeln!(lines, "{} {}: {text}", instance.state.name(), instance_name(&instance.labels));
        }
        let _ = match self.set.len() {
            0 => write!(lines, "all instances are OK"),
            1 => write!(lines, "1 instance is not OK"),
            count => write!(lines, "{count} instances are not OK"),
        };
        if self.set.len() > INSTANCES_LISTED_MAX {
            let _ = write!(lines, ", the worst {INSTANCES_LISTED_MAX} are listed");
        }
        if self.given_up > 0 {
            let _ = write!(lines, "; {} more were given up", self.given_up);
        }
        lines
    }
}

/// An instance as it is shown: `ifIndex=3`, `ifIndex=3, source=192.0.2.1`.
pub fn instance_name(labels: &Labels) -> String {
    let parts: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    parts.join(", ")
}

/// The beginning of a text that is kept with an instance.
fn cut(text: &str) -> &str {
    match text
        .char_indices()
        .map(|(at, c)| at + c.len_utf8())
        .take_while(|end| *end <= CHECK_INSTANCE_TEXT_MAX_BYTES)
        .last()
    {
        Some(end) => &text[..end],
        None => "",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn labels(index: i64) -> Vec<(String, String)> {
        vec![("if".to_owned(), index.to_string())]
    }

    fn report(instances: &mut CheckInstances, index: i64, state: State, text: &str, at_ms: i64) -> State {
        instances.report(Report { labels: &labels(index), state, text, at_ms })
    }

    #[test]
    fn up_clears_only_its_own_down() {
        let mut instances = CheckInstances::default();
        report(&mut instances, 1, State::Critical, "one is down", 1);
        assert_eq!(report(&mut instances, 2, State::Warning, "two is slow", 2), State::Critical);
        assert_eq!(instances.summary(&labels(1), "x"), "x");
        assert_eq!(instances.summary(&labels(2), "x"), "x (still CRITICAL if=1: one is down)");
        assert_eq!(report(&mut instances, 1, State::Ok, "one is up", 3), State::Warning);
        report(&mut instances, 2, State::Warning, "two is slow", 9);
        let two = instances.set().get(&labels(2)).unwrap();
        assert_eq!((two.since_ms, two.seen_ms), (2, Some(9)));
        report(&mut instances, 2, State::Critical, "two is down", 10);
        assert_eq!(instances.set().get(&labels(2)).unwrap().since_ms, 10);
    }

    #[test]
    fn those_that_are_quiet_expire_and_no_more_than_wanted_at_once() {
        let mut instances = CheckInstances::default();
        for index in 1..=5 {
            report(&mut instances, index, State::Critical, "", index);
        }
        instances.repeat(&labels(1), 100);
        let after = Duration::from_millis(10);
        assert!(instances.expire(after, 11, 9).is_empty());
        let expired = instances.expire(after, 14, 2);
        assert_eq!(expired.iter().map(|i| i.labels.clone()).collect::<Vec<_>>(), [labels(2), labels(3)]);
        assert_eq!(instances.expire(after, 15, 9).len(), 2);
        assert_eq!((instances.worst(), instances.set().len()), (State::Critical, 1));
        assert_eq!(instances.expire(after, 110, 9).len(), 1);
        assert_eq!((instances.worst(), instances.by_severity.len()), (State::Ok, 0));
    }

    #[test]
    fn the_list_begins_with_the_worst_and_says_how_many_there_are() {
        let mut instances = CheckInstances::default();
        assert_eq!(instances.list(), "all instances are OK");
        report(&mut instances, 5, State::Warning, "slow", 1);
        report(&mut instances, 9, State::Critical, "bad\nthing", 1);
        assert_eq!(instances.list(), "CRITICAL if=9: bad thing\nWARNING if=5: slow\n2 instances are not OK");
        for index in 100..200 {
            report(&mut instances, index, State::Unknown, "", 2);
        }
        let list = instances.list();
        assert_eq!(list.lines().count(), INSTANCES_LISTED_MAX + 1);
        assert!(list.ends_with("102 instances are not OK, the worst 10 are listed"), "{list}");
    }

    #[test]
    fn beyond_the_limit_the_one_that_was_quiet_longest_is_given_up() {
        let mut instances = CheckInstances::default();
        let max = CHECK_INSTANCES_MAX as i64;
        for index in 0..max {
            report(&mut instances, index, State::Critical, "", index);
        }
        instances.repeat(&labels(0), max);
        report(&mut instances, max, State::Critical, "", max);
        assert_eq!(instances.set().len(), CHECK_INSTANCES_MAX);
        assert!(instances.set().get(&labels(1)).is_none() && instances.set().get(&labels(0)).is_some());
        assert!(instances.list().ends_with("; 1 more were given up"));
    }

    #[test]
    fn what_the_store_cannot_take_costs_no_other_instance_its_place() {
        let mut instances = CheckInstances::default();
        report(&mut instances, 1, State::Warning, "", 1);
        let long = vec![("if".to_owned(), "x".repeat(custos_store::limits::INSTANCE_LABELS_BYTES_MAX))];
        let huge = Report { labels: &long, state: State::Critical, text: "", at_ms: 2 };
        assert_eq!(instances.report(huge), State::Critical);
        assert_eq!((instances.set().len(), instances.given_up), (1, 1));
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        let mut instances = CheckInstances::default();
        report(&mut instances, 1, State::Warning, &"€".repeat(CHECK_INSTANCE_TEXT_MAX_BYTES), 1);
        let text = &instances.set().get(&labels(1)).unwrap().text;
        assert_eq!(text.len(), CHECK_INSTANCE_TEXT_MAX_BYTES / 3 * 3);
    }

    proptest! {
        /// Beside a plain list of what each instance was reported to be last.
        #[test]
        fn indexes_and_set_agree_whatever_happens(
            reports in prop::collection::vec((0..8_i64, 0..4_u8, 0..50_i64), 0..60)
        ) {
            let mut instances = CheckInstances::default();
            let mut known: std::collections::BTreeMap<Vec<(String, String)>, (State, i64)> = Default::default();
            for (index, code, at_ms) in reports {
                let state = State::from_code(code).unwrap();
                let worst = report(&mut instances, index, state, "t", at_ms);
                match state {
                    State::Ok => drop(known.remove(&labels(index))),
                    _ => drop(known.insert(labels(index), (state, at_ms))),
                }
                let expected = known.values().fold(State::Ok, |worst, (state, _)| worst.worst(*state));
                prop_assert_eq!(worst, expected);
            }
            let found: Vec<_> =
                instances.set().iter().map(|i| (i.labels.clone(), (i.state, i.seen_ms.unwrap()))).collect();
            prop_assert_eq!(&found, &known.clone().into_iter().collect::<Vec<_>>());
            prop_assert_eq!(instances.by_seen.len(), known.len());
            prop_assert!(instances.by_seen.iter().is_sorted_by_key(|by| seen_ms(&by.0)));
            prop_assert!(instances.by_severity.iter().is_sorted_by_key(|by| Reverse(by.0.state.severity())));
            let restored = CheckInstances::restore(instances.set(), 100);
            prop_assert_eq!(restored.set(), instances.set());
            prop_assert_eq!(restored.list(), instances.list());
        }
    }
}
