//! Where all checks stand, and all of the newest run of one, for the page.

use std::collections::BTreeSet;

use custos_query::{RunJson, Stand, check_names, own_check, verdict_text};
use custos_store::State;
use serde::Serialize;

use super::request::Request;
use crate::http::reply::{Failure, Reply};
use crate::notify::{Held, Quiet};

/// All checks.
#[derive(Serialize)]
struct Board<'a> {
    host: &'a str,
    now_ms: i64,
    checks: Vec<Square>,
}

/// Where a check stands.
#[derive(Serialize)]
struct Square {
    check: String,
    /// The name of the state; none while no result is known.
    state: Option<&'static str>,
    hard: bool,
    flapping: bool,
    attempt: u32,
    since_ms: Option<i64>,
    /// When it was run last, or should have been.
    time_ms: Option<i64>,
    said: String,
    /// What people did so that nobody is told of it.
    #[serde(flatten)]
    held: Held,
}

impl Square {
    fn of(check: String, stand: Stand, held: Held) -> Square {
        let time_ms = stand.last.as_ref().map(|run| run.time_ms);
        let judged = stand.judged.as_ref();
        Square {
            check,
            state: judged.map(|run| State::name(run.state)),
            hard: judged.is_some_and(|run| run.standing.hard),
            flapping: judged.is_some_and(|run| run.standing.flapping),
            attempt: judged.map_or(0, |run| run.standing.attempt),
            since_ms: judged.map(|run| run.standing.since_ms),
            time_ms,
            said: judged.map(|run| verdict_text(run.state, &run.judgement, &run.text)).unwrap_or_default(),
            held,
        }
    }
}

/// Where all checks stand, those that have not run yet among them, without the runs that were made because somebody watched.
pub(super) fn board(request: &Request<'_>) -> Result<Reply, Reply> {
    let ran = check_names(request.snapshot).into_iter().filter(|name| own_check(name).is_none());
    let rules = request.rules.iter().flat_map(|group| &group.rules).filter(|rule| rule.alerting.is_some());
    let defined = request.checks.iter().map(|check| &check.name).chain(rules.map(|rule| &rule.check));
    let names: BTreeSet<String> = ran.chain(defined.cloned()).collect();
    let quiet = Quiet::read(request.stores.dir());
    let names = names.into_iter();
    let checks = names.map(|name| {
        let stand = Stand::now(request.snapshot, &name).map_err(|error| unreadable(&error))?;
        let held = quiet.of(request.host, &name, || stand.judged.clone(), request.now_ms);
        Ok(Square::of(name, stand, held))
    });
    let checks = checks.collect::<Result<_, Reply>>()?;
    Reply::json(&Board { host: request.host, now_ms: request.now_ms, checks })
}

/// The newest run of a check, whole.
pub(super) fn newest_run(request: &Request<'_>) -> Result<Reply, Reply> {
    let check = request.params.get("check");
    let stand = Stand::now(request.snapshot, check).map_err(|error| unreadable(&error))?;
    match stand.judged.or(stand.last) {
        Some(run) => Reply::json(&RunJson::new(check, &run)),
        None => Err(Reply::invalid("check", "there is no run of such a check")),
    }
}

pub(super) fn unreadable(error: &custos_store::Error) -> Reply {
    Reply::failure(Failure::Internal, &format!("failed to {error}"))
}
