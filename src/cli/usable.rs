//! Which runs from elsewhere a store takes in.

use custos_query::{consolidated_check, own_check};
use custos_store::{Provenance, Reason, Run};
use jiff::Timestamp;

use crate::config::CheckNameFault;

/// Why a run cannot be taken in, though it can be read: no command could name its check or show its time.
pub(in crate::cli) fn unusable(check: &str, run: &Run) -> Option<String> {
    if let Some(fault) = CheckNameFault::of(check) {
        return Some(fault.to_string());
    }
    let of_name = consolidated_check(check).map(|(_, function)| function);
    let of_run = match run.provenance {
        Provenance::Consolidated { function, .. } => Some(function),
        _ => None,
    };
    if of_name != of_run || (of_run.is_some() && run.reason != Reason::Imported) {
        return Some(match (of_run, own_check(check)) {
            (Some(function), _) => format!(
                "found a consolidated run of {check}, expected the reason imported and a name that ends with @{}",
                function.name()
            ),
            _ => format!("found a run of {check} that is not consolidated"),
        });
    }
    let time_ms = run.time_ms;
    Timestamp::from_millisecond(time_ms)
        .is_err()
        .then(|| format!("found the time {time_ms}, expected milliseconds in the years -9999 to 9999"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_consolidated_is_told_from_samples_by_its_name() {
        use custos_store::Consolidation;

        let provenance = Provenance::Consolidated { span_ms: 300_000, function: Consolidation::Average };
        let run = Run { provenance, reason: Reason::Imported, ..Run::default() };
        assert_eq!(unusable("load@average", &run), None);
        for (check, run) in [
            ("load", run.clone()),
            ("load@maximum", run.clone()),
            ("load@average", Run { reason: Reason::Exited, ..run.clone() }),
            ("load@average", Run::default()),
        ] {
            assert!(unusable(check, &run).is_some_and(|why| why.contains("consolidated")), "{check}");
        }
    }

    #[test]
    fn names_and_times_that_no_command_takes_are_refused() {
        let at = |time_ms| Run { time_ms, ..Run::default() };
        let run = at(0);
        for name in ["disk /", "größe", "custos", "custos.traps", "a/b", &"x".repeat(255)] {
            assert_eq!(unusable(name, &run), None, "{name}");
        }
        for name in ["", " a", "-a", "a\u{1b}[31m", "a\nb", "a\0", "a\u{9b}31m", &"x".repeat(100_000)] {
            assert!(unusable(name, &run).is_some_and(|why| why.starts_with("found ")), "{name}");
        }
        for time_ms in [i64::MIN, i64::MAX, 253_402_300_800_000] {
            assert!(unusable("a", &at(time_ms)).is_some_and(|why| why.contains("the years")), "{time_ms}");
        }
        for time_ms in [-62_135_596_800_000, 0, 253_000_000_000_000] {
            assert_eq!(unusable("a", &at(time_ms)), None);
        }
    }
}
