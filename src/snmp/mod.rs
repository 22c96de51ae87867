//! SNMP: devices are asked without a process, on the path of every other check, and what they report by themselves is
//! heard; objects have names.

mod asker;
mod cell;
mod collector;
mod condition;
pub mod engine;
mod flaw;
mod hosts;
mod native;
mod plan;
mod poller;
mod question;
mod reading;
mod row_names;
mod rows;
mod target;
pub mod traps;

pub use asker::{Asker, ask_once, poll_once};
pub use flaw::Flaw;
pub use poller::{Device, Outcomes, Poller};
pub use question::{Absence, Answer, Column, Failure, Found, Outcome, Question};
pub use reading::read;
pub use row_names::RowNames;
pub use target::{Answers, Credentials, Target};
