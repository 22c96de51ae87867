//! `custos check_nrpe`, also as a link named `check_nrpe`: that program's options, output and exit statuses.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use custos_compat::nrpe::{SslVersion, UseAdh, V2_FIELD_LEN, Version, atoi};
use custos_store::State;

use super::getopt::{self, Known};
use crate::client::{Addresses, Options, run as ask};
use crate::exit_code::ExitCode;
use crate::serve::NRPE_VERSION;

/// Most words in a configuration file.
const FILE_WORDS_MAX: usize = 48;
/// Longest query that the real client sends.
const QUERY_MAX_BYTES: usize = 2047;

const KNOWN: [Known; 27] = [
    Known { short: b'H', long: "host", value: true },
    Known { short: b'f', long: "config-file", value: true },
    Known { short: b'b', long: "bind", value: true },
    Known { short: b'c', long: "command", value: true },
    Known { short: b'a', long: "args", value: true },
    Known { short: b't', long: "timeout", value: true },
    Known { short: b'p', long: "port", value: true },
    Known { short: b'S', long: "ssl-version", value: true },
    Known { short: b'L', long: "cipher-list", value: true },
    Known { short: b'C', long: "client-cert", value: true },
    Known { short: b'K', long: "key-file", value: true },
    Known { short: b'A', long: "ca-cert-file", value: true },
    Known { short: b'd', long: "use-adh", value: true },
    Known { short: b's', long: "ssl-logging", value: true },
    Known { short: b'P', long: "payload-size", value: true },
    Known { short: b'g', long: "log-file", value: true },
    Known { short: b'2', long: "v2-packets-only", value: false },
    Known { short: b'3', long: "v3-packets-only", value: false },
    Known { short: b'4', long: "ipv4", value: false },
    Known { short: b'6', long: "ipv6", value: false },
    Known { short: b'h', long: "help", value: false },
    Known { short: b'l', long: "license", value: false },
    Known { short: b'n', long: "no-ssl", value: false },
    Known { short: b'u', long: "unknown-timeout", value: false },
    Known { short: b'V', long: "version", value: false },
    Known { short: b'E', long: "stderr-to-stdout", value: false },
    Known { short: b'D', long: "disable-syslog", value: false },
];

/// What a command line asks for.
#[derive(Debug, PartialEq, Eq)]
enum Call {
    Ask(Box<Options>),
    Help,
    Version,
    License,
}

/// Why a command line cannot be used: what to say, whether the usage belongs to it, and the exit status.
#[derive(Debug, PartialEq, Eq)]
struct Refusal {
    text: String,
    usage: bool,
    code: u8,
}

impl Refusal {
    fn usage(text: impl Into<String>) -> Refusal {
        Refusal { text: text.into(), usage: true, code: State::Unknown.code() }
    }

    fn plain(text: impl Into<String>, code: u8) -> Refusal {
        Refusal { text: text.into(), usage: false, code }
    }
}

/// Runs the client with these words, the program's name left out.
pub fn run(words: &[OsString]) -> ExitCode {
    let unknown = ExitCode::Raw(State::Unknown.code());
    match parse(words) {
        Ok(Call::Ask(options)) => {
            let outcome = ask(&options);
            // A closed stdout cannot be reported anywhere.
            let _ = io::stdout().write_all(&outcome.stdout);
            let _ = io::stderr().write_all(&outcome.stderr);
            ExitCode::Raw(outcome.code)
        }
        Ok(Call::Help) => say(&format!("{}\n{HELP}", version_text()), unknown),
        Ok(Call::Version) => say(&version_text(), unknown),
        Ok(Call::License) => say(&format!("{}\n{LICENSE}", version_text()), unknown),
        Err(Refusal { text, usage, code }) => {
            let text = match (text.is_empty(), usage) {
                (true, _) => String::new(),
                (false, true) => format!("{text}\n\n"),
                (false, false) => format!("{text}\n"),
            };
            let usage = match usage {
                true => format!("Incorrect command line arguments supplied\n\n{}\n{HELP}", version_text()),
                false => String::new(),
            };
            say(&format!("{text}{usage}"), ExitCode::Raw(code))
        }
    }
}

fn say(text: &str, code: ExitCode) -> ExitCode {
    let _ = io::stdout().write_all(text.as_bytes());
    code
}

fn version_text() -> String {
    format!("NRPE Plugin for Nagios\nVersion: {NRPE_VERSION} (custos {})\n", env!("CARGO_PKG_VERSION"))
}

