//! A link that is slow and loses packets: a stretch of it for both ways, each packet late, some of them as late as if they had been sent
//! again, and all behind such a one later still, as TCP has it.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crossbeam::channel::{Receiver, after, bounded};

/// How long a packet is on its way, and how much longer one that was lost.
const ONE_WAY: Duration = Duration::from_millis(80);
const SENT_AGAIN: Duration = Duration::from_millis(240);
/// One packet of so many is lost.
const LOST_OF: u64 = 100;
const PACKET_BYTES: usize = 1400;
/// Packets that are on their way at once; the sender waits for room.
const PACKETS_MAX: usize = 64;

/// The link, until the test ends.
pub(crate) struct Link {
    pub(crate) port: u16,
    state: Arc<State>,
}

struct State {
    is_up: AtomicBool,
    /// What is connected, to be cut.
    ends: Mutex<Vec<TcpStream>>,
    /// Packets that were sent so far, by which it is known which are lost.
    sent: AtomicU64,
}

impl Link {
    /// A link to a port of this host.
    pub(crate) fn to(port: u16) -> Link {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let state =
            Arc::new(State { is_up: AtomicBool::new(true), ends: Mutex::default(), sent: AtomicU64::new(0) });
        let link = Link { port: listener.local_addr().unwrap().port(), state: Arc::clone(&state) };
        thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                // One that is cut is closed at once.
                if state.is_up.load(Ordering::SeqCst)
                    && let Ok(far) = TcpStream::connect(("127.0.0.1", port))
                {
                    join(&state, &near, &far);
                }
            }
        });
        link
    }

    /// Ends all connections, and has none made; or has them made again.
    pub(crate) fn connect(&self, is_connected: bool) {
        self.state.is_up.store(is_connected, Ordering::SeqCst);
        let mut ends = self.state.ends.lock().unwrap();
        // One that is gone already needs no end.
        ends.drain(..).for_each(|end| drop(end.shutdown(Shutdown::Both)));
    }
}

fn join(state: &Arc<State>, near: &TcpStream, far: &TcpStream) {
    let clone = |stream: &TcpStream| stream.try_clone().unwrap();
    state.ends.lock().unwrap().extend([clone(near), clone(far)]);
    carry(Arc::clone(state), clone(near), clone(far));
    carry(Arc::clone(state), clone(far), clone(near));
}

/// Carries one way what comes, by a thread that takes packets and one that hands them on.
fn carry(state: Arc<State>, mut from: TcpStream, mut to: TcpStream) {
    let (sender, packets) = bounded::<(Vec<u8>, Vec<Receiver<std::time::Instant>>)>(PACKETS_MAX);
    thread::spawn(move || {
        let mut packet = [0; PACKET_BYTES];
        while let Ok(bytes @ 1..) = from.read(&mut packet) {
            let number = state.sent.fetch_add(1, Ordering::Relaxed);
            let mut waits = vec![after(ONE_WAY)];
            if number % LOST_OF == LOST_OF / 2 {
                waits.push(after(ONE_WAY + SENT_AGAIN));
            }
            if sender.send((packet[..bytes].to_vec(), waits)).is_err() {
                return;
            }
        }
    });
    thread::spawn(move || {
        for (bytes, waits) in packets {
            for wait in &waits {
                wait.recv().unwrap();
            }
            if to.write_all(&bytes).is_err() {
                break;
            }
        }
        // The other side sees the end.
        let _ = to.shutdown(Shutdown::Both);
    });
}
