//! From a new connection to its request.
//!
//! The order is NRPE's: the peer's address, TLS, the packet. The first objection closes the connection without an
//! answer, which clients take as a hint to try an older version of the protocol.

use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::Arc;

use custos_compat::nrpe::{Assembler, Fault, Kind, Packet, SslLogging};
use tokio::time::{Instant, timeout_at};

use super::budget::Share;
use super::raw_stream::RawStream;
use super::stream::{HandshakeError, Stream};
use crate::limits;
use crate::nrpe::listener::log::refusal;
use crate::nrpe::listener::request::Transport;
use crate::nrpe::listener::state::{ActiveSettings, Shared};
use crate::nrpe::listener::tls;

/// Why a connection brought no request.
enum Failure {
    Handshake(HandshakeError),
    HandshakeTimeout,
    Fault(Fault),
    /// The client closed, or the connection broke.
    Ended,
    RequestTimeout,
    Evicted,
    /// Unfinished requests have exhausted their memory budget.
    Memory,
}

/// A request, and the connection that its answer goes to.
pub(in crate::nrpe::listener) struct Received {
    pub(super) shared: Arc<Shared>,
    pub(super) active: Arc<ActiveSettings>,
    pub(super) stream: Stream,
    pub(super) packet: Packet,
    pub(super) peer: IpAddr,
}

/// Receives the request of a new connection. `None` if none came; the reason has been counted and logged.
pub(in crate::nrpe::listener) async fn receive(
    shared: Arc<Shared>,
    active: Arc<ActiveSettings>,
    tcp: TcpStream,
    from: SocketAddr,
) -> Option<Received> {
    let peer = from.ip().to_canonical();
    let came = || format!("Connection from {peer} port {}", from.port());
    match active.settings.ssl.logging.has(SslLogging::PEER) {
        // Like the other lines that `ssl_logging` asks for, and bounded in a flood as they are.
        true => active.log.info(came()),
        false => active.log.debug(came),
    }
    if !admit(&shared, &active, peer).await {
        turn_away(&shared, tcp).await;
        return None;
    }
    match receive_packet(&shared, &active, RawStream::new(tcp), peer).await {
        Some((stream, packet)) => Some(Received { shared, active, stream, packet, peer }),
        None => {
            active.log.debug(|| format!("Connection from {peer} closed."));
            None
        }
    }
}

/// Whether the peer's address may connect. No byte has been read yet.
async fn admit(shared: &Shared, active: &ActiveSettings, peer: IpAddr) -> bool {
    if !active.names.allows(&active.settings.allowed_hosts, peer).await {
        shared.counters.refused_by_allowed_hosts.add();
        active.log.error(format_args!("Host {peer} is not allowed to talk to us!"));
        return false;
    }
    if let Some(wrappers) = &active.wrappers
        && !wrappers.allows(&active.names, peer).await
    {
        shared.counters.refused_by_tcp_wrappers.add();
        active.log.error(format_args!("Connection refused by TCP wrapper: {peer}"));
        return false;
    }
    true
}

/// Closes the connection of a peer that may not connect, once it has sent something: with bytes unread the kernel resets the
/// connection, which the client says in plain words. Closed before, it would be killed by SIGPIPE in the middle of its
/// handshake. Only so many peers are waited for, and not for long.
async fn turn_away(shared: &Shared, tcp: TcpStream) {
    let Ok(_turned_away) = shared.turned_away.try_acquire() else { return };
    if let Ok(stream) = RawStream::new(tcp).into_tokio() {
        let _ = timeout_at(Instant::now() + limits::NRPE_TURN_AWAY_TIMEOUT, stream.readable()).await;
    }
}

