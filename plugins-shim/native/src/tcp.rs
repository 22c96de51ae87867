//! `check_tcp` and its kin, which are the same program by other names: the options.

use std::ffi::OsString;

use custos_compat::getopt::Known;

use crate::arguments::{Words, decimal, digits, flag, leading, unknown, valued};
use crate::certificate::Days;
use crate::expect::Expected;
use crate::not_native::NotNative;
use crate::printed::State;
use crate::step::{Family, Target};

/// Where sockets of the file system are that nobody has to answer for, as a server of a network file system.
const SOCKETS: [&str; 2] = ["/run/", "/var/run/"];
/// What users mount there.
const MOUNTS: [&str; 2] = ["/run/user/", "/run/media/"];
/// The timeout of the plugins, if none is given (s).
pub(crate) const TIMEOUT_S: u64 = 10;
/// How the options are known that have no letter.
const SNI: u8 = 1;

/// All options that the plugin has, as abbreviations depend on them.
const KNOWN: [Known; 26] = [
    valued(b'H', "hostname"),
    valued(b'c', "critical"),
    valued(b'w', "warning"),
    valued(b'C', "critical-codes"),
    valued(b'W', "warning-codes"),
    valued(b't', "timeout"),
    valued(b'P', "protocol"),
    valued(b'p', "port"),
    flag(b'E', "escape"),
    flag(b'A', "all"),
    valued(b's', "send"),
    valued(b'e', "expect"),
    valued(b'm', "maxbytes"),
    valued(b'q', "quit"),
    flag(b'j', "jail"),
    valued(b'd', "delay"),
    valued(b'r', "refuse"),
    valued(b'M', "mismatch"),
    flag(b'4', "use-ipv4"),
    flag(b'6', "use-ipv6"),
    flag(b'v', "verbose"),
    flag(b'V', "version"),
    flag(b'h', "help"),
    flag(b'S', "ssl"),
    valued(SNI, "sni"),
    valued(b'D', "certificate"),
];

/// What a name of the program stands for.
struct Service {
    name: &'static str,
    port: u16,
    send: Option<&'static str>,
    expect: &'static [&'static str],
    quit: Option<&'static str>,
    is_tls: bool,
    is_hidden: bool,
    /// Whether `-e` adds to what is expected instead of replacing it.
    adds: bool,
}

const PLAIN: Service = Service {
    name: "TCP",
    port: 0,
    send: None,
    expect: &[],
    quit: None,
    is_tls: false,
    is_hidden: false,
    adds: false,
};
const QUIT: Option<&str> = Some("QUIT\r\n");
const LOGOUT: Option<&str> = Some("a1 LOGOUT\r\n");

const SERVICES: [Service; 13] = [
    PLAIN,
    Service { name: "UDP", ..PLAIN },
    Service { name: "FTP", port: 21, expect: &["220"], quit: QUIT, ..PLAIN },
    Service { name: "POP", port: 110, expect: &["+OK"], quit: QUIT, ..PLAIN },
    Service { name: "IMAP", port: 143, expect: &["* OK"], quit: LOGOUT, ..PLAIN },
    Service { name: "SIMAP", port: 993, expect: &["* OK"], quit: LOGOUT, is_tls: true, ..PLAIN },
    Service { name: "SPOP", port: 995, expect: &["+OK"], quit: QUIT, is_tls: true, ..PLAIN },
    Service { name: "SSMTP", port: 465, expect: &["220"], quit: QUIT, is_tls: true, ..PLAIN },
    Service {
        name: "JABBER",
        port: 5222,
        send: Some(
            "<stream:stream to='host' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>\n",
        ),
        expect: &["<?xml version='1.0'"],
        quit: Some("</stream:stream>\n"),
        is_hidden: true,
        ..PLAIN
    },
    Service { name: "NNTP", port: 119, expect: &["200", "201"], quit: QUIT, adds: true, ..PLAIN },
    Service {
        name: "NNTPS",
        port: 563,
        expect: &["200", "201"],
        quit: QUIT,
        is_tls: true,
        adds: true,
        ..PLAIN
    },
    Service { name: "CLAMD", port: 3310, send: Some("PING"), expect: &["PONG"], ..PLAIN },
    // Debian has no such link; who makes one gets it.
    Service { name: "SMTP", port: 25, expect: &["220"], quit: QUIT, ..PLAIN },
];

