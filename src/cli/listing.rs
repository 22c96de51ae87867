//! Lists of runs: from what time, and how many of the newest.
//!
//! Runs are read and shown one by one, so that a long list needs no more memory than a short one.

use std::ops::Range;

use custos_store::{Reader, Run};
use jiff::Zoned;

use super::read::{Damage, Failure, time};

/// The time that a list is of.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct SpanArgs {
    /// Only from this time on: -24h, '2h ago', 'yesterday 03:00', 2026-03-01, RFC 3339
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    since: Option<String>,
    /// Only before this time
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    until: Option<String>,
}

impl SpanArgs {
    /// The span in ms since the epoch; all of time if nothing is said.
    pub(super) fn range(&self, now: &Zoned) -> Result<Range<i64>, Failure> {
        let bound = |option, text: &Option<String>, default| match text {
            Some(text) => time(option, text, now),
            None => Ok(default),
        };
        let range = bound("--since", &self.since, i64::MIN)?..bound("--until", &self.until, i64::MAX)?;
        if range.is_empty() {
            return Err(Failure::usage("--since is not before --until"));
        }
        Ok(range)
    }
}

/// Shows the runs of a check in a span that are wanted, or the newest `limit` of them, the newest last, and tells how many
/// those are. What cannot be read is noted and passed over.
pub(super) fn show_runs(
    reader: &Reader,
    check: &str,
    span: Range<i64>,
    limit: Option<u64>,
    wanted: impl Fn(&Run) -> bool,
    damage: &mut Damage,
    mut show: impl FnMut(&Run) -> Result<(), Failure>,
) -> Result<u64, Failure> {
    let (span, mut skip) = newest(reader, check, span, limit, &wanted);
    let mut shown = 0;
    for run in reader.runs(check, span) {
        match run {
            Ok(run) if !wanted(&run) => {}
            Ok(_) if skip > 0 => skip -= 1,
            Ok(run) => {
                show(&run)?;
                shown += 1;
            }
            Err(error) => damage.note(&error),
        }
    }
    Ok(shown)
}

/// The span of the newest `limit` runs, and how many runs at its very start do not belong to them.
fn newest(
    reader: &Reader,
    check: &str,
    span: Range<i64>,
    limit: Option<u64>,
    wanted: impl Fn(&Run) -> bool,
) -> (Range<i64>, u64) {
    let Some(limit) = limit else { return (span, 0) };
    let (mut start_ms, mut found, mut skip) = (None, 0, 0);
    // What cannot be read is told when the runs are shown.
    for run in reader.runs_rev(check, span.clone()).flatten().filter(wanted) {
        if found < limit {
            (start_ms, found) = (Some(run.time_ms), found + 1);
        } else if start_ms == Some(run.time_ms) {
            skip += 1;
        } else {
            break;
        }
    }
    // Fewer than the limit: all, with what could not be read before them. A limit of 0 leaves nothing.
    let start_ms = if found < limit { span.start } else { start_ms.unwrap_or(span.end) };
    (start_ms..span.end, skip)
}