fn parse(words: &[OsString]) -> Result<Call, Refusal> {
    let parsed = getopt::parse(words, &KNOWN, |short| short == b'a').map_err(Refusal::usage)?;
    let mut draft = Draft::default();
    // The file comes first, so that the command line wins.
    if let Some(file) = parsed.options.iter().find(|given| given.short == b'f') {
        let from_file = read_file(Path::new(&file.value))?;
        let from_file = getopt::parse(&from_file, &KNOWN, |_| false).map_err(Refusal::usage)?;
        for given in &from_file.options {
            if let b'f' | b'c' | b'a' = given.short {
                let letter = char::from(given.short);
                let text = format!("Error: The config file should not have the -{letter} option.");
                return Err(Refusal::usage(text));
            }
            draft.take(given.short, &given.value)?;
        }
    }
    for given in &parsed.options {
        match given.short {
            b'h' => return Ok(Call::Help),
            b'V' => return Ok(Call::Version),
            b'l' => return Ok(Call::License),
            b'f' => {}
            // Every word from the first argument on, whatever it looks like.
            b'a' => draft.arguments = words[given.index..].to_vec(),
            short => draft.take(short, &given.value)?,
        }
    }
    draft.finish().map(|options| Call::Ask(Box::new(options)))
}

fn read_file(path: &Path) -> Result<Vec<OsString>, Refusal> {
    let content = fs::read(path).map_err(|error| {
        Refusal::usage(format!("Error: Could not open config file {}: {error}", path.display()))
    })?;
    let words: Vec<OsString> = content
        .split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty())
        .map(|word| OsStr::from_bytes(word).to_owned())
        .collect();
    if words.len() > FILE_WORDS_MAX {
        return Err(Refusal::usage(format!("Error: too many parameters in config file {}", path.display())));
    }
    Ok(words)
}

/// Options as they are collected, before they are judged together.
#[derive(Debug, Default)]
struct Draft {
    options: Options,
    command: Option<Vec<u8>>,
    arguments: Vec<OsString>,
    payload_size: Option<i64>,
    v2: bool,
    v3: bool,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    unknown_timeout: bool,
    timeout_state: Option<State>,
}

impl Draft {
    fn take(&mut self, short: u8, value: &OsStr) -> Result<(), Refusal> {
        let bytes = value.as_bytes();
        let options = &mut self.options;
        match short {
            b'H' => options.host = value.to_string_lossy().into_owned(),
            b'p' => {
                options.port = u16::try_from(atoi(bytes))
                    .ok()
                    .filter(|&port| port > 0)
                    .ok_or_else(|| Refusal::usage(String::new()))?;
            }
            b'c' => self.command = Some(bytes.to_vec()),
            b't' => self.take_timeout(bytes)?,
            b'b' => {
                let address = value.to_str().and_then(|text| text.parse().ok());
                let text = format!("bad addr or host: {}", value.to_string_lossy());
                options.bind = Some(address.ok_or_else(|| Refusal::plain(text, State::Critical.code()))?);
            }
            b'S' => {
                options.tls_version =
                    SslVersion::parse(bytes).ok_or_else(|| Refusal::usage(String::new()))?;
            }
            b'L' => options.cipher_list = value.to_string_lossy().into_owned(),
            b'C' => self.certificate = Some(value.into()),
            b'K' => self.key = Some(value.into()),
            b'A' => options.authorities = Some(value.into()),
            b'd' => options.use_adh = UseAdh::parse(bytes).ok_or_else(|| Refusal::usage(String::new()))?,
            b'P' => self.payload_size = Some(i64::from(atoi(bytes))),
            b'2' => self.v2 = true,
            b'3' => self.v3 = true,
            b'4' => options.addresses = Addresses::V4,
            b'6' => options.addresses = Addresses::V6,
            b'n' => options.tls = false,
            b'u' => self.unknown_timeout = true,
            b'E' => options.stderr_to_stdout = true,
            // This client writes no log, so there is nothing to choose: -s, -g and -D are taken and have no effect.
            _ => {}
        }
        Ok(())
    }

