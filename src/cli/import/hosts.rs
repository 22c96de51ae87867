//! Of which host what is taken in is: a store has the history of one.

use std::collections::BTreeSet;

use crate::cli::read::Failure;
use crate::cli::style::printable;
use crate::text::human::counted;

/// The host that is meant, and how much was of others.
#[derive(Debug)]
pub(super) struct Hosts {
    wanted: Option<String>,
    /// Whether the user named it.
    is_named: bool,
    others: u64,
}

impl Hosts {
    /// The host that an option names, or else the first that is met.
    pub(super) fn of(named: Option<&str>) -> Hosts {
        Hosts { wanted: named.map(str::to_owned), is_named: named.is_some(), others: 0 }
    }

    /// Whether something of this host is meant; what says nothing of a host is.
    ///
    /// # Errors
    /// Nobody said which host, and this is another one than before.
    pub(super) fn takes(&mut self, host: Option<&str>) -> Result<bool, Failure> {
        let Some(host) = host else { return Ok(true) };
        match &self.wanted {
            None => self.wanted = Some(host.to_owned()),
            Some(wanted) if wanted == host => {}
            Some(_) if self.is_named => {
                self.others += 1;
                return Ok(false);
            }
            Some(wanted) => return Err(several(&[wanted, host])),
        }
        Ok(true)
    }

    /// What there is to say at the end of an import.
    pub(super) fn left_out(&self, what: &str) -> Option<String> {
        (self.others > 0).then(|| format!("{} of other hosts", counted(self.others, what)))
    }
}

/// There are several hosts, and nobody said which is meant.
pub(super) fn several(hosts: &[&str]) -> Failure {
    let hosts: BTreeSet<&str> = hosts.iter().copied().collect();
    let hosts: Vec<&str> = hosts.into_iter().collect();
    let hosts = printable(&hosts.join(", ")).into_owned();
    Failure::usage(format!("this is of several hosts; choose one with --host: {hosts}"))
}
