//! Which series share an axis: those of one quantity and about one size.

use super::series::Series;

/// Series in one panel that can be distinguished.
const PANEL_SERIES_MAX: usize = 4;
/// A series that is so many times smaller than another would be a line at the bottom of its axis.
const SIZE_RATIO_MAX: f64 = 10.0;

/// Series of one kind together, a few at a time, or each for itself.
pub(super) fn panels(series: &[Series], overlay: bool) -> Vec<Vec<&Series>> {
    let mut panels: Vec<Vec<&Series>> = Vec::new();
    for one in series {
        let shared = |panel: &&mut Vec<&Series>| {
            overlay && panel.len() < PANEL_SERIES_MAX && panel.iter().all(|other| alike(one, other))
        };
        match panels.iter_mut().find(shared) {
            Some(panel) => panel.push(one),
            None => panels.push(vec![one]),
        }
    }
    panels
}

/// Whether two series measure the same kind of thing. A number without a unit may be anything, so those of one check are
/// taken to be alike, and those of one name.
fn alike(one: &Series, other: &Series) -> bool {
    let counted = matches!(one.unit.as_str(), "" | "c" | "/s");
    let one_kind = !counted || one.check == other.check || one.name == other.name;
    one.unit == other.unit && one_kind && of_one_size(one, other)
}

/// Whether both can be seen on one axis. A series without samples goes with any.
fn of_one_size(one: &Series, other: &Series) -> bool {
    let size = |series: &Series| series.summary().map(|summary| summary.max.abs().max(summary.min.abs()));
    let (Some(one), Some(other)) = (size(one), size(other)) else { return true };
    one.max(other) <= one.min(other) * SIZE_RATIO_MAX
}

#[cfg(test)]
mod tests {
    use custos_query::Columns;

    use super::*;

    fn series(check: &str, name: &str, unit: &str, value: f64) -> Series {
        let mut columns = Columns::new(0, 10, 1);
        columns.add(1, value);
        Series {
            check: check.to_owned(),
            name: name.to_owned(),
            unit: unit.to_owned(),
            columns: columns.into_vec(),
            ..Series::default()
        }
    }

    fn shared(all: &[Series]) -> Vec<String> {
        let names =
            |panel: Vec<&Series>| panel.iter().map(|one| one.name.as_str()).collect::<Vec<_>>().join("+");
        panels(all, true).into_iter().map(names).collect()
    }

    #[test]
    fn unlike_quantities_do_not_share_an_axis() {
        let all = [
            series("load", "load1", "", 4.0),
            series("procs", "procs", "", 300.0),
            series("load", "load5", "", 3.0),
            series("users", "users", "", 5.0),
            series("users", "check_state", "", 2.0),
            series("load", "check_state", "", 0.5),
        ];
        assert_eq!(shared(&all), ["load1+load5+check_state", "procs", "users+check_state"]);
        assert_eq!(panels(&all, false).len(), 6);
    }

    #[test]
    fn what_would_be_a_line_at_the_bottom_has_an_axis_of_its_own() {
        let all = [
            series("disk", "/", "B", 18e9),
            series("disk", "/boot", "B", 3e8),
            series("mem", "used", "B", 9e9),
        ];
        assert_eq!(shared(&all), ["/+used", "/boot"]);
        let zero = [
            series("net", "in", "/s", 0.0),
            series("net", "out", "/s", 5.0),
            series("net", "errors", "/s", 0.0),
        ];
        assert_eq!(shared(&zero), ["in+errors", "out"]);
    }
}