    fn take_timeout(&mut self, written: &[u8]) -> Result<(), Refusal> {
        let (seconds, state) = match written.iter().position(|&byte| byte == b':') {
            Some(colon) => (&written[..colon], Some(&written[colon + 1..])),
            None => (written, None),
        };
        if !seconds.is_empty() {
            let positive = u64::try_from(atoi(seconds)).ok().filter(|&seconds| seconds > 0);
            let seconds = positive.ok_or_else(|| {
                Refusal::plain("Timeout value must be a positive integer", State::Unknown.code())
            })?;
            self.options.timeout = Duration::from_secs(seconds);
        }
        if let Some(written) = state {
            let state = state_named(written).ok_or_else(|| {
                let text = "Timeout state must be a valid state name (OK, WARNING, CRITICAL, UNKNOWN) or integer \
                            (0-3).";
                Refusal::plain(text, State::Critical.code())
            })?;
            self.timeout_state = Some(state);
        }
        Ok(())
    }

    fn finish(self) -> Result<Options, Refusal> {
        let Draft { mut options, command, arguments, .. } = self;
        if options.host.is_empty() {
            return Err(Refusal::usage(String::new()));
        }
        if self.v2 && self.v3 {
            return Err(Refusal::usage(
                "Error: Only one of force_v2_packet (-2) and force_v3_packet (-3) can be specified.",
            ));
        }
        options.version = match (self.v2, self.v3) {
            (true, _) => Version::V2,
            (false, true) => Version::V3,
            (false, false) => Version::V4,
        };
        options.v2_field_len = match self.payload_size {
            Some(_) if !self.v2 => {
                let text = "Error: if a fixed payload size is specified, '-2' must also be specified";
                return Err(Refusal::usage(text));
            }
            Some(size) => usize::try_from(size)
                .ok()
                .filter(|size| (1..=1 << 20).contains(size))
                .ok_or_else(|| Refusal::usage(String::new()))?,
            None => V2_FIELD_LEN,
        };
        options.certificate = match (self.certificate, self.key) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            _ => {
                return Err(Refusal::usage(
                    "Error: the client certificate and the private key must both be given or neither",
                ));
            }
        };
        options.timeout_state = match (self.timeout_state, self.unknown_timeout) {
            (Some(state), _) => state,
            (None, true) => State::Unknown,
            (None, false) => State::Critical,
        };
        if let Some(command) = command {
            options.query = command;
        }
        for argument in arguments {
            options.query.push(b'!');
            options.query.extend_from_slice(argument.as_bytes());
        }
        options.query.truncate(QUERY_MAX_BYTES);
        Ok(options)
    }
}

fn state_named(written: &[u8]) -> Option<State> {
    let name = std::str::from_utf8(written).ok()?;
    let by_name = State::ALL.into_iter().find(|state| state.name().eq_ignore_ascii_case(name));
    by_name.or_else(|| State::from_code(name.parse().ok()?))
}

const LICENSE: &str = "\
Licensed under either of the MIT licence and the Apache License, Version 2.0, at your option.
";

const HELP: &str = "\
Usage: check_nrpe -H <host> [-p <port>] [-c <command>] [-a <arglist...>] [options]

Asks the NRPE daemon of a host to run a command, prints what it says and exits as it did.

 -H, --host=HOST              Name or address of the host
 -p, --port=PORT              Port of the daemon (5666)
 -c, --command=COMMAND        Command to run; without one the daemon tells its version
 -a, --args=LIST              Arguments for the command; must be the last option
 -t, --timeout=SECONDS:STATE  How long to wait (10), and the state to exit with then (CRITICAL): a name or 0-3
 -u, --unknown-timeout        UNKNOWN instead of CRITICAL when the host cannot be reached
 -E, --stderr-to-stdout       Tell on stdout what else goes to stderr
 -4, --ipv4                   IPv4 only
 -6, --ipv6                   IPv6 only
 -b, --bind=IPADDR            Address to connect from
 -2, --v2-packets-only        Version 2 packets only
 -3, --v3-packets-only        Version 3 packets, then version 2
 -P, --payload-size=SIZE      Size of version 2's text field, for NSClient++; needs -2
 -f, --config-file=FILE       Further options, separated by blanks
 -V, --version                Version
 -l, --license                Licence
 -h, --help                   This text

