//! The messages between agent and shim, and their bytes.
//!
//! Both ends are the same program file, so there is one version and no negotiation: each side opens with
//! [`Message::Hello`] and hangs up on a version that is not its own. All numbers are little-endian.
//!
//! ```text
//! frame    | len u32 | kind u8 | ticket u64 | body …            len counts what follows it
//!
//! kind 1   Hello     version u32                                 both ways, first; ticket 0
//! kind 2   Start     asked_us u64, awaited u8, spec              agent to shim
//! kind 3   Stop      grace_us u64                                agent to shim; ticket 0
//! kind 4   Report    report                                      shim to agent, with the ticket of its Start
//! kind 5   Limits    nothing                                     shim to agent; ticket 0
//!
//! bytes    | len u32 | … |
//! list     | count u32 | item … |
//! option   | 0 u8 |  or  | 1 u8 | value |
//! spec     argv list<bytes> | shell_line option<bytes> | env list<bytes bytes> | stdin bytes | cwd bytes
//!          | credentials option<uid u32, gid u32, groups list<u32>> | nice i8 | io_priority option<class u8, level u8>
//!          | address_space option<u64> | cpu_s option<u64> | processes option<u64> | open_files option<u64>
//!          | no_new_privileges u8 | warm_perl u8 | warm_python u8 | leave_background u8 | await_background u8
//!          | timeout_us u64 | grace_us u64 | stdout_max u64 | stderr_max u64
//! report   outcome | stdout bytes | stdout_bytes u64 | stderr bytes | stderr_bytes u64
//!          | wait_us u64 | wall_us u64 | cpu_us u64 | max_rss_bytes u64 | left_behind u32 | warm u8
//! outcome  0 code u8 (exited) | 1 signal u8 (signalled) | 2 (timed out) | 3 errno i32, message bytes (not started)
//!          | 4 (not finished) | 5 (stuck)
//! ```
//!
//! A decoder never panics and never allocates more than it was given.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::time::Duration;

use crate::error::{DecodeError, Error};
use crate::language::Warm;
use crate::limits::FRAME_MAX_BYTES;
use crate::spec::{Credentials, IoPriority, Limits, Outcome, Report, Spec};

const LEN_BYTES: usize = 4;
const KIND_HELLO: u8 = 1;
const KIND_START: u8 = 2;
const KIND_STOP: u8 = 3;
const KIND_REPORT: u8 = 4;
const KIND_LIMITS: u8 = 5;

/// One message, either way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Opens the conversation.
    Hello {
        /// [`VERSION`](crate::VERSION) of the sender.
        version: u32,
    },
    /// Run this.
    Start {
        /// Chosen by the agent; comes back with the report.
        ticket: u64,
        /// When the agent wanted it started, by [`monotonic_us`](crate::monotonic_us).
        asked_us: u64,
        /// Whether its report is to be sent at once, and not gathered with those of others.
        awaited: bool,
        /// What to run.
        spec: Box<Spec>,
    },
    /// End what runs, report it and end.
    Stop {
        /// Between TERM and KILL.
        grace: Duration,
    },
    /// What came of a run.
    Report {
        /// The ticket of its [`Message::Start`].
        ticket: u64,
        /// What came of it.
        report: Box<Report>,
    },
    /// Somebody has changed the worker's own resource limits: it starts nothing more and must be replaced.
    LimitsChanged,
}

/// Appends the message's frame.
///
/// # Errors
/// [`Error::TooLong`] if it exceeds [`FRAME_MAX_BYTES`]; `out` is then as it was.
pub fn encode_message(message: &Message, out: &mut Vec<u8>) -> Result<(), Error> {
    match message {
        Message::Hello { version } => frame(out, KIND_HELLO, 0, |out| put_u32(out, *version)),
        Message::Start { ticket, asked_us, awaited, spec } => {
            encode_start(*ticket, *asked_us, *awaited, spec, out)
        }
        Message::Stop { grace } => frame(out, KIND_STOP, 0, |out| put_duration(out, *grace)),
        Message::Report { ticket, report } => encode_report(*ticket, report, out),
        Message::LimitsChanged => frame(out, KIND_LIMITS, 0, |_| {}),
    }
}

