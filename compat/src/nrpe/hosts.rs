//! `allowed_hosts`: who may connect, as addresses, networks and names.
//!
//! Names are not resolved here: [`AllowedHosts::verdict`] hands back the names that have to be looked up. An
//! entry of one address family never matches a peer of the other.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::command_line::atoi;

/// Longest host name that NRPE takes.
const NAME_MAX_LEN: usize = 63;
/// An IPv4 address or network is written in so many characters.
const IPV4_TEXT_LEN: std::ops::RangeInclusive<usize> = 7..=18;

/// One entry of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostEntry {
    /// An IPv4 network, or one address as a network of 32 bits. No bits are set beyond the prefix.
    V4 {
        /// First address.
        network: Ipv4Addr,
        /// Bits that have to match, 0 to 32.
        prefix_bits: u8,
    },
    /// An IPv6 network, or one address as a network of 128 bits. No bits are set beyond the prefix.
    V6 {
        /// First address.
        network: Ipv6Addr,
        /// Bits that have to match, 0 to 128.
        prefix_bits: u8,
    },
    /// A host name.
    Name(String),
}

impl fmt::Display for HostEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HostEntry::V4 { network, prefix_bits: 32 } => network.fmt(f),
            HostEntry::V4 { network, prefix_bits } => write!(f, "{network}/{prefix_bits}"),
            HostEntry::V6 { network, prefix_bits: 128 } => network.fmt(f),
            HostEntry::V6 { network, prefix_bits } => write!(f, "{network}/{prefix_bits}"),
            HostEntry::Name(name) => name.fmt(f),
        }
    }
}

/// An entry that is ignored, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadHost {
    /// The entry as written.
    pub written: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl fmt::Display for BadHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.written, self.reason)
    }
}

/// The list. Without one everybody may connect; with one that has no valid entry, nobody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedHosts {
    entries: Option<Vec<HostEntry>>,
    written: String,
}

/// What a list says of a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict<'a> {
    /// The peer may connect.
    Allowed,
    /// The peer may not.
    Refused,
    /// The peer may if one of these names has its address.
    IfNamed(Vec<&'a str>),
}

impl AllowedHosts {
    /// The list without restriction.
    pub fn everyone() -> AllowedHosts {
        AllowedHosts::default()
    }

    /// Adds the entries of a comma-separated list. Entries that mean nothing are left out and returned.
    ///
    /// From the first call on, only listed hosts may connect.
    pub fn add(&mut self, list: &[u8]) -> Vec<BadHost> {
        if self.entries.is_some() {
            self.written.push(',');
        }
        self.written.push_str(&String::from_utf8_lossy(list));
        let entries = self.entries.get_or_insert_default();
        let mut bad = Vec::new();
        for item in list.split(|&byte| byte == b',') {
            let item = String::from_utf8_lossy(item);
            // What follows a blank inside an entry is not looked at.
            let Some(written) = item.split_ascii_whitespace().next() else { continue };
            match parse_entry(written) {
                Ok(entry) => entries.push(entry),
                Err(reason) => bad.push(BadHost { written: written.to_owned(), reason }),
            }
        }
        bad
    }

    /// The entries; none if everybody may connect.
    pub fn entries(&self) -> Option<&[HostEntry]> {
        self.entries.as_deref()
    }

    /// The lists as they were written, with a comma between two.
    pub fn written(&self) -> &str {
        &self.written
    }

    /// Judges a peer. An IPv4 address mapped into IPv6 counts as IPv4.
    pub fn verdict(&self, peer: IpAddr) -> Verdict<'_> {
        let Some(entries) = &self.entries else { return Verdict::Allowed };
        let peer = peer.to_canonical();
        let mut names = Vec::new();
        for entry in entries {
            match (entry, peer) {
                (HostEntry::V4 { network, prefix_bits }, IpAddr::V4(peer)) => {
                    if masked_v4(peer, *prefix_bits) == *network {
                        return Verdict::Allowed;
                    }
                }
                (HostEntry::V6 { network, prefix_bits }, IpAddr::V6(peer)) => {
                    if masked_v6(peer, *prefix_bits) == *network {
                        return Verdict::Allowed;
                    }
                }
                (HostEntry::Name(name), _) => names.push(name.as_str()),
                (HostEntry::V4 { .. } | HostEntry::V6 { .. }, _) => {}
            }
        }
        if names.is_empty() { Verdict::Refused } else { Verdict::IfNamed(names) }
    }
}

