//! One connection, from the peer's address to the answer.
//!
//! The order is NRPE's: who the peer is, TLS, the packet, the query, the command. The first objection closes
//! the connection without a word, which clients take as a hint to try an older version of the protocol.

use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::Arc;

use custos_compat::nrpe::{Assembler, Fault, Kind, Packet, Refusal, VERSION_COMMAND};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout, timeout_at};

use super::coalesce::{self, Part};
use super::complaint;
use super::decide::{Decision, decide};
use super::fresh::Fresh;
use super::request::{Answer, Origin, Request, Task, Transport};
use super::request_log;
use super::server::{Live, Shared};
use super::share::Share;
use super::stream::{HandshakeError, Stream};
use super::tls_log;
use crate::limits;

/// Why no request came of a connection.
enum Failure {
    Handshake(HandshakeError),
    HandshakeTimeout,
    Fault(Fault),
    /// The client closed, or the connection broke.
    Ended,
    RequestTimeout,
    Evicted,
    /// Unfinished requests take all of the memory that is set aside for them.
    Memory,
}

/// A request that has come, and where its answer goes.
pub(super) struct Taken {
    shared: Arc<Shared>,
    live: Arc<Live>,
    stream: Stream,
    packet: Packet,
    peer: IpAddr,
}

/// Gets a request out of a new connection; none if there is none, which has been counted and logged.
pub(super) async fn take(
    shared: Arc<Shared>,
    live: Arc<Live>,
    tcp: TcpStream,
    from: SocketAddr,
) -> Option<Taken> {
    let peer = from.ip().to_canonical();
    live.log.debug(|| format!("Connection from {peer} port {}", from.port()));
    if !admit(&shared, &live, peer).await {
        return None;
    }
    match receive(&shared, &live, Fresh::new(tcp), peer).await {
        Some((stream, packet)) => Some(Taken { shared, live, stream, packet, peer }),
        None => {
            live.log.debug(|| format!("Connection from {peer} closed."));
            None
        }
    }
}

/// Answers a request, which ends its connection.
pub(super) async fn answer(taken: Taken) {
    let Taken { shared, live, stream, packet, peer } = taken;
    respond(&shared, &live, stream, packet, peer).await;
    live.log.debug(|| format!("Connection from {peer} closed."));
}

/// Judges the peer by its address, before a byte is read.
async fn admit(shared: &Shared, live: &Live, peer: IpAddr) -> bool {
    if !live.names.allows(&live.settings.allowed_hosts, peer).await {
        shared.counters.refused_by_allowed_hosts.add();
        live.log.error(format_args!("Host {peer} is not allowed to talk to us!"));
        return false;
    }
    if let Some(wrappers) = &live.wrappers
        && !wrappers.allows(&live.names, peer).await
    {
        shared.counters.refused_by_tcp_wrappers.add();
        live.log.error(format_args!("Connection refused by TCP wrapper: {peer}"));
        return false;
    }
    true
}

/// Gets a request out of a connection, within the time for it, or says in the log why there is none.
async fn receive(shared: &Arc<Shared>, live: &Live, fresh: Fresh, peer: IpAddr) -> Option<(Stream, Packet)> {
    let mut assembler = Assembler::default();
    let arrived = match live.tls {
        None => read_arrived(&fresh, &mut assembler),
        Some(_) => Ok(()),
    };
    let received = match arrived.and_then(|()| is_whole(&assembler)) {
        Ok(true) => finish(Stream::Fresh(fresh), assembler),
        Ok(false) => wait_for_request(shared, live, fresh, assembler, peer).await,
        Err(failure) => {
            Stream::Fresh(fresh).close();
            Err(failure)
        }
    };
    match received {
        Ok(received) => Some(received),
        Err(failure) => {
            complain(shared, live, peer, failure);
            None
        }
    }
}

/// Reads what a plain client has sent already, as far as it belongs to one packet.
fn read_arrived(fresh: &Fresh, assembler: &mut Assembler) -> Result<(), Failure> {
    let mut buffer = [0; limits::NRPE_READ_BYTES];
    while !is_whole(assembler)? {
        match fresh.read(&mut buffer) {
            Ok(None) => break,
            Ok(Some(0)) | Err(_) => return Err(Failure::Ended),
            Ok(Some(read)) => assembler.push(&buffer[..read]).map_err(Failure::Fault)?,
        };
    }
    Ok(())
}

fn is_whole(assembler: &Assembler) -> Result<bool, Failure> {
    Ok(assembler.missing().map_err(Failure::Fault)? == 0)
}

/// Waits for the rest of a request in the waiting room.
async fn wait_for_request(
    shared: &Arc<Shared>,
    live: &Live,
    fresh: Fresh,
    assembler: Assembler,
    peer: IpAddr,
) -> Result<(Stream, Packet), Failure> {
    let (seat, crowded) = shared.room.enter();
    if crowded {
        shared.counters.crowded_out.add();
    }
    let deadline = Instant::now() + live.settings.request_timeout;
    tokio::select! {
        biased;
        received = read_request(shared, live, fresh, assembler, peer, deadline) => received,
        () = seat.evicted() => Err(Failure::Evicted),
    }
}

