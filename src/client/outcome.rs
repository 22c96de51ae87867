//! A whole call of the client: the question in one version of the protocol, again in version 2 if that fails, and
//! what the user sees of it.

use std::fmt::Write;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;

use custos_compat::nrpe::{Fault, Packet, Version};
use custos_store::State;

use super::exchange::{Failure, Step, ask, io_words};
use super::options::Options;
use super::tls;

/// Exit status for a host without an address.
const NO_SUCH_HOST: u8 = 1;

/// What the user sees.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// For stdout.
    pub stdout: Vec<u8>,
    /// For stderr.
    pub stderr: Vec<u8>,
    /// The exit status.
    pub code: u8,
}

impl Outcome {
    fn said(text: String, code: u8) -> Outcome {
        Outcome { stdout: (text + "\n").into_bytes(), stderr: Vec::new(), code }
    }

    fn complained(text: String, code: u8, options: &Options) -> Outcome {
        let text = text.into_bytes();
        if options.stderr_to_stdout {
            Outcome { stdout: text, stderr: Vec::new(), code }
        } else {
            Outcome { stdout: Vec::new(), stderr: text, code }
        }
    }
}

/// Asks, and waits for the answer no longer than the timeout allows.
///
/// The timeout counts from each connection, and once more from when the query is out. What still hangs then is left
/// behind, so the process should end soon.
pub fn run(options: &Options) -> Outcome {
    let (events, progress) = mpsc::channel();
    let for_worker = options.clone();
    let worker = thread::Builder::new().name("exchange".into()).spawn(move || {
        let step = |_: Step| {
            // Nobody listens any more once the time is up.
            let _ = events.send(None);
        };
        let outcome = converse(&for_worker, &step);
        let _ = events.send(Some(outcome));
    });
    if let Err(error) = worker {
        return Outcome::said(
            format!("CHECK_NRPE: failed to start a thread: {error}"),
            State::Unknown.code(),
        );
    }
    loop {
        match progress.recv_timeout(options.timeout) {
            Ok(Some(outcome)) => return outcome,
            Ok(None) => {}
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                let (state, seconds) = (options.timeout_state, options.timeout.as_secs());
                let text =
                    format!("CHECK_NRPE STATE {}: Socket timeout after {seconds} seconds.", state.name());
                return Outcome::said(text, state.code());
            }
        }
    }
}

fn converse(options: &Options, step: &dyn Fn(Step)) -> Outcome {
    let context = match options.tls.then(|| tls::context(options)).transpose() {
        Ok(context) => context,
        Err(text) => return Outcome::said(text, options.timeout_state.code()),
    };
    let mut answer = ask(options, context.as_ref(), options.version, step);
    if options.version != Version::V2
        && let Err(Failure::Cut { .. } | Failure::Fault(_) | Failure::Refused) = answer
    {
        // An older server closes on what it does not understand, and any server on what it does not allow.
        answer = ask(options, context.as_ref(), Version::V2, step);
    }
    match answer {
        Ok(packet) => answered(packet),
        Err(failure) => failed(failure, options),
    }
}

fn answered(packet: Packet) -> Outcome {
    // Exit statuses have eight bits; that is what the system would make of any other number.
    let code = packet.code as u8;
    if packet.text.is_empty() && packet.version == Version::V2 {
        return Outcome::said("CHECK_NRPE: No output returned from daemon.".into(), code);
    }
    let mut stdout = packet.text;
    stdout.push(b'\n');
    Outcome { stdout, stderr: Vec::new(), code }
}

