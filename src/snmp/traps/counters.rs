//! What became of the packets that came, in numbers since the start.

/// Counts since the start. All but the last three are headings under which a packet falls; it falls under one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Traps that a check is told by.
    pub matched: u64,
    /// Traps that no check is told by; they are kept all the same.
    pub unmatched: u64,
    /// Traps equal to the one before, which are counted with it.
    pub repeated: u64,
    /// Packets from addresses that no traps are taken from.
    pub refused_source: u64,
    /// Packets beyond the rate of their source, or of all together.
    pub limited: u64,
    /// Packets that are no traps, or nothing that SNMP knows.
    pub malformed: u64,
    /// Traps with a community, or in a version, that no profile has.
    pub wrong_community: u64,
    /// Messages of users that no profile has, or less protected than theirs.
    pub wrong_user: u64,
    /// Messages that are not from who they claim, or cannot be decrypted.
    pub wrong_digest: u64,
    /// Messages that were sent too long ago, or for the second time.
    pub not_timely: u64,
    /// Messages that only ask who this engine is, as informs of version 3 begin.
    pub discoveries: u64,
    /// Packets that were lost in the kernel before they could be read.
    pub lost: u64,
    /// Informs that were acknowledged.
    pub acknowledged: u64,
    /// Answers that could not be sent.
    pub unsent: u64,
}

impl Counters {
    /// Every count by name.
    pub fn snapshot(&self) -> Vec<(&'static str, u64)> {
        vec![
            ("matched", self.matched),
            ("unmatched", self.unmatched),
            ("repeated", self.repeated),
            ("refused_source", self.refused_source),
            ("limited", self.limited),
            ("malformed", self.malformed),
            ("wrong_community", self.wrong_community),
            ("wrong_user", self.wrong_user),
            ("wrong_digest", self.wrong_digest),
            ("not_timely", self.not_timely),
            ("discoveries", self.discoveries),
            ("lost", self.lost),
            ("acknowledged", self.acknowledged),
            ("unsent", self.unsent),
        ]
    }
}
