//! What a sink says of itself.

use serde::{Deserialize, Serialize};

use super::engine::Counts;

/// What the names of the figures of a sink begin with.
pub fn figure_prefix(sink: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    format!("sink_{}", sink.chars().map(plain).collect::<String>())
}

/// What a sink says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SinkReport {
    /// Its name.
    pub name: String,
    /// Whether its receiver has answered since it was started.
    pub has_answered: bool,
    /// The kind of its receiver, by the key that chooses it.
    pub kind: String,
    /// What the receiver says that it is.
    pub what: String,
    /// What it has done since it was started.
    pub counts: Counts,
    /// How long ago the oldest run arrived that is to be delivered live and is not (ms).
    pub lag_ms: i64,
    /// About how many older runs are to be delivered beside that.
    pub behind_runs: u64,
    /// The time of the newest run that was acknowledged in order of arrival (ms since the epoch).
    pub acknowledged_ms: Option<i64>,
    /// The time of the newest such run that the receiver can no longer lose.
    pub safe_ms: Option<i64>,
    /// Up to when it is proven that the receiver has everything (ms since the epoch).
    pub proven_ms: Option<i64>,
    /// What cannot be proven, in a sentence.
    pub not_proven: Option<String>,
    /// Why nothing is delivered now.
    pub waits: Option<String>,
    /// What cannot be read of the store, or written there.
    pub trouble: Option<String>,
    /// What was noticed last of the store, such as that an older backup was put back, and when (ms since the epoch).
    pub noticed: Option<(i64, String)>,
    /// What is to be set at the receiver.
    pub warnings: Vec<String>,
    /// Samples or runs that are set aside.
    pub set_aside: u64,
    /// Why the newest of them are.
    pub set_aside_why: Option<String>,
    /// Stretches of the store that cannot be read.
    pub gaps: u64,
    /// Samples left out since their series had one of the same millisecond.
    pub repeated: u64,
    /// Integers beyond 2^53 that the receiver has rounded.
    pub rounded: u64,
    /// Samples that the protocol of the receiver has no way to say.
    pub left_out: u64,
    /// Bytes that were sent.
    pub sent_bytes: u64,
    /// The lag that is a warning, and that is critical (ms).
    pub lag_limits_ms: (i64, i64),
}

impl SinkReport {
    /// Whether it is known how the sink does: its receiver has answered, or did not when it was asked, or there is something wrong here.
    pub fn is_known(&self) -> bool {
        self.has_answered || self.waits.is_some() || self.trouble.is_some()
    }
}

/// What there is to say of each sink after a process was started anew: what that one says once it knows, and until then what the one
/// before it said of a sink of this name.
pub fn shown_of(new: Vec<SinkReport>, before: &[SinkReport], names: &[&str]) -> Vec<SinkReport> {
    let of_before = |name: &str| before.iter().find(|report| report.name == name).cloned();
    let mut shown: Vec<SinkReport> = Vec::new();
    for name in names {
        let own = new.iter().find(|report| report.name == **name).cloned();
        shown.extend(match own {
            Some(report) if report.is_known() => Some(report),
            own => of_before(name).or(own),
        });
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_holds_until_the_sink_knows_how_it_does() {
        let report = |name: &str, set_aside: u64, has_answered: bool| SinkReport {
            name: name.to_owned(),
            set_aside,
            has_answered,
            ..SinkReport::default()
        };
        let before = [report("a", 7, true), report("gone", 1, true)];
        let shown = |new: Vec<SinkReport>| -> Vec<(String, u64)> {
            let shown = shown_of(new, &before, &["a", "b"]);
            shown.into_iter().map(|report| (report.name, report.set_aside)).collect()
        };
        let (a, b) = ("a".to_owned(), "b".to_owned());
        assert_eq!(shown(Vec::new()), [(a.clone(), 7)]);
        let new = vec![report("a", 0, false), report("b", 0, false)];
        assert_eq!(shown(new), [(a.clone(), 7), (b.clone(), 0)]);
        assert_eq!(shown(vec![report("a", 3, true)]), [(a.clone(), 3)]);
        let waiting = SinkReport { waits: Some("no".to_owned()), ..report("a", 4, false) };
        assert_eq!(shown(vec![waiting]), [(a, 4)]);
    }
}
