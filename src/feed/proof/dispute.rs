//! What a proof has found.

use serde::Serialize;

/// Why a receiver does not have what is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// It is older than the receiver keeps samples.
    Retention(String),
    /// The receiver refused it, so that it was set aside.
    Refused(String),
    /// It is held back, since it is ahead of the receiver's clock.
    HeldBack(String),
    /// The sink has not come to it.
    NotDelivered,
    /// It was acknowledged.
    Lost,
    /// The receiver keeps both of two equal samples.
    Doubles,
    /// The receiver has more than was sent.
    More,
    /// The store cannot read all that was sent.
    Damaged,
    /// Several runs were in one millisecond.
    Repeated,
    /// The receiver rounds.
    Rounded,
    /// The receiver has another value.
    Other,
}

impl Why {
    /// Whether delivering it again now may help.
    pub(super) fn can_be_mended(&self) -> bool {
        matches!(self, Why::Lost | Why::Refused(_))
    }

    /// Whether it is known and will stay so, so that the hour counts as proven but for this.
    pub(super) fn is_known(&self) -> bool {
        !matches!(self, Why::HeldBack(_) | Why::NotDelivered | Why::Lost | Why::Doubles | Why::Other)
    }
}

impl std::fmt::Display for Why {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Why::Retention(retention) => write!(f, "the receiver keeps samples for {retention} only"),
            Why::Refused(why) => write!(f, "the receiver refused it: {why}"),
            Why::HeldBack(why) => write!(f, "it is held back: {why}"),
            Why::NotDelivered => f.write_str("the sink has not come to it yet"),
            Why::Lost => f.write_str("the receiver acknowledged it, and does not have it"),
            Why::Doubles => f.write_str(
                "the receiver keeps both of two equal samples; start it with -dedup.minScrapeInterval=1ms",
            ),
            Why::More => f.write_str("the receiver has samples that are not stored"),
            Why::Damaged => f.write_str("the store is damaged, and cannot say all that it has delivered"),
            Why::Repeated => f.write_str("several runs were in one millisecond, of which one value counts"),
            Why::Rounded => f.write_str("the receiver rounds values"),
            Why::Other => f.write_str("the receiver has another value"),
        }
    }
}

/// A series and an hour in which the receiver does not have what is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Dispute {
    /// The series, with its labels.
    pub series: String,
    /// Its check.
    pub check: String,
    /// When the hour begins (ms since the epoch).
    pub hour_ms: i64,
    /// How many samples are stored, of different milliseconds.
    pub stored: u64,
    /// How many the receiver has.
    pub there: u64,
    /// How many of them are missing.
    pub missing: u64,
    /// The first that is (ms since the epoch).
    pub first_missing_ms: Option<i64>,
    /// How many are there once too often.
    pub doubled: u64,
    /// How many are there that are not stored.
    pub not_stored: u64,
    /// How many have another value.
    pub other_values: u64,
    /// Why.
    pub why: String,
    /// Whether that is known and stays so: the hour counts as proven but for this.
    pub is_known: bool,
}

/// What was proven of a sink.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Proof {
    /// The sink.
    pub sink: String,
    /// What its receiver is.
    pub receiver: String,
    /// The first hour (ms since the epoch) ...
    pub from_ms: i64,
    /// ... and when the last one ended.
    pub until_ms: i64,
    /// Series that have something in these hours, of the days the one with the most.
    pub series: u64,
    /// Series and hours that have something.
    pub hours: u64,
    /// Samples in them, of different milliseconds.
    pub samples: u64,
    /// Stored samples that are not among these: a run of their check was in the same millisecond before. The sink delivered the first,
    /// and queries of the store go by the last.
    pub same_millisecond: u64,
    /// Samples that are missing.
    pub missing: u64,
    /// Samples that are there once too often.
    pub doubled: u64,
    /// What is not right, up to [`PROOF_NAMED_MAX`](crate::limits::PROOF_NAMED_MAX).
    #[serde(skip)]
    pub disputes: Vec<Dispute>,
    /// What was not right and is, since it was delivered again.
    #[serde(skip)]
    pub mended: Vec<Dispute>,
    /// How many series and hours are not right beside those.
    pub not_named: u64,
    /// Samples that were delivered again.
    pub delivered_again: u64,
    /// What the receiver said to that where it did not take it.
    pub not_taken: Option<String>,
    /// What is not proven by this, in sentences.
    pub not_proven: Vec<String>,
    /// Hours that are not right, and are not known to stay so (ms since the epoch).
    #[serde(skip)]
    pub open_hours_ms: std::collections::BTreeSet<i64>,
}

impl Proof {
    /// Whether everything is there, once, but for what is known.
    pub fn holds(&self) -> bool {
        self.open_hours_ms.is_empty()
    }

    pub(super) fn note_not_proven(&mut self, what: String) {
        if !self.not_proven.contains(&what) {
            self.not_proven.push(what);
        }
    }
}
