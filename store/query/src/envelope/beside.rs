//! What is drawn beside the runs that a check had by itself: those that it had because somebody watched it, and what an older system kept
//! of it.

use std::collections::BTreeSet;

use custos_store::{Consolidation, SeriesInfo, SeriesKey, Snapshot};

use super::curve::Envelope;
use super::strip::{CheckEnvelope, EnvelopeRequest};
use crate::apart::{consolidated_check, consolidated_name, watched_name};
use crate::consolidated::{ConsolidatedCurve, read_consolidated};
use crate::context::ReadContext;
use crate::error::Result;
use crate::series::Series;
use crate::state_bar::StateBar;

/// The checks that a graph can be of: those of these names, and those of which there is only what was consolidated.
pub fn drawable_checks(names: Vec<String>) -> Vec<String> {
    let own: BTreeSet<String> =
        names.iter().filter_map(|name| consolidated_check(name)).map(|(check, _)| check.to_owned()).collect();
    let mut all: BTreeSet<String> = names.into_iter().collect();
    all.extend(own);
    all.into_iter().collect()
}

/// The names under which a store may have what was consolidated of a check.
pub fn consolidated_names(check: &str) -> impl Iterator<Item = String> {
    Consolidation::ALL.into_iter().map(move |function| consolidated_name(check, function))
}

/// All series of a check, of its own runs and of what was consolidated.
///
/// # Errors
/// What cannot be read.
pub fn drawable_series(
    store: &Snapshot,
    check: &str,
) -> std::result::Result<Vec<SeriesInfo>, custos_store::Error> {
    let mut known = store.series(check)?;
    for name in consolidated_names(check) {
        for series in store.series(&name)? {
            if known.iter().all(|one| one.key != series.key) {
                known.push(series);
            }
        }
    }
    Ok(known)
}

/// A check with what is drawn beside its own runs.
#[derive(Clone, Debug)]
pub struct DrawnCheck {
    /// Its own runs, with those joined to them that it had because it was watched.
    pub own: CheckEnvelope,
    /// What states were found while it was watched; `None` if it was not.
    pub watched: Option<StateBar>,
    /// What was consolidated of each series, in as many columns.
    pub consolidated: Vec<ConsolidatedCurve>,
}

impl EnvelopeRequest<'_> {
    /// Reads the check with all that is drawn beside it; with its own runs alone if only those are wanted.
    ///
    /// # Errors
    /// As of [`EnvelopeRequest::read`].
    pub fn read_drawn(
        &self,
        own_only: bool,
        store: &Snapshot,
        context: &mut ReadContext<'_>,
    ) -> Result<DrawnCheck> {
        let mut own = self.read(store, context)?;
        if own_only {
            let consolidated = own.series.iter().map(|_| ConsolidatedCurve::default()).collect();
            return Ok(DrawnCheck { own, watched: None, consolidated });
        }
        let watched = self.join_watched(&mut own, store, context)?;
        let consolidated = self.consolidated(&own.series, store, context)?;
        Ok(DrawnCheck { own, watched, consolidated })
    }

    /// Joins what was watched of the check to what was [read](EnvelopeRequest::read) of it. Returns the states found then; `None` if it was
    /// not watched in that time.
    fn join_watched(
        &self,
        own: &mut CheckEnvelope,
        store: &Snapshot,
        context: &mut ReadContext<'_>,
    ) -> Result<Option<StateBar>> {
        let name = watched_name(self.check);
        if store.runs(&name, self.span.clone()).next().is_none() {
            return Ok(None);
        }
        let request = EnvelopeRequest { check: &name, holds_until_ms: None, ..self.clone() };
        let CheckEnvelope { series, states } = request.read(store, context)?;
        for (own, watched) in own.series.iter_mut().zip(&series) {
            own.join(watched);
        }
        Ok(Some(states))
    }

    /// What was consolidated of each of these series of the check, in as many columns as they have; nothing of built-in ones.
    fn consolidated(
        &self,
        of: &[Envelope],
        store: &Snapshot,
        context: &mut ReadContext<'_>,
    ) -> Result<Vec<ConsolidatedCurve>> {
        let key = |envelope: &Envelope| match &envelope.series {
            Series::Metric(key) => key.clone(),
            Series::BuiltIn(_) => SeriesKey::default(),
        };
        let keys: Vec<SeriesKey> = of.iter().map(key).collect();
        let keys: Vec<&SeriesKey> = keys.iter().collect();
        let columns = of.first().map_or(0, |envelope| envelope.columns.len());
        read_consolidated(store, self.check, &keys, self.span.clone(), columns, context)
    }
}

impl Envelope {
    /// Takes unit and limits of what was consolidated of it, if it has no sample. Returns whether both are in one unit then, so that they
    /// can stand beside each other.
    pub fn adopt(&mut self, curve: &ConsolidatedCurve) -> bool {
        if self.columns.iter().all(Option::is_none) {
            self.unit.clone_from(&curve.unit);
            self.limits.clone_from(&curve.limits);
        }
        self.unit == curve.unit
    }
}
