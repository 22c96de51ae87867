//! One request on standard input, for inetd, xinetd and socket units: nrpe's `-i`.
//!
//! The super-server decides who may connect, so no list of hosts applies. Everything blocks, within the timeouts of the
//! socket.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};

use custos_compat::nrpe::{Assembler, Fault, Kind, Packet};
use nix::sys::socket::{setsockopt, sockopt};
use nix::sys::time::{TimeVal, TimeValLike};

use super::decide::{Decision, decide};
use super::log::{Log, announce, refusal, request as request_log};
use super::request::{Answer, Origin, Task, Transport};
use super::settings::Settings;
use super::tls;
use crate::limits;

/// Why a request gets no answer, as lines for the log.
type Refused = Vec<String>;

/// Answers the one request, whose command `execute` runs. If there is no answer, the log says why.
pub fn answer_stdin(settings: &Settings, execute: impl FnOnce(&str, Task, &Origin) -> Answer) {
    let log = Log::open(settings.log.clone());
    announce(&log, settings);
    if let Err(lines) = serve(settings, &log, execute) {
        for line in lines {
            log.error(line);
        }
    }
}

fn serve(
    settings: &Settings,
    log: &Log,
    execute: impl FnOnce(&str, Task, &Origin) -> Answer,
) -> Result<(), Refused> {
    let stdin = io::stdin();
    set_timeouts(stdin.as_fd(), settings);
    let socket =
        stdin.as_fd().try_clone_to_owned().map_err(|error| vec![format!("failed to use stdin: {error}")])?;
    // It is a socket, so it can be read and written.
    let socket = File::from(socket);
    match settings.tls.or_context(&settings.ssl).map_err(|error| vec![error.to_string()])? {
        None => converse(settings, log, socket, Transport::Plain, execute),
        Some(context) => {
            let failed = |error: openssl::error::ErrorStack| vec![error.to_string()];
            let ssl = tls::connection(&context).map_err(failed)?;
            let mut stream = openssl::ssl::SslStream::new(ssl, socket).map_err(failed)?;
            match stream.accept() {
                Ok(()) => {
                    let transport = tls::transport(stream.ssl());
                    let served = converse(settings, log, &mut stream, transport, execute);
                    // The answer has been sent, so a failure to close TLS does not matter.
                    let _ = stream.shutdown();
                    served
                }
                Err(error) => {
                    let bad = tls::bad_certificate(stream.ssl()).map(|bad| bad.line.clone());
                    let code = error.code().as_raw();
                    let line = tls::incomplete("", code);
                    Err(bad.into_iter().chain([line, format!("SSL handshake failed: {error}")]).collect())
                }
            }
        }
    }
}

/// Bounds reading and writing in time. What is not a socket, such as a pipe, has no such bound.
fn set_timeouts(stdin: BorrowedFd<'_>, settings: &Settings) {
    let seconds = |duration: std::time::Duration| {
        TimeVal::seconds(i64::try_from(duration.as_secs()).unwrap_or(i64::MAX))
    };
    let _ = setsockopt(&stdin, sockopt::ReceiveTimeout, &seconds(settings.request_timeout));
    let _ = setsockopt(&stdin, sockopt::SendTimeout, &seconds(limits::NRPE_ANSWER_TIMEOUT));
    let _ = setsockopt(&stdin, sockopt::TcpNoDelay, &true);
}

fn converse<S: Read + Write>(
    settings: &Settings,
    log: &Log,
    mut stream: S,
    transport: Transport,
    execute: impl FnOnce(&str, Task, &Origin) -> Answer,
) -> Result<(), Refused> {
    let faulty = |fault: Fault| match fault {
        Fault::Incomplete { .. } => vec![refusal::unread("")],
        fault => refusal::of_fault(&fault, settings.ssl.enabled, "").to_vec(),
    };
    let mut assembler = Assembler::default();
    let mut buffer = vec![0; limits::NRPE_READ_BYTES];
    while assembler.missing().map_err(faulty)? > 0 {
        match stream.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(0) | Err(_) => return Err(vec![refusal::unread("")]),
            Ok(read) => {
                assembler.push(&buffer[..read]).map_err(faulty)?;
            }
        }
    }
    let packet = assembler.finish(Kind::Query).map_err(faulty)?;
    let origin = Origin { peer: None, transport, arguments: String::new() };
    let answer = match decide(settings, &packet, &origin) {
        Decision::Refuse(refused) => {
            return Err(refusal::of_refusal(&refused, settings.arguments_withheld, "").to_vec());
        }
        Decision::Version(answer) => answer,
        Decision::Unknown { command, answer } | Decision::Forbidden { command, answer } => {
            request_log::asked(log, "", &command);
            answer
        }
        Decision::Run { command, arguments, task } => {
            request_log::asked(log, "", &command);
            if let Task::Line { line, .. } = &task {
                request_log::runs(log, line);
            }
            execute(&command, task, &Origin { arguments, ..origin })
        }
    };
    request_log::answers(log, &answer);
    let bytes = Packet::encode_response(packet.version, answer.code, answer.fitted(packet.version));
    stream
        .write_all(&bytes)
        .and_then(|()| stream.flush())
        .map_err(|error| vec![format!("failed to send the answer: {error}")])
}
