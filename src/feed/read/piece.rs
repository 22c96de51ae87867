//! What a feed hands out.

use std::sync::Arc;

use custos_store::{Damage, Delivered, Position, Run, fingerprint};

/// How much one piece may have. It has at least one run, if there is one.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Runs at most.
    pub runs: usize,
    /// About so many bytes of memory.
    pub bytes: usize,
}

/// A run that is delivered.
#[derive(Clone, Debug, PartialEq)]
pub struct FedRun {
    /// Its number: the same for ever, and no other run's.
    pub number: u64,
    /// Its check.
    pub check: Arc<str>,
    /// The run.
    pub run: Run,
}

/// Why runs are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// They cannot be read. A repair may bring them back; they are delivered then.
    Damaged,
    /// They are lost for good.
    Lost,
}

/// Runs that the store had and does not deliver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// They are numbered from here on ...
    pub from: Position,
    /// ... to before this position. Other runs that are numbered in between may have been delivered.
    pub until: Position,
    /// The check that they belong to; none where they may be any check's.
    pub check: Option<String>,
    /// The time of the run that was delivered before them, in ms since the epoch, if that is known.
    pub since_ms: Option<i64>,
    /// The time of the run that was delivered after them, if that is known.
    pub until_ms: Option<i64>,
    /// How many there are, where that is known.
    pub runs: Option<u64>,
    /// How many samples they have, where that is known.
    pub samples: Option<u64>,
    /// Why they are missing.
    pub loss: Loss,
    /// What does not hold, and where.
    pub what: String,
}

impl Gap {
    pub(super) fn of(damage: &Damage, since_ms: Option<i64>) -> Gap {
        Gap {
            from: damage.start,
            until: damage.end,
            check: damage.check.clone(),
            since_ms,
            until_ms: None,
            runs: damage.runs,
            samples: damage.samples,
            loss: Loss::Damaged,
            what: format!("failed to {damage}"),
        }
    }
}

/// Some runs that follow each other in a lane.
#[derive(Clone, Debug)]
pub struct Piece {
    /// The runs. There may be none where there are gaps, or where what was owed has ended; it is to be acknowledged all the same.
    pub runs: Vec<FedRun>,
    /// What is missing among them, or has been found to be missing.
    pub gaps: Vec<Gap>,
    /// What to acknowledge when the consumer has all of it. In a lane, pieces are acknowledged in the order in which they were
    /// handed out; one that is acknowledged stands for those before it.
    pub progress: Progress,
    /// The lane: `true` for the newest runs in order of arrival, `false` for the backlog check by check, and for what is delivered
    /// again.
    pub live: bool,
    /// Whether there was more than this when it was read.
    pub has_more: bool,
    /// The runs may have been delivered before: they were restored by a repair, or asked for again.
    pub again: bool,
}

impl Piece {
    /// What to acknowledge when the consumer has the runs up to the one at this index.
    pub fn progress_at(&self, index: usize) -> Progress {
        let epoch = self.progress.epoch;
        match (self.runs.get(index), &self.progress.step) {
            (Some(_), _) if index + 1 == self.runs.len() => self.progress.clone(),
            (Some(fed), Step::Live { .. }) => {
                let (to, last_ms) = (Position(fed.number.saturating_add(1)), Some(fed.run.time_ms));
                Progress { epoch, step: Step::Live { to, last: Some(fed.delivered()), last_ms } }
            }
            (Some(fed), Step::Owed { id, .. }) => {
                let done = Some((Arc::clone(&fed.check), fed.number.saturating_add(1)));
                Progress { epoch, step: Step::Owed { id: *id, done, finished: false } }
            }
            (None, _) => self.progress.clone(),
        }
    }
}

impl FedRun {
    pub(super) fn delivered(&self) -> Delivered {
        let fingerprint = fingerprint(self.number, &self.check, &self.run);
        Delivered { number: self.number, fingerprint }
    }

    /// About how much memory it takes, in bytes.
    pub fn bytes(&self) -> usize {
        let run = &self.run;
        let texts = [&run.text, &run.long_text, &run.stderr, &run.origin, &run.judgement];
        let texts: usize = texts.into_iter().map(String::len).sum();
        let metrics = run.metrics.iter().map(|metric| {
            let labels = metric.labels.iter().map(|(name, value)| name.len() + value.len() + 48);
            size_of_val(metric) + metric.label.len() + 2 * metric.unit.len() + labels.sum::<usize>()
        });
        size_of::<FedRun>() + texts + metrics.sum::<usize>() + run.instances.bytes()
    }
}

/// How far a consumer has got in a lane, to be given to [`super::Feed::acknowledged`] of the feed that it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// How often the feed had begun in another store before; what was handed out earlier says nothing of it.
    pub(super) epoch: u64,
    pub(super) step: Step,
}

impl Progress {
    /// Whether whoever has got so far has all that they had before, too: what is owed is told stretch by stretch.
    pub fn goes_on_from(&self, before: &Progress) -> bool {
        match (&before.step, &self.step) {
            _ if before.epoch != self.epoch => true,
            (Step::Live { .. }, Step::Live { .. }) => true,
            (Step::Owed { id: before, .. }, Step::Owed { id, .. }) => before == id,
            _ => false,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Live {
        to: Position,
        /// The run that was delivered last; none if none was.
        last: Option<Delivered>,
        last_ms: Option<i64>,
    },
    Owed {
        /// Which stretch.
        id: u64,
        /// All checks before this one, and all of its runs that are numbered before.
        done: Option<(Arc<str>, u64)>,
        finished: bool,
    },
}
