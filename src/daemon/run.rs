//! The event loop: waits for the next event, hands it to the agent, performs the effects.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use custos_store::{Options, Writer};
use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use super::answers::Answers;
use super::deliveries::Deliveries;
use super::feed_server::Sinks;
use super::graphs::Graphs;
use super::history::read_all;
use super::http_server::HttpServer;
use super::inputs::{Input, Inputs, Outside};
use super::normal::{self, NormalReading};
use super::notified::{go_on, notifier, sender};
use super::notify::Notify;
use super::nrpe_listener::NrpeListener;
use super::reading::Reload;
use super::reported::Reported;
use super::rule_judge::RuleJudge;
use super::runtimes::runtimes;
use super::settings::{Setup, Source};
use super::trap_receiver::{TrapReceiver, noted_engines, reception};
use super::watchers::Watchers;
use crate::agent::{Agent, Effect, Event};
use crate::clock::{self, Moment};
use crate::config::Config;
use crate::control::{self, Request, Response, Said};
use crate::evaluate::{Change, ChangeKind, PENDING};
use crate::execute::{Executor, PluginEnvironment, ShimSettings, TableRows};
use crate::exit_code::ExitCode;
use crate::feed::sink;
use crate::http;
use crate::limits::{
    CONTROL_QUEUE_MAX, HEALTH_LOOK, NRPE_REQUEST_QUEUE_MAX, RECORD_OPEN_MAX, REPORTS_PER_TURN_MAX,
};
use crate::notify::Notifier;
use crate::observe::Observation;
use crate::record::Recorder;
use crate::snmp::traps::Engines;

/// Runs the agent until SIGTERM or SIGINT.
pub fn run(setup: Setup) -> ExitCode {
    match runtimes() {
        Ok((own, serving)) => {
            let ended = own.block_on(async {
                match Daemon::start(setup, serving.handle().clone()) {
                    Ok(daemon) => daemon.serve().await,
                    Err(error) => failed_to_start(&error),
                }
            });
            // A thread may be reading the store for a message or a graph that nobody waits for any more.
            serving.shutdown_background();
            ended
        }
        Err(error) => failed_to_start(&error),
    }
}

fn failed_to_start(error: &io::Error) -> ExitCode {
    tracing::error!("failed to start: {error}");
    ExitCode::Failure
}

/// The agent with all of its parts.
pub(super) struct Daemon {
    pub(super) config: Arc<Config>,
    pub(super) source: Source,
    /// Called first when the agent ends.
    pub(super) stopping: Option<Box<dyn FnOnce() + Send>>,
    pub(super) agent: Agent,
    pub(super) recorder: Recorder,
    pub(super) judge: RuleJudge,
    answers: Answers,
    pub(super) watchers: Watchers,
    pub(super) nrpe: NrpeListener,
    pub(super) http: HttpServer,
    pub(super) sinks: Sinks,
    pub(super) control: control::Listener,
    pub(super) trap_receiver: TrapReceiver,
    pub(super) reload: Reload,
    pub(super) inputs: Inputs,
    pub(super) started_ms: i64,
    pub(super) reported: Reported,
    pub(super) effects: Vec<Effect>,
    pub(super) notify: Notify,
    pub(super) notifier: Notifier,
    pub(super) deliveries: Deliveries,
}

