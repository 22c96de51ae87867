//! What one side has of one series in one hour.

/// What one side has of one series in one hour. Of a receiver that does not say it, first and last are none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Count {
    /// Different milliseconds with a value in the store; samples at a receiver.
    pub(super) samples: u64,
    pub(super) first_ms: Option<i64>,
    pub(super) last_ms: Option<i64>,
    pub(super) least: f64,
    pub(super) greatest: f64,
    /// Values beside these that are no number.
    pub(super) nans: u64,
}

impl Default for Count {
    fn default() -> Count {
        Count {
            samples: 0,
            first_ms: None,
            last_ms: None,
            least: f64::INFINITY,
            greatest: f64::NEG_INFINITY,
            nans: 0,
        }
    }
}

impl Count {
    /// Counts a sample. Of one series they come by time.
    pub(super) fn add(&mut self, time_ms: i64, value: f64) {
        if value.is_nan() {
            self.nans += 1;
            return;
        }
        self.samples += 1;
        self.first_ms = self.first_ms.or(Some(time_ms));
        self.last_ms = Some(time_ms);
        self.least = self.least.min(value);
        self.greatest = self.greatest.max(value);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.samples == 0 && self.nans == 0
    }
}
