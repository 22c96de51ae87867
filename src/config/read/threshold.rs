//! Limits that the configuration sets on metrics.

use custos_compat::nagios;
use custos_store::{Bounds, State};
use globset::GlobBuilder;

use crate::config::keys::threshold as keys;
use crate::config::model::check::{ByteUnits, OutsideNormal, Threshold, Tolerance, UnitRange};
use crate::document::diagnostic::Findings;
use crate::document::fields::{Fields, refuse, text, written};
use crate::document::key::Reads as _;
use crate::document::place::Place;
use crate::document::yaml::{Content, Node};

/// Reads the thresholds of a check, each with its place; those that are wrong are reported and left out.
pub(crate) fn read_all(
    node: &Node,
    owner: &str,
    byte_units: ByteUnits,
    findings: &mut Findings,
) -> Vec<(Threshold, Place)> {
    let Content::List(items) = &node.content else {
        refuse(node, "a list of thresholds, each beginning with `- metric:`", findings);
        return Vec::new();
    };
    let read = |item: &Node| Some((read(item, owner, byte_units, findings)?, item.place.clone()));
    items.iter().filter_map(read).collect()
}

fn read(node: &Node, owner: &str, byte_units: ByteUnits, findings: &mut Findings) -> Option<Threshold> {
    let fields = Fields::of(node, &format!("a threshold of {owner}"), &keys::THRESHOLD, findings)?;
    let metric = match fields.get(&keys::METRIC) {
        Some(metric) => pattern(metric, findings),
        None => {
            if fields.lacks(&keys::METRIC) {
                findings.error(
                    &node.place,
                    "this threshold has no `metric`, expected a label or a glob over labels",
                );
            }
            None
        }
    };
    let warning = fields.get(&keys::WARNING);
    let critical = fields.get(&keys::CRITICAL);
    if [&keys::WARNING, &keys::CRITICAL].into_iter().all(|key| fields.lacks(key))
        && fields.lacks(&keys::OUTSIDE)
    {
        findings.error(
            &node.place,
            "this threshold has neither `warning` nor `critical` nor `outside: normal`, so it never says anything",
        );
    }
    let warning_place = warning.map(|node| &node.place);
    let warning = optional(warning, |node| range(node, byte_units, findings));
    let critical_place = critical.map(|node| &node.place);
    let critical = optional(critical, |node| range(node, byte_units, findings));
    if let (Some(Some(warning)), Some(Some(critical))) = (&warning, &critical)
        && let (Some(warning_place), Some(critical_place)) = (warning_place, critical_place)
    {
        refuse_mixed_units(warning, warning_place, critical, critical_place, findings);
    }
    let normal = outside_normal(&fields, byte_units, findings);
    let pending_for = fields.value(&keys::FOR, findings);
    let rate = fields.value(&keys::RATE, findings);
    let on_missing = fields.value(&keys::ON_MISSING, findings);
    let (metric, matcher) = metric?;
    Some(Threshold {
        metric,
        matcher,
        warning: warning?,
        critical: critical?,
        normal: normal?,
        pending_for: pending_for?,
        rate: rate?,
        on_missing: on_missing?,
    })
}

/// The band of what is normal. The outer option is `None` if something about it is wrong, the inner one if it is absent.
fn outside_normal(
    fields: &Fields<'_>,
    byte_units: ByteUnits,
    findings: &mut Findings,
) -> Option<Option<OutsideNormal>> {
    let tolerance = match fields.get(&keys::TOLERANCE) {
        Some(node) => tolerance(node, byte_units, findings),
        None => Some(Tolerance::default()),
    };
    let state = fields.value(&keys::STATE, findings)?;
    let Some(outside) = fields.get(&keys::OUTSIDE) else {
        let stray = [fields.get(&keys::TOLERANCE), fields.get(&keys::STATE)].into_iter().flatten();
        let stray: Vec<&Node> = stray.collect();
        for node in &stray {
            findings.error(&node.place, "this is for a threshold with `outside: normal`");
        }
        return stray.is_empty().then_some(None);
    };
    keys::OUTSIDE.kind().read(outside, findings)?;
    let (other, name) = match state {
        State::Critical => (fields.get(&keys::CRITICAL), "critical"),
        _ => (fields.get(&keys::WARNING), "warning"),
    };
    if let Some(other) = other {
        let message =
            format!("found `{name}` beside `outside: normal` of the same state; write two thresholds");
        findings.error(&other.place, message);
        return None;
    }
    Some(Some(OutsideNormal { state, tolerance: tolerance? }))
}

