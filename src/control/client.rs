//! The client side, without a runtime: commands are short-lived.
//!
//! What is answered counts only if the kernel says that a process of root or of the store's owner is at the other end; a
//! run counts only from the one that holds the store's lock, as every agent does whose store works. An answer is bounded
//! in size and in time.
//!
//! The agent sends an empty line at once and every now and then until the answer is there, so that one which is stopped or
//! hangs is distinguished from one that is busy with a long run.

use std::fmt;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use custos_store::writer_pid;
use nix::unistd::Uid;

use super::peer::{Peer, Stranger};
use super::place::{Place, connect_aside};
use super::protocol::{Request, Response};
use crate::clock;
use crate::limits::{CONTROL_ANSWER_MAX_BYTES, CONTROL_SILENCE_MAX, WATCH_SILENCE_MAX};
use crate::live::Wish;
use crate::text::human::duration_ms;
use crate::text::system_error::words;

/// Why there is no answer.
#[derive(Debug)]
#[non_exhaustive]
pub enum AskError {
    /// No agent runs on this store.
    NoAgent,
    /// The process that answers is not the agent.
    Stranger(Stranger),
    /// This user may not ask.
    Denied,
    /// The agent gives no sign of life: it is stopped, or hangs.
    Silent,
    /// The agent is alive, but the request takes longer than this.
    Slow(Duration),
    /// The agent refuses the request, with the reason.
    Refused(String),
    /// It closed the connection without an answer.
    Closed,
    /// Its answer is longer than any should be.
    TooLong,
    /// The system failed to transport the request or the answer.
    Io(io::Error),
    /// It answered something that cannot be read; another version, most likely.
    Unreadable(String),
}

impl fmt::Display for AskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AskError::NoAgent => write!(f, "no agent is running"),
            AskError::Stranger(stranger) => write!(f, "{stranger}"),
            AskError::Denied => write!(f, "only root and the owner of the store may ask the running agent"),
            AskError::Silent => write!(f, "the running agent does not answer: it is stopped, or hangs"),
            AskError::Slow(patience) => {
                let ms = i64::try_from(patience.as_millis()).unwrap_or(i64::MAX);
                write!(f, "the running agent has not answered within {}", duration_ms(ms))
            }
            AskError::Refused(why) => write!(f, "the running agent refused: {why}"),
            AskError::Closed => write!(f, "the running agent closed the connection without an answer"),
            AskError::TooLong => write!(f, "the running agent's answer is too long"),
            AskError::Io(error) => write!(f, "failed to ask the running agent: {}", words(error)),
            AskError::Unreadable(answer) => write!(f, "failed to read the agent's answer {answer:?}"),
        }
    }
}

impl std::error::Error for AskError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            AskError::Io(error) => Some(error),
            _ => None,
        }
    }
}

/// An answer and where it came from.
#[derive(Debug)]
pub struct Answered {
    /// The answer.
    pub response: Response,
    /// Why it may not be the agent that the store is written by.
    pub doubt: Option<Stranger>,
}

/// Asks the agent of the store at `dir`, and waits for its answer at most so long; far less for one that is stopped. One
/// that merely gives no sign of life may have no time for it on a machine that is overloaded: a run is waited for all the
/// same, the status is not.
///
/// # Errors
/// [`AskError`] says why there is no answer.
pub fn ask(dir: &Path, request: &Request, patience: Duration) -> Result<Answered, AskError> {
    let (stream, peer) = connect(dir)?;
    let doubt = peer.writes(writer_pid(dir)).err();
    if let (Some(stranger), false) = (doubt, *request == Request::Status) {
        return Err(AskError::Stranger(stranger));
    }
    let response = converse(stream, peer, request, CONTROL_SILENCE_MAX, patience)?;
    Ok(Answered { response, doubt })
}

/// The agent of the store at `dir`, according to the kernel.
///
/// # Errors
/// There is none, or a stranger listens in its place.
pub fn agent(dir: &Path) -> Result<Peer, AskError> {
    connect(dir).map(|(_, peer)| peer)
}

/// The lines of checks that are watched, each a [`LiveLine`](crate::live::LiveLine) without its end.
#[derive(Debug)]
pub struct Watched {
    reader: BufReader<UnixStream>,
}

/// Watches checks of the agent of the store at `dir`.
///
/// # Errors
/// [`AskError`] says why they cannot be watched.
pub fn watch(dir: &Path, wishes: Vec<Wish>) -> Result<Watched, AskError> {
    let (stream, peer) = connect(dir)?;
    peer.writes(writer_pid(dir)).map_err(AskError::Stranger)?;
    let mut stream = tell(stream, &Request::Watch(wishes), CONTROL_SILENCE_MAX)?;
    stream.set_read_timeout(Some(WATCH_SILENCE_MAX)).map_err(AskError::Io)?;
    stream.flush().map_err(AskError::Io)?;
    Ok(Watched { reader: BufReader::new(stream) })
}

impl Watched {
    /// Waits for the next line; `None` after the last one. Answers the signs of life of the agent meanwhile, without which
    /// it takes whoever watches for gone.
    ///
    /// # Errors
    /// The agent refuses, says nothing for [`WATCH_SILENCE_MAX`], or is gone.
    pub fn next_line(&mut self) -> Result<Option<String>, AskError> {
        loop {
            let mut line = Vec::new();
            let mut bounded = (&mut self.reader).take(CONTROL_ANSWER_MAX_BYTES);
            bounded.read_until(b'\n', &mut line).map_err(failed)?;
            match heard(line)? {
                Heard::End => return Ok(None),
                Heard::Line(line) => return Ok(Some(line)),
                Heard::SignOfLife => self.show_life(),
            }
        }
    }

