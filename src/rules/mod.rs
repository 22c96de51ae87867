//! Rules: expressions over the history that are judged like the output of a plugin, in the format of Prometheus' rule files.

mod active;
mod alert;
mod definition;
mod evaluate;
mod file;
mod group;
mod judgement;
mod run;
mod template;
mod unit_test;

pub use active::ActiveAlert;
pub use alert::{Alert, Alerts, Change, Element, Failure, Stage, Timing};
pub use definition::{AlertState, Judge, RuleCheck, RuleGroup, Severities, When};
pub use file::{AlertRule, Group, RecordRule, Rule, RuleFile, RuleKind, read_files};
pub use judgement::{Because, JudgedRule, Judgement, Order, Outcome};
pub use run::run_of;
pub use template::{Context, QueryFunction, Template};
pub use unit_test::{TestFailure, TestFile, read_test_files, run as run_tests};
