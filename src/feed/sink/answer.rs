//! What a receiver says to a parcel.

use std::time::Duration;

/// What VictoriaMetrics says, with status 400, where others say 404.
const NO_SUCH_PATH: &str = "unsupported path requested";

/// What became of a parcel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The receiver says that it has all of it.
    Taken,
    /// The receiver says that it has all but some, which it refused, and not which. It is not sent again by itself.
    Partly {
        /// How many.
        refused: u64,
        /// Why.
        why: String,
    },
    /// The receiver will never take it as it is, and why: something in it is wrong. It is sent in halves, down to what is wrong.
    Refused(String),
    /// It is too large for one request. It is sent in halves, and what follows is smaller.
    TooLarge(String),
    /// Somebody has to put something right first: who may come in, or whether there is such a receiver at all. Nothing is refused
    /// by that; it is tried again slowly.
    Closed(String),
    /// There was no answer, or one that says to come again.
    Later {
        /// Why.
        why: String,
        /// After how long, if the receiver says.
        after: Option<Duration>,
        /// Whether it may be what was sent that makes the receiver fail: status 500 of HTTP. Where that repeats it is sent in halves.
        may_be_ours: bool,
    },
}

impl Answer {
    /// Whether the receiver itself said what becomes of what it was sent, so that it was there.
    pub fn is_of_receiver(&self) -> bool {
        !matches!(self, Answer::Later { .. } | Answer::Closed(_))
    }

    /// No answer came.
    pub fn later(why: impl Into<String>) -> Answer {
        Answer::Later { why: why.into(), after: None, may_be_ours: false }
    }

    /// What the status of an answer over HTTP means; `why` are its words, `after` is `Retry-After`.
    pub fn of_status(status: u16, why: &str, after: Option<Duration>) -> Answer {
        let why = if why.is_empty() { format!("status {status}") } else { format!("status {status}: {why}") };
        match status {
            200..300 => Answer::Taken,
            // VictoriaMetrics says so of an address that it does not have, which is not the fault of a sample.
            400 if why.contains(NO_SUCH_PATH) => Answer::Closed(why),
            400 | 409 | 411 | 415 | 422 => Answer::Refused(why),
            413 => Answer::TooLarge(why),
            408 | 425 | 429 => Answer::Later { why, after, may_be_ours: false },
            500 => Answer::Later { why, after, may_be_ours: true },
            // Redirects are not followed: a body with what lets this host in would follow them.
            300..500 => Answer::Closed(why),
            _ => Answer::Later { why, after, may_be_ours: false },
        }
    }
}

/// Whether a receiver refuses a sample for its time: it has that time, or a later one, already, or takes none that old. Such a sample is
/// refused whenever it comes.
pub(super) fn is_too_late(why: &str) -> bool {
    const WORDS: [&str; 8] = [
        "out of order",
        "out-of-order",
        "out of bounds",
        "too old",
        "too-old",
        "too far behind",
        "duplicate sample",
        "duplicate-timestamp",
    ];
    let why = why.to_ascii_lowercase();
    WORDS.iter().any(|words| why.contains(words))
}

/// What a sender returns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// What became of the parcel.
    pub answer: Answer,
    /// Which process of the receiver answered, as far as that is known: any number that is another one once the receiver may have
    /// been started anew, and so may have lost what it had taken.
    pub process: u64,
    /// The receiver's clock (ms since the epoch), where the answer says it.
    pub date_ms: Option<i64>,
}

/// What is known of a receiver after a look at it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Looked {
    /// As for [`Sent`].
    pub process: u64,
    /// As for [`Sent`].
    pub date_ms: Option<i64>,
    /// What it is, such as `VictoriaMetrics 1.79.5`; empty if that is not known.
    pub what: String,
    /// Settings of the receiver that would lose or double what is sent, with what to set.
    pub warnings: Vec<String>,
    /// Whether it takes the samples of a series in order of time only.
    pub in_order_only: bool,
    /// Whether it could not say how it is set up, as while it starts; then it is taken for one that wants that order.
    pub is_unsure: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_too_late_is_told_from_what_is_wrong() {
        for late in [
            "status 400: out of order sample",
            "status 400: out of bounds",
            "status 400: duplicate sample for timestamp",
            "status 400: the sample timestamp is too old (err-mimir-sample-timestamp-too-old)",
        ] {
            assert!(is_too_late(late), "{late}");
        }
        assert!(!is_too_late("status 400: invalid label name"));
    }

    #[test]
    fn each_status_has_its_meaning() {
        let of = |status| Answer::of_status(status, "", None);
        assert_eq!((of(200), of(204)), (Answer::Taken, Answer::Taken));
        assert_eq!(of(400), Answer::Refused("status 400".to_owned()));
        let elsewhere = Answer::of_status(400, "requestURI: /x; unsupported path requested: \"/x\"", None);
        assert!(matches!(elsewhere, Answer::Closed(_)));
        assert_eq!(of(413), Answer::TooLarge("status 413".to_owned()));
        for closed in [301, 401, 403, 404, 405] {
            assert!(matches!(of(closed), Answer::Closed(_)), "{closed}");
        }
        for (later, ours) in [(408, false), (429, false), (500, true), (502, false), (503, false)] {
            assert!(matches!(of(later), Answer::Later { may_be_ours, .. } if may_be_ours == ours), "{later}");
        }
    }
}