/// Receives a packet in time, or logs why there is none.
async fn receive_packet(
    shared: &Arc<Shared>,
    active: &ActiveSettings,
    raw: RawStream,
    peer: IpAddr,
) -> Option<(Stream, Packet)> {
    let mut assembler = Assembler::default();
    let arrived = match active.tls {
        None => read_arrived(&raw, &mut assembler),
        Some(_) => Ok(()),
    };
    let received = match arrived.and_then(|()| is_whole(&assembler)) {
        Ok(true) => finish(Stream::Raw(raw), assembler),
        Ok(false) => wait_for_request(shared, active, raw, assembler, peer).await,
        Err(failure) => {
            Stream::Raw(raw).close();
            Err(failure)
        }
    };
    match received {
        Ok(received) => Some(received),
        Err(failure) => {
            complain(shared, active, peer, failure);
            None
        }
    }
}

/// Reads what a client without TLS has sent already, up to the end of its packet.
fn read_arrived(raw: &RawStream, assembler: &mut Assembler) -> Result<(), Failure> {
    let mut buffer = [0; limits::NRPE_READ_BYTES];
    while !is_whole(assembler)? {
        match raw.read(&mut buffer) {
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

/// Waits for the rest of a request, within the limit on waiting connections.
async fn wait_for_request(
    shared: &Arc<Shared>,
    active: &ActiveSettings,
    raw: RawStream,
    assembler: Assembler,
    peer: IpAddr,
) -> Result<(Stream, Packet), Failure> {
    let (permit, full) = shared.waiting.admit();
    if full {
        shared.counters.crowded_out.add();
    }
    let deadline = Instant::now() + active.settings.request_timeout;
    tokio::select! {
        biased;
        received = read_request(shared, active, raw, assembler, peer, deadline) => received,
        () = permit.evicted() => Err(Failure::Evicted),
    }
}

async fn read_request(
    shared: &Shared,
    active: &ActiveSettings,
    raw: RawStream,
    mut assembler: Assembler,
    peer: IpAddr,
    deadline: Instant,
) -> Result<(Stream, Packet), Failure> {
    let tls = active.tls.as_ref();
    let mut share = Share::of(&shared.waiting_bytes);
    if !share.grow_to(assembler.len()) {
        return Err(Failure::Memory);
    }
    let tcp = raw.into_tokio().map_err(|_| Failure::Ended)?;
    // Nothing is allocated for a connection until it sends something. tokio takes a new socket for readable, so a byte
    // has to be peeked at.
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
        note_anonymous(shared, active, &stream, peer);
        tls::done(&active.log, &active.settings.ssl, peer, &stream);
    }
    // While a client is silent after its handshake, it costs a small buffer only.
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
fn complain(shared: &Shared, active: &ActiveSettings, peer: IpAddr, failure: Failure) {
    let (counters, log) = (&shared.counters, &active.log);
    let unread = || log.error(refusal::unread(peer));
    match failure {
        Failure::Handshake(error) => {
            counters.tls_failures.add();
            tls::failed(log, &active.settings.ssl, peer, &error);
        }
        Failure::HandshakeTimeout => {
            counters.timed_out_before_request.add();
            let seconds = active.settings.request_timeout.as_secs();
            log.error(tls::incomplete(peer, format_args!("timeout {seconds} seconds")));
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
        Failure::Evicted => {
            log.debug(|| format!("Connection from {peer} is closed to make room for a newer one"))
        }
        Failure::Fault(fault) => {
            match fault {
                Fault::Version(_) => counters.bad_version.add(),
                Fault::Length(_) => counters.bad_length.add(),
                Fault::Kind(_) => counters.bad_type.add(),
                _ => counters.bad_crc.add(),
            }
            for line in refusal::of_fault(&fault, active.tls.is_some(), peer) {
                log.error(line);
            }
            if let Fault::Version(0x1603) = fault {
                log.info(format_args!("{peer} speaks TLS, but TLS is off here: does it need -n?"));
            }
        }
    }
}

/// Counts a connection without any certificate, and logs each such peer once.
fn note_anonymous(shared: &Shared, active: &ActiveSettings, stream: &Stream, peer: IpAddr) {
    let Transport::Tls { cipher, anonymous: true, .. } = stream.transport() else { return };
    shared.counters.anonymous.add();
    if shared.first_anonymous(peer) {
        active.log.info(format_args!(
            "Remote {peer} uses anonymous TLS ({cipher}): encrypted, but neither side knows the other"
        ));
    }
}
