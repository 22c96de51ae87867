//! The steps of a plugin on the network, and what may come of each.

use std::io;
use std::time::Duration;

use crate::certificate::Certificate;
use crate::not_native::NotNative;
use crate::printed::{Printed, words};

/// Whom to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The addresses of a host, in turn until one accepts.
    Host {
        /// Its name or its address.
        name: String,
        /// The port, from 1 on.
        port: u16,
        /// Which addresses alone.
        family: Option<Family>,
        /// Whether by UDP.
        is_datagram: bool,
    },
    /// The one address of a host, by UDP; with more than one the plugin itself is to be run.
    Only {
        /// Its name or its address.
        name: String,
        /// The port, from 1 on.
        port: u16,
        /// Which addresses alone.
        family: Option<Family>,
    },
    /// A socket of the file system.
    Socket(String),
}

/// A time by both clocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// That of a clock that is never set (µs).
    pub mono_us: u64,
    /// That of the wall clock (µs since the epoch).
    pub wall_us: i64,
}

/// A version of the internet protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Version 4.
    V4,
    /// Version 6.
    V6,
}

/// What is to be done next.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// Connect; ends as [`Event::Connected`] or [`Event::NotConnected`].
    Connect(Target),
    /// Begin TLS, whoever the other side is; ends as [`Event::Secured`].
    Secure {
        /// The name that is asked for.
        name: Option<String>,
    },
    /// Send it all; ends as [`Event::Sent`], were it in vain.
    Send(Vec<u8>),
    /// Wait for bytes; ends as [`Event::Received`] or [`Event::Silent`].
    Receive {
        /// So many at most.
        max: usize,
        /// For how long, if not for ever. Under TLS it is for how long nothing at all has to come.
        within: Option<Duration>,
    },
    /// Read a file of the kernel; ends as [`Event::Read`].
    Read(&'static str),
    /// Let that time pass; ends as [`Event::Waited`].
    Wait(Duration),
    /// It is over. Nobody is told that the connection ends.
    Done(Printed),
}

/// What came of a step.
#[derive(Debug)]
pub enum Event<'e> {
    /// There was none before.
    Begun,
    /// There is a connection.
    Connected,
    /// There is none; the error is that of the last address.
    NotConnected(&'e io::Error),
    /// There is TLS, with this certificate of the other side.
    Secured(Option<Certificate>),
    /// It was sent.
    Sent,
    /// That came; nothing if the connection is at its end or broken.
    Received(&'e [u8]),
    /// Nothing came in time.
    Silent,
    /// That is in the file.
    Read(&'e [u8]),
    /// The time has passed.
    Waited,
}

/// A step that another one has to have gone before.
pub(crate) fn out_of_turn(event: &Event<'_>) -> NotNative {
    NotNative(format!("{event:?} is out of turn"))
}

impl Target {
    /// A host by the words of a command line: its address, or a name of which nothing but a resolver has to be asked.
    ///
    /// # Errors
    /// The plugin may read it as something else, or refuse it.
    pub(crate) fn host(
        name: &str,
        port: u16,
        family: Option<Family>,
        is_datagram: bool,
    ) -> Result<Target, NotNative> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:".contains(&byte);
        let fits = match name.parse::<std::net::IpAddr>() {
            Ok(address) => family.is_none_or(|family| (family == Family::V4) == address.is_ipv4()),
            Err(_) => !name.contains(':') && !name.is_empty() && name.bytes().all(is_plain),
        };
        if !fits || name.len() > 253 {
            return Err(NotNative(format!("the host `{name}`")));
        }
        Ok(Target::Host { name: name.to_owned(), port, family, is_datagram })
    }

    /// What a plugin says if nobody is there.
    pub(crate) fn not_connected(&self, error: &io::Error) -> String {
        let words = words(error);
        match self {
            Target::Host { name, port, .. } | Target::Only { name, port, .. } => {
                format!("connect to address {name} and port {port}: {words}")
            }
            Target::Socket(path) => format!("connect to file socket {path}: {words}"),
        }
    }
}
