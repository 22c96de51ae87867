//! Which version of remote write is sent, by what the answers say that the receiver takes.
//!
//! 2.0 is sent first. A receiver that takes it says how many samples it wrote; one that does not answers 415, or takes the request for
//! one of 1.0 in which there is nothing, and says nothing of that kind. Then it is sent again as 1.0, and from then on, until another
//! process of the receiver answers.

use std::time::Duration;

use super::answer::Answer;
use crate::config::Protocol;

/// A version of remote write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    One,
    Two,
}

/// What is known of one receiver.
#[derive(Debug)]
pub(super) struct Negotiation {
    protocol: Protocol,
    /// What it takes, and the process that said so.
    found: Option<(Version, u64)>,
}

/// An answer to a request.
#[derive(Clone, Debug)]
pub(super) struct Answered {
    pub(super) status: u16,
    pub(super) why: String,
    pub(super) after: Option<Duration>,
    /// How many samples it says that it wrote.
    pub(super) written: Option<u64>,
    pub(super) process: u64,
}

impl Negotiation {
    /// Nothing is known yet.
    pub(super) fn new(protocol: Protocol) -> Negotiation {
        Negotiation { protocol, found: None }
    }

    /// What is sent next to a process.
    pub(super) fn version(&self, process: u64) -> Version {
        match (self.protocol, self.found) {
            (Protocol::One, _) => Version::One,
            (Protocol::Auto, Some((version, of))) if of == process => version,
            (Protocol::Auto | Protocol::Two, _) => Version::Two,
        }
    }

    /// What an answer to so many samples means; none if they are to be sent as 1.0.
    pub(super) fn answered(&mut self, version: Version, samples: u64, said: &Answered) -> Option<Answer> {
        let is_taken = (200..300).contains(&said.status);
        if version == Version::Two {
            let was_known = self.found == Some((Version::Two, said.process));
            let is_other = said.written.is_none()
                && (is_taken || said.status == 415 || matches!(said.status, 400 | 422) && !was_known);
            if is_other && self.protocol == Protocol::Auto {
                self.found = Some((Version::One, said.process));
                return None;
            }
            if is_other && (is_taken || said.status == 415) {
                let why =
                    "it does not take remote write 2.0, and has written nothing: set protocol to auto or 1";
                return Some(Answer::Closed(why.to_owned()));
            }
            if said.written.is_some() {
                self.found = Some((Version::Two, said.process));
            }
            if let Some(written) = said.written.filter(|written| is_taken && *written < samples) {
                let why = format!("the receiver says that it wrote {written} of {samples} samples");
                return Some(Answer::Partly { refused: samples - written, why });
            }
        }
        Some(Answer::of_status(said.status, &said.why, said.after))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(status: u16, written: Option<u64>) -> Answered {
        Answered { status, why: String::new(), after: None, written, process: 7 }
    }

    #[test]
    fn what_does_not_say_that_it_took_2_gets_1_until_another_process_answers() {
        for old in [said(204, None), said(415, None), said(400, None)] {
            let mut negotiation = Negotiation::new(Protocol::Auto);
            assert_eq!(negotiation.version(7), Version::Two);
            assert_eq!(negotiation.answered(Version::Two, 5, &old), None, "{old:?}");
            assert_eq!((negotiation.version(7), negotiation.version(8)), (Version::One, Version::Two));
            assert_eq!(negotiation.answered(Version::One, 5, &said(204, None)), Some(Answer::Taken));
            assert!(matches!(
                negotiation.answered(Version::One, 5, &said(400, None)),
                Some(Answer::Refused(_))
            ));
        }
    }

    #[test]
    fn what_was_written_is_compared_with_what_was_sent() {
        let mut negotiation = Negotiation::new(Protocol::Auto);
        assert_eq!(negotiation.answered(Version::Two, 5, &said(204, Some(5))), Some(Answer::Taken));
        assert_eq!(negotiation.version(7), Version::Two);
        let partly = negotiation.answered(Version::Two, 5, &said(200, Some(3)));
        assert!(matches!(partly, Some(Answer::Partly { refused: 2, .. })), "{partly:?}");
        let refused = negotiation.answered(Version::Two, 5, &said(400, Some(3)));
        assert!(matches!(refused, Some(Answer::Refused(_))));
        // It is known to take 2.0, so that something is wrong in the request.
        assert!(matches!(negotiation.answered(Version::Two, 5, &said(400, None)), Some(Answer::Refused(_))));
        assert!(matches!(
            negotiation.answered(Version::Two, 5, &said(503, None)),
            Some(Answer::Later { .. })
        ));
    }

    #[test]
    fn nothing_else_is_sent_than_what_is_set() {
        let mut two = Negotiation::new(Protocol::Two);
        for old in [said(204, None), said(415, None)] {
            assert!(matches!(two.answered(Version::Two, 5, &old), Some(Answer::Closed(_))));
        }
        assert!(matches!(two.answered(Version::Two, 5, &said(400, None)), Some(Answer::Refused(_))));
        assert_eq!(two.version(7), Version::Two);
        assert_eq!(Negotiation::new(Protocol::One).version(7), Version::One);
    }
}
