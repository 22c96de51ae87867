//! What people marked: incidents, notes, and alerts that they acknowledged.

use serde::Serialize;

use super::envelope::span;
use super::request::Request;
use crate::backtest::{Incident, Incidents};
use crate::http::reply::{Failure, Reply};
use crate::notify::{Ack, Noted};
use crate::timeline::{MarkError, Marks, TimelineNote};

#[derive(Serialize)]
struct Answer {
    incidents: Vec<Incident>,
    notes: Vec<TimelineNote>,
    acks: Vec<Ack>,
}

/// Incidents that lie within `start` and `end` at least in part and notes of then, about `check` or the machine, and acknowledgements that
/// hold, of alerts of that check; of all checks, if none is named.
pub(super) fn marks(request: &Request<'_>) -> Result<Reply, Reply> {
    let span = span(request)?;
    let check = Some(request.params.get("check")).filter(|check| !check.is_empty());
    let store = request.stores.dir();
    let unreadable = |error: MarkError| Reply::failure(Failure::Internal, &error.to_string());
    let read = Incidents::read(store).map_err(unreadable)?;
    let notes: Marks<TimelineNote> = Marks::read(store).map_err(unreadable)?;
    let concerns = |of: Option<&str>| of.is_none() || check.is_none() || of == check;
    let mut incidents = read.all;
    incidents
        .retain(|one| one.since_ms < span.end && one.until_ms > span.start && concerns(one.check.as_deref()));
    incidents.sort_by_key(|one| one.since_ms);
    let named: Vec<String> = check.map(str::to_owned).into_iter().collect();
    let notes = notes.within(&named, &span).into_iter().cloned().collect();
    let mut acks = Noted::read(store, []).acks();
    acks.retain(|ack| span.contains(&ack.at_ms) && concerns(Some(&ack.check)));
    Reply::json(&Answer { incidents, notes, acks })
}
