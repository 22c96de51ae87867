//! The sockets that traps come in by, on a thread of their own.
//!
//! Packets are read in batches, many for one call to the kernel, from sockets with a large buffer; what the kernel had
//! to drop all the same it says with the packets, and it is counted. Results go to the agent in batches too. While
//! the agent does not take them the thread waits, and the buffers of the sockets fill.

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr, ToSocketAddrs, UdpSocket};
use std::os::fd::{AsFd, AsRawFd};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, MultiHeaders, SockaddrStorage, recvmmsg, setsockopt, sockopt,
};
use tokio::sync::mpsc;

use super::counters::Counters;
use super::intake::{Intake, Taken};
use crate::clock;
use crate::limits::{
    TRAP_PACKET_MAX_BYTES, TRAPS_BATCH_PACKETS, TRAPS_BUFFER_BYTES, TRAPS_BUFFER_MIN_BYTES, TRAPS_LOOK,
};
use crate::lock::locked;
use crate::observe::PassiveResult;

/// Between two attempts to hand results over while there is no room.
const ROOM_WAIT_MS: u8 = 5;
/// Such attempts that are made after the thread was told to stop.
const STOP_ATTEMPTS: u32 = 100;

/// Sockets and the thread that reads them. Dropped, it stops.
#[derive(Debug)]
pub struct Listener {
    addresses: Vec<SocketAddr>,
    intake: Arc<Mutex<Intake>>,
    stop: Arc<EventFd>,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    /// Listens on addresses, and sends what comes to `events`.
    ///
    /// # Errors
    /// One of the addresses cannot be listened on.
    pub fn start(
        listen: &[SocketAddr],
        intake: Intake,
        events: mpsc::Sender<Vec<PassiveResult>>,
    ) -> io::Result<Listener> {
        let sockets = open_all(listen)?;
        let addresses = sockets.iter().map(UdpSocket::local_addr).collect::<io::Result<_>>()?;
        let stop = Arc::new(EventFd::from_flags(EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC)?);
        let intake = Arc::new(Mutex::new(intake));
        let (seen_stop, seen_intake) = (Arc::clone(&stop), Arc::clone(&intake));
        let thread = std::thread::Builder::new().name("custos-traps".to_owned()).spawn(move || {
            let mut reader = Reader { sockets, intake: seen_intake, events, stop: seen_stop };
            if let Err(error) = reader.serve() {
                tracing::error!("traps are not received any more: {error}");
            }
        })?;
        Ok(Listener { addresses, intake, stop, thread: Some(thread) })
    }

    /// Where it listens.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// What became of the packets so far.
    pub fn counters(&self) -> Counters {
        locked(&self.intake).counters().clone()
    }

    /// Judges by another configuration from the next packet on; the counts go on.
    pub fn replace(&self, intake: Intake) {
        let mut current = locked(&self.intake);
        let counters = current.counters().clone();
        *current = intake.with_counters(counters);
    }

