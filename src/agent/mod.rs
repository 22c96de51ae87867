//! The agent's mind: what to start, record and answer, decided from events and the time alone.
//!
//! [`Agent::handle`] takes one [`Event`] at one moment and says what must be done as [`Effect`]s; `crate::daemon`
//! performs them. Nothing here waits, reads a clock, or knows processes or protocols, so a simulation can drive days of it.

mod answer;
mod cached;
mod check_state;
mod checks;
mod clones;
mod core;
mod due;
mod effect;
mod end;
mod executions;
mod health;
mod judging;
mod load;
mod missed;
mod own_check;
mod passive;
mod ranks;
mod reload;
mod requests;
mod restore;
mod row;
mod rule_answer;
mod rules;
mod schedule;
mod skipped;
mod start;
mod unjudged;
mod waiting;
mod watch;
mod watching;

pub use answer::{Answer, verdict_output};
pub use core::Agent;
pub use effect::{Ask, Effect, Event, Wanted};
pub use health::Health;
pub use own_check::own_answer;
pub use passive::answer as passive_answer;
pub use restore::{History, restore_standing, stood_after};
pub use row::{LastRun, Row};
pub use rule_answer::answer as rule_answer;
pub use watch::{Watch, Watching};
