//! The time that rules are judged over again: the part of it that something is stored of, one stretch after the other.

use custos_promql::Options;
use custos_query::StoreSource;
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
    while let Some(stretch) = stretches.next(&source).map_err(|error| error.message)? {
        let end_ms = stretch.end_ms;
        each(&source, stretch)?;
        source.forget_until(end_ms);
    }
    Ok(dark(stretches.unobserved(), span))
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
    Options { threads: custos_query::query_threads(), ..Options::default() }
}
