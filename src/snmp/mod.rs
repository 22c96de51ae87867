//! SNMP: devices are asked without a process, on the path of every other check, and what they report by themselves is
//! heard; objects have names.

pub mod engine;
mod hosts;
pub mod names;
mod poller;
mod question;
mod target;

pub use poller::{Device, Outcomes, Poller};
pub use question::{Absence, Answer, Column, Failure, Found, Outcome, Question};
pub use target::{Credentials, Target};
