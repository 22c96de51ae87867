//! The asking side, without a runtime: commands are short-lived.
//!
//! What is answered counts only if the kernel says that a process of root or of the store's owner is at the other end; a
//! run counts only from the one that holds the store's lock, as every agent does whose store works. An answer is bounded
//! in size and in time.

use std::fmt;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use custos_store::writer_pid;
use nix::unistd::Uid;

use super::peer::{Peer, Stranger};
use super::place::{Place, connect_aside};
use super::protocol::{Request, Response};
use crate::clock::{self, micros};
use crate::limits::{
    CONTROL_ANSWER_MAX_BYTES, CONTROL_POLL, CONTROL_REPORT_GRACE, CONTROL_STATUS_MAX, CONTROL_STOPPED_LOOKS,
};
use crate::text::human;

/// Why there is no answer.
#[derive(Debug)]
#[non_exhaustive]
pub enum AskError {
    /// No agent runs on this store.
    NoAgent,
    /// Who answers is not the agent.
    Stranger(Stranger),
    /// This user may not ask.
    Denied,
    /// The agent is stopped, by SIGSTOP or a debugger.
    Stopped(Peer),
    /// It did not answer within this time.
    Silent(Peer, Duration),
    /// So many commands wait for it that it takes no more.
    Busy,
    /// There is one, but the connection failed.
    Io(io::Error),
    /// Its answer is longer than any should be.
    TooLong,
    /// It answered something that cannot be read; another version, most likely.
    Unreadable(String),
}

impl fmt::Display for AskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AskError::NoAgent => write!(f, "no agent is running"),
            AskError::Stranger(stranger) => write!(f, "{stranger}"),
            AskError::Denied => write!(f, "only root and the owner of the store may ask the running agent"),
            AskError::Stopped(peer) => {
                write!(f, "the running agent, process {}, is stopped (kill -CONT continues it)", peer.pid)
            }
            AskError::Silent(peer, patience) => {
                let patience = human::duration_ms(patience.as_millis() as i64);
                write!(f, "the running agent, process {}, did not answer within {patience}", peer.pid)
            }
            AskError::Busy => write!(f, "too many commands wait for the running agent"),
            AskError::Io(error) => write!(f, "failed to ask the running agent: {error}"),
            AskError::TooLong => write!(f, "the running agent's answer is too long"),
            AskError::Unreadable(answer) => write!(f, "failed to read the running agent's answer {answer:?}"),
        }
    }
}

impl std::error::Error for AskError {}

impl From<io::Error> for AskError {
    fn from(error: io::Error) -> AskError {
        AskError::Io(error)
    }
}

/// How long an answer may take.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Until the agent has taken the request, or has answered it.
    pub accept: Duration,
    /// Until it has answered a request that it took.
    pub answer: Duration,
}

impl Patience {
    /// For a question that is answered at once.
    pub const STATUS: Patience = Patience { accept: CONTROL_STATUS_MAX, answer: CONTROL_STATUS_MAX };

    /// For a run of a check with this timeout. An agent that has taken the request ends the plugin itself and says so.
    pub fn of_check(timeout: Duration) -> Patience {
        Patience { accept: timeout, answer: timeout + CONTROL_REPORT_GRACE }
    }
}

/// What came back.
#[derive(Debug)]
pub struct Answered {
    /// The answer.
    pub response: Response,
    /// Why it may not be the agent that the store is written by.
    pub doubt: Option<Stranger>,
}

/// Asks the agent of the store at `dir`.
///
/// # Errors
/// There is none, it is not the agent that answers, or it does not in time.
pub fn ask(dir: &Path, request: &Request, patience: Patience) -> Result<Answered, AskError> {
    let (mut stream, peer) = connect(dir)?;
    let doubt = peer.writes(writer_pid(dir)).err();
    if let (Some(stranger), Request::Run(_)) = (doubt, request) {
        return Err(AskError::Stranger(stranger));
    }
    let mut line = serde_json::to_string(request).map_err(|e| AskError::Unreadable(e.to_string()))?;
    line.push('\n');
    stream.set_write_timeout(Some(patience.accept))?;
    match stream.write_all(line.as_bytes()) {
        // It may have refused without reading, and has said why.
        Err(error) if matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset) => {}
        written => written?,
    }
    let mut answers = Answers { stream, peer, read: Vec::new(), stopped: 0 };
    let start_us = clock::now().mono_us;
    let mut response = answers.next(start_us, patience.accept)?;
    if response == Response::Accepted {
        response = answers.next(start_us, patience.answer)?;
    }
    Ok(Answered { response, doubt })
}

/// The agent of the store at `dir`, by the kernel's word.
///
/// # Errors
/// There is none, or a stranger listens in its place.
pub fn agent(dir: &Path) -> Result<Peer, AskError> {
    connect(dir).map(|(_, peer)| peer)
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
    let peer = Peer::of(&socket).map_err(io::Error::from)?;
    peer.may_speak_for(owner).map_err(AskError::Stranger)?;
    let stream = UnixStream::from(socket);
    stream.set_nonblocking(false)?;
    Ok((stream, peer))
}

