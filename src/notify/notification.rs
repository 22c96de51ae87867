//! What is told: a group of alerts as they stand, in no medium's words yet.

use std::collections::BTreeMap;
use std::sync::Arc;

use custos_store::State;

/// One message to one target: the alerts of a group as they stand now.
#[derive(Clone, Debug, PartialEq)]
pub struct Notification {
    /// Which group it is: the same for all messages about it.
    pub group_key: String,
    /// The labels by which its alerts belong together.
    pub group_labels: BTreeMap<String, String>,
    /// Why it is sent now.
    pub why: Why,
    /// The alerts, those that fire first. At least one.
    pub alerts: Vec<NotifiedAlert>,
    /// Alerts of the group that are left out, as there are too many.
    pub left_out: u64,
    /// When it was made (ms since the epoch).
    pub at_ms: i64,
}

/// Why a notification is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Something that was not told yet.
    News,
    /// What was told goes on.
    Repeat,
    /// Nothing happened: somebody tries the target.
    Trial,
    /// Nothing happened: the target is shown that the agent lives.
    Heartbeat,
}

/// Whether an alert fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// It does.
    Firing,
    /// It does no longer.
    Resolved,
}

/// An alert of a notification.
#[derive(Clone, Debug, PartialEq)]
pub struct NotifiedAlert {
    /// Whether it fires.
    pub status: Status,
    /// Whether the target was not told of it as it is now.
    pub news: bool,
    /// Its labels: `alertname`, `host` and `check` among them.
    pub labels: BTreeMap<String, String>,
    /// Texts about it.
    pub annotations: BTreeMap<String, String>,
    /// The state that it stands for; after a recovery the one that it stood for.
    pub state: State,
    /// Since when it fires (ms since the epoch).
    pub started_ms: i64,
    /// When it was resolved (ms since the epoch).
    pub ended_ms: Option<i64>,
    /// The check that it is of, as of the run that decided it.
    pub check: NotifiedCheck,
    /// Whether it is over by these labels only, and goes on by others, under which it is in the message as well.
    pub relabelled: bool,
    /// Whether another alert of its check and host goes on, which the target knows.
    pub others_go_on: bool,
}

impl NotifiedAlert {
    /// Whether it ended as its check is no longer defined, and not by a recovery.
    pub fn is_gone(&self) -> bool {
        self.status == Status::Resolved && self.check.gone
    }
}

/// The check that an alert is of, as of one run. The alerts of a check share its texts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NotifiedCheck {
    /// Its name.
    pub name: String,
    /// Its state.
    pub state: State,
    /// Whether that is hard.
    pub hard: bool,
    /// Which attempt it was, from 1.
    pub attempt: u32,
    /// Attempts that make a problem hard.
    pub max_attempts: u32,
    /// Its state before.
    pub previous_state: State,
    /// Since when it is in its state (ms since the epoch).
    pub since_ms: i64,
    /// When the run was (ms since the epoch).
    pub run_ms: i64,
    /// How long the run took (µs).
    pub duration_us: u64,
    /// How late the run was (µs).
    pub lateness_us: u64,
    /// First line of the plugin's output.
    pub text: Arc<str>,
    /// Why it has its state, in one line, as `custos status` says it: what the thresholds said, if they decided, and the plugin's text.
    pub verdict: Arc<str>,
    /// What is said of this alert by itself, where its check is a rule, whose text is about all of its alerts. Empty otherwise.
    pub own: Arc<str>,
    /// Its further lines.
    pub long_text: Arc<str>,
    /// What the thresholds said.
    pub judgement: Arc<str>,
    /// Its performance data, as a plugin prints them.
    pub perfdata: Arc<str>,
    /// The metric that decided, if one did, as `CHECK:METRIC` names it. Of a rule that may be one of another check.
    pub metric: Option<String>,
    /// Whether it is no longer defined: nothing is known of it any more.
    pub gone: bool,
}
