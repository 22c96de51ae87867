//! What stands above a series: its numbers and its thresholds, each shown whole or not at all.

use custos_store::{Bounds, State};

use super::fit::Item;
use super::ink::Ink;
use super::series::{Series, Summary};
use crate::text::human::{Prefixes, quantity};

/// The numbers in the order in which they are shown, each with what it weighs where there is no room for all.
pub(super) fn items(series: &Series, prefixes: Prefixes, written: impl Fn(String) -> String) -> Vec<Item> {
    let item = |weight, ink, name: &str, value: String| Item {
        weight,
        parts: vec![(ink, format!("  {name} ")), (Ink::Plain, written(value))],
    };
    let shown = |value| quantity(value, &series.unit, prefixes);
    let mut items = Vec::new();
    match series.summary() {
        Some(Summary { min, avg, max, last }) => {
            for (weight, name, value) in
                [(1, "min", min), (0, "avg", avg), (2, "max", max), (3, "last", last)]
            {
                items.push(item(weight, Ink::Dim, name, shown(value)));
            }
        }
        None => items.push(Item { weight: 3, parts: vec![(Ink::Dim, "  no samples".to_owned())] }),
    }
    if let Some((low, high)) = series.consolidated_range() {
        items.push(item(2, Ink::Dim, "consolidated", format!("{} to {}", shown(low), shown(high))));
    }
    // Whose it is matters only where there are both.
    let both = [true, false].iter().all(|own| series.thresholds.iter().any(|one| one.of_plugin == *own));
    let mut listed = Vec::new();
    for threshold in &series.thresholds {
        if listed.contains(&threshold) {
            continue;
        }
        listed.push(threshold);
        let (weight, name) = if threshold.limit.state == State::Critical { (5, "crit") } else { (4, "warn") };
        let name = if both && threshold.of_plugin { format!("plugin's {name}") } else { name.to_owned() };
        let ink = Ink::State(threshold.limit.state);
        let text = format!("  {name} {}", range(&threshold.limit.bounds, &series.unit, prefixes));
        items.push(Item { weight, parts: vec![(ink, written(text))] });
    }
    if let Some(note) = &series.note {
        items.push(Item { weight: 6, parts: vec![(Ink::Dim, written(format!("  ({note})")))] });
    }
    items
}

/// A range as people write it, with units.
fn range(bounds: &Bounds, unit: &str, prefixes: Prefixes) -> String {
    let Bounds { start, end, inside } = *bounds;
    let mut text = String::from(if inside { "@" } else { "" });
    if start == f64::NEG_INFINITY {
        text.push_str("~:");
    } else if start != 0.0 || end == f64::INFINITY {
        text += &format!("{}:", quantity(start, unit, prefixes));
    }
    if end != f64::INFINITY {
        text += &quantity(end, unit, prefixes);
    }
    text
}

#[cfg(test)]
mod tests {
    use custos_query::{Columns, Limit};

    use super::super::fit::fit;
    use super::super::ink::Line;
    use super::super::series::Threshold;
    use super::*;

    #[test]
    fn thresholds_stay_where_there_is_no_room_for_all() {
        let mut columns = Columns::new(0, 10, 1);
        for value in [18.7e9, 19.1e9] {
            columns.add(1, value);
        }
        let threshold = |state, end, of_plugin| {
            let bounds = Bounds { start: f64::NEG_INFINITY, end, inside: false };
            Threshold { limit: Limit { state, bounds }, of_plugin }
        };
        let mut series = Series {
            unit: "B".to_owned(),
            columns: columns.into_vec(),
            thresholds: vec![threshold(State::Warning, 243e9, true), threshold(State::Critical, 257e9, true)],
            ..Series::default()
        };
        let shown = |series: &Series, columns| {
            fit(Line::default(), "root:/", items(series, Prefixes::Si, |text| text), columns, "…").plain()
        };
        assert_eq!(
            shown(&series, 80),
            "root:/  min 18.7 GB  max 19.1 GB  last 19.1 GB  warn ~:243 GB  crit ~:257 GB  …"
        );
        assert_eq!(shown(&series, 53), "root:/  last 19.1 GB  warn ~:243 GB  crit ~:257 GB  …");
        assert_eq!(shown(&series, 52), "root:/  warn ~:243 GB  crit ~:257 GB  …");
        series.thresholds.push(threshold(State::Critical, 250e9, false));
        series.thresholds.push(threshold(State::Critical, 250e9, false));
        series.note = Some("3 samples in ms are not drawn".to_owned());
        assert_eq!(
            shown(&series, 200),
            "root:/  min 18.7 GB  avg 18.9 GB  max 19.1 GB  last 19.1 GB  plugin's warn ~:243 GB  \
             plugin's crit ~:257 GB  crit ~:250 GB  (3 samples in ms are not drawn)"
        );
    }
}
