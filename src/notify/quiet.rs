//! Of which checks nobody is told because people wanted that: acknowledgements and silences, as a store has them or the agent says.

use std::path::Path;

use custos_store::{Run, State};
use serde::Serialize;

use super::alert::{LabelSet, named_labels, of_run};
use super::noted::Noted;
use super::silence::{Ack, Remark, Silence};
use crate::config::Matchers;

/// Acknowledgements and silences.
#[derive(Clone, Debug, Default)]
pub struct Quiet {
    acks: Vec<Ack>,
    silences: Vec<(Silence, Matchers)>,
}

/// What people did so that nobody is told of a check.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Held {
    /// Alerts of it that are acknowledged.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub acknowledged: Vec<Acknowledged>,
    /// Silences that hold for it now.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub silenced: Vec<Silenced>,
}

/// An alert that is acknowledged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Acknowledged {
    /// The labels of its instance, as one text; empty for that of the check itself.
    pub of: String,
    /// Since when (ms since the epoch).
    pub at_ms: i64,
    /// Who and why.
    #[serde(flatten)]
    pub remark: Remark,
}

/// A silence that holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Silenced {
    /// Its number.
    pub id: u64,
    /// Until when (ms since the epoch).
    pub until_ms: i64,
    /// Who and why.
    #[serde(flatten)]
    pub remark: Remark,
}

impl Held {
    /// Whether nothing was done.
    pub fn is_empty(&self) -> bool {
        self.acknowledged.is_empty() && self.silenced.is_empty()
    }
}

impl Quiet {
    /// These; a silence whose conditions cannot be read holds nothing back.
    pub fn new(acks: Vec<Ack>, silences: Vec<Silence>) -> Quiet {
        let read = |silence: Silence| {
            let matchers = Matchers::parse(silence.matchers.iter().map(String::as_str)).ok()?;
            Some((silence, matchers))
        };
        Quiet { acks, silences: silences.into_iter().filter_map(read).collect() }
    }

    /// Those in a store. What cannot be read holds nothing back, which the agent says by itself.
    pub fn read(store: &Path) -> Quiet {
        let noted = Noted::read(store, []);
        Quiet::new(noted.acks(), noted.silences().list())
    }

    /// What of it concerns a check of a host now. `run` is the last that is judged, if one is known: it is looked at only where the
    /// conditions of a silence are to be held against the alerts of the check.
    pub fn of(&self, host: &str, check: &str, run: impl FnOnce() -> Option<Run>, now_ms: i64) -> Held {
        let acknowledged = self.acks.iter().filter(|ack| ack.check == check);
        let acknowledged = acknowledged.map(|ack| Acknowledged {
            of: ack.of.clone(),
            at_ms: ack.at_ms,
            remark: ack.remark.clone(),
        });
        let mut holding = self
            .silences
            .iter()
            .filter(|(silence, _)| (silence.from_ms..silence.until_ms).contains(&now_ms))
            .peekable();
        let alerts = if holding.peek().is_some() { alerts(host, check, run().as_ref()) } else { Vec::new() };
        let silenced =
            holding.filter(|(_, matchers)| alerts.iter().any(|labels| matchers.matches(check, labels)));
        let silenced = silenced.map(|(silence, _)| Silenced {
            id: silence.id,
            until_ms: silence.until_ms,
            remark: silence.remark.clone(),
        });
        Held { acknowledged: acknowledged.collect(), silenced: silenced.collect() }
    }
}

/// The labels of what fires of a check, or if nothing does, of what would.
fn alerts(host: &str, check: &str, run: Option<&Run>) -> Vec<LabelSet> {
    let firing = run.map(|run| of_run(host, check, run)).unwrap_or_default();
    if firing.is_empty() {
        return vec![named_labels(LabelSet::new(), host, check, None)];
    }
    // An alert of a rule has its labels by itself, whatever those are.
    let own = run.iter().flat_map(|run| run.instances.iter()).filter(|instance| instance.state != State::Ok);
    let own = own.map(|instance| {
        let labels = instance.labels.iter().cloned().collect();
        named_labels(labels, host, check, Some(instance.state))
    });
    let own: Vec<LabelSet> = own.collect();
    firing.into_iter().map(|firing| firing.labels).chain(own).collect()
}

#[cfg(test)]
mod tests {
    use custos_store::{Instance, Instances, Standing};

    use super::*;

    fn silence(id: u64, matchers: &[&str]) -> Silence {
        let remark = Remark { author: "kim".to_owned(), comment: "upgrade".to_owned() };
        let matchers = matchers.iter().map(|written| (*written).to_owned()).collect();
        Silence { id, matchers, from_ms: 10, until_ms: 20, remark }
    }

    fn ids(silences: Vec<Silence>, run: Option<&Run>, now_ms: i64) -> Vec<u64> {
        let held = Quiet::new(Vec::new(), silences).of("h", "disk", || run.cloned(), now_ms);
        held.silenced.iter().map(|silence| silence.id).collect()
    }

    #[test]
    fn a_silence_holds_for_its_time_and_for_what_fulfils_its_conditions() {
        let all = || {
            vec![
                silence(1, &["\"disk\""]),
                silence(2, &["check=disk", "host=h"]),
                silence(3, &["severity=critical"]),
                silence(4, &["path=\"/var\""]),
                silence(5, &["check=other"]),
                silence(6, &["="]),
            ]
        };
        assert_eq!([9, 20].map(|now_ms| ids(all(), None, now_ms)), [const { Vec::<u64>::new() }; 2]);
        assert_eq!(ids(all(), None, 10), [1, 2], "nothing is known of it yet");
        let standing = Standing { hard: true, ..Standing::default() };
        let mut run = Run { state: State::Critical, standing, ..Run::default() };
        assert_eq!(ids(all(), Some(&run), 19), [1, 2, 3]);
        let of = |state| Instance { state, ..Instance::new(vec![("path".to_owned(), "/var".to_owned())]) };
        run.instances = Instances::new([of(State::Critical)]).unwrap();
        assert_eq!(ids(all(), Some(&run), 19), [1, 2, 3, 4]);
        run.instances = Instances::new([of(State::Ok)]).unwrap();
        assert_eq!(ids(all(), Some(&run), 19), [1, 2, 3], "what is OK does not fire");
    }

    #[test]
    fn acknowledgements_are_those_of_the_check() {
        let ack = |check: &str, of: &str| Ack {
            check: check.to_owned(),
            of: of.to_owned(),
            at_ms: 5,
            remark: Remark { author: "kim".to_owned(), comment: String::new() },
        };
        let quiet = Quiet::new(vec![ack("disk", "path=\"/\""), ack("other", "")], Vec::new());
        let held = quiet.of("h", "disk", || None, 0);
        assert_eq!(held.acknowledged.iter().map(|ack| ack.of.as_str()).collect::<Vec<_>>(), ["path=\"/\""]);
        assert!(quiet.of("h", "none", || None, 0).is_empty());
    }
}
