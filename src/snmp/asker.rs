//! Checks that ask devices: the poller, and what the profiles of the configuration prove themselves with.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use custos_compat::snmp::usm::MasterKeys;

use super::engine::Counters;
use super::plan::Plan;
use super::poller::{Device, Outcomes, Poller};
use super::question::{Failure, Outcome, Question};
use super::target::{Answers, Credentials};
use crate::config::{SnmpAccess, SnmpPoll, SnmpProfile};
use crate::lock::locked;
use crate::part::Part;

/// Asks devices for checks.
#[derive(Debug)]
pub struct Asker {
    poller: Poller,
    /// By the name of the profile: what it was when the credentials were made, and they. Making keys takes milliseconds, and
    /// what is known of a device goes with its credentials.
    made: Mutex<HashMap<String, Made>>,
}

type Made = (Arc<SnmpProfile>, Arc<Credentials>);

impl Asker {
    /// Opens the sockets. Needs a tokio runtime with I/O and time.
    ///
    /// # Errors
    /// As [`Poller::start`].
    pub fn start() -> io::Result<(Asker, Outcomes)> {
        let (poller, outcomes) = Poller::start()?;
        Ok((Asker { poller, made: Mutex::default() }, outcomes))
    }

    /// Asks for a check. The outcome comes under `ticket`, within `patience`.
    pub fn ask(&self, ticket: u64, poll: &SnmpPoll, patience: Duration) {
        match self.device(&poll.target, poll.port, &poll.profile) {
            Ok(device) => self.poller.submit(ticket, &device, Plan::of(poll).question(), patience),
            Err(why) => self.poller.refuse(ticket, Failure::Unsent(why)),
        }
    }

    /// A device as a profile speaks to it.
    ///
    /// # Errors
    /// A secret cannot be read or is too short, and which.
    pub fn device(&self, host: &str, port: u16, profile: &Arc<SnmpProfile>) -> Result<Device, String> {
        Ok(Device {
            host: host.to_owned(),
            port,
            credentials: self.credentials(profile)?,
            timeout: profile.timeout,
            retries: profile.retries,
            max_repetitions: profile.max_repetitions,
            answers: Answers {
                from_any_address: profile.answers_from_any,
                with_any_community: profile.answers_any_community,
            },
        })
    }

    fn credentials(&self, profile: &Arc<SnmpProfile>) -> Result<Arc<Credentials>, String> {
        let mut made = locked(&self.made);
        match made.get(&profile.name) {
            Some((own, credentials)) if Arc::ptr_eq(own, profile) || own == profile => {
                Ok(Arc::clone(credentials))
            }
            _ => {
                let credentials = Arc::new(credentials(profile)?);
                made.insert(profile.name.clone(), (Arc::clone(profile), Arc::clone(&credentials)));
                Ok(credentials)
            }
        }
    }

    /// The poller as a part of the agent: what became of the datagrams so far; nothing if no device was ever asked.
    pub fn part(&self) -> Part {
        let counters = self.poller.counters();
        let asked = counters != Counters::default();
        Part::new("SNMP").with_totals("snmp", counters.named().into_iter().filter(|_| asked))
    }

    /// Ends every poll that is under way.
    pub fn stop(&self) {
        self.poller.stop();
    }
}

fn credentials(profile: &SnmpProfile) -> Result<Credentials, String> {
    let user = match &profile.access {
        SnmpAccess::Community { version, community } => {
            return Ok(Credentials::Community { version: *version, community: community.bytes()?.to_vec() });
        }
        SnmpAccess::User(user) => user,
    };
    let privacy = match &user.privacy {
        Some((protocol, secret)) => Some((*protocol, secret.bytes()?)),
        None => None,
    };
    let keys = match &user.auth {
        Some((protocol, secret)) => {
            let keys = MasterKeys::derive(*protocol, secret.bytes()?, privacy);
            Some(keys.map_err(|error| format!("the keys of profile {}: {error}", profile.name))?)
        }
        None => None,
    };
    let (name, context) = (user.name.as_bytes().to_vec(), user.context.as_bytes().to_vec());
    Ok(Credentials::User { name, context, keys })
}

/// Asks one device one question and waits for the outcome. For commands, which have no runtime.
///
/// # Errors
/// As [`Poller::start`], or a secret cannot be read.
pub fn ask_once(
    host: &str,
    port: u16,
    profile: &Arc<SnmpProfile>,
    question: Question,
    patience: Duration,
) -> io::Result<Outcome> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (asker, mut outcomes) = Asker::start()?;
        let device = asker.device(host, port, profile).map_err(io::Error::other)?;
        asker.poller.submit(1, &device, question, patience);
        Ok(outcomes.recv().await.map_or(Err(Failure::Stopped), |(_, outcome)| outcome))
    })
}

/// Asks for a check once, as [`ask_once`].
///
/// # Errors
/// As [`ask_once`].
pub fn poll_once(poll: &SnmpPoll, patience: Duration) -> io::Result<Outcome> {
    ask_once(&poll.target, poll.port, &poll.profile, Plan::of(poll).question(), patience)
}
