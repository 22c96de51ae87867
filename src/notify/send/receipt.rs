//! What became of a notification: alert by alert, whether the receiver has it.

/// What became of each alert of a notification, in the order of its alerts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// One for each alert.
    pub alerts: Vec<Taken>,
}

/// What became of one alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// The receiver has it.
    Delivered,
    /// It can succeed later, and why it has not now.
    Later(String),
    /// The receiver refuses it, and will refuse it again, and why.
    Refused(String),
}

/// Why a whole attempt failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// It can succeed later.
    Temporary(String),
    /// The same would fail again.
    Permanent(String),
}

impl Receipt {
    /// The same for all of so many alerts.
    pub fn all(count: usize, taken: Taken) -> Receipt {
        Receipt { alerts: vec![taken; count] }
    }

    /// Of an attempt that was for all of so many alerts at once.
    pub(super) fn of(count: usize, result: Result<(), Failure>) -> Receipt {
        Receipt::all(count, Taken::from(result))
    }

    /// Whether the receiver has every alert.
    pub fn is_delivered(&self) -> bool {
        self.alerts.iter().all(|taken| matches!(taken, Taken::Delivered))
    }

    /// Why it has not, of the first alert that it has not; one to be tried again goes before one that is refused.
    pub fn why(&self) -> Option<&str> {
        let later = self.alerts.iter().find_map(|taken| match taken {
            Taken::Later(why) => Some(why.as_str()),
            _ => None,
        });
        later.or_else(|| {
            self.alerts.iter().find_map(|taken| match taken {
                Taken::Refused(why) => Some(why.as_str()),
                _ => None,
            })
        })
    }

    /// What became of alerts that each of two receivers must have.
    pub(super) fn and(self, other: Receipt) -> Receipt {
        let both = self.alerts.into_iter().zip(other.alerts);
        Receipt { alerts: both.map(|(one, other)| one.and(other)).collect() }
    }
}

impl Taken {
    /// What is left to do decides: to try again, before a refusal.
    fn and(self, other: Taken) -> Taken {
        match (self, other) {
            (Taken::Later(why), _) | (_, Taken::Later(why)) => Taken::Later(why),
            (Taken::Refused(why), _) | (_, Taken::Refused(why)) => Taken::Refused(why),
            (Taken::Delivered, Taken::Delivered) => Taken::Delivered,
        }
    }
}

impl From<Result<(), Failure>> for Taken {
    fn from(result: Result<(), Failure>) -> Taken {
        match result {
            Ok(()) => Taken::Delivered,
            Err(Failure::Temporary(why)) => Taken::Later(why),
            Err(Failure::Permanent(why)) => Taken::Refused(why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alerts_that_one_of_two_receivers_lacks_are_tried_again() {
        let one = Receipt {
            alerts: vec![
                Taken::Delivered,
                Taken::Delivered,
                Taken::Refused("a".into()),
                Taken::Refused("a".into()),
            ],
        };
        let other = Receipt {
            alerts: vec![
                Taken::Delivered,
                Taken::Later("b".into()),
                Taken::Delivered,
                Taken::Later("b".into()),
            ],
        };
        let both = one.and(other);
        let (later, refused) = (Taken::Later("b".into()), Taken::Refused("a".into()));
        assert_eq!(both.alerts, [Taken::Delivered, later.clone(), refused, later]);
        assert_eq!(both.why(), Some("b"));
        assert!(!both.is_delivered());
        assert_eq!(Receipt::of(2, Err(Failure::Permanent("no".into()))).why(), Some("no"));
        assert!(Receipt::of(2, Ok(())).is_delivered());
    }
}
