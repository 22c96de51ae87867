//! One of the ways on which a sink delivers: at most one request is under way in each, so that a series keeps its order.

use super::pace::{Backoff, Pace};
use super::parcel::Parcel;

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// What arrives, in the order of arrival.
    Live,
    /// What was stored before, check by check, and what is delivered again.
    Behind,
}

impl Lane {
    /// All of them.
    pub const ALL: [Lane; 2] = [Lane::Live, Lane::Behind];

    pub(super) fn index(self) -> usize {
        self as usize
    }
}

/// What a lane does.
#[derive(Debug)]
pub(super) enum Doing {
    /// It asks the feed for the next piece then (µs of the monotonic clock).
    Resting { until_us: u64 },
    /// It has asked the feed.
    Fetching,
    /// A request is under way.
    Sending,
    /// It sends again then.
    Waiting { until_us: u64 },
}

/// The state of one lane.
#[derive(Debug)]
pub(super) struct LaneState<P> {
    pub(super) doing: Doing,
    /// Whether a request is under way, also one of a piece that was dropped.
    pub(super) is_busy: bool,
    /// What is left of the piece, what comes next last.
    pub(super) parts: Vec<Parcel>,
    /// Where the feed is once the piece was delivered.
    pub(super) place: Option<P>,
    /// The number of the piece, so that late answers are known.
    pub(super) piece: u64,
    /// Requests that the piece has taken beyond its first.
    pub(super) splits: usize,
    /// Whether a part was accepted since the receiver failed at another one.
    pub(super) some_taken: bool,
    pub(super) backoff: Backoff,
    pub(super) pace: Pace,
    /// When it asks the feed next, once the piece was delivered (µs of the monotonic clock).
    pub(super) gathers_until_us: u64,
    /// The oldest time in the piece (ms since the epoch).
    pub(super) oldest_ms: Option<i64>,
    /// Whether the feed had nothing more when it was last asked.
    pub(super) is_empty: bool,
}

impl<P> LaneState<P> {
    pub(super) fn new() -> LaneState<P> {
        LaneState {
            doing: Doing::Resting { until_us: 0 },
            is_busy: false,
            parts: Vec::new(),
            place: None,
            piece: 0,
            splits: 0,
            some_taken: false,
            backoff: Backoff::NONE,
            pace: Pace::default(),
            gathers_until_us: 0,
            oldest_ms: None,
            is_empty: false,
        }
    }

    /// Drops what it has, and rests.
    pub(super) fn rest(&mut self, until_us: u64) {
        self.doing = Doing::Resting { until_us };
        self.parts.clear();
        self.place = None;
        self.piece += 1;
        self.oldest_ms = None;
        (self.splits, self.some_taken) = (0, false);
    }
}