fn failed(failure: Failure, options: &Options) -> Outcome {
    let unknown = State::Unknown.code();
    let state = options.timeout_state.code();
    match failure {
        Failure::Resolve(reason) => {
            let text = format!("Could not resolve hostname {}: {reason}\n", options.host);
            Outcome::complained(text, NO_SUCH_HOST, options)
        }
        Failure::Connect(attempts) => {
            let (mut text, mut last) = (String::new(), String::new());
            for (address, error) in attempts {
                last = io_words(&error);
                // Writing to a string does not fail.
                let _ = writeln!(text, "connect to address {} port {}: {last}", address.ip(), address.port());
            }
            let _ = writeln!(text, "connect to host {} port {}: {last}", options.host, options.port);
            Outcome::complained(text, state, options)
        }
        Failure::Handshake { address, reason, broken: true, .. } => {
            let reason = match reason.as_str() {
                "" | "unexpected eof while reading" => format!(
                    "Check system logs on {address} (it closed the connection inside the TLS handshake: not in its \
                     allowed_hosts, or no TLS there and -n is missing here?)"
                ),
                reason => reason.to_owned(),
            };
            let separator = if reason.starts_with("Check") { "." } else { ":" };
            Outcome::said(
                format!("CHECK_NRPE: Error - Could not connect to {address}{separator} {reason}"),
                state,
            )
        }
        Failure::Handshake { address, code, reason, broken: false } => Outcome::said(
            format!(
                "CHECK_NRPE: (ssl_err != 5) Error - Could not complete SSL handshake with {address}: {code} \
                 ({reason})"
            ),
            state,
        ),
        Failure::Send(error) => {
            Outcome::said(format!("CHECK_NRPE: Error sending query to host. ({})", io_words(&error)), unknown)
        }
        Failure::Cut { received: 0 } => Outcome::said(
            "CHECK_NRPE: Receive header underflow - only 0 bytes received (4 expected). \
             (The server closed without an answer; its log says why.)"
                .into(),
            unknown,
        ),
        Failure::Cut { received } => Outcome::said(
            format!(
                "CHECK_NRPE: Receive underflow - only {received} bytes received; the server closed early."
            ),
            unknown,
        ),
        Failure::Fault(Fault::Crc { .. }) => {
            Outcome::said("CHECK_NRPE: Response packet had invalid CRC32.".into(), unknown)
        }
        Failure::Fault(Fault::Version(_)) => {
            Outcome::said("CHECK_NRPE: Invalid packet version received from server.".into(), unknown)
        }
        Failure::Fault(Fault::Kind(_)) => {
            Outcome::said("CHECK_NRPE: Invalid packet type received from server.".into(), unknown)
        }
        Failure::Fault(Fault::Length(_)) => {
            Outcome::said("CHECK_NRPE: Response packet had invalid buffer size.".into(), unknown)
        }
        Failure::Fault(fault) => Outcome::said(format!("CHECK_NRPE: No usable answer: {fault}."), unknown),
        Failure::Refused => Outcome::said("CHECK_NRPE: The server reported a failure (-1).".into(), unknown),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use custos_compat::nrpe::Kind;

    fn packet(version: Version, code: i16, text: &str) -> Packet {
        Packet { version, kind: Kind::Response, code, text: text.as_bytes().to_vec() }
    }

    #[test]
    fn an_answer_is_its_text_and_a_newline() {
        let outcome = answered(packet(Version::V4, 1, "a\nb"));
        assert_eq!((outcome.stdout.as_slice(), outcome.code), (&b"a\nb\n"[..], 1));
        assert_eq!(answered(packet(Version::V4, 255, "")).stdout, b"\n");
        assert_eq!(answered(packet(Version::V4, 255, "")).code, 255);
        assert_eq!(
            answered(packet(Version::V2, 0, "")).stdout,
            b"CHECK_NRPE: No output returned from daemon.\n"
        );
    }

    #[test]
    fn refused_connections_are_told_on_stderr_or_stdout() {
        let options = Options { host: "h".into(), timeout_state: State::Unknown, ..Options::default() };
        let failure = || {
            let error = std::io::Error::from_raw_os_error(libc::ECONNREFUSED);
            Failure::Connect(vec![("192.0.2.1:5666".parse().unwrap(), error)])
        };
        let text = b"connect to address 192.0.2.1 port 5666: Connection refused\n\
            connect to host h port 5666: Connection refused\n";
        let outcome = failed(failure(), &options);
        assert_eq!(outcome, Outcome { stdout: vec![], stderr: text.to_vec(), code: 3 });
        let options = Options { stderr_to_stdout: true, ..options };
        assert_eq!(failed(failure(), &options).stdout, text);
    }

    #[test]
    fn a_host_without_an_address_exits_1() {
        let options = Options { host: "h.invalid".into(), ..Options::default() };
        let outcome = failed(Failure::Resolve("Name or service not known".into()), &options);
        assert_eq!(outcome.code, 1);
        assert_eq!(outcome.stderr, b"Could not resolve hostname h.invalid: Name or service not known\n");
    }
}
