//! What a check would have said over a time, as it is or with another threshold: what `custos backtest` says of it.

use std::time::Duration;

use custos_query::{ReadContext, check_names};
use custos_store::{Run, Snapshot, State};
use jiff::tz::TimeZone;

use super::envelope::{failed, span};
use super::request::Request;
use super::times::optional_duration;
use crate::backtest::{
    Changed, NormalPast, Span, Stood, backtest_check, json_of, json_of_span, totals, within_stored,
    written_range,
};
use crate::config::{JudgedCheck, UnitRange, implicit_check};
use crate::http::reply::{Failure, Reply};
use crate::limits::{HTTP_BACKTEST_INTERVALS_MAX, HTTP_BACKTEST_RUNS_PER_LOOK};

/// What `check` would have said between `start` and `end`, with `warning`, `critical` and `for` of its `metric` otherwise than in its
/// definition where these are given.
pub(super) fn backtest(request: &Request<'_>) -> Result<Reply, Reply> {
    let span = span(request)?;
    let name = request.params.get("check");
    let refused = |what: &str| Reply::invalid("check", what);
    if request.rules.iter().flat_map(|group| &group.rules).any(|rule| rule.check == name) {
        return Err(refused(
            "it is a rule, whose threshold is in its expression: custos backtest tries other ones",
        ));
    }
    let judged = request.checks.iter().find(|check| check.name == name);
    let check = match judged {
        Some(judged) => judged.check().map_err(|why| Reply::failure(Failure::Internal, &why))?,
        None if check_names(request.snapshot).iter().any(|known| known == name) => implicit_check(name),
        None => return Err(refused("there is no such check")),
    };
    let range = |parameter: &str| -> Result<Option<UnitRange>, Reply> {
        let text = Some(request.params.get(parameter)).filter(|text| !text.is_empty());
        let range = text.map(|text| written_range(text, check.byte_units)).transpose();
        range.map_err(|why| Reply::invalid(parameter, &why))
    };
    let metric = Some(request.params.get("metric")).filter(|metric| !metric.is_empty());
    let pending_ms = optional_duration(&request.params, "for")?;
    let pending_ms = pending_ms.map(u64::try_from).transpose();
    let changed = Changed {
        metric: metric.map(str::to_owned),
        pending_for: pending_ms
            .map_err(|_| Reply::invalid("for", "it is negative"))?
            .map(Duration::from_millis),
        warning: range("warning")?,
        critical: range("critical")?,
    };
    let check = changed.made(&check).map_err(|why| Reply::failure(Failure::BadData, &why))?;
    // Nothing was observed yet of what is still to come.
    let asked = within_stored(request.snapshot, Span { since_ms: span.start, until_ms: span.end });
    let interrupt = || (request.interrupt)(None).is_some();
    let mut ignored = |error: &custos_store::Error| tracing::debug!("a backtest passes over damage: {error}");
    let mut context = ReadContext::new(&mut ignored).cancellable(&interrupt);
    let normal = NormalPast::read(request.snapshot, &check, &mut context).map_err(|error| failed(&error))?;
    let mut runs = Runs::new(request, name, asked.since_ms..asked.until_ms);
    let mut found = backtest_check(&check, runs.by_ref(), Some(asked.until_ms), normal);
    if runs.given_up {
        return Err(Reply::failure(
            Failure::Timeout,
            "the backtest was given up: a shorter time has fewer runs",
        ));
    }
    let totals = totals(&found, &TimeZone::UTC);
    let more = found.intervals.len().saturating_sub(HTTP_BACKTEST_INTERVALS_MAX);
    found.intervals.drain(..more);
    let mut answer = json_of(&found, &totals);
    if let Some(fields) = answer.as_object_mut() {
        fields.insert("more".to_owned(), more.into());
        fields.insert("stood".to_owned(), found.stood.iter().map(json_of_stood).collect());
        let stood_ms = State::ALL
            .map(|state| (state.name().to_owned(), found.stood_ms[usize::from(state.code())].into()));
        fields.insert("stood_ms".to_owned(), serde_json::Map::from_iter(stood_ms).into());
        fields.extend(found.span.map(|span| ("span".to_owned(), json_of_span(span))));
        let thresholds = serde_json::to_value(JudgedCheck::of(&check).thresholds);
        fields.insert("thresholds".to_owned(), thresholds.unwrap_or_default());
    }
    Reply::json(&answer)
}

/// A time in one state.
fn json_of_stood(stood: &Stood) -> serde_json::Value {
    let Stood { span: Span { since_ms, until_ms }, state } = stood;
    serde_json::json!({ "since_ms": since_ms, "until_ms": until_ms, "state": state.name() })
}

/// The runs of a check, until whoever asked waits no longer.
struct Runs<'a> {
    runs: custos_store::Runs<'a>,
    request: &'a Request<'a>,
    read: u64,
    given_up: bool,
}

impl<'a> Runs<'a> {
    fn new(request: &'a Request<'a>, check: &str, span: std::ops::Range<i64>) -> Runs<'a> {
        let snapshot: &Snapshot = request.snapshot;
        Runs { runs: snapshot.runs(check, span), request, read: 0, given_up: false }
    }
}

impl Iterator for Runs<'_> {
    type Item = Run;

    fn next(&mut self) -> Option<Run> {
        self.read += 1;
        if self.read.is_multiple_of(HTTP_BACKTEST_RUNS_PER_LOOK) && (self.request.interrupt)(None).is_some() {
            self.given_up = true;
        }
        if self.given_up {
            return None;
        }
        loop {
            match self.runs.next()? {
                Ok(run) => return Some(run),
                Err(error) => tracing::debug!("a backtest passes over damage: {error}"),
            }
        }
    }
}
