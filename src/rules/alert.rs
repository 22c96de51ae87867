//! What becomes of the elements of an alerting rule from one evaluation to the next, as Prometheus has it
//! (`rules/alerting.go` of Prometheus 3).
//!
//! A function of what the expression returned and when, so that it is the same for what happens now, for a test and for the
//! past.

use std::collections::BTreeMap;

use custos_promql::Labels;

use super::sequence::Happened;

/// How long an element must be returned, and how long it counts after that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timing {
    /// An alert fires once its element was returned for so long (ms).
    pub for_ms: i64,
    /// One that fires goes on for so long after its element was last returned (ms).
    pub keep_firing_ms: i64,
    /// Most alerts of the rule at once; 0 for any number.
    pub limit: usize,
}

/// An element that the expression of a rule returned.
#[derive(Clone, Debug, PartialEq)]
pub struct Element {
    /// The labels of its alert: those of the element without the name of the metric, those of the rule, and `alertname`.
    pub identity: Labels,
    /// The labels that the expression returned.
    pub labels: Labels,
    /// Its value.
    pub value: f64,
    /// The steps that led to it, for one of a sequence.
    pub happened: Happened,
}

/// Whether an alert fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Its element has not been returned for long enough.
    Pending,
    /// It fires.
    Firing,
}

impl Stage {
    /// The value of the label `alertstate`.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Pending => "pending",
            Stage::Firing => "firing",
        }
    }
}

/// An alert that is pending or fires.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    /// The element as it was returned last.
    pub element: Element,
    /// Whether it fires.
    pub stage: Stage,
    /// Since when its element is returned (ms since the epoch).
    pub active_since_ms: i64,
    /// Since when it fires (ms since the epoch).
    pub firing_since_ms: Option<i64>,
    /// Since when its element is no longer returned, while it is kept firing (ms since the epoch).
    pub kept_since_ms: Option<i64>,
}

/// What an evaluation changed.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// An element was returned that was not there before, and has to stay.
    Pending(Alert),
    /// An alert fires.
    Firing(Alert),
    /// An element is gone before its alert fired.
    Dropped(Alert),
    /// An alert no longer fires.
    Resolved(Alert),
}

/// Why an evaluation of a rule counts as failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Two elements are the same alert. Nothing has changed.
    Duplicate(Labels),
    /// There are more alerts than the limit. All are gone.
    Limit {
        /// Most that may be.
        limit: usize,
        /// How many there were.
        count: usize,
    },
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Failure::Duplicate(labels) => {
                write!(
                    f,
                    "vector contains metrics with the same labelset after applying alert labels: {}",
                    labels.in_braces()
                )
            }
            Failure::Limit { limit, count } => write!(f, "exceeded limit of {limit} with {count} alerts"),
        }
    }
}

/// The alerts of a rule.
#[derive(Clone, Debug, Default)]
pub struct Alerts {
    active: BTreeMap<Labels, Alert>,
    /// When something was taken in last (ms since the epoch).
    taken_ms: Option<i64>,
}

impl Alerts {
    /// Those that are pending or fire, by their labels.
    pub fn iter(&self) -> impl Iterator<Item = &Alert> {
        self.active.values()
    }

    /// Gives an alert whose element was returned again a newer value, where that is all that is new. False if there is none.
    pub(super) fn set_value(&mut self, identity: &Labels, value: f64) -> bool {
        let alert = self.active.get_mut(identity);
        alert.map(|alert| alert.element.value = value).is_some()
    }

    /// Where the clock was set back since the last evaluation, the times of all alerts go back with it: each has lasted as long
    /// as before.
    fn set_back_to(&mut self, at_ms: i64) {
        let back_ms = self.taken_ms.map_or(0, |taken_ms| taken_ms.saturating_sub(at_ms).max(0));
        self.taken_ms = Some(at_ms);
        if back_ms == 0 {
            return;
        }
        let earlier = |time_ms: i64| time_ms.saturating_sub(back_ms);
        for alert in self.active.values_mut() {
            alert.active_since_ms = earlier(alert.active_since_ms);
            alert.firing_since_ms = alert.firing_since_ms.map(earlier);
            alert.kept_since_ms = alert.kept_since_ms.map(earlier);
        }
    }

