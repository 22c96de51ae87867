//! Which runs from elsewhere a store takes in.

use custos_store::Run;
use jiff::Timestamp;

use crate::config::CheckNameFault;

/// Why a run cannot be taken in, though it can be read: no command could name its check or show its time.
pub(super) fn unusable(check: &str, run: &Run) -> Option<String> {
    if let Some(fault) = CheckNameFault::of(check) {
        return Some(fault.to_string());
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
