//! The time that rules are judged over again: the part of it that something is stored of, one stretch after the other.

use std::panic::resume_unwind;
use std::sync::{Mutex, PoisonError};
use std::thread;

use custos_promql::Options;
use custos_query::{StoreSource, query_threads};
use custos_store::Snapshot;

use super::interval::Span;
use crate::rules::{JudgementStretch, JudgementStretches, Kept, Past, RuleGroup};

/// The part of a time that something is stored of; of all time, if none is asked for.
pub(super) fn span_of(snapshot: &Snapshot, asked: Option<Span>) -> Option<Span> {
    let stored = stored_span(snapshot)?;
    let asked = asked.unwrap_or(stored);
    let span =
        Span { since_ms: stored.since_ms.max(asked.since_ms), until_ms: stored.until_ms.min(asked.until_ms) };
    (span.since_ms < span.until_ms).then_some(span)
}

/// A time without what is after all that is stored. One without an end stays so.
pub fn within_stored(snapshot: &Snapshot, asked: Span) -> Span {
    if asked.until_ms == i64::MAX {
        return asked;
    }
    let last_ms = stored_span(snapshot).map_or(i64::MAX, |stored| stored.until_ms);
    Span { until_ms: asked.until_ms.min(last_ms.max(asked.since_ms)), ..asked }
}

/// The time of all that is stored.
fn stored_span(snapshot: &Snapshot) -> Option<Span> {
    let checks = snapshot.checks();
    let since_ms = checks.iter().map(|check| check.first_ms).min()?;
    let last_ms = checks.iter().map(|check| check.last_ms).max()?;
    Some(Span { since_ms, until_ms: last_ms.saturating_add(1) })
}

/// Calls something for each stretch of a span in which a group is to be judged, with what is stored: what was read of the stretch is
/// at hand only as long. Returns when nobody looked.
///
/// # Errors
/// The series cannot be read, there are too many times, or what is called failed.
pub(super) fn each_stretch(
    group: &RuleGroup,
    snapshot: &Snapshot,
    span: Span,
    mut each: impl FnMut(&Kept<'_>, JudgementStretch) -> Result<(), String>,
) -> Result<Vec<Span>, String> {
    let stored = StoreSource::for_rules(snapshot);
    let source = Kept::new(&stored, group);
    let past = Past { from_ms: span.since_ms, to_ms: span.until_ms.saturating_sub(1), judged_ms: None };
    let mut stretches = JudgementStretches::of(group, &source, past).map_err(|error| error.message)?;
    let mut next = stretches.next(&source);
    while let Some(stretch) = next.map_err(|error| error.message)? {
        let end_ms = stretch.end_ms;
        let done;
        (done, next) = beside(
            query_threads() > 1 && stretches.has_next(),
            || each(&source, stretch),
            || stretches.next(&source),
        );
        done?;
        source.forget_until(end_ms);
    }
    Ok(dark(stretches.unobserved(), span))
}

/// Does something, and something else after it, or beside it by another thread.
fn beside<A, B: Send>(at_once: bool, one: impl FnOnce() -> A, other: impl FnOnce() -> B + Send) -> (A, B) {
    let other = Mutex::new(Some(other));
    // Whoever comes first does it: the system may have no further thread.
    let do_other = || {
        let other = other.lock().unwrap_or_else(PoisonError::into_inner).take();
        other.map(|other| other())
    };
    thread::scope(|scope| {
        let thread = at_once.then(|| thread::Builder::new().spawn_scoped(scope, do_other).ok()).flatten();
        let one = one();
        let own = if thread.is_none() { do_other() } else { None };
        let done = thread.and_then(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)));
        (one, own.or(done).expect("the other one is done once"))
    })
}

/// Stretches in which nobody looked, up to the end of the time.
fn dark(unobserved: &[(i64, i64)], span: Span) -> Vec<Span> {
    let spans = unobserved.iter().map(|(since_ms, until_ms)| Span {
        since_ms: (*since_ms).max(span.since_ms),
        until_ms: (*until_ms).min(span.until_ms),
    });
    spans.filter(|dark| dark.length_ms() > 0).collect()
}

/// How queries are answered.
pub(super) fn options() -> Options<'static> {
    Options { threads: query_threads(), ..Options::default() }
}
