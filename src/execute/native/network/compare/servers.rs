//! Servers that do what real ones do, and what they should not.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::ssl::{SslAcceptor, SslMethod};
use openssl::x509::{X509, X509NameBuilder};

use crate::clock;

/// A step of a server.
#[derive(Clone, Debug)]
pub(super) enum Act {
    Send(Vec<u8>),
    /// Wait so long (ms), whatever comes.
    Pause(u64),
    /// Wait until something comes.
    Hear,
    /// Send that again and again until the other side is gone.
    Flood(&'static [u8]),
    /// Send back what comes.
    Echo,
    /// Wait for a request and answer with it.
    Mirror,
    /// End it as if there had been a crash.
    Reset,
    /// Say nothing until the other side goes.
    Hold,
}

pub(super) fn send(text: impl AsRef<[u8]>) -> Act {
    Act::Send(text.as_ref().to_vec())
}

/// What can be read from and written to.
trait Line: Read + Write {
    fn tcp(&self) -> Option<&TcpStream>;
    fn patience(&self, time: Option<Duration>);
}

impl Line for TcpStream {
    fn tcp(&self) -> Option<&TcpStream> {
        Some(self)
    }

    fn patience(&self, time: Option<Duration>) {
        let _ = self.set_read_timeout(time);
    }
}

impl Line for openssl::ssl::SslStream<TcpStream> {
    fn tcp(&self) -> Option<&TcpStream> {
        Some(self.get_ref())
    }

    fn patience(&self, time: Option<Duration>) {
        let _ = self.get_ref().set_read_timeout(time);
    }
}

impl Line for std::os::unix::net::UnixStream {
    fn tcp(&self) -> Option<&TcpStream> {
        None
    }

    fn patience(&self, time: Option<Duration>) {
        let _ = self.set_read_timeout(time);
    }
}

fn play(line: &mut dyn Line, acts: &[Act]) {
    let mut heard = [0; 4096];
    for act in acts {
        line.patience(None);
        let goes_on = match act {
            Act::Send(text) => line.write_all(text).is_ok(),
            Act::Pause(ms) => {
                let until_us = clock::mono_us() + ms * 1000;
                // Nobody is expected to say much meanwhile.
                while let Some(left_us) =
                    until_us.checked_sub(clock::mono_us()).filter(|left_us| *left_us > 0)
                {
                    line.patience(Some(Duration::from_micros(left_us)));
                    match line.read(&mut heard) {
                        Ok(0) => return,
                        Ok(_) => {}
                        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                        Err(_) => return,
                    }
                }
                true
            }
            Act::Hear => line.read(&mut heard).is_ok_and(|count| count > 0),
            Act::Flood(text) => {
                // So much at once that nobody gets only a part of a block.
                let block = text.repeat(16 * 1024 / text.len());
                while line.write_all(&block).is_ok() {}
                false
            }
            Act::Echo => {
                while let Ok(count @ 1..) = line.read(&mut heard) {
                    if line.write_all(&heard[..count]).is_err() {
                        break;
                    }
                }
                false
            }
            Act::Mirror => {
                let count = line.read(&mut heard).unwrap_or(0);
                let head = b"HTTP/1.1 200 OK\r\nServer: mirror\r\n\r\n";
                line.write_all(&[head, &heard[..count]].concat()).is_ok()
            }
            Act::Reset => {
                if let Some(stream) = line.tcp() {
                    let off = nix::libc::linger { l_onoff: 1, l_linger: 0 };
                    let _ = nix::sys::socket::setsockopt(stream, nix::sys::socket::sockopt::Linger, &off);
                }
                false
            }
            Act::Hold => {
                while let Ok(1..) = line.read(&mut heard) {}
                false
            }
        };
        if !goes_on {
            return;
        }
    }
    // What has come and was not read would make the end of it a reset.
    line.patience(Some(Duration::from_millis(1)));
    while let Ok(1..) = line.read(&mut heard) {}
}

/// Starts a server; returns its port.
pub(super) fn tcp(acts: Vec<Act>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let acts = acts.clone();
            thread::spawn(move || play(&mut stream.unwrap(), &acts));
        }
    });
    port
}

/// The same behind TLS, with a certificate for this name and for so long (s).
pub(super) fn tls(acts: Vec<Act>, name: Option<&str>, valid_s: i64) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let acceptor = Arc::new(acceptor(name, valid_s));
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (acts, acceptor) = (acts.clone(), Arc::clone(&acceptor));
            thread::spawn(move || {
                if let Ok(mut stream) = acceptor.accept(stream.unwrap()) {
                    play(&mut stream, &acts);
                }
            });
        }
    });
    port
}

fn acceptor(name: Option<&str>, valid_s: i64) -> SslAcceptor {
    // One will do, as nobody looks.
    static KEY: OnceLock<PKey<Private>> = OnceLock::new();
    let key = KEY.get_or_init(|| PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap());
    let mut subject = X509NameBuilder::new().unwrap();
    subject.append_entry_by_text("O", "Somebody").unwrap();
    if let Some(name) = name {
        subject.append_entry_by_text("CN", name).unwrap();
    }
    let subject = subject.build();
    let now_s = clock::now_ms() / 1000;
    let mut certificate = X509::builder().unwrap();
    certificate.set_version(2).unwrap();
    certificate.set_serial_number(&BigNum::from_u32(7).unwrap().to_asn1_integer().unwrap()).unwrap();
    certificate.set_subject_name(&subject).unwrap();
    certificate.set_issuer_name(&subject).unwrap();
    certificate.set_pubkey(key).unwrap();
    certificate.set_not_before(&Asn1Time::from_unix(now_s - 100 * 86_400).unwrap()).unwrap();
    certificate.set_not_after(&Asn1Time::from_unix(now_s + valid_s).unwrap()).unwrap();
    certificate.sign(key, MessageDigest::sha256()).unwrap();
    let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls()).unwrap();
    acceptor.set_private_key(key).unwrap();
    acceptor.set_certificate(&certificate.build()).unwrap();
    acceptor.build()
}

/// A socket of the file system.
pub(super) fn socket(place: &Path, acts: Vec<Act>) -> PathBuf {
    let path = place.join("socket");
    let listener = UnixListener::bind(&path).unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let acts = acts.clone();
            thread::spawn(move || play(&mut stream.unwrap(), &acts));
        }
    });
    path
}

/// A server of datagrams, which answers each by this.
pub(super) fn udp(answer: Option<&'static [u8]>) -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    thread::spawn(move || {
        let mut heard = [0; 2048];
        while let Ok((_, from)) = socket.recv_from(&mut heard) {
            if let Some(answer) = answer {
                let _ = socket.send_to(answer, from);
            }
        }
    });
    port
}

/// A port where nobody listens.
pub(super) fn closed() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