/// The first address of the peer's network of so many bits.
pub(super) fn masked_v4(address: Ipv4Addr, prefix_bits: u8) -> Ipv4Addr {
    let mask = u32::MAX.checked_shl(32 - u32::from(prefix_bits.min(32))).unwrap_or(0);
    Ipv4Addr::from(u32::from(address) & mask)
}

/// The first address of the peer's network of so many bits.
pub(super) fn masked_v6(address: Ipv6Addr, prefix_bits: u8) -> Ipv6Addr {
    let mask = u128::MAX.checked_shl(128 - u32::from(prefix_bits.min(128))).unwrap_or(0);
    Ipv6Addr::from(u128::from(address) & mask)
}

fn parse_entry(written: &str) -> Result<HostEntry, &'static str> {
    if written.contains(':') {
        return parse_v6(written);
    }
    let looks_like_ipv4 = written.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'/'));
    if looks_like_ipv4 && let Some(entry) = parse_v4(written)? {
        return Ok(entry);
    }
    // An address with a number too large, such as 127.0.0.300, is a valid host name by its characters.
    let valid = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    let bounded =
        |label: &str| label.starts_with(|first: char| first.is_ascii_alphanumeric()) && !label.ends_with('-');
    if written.len() > NAME_MAX_LEN {
        Err("a host name has at most 63 characters")
    } else if !written.bytes().all(valid) {
        Err("neither an address, nor a network such as 192.0.2.0/24, nor a host name")
    } else if !written.split('.').all(bounded) {
        Err("the parts of a host name between the dots begin and end with a letter or a digit")
    } else {
        Ok(HostEntry::Name(written.to_owned()))
    }
}

/// A dotted quad, with leading zeros taken as decimal; none if it is not one.
fn parse_v4(written: &str) -> Result<Option<HostEntry>, &'static str> {
    if !IPV4_TEXT_LEN.contains(&written.len()) {
        return Ok(None);
    }
    let (address, prefix) = match written.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (written, None),
    };
    let octets: Option<Vec<u8>> = address
        .split('.')
        .map(|octet| if octet.is_empty() { None } else { octet.parse::<u32>().ok()?.try_into().ok() })
        .collect();
    let Some(Ok(octets)) = octets.map(<[u8; 4]>::try_from) else { return Ok(None) };
    let network = Ipv4Addr::from(octets);
    let prefix_bits = match prefix {
        None => 32,
        Some(prefix) => match prefix.parse::<u8>() {
            Ok(bits @ 0..=32) => bits,
            _ => return Err("the prefix of an IPv4 network is a number from 0 to 32"),
        },
    };
    if prefix_bits == 0 && !network.is_unspecified() {
        // With NRPE a prefix of 0 is the same as one of 32. Where the address is not 0.0.0.0, that is what was meant.
        return Ok(Some(HostEntry::V4 { network, prefix_bits: 32 }));
    }
    if masked_v4(network, prefix_bits) != network {
        return Err("the address has bits set beyond the prefix");
    }
    Ok(Some(HostEntry::V4 { network, prefix_bits }))
}

