//! How notifications stand, for people.

use serde::{Deserialize, Serialize};

use super::silence::{Ack, Silence};

/// How notifications stand.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotifyReport {
    /// The targets, by name.
    pub targets: Vec<TargetReport>,
    /// Silences, those that have not begun among them.
    pub silences: Vec<Silence>,
    /// Acknowledgements.
    pub acks: Vec<Ack>,
    /// Alerts that fire and are not told, each with the reason.
    pub muted: Vec<MutedAlert>,
    /// Alerts that are not followed, as there are too many.
    pub not_followed: u64,
    /// That nobody is told, and why, and what the notes that could not be read mean.
    #[serde(default)]
    pub unreadable: Vec<String>,
}

/// How a target stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetReport {
    /// Its name.
    pub name: String,
    /// Its medium.
    pub medium: String,
    /// Alerts that it knows to fire.
    pub firing: u64,
    /// How much is owed to it.
    pub owed: u64,
    /// The first of that.
    pub owed_alerts: Vec<OwedAlert>,
    /// When it acknowledged something last (ms since the epoch).
    pub last_success_ms: Option<i64>,
    /// Why a delivery failed last.
    pub last_error: Option<String>,
    /// When that was (ms since the epoch).
    pub last_error_ms: Option<i64>,
    /// Since when deliveries fail (ms since the epoch); none if the last one succeeded.
    pub failing_since_ms: Option<i64>,
    /// When it is tried again (ms since the epoch).
    pub retry_ms: Option<i64>,
    /// Messages that it acknowledged, deliveries that failed, alerts that it refused for good.
    pub delivered: u64,
    /// Deliveries that failed.
    pub failed: u64,
    /// Alerts that it refused for good.
    pub refused: u64,
    /// Of these, those that fire.
    pub refused_firing: u64,
    /// Whether it may not be told now, by its `hours`.
    pub closed: bool,
    /// How long the oldest alert has been owed to it although nothing but the target holds it up, if that is too long (ms).
    #[serde(default)]
    pub overdue_ms: Option<i64>,
}

/// An alert that is owed to a target.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwedAlert {
    /// Its check, with the labels of the instance.
    pub alert: String,
    /// Its state, or `resolved`.
    pub state: String,
    /// Since when it is owed (ms since the epoch).
    pub since_ms: i64,
}

/// An alert that is not told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MutedAlert {
    /// Its check, with the labels of the instance.
    pub alert: String,
    /// Its state.
    pub state: String,
    /// Why it is not told.
    pub why: String,
}