    /// Takes in what the expression returned at a time (ms since the epoch), and says what that changed.
    ///
    /// # Errors
    /// [`Failure`]: of the elements none is taken in.
    pub fn take(
        &mut self,
        at_ms: i64,
        elements: Vec<Element>,
        timing: Timing,
    ) -> Result<Vec<Change>, Failure> {
        let mut returned = BTreeMap::new();
        for element in elements {
            if let Some(same) = returned.insert(element.identity.clone(), element) {
                return Err(Failure::Duplicate(same.identity));
            }
        }
        let mut changes = Vec::new();
        self.set_back_to(at_ms);
        self.active.retain(|identity, alert| {
            returned.contains_key(identity) || outlasts(alert, at_ms, timing.keep_firing_ms, &mut changes)
        });
        for (identity, element) in returned {
            match self.active.entry(identity) {
                std::collections::btree_map::Entry::Occupied(mut known) => {
                    let alert = known.get_mut();
                    alert.element = element;
                    alert.kept_since_ms = None;
                }
                std::collections::btree_map::Entry::Vacant(place) => {
                    let alert = Alert {
                        element,
                        stage: Stage::Pending,
                        active_since_ms: at_ms,
                        firing_since_ms: None,
                        kept_since_ms: None,
                    };
                    if timing.for_ms > 0 {
                        changes.push(Change::Pending(alert.clone()));
                    }
                    place.insert(alert);
                }
            }
        }
        for alert in self.active.values_mut() {
            advance(alert, at_ms, timing.for_ms, &mut changes);
        }
        let count = self.active.len();
        if timing.limit > 0 && count > timing.limit {
            self.active.clear();
            return Err(Failure::Limit { limit: timing.limit, count });
        }
        Ok(changes)
    }
}

impl PartialEq for Alerts {
    fn eq(&self, other: &Alerts) -> bool {
        // What was taken in last tells nothing of them.
        self.active == other.active
    }
}

/// Whether an alert whose element was not returned goes on.
fn outlasts(alert: &mut Alert, at_ms: i64, keep_firing_ms: i64, changes: &mut Vec<Change>) -> bool {
    if alert.stage == Stage::Pending {
        changes.push(Change::Dropped(alert.clone()));
        return false;
    }
    if keep_firing_ms > 0 {
        let since_ms = *alert.kept_since_ms.get_or_insert(at_ms);
        if at_ms.saturating_sub(since_ms) < keep_firing_ms {
            return true;
        }
    }
    changes.push(Change::Resolved(alert.clone()));
    false
}

