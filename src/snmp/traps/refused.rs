//! Packets that are not acted on, counted by who sent them and why, to be told once a second.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;

use custos_compat::snmp::{Error, Version};

use super::counters::Counters;
use crate::limits::{TRAPS_REASONS_MAX, TRAPS_REFUSED_MAX, TRAPS_SOURCES_TOLD_MAX};

/// Why a packet is not acted on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It is no trap, or nothing that SNMP knows.
    Malformed(Error),
    /// No profile has its community. With the version that it came in.
    Community(Version),
    /// A profile has its community, but in another version.
    Version { came: Version, profile: Version },
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
    Version,
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
            Refusal::Version { .. } => Heading::Version,
            Refusal::User(_) | Refusal::Level(_) => Heading::User,
            Refusal::Digest(..) => Heading::Digest,
            Refusal::Old { .. } | Refusal::Replayed(_) => Heading::NotTimely,
            Refusal::Source => Heading::Source,
            Refusal::Repeated | Refusal::Discovery => return None,
        })
    }

    /// What tells the reason from others of the same heading. Times, which differ in every message, are no part of it.
    fn subject(&self) -> String {
        match self {
            Refusal::Old { engine, .. } => engine.clone(),
            other => other.to_string(),
        }
    }

    /// The count that the packet falls under.
    pub(super) fn counter<'c>(&self, counters: &'c mut Counters) -> &'c mut u64 {
        match self {
            Refusal::Malformed(_) => &mut counters.malformed,
            Refusal::Community(_) | Refusal::Version { .. } => &mut counters.wrong_community,
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
            Refusal::Community(version) => write!(f, "no profile has it; they came in version {version}"),
            Refusal::Version { came, profile } => write!(
                f,
                "the community is right, but its profile is for version {profile} and they came in version {came}"
            ),
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

/// Refusals of one source for one reason.
#[derive(Debug)]
struct Reason {
    heading: Heading,
    /// What tells the reason from others of the heading: see [`Refusal::subject`].
    subject: String,
    count: u64,
    /// The last of them.
    last: Refusal,
    /// The texts of the others are not all that of the last.
    varied: bool,
}

/// The refusals of a second.
#[derive(Debug, Default)]
pub(super) struct Refused {
    /// By source, each reason of it.
    reasons: HashMap<IpAddr, Vec<Reason>>,
    /// Reasons of all sources.
    len: usize,
    /// Refusals beyond the bounds.
    others: u64,
}

impl Refused {
    /// Counts a refusal, if it is out of the ordinary.
    pub(super) fn note(&mut self, source: IpAddr, refusal: Refusal) {
        let Some(heading) = refusal.heading() else { return };
        let subject = refusal.subject();
        let known = self.reasons.get_mut(&source).and_then(|reasons| {
            reasons.iter_mut().find(|reason| reason.heading == heading && reason.subject == subject)
        });
        if let Some(reason) = known {
            reason.count += 1;
            reason.varied |= reason.last != refusal;
            reason.last = refusal;
            return;
        }
        let of_source = self.reasons.get(&source).map_or(0, Vec::len);
        if self.len >= TRAPS_REFUSED_MAX || of_source >= TRAPS_REASONS_MAX {
            self.others += 1;
            return;
        }
        self.len += 1;
        let reason = Reason { heading, subject, count: 1, last: refusal, varied: false };
        self.reasons.entry(source).or_default().push(reason);
    }

    /// What was refused since the last call, with its source if that is one: most first, up to a bound, and the number
    /// of the rest.
    pub(super) fn take(&mut self) -> Vec<(Option<IpAddr>, u64, String)> {
        let Refused { reasons, others, .. } = std::mem::take(self);
        let of_source = |(source, reasons): (IpAddr, Vec<Reason>)| {
            reasons.into_iter().map(move |reason| (source, reason))
        };
        let mut reasons: Vec<_> = reasons.into_iter().flat_map(of_source).collect();
        reasons.sort_by(|(one_source, one), (other_source, other)| {
            let key = |source: &IpAddr, reason: &Reason| (Reverse(reason.count), *source, reason.heading);
            key(one_source, one).cmp(&key(other_source, other)).then_with(|| one.subject.cmp(&other.subject))
        });
        let rest = reasons.split_off(reasons.len().min(TRAPS_SOURCES_TOLD_MAX));
        let others = rest.iter().map(|(_, reason)| reason.count).sum::<u64>() + others;
        let line = |(source, reason): (IpAddr, Reason)| (Some(source), reason.count, reason.line(source));
        let mut lines: Vec<_> = reasons.into_iter().map(line).collect();
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

impl Reason {
    fn line(&self, source: IpAddr) -> String {
        let Reason { count, last, .. } = self;
        let words = self.heading.words();
        let last_only = if self.varied { "the last: " } else { "" };
        format!("{count} {words} from {source}: {last_only}{last}")
    }
}

impl Heading {
    fn words(self) -> &'static str {
        match self {
            Heading::Malformed => "malformed",
            Heading::Community => "with a wrong community",
            Heading::Version => "of a wrong version",
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
                "1 with a wrong community from 192.0.2.7: no profile has it; they came in version 2c",
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
        assert_eq!(refused.len, TRAPS_REFUSED_MAX);
        let lines = refused.take();
        assert_eq!(lines.len(), TRAPS_SOURCES_TOLD_MAX + 1);
        assert_eq!(lines.iter().map(|(_, count, _)| count).sum::<u64>(), u64::from(count));
    }

    #[test]
    fn reasons_of_one_heading_are_counted_apart() {
        let mut refused = Refused::default();
        refused.note(source(7), Refusal::Community(Version::V2c));
        refused.note(source(7), Refusal::Version { came: Version::V1, profile: Version::V2c });
        for user in ["a", "b", "a"] {
            refused.note(source(7), Refusal::User(user.to_owned()));
        }
        for time in [5, 6] {
            let engine = "80".to_owned();
            refused.note(source(7), Refusal::Old { engine, time: (1, time), heard: (2, 9) });
        }
        let lines: Vec<String> = refused.take().into_iter().map(|(_, _, line)| line).collect();
        assert_eq!(
            lines,
            [
                "2 of a wrong user from 192.0.2.7: no profile has the user a",
                "2 not timely from 192.0.2.7: the last: engine 80 says that it started 1 times and runs for 6 s, and \
                 was heard with 2 and 9 before",
                "1 with a wrong community from 192.0.2.7: no profile has it; they came in version 2c",
                "1 of a wrong version from 192.0.2.7: the community is right, but its profile is for version 2c and \
                 they came in version 1",
                "1 of a wrong user from 192.0.2.7: no profile has the user b",
            ]
        );
    }

    #[test]
    fn a_source_with_ever_new_reasons_leaves_the_others_their_lines() {
        let mut refused = Refused::default();
        for number in 0..TRAPS_REFUSED_MAX {
            refused.note(source(7), Refusal::User(number.to_string()));
        }
        refused.note(source(8), Refusal::Malformed(Error::NoTrapOid));
        refused.note(source(8), Refusal::Malformed(Error::NoTrapOid));
        assert_eq!(refused.len, TRAPS_REASONS_MAX + 1);
        let lines = refused.take();
        assert_eq!(lines[0].2, "2 malformed from 192.0.2.8: no snmpTrapOID");
        assert_eq!(lines.iter().map(|(_, count, _)| count).sum::<u64>(), TRAPS_REFUSED_MAX as u64 + 2);
    }
}
