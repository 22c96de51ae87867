//! Who may connect, and who may run which command.
//!
//! Names are looked up without holding up other connections: with a deadline, a few at a time, and remembered for
//! some seconds, so that a flood of refused peers is not a flood of lookups.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Mutex;

use custos_compat::nrpe::{AllowedHosts, Verdict};
use tokio::sync::Semaphore;

use super::error::Error;
use super::request::{Origin, Transport};
use super::reverse;
use crate::clock::{self, micros};
use crate::limits;
use crate::lock::locked;

/// Who may run one command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandAccess {
    hosts: AllowedHosts,
    certificates: Vec<String>,
    written: Vec<String>,
}

impl CommandAccess {
    /// Reads a list of addresses, networks, and subjects of client certificates written as `cert:/CN=poller`.
    ///
    /// Host names are refused: who may do what is better not left to the name service.
    pub fn parse(list: &[String]) -> Result<CommandAccess, Error> {
        let mut access = CommandAccess {
            hosts: AllowedHosts::everyone(),
            certificates: Vec::new(),
            written: list.to_vec(),
        };
        access.hosts.add(b"");
        for item in list {
            if let Some(subject) = item.strip_prefix("cert:") {
                access.certificates.push(subject.to_owned());
                continue;
            }
            if let Some(bad) = access.hosts.add(item.as_bytes()).first() {
                return Err(Error::Setting(format!("access: {bad}")));
            }
            let names = access.hosts.entries().unwrap_or_default();
            if let Some(name) =
                names.iter().find(|entry| matches!(entry, custos_compat::nrpe::HostEntry::Name(_)))
            {
                return Err(Error::Setting(format!(
                    "access: \"{name}\" is a host name; an address, a network or cert:SUBJECT was expected"
                )));
            }
        }
        Ok(access)
    }

    /// Whether a request from there may run the command.
    pub fn allows(&self, origin: &Origin) -> bool {
        if let Transport::Tls { client: Some(subject), .. } = &origin.transport
            && self.certificates.contains(subject)
        {
            return true;
        }
        origin.peer.is_some_and(|peer| self.hosts.verdict(peer) == Verdict::Allowed)
    }

    /// The list as written.
    pub fn written(&self) -> &[String] {
        &self.written
    }
}

/// The addresses of names, remembered for a while.
#[derive(Debug)]
pub(super) struct Names {
    /// With the time until which they count, in microseconds of [`clock::now`].
    known: Mutex<HashMap<String, (u64, Vec<IpAddr>)>>,
    lookups: Semaphore,
}

impl Names {
    pub(super) fn new() -> Names {
        Names { known: Mutex::new(HashMap::new()), lookups: Semaphore::new(limits::LOOKUPS_MAX) }
    }

    /// Whether the list allows the peer, with names looked up where nothing else decides.
    pub(super) async fn allows(&self, hosts: &AllowedHosts, peer: IpAddr) -> bool {
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

    /// The addresses of a name; none if it has none or the name service is silent.
    pub(super) async fn addresses(&self, name: &str) -> Vec<IpAddr> {
        if let Some(known) = self.remembered(name) {
            return known;
        }
        let Ok(_permit) = self.lookups.acquire().await else { return Vec::new() };
        // Somebody else may have asked while this one waited.
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

    /// The name of an address, whether or not that name has this address; none if there is none.
    pub(super) async fn name_of(&self, peer: IpAddr) -> Option<String> {
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

    fn origin(peer: &str, subject: Option<&str>) -> Origin {
        let transport = match subject {
            None => Transport::Plain,
            Some(subject) => Transport::Tls {
                protocol: "TLSv1.3",
                cipher: "TLS_AES_256_GCM_SHA384".into(),
                anonymous: false,
                client: Some(subject.to_owned()),
            },
        };
        Origin { peer: Some(peer.parse().unwrap()), transport }
    }

    #[test]
    fn a_command_is_for_the_listed_hosts_and_certificates() {
        let list = ["192.0.2.0/24".to_owned(), "cert:/CN=poller".to_owned()];
        let access = CommandAccess::parse(&list).unwrap();
        assert!(access.allows(&origin("192.0.2.7", None)));
        assert!(!access.allows(&origin("198.51.100.7", None)));
        assert!(access.allows(&origin("198.51.100.7", Some("/CN=poller"))));
        assert!(!access.allows(&origin("198.51.100.7", Some("/CN=poller2"))));
        assert!(!CommandAccess::parse(&[]).unwrap().allows(&origin("192.0.2.7", None)));
    }

    #[test]
    fn names_and_nonsense_are_refused() {
        for item in ["poller.example.com", "10.0.0.1/8", "*"] {
            assert!(CommandAccess::parse(&[item.to_owned()]).is_err(), "{item}");
        }
    }

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
