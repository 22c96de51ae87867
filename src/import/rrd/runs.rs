//! The runs that a file becomes.

use custos_compat::rrd::{Archive, Function, Rrd};
use custos_query::consolidated_name;
use custos_store::{Consolidation, Provenance, Reason, Run, State};

use super::finest::{Counted, finest};
use super::names::{Names, Template};

/// What becomes of the rows of one function of a file.
pub struct RrdRuns<'a> {
    /// The name under which they are stored.
    pub check: String,
    /// The function.
    pub function: Consolidation,
    rows: Vec<Counted<'a>>,
    templates: &'a [Template],
}

/// One run of them.
pub struct RrdRun {
    /// The run.
    pub run: Run,
    /// The span that it is of, in ms.
    pub span_ms: u64,
}

impl<'a> RrdRuns<'a> {
    /// What becomes of a file: for each function that it has, its runs.
    pub fn of(rrd: &Rrd<'a>, names: &'a Names) -> Vec<RrdRuns<'a>> {
        let functions = [Function::Average, Function::Minimum, Function::Maximum, Function::Last];
        let of = |of| {
            let function = consolidation(of);
            let rows = finest(&rrd.archives, of);
            let check = consolidated_name(&names.check, function);
            (!rows.is_empty()).then_some(RrdRuns { check, function, rows, templates: &names.metrics })
        };
        functions.into_iter().filter_map(of).collect()
    }

    /// The archives of a file that are not of what was measured, by their function, each once.
    pub fn left_out<'b>(rrd: &'b Rrd<'_>) -> Vec<&'b str> {
        let other = |archive: &&Archive<'_>| archive.function.is_none();
        let mut names: Vec<&str> = rrd.archives.iter().filter(other).map(|archive| archive.name).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// From the beginning of the first span to the end of the last one (ms since the epoch).
    pub fn span_ms(&self) -> std::ops::Range<i64> {
        let begin_s = self.rows.iter().map(|one| one.row.end_s.saturating_sub(one.span_s)).min();
        let end_s = self.rows.last().map(|one| one.row.end_s);
        ms(begin_s.unwrap_or_default())..ms(end_s.unwrap_or_default())
    }

    /// How many rows there are of each length (in s), the shortest first.
    pub fn lengths(&self) -> Vec<(u64, usize)> {
        let mut lengths = std::collections::BTreeMap::<u64, usize>::new();
        for one in &self.rows {
            *lengths.entry(one.span_s).or_default() += 1;
        }
        lengths.into_iter().collect()
    }

    /// The runs by time.
    pub fn runs(&self) -> impl Iterator<Item = RrdRun> + '_ {
        self.rows.iter().map(|one| self.run(one))
    }

    fn run(&self, one: &Counted<'_>) -> RrdRun {
        let metrics = self.templates.iter().zip(one.row.values()).map(|(template, value)| {
            let mut metric = template.metric.clone();
            // What is unknown is no number, and a number that is known is not taken for one that was not.
            metric.value = (!value.is_nan()).then(|| (value * template.factor).into());
            metric
        });
        let span_ms = one.span_s * 1000;
        let run = Run {
            time_ms: ms(one.row.end_s),
            state: State::Unknown,
            plugin_state: State::Unknown,
            reason: Reason::Imported,
            metrics: metrics.collect(),
            partial: true,
            provenance: Provenance::Consolidated { span_ms, function: self.function },
            ..Run::default()
        };
        RrdRun { run, span_ms }
    }
}

fn consolidation(function: Function) -> Consolidation {
    match function {
        Function::Average => Consolidation::Average,
        Function::Minimum => Consolidation::Minimum,
        Function::Maximum => Consolidation::Maximum,
        Function::Last => Consolidation::Last,
    }
}

/// Seconds since the epoch in milliseconds.
fn ms(seconds: u64) -> i64 {
    i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1000)
}