async fn read_request(
    shared: &Shared,
    live: &Live,
    fresh: Fresh,
    mut assembler: Assembler,
    peer: IpAddr,
    deadline: Instant,
) -> Result<(Stream, Packet), Failure> {
    let tls = live.tls.as_ref();
    let mut share = Share::of(&shared.waiting_bytes);
    if !share.grow_to(assembler.len()) {
        return Err(Failure::Memory);
    }
    let tcp = fresh.join().map_err(|_| Failure::Ended)?;
    // Nothing is allocated for a connection until it speaks. A new socket counts as readable without having been asked,
    // so it has to be looked into.
    match timeout_at(deadline, tcp.peek(&mut [0])).await {
        Ok(Ok(_)) => {}
        Ok(Err(_)) => return Err(Failure::Ended),
        Err(_) if tls.is_some() => return Err(Failure::HandshakeTimeout),
        Err(_) => return Err(Failure::RequestTimeout),
    }
    let mut stream = match timeout_at(deadline, Box::pin(Stream::open(tcp, tls))).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return Err(Failure::Handshake(error)),
        Err(_) => return Err(Failure::HandshakeTimeout),
    };
    if tls.is_some() {
        note_anonymous(shared, live, &stream, peer);
        tls_log::done(&live.log, &live.settings.ssl, peer, &stream);
    }
    // A client that is silent after its handshake is waited for with a few bytes only.
    let (mut first, mut further) = ([0; limits::NRPE_FIRST_READ_BYTES], Vec::new());
    while !is_whole(&assembler)? {
        let buffer = if assembler.is_empty() {
            &mut first[..]
        } else {
            further.resize(limits::NRPE_READ_BYTES, 0);
            &mut further[..]
        };
        let read = match timeout_at(deadline, stream.read(buffer)).await {
            Ok(Ok(0) | Err(_)) => return Err(Failure::Ended),
            Ok(Ok(read)) => read,
            Err(_) => return Err(Failure::RequestTimeout),
        };
        let failure = match assembler.push(&buffer[..read]) {
            Ok(_) if share.grow_to(assembler.len()) => continue,
            Ok(_) => Failure::Memory,
            Err(fault) => Failure::Fault(fault),
        };
        stream.close();
        return Err(failure);
    }
    finish(stream, assembler)
}

fn finish(stream: Stream, assembler: Assembler) -> Result<(Stream, Packet), Failure> {
    match assembler.finish(Kind::Query) {
        Ok(packet) => Ok((stream, packet)),
        Err(fault) => {
            stream.close();
            Err(Failure::Fault(fault))
        }
    }
}

/// Counts and logs why a connection brought no request.
fn complain(shared: &Shared, live: &Live, peer: IpAddr, failure: Failure) {
    let (counters, log) = (&shared.counters, &live.log);
    let unread = || log.error(complaint::unread(peer));
    match failure {
        Failure::Handshake(error) => {
            counters.tls_failures.add();
            tls_log::failed(log, &live.settings.ssl, peer, &error);
        }
        Failure::HandshakeTimeout => {
            counters.timed_out_before_request.add();
            let seconds = live.settings.request_timeout.as_secs();
            log.error(tls_log::incomplete(peer, format_args!("timeout {seconds} seconds")));
        }
        Failure::RequestTimeout => {
            counters.timed_out_before_request.add();
            unread();
        }
        Failure::Ended => {
            counters.cut_short.add();
            unread();
        }
        Failure::Memory => {
            counters.refused_for_memory.add();
            log.error(format_args!(
                "Request from {peer} refused: unfinished requests take all of the memory set aside for them"
            ));
        }
        Failure::Evicted => log.debug(|| format!("Connection from {peer} gave up its place to a newer one")),
        Failure::Fault(fault) => {
            match fault {
                Fault::Version(_) => counters.bad_version.add(),
                Fault::Length(_) => counters.bad_length.add(),
                Fault::Kind(_) => counters.bad_type.add(),
                _ => counters.bad_crc.add(),
            }
            for line in complaint::of_fault(&fault, live.tls.is_some(), peer) {
                log.error(line);
            }
            if let Fault::Version(0x1603) = fault {
                log.info(format_args!(
                    "{peer} speaks TLS to a listener without it: a missing -n on its side?"
                ));
            }
        }
    }
}

/// Counts connections on which neither side showed a certificate, and remarks on each peer once.
fn note_anonymous(shared: &Shared, live: &Live, stream: &Stream, peer: IpAddr) {
    let Transport::Tls { cipher, anonymous: true, .. } = stream.transport() else { return };
    shared.counters.anonymous.add();
    if shared.first_anonymous(peer) {
        live.log.info(format_args!(
            "Remote {peer} uses anonymous TLS ({cipher}): encrypted, but neither side knows the other"
        ));
    }
}