fn tolerance(node: &Node, byte_units: ByteUnits, findings: &mut Findings) -> Option<Tolerance> {
    const EXPECTED: &str = "how far, such as `2`, `500MB` or `1.5x`";
    let text = written(node, EXPECTED, findings)?;
    if let Some(times) = text.strip_suffix('x').and_then(|times| times.parse::<f64>().ok())
        && times.is_finite()
        && times >= 0.0
    {
        return Some(Tolerance::Bands(times));
    }
    let parsed = nagios::UnitRange::parse(text, unit_powers(byte_units)).ok();
    let parsed = parsed.filter(|parsed| {
        let (start, end) = (parsed.range.start(), parsed.range.end());
        start == 0.0 && end.is_finite() && !parsed.range.inside() && !text.contains(':')
    });
    let Some(parsed) = parsed else {
        findings.error(&node.place, format!("found {}, expected {EXPECTED}", node.describe()));
        return None;
    };
    let unit = parsed.unit.map(str::to_owned);
    Some(Tolerance::By { amount: parsed.range.end(), unit, written: text.to_owned() })
}

/// Reports two ranges of one threshold with units of different kinds, or with a unit in only one of them: `~:1GB` and
/// `~:9` may mean nine bytes or nine gigabytes. Zero is zero in any unit.
fn refuse_mixed_units(
    warning: &UnitRange,
    warning_place: &Place,
    critical: &UnitRange,
    critical_place: &Place,
    findings: &mut Findings,
) {
    let plain = |range: &UnitRange| {
        let bounds = [range.bounds.start, range.bounds.end];
        range.unit.is_none() && bounds.iter().any(|bound| bound.is_finite() && *bound != 0.0)
    };
    let (place, beside, other, message) = match (&warning.unit, &critical.unit) {
        (Some(unit), None) if plain(critical) => (
            critical_place,
            warning_place,
            "warning",
            format!("`critical` has no unit, `warning` has {unit}"),
        ),
        (None, Some(unit)) if plain(warning) => (
            warning_place,
            critical_place,
            "critical",
            format!("`warning` has no unit, `critical` has {unit}"),
        ),
        (Some(first), Some(second)) if first != second => (
            critical_place,
            warning_place,
            "warning",
            format!("`warning` has {first}, `critical` has {second}"),
        ),
        _ => return,
    };
    let message = format!("{message}; expected units of one kind in both, or in neither");
    findings.error_beside(place, message, other, beside);
}

/// The outer option is `None` if the value is wrong, the inner one if it is absent.
fn optional<T>(node: Option<&Node>, read: impl FnOnce(&Node) -> Option<T>) -> Option<Option<T>> {
    match node {
        None => Some(None),
        Some(node) => read(node).map(Some),
    }
}

fn pattern(node: &Node, findings: &mut Findings) -> Option<(String, globset::GlobMatcher)> {
    let metric = text(node, "a label or a glob over labels", findings)?;
    // A label is not a path: `*` takes in slashes, and `\` makes the next character itself.
    match GlobBuilder::new(metric).literal_separator(false).backslash_escape(true).build() {
        Ok(glob) => Some((metric.to_owned(), glob.compile_matcher())),
        Err(error) => {
            findings.error(&node.place, format!("the glob `{metric}` is not valid: {}", error.kind()));
            None
        }
    }
}

fn unit_powers(byte_units: ByteUnits) -> nagios::ByteUnits {
    match byte_units {
        ByteUnits::Si => nagios::ByteUnits::Si,
        ByteUnits::Iec => nagios::ByteUnits::Iec,
    }
}