    /// The connection once more.
    pub(super) fn stream(&self) -> io::Result<UnixStream> {
        self.reader.get_ref().try_clone()
    }

    /// The connection, of which nothing was read.
    pub(super) fn into_stream(self) -> UnixStream {
        self.reader.into_inner()
    }

    /// Where this fails, the connection is at its end, as the next reading tells.
    fn show_life(&self) {
        let _ = self.reader.get_ref().write_all(b"\n");
    }
}

/// What the agent says to one who watches.
pub(super) enum Heard {
    /// A line of what is watched.
    Line(String),
    /// Nothing, but that it is there.
    SignOfLife,
    /// Nothing more will follow.
    End,
}

/// What was read up to the end of a line.
///
/// # Errors
/// The agent refuses, or ended within a line.
pub(super) fn heard(mut line: Vec<u8>) -> Result<Heard, AskError> {
    if line.is_empty() {
        return Ok(Heard::End);
    }
    if line.pop_if(|last| *last == b'\n').is_none() {
        return Err(AskError::Closed);
    }
    match serde_json::from_slice(&line) {
        Ok(Response::Refused(why)) => Err(AskError::Refused(why)),
        _ if line.is_empty() => Ok(Heard::SignOfLife),
        _ => String::from_utf8(line).map(Heard::Line).map_err(|_| AskError::Closed),
    }
}

fn connect(dir: &Path) -> Result<(UnixStream, Peer), AskError> {
    let place = Place::open(dir);
    let owner = place.as_ref().map_or(Uid::effective(), Place::owner);
    let found = match &place {
        Ok(place) => place.connect().map_err(io::Error::from),
        Err(error) => Err(io::Error::from(error.kind())),
    };
    let socket = match found {
        Ok(socket) => socket,
        Err(error) if is_absent(&error) => connect_aside(dir).map_err(refusal)?,
        Err(error) => return Err(refusal(error)),
    };
    let peer = Peer::of(&socket).map_err(|errno| AskError::Io(errno.into()))?;
    peer.may_speak_for(owner).map_err(AskError::Stranger)?;
    Ok((UnixStream::from(socket), peer))
}

/// Whether nothing listens there.
fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionRefused | ErrorKind::NotADirectory | ErrorKind::NotFound)
}

fn refusal(error: io::Error) -> AskError {
    match error.kind() {
        _ if is_absent(&error) => AskError::NoAgent,
        ErrorKind::PermissionDenied => AskError::Denied,
        // It accepts no further connection, and its queue is full.
        ErrorKind::WouldBlock => AskError::Silent,
        _ => AskError::Io(error),
    }
}

/// Asks over a connection that is there.
fn converse(
    stream: UnixStream,
    peer: Peer,
    request: &Request,
    silence: Duration,
    patience: Duration,
) -> Result<Response, AskError> {
    let stream = tell(stream, request, silence)?;
    let answer = answer(&stream, peer, matches!(request, Request::Run(_)), patience)?;
    serde_json::from_slice(&answer)
        .map_err(|_| AskError::Unreadable(String::from_utf8_lossy(&answer).chars().take(80).collect()))
}

/// Sends a request.
fn tell(mut stream: UnixStream, request: &Request, silence: Duration) -> Result<UnixStream, AskError> {
    let mut line = serde_json::to_string(request).map_err(|error| AskError::Unreadable(error.to_string()))?;
    line.push('\n');
    stream.set_nonblocking(false).map_err(AskError::Io)?;
    stream.set_read_timeout(Some(silence)).map_err(AskError::Io)?;
    stream.set_write_timeout(Some(silence)).map_err(AskError::Io)?;
    match stream.write_all(line.as_bytes()) {
        // It may have refused without reading, and sent the reason.
        Err(error) if matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) => {}
        written => written.map_err(failed)?,
    }
    Ok(stream)
}

/// The first line that is not empty. With `persist`, silence alone is not the end.
fn answer(stream: &UnixStream, peer: Peer, persist: bool, patience: Duration) -> Result<Vec<u8>, AskError> {
    let until_us = clock::now().after(patience).mono_us;
    let mut reader = BufReader::new(stream.take(CONTROL_ANSWER_MAX_BYTES));
    let mut line = Vec::new();
    loop {
        match reader.read_until(b'\n', &mut line) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if is_timeout(&error) && persist && peer.is_stopped() != Some(true) => {}
            read => match read.map_err(failed)? {
                0 if line.is_empty() => return Err(AskError::Closed),
                _ if line == b"\n" => line.clear(),
                _ if !line.ends_with(b"\n") && reader.get_ref().limit() == 0 => {
                    return Err(AskError::TooLong);
                }
                _ => return Ok(line),
            },
        }
        if clock::now().mono_us > until_us {
            return Err(AskError::Slow(patience));
        }
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

fn failed(error: io::Error) -> AskError {
    match error.kind() {
        _ if is_timeout(&error) => AskError::Silent,
        ErrorKind::ConnectionReset => AskError::Closed,
        _ => AskError::Io(error),
    }
}

#[cfg(test)]
mod tests;