/// Whether nothing listens there.
fn is_absent(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionRefused, NotADirectory, NotFound};
    matches!(error.kind(), ConnectionRefused | NotADirectory | NotFound)
}

fn refusal(error: io::Error) -> AskError {
    match error.kind() {
        _ if is_absent(&error) => AskError::NoAgent,
        io::ErrorKind::PermissionDenied => AskError::Denied,
        io::ErrorKind::WouldBlock => AskError::Busy,
        _ => AskError::Io(error),
    }
}

/// The lines that come back.
struct Answers {
    stream: UnixStream,
    peer: Peer,
    /// What was read and not yet used.
    read: Vec<u8>,
    /// Looks in a row that found the agent stopped.
    stopped: u32,
}

impl Answers {
    /// The next response. `patience` counts from the start of it all.
    fn next(&mut self, start_us: u64, patience: Duration) -> Result<Response, AskError> {
        self.stream.set_read_timeout(Some(CONTROL_POLL))?;
        let mut searched = 0;
        let mut buffer = vec![0; 64 * 1024];
        loop {
            if let Some(end) = self.read[searched..].iter().position(|byte| *byte == b'\n') {
                let rest = self.read.split_off(searched + end + 1);
                let line = std::mem::replace(&mut self.read, rest);
                return serde_json::from_slice(&line).map_err(|_| unreadable(&line));
            }
            searched = self.read.len();
            if searched > CONTROL_ANSWER_MAX_BYTES {
                return Err(AskError::TooLong);
            }
            match self.stream.read(&mut buffer) {
                Ok(0) => return Err(unreadable(&self.read)),
                Ok(count) => self.read.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.look()?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
            if clock::now().mono_us.saturating_sub(start_us) >= micros(patience) {
                return Err(AskError::Silent(self.peer, patience));
            }
        }
    }

    /// Looks whether the agent, which is silent, is stopped.
    fn look(&mut self) -> Result<(), AskError> {
        self.stopped = if self.peer.is_stopped() == Some(true) { self.stopped + 1 } else { 0 };
        if self.stopped >= CONTROL_STOPPED_LOOKS { Err(AskError::Stopped(self.peer)) } else { Ok(()) }
    }
}

fn unreadable(answer: &[u8]) -> AskError {
    AskError::Unreadable(String::from_utf8_lossy(answer).chars().take(80).collect())
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use custos_store::{Options, Writer};
    use tempfile::TempDir;

    use super::*;

    /// A store that this process writes to, so that it may answer for it.
    fn store() -> (TempDir, Writer, UnixListener) {
        let directory = tempfile::tempdir().unwrap();
        let writer = Writer::open(directory.path(), Options::default()).unwrap();
        let listener = UnixListener::bind(directory.path().join("agent.socket")).unwrap();
        (directory, writer, listener)
    }

    fn status() -> Response {
        Response::Refused("for a reason".to_owned())
    }

    #[test]
    fn an_answer_comes_whole_also_in_pieces_and_behind_an_acceptance() {
        let (directory, _writer, listener) = store();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let line = serde_json::to_string(&status()).unwrap();
            let (first, second) = line.split_at(7);
            for piece in ["\"accepted\"\n", first, second, "\n"] {
                stream.write_all(piece.as_bytes()).unwrap();
            }
        });
        let answer = ask(directory.path(), &Request::Status, Patience::STATUS).unwrap();
        assert_eq!((answer.response, answer.doubt), (status(), None));
        server.join().unwrap();
    }

    #[test]
    fn an_endless_answer_is_cut_off() {
        let (directory, _writer, listener) = store();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            while stream.write_all(&[b'x'; 1 << 20]).is_ok() {}
        });
        let patience = Patience { accept: Duration::from_secs(600), answer: Duration::from_secs(600) };
        let answer = ask(directory.path(), &Request::Status, patience);
        assert!(matches!(answer, Err(AskError::TooLong)), "{answer:?}");
        server.join().unwrap();
    }

    #[test]
    fn who_does_not_write_to_the_store_is_not_believed() {
        let (directory, writer, _listener) = store();
        writer.close().unwrap();
        let answer = ask(directory.path(), &Request::Run("c".to_owned()), Patience::STATUS);
        assert!(matches!(answer, Err(AskError::Stranger(Stranger::Process(_, None)))), "{answer:?}");
    }

    #[test]
    fn silence_ends_with_the_patience_and_names_the_process() {
        let (directory, _writer, listener) = store();
        let patience = Patience { accept: Duration::from_millis(1), answer: Duration::from_millis(1) };
        let answer = ask(directory.path(), &Request::Status, patience).unwrap_err();
        let own = std::process::id();
        assert_eq!(
            answer.to_string(),
            format!("the running agent, process {own}, did not answer within 1ms")
        );
        drop(listener);
    }

    #[test]
    fn a_socket_that_nobody_listens_on_is_no_agent() {
        let (directory, _writer, listener) = store();
        drop(listener);
        assert!(matches!(agent(directory.path()), Err(AskError::NoAgent)));
        std::fs::remove_file(directory.path().join("agent.socket")).unwrap();
        assert!(matches!(agent(directory.path()), Err(AskError::NoAgent)));
        assert!(matches!(agent(&directory.path().join("absent")), Err(AskError::NoAgent)));
    }
}
