//! What clients print, and what comes back on a connection.

use std::io::Read;
use std::net::{Shutdown, TcpStream};
use std::process::Output;

use custos_compat::nrpe::{Assembler, Kind, Packet};

/// What a client printed and how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) code: Option<i32>,
}

impl From<Output> for Answer {
    fn from(output: Output) -> Answer {
        // Bytes that are no UTF-8 must stay distinguishable.
        let text = |bytes: &[u8]| match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => bytes.escape_ascii().to_string(),
        };
        Answer { stdout: text(&output.stdout), stderr: text(&output.stderr), code: output.status.code() }
    }
}

/// What came back on a connection.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Reply {
    /// Nothing: the daemon closed.
    Closed,
    /// A packet, and how many bytes came in all.
    Packet(Packet, usize),
    /// Something else.
    Junk(Vec<u8>),
}

impl std::fmt::Debug for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown = |bytes: &[u8]| {
            let head = bytes[..bytes.len().min(120)].escape_ascii();
            format!("{} bytes: {head}", bytes.len())
        };
        match self {
            Reply::Closed => write!(f, "closed"),
            Reply::Packet(packet, len) => {
                write!(f, "{:?} code {} len {len}, text {}", packet.version, packet.code, shown(&packet.text))
            }
            Reply::Junk(bytes) => write!(f, "junk, {}", shown(bytes)),
        }
    }
}

impl Reply {
    /// Reads to the end of the connection.
    pub(crate) fn read(stream: &mut TcpStream) -> Reply {
        let mut bytes = Vec::new();
        let mut buffer = [0; 8192];
        loop {
            match stream.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => bytes.extend_from_slice(&buffer[..read]),
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => break,
                Err(error) => panic!("the daemon neither answered nor closed: {error}"),
            }
        }
        let _ = stream.shutdown(Shutdown::Both);
        Reply::from_bytes(&bytes)
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Reply {
        if bytes.is_empty() {
            return Reply::Closed;
        }
        let mut assembler = Assembler::default();
        match assembler.push(bytes).and_then(|_| assembler.finish(Kind::Response)) {
            Ok(packet) => Reply::Packet(packet, bytes.len()),
            Err(_) => Reply::Junk(bytes.to_vec()),
        }
    }

    /// The code and the text of a packet.
    pub(crate) fn said(&self) -> (i16, String) {
        match self {
            Reply::Packet(packet, _) => (packet.code, String::from_utf8_lossy(&packet.text).into_owned()),
            other => panic!("no packet: {other:?}"),
        }
    }
}
