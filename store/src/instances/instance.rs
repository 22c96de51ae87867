//! One of the things that a check judges at once.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::limits::{INSTANCE_LABELS_BYTES_MAX, INSTANCE_LABELS_MAX, INSTANCE_TEXT_BYTES_MAX};
use crate::state::State;
use crate::value::Value;

/// Instances in order of their labels, at least one, at most `set::BLOCK_MAX`.
pub(super) type Block = Vec<Arc<Instance>>;

/// What a label, and an instance apart from its texts, is charged for in the bytes of a set. No encoding takes more.
const LABEL_BYTES: usize = 16;
const INSTANCE_BYTES: usize = 64;

/// One instance of a check with its state.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Instance {
    /// Which instance this is: (name, value), sorted by name. May be empty, if a check has a single one.
    pub labels: Vec<(String, String)>,
    /// Its state.
    pub state: State,
    /// When that state began, in ms since the epoch.
    pub since_ms: i64,
    /// Since when a condition holds that has not lasted long enough yet to change the state, in ms since the epoch.
    pub pending_since_ms: Option<i64>,
    /// When it was last reported, in ms since the epoch, where that is not the time of every run: a passive check
    /// hears of one instance at a time.
    pub seen_ms: Option<i64>,
    /// The number that was judged, if there is one.
    pub value: Option<Value>,
    /// What is reported of it. Beyond [`INSTANCE_TEXT_BYTES_MAX`] it is cut.
    pub text: String,
}

impl Instance {
    /// An instance with these labels, in any order, and nothing else.
    pub fn new(labels: Vec<(String, String)>) -> Instance {
        let mut instance = Instance { labels, ..Instance::default() };
        instance.labels.sort();
        instance
    }

    /// Bytes that it is charged for in a set.
    pub(super) fn bytes(&self) -> usize {
        INSTANCE_BYTES + self.text.len() + self.labels.len() * LABEL_BYTES + self.labels_bytes()
    }

    fn labels_bytes(&self) -> usize {
        self.labels.iter().map(|(name, value)| name.len() + value.len()).sum()
    }

    /// `true` if [`Instance::settle`] would change nothing.
    pub(super) fn is_settled(&self) -> bool {
        self.text.len() <= INSTANCE_TEXT_BYTES_MAX && self.labels.is_sorted()
    }

    /// Sorts the labels and cuts the text.
    pub(super) fn settle(&mut self) {
        self.labels.sort();
        if self.text.len() > INSTANCE_TEXT_BYTES_MAX {
            let end = (0..=INSTANCE_TEXT_BYTES_MAX).rev().find(|end| self.text.is_char_boundary(*end));
            self.text.truncate(end.unwrap_or(0));
        }
    }

    /// Whether its labels respect the limits.
    pub(super) fn check(&self) -> Result<()> {
        let refuse = |what, found, limit| Err(Error::InstanceRefused { what, found, limit });
        if self.labels.len() > INSTANCE_LABELS_MAX {
            return refuse("labels of an instance", self.labels.len(), INSTANCE_LABELS_MAX);
        }
        if self.labels_bytes() > INSTANCE_LABELS_BYTES_MAX {
            return refuse(
                "bytes in the labels of an instance",
                self.labels_bytes(),
                INSTANCE_LABELS_BYTES_MAX,
            );
        }
        Ok(())
    }
}
