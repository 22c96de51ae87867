//! One request on standard input, for inetd, xinetd and socket units: nrpe's `-i`.
//!
//! Who may connect is the super-server's business, so no list of hosts is looked at. Everything blocks; the socket's
//! own timeouts bound it.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};

use custos_compat::nrpe::{Assembler, Kind, Packet};
use nix::sys::socket::{setsockopt, sockopt};
use nix::sys::time::{TimeVal, TimeValLike};
use openssl::ssl::Ssl;

use super::decide::{Decision, decide};
use super::log::Log;
use super::request::{Answer, Origin, Task, Transport};
use super::settings::Settings;
use super::tls;
use crate::limits;

/// Serves the one request, whose command `execute` runs. An error is why there was no answer.
pub fn answer_stdin(
    settings: &Settings,
    execute: impl FnOnce(&str, Task, &Origin) -> Answer,
) -> Result<(), String> {
    let log = Log::open(settings.log.clone());
    let stdin = io::stdin();
    bound(stdin.as_fd(), settings);
    let socket =
        stdin.as_fd().try_clone_to_owned().map_err(|error| format!("failed to use stdin: {error}"))?;
    // A socket, so it is read from and written to.
    let socket = File::from(socket);
    let served = match tls::context(&settings.ssl).map_err(|error| error.to_string())? {
        None => converse(settings, socket, Transport::Plain, execute),
        Some(context) => {
            let ssl = Ssl::new(&context).map_err(|error| error.to_string())?;
            let mut stream = openssl::ssl::SslStream::new(ssl, socket).map_err(|error| error.to_string())?;
            match stream.accept() {
                Ok(()) => {
                    let transport = tls::transport(stream.ssl());
                    let served = converse(settings, &mut stream, transport, execute);
                    // The answer is out; how the peer takes the goodbye does not matter.
                    let _ = stream.shutdown();
                    served
                }
                Err(error) => Err(format!("Error: Could not complete SSL handshake: {error}")),
            }
        }
    };
    if let Err(reason) = &served {
        log.error(reason);
    }
    served
}

/// Reading and writing may not hang for ever. What is not a socket, such as a pipe, has no such bound.
fn bound(stdin: BorrowedFd<'_>, settings: &Settings) {
    let seconds = |duration: std::time::Duration| {
        TimeVal::seconds(i64::try_from(duration.as_secs()).unwrap_or(i64::MAX))
    };
    let _ = setsockopt(&stdin, sockopt::ReceiveTimeout, &seconds(settings.request_timeout));
    let _ = setsockopt(&stdin, sockopt::SendTimeout, &seconds(limits::NRPE_ANSWER_TIMEOUT));
    let _ = setsockopt(&stdin, sockopt::TcpNoDelay, &true);
}

fn converse<S: Read + Write>(
    settings: &Settings,
    mut stream: S,
    transport: Transport,
    execute: impl FnOnce(&str, Task, &Origin) -> Answer,
) -> Result<(), String> {
    let unread = |reason: String| format!("Could not read request from client , bailing out... ({reason})");
    let mut assembler = Assembler::default();
    let mut buffer = vec![0; limits::NRPE_READ_BYTES];
    while assembler.missing().map_err(|fault| unread(fault.to_string()))? > 0 {
        match stream.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(0) => return Err(unread("the client closed".into())),
            Ok(read) => {
                assembler.push(&buffer[..read]).map_err(|fault| unread(fault.to_string()))?;
            }
            Err(error) => return Err(unread(error.to_string())),
        }
    }
    let packet = assembler.finish(Kind::Query).map_err(|fault| unread(fault.to_string()))?;
    let origin = Origin { peer: None, transport };
    let answer = match decide(settings, &packet, &origin) {
        Decision::Refuse(refusal) => {
            return Err(format!("Client request from  was invalid, bailing out... ({refusal})"));
        }
        Decision::Version(answer) | Decision::Unknown { answer, .. } | Decision::Forbidden { answer, .. } => {
            answer
        }
        Decision::Run { command, task } => execute(&command, task, &origin),
    };
    let bytes = Packet::encode_response(packet.version, answer.code, answer.fitted(packet.version));
    stream
        .write_all(&bytes)
        .and_then(|()| stream.flush())
        .map_err(|error| format!("failed to send the answer: {error}"))
}
