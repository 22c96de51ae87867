//! Series in memory.

use custos_promql::{
    Expr, Labels, METRIC_NAME, Matcher, Result, Samples, Selector, Source, SourceSeries, notation, parse,
};

/// Series by their labels.
#[derive(Debug, Default)]
pub(super) struct Memory {
    series: custos_promql::Memory,
    /// Series that have native histograms.
    histograms: Vec<Labels>,
}

impl Memory {
    /// Adds the series of a line of `load`. One of a classic histogram may stand for a native one, too.
    pub(super) fn load(
        &mut self,
        line: &str,
        step_ms: i64,
        with_native: bool,
    ) -> std::result::Result<(), String> {
        if line.split_whitespace().next().is_some_and(|metric| metric.ends_with("@st")) {
            // Times at which counters began are not stored.
            return Ok(());
        }
        let (labels, values) = notation::metric(line)?;
        if values.contains("{{") {
            self.histograms.push(labels);
            return Ok(());
        }
        let native =
            ["_bucket", "_count", "_sum"].iter().find_map(|end| labels.metric_name().strip_suffix(end));
        if let (true, Some(name)) = (with_native, native) {
            self.histograms.push(labels.with("le", "").with(METRIC_NAME, name));
        }
        self.series.extend(&labels, 0, step_ms, &notation::items(values)?);
        Ok(())
    }

    /// Whether a query selects series that have native histograms.
    pub(super) fn has_histogram(&self, query: &str) -> bool {
        !self.histograms.is_empty() && parse(query).is_ok_and(|expr| self.selects_histogram(&expr))
    }

    fn selects_histogram(&self, expr: &Expr) -> bool {
        let selects = |selector: &Selector| {
            let fits = |labels: &Labels| {
                selector.matchers.iter().all(|matcher| matcher.matches(labels.get(matcher.name())))
            };
            self.histograms.iter().any(fits)
        };
        match expr {
            Expr::Selector(selector) => selects(selector),
            Expr::Range(range) => selects(&range.selector),
            _ => expr.children().into_iter().any(|child| self.selects_histogram(child)),
        }
    }
}

impl Source for Memory {
    fn select(&self, matchers: &[Matcher], from_ms: i64, to_ms: i64) -> Result<Vec<SourceSeries>> {
        self.series.select(matchers, from_ms, to_ms)
    }

    fn read(&self, series: &[&SourceSeries], from_ms: i64, to_ms: i64) -> Result<Vec<Samples>> {
        self.series.read(series, from_ms, to_ms)
    }
}
