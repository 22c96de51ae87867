//! The network between a sink and its receiver: a relay of TCP that fails in the ways in which networks do.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicI64, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::stage::pause;

/// How long one look for bytes lasts.
const LOOK: Duration = Duration::from_millis(5);
/// Bytes of a step of a slow network, and of any other.
const SLOW_BYTES: usize = 300;
const STEP_BYTES: usize = 16 * 1024;

/// How the network is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weather {
    /// Everything passes.
    Fair,
    /// Connections are closed as soon as they are made.
    Closed,
    /// Nothing passes, and nothing is closed.
    Still,
    /// What the receiver answers does not arrive.
    Deaf,
    /// A few hundred bytes pass at once.
    Slow,
}

impl Weather {
    const ALL: [Weather; 5] = [Weather::Fair, Weather::Closed, Weather::Still, Weather::Deaf, Weather::Slow];
}

#[derive(Debug)]
struct Shared {
    to: SocketAddr,
    weather: AtomicU8,
    /// Connections of an earlier one are cut.
    generation: AtomicU64,
    /// Bytes that still pass to the receiver before all is cut; negative for any number.
    rest: AtomicI64,
    pumps: Mutex<Vec<JoinHandle<()>>>,
}

/// The relay. It ends with this.
#[derive(Debug)]
pub(super) struct Proxy {
    shared: Arc<Shared>,
    port: u16,
    accepting: Option<JoinHandle<()>>,
}

impl Proxy {
    /// Relays to a port of this machine from another one.
    pub(super) fn start(to: u16) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            to: SocketAddr::from(([127, 0, 0, 1], to)),
            weather: AtomicU8::new(0),
            generation: AtomicU64::new(0),
            rest: AtomicI64::new(-1),
            pumps: Mutex::default(),
        });
        let own = Arc::clone(&shared);
        let accepting = std::thread::spawn(move || accept(&listener, &own));
        Proxy { shared, port, accepting: Some(accepting) }
    }

    /// Where a sink is to connect to.
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Changes the weather. Connections that lost something are cut when it changes.
    pub(super) fn set(&self, weather: Weather) {
        let before = self.shared.weather();
        self.shared.weather.store(weather as u8, Ordering::SeqCst);
        if before == Weather::Deaf || weather == Weather::Closed {
            self.cut();
        }
    }

    /// Cuts all connections.
    pub(super) fn cut(&self) {
        self.shared.generation.fetch_add(1, Ordering::SeqCst);
    }

    /// Cuts all connections after so many more bytes to the receiver: in the middle of a request.
    pub(super) fn cut_after(&self, bytes: u64) {
        self.shared.rest.store(bytes as i64, Ordering::SeqCst);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // The last generation: whoever accepts or pumps ends.
        self.shared.generation.store(u64::MAX, Ordering::SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        let pumps = std::mem::take(&mut *self.shared.pumps.lock().unwrap());
        self.accepting.take().into_iter().chain(pumps).for_each(|thread| {
            let _ = thread.join();
        });
    }
}

impl Shared {
    fn weather(&self) -> Weather {
        Weather::ALL[usize::from(self.weather.load(Ordering::SeqCst))]
    }

    fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for near in listener.incoming() {
        let generation = shared.generation();
        if generation == u64::MAX {
            return;
        }
        let Ok(near) = near else { continue };
        if shared.weather() == Weather::Closed {
            continue;
        }
        let Ok(far) = TcpStream::connect(shared.to) else { continue };
        let ways = [(&near, &far, true), (&far, &near, false)];
        let pumps = ways.map(|(from, to, is_up)| {
            let (from, to, shared) = (from.try_clone().unwrap(), to.try_clone().unwrap(), Arc::clone(shared));
            std::thread::spawn(move || pump(from, to, is_up, &shared, generation))
        });
        let mut all = shared.pumps.lock().unwrap();
        all.retain(|pump| !pump.is_finished());
        all.extend(pumps);
    }
}

/// Carries bytes one way until either side or the network ends it.
fn pump(mut from: TcpStream, mut to: TcpStream, is_up: bool, shared: &Shared, generation: u64) {
    from.set_read_timeout(Some(LOOK)).unwrap();
    let mut buffer = [0; STEP_BYTES];
    while shared.generation() == generation {
        let weather = shared.weather();
        if weather == Weather::Still {
            pause(LOOK);
            continue;
        }
        let most = if weather == Weather::Slow { SLOW_BYTES } else { STEP_BYTES };
        let len = match from.read(&mut buffer[..most]) {
            Ok(0) => break,
            Ok(len) => len,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => continue,
            Err(_) => break,
        };
        if !is_up && shared.weather() == Weather::Deaf {
            continue;
        }
        let passing = if is_up { passing(shared, len) } else { len };
        if to.write_all(&buffer[..passing]).is_err() || passing < len {
            break;
        }
        if weather == Weather::Slow {
            pause(LOOK);
        }
    }
    for end in [from, to] {
        let _ = end.shutdown(Shutdown::Both);
    }
}

/// How many of so many bytes pass.
fn passing(shared: &Shared, len: usize) -> usize {
    let rest = shared.rest.load(Ordering::SeqCst);
    if rest < 0 {
        return len;
    }
    let passing = len.min(rest as usize);
    if passing < len {
        shared.rest.store(-1, Ordering::SeqCst);
        shared.generation.fetch_add(1, Ordering::SeqCst);
    } else {
        shared.rest.store(rest - passing as i64, Ordering::SeqCst);
    }
    passing
}