/// Appends the frame of a [`Message::Start`] without the box.
///
/// # Errors
/// As for [`encode_message`].
pub fn encode_start(
    ticket: u64,
    asked_us: u64,
    awaited: bool,
    spec: &Spec,
    out: &mut Vec<u8>,
) -> Result<(), Error> {
    frame(out, KIND_START, ticket, |out| {
        put_u64(out, asked_us);
        out.push(u8::from(awaited));
        put_spec(out, spec);
    })
}

/// Appends the frame of a [`Message::Report`] without the box.
pub(crate) fn encode_report(ticket: u64, report: &Report, out: &mut Vec<u8>) -> Result<(), Error> {
    frame(out, KIND_REPORT, ticket, |out| put_report(out, report))
}

/// Takes the first message off `input`: the message and the length of its frame, or none if it is not complete yet.
///
/// # Errors
/// The bytes are no message; the conversation cannot go on.
pub fn decode_message(input: &[u8]) -> Result<Option<(Message, usize)>, DecodeError> {
    let Some((head, rest)) = input.split_first_chunk::<LEN_BYTES>() else { return Ok(None) };
    let len = u32::from_le_bytes(*head);
    if len as usize > FRAME_MAX_BYTES {
        return Err(DecodeError::FrameTooLong(len));
    }
    let Some(body) = rest.get(..len as usize) else { return Ok(None) };
    let mut fields = Fields { rest: body };
    let kind = fields.u8()?;
    let ticket = fields.u64()?;
    let message = match kind {
        KIND_HELLO => Message::Hello { version: fields.u32()? },
        KIND_START => Message::Start {
            ticket,
            asked_us: fields.u64()?,
            awaited: fields.flag()?,
            spec: Box::new(fields.spec()?),
        },
        KIND_STOP => Message::Stop { grace: fields.duration()? },
        KIND_LIMITS => Message::LimitsChanged,
        KIND_REPORT => Message::Report { ticket, report: Box::new(fields.report()?) },
        kind => return Err(DecodeError::Kind(kind)),
    };
    if !fields.rest.is_empty() {
        return Err(DecodeError::Trailing(fields.rest.len()));
    }
    Ok(Some((message, LEN_BYTES + body.len())))
}

fn frame(out: &mut Vec<u8>, kind: u8, ticket: u64, body: impl FnOnce(&mut Vec<u8>)) -> Result<(), Error> {
    let start = out.len();
    put_u32(out, 0);
    out.push(kind);
    put_u64(out, ticket);
    body(out);
    let len_bytes = out.len() - start - LEN_BYTES;
    if len_bytes > FRAME_MAX_BYTES {
        out.truncate(start);
        return Err(Error::TooLong { len_bytes });
    }
    out[start..start + LEN_BYTES].copy_from_slice(&(len_bytes as u32).to_le_bytes());
    Ok(())
}

fn put_u32(out: &mut Vec<u8>, value: u32) {
    out.extend_from_slice(&value.to_le_bytes());
}

