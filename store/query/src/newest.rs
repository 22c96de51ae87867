//! The newest runs of a check, one by one, so that a long list needs no more memory than a short one.

use std::ops::Range;

use custos_store::{Reader, Run, Runs};

/// The runs of a check in a span that are wanted, or the newest `limit` of them, the newest last.
pub fn newest_runs<'a, W: Fn(&Run) -> bool>(
    store: &'a Reader,
    check: &str,
    span: Range<i64>,
    limit: Option<u64>,
    wanted: W,
) -> Newest<'a, W> {
    let (span, skip) = newest_span(store, check, span, limit, &wanted);
    Newest { runs: store.runs(check, span), skip, wanted }
}

/// Iterates over runs; see [`newest_runs`]. What cannot be read is an error where it would have been.
pub struct Newest<'a, W> {
    runs: Runs<'a>,
    /// Wanted runs at the start that are not among the newest.
    skip: u64,
    wanted: W,
}

impl<W: Fn(&Run) -> bool> Iterator for Newest<'_, W> {
    type Item = custos_store::Result<Run>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.runs.next()? {
                Ok(run) if !(self.wanted)(&run) => {}
                Ok(_) if self.skip > 0 => self.skip -= 1,
                other => return Some(other),
            }
        }
    }
}

/// The span of the newest `limit` runs, and how many runs at its very start do not belong to them.
fn newest_span(
    store: &Reader,
    check: &str,
    span: Range<i64>,
    limit: Option<u64>,
    wanted: impl Fn(&Run) -> bool,
) -> (Range<i64>, u64) {
    let Some(limit) = limit else { return (span, 0) };
    let (mut start_ms, mut found, mut skip) = (None, 0, 0);
    // What cannot be read is reported when the runs are read forwards.
    for run in store.runs_rev(check, span.clone()).flatten().filter(wanted) {
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