TLS:
 -n, --no-ssl                 None at all
 -d, --use-adh=0|1|2          Anonymous Diffie-Hellman: not over finite fields, allowed (1), nothing else
 -S, --ssl-version=VERSION    SSLv3, TLSv1, TLSv1.1, TLSv1.2, TLSv1.3: only that one, with a + behind it also newer
                              ones (TLSv1+)
 -L, --cipher-list=LIST       OpenSSL's cipher list (ALL:!MD5:@STRENGTH:@SECLEVEL=0)
 -C, --client-cert=FILE       Certificate to show to the daemon, with
 -K, --key-file=FILE          its private key
 -A, --ca-cert-file=FILE      Verify the daemon's certificate against this authority; anonymous suites are then not
                              offered. The host's name is not compared.

 -s, --ssl-logging=OPTIONS    Taken for compatibility, like
 -g, --log-file=FILE          this one and
 -D, --disable-syslog         that one: nothing is logged
";

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(words: &[&str]) -> Result<Call, Refusal> {
        parse(&words.iter().map(OsString::from).collect::<Vec<_>>())
    }

    fn options(words: &[&str]) -> Options {
        match parsed(words).unwrap() {
            Call::Ask(options) => *options,
            other => panic!("{other:?}"),
        }
    }

    fn query(words: &[&str]) -> String {
        String::from_utf8(options(words).query).unwrap()
    }

    #[test]
    fn defaults() {
        let expected = Options { host: "h".into(), ..Options::default() };
        assert_eq!(options(&["-H", "h"]), expected);
        assert_eq!(options(&["-H", "h", "stray", "words", "-s", "0xff", "-D", "-g", "/x"]), expected);
    }

    #[test]
    fn arguments_take_the_rest_of_the_line() {
        assert_eq!(query(&["-H", "h", "-c", "c", "-a", "x", "-H", "", "a b"]), "c!x!-H!!a b");
        assert_eq!(query(&["-H", "h", "-c", "c", "--args=x", "y"]), "c!--args=x!y");
        assert_eq!(query(&["-H", "h"]), "_NRPE_CHECK");
        assert_eq!(query(&["-H", "h", "-c", &"x".repeat(3000)]).len(), 2047);
    }

    #[test]
    fn timeouts() {
        let timeout = |written: &str| {
            let options = options(&["-H", "h", "-t", written]);
            (options.timeout.as_secs(), options.timeout_state)
        };
        assert_eq!(timeout("5"), (5, State::Critical));
        assert_eq!(timeout("5:warning"), (5, State::Warning));
        assert_eq!(timeout(":3"), (10, State::Unknown));
        assert_eq!(options(&["-H", "h", "-u"]).timeout_state, State::Unknown);
        assert_eq!(options(&["-H", "h", "-u", "-t", "3:OK"]).timeout_state, State::Ok);
        let refusal = |written: &str| parsed(&["-H", "h", "-t", written]).unwrap_err();
        assert_eq!((refusal("x").usage, refusal("x").code), (false, 3));
        assert_eq!((refusal("3:FOO").usage, refusal("3:FOO").code), (false, 2));
    }

    #[test]
    fn versions_and_sizes() {
        assert_eq!(options(&["-H", "h", "-2", "-P", "2048"]).v2_field_len, 2048);
        assert_eq!(options(&["-H", "h", "-3"]).version, Version::V3);
        for words in [
            &["-H", "h", "-P", "2048"][..],
            &["-H", "h", "-2", "-3"],
            &["-H", "h", "-C", "x"],
            &["-H", "h", "-d", "5"],
            &["-H", "h", "-S", "foo"],
            &["-H", "h", "-p", "0"],
            &["-H", "h", "--bogus"],
            &[],
        ] {
            let refusal = parsed(words).unwrap_err();
            assert_eq!((refusal.usage, refusal.code), (true, 3), "{words:?}");
        }
    }

    #[test]
    fn a_file_gives_way_to_the_command_line() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("options");
        fs::write(&file, "-p 7000\n -t 3\n-n").unwrap();
        let file = file.to_str().unwrap();
        let given = options(&["-H", "h", "-p", "7001", "-f", file]);
        assert_eq!((given.port, given.timeout.as_secs(), given.tls), (7001, 3, false));
        fs::write(file, "-c x").unwrap();
        assert!(parsed(&["-H", "h", "-f", file]).unwrap_err().usage);
        fs::write(file, "-n ".repeat(49)).unwrap();
        assert!(parsed(&["-H", "h", "-f", file]).unwrap_err().usage);
    }

    #[test]
    fn calls_without_a_question() {
        assert_eq!(parsed(&["-h"]).unwrap(), Call::Help);
        assert_eq!(parsed(&["-V"]).unwrap(), Call::Version);
        assert_eq!(parsed(&["--license"]).unwrap(), Call::License);
    }
}
