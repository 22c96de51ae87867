//! Who listens, as `/proc/net` tells everybody.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::read::Root;

/// The state of a TCP socket that listens.
const LISTEN: &str = "0A";
/// The flag of a Unix socket that listens: `__SO_ACCEPTCON`.
const ACCEPTS: u64 = 0x10000;

/// Where something listens by TCP.
pub(super) fn tcp(root: Root<'_>) -> Vec<(IpAddr, u16)> {
    let found: BTreeSet<(IpAddr, u16)> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .flat_map(|file| addresses(&root.text(file), Some(LISTEN)))
        .collect();
    found.into_iter().collect()
}

/// Whether something receives on a UDP port.
pub(super) fn udp(root: Root<'_>, port: u16) -> bool {
    ["/proc/net/udp", "/proc/net/udp6"]
        .iter()
        .any(|file| addresses(&root.text(file), None).iter().any(|(_, bound)| *bound == port))
}

/// The local addresses of a table of sockets, of those in one state.
fn addresses(table: &str, state: Option<&str>) -> Vec<(IpAddr, u16)> {
    table
        .lines()
        .skip(1)
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().take(4).collect();
            let [_, local, _, its_state] = fields[..] else { return None };
            if state.is_some_and(|state| state != its_state) {
                return None;
            }
            let (address, port) = local.split_once(':')?;
            Some((address_of(address)?, u16::from_str_radix(port, 16).ok()?))
        })
        .collect()
}

/// An address: words of 32 bits as this machine would print them, so that their bytes are in the order of the network.
fn address_of(hex: &str) -> Option<IpAddr> {
    let word = |at: usize| Some(u32::from_str_radix(hex.get(at..at + 8)?, 16).ok()?.to_ne_bytes());
    match hex.len() {
        8 => Some(IpAddr::V4(Ipv4Addr::from(word(0)?))),
        32 => {
            let mut bytes = [0; 16];
            for (index, part) in bytes.chunks_mut(4).enumerate() {
                part.copy_from_slice(&word(index * 8)?);
            }
            Some(IpAddr::V6(Ipv6Addr::from(bytes)))
        }
        _ => None,
    }
}

/// The sockets in the file system on which something listens.
pub(super) fn unix(root: Root<'_>) -> Vec<String> {
    let table = root.text("/proc/net/unix");
    let found: BTreeSet<String> = table
        .lines()
        .skip(1)
        .filter_map(|line| {
            let mut fields = line.split_whitespace();
            let flags = u64::from_str_radix(fields.nth(3)?, 16).ok()?;
            // Behind the flags: type, state, inode, and a path that may contain blanks.
            fields.nth(2)?;
            let path = &line[line.find(" /")? + 1..];
            (flags & ACCEPTS != 0).then(|| path.to_owned())
        })
        .collect();
    found.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listeners_of_both_families_are_found() {
        let table = "  sl  local_address rem_address   st tx_queue\n   \
            0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:0 0 0 0 5 1 0 100 0 0 10 0\n   \
            1: 0100007F:1538 00000000:0000 0A 0\n   \
            2: 020200C0:8C5E 507100CB:01BB 01 0\n   \
            3: xyz:0 0 0A\n";
        let found = addresses(table, Some(LISTEN));
        let expected: Vec<(IpAddr, u16)> =
            vec![("0.0.0.0".parse().unwrap(), 22), ("127.0.0.1".parse().unwrap(), 5432)];
        if cfg!(target_endian = "little") {
            assert_eq!(found, expected);
            assert_eq!(address_of("00000000000000000000000001000000"), "::1".parse().ok());
        }
        assert_eq!(addresses(table, None).len(), 3);
        assert_eq!(address_of("00ü0000"), None);
    }
}
