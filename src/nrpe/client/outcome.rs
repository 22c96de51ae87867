//! One call of the client: it asks in one version of the protocol, then in version 2 if that fails, and shows the outcome.

use std::fmt::Write;
use std::net::IpAddr;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;

use custos_compat::nrpe::{COMMON_LEN, Fault, Version};
use custos_store::State;

use super::connection::Unreachable;
use super::exchange::{Answer, Cut, Failure, Step, ask};
use super::options::Options;
use super::tls;
use crate::limits;
use crate::text::system_error;

/// Exit status for a host without an address.
const NO_SUCH_HOST: u8 = 1;
/// Result that means failure, and asks for version 2.
const RESULT_FAILED: i16 = -1;

/// What the call prints, and its exit status.
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
    fn printed(text: String, code: u8) -> Outcome {
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

/// Asks, and waits for the answer within the timeout.
///
/// The timeout starts anew with each connection, and once more when the query has been sent. A thread that still hangs
/// then is left behind, so the process should end soon.
pub fn run(options: &Options) -> Outcome {
    let (events, progress) = mpsc::channel();
    let for_worker = options.clone();
    let worker = thread::Builder::new().name("exchange".into()).spawn(move || {
        let step = |_: Step| {
            // The receiver is gone once the timeout has passed.
            let _ = events.send(None);
        };
        let outcome = converse(&for_worker, &step);
        let _ = events.send(Some(outcome));
    });
    if let Err(error) = worker {
        return Outcome::printed(
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
                return Outcome::printed(text, state.code());
            }
        }
    }
}

fn converse(options: &Options, step: &dyn Fn(Step)) -> Outcome {
    let context = match options.tls.then(|| tls::context(options)).transpose() {
        Ok(context) => context,
        Err(text) => return Outcome::printed(text, options.timeout_state.code()),
    };
    let mut answer = ask(options, context.as_ref(), options.version, step);
    if needs_version_2(&answer, options.version) {
        answer = ask(options, context.as_ref(), Version::V2, step);
    }
    match answer {
        Ok(answer) => answered(answer),
        Err(failure) => failed(failure, options),
    }
}

/// Whether to ask again in version 2: an older server closes the connection on a packet that it does not understand, and
/// any server on a query that it does not allow. The result -1 requests it.
fn needs_version_2(answer: &Result<Answer, Failure>, version: Version) -> bool {
    match answer {
        Ok(answer) => answer.packet.code == RESULT_FAILED,
        // The packet was whole, and in the right version.
        Err(Failure::Fault(Fault::Crc { .. })) => false,
        Err(Failure::Cut(_) | Failure::Fault(_)) => version != Version::V2,
        Err(_) => false,
    }
}

fn answered(Answer { packet, bare }: Answer) -> Outcome {
    // An exit status has eight bits, so the system would cut any other number the same way.
    let code = packet.code as u8;
    if bare || packet.text.is_empty() && packet.version == Version::V2 {
        return Outcome::printed("CHECK_NRPE: No output returned from daemon.".into(), code);
    }
    let mut stdout = packet.text;
    stdout.push(b'\n');
    Outcome { stdout, stderr: Vec::new(), code }
}

fn failed(failure: Failure, options: &Options) -> Outcome {
    let unknown = State::Unknown.code();
    match failure {
        Failure::Unreachable(unreachable) => self::unreachable(unreachable, options),
        Failure::Handshake { address, code, reason, broken } => {
            let text = handshake_words(address, code, &reason, broken);
            Outcome::printed(text, options.timeout_state.code())
        }
        Failure::Send(error) => Outcome::printed(
            format!("CHECK_NRPE: Error sending query to host. ({})", system_error::words(&error)),
            unknown,
        ),
        Failure::Cut(cut) => Outcome::printed(cut_words(cut), unknown),
        Failure::Fault(Fault::Crc { .. }) => {
            Outcome::printed("CHECK_NRPE: Response packet had invalid CRC32.".into(), unknown)
        }
        Failure::Fault(Fault::Version(_)) => {
            Outcome::printed("CHECK_NRPE: Invalid packet version received from server.".into(), unknown)
        }
        Failure::Fault(Fault::Kind(_)) => {
            Outcome::printed("CHECK_NRPE: Invalid packet type received from server.".into(), unknown)
        }
        Failure::Fault(fault) => Outcome::printed(format!("CHECK_NRPE: No usable answer: {fault}."), unknown),
    }
}

