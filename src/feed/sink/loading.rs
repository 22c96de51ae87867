//! From a piece of the feed to what a receiver takes.

use std::sync::Arc;

use custos_query::{OutboundRuns, RunSample};
use custos_store::{Identity, Snapshot};

use super::parcel::{Load, NumberedRun, Origin};
use super::settings::Takes;
use crate::feed::read::Piece;
use crate::limits::SINK_RUNS_FIRST;

/// Makes loads of the pieces of one lane.
#[derive(Debug)]
pub(super) struct Loading {
    takes: Takes,
    runs: OutboundRuns,
    samples: Vec<RunSample>,
    /// How many samples a run has made, in the last piece.
    samples_a_run: usize,
}

impl Loading {
    pub(super) fn new(takes: Takes, host: &str, labels: &[(String, String)]) -> Loading {
        let runs = OutboundRuns::new(host, labels, Box::new(|_, _| true));
        Loading { takes, runs, samples: Vec::new(), samples_a_run: 0 }
    }

    /// How many runs make about so many samples.
    pub(super) fn runs_for(&self, samples: usize) -> usize {
        match (self.takes, self.samples_a_run) {
            (Takes::Runs, _) => samples,
            (Takes::Samples, 0) => SINK_RUNS_FIRST.min(samples),
            (Takes::Samples, each) => (samples / each).max(1),
        }
    }

    /// Samples that were left out since their series had one of the same time.
    pub(super) fn repeated(&self) -> u64 {
        self.runs.repeated()
    }

    /// What was delivered may be delivered again.
    pub(super) fn begin_again(&mut self) {
        self.runs.begin_again();
    }

    /// The load of a piece. The run before the first of a check says which series it had.
    pub(super) fn load(&mut self, piece: Piece, store: &Snapshot) -> Load {
        if self.takes == Takes::Runs {
            let numbered = |fed: crate::feed::read::FedRun| NumberedRun {
                number: fed.number,
                check: fed.check,
                run: fed.run,
            };
            // A store that a piece was read from has an identity.
            let store = store.identity().unwrap_or(Identity([0; 16]));
            let origin = Origin { store, live: piece.live };
            return Load::Runs(piece.runs.into_iter().map(numbered).collect(), origin);
        }
        if piece.again {
            self.runs.begin_again();
        }
        self.samples.clear();
        for fed in &piece.runs {
            if self.runs.is_new(&fed.check) {
                self.seed(&fed.check, fed.run.time_ms, store);
            }
            self.runs.take(&fed.check, &fed.run, &mut self.samples);
        }
        if !piece.runs.is_empty() {
            self.samples_a_run = self.samples.len().div_ceil(piece.runs.len());
        }
        Load::of_samples(&self.samples, self.runs.series())
    }

    fn seed(&mut self, check: &Arc<str>, time_ms: i64, store: &Snapshot) {
        // What cannot be read ends no series.
        if let Some(Ok(before)) = store.runs_rev(check, i64::MIN..time_ms).next() {
            self.runs.seed(check, &before);
        }
    }
}
