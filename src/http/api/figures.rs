//! The agent's own figures: what it says of itself, what its check of itself stored last, the store, and this server.

use std::collections::BTreeMap;

use custos_query::{COUNTER, latest_runs};
use custos_store::{Run, Snapshot, State};

use super::request::Request;
use crate::config::AGENT_CHECK;
use crate::control::{self, AgentStatus, Response};
use crate::http::counters::{Counts, DURATION_BOUNDS_S, Handler};
use crate::http::openmetrics::{Families, Family, Kind};
use crate::limits::HTTP_AGENT_PATIENCE;
use crate::part::Part;

/// Adds all figures.
pub(super) fn add(families: &mut Families, request: &Request<'_>) {
    server(families, &request.counters.now());
    let status = status(request);
    let is_up = f64::from(u8::from(status.is_some()));
    families.add("custos_up", gauge("Whether the agent of this store answers.").with(&[], is_up));
    let version = env!("CARGO_PKG_VERSION");
    families.add("custos_build", Family::new(Kind::Info, "This program.").with(&[("version", version)], 1.0));
    if let Some(status) = &status {
        let started_s = status.started_ms as f64 / 1e3;
        families.add("custos_start_time_seconds", gauge("When the agent was started.").with(&[], started_s));
        parts(families, &status.parts);
    }
    let own = request.snapshot.last(AGENT_CHECK).ok().flatten();
    if let Some(own) = &own {
        own_check(families, own);
    }
    checks(families, request.snapshot, status.as_ref());
    store(families, request.snapshot);
}

fn gauge(help: &str) -> Family {
    Family::new(Kind::Gauge, help)
}

/// The state of the agent, unless there is none or it does not tell this user.
fn status(request: &Request<'_>) -> Option<AgentStatus> {
    match control::ask(request.stores.dir(), &control::Request::Status, HTTP_AGENT_PATIENCE).ok()?.response {
        Response::Status(status) => Some(status),
        _ => None,
    }
}

/// What this server counted.
fn server(families: &mut Families, counts: &Counts) {
    let mut requests =
        Family::new(Kind::Counter, "Requests over HTTP by what they asked for and the code of the answer.");
    for ((handler, code), count) in &counts.requests {
        requests = requests.with(&[("handler", handler.name()), ("code", &code.to_string())], *count as f64);
    }
    families.add("custos_http_requests", requests);
    let mut durations = Family::new(Kind::Histogram, "How long requests over HTTP took.");
    for (handler, taken) in &counts.durations {
        histogram(&mut durations, *handler, &taken.within, taken.sum_s);
    }
    families.add("custos_http_request_duration_seconds", durations);
    for (name, help, count) in [
        ("custos_http_connections_accepted", "Connections over HTTP.", counts.connections),
        (
            "custos_http_connections_refused",
            "Connections over HTTP that were closed, as their address had too many.",
            counts.connections_refused,
        ),
        (
            "custos_http_handshakes_failed",
            "Handshakes of TLS over HTTP that failed.",
            counts.handshakes_failed,
        ),
        ("custos_http_queries_gave_way", "Queries that were given up as others waited.", counts.gave_way),
    ] {
        families.add(name, Family::new(Kind::Counter, help).with(&[], count as f64));
    }
}

fn histogram(family: &mut Family, handler: Handler, within: &[u64], sum_s: f64) {
    let mut count = 0;
    for (index, more) in within.iter().enumerate() {
        count += more;
        let bound = DURATION_BOUNDS_S.get(index).map_or("+Inf".to_owned(), |bound| format!("{bound:?}"));
        family.add("_bucket", &[("handler", handler.name()), ("le", &bound)], count as f64);
    }
    family.add("_count", &[("handler", handler.name())], count as f64);
    family.add("_sum", &[("handler", handler.name())], sum_s);
}

/// What the agent's parts count, and how they are.
fn parts(families: &mut Families, parts: &[Part]) {
    let mut states = gauge("State of a part of the agent: 0 is OK, 1 WARNING, 2 CRITICAL.");
    for part in parts {
        states = states.with(&[("part", &part.name)], f64::from(part.state().code()));
        for counter in &part.counters {
            let what = counter.metric.replace('_', " ");
            let (kind, help) = match counter.total {
                true => (Kind::Counter, format!("Total of {what} since the agent was started.")),
                false => (Kind::Gauge, format!("Number of {what} now.")),
            };
            let name = format!("custos_{}", counter.metric);
            families.add(&name, Family::new(kind, &help).with(&[], counter.value as f64));
        }
    }
    families.add("custos_part_state", states);
}

/// What the agent's check of itself stored last; of what its parts count, they have said more recently.
fn own_check(families: &mut Families, own: &Run) {
    let reported_s = own.time_ms as f64 / 1e3;
    families.add(
        "custos_reported_time_seconds",
        gauge("When the agent last reported on itself.").with(&[], reported_s),
    );
    for metric in &own.metrics {
        let Some(value) = metric.value.map(|value| value.to_f64()) else { continue };
        let what = metric.label.replace('_', " ");
        let unit = if metric.unit == "s" { "_seconds" } else { "" };
        let kind = if metric.unit == COUNTER { Kind::Counter } else { Kind::Gauge };
        let name = format!("custos_{}{unit}", metric.label);
        families
            .add(&name, Family::new(kind, &format!("{what}, as the check custos has it.")).with(&[], value));
    }
}

/// How many checks are in which state.
fn checks(families: &mut Families, snapshot: &Snapshot, status: Option<&AgentStatus>) {
    let names: Vec<String> = match status {
        Some(status) => status.rows.iter().map(|row| row.check.clone()).collect(),
        None => snapshot.checks().into_iter().map(|check| check.name).collect(),
    };
    let states =
        [State::Ok, State::Warning, State::Critical, State::Unknown].map(|state| state.name().to_lowercase());
    let mut counts: BTreeMap<&str, u64> = states.iter().map(|state| (state.as_str(), 0)).collect();
    counts.insert("pending", 0);
    for name in &names {
        let last = latest_runs(snapshot, name).find_map(Result::ok);
        let state = last.map(|run| run.state.name().to_lowercase());
        if let Some(count) = counts.get_mut(state.as_deref().unwrap_or("pending")) {
            *count += 1;
        }
    }
    let mut family = gauge("Checks by their state.");
    for (state, count) in counts {
        family = family.with(&[("state", state)], count as f64);
    }
    families.add("custos_checks", family);
}

fn store(families: &mut Families, snapshot: &Snapshot) {
    if let Ok(info) = snapshot.info() {
        families.add("custos_store_size_bytes", gauge("Size of the store.").with(&[], info.bytes as f64));
    }
    if let Some(free) = snapshot.free_bytes() {
        families.add(
            "custos_store_free_bytes",
            gauge("What is free on the disk of the store.").with(&[], free as f64),
        );
    }
    let damaged = snapshot.damages().len() as f64;
    families.add(
        "custos_store_damaged_files",
        gauge("Files of the store that cannot be read.").with(&[], damaged),
    );
}
