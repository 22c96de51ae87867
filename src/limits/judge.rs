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

/// A timer of a group of rules that fires later than this fired late because nobody looked for a while: what was due meanwhile is not
/// judged, and silence is counted anew.
pub const RULE_LATE_MAX: Duration = Duration::from_secs(2);

/// How much later than the last stored judgement of a rule samples can be that were stored although what the rule came to was not
/// (ms).
pub const RESTORE_LOST_MS: i64 = 300_000;
/// Most alerts or series of one rule; a rule with more could not be judged, as if its `limit` were this.
pub const RULE_RESULTS_MAX: usize = 5_000;
/// Annotations that a rule may give its alerts.
pub const RULE_ANNOTATIONS_MAX: usize = 64;
/// Bytes in the names and texts of these, as they are written.
pub const RULE_ANNOTATIONS_MAX_BYTES: usize = 64 * 1024;
/// Alerts that the first line of a rule's run names; further ones are counted there.
pub const RULE_ALERTS_NAMED_MAX: usize = 3;
/// Alerts that the long text of a rule's run lists; further ones are counted there.
pub const RULE_ALERTS_LISTED_MAX: usize = 20;
/// Characters of each of their texts.
pub const RULE_ALERT_CHARS_MAX: usize = 240;
/// How long rules wait for a run of a check that they select which began at or before the time that they are judged at. What
/// ends later is seen at the next judgement.
pub const RULE_WAIT_MAX: Duration = Duration::from_secs(2);
/// By how much the last judgement of rules may be ahead of the clock before that counts as one that was wrong and was set back.
pub const RULE_AHEAD_MAX: Duration = Duration::from_secs(10);
/// Times that a group of rules is to be judged at while it waits, and runs that are the reason for one of them; beyond it the
/// oldest are taken together.
pub const RULE_TIMES_WAITING_MAX: usize = 64;
/// Bytes of a text that a template expands to, and of each that one of its functions is given or makes.
pub const TEMPLATE_TEXT_MAX_BYTES: usize = 64 * 1024;
/// Rounds of `range` in one expansion of a template.
pub const TEMPLATE_ROUNDS_MAX: u64 = 100_000;
/// Calls of functions in one expansion of a template; each round of `range` and each `template` counts as one.
pub const TEMPLATE_CALLS_MAX: u32 = 200_000;
/// Bytes that all functions of one expansion of a template are given and make.
pub const TEMPLATE_MADE_MAX_BYTES: usize = 64 << 20;
/// Bytes of a map that `args` makes in a template, with all that is in it.
pub const TEMPLATE_VALUE_MAX_BYTES: usize = 4 << 20;
/// How many times such maps may be in each other.
pub const TEMPLATE_NESTED_MAX: usize = 16;
/// Arguments of `printf` and its like in a template.
pub const TEMPLATE_ARGUMENTS_MAX: usize = 64;
/// Different queries that the templates of one rule may ask in one judgement. The same text is asked once.
pub const TEMPLATE_QUERIES_MAX: usize = 10_000;
/// Bytes of the answers to them, which are kept for that judgement.
pub const TEMPLATE_ANSWERS_MAX_BYTES: usize = 32 << 20;

/// Steps of a sequence.
pub const SEQUENCE_STEPS_MAX: usize = 16;
/// Conditions of one step of a sequence that may begin in any order. What is under way is kept for each set of them.
pub const SEQUENCE_ALL_MAX: usize = 5;
/// How many times a step of a sequence may have to happen.
pub const SEQUENCE_TIMES_MAX: i32 = 1000;
/// How long a step of a sequence, or all of it, may take.
pub const SEQUENCE_LENGTH_MAX: Duration = Duration::from_secs(366 * 86_400);
/// Combinations of labels for which one sequence has matches under way or alerts. With more it fails, and nothing changes.
pub const SEQUENCE_KEYS_MAX: usize = 10_000;
/// How late the end of a wait for what must not come may be judged (ms), or as late as it was long. Later than that nobody was
/// there to see what came, and nothing follows from it.
pub const SEQUENCE_LATE_MIN_MS: i64 = 300_000;
