//! Rule files of Prometheus: groups of recording and alerting rules.

mod keys;
mod length;
mod model;
mod read;
mod rule;
mod texts;

pub(in crate::rules) use length::length_ms;
pub use model::{AlertRule, Group, RecordRule, Rule, RuleFile, RuleKind};
pub(in crate::rules) use read::read;
pub use read::read_files;
pub(crate) use texts::{Templates, Texts, texts};