fn parse_v6(written: &str) -> Result<HostEntry, &'static str> {
    let (address, prefix_bits) = match written.split_once('/') {
        None => (written, 128),
        Some((address, prefix)) => match u8::try_from(atoi(prefix.as_bytes())) {
            Ok(bits @ 0..=128) => (address, bits),
            _ => return Err("the prefix of an IPv6 network is a number from 0 to 128"),
        },
    };
    match address.parse::<Ipv6Addr>() {
        Ok(address) => Ok(HostEntry::V6 { network: masked_v6(address, prefix_bits), prefix_bits }),
        Err(_) => Err("not an IPv6 address"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(list: &str) -> AllowedHosts {
        let mut hosts = AllowedHosts::everyone();
        hosts.add(list.as_bytes());
        hosts
    }

    fn allowed(list: &str, peer: &str) -> bool {
        hosts(list).verdict(peer.parse().unwrap()) == Verdict::Allowed
    }

    #[test]
    fn without_a_list_everyone_may() {
        assert_eq!(AllowedHosts::everyone().verdict("192.0.2.1".parse().unwrap()), Verdict::Allowed);
        assert_eq!(hosts("").verdict("192.0.2.1".parse().unwrap()), Verdict::Refused);
    }

    #[test]
    fn addresses_and_networks() {
        assert!(allowed("127.0.0.1", "127.0.0.1"));
        assert!(!allowed("127.0.0.2", "127.0.0.1"));
        assert!(allowed("10.0.0.0/8, 127.0.0.0/8", "127.0.0.1"));
        assert!(allowed("127.0.0.001", "127.0.0.1"));
        assert!(allowed("0.0.0.0/1", "127.0.0.1"));
        assert!(!allowed("0.0.0.0/1", "192.0.2.1"));
        assert!(allowed("0.0.0.0/0", "192.0.2.1"));
        assert!(allowed("192.0.2.1/0", "192.0.2.1"));
        assert!(!allowed("192.0.2.1/0", "192.0.2.2"));
        assert!(allowed("::1", "::1"));
        assert!(allowed("2001:db8::/32", "2001:db8:1::5"));
        assert!(!allowed("2001:db8::/32", "2001:db9::5"));
        assert!(allowed("::1/0", "2001:db9::5"));
        assert!(allowed("192.0.2.7", "::ffff:192.0.2.7"));
    }

    #[test]
    fn families_do_not_mix() {
        assert!(!allowed("0.0.0.0/0", "::1"));
        assert!(!allowed("::/0", "127.0.0.1"));
    }

    #[test]
    fn what_follows_a_blank_in_an_entry_is_dropped() {
        assert!(allowed(" 127.0.0.1 127.0.0.2 ,, 127.0.0.3", "127.0.0.3"));
        assert!(!allowed("127.0.0.1 127.0.0.2", "127.0.0.2"));
    }

    #[test]
    fn names_are_handed_back() {
        let list = hosts("poller.example.com,127.0.0.300,192.0.2.1");
        let names = vec!["poller.example.com", "127.0.0.300"];
        assert_eq!(list.verdict("192.0.2.9".parse().unwrap()), Verdict::IfNamed(names));
        assert_eq!(list.verdict("192.0.2.1".parse().unwrap()), Verdict::Allowed);
    }

    #[test]
    fn what_means_nothing_is_refused_and_leaves_nobody() {
        let long = "x".repeat(64);
        for entry in [
            "*",
            "127.0.0.5/24",
            "127.0.0.0/255.0.0.0",
            "10.0.0.0/33",
            "a_b",
            "::1/129",
            "1::2::3",
            &long,
            "a.",
            ".a",
            "a..b",
            "-a",
            "a-",
            "a-.b",
            "a.-b",
            "127.0.0.1.",
        ] {
            let mut list = AllowedHosts::everyone();
            assert_eq!(list.add(entry.as_bytes()).len(), 1, "{entry}");
            assert_eq!(list.verdict("127.0.0.1".parse().unwrap()), Verdict::Refused);
        }
    }

    #[test]
    fn several_lists_add_up() {
        let mut list = hosts("192.0.2.1");
        assert_eq!(list.add(b"192.0.2.2"), []);
        assert_eq!(list.verdict("192.0.2.1".parse().unwrap()), Verdict::Allowed);
        assert_eq!(list.entries().map(<[_]>::len), Some(2));
        assert_eq!(list.written(), "192.0.2.1,192.0.2.2");
    }
}