/// A pending alert fires when its time has come; one whose rule now wants more of it is pending again.
fn advance(alert: &mut Alert, at_ms: i64, for_ms: i64, changes: &mut Vec<Change>) {
    let has_lasted = at_ms.saturating_sub(alert.active_since_ms) >= for_ms;
    match (alert.stage, has_lasted) {
        (Stage::Pending, true) => {
            alert.stage = Stage::Firing;
            alert.firing_since_ms = Some(at_ms);
            changes.push(Change::Firing(alert.clone()));
        }
        (Stage::Firing, false) => {
            changes.push(Change::Resolved(alert.clone()));
            alert.stage = Stage::Pending;
            alert.firing_since_ms = None;
            alert.kept_since_ms = None;
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn element(name: &str, value: f64) -> Element {
        let labels = Labels::new([("alertname", "Hot"), ("disk", name)]);
        Element { identity: labels.clone(), labels, value, happened: Happened::default() }
    }

    /// What each evaluation, a minute after the other, changed: a sign and the disk.
    fn changes(timing: Timing, evaluations: &[&[&str]]) -> Vec<String> {
        let mut alerts = Alerts::default();
        let each = evaluations.iter().enumerate().map(|(minute, disks)| {
            let elements = disks.iter().map(|disk| element(disk, minute as f64)).collect();
            let changes = match alerts.take(minute as i64 * 60_000, elements, timing) {
                Ok(changes) => changes,
                Err(failure) => return failure.to_string(),
            };
            let words = changes.iter().map(|change| match change {
                Change::Pending(alert) => format!("?{}", alert.element.labels.get("disk")),
                Change::Firing(alert) => format!("+{}", alert.element.labels.get("disk")),
                Change::Dropped(alert) => format!("~{}", alert.element.labels.get("disk")),
                Change::Resolved(alert) => format!("-{}", alert.element.labels.get("disk")),
            });
            words.collect::<Vec<_>>().join(" ")
        });
        each.collect()
    }

    #[test]
    fn an_alert_fires_at_once_or_after_its_time_and_ends_with_its_element() {
        assert_eq!(changes(Timing::default(), &[&["a"], &["a", "b"], &["b"], &[]]), ["+a", "+b", "-a", "-b"]);
        let timing = Timing { for_ms: 120_000, ..Timing::default() };
        assert_eq!(
            changes(timing, &[&["a"], &["a"], &["a"], &[], &["a"], &["a"], &[]]),
            ["?a", "", "+a", "-a", "?a", "", "~a"]
        );
    }

    #[test]
    fn one_that_is_kept_ends_late_unless_its_element_comes_back() {
        let timing = Timing { keep_firing_ms: 120_000, ..Timing::default() };
        assert_eq!(
            changes(timing, &[&["a"], &[], &[], &["a"], &[], &[], &[], &[]]),
            ["+a", "", "", "", "", "", "-a", ""]
        );
        // What was pending is not kept.
        let timing = Timing { for_ms: 120_000, ..timing };
        assert_eq!(changes(timing, &[&["a"], &["a"], &[]]), ["?a", "", "~a"]);
    }

    #[test]
    fn too_many_are_a_failure_that_ends_all() {
        let timing = Timing { limit: 1, ..Timing::default() };
        assert_eq!(
            changes(timing, &[&["a"], &["a", "b"], &["a"]]),
            ["+a", "exceeded limit of 1 with 2 alerts", "+a"]
        );
    }

    #[test]
    fn two_elements_that_are_one_alert_are_a_failure_that_changes_nothing() {
        let mut alerts = Alerts::default();
        alerts.take(0, vec![element("a", 1.0)], Timing::default()).unwrap();
        let before = alerts.clone();
        let twice = vec![element("b", 1.0), element("b", 2.0)];
        assert!(matches!(alerts.take(1, twice, Timing::default()), Err(Failure::Duplicate(_))));
        assert_eq!(alerts, before);
    }

    #[test]
    fn a_clock_that_was_set_back_ends_nothing_and_holds_nothing_up() {
        let timing = Timing { for_ms: 60_000, ..Timing::default() };
        let mut alerts = Alerts::default();
        let mut take = |at_ms| alerts.take(at_ms, vec![element("a", 1.0)], timing).unwrap();
        take(3_600_000);
        assert!(take(3_640_000).is_empty());
        // Back by an hour: it goes on having lasted for 40 s.
        assert!(take(40_000).is_empty());
        assert!(matches!(&take(60_000)[..], [Change::Firing(_)]));
        assert!(take(10_000).is_empty());
        let alert = alerts.iter().next().unwrap();
        assert_eq!((alert.stage, alert.active_since_ms), (Stage::Firing, -50_000));
    }

    #[test]
    fn a_rule_that_now_wants_more_time_has_it() {
        let mut alerts = Alerts::default();
        alerts.take(0, vec![element("a", 1.0)], Timing::default()).unwrap();
        let longer = Timing { for_ms: 5000, ..Timing::default() };
        let changed = alerts.take(1000, vec![element("a", 3.0)], longer).unwrap();
        assert!(matches!(&changed[..], [Change::Resolved(_)]));
        let alert = alerts.iter().next().unwrap();
        assert_eq!((alert.stage, alert.active_since_ms, alert.element.value), (Stage::Pending, 0, 3.0));
    }
}