fn unreachable(unreachable: Unreachable, options: &Options) -> Outcome {
    match unreachable {
        Unreachable::Resolve(reason) => {
            let shown: String = options.host.chars().take(limits::CHECK_NRPE_HOST_SHOWN_CHARS).collect();
            let text = format!("Could not resolve hostname {shown}: {reason}\n");
            Outcome::complained(text, NO_SUCH_HOST, options)
        }
        Unreachable::Connect { lines, reason } => {
            let mut text = lines.join("\n");
            // Writing to a string does not fail.
            let _ = writeln!(text, "\nconnect to host {} port {}: {reason}", options.host, options.port);
            Outcome::complained(text, options.timeout_state.code(), options)
        }
    }
}

fn handshake_words(address: IpAddr, code: i32, reason: &str, broken: bool) -> String {
    if broken {
        return format!("CHECK_NRPE: Error - Could not connect to {address}: {reason}");
    }
    let meaning = match reason {
        "" => {
            "it closed the connection during the TLS handshake: is this host missing in its allowed_hosts, or does it \
             need -n?"
        }
        reason => reason,
    };
    format!(
        "CHECK_NRPE: (ssl_err != 5) Error - Could not complete SSL handshake with {address}: {code} ({meaning})"
    )
}

/// The message about a connection that ended early, with an explanation.
///
/// As with check_nrpe, the number is not always that of the bytes received: without TLS it is the result of the last read.
fn cut_words(Cut { received, broken, tls }: Cut) -> String {
    let (part, of_part) = match received.checked_sub(COMMON_LEN) {
        None => ("header underflow", received),
        Some(of_text) => ("underflow", of_text),
    };
    let shown = match (tls, broken, of_part) {
        (true, false, _) | (true, true, 1..) => of_part.to_string(),
        (false, false, _) => "0".to_owned(),
        (_, true, _) => "-1".to_owned(),
    };
    let meaning = match received {
        0 => "The server closed without an answer; its log says why.".to_owned(),
        _ => format!("The server closed after {received} bytes of its answer."),
    };
    format!("CHECK_NRPE: Receive {part} - only {shown} bytes received (4 expected). ({meaning})")
}

#[cfg(test)]
mod tests {
    use super::*;
    use custos_compat::nrpe::{Kind, Packet};

    fn packet(version: Version, code: i16, text: &str) -> Answer {
        let packet = Packet { version, kind: Kind::Response, code, text: text.as_bytes().to_vec() };
        Answer { packet, bare: false }
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
    fn connections_that_end_early_are_told_as_the_real_client_does() {
        let shown = |received, broken, tls| {
            let words = cut_words(Cut { received, broken, tls });
            words.split(" (4 expected)").next().unwrap().to_owned()
        };
        let header = "CHECK_NRPE: Receive header underflow - only";
        assert_eq!(shown(0, false, false), format!("{header} 0 bytes received"));
        assert_eq!(shown(9, true, false), format!("{header} -1 bytes received"));
        assert_eq!(shown(9, false, true), format!("{header} 9 bytes received"));
        let text = "CHECK_NRPE: Receive underflow - only";
        assert_eq!(shown(10, false, false), format!("{text} 0 bytes received"));
        assert_eq!(shown(1034, false, true), format!("{text} 1024 bytes received"));
    }

    #[test]
    fn refused_connections_are_told_on_stderr_or_stdout() {
        let options = Options { host: "h".into(), timeout_state: State::Unknown, ..Options::default() };
        let failure = || {
            let reason = "Connection refused".to_owned();
            let lines = vec![format!("connect to address 192.0.2.1 port 5666: {reason}")];
            Failure::Unreachable(Unreachable::Connect { lines, reason })
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
        let outcome = unreachable(Unreachable::Resolve("Name or service not known".into()), &options);
        assert_eq!(outcome.code, 1);
        assert_eq!(outcome.stderr, b"Could not resolve hostname h.invalid: Name or service not known\n");
    }
}