fn range(node: &Node, byte_units: ByteUnits, findings: &mut Findings) -> Option<UnitRange> {
    const EXPECTED: &str = "a range such as `10`, `5:10`, `~:8GB` or `@90%:`";
    let written = written(node, EXPECTED, findings)?;
    match nagios::UnitRange::parse(written, unit_powers(byte_units)) {
        Ok(parsed) => Some(UnitRange {
            bounds: Bounds {
                start: parsed.range.start(),
                end: parsed.range.end(),
                inside: parsed.range.inside(),
            },
            unit: parsed.unit.map(str::to_owned),
            written: written.to_owned(),
        }),
        Err(error) => {
            findings.error(&node.place, format!("found {}, expected {EXPECTED}: {error}", node.describe()));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use custos_store::State;

    use super::*;
    use crate::config::model::check::OnMissing;
    use crate::document::place::SourceFile;
    use crate::document::yaml;

    fn read_yaml(text: &str) -> (Vec<Threshold>, String) {
        let file = SourceFile::new("f".into(), text.to_owned());
        let mut findings = Findings::default();
        let root = yaml::parse(&file, &mut findings).unwrap();
        let thresholds = read_all(&root, "check `c`", ByteUnits::Si, &mut findings);
        let thresholds = thresholds.into_iter().map(|(threshold, _)| threshold).collect();
        (thresholds, findings.into_mistakes(&[]).to_string())
    }

    #[test]
    fn a_threshold_has_ranges_in_base_units() {
        let (thresholds, mistakes) = read_yaml(
            "- metric: /\n  warning: '~:8GB'\n  critical: ~:9GB\n  for: 2m\n  on_missing: keep\n- {metric: 'load*', critical: 5, rate: true}\n",
        );
        assert_eq!(mistakes, "");
        let first = &thresholds[0];
        assert_eq!(first.warning.as_ref().unwrap().bounds.end, 8e9);
        assert_eq!(first.critical.as_ref().unwrap().unit.as_deref(), Some("B"));
        assert_eq!((first.pending_for, first.on_missing), (Duration::from_secs(120), OnMissing::Keep));
        let second = &thresholds[1];
        assert_eq!(
            (second.pending_for, second.on_missing),
            (Duration::ZERO, OnMissing::State(State::Unknown))
        );
        assert_eq!(second.critical.as_ref().unwrap().written, "5");
        assert!(second.rate && !first.rate);
        assert!(second.matcher.is_match("load15") && !second.matcher.is_match("xload"));
    }

    #[test]
    fn globs_take_in_slashes_and_escapes() {
        let (thresholds, mistakes) =
            read_yaml("- {metric: '/v*', warning: 1}\n- {metric: '\\*', warning: 1}\n");
        assert_eq!(mistakes, "");
        assert!(thresholds[0].matcher.is_match("/var/log"));
        assert!(thresholds[1].matcher.is_match("*") && !thresholds[1].matcher.is_match("x"));
    }

    #[test]
    fn a_threshold_may_follow_what_is_normal() {
        let text = "- {metric: a, outside: normal}\n\
                    - {metric: a, outside: normal, tolerance: 2.5x, state: critical, warning: 9}\n\
                    - {metric: a, outside: normal, tolerance: 2KB}\n";
        let (thresholds, mistakes) = read_yaml(text);
        assert_eq!(mistakes, "");
        let of: Vec<&OutsideNormal> = thresholds.iter().map(|one| one.normal.as_ref().unwrap()).collect();
        assert_eq!((of[0].state, &of[0].tolerance), (State::Warning, &Tolerance::Bands(1.0)));
        assert_eq!((of[1].state, &of[1].tolerance), (State::Critical, &Tolerance::Bands(2.5)));
        let by = Tolerance::By { amount: 2000.0, unit: Some("B".to_owned()), written: "2KB".to_owned() };
        assert_eq!(of[2].tolerance, by);
    }

    #[test]
    fn zero_goes_with_any_unit() {
        let text = "- {metric: a, warning: 1GB, critical: 0}\n- {metric: a, warning: '0:', critical: ~:9s}\n";
        let (thresholds, mistakes) = read_yaml(text);
        assert_eq!((thresholds.len(), mistakes.as_str()), (2, ""));
    }

    #[test]
    fn mistakes_name_what_is_wrong() {
        for (text, expected) in [
            (
                "- {metric: a}\n",
                "f:1:3: this threshold has neither `warning` nor `critical` nor `outside: normal`",
            ),
            ("- {metric: a, outside: norm}\n", "f:1:24: found `norm`, expected `normal`"),
            (
                "- {metric: a, warning: 5, tolerance: 2}\n",
                "f:1:38: this is for a threshold with `outside: normal`",
            ),
            (
                "- {metric: a, outside: normal, tolerance: '~:2'}\n",
                "f:1:43: found `~:2`, expected how far, such as `2`, `500MB` or `1.5x`",
            ),
            (
                "- {metric: a, outside: normal, warning: 5}\n",
                "f:1:41: found `warning` beside `outside: normal` of the same state; write two thresholds",
            ),
            ("- {warning: 5}\n", "f:1:3: this threshold has no `metric`"),
            ("- {metric: a, warning: ~}\n", "f:1:24: found nothing, expected a range"),
            (
                "- {metric: a, warning: 9:1}\n",
                "f:1:24: found `9:1`, expected a range such as `10`, `5:10`, `~:8GB` or `@90%:`: the start",
            ),
            ("- {metric: a, warning: 5s:1GB}\n", "f:1:24: found `5s:1GB`"),
            (
                "- {metric: a, warning: '~:2,000'}\n",
                "f:1:24: found `~:2,000`, expected a range such as `10`, `5:10`, `~:8GB` or `@90%:`: \
                 a number has no comma, as in 2000 or 0.5",
            ),
            (
                "- {metric: a, warning: 10 - 20}\n",
                "f:1:24: found `10 - 20`, expected a range such as `10`, `5:10`, `~:8GB` or `@90%:`: \
                 start and end have ':' between them, as in 10:20",
            ),
            (
                "- {metric: a, warning: ~:1GB, critical: ~:9}\n",
                "f:1:41: `critical` has no unit, `warning` has B; expected units of one kind in both, or in neither \
                 (warning at f:1:24)",
            ),
            ("- {metric: a, warning: 5, critical: 9s}\n", "f:1:24: `warning` has no unit, `critical` has s;"),
            ("- {metric: a, warning: 5s, critical: 9B}\n", "f:1:38: `warning` has s, `critical` has B;"),
            ("- {metric: '[', warning: 5}\n", "f:1:12: the glob `[` is not valid"),
            (
                "- {metric: a, warning: 5, rate: 1}\n",
                "f:1:33: found the number `1`, expected `true` or `false`; write `true`",
            ),
            ("- {metric: a, warning: 5, for: -1s}\n", "f:1:32: found `-1s`, expected a duration"),
            (
                "- {metric: a, warning: 5, on_missing: crit}\n",
                "f:1:39: found `crit`, expected `ok`, `warning`, `critical`, `unknown` or `keep`; did you mean `critical`?",
            ),
            (
                "- {metrik: a, warning: 5}\n",
                "f:1:4: unknown key `metrik` in a threshold of check `c`; did you mean",
            ),
            (
                "- {metric: a, warn: 5}\n",
                "f:1:15: unknown key `warn` in a threshold of check `c`; did you mean `warning`?",
            ),
            ("metric: a\n", "f:1:1: found a mapping, expected a list of thresholds"),
        ] {
            let (thresholds, mistakes) = read_yaml(text);
            assert!(mistakes.starts_with(expected), "{text}: {mistakes}");
            assert_eq!(mistakes.lines().count(), 1, "{mistakes}");
            let stays =
                ["neither", "has no unit", "has s,", "`warn`"].iter().any(|words| expected.contains(words));
            assert!(thresholds.is_empty() || stays, "{text}");
        }
    }
}
