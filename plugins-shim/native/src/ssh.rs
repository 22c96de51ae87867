//! `check_ssh`: what a server of SSH says of itself.

use std::ffi::OsString;

use custos_compat::getopt::Known;

use crate::arguments::{Words, flag, leading, valued};
use crate::expect::c_string;
use crate::not_native::NotNative;
use crate::printed::{Printed, State};
use crate::step::{Event, Family, Step, Target, out_of_turn};
use crate::tcp::{TIMEOUT_S, port, timeout_s};

/// What the plugin reads, once.
const READ_BYTES: usize = 256;
/// The name by which the plugin calls itself.
const OWN_NAME: &str = "check_ssh_2.3.3";

const KNOWN: [Known; 10] = [
    flag(b'h', "help"),
    flag(b'V', "version"),
    valued(b'H', "host"),
    valued(b'H', "hostname"),
    valued(b'p', "port"),
    flag(b'4', "use-ipv4"),
    flag(b'6', "use-ipv6"),
    valued(b't', "timeout"),
    flag(b'v', "verbose"),
    valued(b'r', "remote-version"),
];

/// The options.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ssh {
    target: Target,
    pub(crate) timeout_s: u64,
    version: Option<String>,
    protocol: Option<String>,
}

impl Ssh {
    pub(crate) fn read(words: &[OsString]) -> Result<Ssh, NotNative> {
        // The long form of -P is misspelt in the plugin, and so left to it.
        let known = [&KNOWN[..], &[valued(b'P', "")]].concat();
        let Words { options, words } = leading(words, &known)?;
        let (mut host, mut at, mut family) = (None, None, None);
        let (mut version, mut protocol, mut gives_up_s) = (None, None, TIMEOUT_S);
        for (option, value) in options {
            match option {
                b'H' => host = Some(value),
                b'p' => at = Some(port(&value)?),
                b'4' => family = Some(Family::V4),
                b'6' => family = Some(Family::V6),
                b't' => gives_up_s = timeout_s(&value)?,
                b'r' => version = Some(value),
                b'P' => protocol = Some(value),
                other => return Err(NotNative(format!("-{}", other as char))),
            }
        }
        let mut words = words.into_iter();
        let host = host.or_else(|| words.next()).ok_or_else(|| NotNative("no host".to_owned()))?;
        let at = match (at, words.next()) {
            (Some(at), None) => at,
            (None, Some(word)) => port(&word)?,
            (None, None) => 22,
            (Some(_), Some(word)) => return Err(NotNative(format!("the word `{word}` behind the options"))),
        };
        if let Some(word) = words.next() {
            return Err(NotNative(format!("the word `{word}` behind the options")));
        }
        let target = Target::host(&host, at, family, false)?;
        Ok(Ssh { target, timeout_s: gives_up_s, version, protocol })
    }
}

/// The program, at one of its steps.
#[derive(Debug)]
pub(crate) struct SshTalk {
    ssh: Ssh,
    began_us: u64,
    server: Option<Server>,
}

/// What a server says of itself.
#[derive(Debug)]
struct Server {
    version: Vec<u8>,
    protocol: Vec<u8>,
}

impl SshTalk {
    pub(crate) fn new(ssh: Ssh) -> SshTalk {
        SshTalk { ssh, began_us: 0, server: None }
    }

    pub(crate) fn next(&mut self, event: Event<'_>, now_us: u64) -> Result<Step, NotNative> {
        match event {
            Event::Begun => {
                self.began_us = now_us;
                Ok(Step::Connect(self.ssh.target.clone()))
            }
            Event::NotConnected(error) => {
                Ok(Step::Done(State::Critical.says(self.ssh.target.not_connected(error))))
            }
            Event::Connected => Ok(Step::Receive { max: READ_BYTES, within: None }),
            Event::Received(bytes) => {
                let answer = c_string(bytes);
                let Some(server) = Server::read(answer) else {
                    let stdout = [b"Server answer: ", answer].concat();
                    return Ok(Step::Done(Printed { exit: State::Critical as u8, stdout }));
                };
                let mut own = b"SSH-".to_vec();
                own.extend_from_slice(&server.protocol);
                own.extend_from_slice(format!("-{OWN_NAME}\r\n").as_bytes());
                self.server = Some(server);
                Ok(Step::Send(own))
            }
            Event::Sent => {
                let server = self.server.take().ok_or_else(|| out_of_turn(&event))?;
                Ok(Step::Done(self.judge(&server, now_us)))
            }
            Event::Secured(_) | Event::Silent | Event::Waited | Event::Read(_) => Err(out_of_turn(&event)),
        }
    }

    fn judge(&self, server: &Server, now_us: u64) -> Printed {
        let Server { version, protocol } = server;
        let is_other = |wanted: &Option<String>, found: &[u8]| {
            wanted.as_ref().filter(|wanted| wanted.as_bytes() != found).cloned()
        };
        let says = |state: State, end: String| {
            let mut line = format!("SSH {} - ", state.text()).into_bytes();
            line.extend_from_slice(version);
            line.extend_from_slice(b" (protocol ");
            line.extend_from_slice(protocol);
            line.extend_from_slice(end.as_bytes());
            state.says(line)
        };
        if let Some(wanted) = is_other(&self.ssh.version, version) {
            return says(State::Critical, format!(") version mismatch, expected '{wanted}'"));
        }
        if let Some(wanted) = is_other(&self.ssh.protocol, protocol) {
            return says(State::Critical, format!(") protocol version mismatch, expected '{wanted}'"));
        }
        let took_s = now_us.saturating_sub(self.began_us) as f64 / 1e6;
        let most_s = self.ssh.timeout_s;
        says(State::Ok, format!(") | time={took_s:.6}s;;;0.000000;{most_s}.000000"))
    }
}

impl Server {
    /// Reads what a server says of itself; none if that is not of SSH.
    fn read(answer: &[u8]) -> Option<Server> {
        if !answer.starts_with(b"SSH") {
            return None;
        }
        let is_blank = |byte: &u8| b" \r\n\t".contains(byte);
        let kept = answer.len() - answer.iter().rev().take_while(|byte| is_blank(byte)).count();
        let text = answer[..kept].get(4..).unwrap_or_default();
        let length = |of: &[u8]| text.iter().take_while(|byte| of.contains(byte)).count();
        let (protocol, version) = (length(b"0123456789. "), length(b"-0123456789. "));
        // The plugin ends the protocol in place, and so what begins there.
        let version = if version == protocol { &[] } else { &text[version..] };
        Some(Server { version: version.to_vec(), protocol: text[..protocol].to_vec() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_told_by_its_greeting() {
        let read = |text: &str| {
            Server::read(text.as_bytes()).map(|server| {
                (String::from_utf8(server.version).unwrap(), String::from_utf8(server.protocol).unwrap())
            })
        };
        let of = |version: &str, protocol: &str| Some((version.to_owned(), protocol.to_owned()));
        assert_eq!(read("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"), of("OpenSSH_9.2p1 Debian-2", "2.0"));
        assert_eq!(read("SSH-2.0OpenSSH"), of("", "2.0"));
        assert_eq!(read("SSH"), of("", ""));
        assert_eq!(read("220 ftp"), None);
    }
}
