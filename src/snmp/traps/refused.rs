//! Packets that are not acted on, counted by who sent them and why, to be told once a second.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;

use custos_compat::snmp::{Error, Version};

use super::counters::Counters;
use crate::limits::{TRAPS_REFUSED_MAX, TRAPS_SOURCES_TOLD_MAX};

/// Why a packet is not acted on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It is no trap, or nothing that SNMP knows.
    Malformed(Error),
    /// No profile has its community in its version.
    Community(Version),
    /// No profile has its user.
    User(String),
    /// Its user has to protect messages better.
    Level(String),
    /// It is not from who it claims, or cannot be decrypted.
    Digest(String, Error),
    /// It was sent too long ago. With the engine, the time of the message, and that up to which the engine was heard.
    Old { engine: String, time: (u32, u32), heard: (u32, u32) },
    /// It came before.
    Replayed(String),
    /// It is an inform that came before and whose acknowledgement was lost. That is nothing out of the ordinary.
    Repeated,
    /// It only asks who this engine is. Nor is that.
    Discovery,
    /// Its source is none that traps are taken from.
    Source,
}

/// What refusals are counted under, beside their source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Heading {
    Malformed,
    Community,
    User,
    Digest,
    NotTimely,
    Source,
}

impl Refusal {
    fn heading(&self) -> Option<Heading> {
        Some(match self {
            Refusal::Malformed(_) => Heading::Malformed,
            Refusal::Community(_) => Heading::Community,
            Refusal::User(_) | Refusal::Level(_) => Heading::User,
            Refusal::Digest(..) => Heading::Digest,
            Refusal::Old { .. } | Refusal::Replayed(_) => Heading::NotTimely,
            Refusal::Source => Heading::Source,
            Refusal::Repeated | Refusal::Discovery => return None,
        })
    }

    /// The count that the packet falls under.
    pub(super) fn counter<'c>(&self, counters: &'c mut Counters) -> &'c mut u64 {
        match self {
            Refusal::Malformed(_) => &mut counters.malformed,
            Refusal::Community(_) => &mut counters.wrong_community,
            Refusal::User(_) | Refusal::Level(_) => &mut counters.wrong_user,
            Refusal::Digest(..) => &mut counters.wrong_digest,
            Refusal::Old { .. } | Refusal::Replayed(_) => &mut counters.not_timely,
            Refusal::Repeated => &mut counters.repeated,
            Refusal::Discovery => &mut counters.discoveries,
            Refusal::Source => &mut counters.refused_source,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Malformed(error) => error.fmt(f),
            Refusal::Community(version) => write!(f, "no profile has it in version {version}"),
            Refusal::User(user) => write!(f, "no profile has the user {user}"),
            Refusal::Level(user) => write!(f, "{user} has to protect messages as the profile says"),
            Refusal::Digest(user, error) => write!(f, "{error}; the user is {user}"),
            Refusal::Old { engine, time: (boots, time), heard: (known_boots, known_time) } => write!(
                f,
                "engine {engine} says that it started {boots} times and runs for {time} s, and was heard with \
                 {known_boots} and {known_time} before"
            ),
            Refusal::Replayed(engine) => write!(f, "the same message of engine {engine} came before"),
            Refusal::Repeated => f.write_str("an inform that was acknowledged before"),
            Refusal::Discovery => f.write_str("it asks for the engine id"),
            Refusal::Source => f.write_str("`sources` has no such address"),
        }
    }
}

/// The refusals of a second.
#[derive(Debug, Default)]
pub(super) struct Refused {
    /// How many, and why the last.
    counts: HashMap<(IpAddr, Heading), (u64, Refusal)>,
    /// Those beyond the bound.
    others: u64,
}

impl Refused {
    /// Counts a refusal, if it is out of the ordinary.
    pub(super) fn note(&mut self, source: IpAddr, refusal: Refusal) {
        let Some(heading) = refusal.heading() else { return };
        let has_room = self.counts.len() < TRAPS_REFUSED_MAX;
        match self.counts.get_mut(&(source, heading)) {
            Some((count, last)) => {
                *count += 1;
                *last = refusal;
            }
            None if has_room => drop(self.counts.insert((source, heading), (1, refusal))),
            None => self.others += 1,
        }
    }

    /// What was refused since the last call, with its source if that is one: most first, up to a bound, and the number
    /// of the rest.
    pub(super) fn take(&mut self) -> Vec<(Option<IpAddr>, u64, String)> {
        let mut counts: Vec<_> = std::mem::take(&mut self.counts).into_iter().collect();
        counts.sort_by_key(|(key, (count, _))| (Reverse(*count), *key));
        let rest = counts.split_off(counts.len().min(TRAPS_SOURCES_TOLD_MAX));
        let others = rest.iter().map(|(_, (count, _))| count).sum::<u64>() + std::mem::take(&mut self.others);
        let line = |((source, heading), (count, why)): ((IpAddr, Heading), (u64, Refusal))| {
            (Some(source), count, format!("{count} {} from {source}: {why}", heading.words()))
        };
        let mut lines: Vec<_> = counts.into_iter().map(line).collect();
        if others > 0 {
            lines.push((
                None,
                others,
                format!("{others} more packets were refused, of further sources or reasons"),
            ));
        }
        lines
    }
}

impl Heading {
    fn words(self) -> &'static str {
        match self {
            Heading::Malformed => "malformed",
            Heading::Community => "with a wrong community",
            Heading::User => "of a wrong user",
            Heading::Digest => "with a wrong digest",
            Heading::NotTimely => "not timely",
            Heading::Source => "refused",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(number: u32) -> IpAddr {
        IpAddr::V4(std::net::Ipv4Addr::from_bits(0xc000_0200 + number))
    }

    #[test]
    fn refusals_are_told_by_source_and_reason() {
        let mut refused = Refused::default();
        for _ in 0..3 {
            refused.note(source(7), Refusal::Malformed(Error::NoTrapOid));
        }
        refused.note(source(7), Refusal::Community(Version::V2c));
        refused.note(source(8), Refusal::User("\"x\\u{1b}\"".to_owned()));
        refused.note(source(8), Refusal::Discovery);
        refused.note(source(8), Refusal::Repeated);
        let lines: Vec<String> = refused.take().into_iter().map(|(_, _, line)| line).collect();
        assert_eq!(
            lines,
            [
                "3 malformed from 192.0.2.7: no snmpTrapOID",
                "1 with a wrong community from 192.0.2.7: no profile has it in version 2c",
                "1 of a wrong user from 192.0.2.8: no profile has the user \"x\\u{1b}\"",
            ]
        );
        assert_eq!(refused.take(), []);
    }

    #[test]
    fn what_is_remembered_and_told_is_bounded() {
        let mut refused = Refused::default();
        let count = TRAPS_REFUSED_MAX as u32 + 9;
        (0..count).for_each(|number| refused.note(source(number), Refusal::Source));
        assert_eq!(refused.counts.len(), TRAPS_REFUSED_MAX);
        let lines = refused.take();
        assert_eq!(lines.len(), TRAPS_SOURCES_TOLD_MAX + 1);
        assert_eq!(lines.iter().map(|(_, count, _)| count).sum::<u64>(), u64::from(count));
    }
}