impl Daemon {
    fn start(setup: Setup, serving: Handle) -> Result<Daemon, io::Error> {
        let Setup { config, source, stopping } = setup;
        let config = Arc::new(config);
        let store = config.store.clone();
        let open = move || Writer::open(&store, Options::default());
        let recorder = Recorder::start(Box::new(open), config.sync)?;
        recorder.wait_until_opened(RECORD_OPEN_MAX);
        let stored = read_all(&config);
        recorder.note_latest(stored.latest_ms);
        let rows = TableRows::read(&config.store, config.checks.values().map(|check| &**check));
        let executor = Executor::start(&ShimSettings::default(), rows)?;
        let (request_sender, requests) = mpsc::channel(NRPE_REQUEST_QUEUE_MAX);
        let (command_sender, commands) = mpsc::channel(CONTROL_QUEUE_MAX);
        let control = control::Listener::start(&config.store, command_sender);
        let now = clock::now();
        let is_ours = recorder.health(now).refusing.is_none();
        let engines = match &config.snmp.traps {
            Some(_) => noted_engines(&config.store, is_ours, now),
            None => Engines::default(),
        };
        let (trap_receiver, passive) = TrapReceiver::new(engines);
        let mut notifier = notifier(&config, &stored.histories, now);
        match recorder.is_ours() {
            Ok(()) => go_on(&mut notifier, &config, &stored.histories, now),
            Err(why) => {
                notifier.withhold(&why);
                notifier.told_nobody().iter().for_each(|why| tracing::error!("{why}"));
            }
        }
        let (deliveries, delivered) = Deliveries::new(sender(&config, executor.commands()), serving.clone());
        let (judge, judged) = RuleJudge::start(&config)?;
        let mut daemon = Daemon {
            agent: Agent::new(Arc::clone(&config), PluginEnvironment::of_this_process(), now),
            recorder,
            judge,
            answers: Answers::new(Graphs::new(serving.clone(), config.store.clone())),
            watchers: Watchers::default(),
            nrpe: NrpeListener::new(request_sender, serving.clone()),
            http: HttpServer::default(),
            sinks: Sinks::default(),
            control,
            trap_receiver,
            reload: Reload::default(),
            inputs: Inputs {
                executor,
                requests,
                commands,
                passive,
                delivered,
                judged,
                reading: None,
                normal: NormalReading::default(),
                hangup: signal(SignalKind::hangup())?,
                terminate: signal(SignalKind::terminate())?,
                interrupt: signal(SignalKind::interrupt())?,
                look: tokio::time::interval(HEALTH_LOOK),
            },
            started_ms: now.wall_ms,
            reported: Reported::default(),
            effects: Vec::new(),
            notify: Notify::from_environment(),
            notifier,
            deliveries,
            config,
            source,
            stopping,
        };
        let normal = normal::read_all(&daemon.config, now.wall_ms);
        daemon.inputs.normal.read_at(now.wall_ms);
        daemon.agent.set_normal(normal);
        daemon.agent.restore(stored.histories, now, &mut daemon.effects);
        daemon.start_nrpe(now)?;
        daemon.http.start_sometime(http::Settings::of(&daemon.config), now);
        daemon.sinks.take(sink::Settings::of(&daemon.config));
        daemon.trap_receiver.start_sometime(reception(&daemon.config, now), now);
        daemon.perform();
        Ok(daemon)
    }

    /// Without a listener the checks are run all the same. `custos nrpe` has nothing else to do, and ends as nrpe does.
    fn start_nrpe(&mut self, now: Moment) -> Result<(), io::Error> {
        let settings = self.source.nrpe_settings(&self.config).map_err(io::Error::other)?;
        match settings {
            Some(settings) if self.source.nrpe.is_some() => {
                self.nrpe.start(settings).map_err(io::Error::other)?
            }
            Some(settings) => self.nrpe.start_sometime(settings, now),
            None => {}
        }
        Ok(())
    }

    async fn serve(mut self) -> ExitCode {
        let checks = self.config.checks.len();
        tracing::info!(checks, store = %self.config.store.display(), "running");
        self.notify.ready(checks);
        loop {
            let due_in = self.due_in(clock::now());
            let input = self.inputs.next(due_in).await;
            let now = clock::now();
            match input {
                Input::Terminate => break,
                Input::Hangup => self.reload(now),
                Input::Reloaded(read) => self.reloaded(read, now),
                Input::Look => self.look(now),
                Input::Normal(normal) => self.handle(Event::Normal(normal), now),
                Input::Due => self.handle(Event::Wake, now),
                Input::Asked(asked) => self.asked(asked, now),
                Input::Ended(ticket, observation) => self.ended(ticket, observation, now),
                Input::Delivered(delivered) => self.delivered(&delivered, now),
                Input::Judged(judged) => self.handle(Event::Judged(judged), now),
            }
        }
        self.stop().await
    }

