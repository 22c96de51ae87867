//! The asking side, without a runtime: commands are short-lived.

use std::fmt;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use super::protocol::{Request, Response, address};

/// Why there is no answer.
#[derive(Debug)]
#[non_exhaustive]
pub enum AskError {
    /// No agent runs on this store.
    NoAgent,
    /// There is one, but it did not answer.
    Io(std::io::Error),
    /// It answered something that cannot be read; another version, most likely.
    Unreadable(String),
}

impl fmt::Display for AskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AskError::NoAgent => write!(f, "no agent is running"),
            AskError::Io(error) => write!(f, "failed to ask the running agent: {error}"),
            AskError::Unreadable(answer) => write!(f, "failed to read the agent's answer {answer:?}"),
        }
    }
}

impl std::error::Error for AskError {}

/// Asks the agent that writes to the store at `dir`, and waits for its answer at most so long.
pub fn ask(dir: &Path, request: &Request, patience: Duration) -> Result<Response, AskError> {
    let address = address(dir).map_err(AskError::Io)?;
    let mut stream = UnixStream::connect_addr(&address).map_err(|error| match error.kind() {
        std::io::ErrorKind::ConnectionRefused | std::io::ErrorKind::NotFound => AskError::NoAgent,
        _ => AskError::Io(error),
    })?;
    stream.set_read_timeout(Some(patience)).map_err(AskError::Io)?;
    stream.set_write_timeout(Some(patience)).map_err(AskError::Io)?;
    let mut line = serde_json::to_string(request).map_err(|e| AskError::Unreadable(e.to_string()))?;
    line.push('\n');
    stream.write_all(line.as_bytes()).map_err(AskError::Io)?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).map_err(AskError::Io)?;
    serde_json::from_str(&answer).map_err(|_| AskError::Unreadable(answer.chars().take(80).collect()))
}
