//! What became of the datagrams.

/// Counts since the start. Nothing that was dropped is missing here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Requests that were sent, repetitions included.
    pub sent: u64,
    /// Requests that were sent again.
    pub retries: u64,
    /// Answers that were taken.
    pub answers: u64,
    /// Answers that came after their request had ended, or twice.
    pub late: u64,
    /// Datagrams with an id that is not waited for.
    pub unknown: u64,
    /// Datagrams with the id of a request, from another address than it was sent to.
    pub strangers: u64,
    /// Datagrams that are no message of SNMP, or one that answers nothing.
    pub malformed: u64,
    /// Messages of version 3 with a wrong digest, an old time, or less protection than was asked for.
    pub unauthentic: u64,
    /// Requests that the socket did not take.
    pub unsent: u64,
    /// Polls that ended without an answer.
    pub failed: u64,
    /// Polls that were refused because too many were under way.
    pub refused: u64,
}

impl Counters {
    /// Each count with its name, the ordinary ones first.
    pub fn named(&self) -> [(&'static str, u64); 11] {
        [
            ("sent", self.sent),
            ("answers", self.answers),
            ("retries", self.retries),
            ("failed", self.failed),
            ("late", self.late),
            ("unknown", self.unknown),
            ("strangers", self.strangers),
            ("malformed", self.malformed),
            ("unauthentic", self.unauthentic),
            ("unsent", self.unsent),
            ("refused", self.refused),
        ]
    }
}