    /// Whether the thread has ended, which it does not by itself.
    pub fn has_failed(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // It can only fail if it was told often enough already.
        let _ = self.stop.write(1);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The addresses of each `HOST:PORT`, where `*` is every address of both families. Looks up names, which takes its time.
///
/// # Errors
/// One of them has no address.
pub fn resolve(listen: &[String]) -> io::Result<Vec<SocketAddr>> {
    let mut all = Vec::new();
    for text in listen {
        let addresses: Vec<SocketAddr> = match text.strip_prefix("*:") {
            Some(port) => format!("[::]:{port}").to_socket_addrs()?.collect(),
            None => text.to_socket_addrs()?.collect(),
        };
        if addresses.is_empty() {
            return Err(io::Error::new(io::ErrorKind::NotFound, format!("{text} has no address")));
        }
        all.extend(addresses);
    }
    Ok(all)
}

/// Whether the addresses can be listened on now.
///
/// # Errors
/// One of them cannot.
pub fn try_to_listen(listen: &[SocketAddr]) -> io::Result<()> {
    open_all(listen).map(drop)
}

fn open_all(listen: &[SocketAddr]) -> io::Result<Vec<UdpSocket>> {
    let named = |address: &SocketAddr, error: io::Error| {
        io::Error::new(error.kind(), format!("failed to listen for traps on {address}: {error}"))
    };
    listen.iter().map(|address| open(*address).map_err(|error| named(address, error))).collect()
}

/// A socket with a buffer as large as the system lets it be, which tells what the kernel drops.
fn open(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind(address)?;
    socket.set_nonblocking(true)?;
    // Beyond the system's limit only with privileges; the largest that is granted is good enough.
    let mut size = TRAPS_BUFFER_BYTES;
    if setsockopt(&socket, sockopt::RcvBufForce, &size).is_err() {
        while size >= TRAPS_BUFFER_MIN_BYTES && setsockopt(&socket, sockopt::RcvBuf, &size).is_err() {
            size /= 2;
        }
    }
    setsockopt(&socket, sockopt::RxqOvfl, &1)?;
    Ok(socket)
}

/// The side of the thread.
struct Reader {
    sockets: Vec<UdpSocket>,
    intake: Arc<Mutex<Intake>>,
    events: mpsc::Sender<Vec<PassiveResult>>,
    stop: Arc<EventFd>,
}

/// A packet of a batch: its sender, its length, and how many the kernel has dropped so far.
type Received = (Option<SocketAddr>, usize, Option<u32>);

impl Reader {
    /// Reads until it is told to stop, or nobody takes what it read.
    fn serve(&mut self) -> io::Result<()> {
        let mut buffers = vec![vec![0; TRAP_PACKET_MAX_BYTES]; TRAPS_BATCH_PACKETS];
        let mut lost_before = vec![0; self.sockets.len()];
        let mut look_us = clock::now().mono_us;
        loop {
            let ready = match self.wait()? {
                Some(ready) => ready,
                None => return Ok(()),
            };
            let mut results = Vec::new();
            for (place, lost_before) in lost_before.iter_mut().enumerate() {
                if ready[place] {
                    self.read(&self.sockets[place], &mut buffers, lost_before, &mut results)?;
                }
            }
            let now = clock::now();
            if now.mono_us.saturating_sub(look_us) >= clock::micros(TRAPS_LOOK) {
                look_us = now.mono_us;
                results.extend(locked(&self.intake).tick(now));
            }
            if !results.is_empty() && !self.send(results)? {
                return Ok(());
            }
        }
    }

    /// Hands results over, and waits while there is no room. Returns whether somebody is there to take more.
    ///
    /// Whoever stops this thread may be the one that should take them, so then the wait is bounded, and what is not taken
    /// counts as lost.
    fn send(&self, results: Vec<PassiveResult>) -> io::Result<bool> {
        let mut waiting = results;
        let mut attempts_left = STOP_ATTEMPTS;
        loop {
            waiting = match self.events.try_send(waiting) {
                Ok(()) => return Ok(true),
                Err(mpsc::error::TrySendError::Closed(_)) => return Ok(false),
                Err(mpsc::error::TrySendError::Full(waiting)) => waiting,
            };
            let mut stop = [PollFd::new(self.stop.as_fd(), PollFlags::POLLIN)];
            let stopping = match poll(&mut stop, PollTimeout::from(ROOM_WAIT_MS)) {
                Ok(ready) => ready > 0,
                Err(Errno::EINTR) => false,
                Err(errno) => return Err(errno.into()),
            };
            if stopping {
                attempts_left -= 1;
                if attempts_left == 0 {
                    locked(&self.intake).note_lost(waiting.len() as u64);
                    return Ok(false);
                }
                // The descriptor stays ready, so it cannot be waited for again.
                poll(&mut [], PollTimeout::from(ROOM_WAIT_MS)).or_else(|errno| match errno {
                    Errno::EINTR => Ok(0),
                    errno => Err(io::Error::from(errno)),
                })?;
            }
        }
    }

    /// Which sockets have something; none if it is time to stop.
    fn wait(&self) -> io::Result<Option<Vec<bool>>> {
        let mut polled: Vec<PollFd<'_>> =
            self.sockets.iter().map(|socket| PollFd::new(socket.as_fd(), PollFlags::POLLIN)).collect();
        polled.push(PollFd::new(self.stop.as_fd(), PollFlags::POLLIN));
        let timeout = PollTimeout::try_from(TRAPS_LOOK).unwrap_or(PollTimeout::MAX);
        match poll(&mut polled, timeout) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno.into()),
        }
        let mut ready: Vec<bool> = polled.iter().map(|fd| fd.any().unwrap_or(false)).collect();
        let stop = ready.pop().unwrap_or(false);
        Ok((!stop).then_some(ready))
    }

