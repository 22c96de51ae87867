//! Where a server is: `nats://HOST:PORT`, or `tls://HOST:PORT` where the connection is to be encrypted whatever the server says.

use std::fmt;
use std::net::Ipv6Addr;

/// The port that servers listen on by default.
const PORT: u16 = 4222;

/// Where a server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// A name or an address, without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Go on with TLS, whether or not the server asks for it.
    pub tls: bool,
    /// What follows the port behind a slash; empty if nothing does. `import --from` has the name of the stream there.
    pub path: String,
}

/// Why a text is no address. The text continues "failed to read the address: …".
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AddressFault {
    /// It begins with neither `nats://` nor `tls://`.
    Scheme,
    /// It has a user, a password or a token, which belong into the configuration: everybody can see an address.
    Login,
    /// It has no host.
    Host,
    /// What stands where the host should be.
    HostForm(String),
    /// What stands where the port should be.
    Port(String),
}

impl fmt::Display for AddressFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AddressFault::Scheme => write!(out, "it begins with neither `nats://` nor `tls://`"),
            AddressFault::Login => {
                write!(out, "it has a login in it, which everybody can see; give it by a file or a setting")
            }
            AddressFault::Host => write!(out, "it names no host"),
            AddressFault::HostForm(host) => write!(out, "{host:?} is no host"),
            AddressFault::Port(port) => write!(out, "{port:?} is no port"),
        }
    }
}

impl std::error::Error for AddressFault {}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "tls" } else { "nats" };
        match self.host.contains(':') {
            true => write!(out, "{scheme}://[{}]:{}", self.host, self.port),
            false => write!(out, "{scheme}://{}:{}", self.host, self.port),
        }
    }
}

impl Address {
    /// Reads an address.
    ///
    /// # Errors
    /// If it is none.
    pub fn read(text: &str) -> Result<Address, AddressFault> {
        let (scheme, rest) = text.split_once("://").ok_or(AddressFault::Scheme)?;
        let tls = match scheme {
            "nats" => false,
            "tls" => true,
            _ => return Err(AddressFault::Scheme),
        };
        let (place, path) = rest.split_once('/').unwrap_or((rest, ""));
        if place.contains('@') {
            return Err(AddressFault::Login);
        }
        let (host, port) = host_and_port(place)?;
        let port = match port {
            Some(port) => port
                .parse()
                .ok()
                .filter(|port| *port > 0)
                .ok_or_else(|| AddressFault::Port(port.to_owned()))?,
            None => PORT,
        };
        Ok(Address { host: host.to_owned(), port, tls, path: path.to_owned() })
    }
}

/// A name, or an address of IPv6 in brackets, and what follows its colon.
fn host_and_port(place: &str) -> Result<(&str, Option<&str>), AddressFault> {
    let fault = |host: &str| Err(AddressFault::HostForm(host.to_owned()));
    if let Some((host, rest)) = place.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        let port = rest.strip_prefix(':');
        return match host.parse::<Ipv6Addr>() {
            Ok(_) if port.is_some() || rest.is_empty() => Ok((host, port)),
            _ => fault(place),
        };
    }
    let (host, port) = place.split_once(':').map_or((place, None), |(host, port)| (host, Some(port)));
    match host {
        "" => Err(AddressFault::Host),
        _ if host.contains(|c: char| matches!(c, '?' | '#' | '[' | ']') || c.is_whitespace()) => fault(host),
        _ => Ok((host, port)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_shown() {
        for (text, host, port, tls, path, shown) in [
            ("nats://127.0.0.1:4333/CUSTOS", "127.0.0.1", 4333, false, "CUSTOS", "nats://127.0.0.1:4333"),
            ("tls://hub.example", "hub.example", 4222, true, "", "tls://hub.example:4222"),
            ("nats://[::1]:1/", "::1", 1, false, "", "nats://[::1]:1"),
            ("nats://[::1]", "::1", 4222, false, "", "nats://[::1]:4222"),
        ] {
            let address = Address::read(text).unwrap();
            assert_eq!(address.to_string(), shown);
            let expected = Address { host: host.to_owned(), port, tls, path: path.to_owned() };
            assert_eq!(address, expected);
        }
        for (text, fault) in [
            ("http://a", AddressFault::Scheme),
            ("a:4222", AddressFault::Scheme),
            ("nats://u:p@a", AddressFault::Login),
            ("nats://:4222", AddressFault::Host),
            ("nats://a:b", AddressFault::Port("b".to_owned())),
            ("nats://a:70000", AddressFault::Port("70000".to_owned())),
            ("nats://a:0", AddressFault::Port("0".to_owned())),
            ("nats://a?token=t", AddressFault::HostForm("a?token=t".to_owned())),
            ("nats://a b", AddressFault::HostForm("a b".to_owned())),
            ("nats://[::x]", AddressFault::HostForm("[::x]".to_owned())),
            ("nats://[::1]4222", AddressFault::HostForm("[::1]4222".to_owned())),
            ("nats://[::1", AddressFault::HostForm("[".to_owned())),
        ] {
            assert_eq!(Address::read(text), Err(fault), "{text}");
        }
    }
}