/// The options.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tcp {
    pub(crate) service: &'static str,
    pub(crate) target: Target,
    /// Whether the host is named in what is said.
    pub(crate) is_host_given: bool,
    pub(crate) send: Option<Vec<u8>>,
    pub(crate) expected: Option<Expected>,
    pub(crate) quit: Option<Vec<u8>>,
    pub(crate) warning_s: Option<f64>,
    pub(crate) critical_s: Option<f64>,
    pub(crate) timeout_s: u64,
    pub(crate) refused: State,
    pub(crate) mismatch: State,
    pub(crate) bytes_max: Option<usize>,
    pub(crate) delay_s: u64,
    pub(crate) is_hidden: bool,
    pub(crate) is_tls: bool,
    pub(crate) sni: Option<String>,
    pub(crate) certificate: Option<Days>,
}

impl Tcp {
    /// Reads the options of the program by this name.
    ///
    /// # Errors
    /// Something is not exactly known.
    pub(crate) fn read(plugin: &str, words: &[OsString]) -> Result<Tcp, NotNative> {
        let name = plugin.strip_prefix("check_").unwrap_or(plugin);
        let service = SERVICES
            .iter()
            .find(|service| service.name.eq_ignore_ascii_case(name))
            .ok_or_else(|| NotNative(format!("there is no {plugin} without a process")))?;
        if words.is_empty() {
            return Err(NotNative("no option".to_owned()));
        }
        let (first, words) = match words.split_first() {
            Some((first, rest)) if !is_option(first) => (Some(first), rest),
            _ => (None, words),
        };
        let Words { options, words: stray } = leading(words, &KNOWN)?;
        if let Some(word) = stray.first() {
            return Err(NotNative(format!("the word `{word}` behind the options")));
        }
        let mut read = Reading::of(service);
        if let Some(first) = first {
            read.host =
                first.to_str().ok_or_else(|| NotNative("a host that is not UTF-8".to_owned()))?.to_owned();
        }
        for (option, value) in options {
            read.option(option, value)?;
        }
        read.end()
    }
}

fn is_option(word: &OsString) -> bool {
    let bytes = word.as_encoded_bytes();
    let dashes = bytes.iter().take_while(|byte| **byte == b'-').count();
    dashes == 1 || dashes == 2
}

/// The options as far as they were read.
struct Reading {
    host: String,
    port: u16,
    family: Option<Family>,
    is_udp: bool,
    is_escaped: bool,
    /// Whether what is expected is still what the service has by itself.
    is_own: bool,
    adds: bool,
    expected: Expected,
    tcp: Tcp,
}

impl Reading {
    fn of(service: &Service) -> Reading {
        let bytes = |text: Option<&str>| text.map(|text| text.as_bytes().to_vec());
        Reading {
            host: "127.0.0.1".to_owned(),
            port: service.port,
            family: None,
            is_udp: service.name == "UDP",
            is_escaped: false,
            is_own: true,
            adds: service.adds,
            expected: Expected {
                texts: service.expect.iter().map(|text| text.as_bytes().to_vec()).collect(),
                at_start: true,
                all: false,
            },
            tcp: Tcp {
                service: service.name,
                target: Target::Socket(String::new()),
                is_host_given: false,
                send: bytes(service.send),
                expected: None,
                quit: bytes(service.quit),
                warning_s: None,
                critical_s: None,
                timeout_s: TIMEOUT_S,
                refused: State::Critical,
                mismatch: State::Warning,
                bytes_max: None,
                delay_s: 0,
                is_hidden: service.is_hidden,
                is_tls: service.is_tls,
                sni: None,
                certificate: None,
            },
        }
    }

    fn option(&mut self, option: u8, value: String) -> Result<(), NotNative> {
        let tcp = &mut self.tcp;
        match option {
            b'H' => (self.host, tcp.is_host_given) = (value, true),
            b'p' => self.port = port(&value)?,
            b'4' => self.family = Some(Family::V4),
            b'6' => self.family = Some(Family::V6),
            b'w' => tcp.warning_s = Some(seconds("-w", &value)?),
            b'c' => tcp.critical_s = Some(seconds("-c", &value)?),
            b't' => tcp.timeout_s = timeout_s(&value)?,
            b'E' => self.is_escaped = true,
            b'A' => self.expected.all = true,
            b's' if self.is_escaped => tcp.send = Some(unescaped(&value)),
            b's' => tcp.send = Some(value.into_bytes()),
            b'q' if self.is_escaped => tcp.quit = Some(unescaped(&value)),
            b'q' => tcp.quit = Some([value.as_bytes(), b"\r\n"].concat()),
            b'e' => {
                if std::mem::take(&mut self.is_own) && !self.adds {
                    self.expected.texts.clear();
                }
                self.expected.at_start = false;
                self.expected.texts.push(value.into_bytes());
            }
            b'm' => tcp.bytes_max = Some(bytes_max(&value)?),
            b'd' => tcp.delay_s = timeout_s(&value).map_err(|_| unknown("-d", &value))?,
            b'j' => tcp.is_hidden = true,
            b'r' => tcp.refused = state("-r", &value)?,
            b'M' => tcp.mismatch = state("-M", &value)?,
            b'S' => tcp.is_tls = true,
            b'D' => (tcp.certificate, tcp.is_tls) = (Some(days(&value)?), true),
            SNI => (tcp.sni, tcp.is_tls) = (Some(value), true),
            other => return Err(NotNative(format!("-{}", other as char))),
        }
        Ok(())
    }

