//! Requests to the agent, and its answers.

use std::ffi::OsString;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use custos_compat::nrpe::SEPARATOR;
use custos_shim::Credentials;
use tokio::sync::oneshot;

use crate::limits;
use crate::text::is_unsafe;

/// A command that a client asks for. Its run takes the same path as a scheduled one.
#[derive(Debug)]
pub struct Request {
    /// Name of the command: the name of the check under which the run is recorded.
    pub command: String,
    /// What to run.
    pub task: Task,
    /// How long it may run.
    pub timeout: Duration,
    /// Bytes of text that the packet of the answer carries.
    pub room_bytes: usize,
    /// Who asked.
    pub origin: Origin,
    /// Where the answer goes. If it is dropped, the client gets UNKNOWN.
    pub answer: oneshot::Sender<Answer>,
}

/// What a request runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Task {
    /// A line of `nrpe.cfg`.
    Line {
        /// The line for `/bin/sh -c`, with the arguments expanded.
        line: OsString,
        /// The whole environment.
        env: Vec<(OsString, OsString)>,
        /// The user to run as; `None`: the agent's own.
        credentials: Option<Credentials>,
    },
    /// The check of that name in the agent's configuration.
    Check,
}

/// What is sent to the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The result, 0 to 3.
    pub code: u8,
    /// The text as bytes, before it is cut to the length that a packet can carry.
    pub text: Vec<u8>,
}

/// Who asked, and over which transport.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The peer's address; `None` for a request on standard input.
    pub peer: Option<IpAddr>,
    /// The transport.
    pub transport: Transport,
    /// The arguments of the request, printable and bounded; empty if there are none.
    pub arguments: String,
}

/// The arguments of a request as they are kept with its run: as the client sent them, with `!` between them, printable,
/// and cut at [`limits::NRPE_ARGUMENTS_KEPT_MAX_BYTES`].
pub(super) fn shown_arguments(arguments: &[&[u8]]) -> String {
    let sent = arguments.join(&SEPARATOR);
    let mut shown = String::new();
    for character in String::from_utf8_lossy(&sent).chars() {
        if shown.len() >= limits::NRPE_ARGUMENTS_KEPT_MAX_BYTES {
            shown.push('…');
            break;
        }
        match character {
            '"' | '\\' => shown.extend(['\\', character]),
            _ if is_unsafe(character) => shown.extend(character.escape_unicode()),
            _ => shown.push(character),
        }
    }
    shown
}

/// The transport of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transport {
    /// TCP without TLS.
    Plain,
    /// TLS.
    Tls {
        /// Protocol version, such as `TLSv1.3`.
        protocol: &'static str,
        /// Cipher suite, such as `ADH-AES256-GCM-SHA384`.
        cipher: String,
        /// `true`: neither side sent a certificate, so neither is authenticated.
        anonymous: bool,
        /// Subject of the client's verified certificate, such as `/O=Example/CN=poller`.
        client: Option<String>,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.peer {
            Some(peer) => write!(f, "nrpe {peer}")?,
            None => write!(f, "nrpe stdin")?,
        }
        match &self.transport {
            Transport::Plain => write!(f, " plain")?,
            Transport::Tls { cipher, client: None, .. } => write!(f, " tls={cipher}")?,
            Transport::Tls { cipher, client: Some(client), .. } => write!(f, " tls={cipher} cert={client}")?,
        }
        match self.arguments.as_str() {
            "" => Ok(()),
            arguments => write!(f, " args=\"{arguments}\""),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_names_the_peer_and_the_transport() {
        let tls = |client: Option<&str>| Transport::Tls {
            protocol: "TLSv1.2",
            cipher: "ADH-AES256-GCM-SHA384".into(),
            anonymous: true,
            client: client.map(str::to_owned),
        };
        let peer = Some("192.0.2.7".parse().unwrap());
        let shown = |peer, transport| Origin { peer, transport, arguments: String::new() }.to_string();
        assert_eq!(shown(peer, Transport::Plain), "nrpe 192.0.2.7 plain");
        assert_eq!(shown(peer, tls(None)), "nrpe 192.0.2.7 tls=ADH-AES256-GCM-SHA384");
        assert_eq!(shown(None, tls(Some("/CN=p"))), "nrpe stdin tls=ADH-AES256-GCM-SHA384 cert=/CN=p");
    }

    #[test]
    fn an_origin_tells_the_arguments_printable_and_bounded() {
        let shown = |arguments: &[&[u8]]| {
            let arguments = shown_arguments(arguments);
            Origin { peer: None, transport: Transport::Plain, arguments }.to_string()
        };
        assert_eq!(shown(&[b"-w 99%", b"-c 100%"]), r#"nrpe stdin plain args="-w 99%!-c 100%""#);
        assert_eq!(shown(&[b"a\"b\\c"]), r#"nrpe stdin plain args="a\"b\\c""#);
        assert_eq!(shown(&[b"\x1b[1m\xff"]), "nrpe stdin plain args=\"\\u{1b}[1m\u{fffd}\"");
        let long = shown(&[&[b'x'; 5_000]]);
        assert!(long.len() < 400 && long.ends_with("x…\""), "{long}");
    }
}