/// Decides about the query and sends what there is to send.
async fn respond(shared: &Shared, live: &Live, stream: Stream, packet: Packet, peer: IpAddr) {
    let counters = &shared.counters;
    let origin = Origin { peer: Some(peer), transport: stream.transport() };
    let decision = decide(&live.settings, &packet, &origin);
    let answer = match decision {
        Decision::Refuse(refusal) => {
            refuse(shared, live, peer, refusal);
            stream.close();
            return;
        }
        Decision::Version(answer) => {
            counters.version_queries.add();
            request_log::asked(&live.log, peer, VERSION_COMMAND);
            answer
        }
        Decision::Unknown { command, answer } => {
            counters.unknown_commands.add();
            request_log::asked(&live.log, peer, &command);
            answer
        }
        Decision::Forbidden { command, answer } => {
            counters.refused_by_command_access.add();
            live.log.error(format_args!("Host {peer} is not allowed to run command '{command}'!"));
            answer
        }
        Decision::Run { command, task } => {
            request_log::asked(&live.log, peer, &command);
            run_or_join(shared, live, command, task, origin).await
        }
    };
    request_log::answers(&live.log, &answer);
    deliver(shared, stream, &packet, &answer).await;
}

fn refuse(shared: &Shared, live: &Live, peer: IpAddr, refusal: Refusal) {
    let counters = &shared.counters;
    match refusal {
        Refusal::Empty | Refusal::NoCommand => counters.empty_queries.add(),
        Refusal::Metachar(_) => counters.illegal_metachars.add(),
        Refusal::Arguments => counters.refused_arguments.add(),
        _ => counters.refused_substitutions.add(),
    }
    for line in complaint::of_refusal(&refusal, live.settings.arguments_withheld, peer) {
        live.log.error(line);
    }
}

/// Runs a command, or joins an execution of the same line if that is wanted.
async fn run_or_join(shared: &Shared, live: &Live, command: String, task: Task, origin: Origin) -> Answer {
    let lead = match (&live.shared_lines, &task) {
        (Some(lines), Task::Line { line, .. }) => match lines.join((command.clone(), line.clone())) {
            Part::Lead(lead) => Some(lead),
            Part::Follow(answer) => {
                if let Some(answer) = coalesce::follow(answer).await {
                    shared.counters.coalesced.add();
                    return answer;
                }
                None
            }
        },
        _ => None,
    };
    let answer = run(shared, live, command, task, origin).await;
    if let Some(lead) = lead {
        lead.tell(&answer);
    }
    answer
}

/// Has the agent run a command, and waits for the answer.
async fn run(shared: &Shared, live: &Live, command: String, task: Task, origin: Origin) -> Answer {
    let command_timeout = live.settings.command_timeout;
    let overloaded = || {
        shared.counters.over_limit.add();
        Answer::unknown(format!("NRPE: Command '{command}' not run: too many commands are running already"))
    };
    let stopping = || Answer::unknown("NRPE: The agent is shutting down");
    let deadline = Instant::now() + command_timeout;
    let Ok(running) = timeout_at(deadline, live.running.acquire()).await else { return overloaded() };
    let Ok(_running) = running else { return stopping() };
    if let Task::Line { line, .. } = &task {
        request_log::runs(&live.log, line);
    }
    let Ok(permit) = timeout_at(deadline, shared.requests.reserve()).await else { return overloaded() };
    let Ok(permit) = permit else { return stopping() };
    let (answer, answered) = oneshot::channel();
    shared.counters.requests.add();
    permit.send(Request { command: command.clone(), task, timeout: command_timeout, origin, answer });
    // The agent keeps the time; this is for an agent that has lost the request.
    let patience = command_timeout + limits::NRPE_REPORT_GRACE;
    match timeout(patience, answered).await {
        Ok(Ok(answer)) => {
            live.log.debug(|| {
                let text = String::from_utf8_lossy(&answer.text);
                format!("Command completed with return code {} and output: {text}", answer.code)
            });
            answer
        }
        Ok(Err(_)) => Answer::unknown("NRPE: Unable to read output (the agent dropped the request)"),
        Err(_) => Answer::timed_out(command_timeout),
    }
}

async fn deliver(shared: &Shared, stream: Stream, packet: &Packet, answer: &Answer) {
    let bytes = Packet::encode_response(packet.version, answer.code, answer.fitted(packet.version));
    match timeout(limits::NRPE_ANSWER_TIMEOUT, stream.send(&bytes)).await {
        Ok(Ok(())) => shared.counters.answered.add(),
        Ok(Err(_)) | Err(_) => shared.counters.undelivered.add(),
    }
}
