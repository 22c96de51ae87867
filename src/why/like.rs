//! When what decides the state of a check was like this before, and how that ended.

use std::ops::Range;

use custos_query::{
    ReadContext, Result, SeriesShift, SimilarForm, SimilarMatch, SimilarRequest, SimilarSeries,
};
use custos_store::Snapshot;
use serde::Serialize;

use super::after::{After, Surroundings};
use super::alike::Alike;
use super::look::Looked;
use crate::backtest::Incidents;

/// What is asked.
pub struct LikeRequest<'a> {
    /// The check that has the problem.
    pub check: &'a str,
    /// What was said of it by its thresholds.
    pub judgement: &'a str,
    /// The stretch that was compared with the past (ms since the epoch, end excluded).
    pub span: &'a Range<i64>,
    /// Incidents that people marked.
    pub incidents: &'a Incidents,
}

/// The stretch of history that is most alike.
pub struct Like<'l> {
    /// What was searched: of all that the check measures, what decides its state.
    pub series: &'l SimilarSeries,
    /// The stretch.
    pub found: SimilarMatch,
    /// What came of it.
    pub after: After,
}

/// The same as data.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LikeLine {
    kind: &'static str,
    check: String,
    metric: String,
    #[serde(flatten)]
    alike: Alike,
    #[serde(flatten)]
    after: After,
}

impl LikeRequest<'_> {
    /// The nearest stretch before, if it is clearly nearer than the rest, of the metric that decides: one that a threshold names, or else
    /// the one that is most unlike its past. None where that is not listed. It is broken off, and nothing found, once the context says
    /// that it took long enough.
    pub fn read<'l>(
        &self,
        store: &Snapshot,
        looked: &'l Looked,
        context: &mut ReadContext<'_>,
    ) -> Option<Like<'l>> {
        let series = self.deciding(looked)?;
        self.search(store, series, context).ok().flatten()
    }

    /// The metric that decides.
    fn deciding<'l>(&self, looked: &'l Looked) -> Option<&'l SimilarSeries> {
        let own = |one: &&SeriesShift| one.shift.is_listed() && looked.among[one.series].check == self.check;
        let mut listed = looked.shifts.ranked.iter().filter(own).map(|one| &looked.among[one.series]);
        let is_named = |series: &&SimilarSeries| names(self.judgement, &series.series.key.to_string());
        listed.clone().find(is_named).or_else(|| listed.next())
    }

    fn search<'l>(
        &self,
        store: &Snapshot,
        series: &'l SimilarSeries,
        context: &mut ReadContext<'_>,
    ) -> Result<Option<Like<'l>>> {
        let request = SimilarRequest {
            of: series,
            span: self.span.clone(),
            among: std::slice::from_ref(series),
            until_ms: self.span.end,
            form: SimilarForm::default(),
            warp: false,
            full_resolution: false,
        };
        let found = request.read(store, context)?.matches.into_iter().next();
        let Some(found) = found.filter(|found| found.is_clear) else { return Ok(None) };
        let surroundings = Surroundings { reader: store, incidents: self.incidents, until_ms: self.span.end };
        let after = surroundings.after(self.check, &found.span, context)?;
        Ok(Some(Like { series, found, after }))
    }
}

impl Like<'_> {
    /// The same as data.
    pub fn line(&self) -> LikeLine {
        LikeLine {
            kind: "similar",
            check: self.series.check.clone(),
            metric: self.series.series.key.to_string(),
            alike: Alike::from(&self.found),
            after: self.after.clone(),
        }
    }
}

/// Whether what a threshold said is about a metric: `CRITICAL: used is 97 %, outside ~:90%`.
fn names(judgement: &str, metric: &str) -> bool {
    let mut sentences = judgement.lines().flat_map(|line| line.split("; "));
    sentences.any(|sentence| {
        let said = sentence.split_once(": ").map_or(sentence, |(_, said)| said);
        said.strip_prefix(metric).is_some_and(|rest| rest.starts_with(" is "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_names_its_metric() {
        let judgement =
            "a remark\nCRITICAL: used is 97 %, outside ~:90%; WARNING: in{if=\"a\"} is 3, outside 2";
        assert!(names(judgement, "used") && names(judgement, "in{if=\"a\"}"));
        assert!(!names(judgement, "use") && !names(judgement, "97 %") && !names("", "used"));
    }
}
