//! Rule files of Prometheus: groups of recording and alerting rules.

mod keys;
mod length;
mod model;
mod query;
mod read;
mod reserved;
mod rule;
mod texts;

pub(in crate::rules) use length::length_ms;
pub use model::{AlertRule, Group, RecordRule, Rule, RuleFile, RuleKind};
pub(crate) use query::query;
pub(crate) use read::read;
pub use read::read_files;
pub(crate) use texts::{Templates, Texts, texts};