    fn end(self) -> Result<Tcp, NotNative> {
        let Reading { host, port, family, is_udp, expected, mut tcp, .. } = self;
        if tcp.send.as_ref().is_some_and(Vec::is_empty) || tcp.quit.as_ref().is_some_and(Vec::is_empty) {
            return Err(NotNative("nothing to send".to_owned()));
        }
        if tcp.sni.as_ref().is_some_and(|name| name.is_empty() || name.parse::<std::net::IpAddr>().is_ok()) {
            return Err(NotNative("--sni with no name".to_owned()));
        }
        if is_udp && (tcp.is_tls || tcp.send.is_none() || expected.texts.is_empty()) {
            return Err(NotNative("UDP without -s and -e, or with TLS".to_owned()));
        }
        tcp.target = match host.starts_with('/') {
            true if tcp.is_tls || is_udp => return Err(NotNative("a socket of the file system".to_owned())),
            true => socket(host)?,
            false if port == 0 => return Err(NotNative("no port".to_owned())),
            false => Target::host(&host, port, family, is_udp)?,
        };
        tcp.expected = (!expected.texts.is_empty()).then_some(expected);
        Ok(tcp)
    }
}

/// A socket of the file system where looking for it holds up nobody.
fn socket(path: String) -> Result<Target, NotNative> {
    let begins = |places: &[&str]| places.iter().any(|place| path.starts_with(place));
    if !begins(&SOCKETS) || begins(&MOUNTS) || path.contains("/../") || path.len() > 100 {
        return Err(NotNative("a socket elsewhere than in /run".to_owned()));
    }
    Ok(Target::Socket(path))
}

/// A port.
pub(crate) fn port(value: &str) -> Result<u16, NotNative> {
    let port = digits(value).and_then(|port| u16::try_from(port).ok()).filter(|port| *port > 0);
    port.ok_or_else(|| unknown("-p", value))
}

/// The time after which a plugin gives up (s).
pub(crate) fn timeout_s(value: &str) -> Result<u64, NotNative> {
    digits(value).filter(|seconds| (1..=86_400).contains(seconds)).ok_or_else(|| unknown("-t", value))
}

fn seconds(option: &str, value: &str) -> Result<f64, NotNative> {
    decimal(value).ok_or_else(|| unknown(option, value))
}

/// A number that the plugin reads as one of base 8 if it begins with a zero.
fn bytes_max(value: &str) -> Result<usize, NotNative> {
    let bytes = digits(value).filter(|_| !value.starts_with('0'));
    bytes.and_then(|bytes| usize::try_from(bytes).ok()).ok_or_else(|| unknown("-m", value))
}

fn state(option: &str, value: &str) -> Result<State, NotNative> {
    match () {
        () if value.starts_with("ok") => Ok(State::Ok),
        () if value.starts_with("warn") => Ok(State::Warning),
        () if value.starts_with("crit") => Ok(State::Critical),
        () => Err(unknown(option, value)),
    }
}

/// How many days a certificate has to be valid.
pub(crate) fn days(value: &str) -> Result<Days, NotNative> {
    let (warning, critical) = value.split_once(',').unwrap_or((value, "0"));
    let days = |text: &str| digits(text).filter(|days| *days < 100_000).map(|days| days as i64);
    match (days(warning), days(critical)) {
        (Some(warning), Some(critical)) => Ok(Days { warning, critical }),
        _ => Err(unknown("the days of a certificate,", value)),
    }
}

/// A text with `\n`, `\r`, `\t` and `\\`.
fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = text.bytes();
    let mut plain = Vec::new();
    while let Some(byte) = bytes.next() {
        plain.push(match byte {
            b'\\' => match bytes.next() {
                Some(b'n') => b'\n',
                Some(b'r') => b'\r',
                Some(b't') => b'\t',
                Some(other) => other,
                None => break,
            },
            other => other,
        });
    }
    plain
}
