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
    /// The kind of its receiver, by the key that chooses it.
    pub kind: String,
    /// What the receiver says that it is.
    pub what: String,
    /// What it has done since it was started.
    pub counts: Counts,
    /// How old the oldest run is that is to be delivered live and is not (ms).
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
