//! The asking side, without a runtime: commands are short-lived.
//!
//! The agent sends an empty line at once and every now and then until the answer is there, so that one which is stopped or
//! hangs is told from one that is busy with a long run.

use std::fmt;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::socket::{self, AddressFamily, SockFlag, SockType, UnixAddr, getsockopt, setsockopt, sockopt};
use nix::sys::time::{TimeVal, TimeValLike};

use super::protocol::{Request, Response, address};
use crate::clock;
use crate::limits::{CONTROL_ANSWER_MAX_BYTES, CONTROL_SILENCE_MAX};
use crate::text::human::duration_ms;
use crate::text::system_error::words;

/// Why there is no answer.
#[derive(Debug)]
#[non_exhaustive]
pub enum AskError {
    /// No agent runs on this store.
    NoAgent,
    /// There is one, and it gives no sign of life: it is stopped, or hangs.
    Silent,
    /// It is alive, but what was asked takes it longer than this.
    Slow(Duration),
    /// It does not do what was asked, and says why.
    Refused(String),
    /// It closed the connection without an answer.
    Closed,
    /// The system refused to carry the question or the answer.
    Io(io::Error),
    /// It answered something that cannot be read; another version, most likely.
    Unreadable(String),
}

impl fmt::Display for AskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AskError::NoAgent => write!(f, "no agent is running"),
            AskError::Silent => write!(f, "the running agent does not answer: it is stopped, or hangs"),
            AskError::Slow(patience) => {
                let ms = i64::try_from(patience.as_millis()).unwrap_or(i64::MAX);
                write!(f, "the running agent has not answered within {}", duration_ms(ms))
            }
            AskError::Refused(why) => write!(f, "the running agent refused: {why}"),
            AskError::Closed => write!(f, "the running agent closed the connection without an answer"),
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

/// Asks the agent that writes to the store at `dir`, and waits for its answer at most so long; far less for one that is
/// stopped. One that merely gives no sign of life may have no time for it on a machine that is overloaded: a run is waited
/// for all the same, the status is not.
///
/// # Errors
/// [`AskError`] says why there is no answer.
pub fn ask(dir: &Path, request: &Request, patience: Duration) -> Result<Response, AskError> {
    ask_at(&address(dir).map_err(AskError::Io)?, request, CONTROL_SILENCE_MAX, patience)
}

fn ask_at(
    address: &SocketAddr,
    request: &Request,
    silence: Duration,
    patience: Duration,
) -> Result<Response, AskError> {
    let mut stream = connect(address, silence)?;
    let mut line = serde_json::to_string(request).map_err(|error| AskError::Unreadable(error.to_string()))?;
    line.push('\n');
    match stream.write_all(line.as_bytes()) {
        // It may have said why before it closed.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
        written => written.map_err(failed)?,
    }
    let answer = answer(&stream, matches!(request, Request::Run(_)), patience)?;
    serde_json::from_slice(&answer)
        .map_err(|_| AskError::Unreadable(String::from_utf8_lossy(&answer).chars().take(80).collect()))
}

/// Connects within a time: an agent that is stopped accepts nobody, and once its queue is full a plain connect would wait
/// for ever.
fn connect(address: &SocketAddr, silence: Duration) -> Result<UnixStream, AskError> {
    let os = |errno: Errno| AskError::Io(errno.into());
    let name = address.as_abstract_name().unwrap_or_default();
    let address = UnixAddr::new_abstract(name).map_err(os)?;
    let fd =
        socket::socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).map_err(os)?;
    let time = TimeVal::milliseconds(i64::try_from(silence.as_millis()).unwrap_or(i64::MAX));
    setsockopt(&fd, sockopt::SendTimeout, &time).map_err(os)?;
    setsockopt(&fd, sockopt::ReceiveTimeout, &time).map_err(os)?;
    use std::os::fd::AsRawFd;
    match socket::connect(fd.as_raw_fd(), &address) {
        Ok(()) => Ok(UnixStream::from(fd)),
        Err(Errno::ECONNREFUSED | Errno::ENOENT) => Err(AskError::NoAgent),
        Err(Errno::EAGAIN | Errno::ETIMEDOUT) => Err(AskError::Silent),
        Err(errno) => Err(os(errno)),
    }
}

