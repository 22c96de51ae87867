//! The one metric that a command is about.

use custos_query::{Bucketed, Selector, Series, SimilarSeries, check_names};
use custos_store::{Reader, SeriesInfo};

use super::read::Failure;
use super::unknown::selector;

/// The one metric that a target names, and its unit.
pub(super) fn one_series(reader: &Reader, target: &str) -> Result<(SimilarSeries, String), Failure> {
    let selector: Selector = selector(target, &check_names(reader))?;
    let known = reader.series(selector.check())?;
    let mut metrics: Vec<SeriesInfo> = Vec::new();
    for series in selector.series(&known)? {
        match series {
            Series::Metric(key) => metrics.extend(known.iter().find(|info| info.key == key).cloned()),
            Series::BuiltIn(one) => {
                return Err(Failure::usage(format!("{} is not a metric of the check's plugin", one.name())));
            }
        }
    }
    match &metrics[..] {
        [one] => {
            let series = Bucketed::new(one.key.clone(), &one.unit);
            Ok((SimilarSeries { check: selector.check().to_owned(), series }, one.unit.clone()))
        }
        several => {
            let names: Vec<String> = several.iter().take(5).map(|info| info.key.to_string()).collect();
            let check = selector.check();
            Err(Failure::usage(format!(
                "{target:?} is several metrics; name one of them, as {check}:METRIC: {}",
                names.join(", ")
            )))
        }
    }
}
