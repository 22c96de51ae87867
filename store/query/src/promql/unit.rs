//! The unit of the series that conditions select.

use std::collections::BTreeSet;

use custos_promql::Matcher;

use super::select::candidates;
use super::view::View;

/// The unit that all series have that fulfil these conditions, whenever they have samples; none if they have several, or if
/// there is no such series.
pub(super) fn unit(view: &View<'_>, matchers: &[Matcher]) -> Option<String> {
    let checks = candidates(view, matchers);
    let found = checks.iter().flat_map(|check| &check.series).filter(|entry| entry.fulfils(matchers));
    let mut units: BTreeSet<&str> = found.map(|entry| entry.unit.as_str()).collect();
    if units.len() > 1 { None } else { units.pop_first().map(str::to_owned) }
}