    /// Takes what came from outside: a request, a command, results of passive checks.
    pub(super) fn asked(&mut self, asked: Outside, now: Moment) {
        match asked {
            Outside::Request(request) => {
                let ask = self.answers.asked_over_nrpe(*request);
                self.handle(Event::Asked(ask), now);
            }
            Outside::Command(Said::Watches(wishes, shown)) => self.watches(wishes, &shown, now),
            Outside::Command(Said::Left(shown)) => self.left(&shown, now),
            Outside::Command(Said::Asked(asked)) => match asked.request.clone() {
                Request::Run(check) => {
                    let ask = self.answers.asked_by_command(check, asked);
                    self.handle(Event::Asked(ask), now);
                }
                Request::Submit(result) => {
                    let ask = self.answers.submitted_by_command(result, asked);
                    self.handle(Event::Asked(ask), now);
                }
                Request::Notify(request) => self.asked_to_notify(request, asked, now),
                Request::RetrySink(name) => {
                    let _ = asked.answer.send(self.retry_sink(&name, now));
                }
                // It has no answer, and becomes `Said::Watches`.
                Request::Watch(_) => {}
                Request::Status => {
                    // The asker may have left meanwhile.
                    let _ = asked.answer.send(Response::Status(self.status(now)));
                }
            },
            Outside::Passive(results) => self.handle(Event::Passive(results), now),
        }
    }

    fn due_in(&self, now: Moment) -> Duration {
        let both = [self.agent.next_wake_us(), self.notifier.next_wake_us()];
        let due_us = both.into_iter().flatten().min().unwrap_or(u64::MAX);
        Duration::from_micros(due_us.saturating_sub(now.mono_us)).min(Duration::from_secs(3600))
    }

    pub(super) fn handle(&mut self, event: Event, now: Moment) {
        self.agent.handle(event, now, &mut self.effects);
        self.perform();
    }

    /// Handles the end of a job, and of those that ended with it.
    pub(super) fn ended(&mut self, ticket: u64, observation: Box<Observation>, now: Moment) {
        self.agent.handle(Event::Ended { ticket, observation }, now, &mut self.effects);
        for _ in 0..REPORTS_PER_TURN_MAX {
            let Some((ticket, observation)) = self.inputs.executor.try_ended() else { break };
            let observation = Box::new(observation);
            self.agent.handle(Event::Ended { ticket, observation }, now, &mut self.effects);
        }
        self.perform();
    }

    pub(super) fn perform(&mut self) {
        let now = clock::now();
        for effect in self.effects.drain(..) {
            match effect {
                Effect::Start { ticket, job, awaited } => self.inputs.executor.begin(ticket, job, awaited),
                Effect::Record { check, run } => {
                    self.notifier.ran(&check, &run, None, now);
                    self.judge.record(&check, &run);
                    self.recorder.record(check, run);
                }
                Effect::Keep { check, run } => self.recorder.record(check, run),
                Effect::Watching { id, result } => self.watchers.answer(id, result),
                Effect::Show { watchers, check, run } => self.watchers.show(&watchers, &check, &run),
                Effect::WatchEnded { id, why } => self.watchers.end(id, &why),
                Effect::Judge(order) => self.judge.order(order),
                Effect::Alerts { check, run, alerts } => self.notifier.ran(&check, &run, Some(&alerts), now),
                Effect::Answer { id, result } => self.answers.give(id, result, &self.config),
                Effect::Changed { check, change, first, text } => log_change(&check, change, first, &text),
            }
        }
        self.act_notify(now);
    }
}

/// The name is in the text too: `journalctl` shows no fields. `first` says that the check had no state before.
fn log_change(check: &str, change: Change, first: bool, text: &str) {
    let from = if first { PENDING } else { change.from.name() };
    let to = change.to.name();
    match change.kind {
        ChangeKind::Hard if from == to => tracing::warn!(check, "{check}: {to} SOFT to HARD: {text}"),
        ChangeKind::Hard => tracing::warn!(check, "{check}: {from} to {to} HARD: {text}"),
        ChangeKind::Soft => tracing::info!(check, "{check}: {from} to {to} SOFT: {text}"),
        ChangeKind::HardRecovery => tracing::info!(check, "{check}: {from} to {to} HARD: {text}"),
        ChangeKind::SoftRecovery => tracing::info!(check, "{check}: {from} to {to} SOFT: {text}"),
    }
}
