//! An agent whose answers a test makes, byte by byte.

use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use custos_compat::snmp::{Body, Message, Pdu};

/// An agent of version 1 and 2c, ended when dropped.
pub struct Agent {
    pub port: u16,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Agent {
    /// Answers each request with what the test makes of it; with nothing to be silent.
    pub fn start(mut answer: impl FnMut(&Message, &Pdu) -> Option<Vec<u8>> + Send + 'static) -> Agent {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        let port = socket.local_addr().unwrap().port();
        let stop = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut buffer = vec![0; 65_536];
            while !seen.load(Ordering::Relaxed) {
                let Ok((len, from)) = socket.recv_from(&mut buffer) else { continue };
                let Ok(message) = Message::read(&buffer[..len]) else { continue };
                let Body::Pdu(pdu) = &message.body else { continue };
                if let Some(reply) = answer(&message, pdu) {
                    socket.send_to(&reply, from).unwrap();
                }
            }
        });
        Agent { port, stop, thread: Some(thread) }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