fn put_u64(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(&value.to_le_bytes());
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    // A longer one makes the frame too long, which is refused as a whole.
    put_u32(out, u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    out.extend_from_slice(bytes);
}

fn put_duration(out: &mut Vec<u8>, value: Duration) {
    put_u64(out, u64::try_from(value.as_micros()).unwrap_or(u64::MAX));
}

fn put_option(out: &mut Vec<u8>, value: Option<u64>) {
    match value {
        None => out.push(0),
        Some(value) => {
            out.push(1);
            put_u64(out, value);
        }
    }
}

fn put_spec(out: &mut Vec<u8>, spec: &Spec) {
    put_u32(out, spec.argv.len() as u32);
    for arg in &spec.argv {
        put_bytes(out, arg.as_bytes());
    }
    match &spec.shell_line {
        None => out.push(0),
        Some(line) => {
            out.push(1);
            put_bytes(out, line.as_bytes());
        }
    }
    put_u32(out, spec.env.len() as u32);
    for (name, value) in &spec.env {
        put_bytes(out, name.as_bytes());
        put_bytes(out, value.as_bytes());
    }
    put_bytes(out, &spec.stdin);
    put_bytes(out, spec.cwd.as_os_str().as_bytes());
    match &spec.credentials {
        None => out.push(0),
        Some(credentials) => {
            out.push(1);
            put_u32(out, credentials.uid);
            put_u32(out, credentials.gid);
            put_u32(out, credentials.groups.len() as u32);
            for group in &credentials.groups {
                put_u32(out, *group);
            }
        }
    }
    out.push(spec.nice as u8);
    match spec.io_priority {
        None => out.push(0),
        Some(IoPriority::RealTime(level)) => out.extend_from_slice(&[1, 1, level]),
        Some(IoPriority::BestEffort(level)) => out.extend_from_slice(&[1, 2, level]),
        Some(IoPriority::Idle) => out.extend_from_slice(&[1, 3, 0]),
    }
    put_option(out, spec.limits.address_space_bytes);
    put_option(out, spec.limits.cpu_s);
    put_option(out, spec.limits.processes);
    put_option(out, spec.limits.open_files);
    out.push(u8::from(spec.no_new_privileges));
    out.push(u8::from(spec.warm.perl));
    out.push(u8::from(spec.warm.python));
    out.push(u8::from(spec.leave_background));
    out.push(u8::from(spec.await_background));
    put_duration(out, spec.timeout);
    put_duration(out, spec.grace);
    put_u64(out, spec.stdout_max_bytes as u64);
    put_u64(out, spec.stderr_max_bytes as u64);
}

fn put_report(out: &mut Vec<u8>, report: &Report) {
    match &report.outcome {
        Outcome::Exited(code) => out.extend_from_slice(&[0, *code]),
        Outcome::Signalled(signal) => out.extend_from_slice(&[1, *signal]),
        Outcome::TimedOut => out.push(2),
        Outcome::NotStarted { errno, message } => {
            out.push(3);
            out.extend_from_slice(&errno.to_le_bytes());
            put_bytes(out, message.as_bytes());
        }
        Outcome::NotFinished => out.push(4),
        Outcome::Stuck => out.push(5),
    }
    put_bytes(out, &report.stdout);
    put_u64(out, report.stdout_bytes);
    put_bytes(out, &report.stderr);
    put_u64(out, report.stderr_bytes);
    put_u64(out, report.wait_us);
    put_u64(out, report.wall_us);
    put_u64(out, report.cpu_us);
    put_u64(out, report.max_rss_bytes);
    put_u32(out, report.left_behind);
    out.push(u8::from(report.warm));
}

/// The fields of one frame that are still to be read.
struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], DecodeError> {
        let (head, rest) = self.rest.split_at_checked(len).ok_or(DecodeError::Short)?;
        self.rest = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (head, rest) = self.rest.split_first_chunk::<N>().ok_or(DecodeError::Short)?;
        self.rest = rest;
        Ok(*head)
    }

    fn u8(&mut self) -> Result<u8, DecodeError> {
        Ok(u8::from_le_bytes(self.array()?))
    }

    fn u32(&mut self) -> Result<u32, DecodeError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn u64(&mut self) -> Result<u64, DecodeError> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    fn flag(&mut self) -> Result<bool, DecodeError> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            tag => Err(DecodeError::Tag(tag)),
        }
    }

    fn bytes(&mut self) -> Result<&'a [u8], DecodeError> {
        let len = self.u32()?;
        self.take(len as usize)
    }

    fn text(&mut self) -> Result<OsString, DecodeError> {
        Ok(OsString::from_vec(self.bytes()?.to_vec()))
    }

    fn size(&mut self) -> Result<usize, DecodeError> {
        Ok(usize::try_from(self.u64()?).unwrap_or(usize::MAX))
    }

    fn duration(&mut self) -> Result<Duration, DecodeError> {
        Ok(Duration::from_micros(self.u64()?))
    }

    fn option(&mut self) -> Result<Option<u64>, DecodeError> {
        if self.flag()? { self.u64().map(Some) } else { Ok(None) }
    }

    /// Reads `count` items. The vector grows as they come, so a false count allocates nothing.
    fn list<T>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Vec<T>, DecodeError> {
        let count = self.u32()?;
        let mut items = Vec::new();
        for _ in 0..count {
            items.push(item(self)?);
        }
        Ok(items)
    }

    fn spec(&mut self) -> Result<Spec, DecodeError> {
        Ok(Spec {
            argv: self.list(Fields::text)?,
            shell_line: if self.flag()? { Some(self.text()?) } else { None },
            env: self.list(|fields| Ok((fields.text()?, fields.text()?)))?,
            stdin: self.bytes()?.to_vec(),
            cwd: PathBuf::from(self.text()?),
            credentials: if self.flag()? { Some(self.credentials()?) } else { None },
            nice: self.u8()? as i8,
            io_priority: if self.flag()? { Some(self.io_priority()?) } else { None },
            limits: Limits {
                address_space_bytes: self.option()?,
                cpu_s: self.option()?,
                processes: self.option()?,
                open_files: self.option()?,
            },
            no_new_privileges: self.flag()?,
            warm: Warm { perl: self.flag()?, python: self.flag()? },
            leave_background: self.flag()?,
            await_background: self.flag()?,
            timeout: self.duration()?,
            grace: self.duration()?,
            stdout_max_bytes: self.size()?,
            stderr_max_bytes: self.size()?,
        })
    }

    fn credentials(&mut self) -> Result<Credentials, DecodeError> {
        Ok(Credentials { uid: self.u32()?, gid: self.u32()?, groups: self.list(Fields::u32)? })
    }

    fn io_priority(&mut self) -> Result<IoPriority, DecodeError> {
        match (self.u8()?, self.u8()?) {
            (1, level) => Ok(IoPriority::RealTime(level)),
            (2, level) => Ok(IoPriority::BestEffort(level)),
            (3, 0) => Ok(IoPriority::Idle),
            (tag, _) => Err(DecodeError::Tag(tag)),
        }
    }

    fn report(&mut self) -> Result<Report, DecodeError> {
        Ok(Report {
            outcome: self.outcome()?,
            stdout: self.bytes()?.to_vec(),
            stdout_bytes: self.u64()?,
            stderr: self.bytes()?.to_vec(),
            stderr_bytes: self.u64()?,
            wait_us: self.u64()?,
            wall_us: self.u64()?,
            cpu_us: self.u64()?,
            max_rss_bytes: self.u64()?,
            left_behind: self.u32()?,
            warm: self.flag()?,
        })
    }

    fn outcome(&mut self) -> Result<Outcome, DecodeError> {
        Ok(match self.u8()? {
            0 => Outcome::Exited(self.u8()?),
            1 => Outcome::Signalled(self.u8()?),
            2 => Outcome::TimedOut,
            3 => Outcome::NotStarted {
                errno: i32::from_le_bytes(self.array()?),
                message: String::from_utf8_lossy(self.bytes()?).into_owned(),
            },
            4 => Outcome::NotFinished,
            5 => Outcome::Stuck,
            tag => return Err(DecodeError::Tag(tag)),
        })
    }
}

#[cfg(test)]
mod tests;
