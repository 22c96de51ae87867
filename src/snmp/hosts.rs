//! The addresses of devices that are named, looked up off the path of the others and remembered for a while.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::sync::Mutex;

use tokio::sync::Semaphore;

use crate::clock::{self, Moment, micros};
use crate::limits::{LOOKUPS_MAX, SNMP_LOOKUP_TTL, SNMP_NAMES_MAX};
use crate::lock::locked;

/// What was looked up.
#[derive(Debug)]
pub(super) struct Hosts {
    known: Mutex<HashMap<String, (IpAddr, u64)>>,
    /// Lookups that may be under way at once.
    places: Semaphore,
}

impl Default for Hosts {
    fn default() -> Hosts {
        Hosts { known: Mutex::default(), places: Semaphore::new(LOOKUPS_MAX) }
    }
}

impl Hosts {
    /// The address of a name that was looked up a short while ago.
    pub(super) fn known(&self, name: &str, now: Moment) -> Option<IpAddr> {
        let known = locked(&self.known);
        known.get(name).filter(|(_, until_us)| *until_us > now.mono_us).map(|(address, _)| *address)
    }

    /// The address of a name, from the system's resolver.
    pub(super) async fn look_up(&self, name: &str) -> io::Result<IpAddr> {
        // It is never closed.
        let _place = self.places.acquire().await.map_err(io::Error::other)?;
        if let Some(address) = self.known(name, clock::now()) {
            return Ok(address);
        }
        let mut addresses = tokio::net::lookup_host((name, 0)).await?;
        let address = addresses.next().ok_or(io::ErrorKind::NotFound)?.ip();
        let now = clock::now();
        let mut known = locked(&self.known);
        if known.len() >= SNMP_NAMES_MAX {
            known.retain(|_, (_, until_us)| *until_us > now.mono_us);
        }
        if known.len() < SNMP_NAMES_MAX {
            known.insert(name.to_owned(), (address, now.mono_us.saturating_add(micros(SNMP_LOOKUP_TTL))));
        }
        Ok(address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_is_remembered_for_a_while() {
        let hosts = Hosts::default();
        let now = clock::now();
        assert_eq!(hosts.known("localhost", now), None);
        let address = hosts.look_up("localhost").await.unwrap();
        assert!(address.is_loopback());
        assert_eq!(hosts.known("localhost", now), Some(address));
        assert_eq!(hosts.known("localhost", now.after(SNMP_LOOKUP_TTL * 2)), None);
        assert!(hosts.look_up("no such name.invalid").await.is_err());
    }
}
