//! What a device is asked, and what it answered.

use std::fmt;

use custos_compat::snmp::usm::ReportKind;
use custos_compat::snmp::{ErrorStatus, Fault, Oid, Value, VarBind};

use super::flaw::Flaw;

/// What a device is asked. Its uptime is asked along.
#[derive(Clone, Debug, PartialEq)]
pub enum Question {
    /// These variables.
    Get(Vec<Oid>),
    /// All variables below each of these, row by row.
    Walk {
        /// The columns of a table, or any roots.
        roots: Vec<Oid>,
        /// Most variables below one of them; the walk of it ends there.
        rows_max: usize,
    },
}

/// Why there is no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absence {
    /// The device has no such variable.
    NoSuchObject,
    /// The device has the variable, but not this instance.
    NoSuchInstance,
    /// Nothing follows.
    EndOfMibView,
    /// The device reports an error of this variable.
    Status(ErrorStatus),
    /// The device answered, but with what cannot be read.
    Unreadable(Fault),
    /// The device answered, but not of this variable.
    NotAnswered,
    /// A walk went back or in circles.
    NotIncreasing,
    /// There are more rows than may be.
    TooManyRows,
}

impl Absence {
    /// Whether there may well be a value, and it could not be read.
    pub fn is_failure(self) -> bool {
        !matches!(self, Absence::NoSuchObject | Absence::NoSuchInstance | Absence::EndOfMibView)
    }
}

impl fmt::Display for Absence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Absence::NoSuchObject => f.write_str("noSuchObject"),
            Absence::NoSuchInstance => f.write_str("noSuchInstance"),
            Absence::EndOfMibView => f.write_str("endOfMibView"),
            Absence::Status(status) => match status.name() {
                Some(name) => f.write_str(name),
                None => write!(f, "error {}", status.0),
            },
            Absence::Unreadable(fault) => write!(f, "cannot be read: {fault}"),
            Absence::NotAnswered => f.write_str("missing from the answer"),
            Absence::NotIncreasing => f.write_str("the device answers in circles"),
            Absence::TooManyRows => f.write_str("more rows than are read"),
        }
    }
}

/// What a device answered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// Its uptime in hundredths of a second, if it says.
    pub uptime: Option<u32>,
    /// Whether the uptime went back since the poll before: every counter began anew.
    pub restarted: bool,
    /// What it answered.
    pub found: Found,
    /// Messages that were sent.
    pub requests: u32,
    /// Messages that were sent again.
    pub retries: u32,
}

/// The answer to a [`Question`].
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// To [`Question::Get`]: a value or why there is none, in the order asked.
    Values(Vec<Result<Value, Absence>>),
    /// To [`Question::Walk`]: what lies below each root.
    Columns(Vec<Column>),
}

impl Default for Found {
    fn default() -> Found {
        Found::Values(Vec::new())
    }
}

/// What lies below one root of a walk.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Column {
    /// The variables in rising order.
    pub varbinds: Vec<VarBind>,
    /// Why the walk ended before its end.
    pub cut: Option<Absence>,
}

/// Why a device did not answer at all.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// Silence.
    NoAnswer {
        /// How often it was asked.
        attempts: u32,
    },
    /// Something came, but nothing that could be taken as the answer.
    Unusable {
        /// How often it was asked.
        attempts: u32,
        /// What was wrong with what came last.
        flaw: Flaw,
    },
    /// Time was up in the middle of the answer.
    OutOfTime,
    /// The device refuses the message for what it proves itself with.
    Refused(ReportKind),
    /// The device reports an error of the whole request.
    Status(ErrorStatus),
    /// The message could not be made or sent.
    Unsent(String),
    /// The name of the device has no address.
    Unresolved(String),
    /// Too many polls are under way.
    Busy,
    /// The poller ended.
    Stopped,
}

/// The end of a poll.
pub type Outcome = Result<Answer, Failure>;

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::NoAnswer { attempts: 1 } => f.write_str("no answer"),
            Failure::NoAnswer { attempts } => write!(f, "no answer, asked {attempts} times"),
            Failure::Unusable { attempts, flaw } => {
                let link = if flaw.is_about_how() { "" } else { ", but" };
                write!(f, "the device answered{link} {flaw}")?;
                if *attempts > 1 { write!(f, ", asked {attempts} times") } else { Ok(()) }
            }
            Failure::OutOfTime => f.write_str("the answer took too long"),
            Failure::Refused(kind) => f.write_str(match kind {
                ReportKind::UnsupportedLevel => "the device refuses this level of security for the user",
                ReportKind::NotInTimeWindow => "the device finds our messages too old",
                ReportKind::UnknownUser => "the device does not know the user",
                ReportKind::UnknownEngine => "the device does not know its own engine id",
                ReportKind::WrongDigest => "the device finds the digest wrong: is the auth passphrase right?",
                ReportKind::DecryptionError => "the device cannot decrypt: is the priv passphrase right?",
            }),
            Failure::Status(status) => match status.name() {
                Some(name) => write!(f, "the device answered {name}"),
                None => write!(f, "the device answered with error {}", status.0),
            },
            Failure::Unsent(why) => write!(f, "failed to send: {why}"),
            Failure::Unresolved(why) => write!(f, "failed to look up the device: {why}"),
            Failure::Busy => f.write_str("too many polls are under way"),
            Failure::Stopped => f.write_str("the agent ended before the device answered"),
        }
    }
}
