//! What people marked: incidents, and alerts that they acknowledged.

use custos_store::Notes;
use serde::Serialize;

use super::envelope::span;
use super::request::Request;
use crate::backtest::{Incident, Incidents};
use crate::http::reply::{Failure, Reply};
use crate::notify::{Ack, Noted};

#[derive(Serialize)]
struct Answer {
    incidents: Vec<Incident>,
    acks: Vec<Ack>,
}

/// Incidents that lie within `start` and `end` at least in part and name `check` or none, and acknowledgements that hold, of alerts of
/// that check; of all checks, if none is named.
pub(super) fn marks(request: &Request<'_>) -> Result<Reply, Reply> {
    let span = span(request)?;
    let check = Some(request.params.get("check")).filter(|check| !check.is_empty());
    let store = request.stores.dir();
    let read = Incidents::read(&Notes::new(store)).map_err(|error| {
        Reply::failure(Failure::Internal, &format!("failed to read the incidents: {error}"))
    })?;
    let concerns = |of: Option<&str>| of.is_none() || check.is_none() || of == check;
    let mut incidents = read.all;
    incidents
        .retain(|one| one.since_ms < span.end && one.until_ms > span.start && concerns(one.check.as_deref()));
    incidents.sort_by_key(|one| one.since_ms);
    let mut acks = Noted::read(store, []).acks();
    acks.retain(|ack| span.contains(&ack.at_ms) && concerns(Some(&ack.check)));
    Reply::json(&Answer { incidents, acks })
}