/// The first line that is not empty. With `persist`, silence alone is not the end.
fn answer(stream: &UnixStream, persist: bool, patience: Duration) -> Result<Vec<u8>, AskError> {
    let until_us = clock::now().after(patience).mono_us;
    let mut reader = BufReader::new(stream.take(CONTROL_ANSWER_MAX_BYTES));
    let mut line = Vec::new();
    loop {
        match reader.read_until(b'\n', &mut line) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if is_timeout(&error) && persist && !is_stopped(stream) => {}
            read => match read.map_err(failed)? {
                0 if line.is_empty() => return Err(AskError::Closed),
                _ if line != b"\n" => return Ok(line),
                _ => line.clear(),
            },
        }
        if clock::now().mono_us > until_us {
            return Err(AskError::Slow(patience));
        }
    }
}

/// Whether the process that listens is stopped, by a signal or a debugger.
fn is_stopped(stream: &UnixStream) -> bool {
    let peer = getsockopt(stream, sockopt::PeerCredentials).ok();
    let stat = peer.and_then(|peer| std::fs::read_to_string(format!("/proc/{}/stat", peer.pid())).ok());
    // The name before the state is in parentheses, and may have some itself.
    stat.as_deref()
        .and_then(|stat| stat.rsplit_once(") "))
        .is_some_and(|(_, rest)| rest.starts_with(['T', 't']))
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
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);
    const SHORT: Duration = Duration::from_millis(50);

    /// A listener that stands for an agent, and its address.
    fn agent(name: &str) -> (UnixListener, SocketAddr) {
        let name = format!("custos-test/{}/{name}", std::process::id());
        let address = SocketAddr::from_abstract_name(name).unwrap();
        (UnixListener::bind_addr(&address).unwrap(), address)
    }

    /// What is made of an agent that sends these bytes and then closes the connection.
    fn asked(name: &str, bytes: &'static [u8]) -> Result<Response, AskError> {
        let (listener, address) = agent(name);
        let answering = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            BufReader::new(&stream).read_line(&mut String::new()).unwrap();
            stream.write_all(bytes).unwrap();
        });
        let answer = ask_at(&address, &Request::Status, LONG, LONG);
        answering.join().unwrap();
        answer
    }

    #[test]
    fn signs_of_life_come_before_the_answer() {
        let refused = |answer| matches!(answer, Ok(Response::Refused(why)) if why == "no");
        assert!(refused(asked("signs", b"\n\n\n{\"refused\":\"no\"}\n")));
        assert!(refused(asked("plain", b"{\"refused\":\"no\"}\n")));
        assert!(matches!(asked("closed", b"\n\n"), Err(AskError::Closed)));
        assert!(matches!(asked("other", b"\nHTTP/1.1 400\n"), Err(AskError::Unreadable(_))));
    }

    #[test]
    fn one_that_is_stopped_is_silent_however_long_the_answer_may_take() {
        let (_listener, address) = agent("stopped");
        assert!(matches!(ask_at(&address, &Request::Status, SHORT, LONG), Err(AskError::Silent)));
        // Nor does it matter how many have asked before.
        let mut waiting = Vec::new();
        let full = (0..10_000).find_map(|_| match connect(&address, SHORT) {
            Ok(stream) => {
                waiting.push(stream);
                None
            }
            Err(error) => Some(error),
        });
        assert!(matches!(full, Some(AskError::Silent)), "{full:?}");
        let none = SocketAddr::from_abstract_name("custos-test/none").unwrap();
        assert!(matches!(ask_at(&none, &Request::Status, SHORT, LONG), Err(AskError::NoAgent)));
    }

    #[test]
    fn a_run_is_waited_for_unless_the_agent_is_stopped() {
        let (_listener, address) = agent("busy");
        let run = Request::Run("x".to_owned());
        let patience = Duration::from_millis(120);
        assert!(matches!(ask_at(&address, &run, SHORT, patience), Err(AskError::Slow(_))));
    }

    #[test]
    fn one_that_lives_may_still_take_too_long() {
        let (listener, address) = agent("slow");
        let answering = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            while stream.write_all(b"\n").is_ok() {}
        });
        let slow = ask_at(&address, &Request::Status, LONG, Duration::ZERO);
        assert!(matches!(slow, Err(AskError::Slow(_))), "{slow:?}");
        answering.join().unwrap();
    }

    #[test]
    fn messages_have_no_numbers_of_the_system() {
        let refused = AskError::Io(io::Error::from_raw_os_error(libc::EACCES));
        assert_eq!(refused.to_string(), "failed to ask the running agent: Permission denied");
        let slow = AskError::Slow(Duration::from_secs(12));
        assert_eq!(slow.to_string(), "the running agent has not answered within 12s");
    }
}
