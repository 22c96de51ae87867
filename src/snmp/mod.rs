//! SNMP: devices are asked without a process, on the path of every other check.

pub mod engine;
mod hosts;
mod poller;
mod question;
mod target;

pub use poller::{Device, Outcomes, Poller};
pub use question::{Absence, Answer, Column, Failure, Found, Outcome, Question};
pub use target::{Credentials, Target};