    /// Reads one batch, and answers what wants an answer.
    fn read(
        &self,
        socket: &UdpSocket,
        buffers: &mut [Vec<u8>],
        lost_before: &mut u32,
        results: &mut Vec<PassiveResult>,
    ) -> io::Result<()> {
        let received = match receive(socket, buffers) {
            Ok(received) => received,
            // An answer that could not be delivered is told here, and says nothing of what comes.
            Err(
                Errno::EAGAIN | Errno::EINTR | Errno::ECONNREFUSED | Errno::EHOSTUNREACH | Errno::ENETUNREACH,
            ) => {
                return Ok(());
            }
            Err(errno) => return Err(errno.into()),
        };
        let now = clock::now();
        let mut intake = locked(&self.intake);
        for ((source, len, lost), buffer) in received.into_iter().zip(buffers.iter()) {
            if let Some(lost) = lost {
                intake.note_lost(u64::from(lost.wrapping_sub(*lost_before)));
                *lost_before = lost;
            }
            let Some(source) = source else { continue };
            let Taken { results: more, reply } = intake.take(&buffer[..len], source.ip(), now);
            results.extend(more);
            if let Some(reply) = reply {
                intake.note_reply(socket.send_to(&reply, source).is_ok());
            }
        }
        Ok(())
    }
}

/// Reads what is there, at most a batch.
fn receive(socket: &UdpSocket, buffers: &mut [Vec<u8>]) -> Result<Vec<Received>, Errno> {
    let mut slices: Vec<[IoSliceMut<'_>; 1]> =
        buffers.iter_mut().map(|buffer| [IoSliceMut::new(buffer)]).collect();
    // Made anew each time: the kernel shortens their lengths to what it used, and nobody sets them back.
    let mut headers: MultiHeaders<SockaddrStorage> =
        MultiHeaders::preallocate(TRAPS_BATCH_PACKETS, Some(nix::cmsg_space!(u32)));
    let results =
        recvmmsg(socket.as_raw_fd(), &mut headers, slices.iter_mut(), MsgFlags::MSG_DONTWAIT, None)?;
    let packet = |message: nix::sys::socket::RecvMsg<'_, '_, SockaddrStorage>| {
        let lost = message.cmsgs().ok().and_then(|mut all| {
            all.find_map(|one| match one {
                ControlMessageOwned::RxqOvfl(count) => Some(count),
                _ => None,
            })
        });
        (message.address.as_ref().and_then(socket_address), message.bytes, lost)
    };
    Ok(results.map(packet).collect())
}

fn socket_address(storage: &SockaddrStorage) -> Option<SocketAddr> {
    if let Some(v4) = storage.as_sockaddr_in() {
        return Some(SocketAddr::new(IpAddr::V4(v4.ip()), v4.port()));
    }
    storage.as_sockaddr_in6().map(|v6| SocketAddr::V6((*v6).into()))
}
