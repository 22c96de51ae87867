//! Looking up the names in lists of hosts, and the names of peers.
//!
//! A lookup holds up no other connection: it has a deadline, few run at a time, and answers are cached for some seconds,
//! so that a flood of refused peers is not a flood of lookups.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Mutex;

use custos_compat::nrpe::{AllowedHosts, Verdict};
use tokio::sync::Semaphore;

use super::reverse;
use crate::clock::{self, micros};
use crate::limits;
use crate::lock::locked;

/// A cache of the addresses of names.
#[derive(Debug)]
pub(in crate::nrpe::listener) struct Names {
    /// By name: until when the addresses are good, in microseconds of [`clock::now`], and the addresses.
    known: Mutex<HashMap<String, (u64, Vec<IpAddr>)>>,
    lookups: Semaphore,
}

impl Names {
    pub(in crate::nrpe::listener) fn new() -> Names {
        Names { known: Mutex::new(HashMap::new()), lookups: Semaphore::new(limits::LOOKUPS_MAX) }
    }

    /// Whether the list allows the peer, with names looked up where nothing else decides.
    pub(in crate::nrpe::listener) async fn allows(&self, hosts: &AllowedHosts, peer: IpAddr) -> bool {
        match hosts.verdict(peer) {
            Verdict::Allowed => true,
            Verdict::Refused => false,
            Verdict::IfNamed(names) => {
                let peer = peer.to_canonical();
                for name in names {
                    if self.addresses(name).await.contains(&peer) {
                        return true;
                    }
                }
                false
            }
        }
    }

    /// The addresses of a name; empty if it has none or the name service does not answer.
    pub(in crate::nrpe::listener) async fn addresses(&self, name: &str) -> Vec<IpAddr> {
        if let Some(known) = self.remembered(name) {
            return known;
        }
        let Ok(_permit) = self.lookups.acquire().await else { return Vec::new() };
        // Another task may have looked the name up while this one waited.
        if let Some(known) = self.remembered(name) {
            return known;
        }
        let lookup = tokio::time::timeout(limits::NRPE_LOOKUP_TIMEOUT, tokio::net::lookup_host((name, 0)));
        let addresses: Vec<IpAddr> = match lookup.await {
            Ok(Ok(found)) => found.map(|address| address.ip().to_canonical()).collect(),
            Ok(Err(_)) | Err(_) => Vec::new(),
        };
        let now_us = clock::now().mono_us;
        let mut known = locked(&self.known);
        if known.len() >= limits::NRPE_NAMES_MAX {
            // Peers choose their own names, so there may be any number of them.
            known.retain(|_, (until_us, _)| *until_us > now_us);
        }
        if known.len() < limits::NRPE_NAMES_MAX {
            let until_us = now_us.saturating_add(micros(limits::NRPE_LOOKUP_TTL));
            known.insert(name.to_owned(), (until_us, addresses.clone()));
        }
        addresses
    }

    /// The name of an address, or `None`. Whether the name has this address is not checked.
    pub(in crate::nrpe::listener) async fn name_of(&self, peer: IpAddr) -> Option<String> {
        let _permit = self.lookups.acquire().await.ok()?;
        reverse::name_of(peer).await
    }

    fn remembered(&self, name: &str) -> Option<Vec<IpAddr>> {
        let known = locked(&self.known);
        let (until_us, addresses) = known.get(name)?;
        (*until_us > clock::now().mono_us).then(|| addresses.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn names_are_looked_up_last() {
        let names = Names::new();
        let mut hosts = AllowedHosts::everyone();
        hosts.add(b"192.0.2.1,localhost,no-such-name.invalid");
        assert!(names.allows(&hosts, "127.0.0.1".parse().unwrap()).await);
        assert!(names.allows(&hosts, "192.0.2.1".parse().unwrap()).await);
        assert!(!names.allows(&hosts, "192.0.2.2".parse().unwrap()).await);
        assert!(names.remembered("localhost").is_some());
    }
}
