//! A job that is run for its result: what it prints goes where it would go, and its end is kept.

use std::ffi::OsString;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use nix::sys::stat::fstat;

use super::tail::Tail;
use crate::limits::CRON_OUTPUT_BYTES;
use crate::lock::locked;

/// How a shell says that there is no such program.
const NOT_FOUND: u8 = 127;
/// How a shell says that a program cannot be run.
const NOT_RUN: u8 = 126;
/// What a shell adds to the number of a signal.
const SIGNALLED: u8 = 128;
/// Bytes that are handed on at a time.
const PIECE_BYTES: usize = 16 * 1024;

/// A job that was started.
#[derive(Debug)]
pub(super) struct Running {
    child: Child,
    printed: Arc<Mutex<Tail>>,
    streams: Vec<JoinHandle<()>>,
}

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    Exited(u8),
    Signalled(i32),
    NotStarted(String, u8),
}

impl Running {
    pub(super) fn start(words: &[OsString]) -> Result<Running, Ended> {
        let [program, arguments @ ..] = words else {
            return Err(Ended::NotStarted("there is no command".to_owned(), NOT_RUN));
        };
        let mut command = Command::new(program);
        command.args(arguments);
        let not_started = |error: io::Error| {
            let status = if error.kind() == ErrorKind::NotFound { NOT_FOUND } else { NOT_RUN };
            Ended::NotStarted(format!("{}: {error}", program.to_string_lossy()), status)
        };
        let printed = Arc::new(Mutex::new(Tail::new(CRON_OUTPUT_BYTES)));
        let mut streams = Vec::new();
        if are_one_file(&io::stdout(), &io::stderr()) {
            // Then the order of what is printed is that of one pipe.
            let (from, to) = io::pipe().map_err(not_started)?;
            command.stdout(to.try_clone().map_err(not_started)?).stderr(to);
            streams.push(hand_on(from, io::stdout(), &printed));
        } else {
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
        }
        let mut child = command.spawn().map_err(not_started)?;
        if let Some(from) = child.stdout.take() {
            streams.push(hand_on(from, io::stdout(), &printed));
        }
        if let Some(from) = child.stderr.take() {
            streams.push(hand_on(from, io::stderr(), &printed));
        }
        Ok(Running { child, printed, streams })
    }

    /// Waits for the end of the job itself; what it left behind may still print.
    pub(super) fn wait(&mut self) -> Ended {
        match self.child.wait() {
            Ok(status) => Ended::of(status),
            Err(error) => Ended::NotStarted(format!("failed to wait for it: {error}"), NOT_RUN),
        }
    }

    /// The last lines that were printed.
    pub(super) fn lines(&self) -> Vec<String> {
        locked(&self.printed).lines()
    }

    /// Whether everything was printed.
    pub(super) fn is_drained(&self) -> bool {
        self.streams.iter().all(JoinHandle::is_finished)
    }

    /// Hands on what those print that the job left behind, until they have no more.
    pub(super) fn drain(self) {
        for stream in self.streams {
            let _ = stream.join();
        }
    }
}

/// Whether what is written to both goes to one place.
fn are_one_file(one: &impl AsFd, other: &impl AsFd) -> bool {
    match (fstat(one), fstat(other)) {
        (Ok(one), Ok(other)) => (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino),
        _ => false,
    }
}

/// Copies one of the job's streams to ours, and keeps its end.
fn hand_on(
    mut from: impl Read + Send + 'static,
    mut to: impl Write + Send + 'static,
    printed: &Arc<Mutex<Tail>>,
) -> JoinHandle<()> {
    let printed = Arc::clone(printed);
    std::thread::spawn(move || {
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            let count = match from.read(&mut piece) {
                Ok(0) => return,
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) => return,
            };
            locked(&printed).add(&piece[..count]);
            // Though nobody reads it, the job goes on.
            let _ = to.write_all(&piece[..count]).and_then(|()| to.flush());
        }
    })
}

impl Ended {
    fn of(status: ExitStatus) -> Ended {
        match (status.code(), status.signal()) {
            (Some(code), _) => Ended::Exited(u8::try_from(code).unwrap_or(u8::MAX)),
            (None, signal) => Ended::Signalled(signal.unwrap_or_default()),
        }
    }

    /// As a shell says it.
    pub(super) fn exit_status(&self) -> u8 {
        match self {
            Ended::Exited(code) => *code,
            Ended::Signalled(signal) => SIGNALLED.wrapping_add(u8::try_from(*signal).unwrap_or(0)),
            Ended::NotStarted(_, status) => *status,
        }
    }
}
