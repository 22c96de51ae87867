//! The unit of the store: one run of one check, with everything that was seen and decided.

use crate::instances::Instances;
use crate::provenance::Provenance;
use crate::state::State;
use crate::value::{Bounds, Value};

/// How a run ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Reason {
    /// The plugin exited by itself; `exit_code` says how.
    #[default]
    Exited = 0,
    /// The plugin ran longer than its timeout and was ended.
    Timeout = 1,
    /// The plugin was killed by a signal that the agent did not send; `signal` says which.
    Signal = 2,
    /// The plugin could not be started at all; the text says why.
    NotStarted = 3,
    /// No run: one or more slots passed without one. `missed_slots` counts them, `duration_us` spans them.
    Missed = 4,
    /// The run was under way when the agent or its shim ended, so its result is not known.
    NotFinished = 5,
    /// No run: another check that this one depends on was in trouble.
    Skipped = 6,
    /// Values that another system kept, without the state of a run: single ones, or for a span of time, see
    /// [`Provenance::Consolidated`].
    Imported = 7,
}

impl Reason {
    /// Every reason, by number.
    pub const ALL: [Reason; 8] = [
        Reason::Exited,
        Reason::Timeout,
        Reason::Signal,
        Reason::NotStarted,
        Reason::Missed,
        Reason::NotFinished,
        Reason::Skipped,
        Reason::Imported,
    ];

    /// The reason with that number, if there is one.
    pub fn from_code(code: u8) -> Option<Reason> {
        Reason::ALL.get(usize::from(code)).copied()
    }

    /// The number that the store writes.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// Whether nothing is known of what a run would have found: it did not take place, or its result was lost.
    pub fn is_unobserved(self) -> bool {
        matches!(self, Reason::Missed | Reason::NotFinished | Reason::Skipped | Reason::Imported)
    }

    /// The name in JSON and on the command line, such as `exited` or `not_started`.
    pub fn name(self) -> &'static str {
        match self {
            Reason::Exited => "exited",
            Reason::Timeout => "timeout",
            Reason::Signal => "signal",
            Reason::NotStarted => "not_started",
            Reason::Missed => "missed",
            Reason::NotFinished => "not_finished",
            Reason::Skipped => "skipped",
            Reason::Imported => "imported",
        }
    }
}

/// Where a check stands after a run: all that is needed to go on judging after a restart.
///
/// Kept with every run, so that the last run of a check is its state and there is no second database. The
/// columns hardly ever change and cost next to nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// `true` when the state is hard: confirmed by `max_check_attempts` runs, or OK.
    pub hard: bool,
    /// The current attempt, from 1 to `max_check_attempts`.
    pub attempt: u32,
    /// The last hard state, which a soft state does not change.
    pub hard_state: State,
    /// When the current state (not merely its type) began, in ms since the epoch.
    pub since_ms: i64,
    /// `true` while the check is flapping by Nagios' rule.
    pub flapping: bool,
    /// The last 21 states that count for flapping, two bits each, newest in the lowest bits.
    pub flap_history: u64,
}

/// One metric of a run: a number with the unit and limits that came with it, all in base units.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metric {
    /// The name that the plugin printed, such as `load1` or `/`.
    pub label: String,
    /// Further labels as (name, value), sorted by name; empty for perfdata. An SNMP table puts its row here.
    pub labels: Vec<(String, String)>,
    /// The number, or none where the plugin said `U` (undetermined).
    pub value: Option<Value>,
    /// Base unit, such as `s`, `B`, `%` or `c` for a counter; empty if there is none.
    pub unit: String,
    /// The unit as printed, such as `MB`: with it, a value scaled by a wrong choice of prefix can be undone.
    pub printed_unit: String,
    /// The plugin's own warning range.
    pub warn: Option<Bounds>,
    /// The plugin's own critical range.
    pub crit: Option<Bounds>,
    /// The least possible value.
    pub min: Option<f64>,
    /// The greatest possible value.
    pub max: Option<f64>,
}

impl Metric {
    /// A metric of that name and number, or of no known number, without labels, unit and limits.
    pub fn new(label: impl Into<String>, value: impl Into<Option<Value>>) -> Metric {
        Metric { label: label.into(), value: value.into(), ..Metric::default() }
    }
}

/// One run of one check.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Run {
    /// When the plugin was started (or the first slot of a missed stretch), in ms since the epoch. Any `i64`.
    pub time_ms: i64,
    /// How long the run took, in microseconds of wall time.
    pub duration_us: u64,
    /// How long after its slot the run started, in microseconds; none for a run that had no slot.
    pub lateness_us: Option<u64>,
    /// User and system time of the plugin and its waited-for children, in microseconds.
    pub cpu_us: Option<u64>,
    /// Peak resident memory of the plugin, in bytes.
    pub max_rss_bytes: Option<u64>,
    /// The verdict: the worst of the plugin's own state and the thresholds.
    pub state: State,
    /// The plugin's own state, by its exit code.
    pub plugin_state: State,
    /// How the run ended.
    pub reason: Reason,
    /// Exit status 0–255, if the plugin exited.
    pub exit_code: Option<u8>,
    /// Signal number, if a signal ended the plugin.
    pub signal: Option<u8>,
    /// Slots that passed without a run, for [`Reason::Missed`]; otherwise 0.
    pub missed_slots: u32,
    /// Where the check stands after this run.
    pub standing: Standing,
    /// First line of the output, without perfdata.
    pub text: String,
    /// Further lines of the output, without perfdata.
    pub long_text: String,
    /// The head of what the plugin wrote to stderr.
    pub stderr: String,
    /// Who asked for the run: empty for the schedule, else such as `nrpe 192.0.2.7 tls=ADH-AES256-GCM-SHA384`.
    pub origin: String,
    /// What the thresholds had to say, empty if nothing.
    pub judgement: String,
    /// The metrics, in the order in which they were printed, no two with the same label and labels.
    pub metrics: Vec<Metric>,
    /// What the check judges at once, each with its state: all of them, also those that this run does not concern.
    pub instances: Instances,
    /// `true` if the run says nothing of metrics that it does not carry, as a trap does. Otherwise a metric that is
    /// absent is gone, as with a plugin that no longer prints it.
    pub partial: bool,
    /// What made the run.
    pub provenance: Provenance,
    /// `true` if the run was taken in from elsewhere ([`crate::Importer`] sets it): its place in history is by its time, and
    /// it says nothing of where the check stands now, whenever it arrived.
    pub imported: bool,
}

impl Run {
    /// The memory that it takes in bytes, near enough for a bound. Of instances only what a run does not share with the one before
    /// it: the list of blocks, and the block with the one that changed.
    pub fn memory_bytes(&self) -> usize {
        let instances = if self.instances.is_empty() { 0 } else { 2048 + self.instances.len() / 2 };
        let texts = self.text.len() + self.long_text.len() + self.stderr.len() + self.origin.len();
        let labels = |metric: &Metric| -> usize {
            metric.labels.iter().map(|(name, value)| 96 + name.len() + value.len()).sum()
        };
        let metrics: usize = self.metrics.iter().map(|m| 200 + m.label.len() + labels(m)).sum();
        std::mem::size_of::<Run>() + texts + self.judgement.len() + metrics + instances
    }
}
