//! The bounds of judging rules.

use std::time::Duration;

/// Runs and orders that wait for the thread that judges rules; runs beyond it are read from the store.
pub const JUDGE_QUEUE_MAX: usize = 16 * 1024;

/// Runs at which that thread is woken though no order waits.
pub const JUDGE_QUEUE_HURRY: usize = 256;

/// Answers that wait for the agent; beyond it the thread waits.
pub const JUDGE_ANSWERS_MAX: usize = 256;

/// How long judging one rule may take; then it counts as one that could not be judged.
pub const JUDGE_RULE_MAX: Duration = Duration::from_secs(10);

/// Step of a subquery of a rule that has none (ms), as Prometheus has it by default.
pub const JUDGE_SUBQUERY_STEP_MS: i64 = 60_000;

/// Runs of a rule's check that are looked at after a start to find when it last had no alert.
pub const RESTORE_RUNS_MAX: usize = 50_000;

/// How long restoring the alerts of one group of rules may take; then they are as far as that has come.
pub const RESTORE_GROUP_MAX: Duration = Duration::from_secs(30);

/// How much later than the last stored judgement of a rule samples can be that were stored although what the rule came to was not
/// (ms).
pub const RESTORE_LOST_MS: i64 = 300_000;
