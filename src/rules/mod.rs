//! Rules: expressions over the history that are judged like the output of a plugin, in the format of Prometheus' rule files.

mod active;
mod alert;
mod definition;
mod drawn;
mod evaluate;
mod file;
mod judged;
mod not_judged;
mod of_file;
mod outcome;
mod replay;
mod running;
mod selection;
pub(crate) mod sequence;
mod template;
mod told;
mod unit_test;
mod words;

pub use active::ActiveAlert;
pub use alert::{Alert, Alerts, Change, Element, Failure, Stage, Timing};
pub use definition::{AlertState, Judge, RuleCheck, RuleGroup, SEVERITY, Severities, When};
pub use drawn::selected_series;
pub use evaluate::{ALERT_NAME, ALERT_STATE, ALERTS, ALERTS_FOR_STATE, text_vector};
pub use file::{AlertRule, Group, RecordRule, Rule, RuleFile, RuleKind, read_files};
pub(crate) use file::{Templates, Texts, query, read as read_file, texts};
pub use judged::{Because, JudgeOrder, JudgedGroup, JudgedRule};
pub use not_judged::NotJudged;
pub use outcome::{FIRING, NOT_JUDGED, PENDING, VALUE};
pub use replay::{
    Ended, Judged, JudgementStretch, JudgementStretches, Kept, Past, Peak, Recorded, Replay, Surroundings,
    Unseen, Watch, Worse, judgement_times, writer_for,
};
pub use running::{JudgedAt, RunningRule, alert_words};
pub use selection::{Selectable, Selection};
pub use sequence::{
    Condition, Happened, HappenedStep, Matched, Recovery, Sequence, SequenceFailure, SequenceState, Step,
    StepKind, read_sequence,
};
pub use template::{Context, External, Judgement, QueryFunction, StopFunction, Template};
pub use told::{Told, is_failure, told};
pub use unit_test::{TestFailure, TestFile, read_test_files, run as run_tests};
pub use words::{SUMMARIES, alert_line};
