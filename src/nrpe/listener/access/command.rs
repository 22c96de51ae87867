//! Who may run one command.

use custos_compat::nrpe::{AllowedHosts, HostEntry, Verdict};

use crate::nrpe::listener::error::Error;
use crate::nrpe::listener::request::{Origin, Transport};

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
    /// Host names are refused: the name service should not decide who may run what.
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
            if let Some(name) = names.iter().find(|entry| matches!(entry, HostEntry::Name(_))) {
                return Err(Error::Setting(format!(
                    "access: \"{name}\" is a host name; an address, a network or cert:SUBJECT was expected"
                )));
            }
        }
        Ok(access)
    }

    /// Whether a request from this origin may run the command.
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
        Origin { peer: Some(peer.parse().unwrap()), transport, arguments: String::new() }
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
}
