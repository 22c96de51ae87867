//! The unit of the series that conditions select.

use std::collections::BTreeSet;

use custos_promql::{Labels, METRIC_NAME, Matcher};

use super::select::{CHECK, candidates, metric_labels};
use super::view::View;
use crate::built_in::BuiltIn;

/// The unit that all series have that fulfil these conditions, whenever they have samples; none if they have several, or if
/// there is no such series.
pub(super) fn unit(view: &View<'_>, matchers: &[Matcher]) -> Option<String> {
    let matches =
        |labels: &Labels| matchers.iter().all(|matcher| matcher.matches(labels.get(matcher.name())));
    let mut units = BTreeSet::new();
    for of_check in candidates(view, matchers) {
        let name = of_check.check.name;
        let found = of_check.series.into_iter().filter(|info| matches(&metric_labels(&name, info)));
        units.extend(found.map(|info| info.unit));
        let built_in = BuiltIn::ALL
            .into_iter()
            .filter(|one| matches(&Labels::new([(METRIC_NAME, one.name()), (CHECK, &*name)])));
        units.extend(built_in.map(|one| one.unit().to_owned()));
    }
    if units.len() > 1 { None } else { units.pop_first() }
}
