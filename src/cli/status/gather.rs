//! Where the rows of the status come from: the running agent, the store, and the definitions.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use custos_query::{Stand, check_names};
use custos_store::{CheckInfo, Reader};
use jiff::Zoned;

use super::args::StatusArgs;
use super::defined::Defined;
use super::row::StatusRow;
use crate::agent::Row;
use crate::cli::read::{Damage, Failure, store_error, time};
use crate::cli::unknown::{Among, all_known};
use crate::control::{self, AgentStatus, Answered, AskError, Request, Response, Stranger};
use crate::notify::Quiet;

/// How long the agent may take to say how it and its checks stand.
const PATIENCE: Duration = Duration::from_secs(3);
/// Without a run for so long before a time, a check that is not defined was gone by then, in ms.
const GONE_MS: i64 = 24 * 3600 * 1000;

/// How the agent and its checks stand.
pub(super) struct Status {
    /// The time that it is of.
    pub(super) now: Zoned,
    /// The agent, unless a time of the past is meant.
    pub(super) agent: Option<Result<AgentStatus, AskError>>,
    /// Why what answered may not be the agent that the store is written by.
    pub(super) doubt: Option<Stranger>,
    pub(super) store_error: Option<String>,
    /// Files of the store without which the rows may be wrong.
    pub(super) damage: Damage,
    /// The checks, worst first.
    pub(super) rows: Vec<StatusRow>,
}

impl Status {
    pub(super) fn read(args: &StatusArgs, now: &Zoned) -> Result<Status, Failure> {
        match &args.at {
            Some(at) => Status::read_at(args, time("--at", at, now)?, now),
            None => Status::read_now(args, now),
        }
    }

    fn read_now(args: &StatusArgs, now: &Zoned) -> Result<Status, Failure> {
        let (store, config) = args.read.locate()?;
        let (agent, doubt) = ask_agent(&store);
        let reader = Reader::open(&store).map_err(|error| store_error(&store, &error));
        if let (Err(error), Err(_)) = (&reader, &agent) {
            return Err(Failure::new(format!("failed to open the store {}: {error}", store.display())));
        }
        let mut damage = Damage::default();
        if let Ok(reader) = &reader {
            damage.note_files(reader);
        }
        if agent.is_ok() {
            // The agent knows how its checks stand without them.
            damage = Damage::default();
        }
        let live: BTreeMap<&str, &Row> = match &agent {
            Ok(agent) => agent.rows.iter().map(|row| (row.check.as_str(), row)).collect(),
            Err(_) => BTreeMap::new(),
        };
        let mut names: BTreeSet<String> =
            config.iter().flat_map(|config| config.checks.keys().cloned()).collect();
        names.extend(live.keys().map(|name| (*name).to_owned()));
        if let Ok(reader) = &reader {
            let is_wanted = |name: &str| args.all || args.names.iter().any(|wanted| wanted == name);
            names.extend(Defined::of(config.as_ref(), agent.is_ok()).stored_names(reader, is_wanted));
        }
        choose(&mut names, &args.names)?;
        let stored: BTreeMap<String, CheckInfo> = match &reader {
            Ok(reader) => reader.checks().into_iter().map(|check| (check.name.clone(), check)).collect(),
            Err(_) => BTreeMap::new(),
        };
        let now_ms = now.timestamp().as_millisecond();
        let quiet = Quiet::read(&store);
        let host = config.as_ref().map(|config| config.host.as_str()).unwrap_or_default();
        let mut rows = Vec::with_capacity(names.len());
        for name in names {
            let check = config.as_ref().and_then(|config| config.checks.get(&name));
            let mut row = match &reader {
                Ok(reader) => StatusRow::from_store(reader, &name, None),
                Err(_) => StatusRow::pending(&name),
            };
            row.max_check_attempts = check.map(|check| check.max_check_attempts);
            if let Some(live) = live.get(name.as_str()) {
                row.add_live(live, now_ms);
            }
            if let Some(check) = check {
                row.add_period(check, now_ms);
            }
            if let Some(info) = stored.get(&name) {
                row.add_ahead(info.last_ms, now_ms);
            }
            let judged = || reader.as_ref().ok().and_then(|reader| Stand::now(reader, &name).ok()?.judged);
            row.held = quiet.of(host, &name, judged, now_ms);
            rows.push(row);
        }
        rows.sort_by_key(StatusRow::rank);
        Ok(Status { now: now.clone(), agent: Some(agent), doubt, store_error: reader.err(), damage, rows })
    }

    /// As it stood at a time, by what is stored.
    fn read_at(args: &StatusArgs, at_ms: i64, now: &Zoned) -> Result<Status, Failure> {
        let opened = args.read.open()?;
        let (reader, config) = (&opened.reader, opened.config.as_ref());
        let mut names: BTreeSet<String> = check_names(reader).into_iter().collect();
        names.extend(config.iter().flat_map(|config| config.checks.keys().cloned()));
        choose(&mut names, &args.names)?;
        let mut rows = Vec::with_capacity(names.len());
        for name in names {
            let check = config.and_then(|config| config.checks.get(&name));
            let mut row = StatusRow::from_store(reader, &name, Some(at_ms));
            // It is not defined and had not run yet, or its runs cannot be read.
            if check.is_none() && row.last_run_ms.is_none() && row.severity.is_none() {
                continue;
            }
            let last_ms = row.last_run_ms.unwrap_or(at_ms);
            let gone = check.is_none() && at_ms.saturating_sub(last_ms) > GONE_MS;
            if gone && !args.all && args.names.is_empty() {
                continue;
            }
            row.max_check_attempts = check.map(|check| check.max_check_attempts);
            rows.push(row);
        }
        rows.sort_by_key(StatusRow::rank);
        let at = jiff::Timestamp::from_millisecond(at_ms).unwrap_or(now.timestamp());
        let now = at.to_zoned(now.time_zone().clone());
        Ok(Status { now, agent: None, doubt: None, store_error: None, damage: opened.damage, rows })
    }
}

/// Keeps the checks that were asked for, if any were.
fn choose(names: &mut BTreeSet<String>, wanted: &[String]) -> Result<(), Failure> {
    if wanted.is_empty() {
        return Ok(());
    }
    let known: Vec<String> = names.iter().cloned().collect();
    all_known(wanted, &known, Among::Stored)?;
    names.retain(|name| wanted.contains(name));
    Ok(())
}

fn ask_agent(store: &Path) -> (Result<AgentStatus, AskError>, Option<Stranger>) {
    let Answered { response, doubt } = match control::ask(store, &Request::Status, PATIENCE) {
        Ok(answered) => answered,
        Err(error) => return (Err(error), None),
    };
    let status = match response {
        Response::Status(status) => Ok(status),
        Response::Refused(why) => Err(AskError::Refused(why)),
        Response::Ran { .. } | Response::Notify(_) | Response::Done(_) => {
            Err(AskError::Unreadable("something else".to_owned()))
        }
    };
    (status, doubt)
}
