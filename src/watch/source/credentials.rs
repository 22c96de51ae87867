//! What is shown to hosts over HTTP: to all, or to one alone.
//!
//! Invariant: what is meant for one host is shown to no other.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use crate::watch::target::HttpSite;

/// What a host is shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Credentials {
    /// A token.
    pub token: Option<String>,
    /// A certificate, and its key.
    pub identity: Option<(PathBuf, PathBuf)>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let token = self.token.as_ref().map(|_| "...");
        f.debug_struct("Credentials").field("token", &token).field("identity", &self.identity).finish()
    }
}

/// What each host is shown.
#[derive(Clone, Debug, Default)]
pub struct Keyring {
    /// Hosts that nothing else is said of.
    pub others: Credentials,
    /// By the name of a host, with its port if that is said.
    pub hosts: BTreeMap<String, Credentials>,
}

impl Keyring {
    /// What a host is shown: what is said of it with its port, else of it, else of all.
    pub(super) fn of(&self, site: &HttpSite) -> Credentials {
        let named = [Some(&self.others), self.hosts.get(site.host()), self.hosts.get(&site.authority)];
        let mut shown = Credentials::default();
        for Credentials { token, identity } in named.into_iter().flatten() {
            shown.token = token.clone().or(shown.token);
            shown.identity = identity.clone().or(shown.identity);
        }
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closest_name_counts_and_no_other_host_is_shown_it() {
        let token = |token: &str| Credentials { token: Some(token.to_owned()), identity: None };
        let identity = Some((PathBuf::from("c"), PathBuf::from("k")));
        let hosts = [
            ("web1".to_owned(), Credentials { identity: identity.clone(), ..token("web1") }),
            ("web1:8443".to_owned(), token("port")),
        ];
        let keyring = Keyring { others: token("all"), hosts: hosts.into() };
        let of = |authority: &str| {
            let shown = keyring.of(&HttpSite { tls: true, authority: authority.to_owned() });
            (shown.token.unwrap(), shown.identity)
        };
        assert_eq!(of("web1:43191"), ("web1".to_owned(), identity.clone()));
        assert_eq!(of("web1:8443"), ("port".to_owned(), identity));
        for other in ["web10", "web1.example", "xweb1", "web2:8443"] {
            assert_eq!(of(other), ("all".to_owned(), None), "{other}");
        }
        assert!(!format!("{:?}", token("secret")).contains("secret"));
    }
}
