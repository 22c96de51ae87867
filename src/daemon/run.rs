//! The event loop: wait for the next thing that happens, give it to the agent, do what it says.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use custos_store::{Options, Reader, Writer};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

use super::answers::Answers;
use super::history::read_all;
use super::notify::Notify;
use super::settings::Setup;
use super::trap_station::TrapStation;
use crate::agent::{Agent, Effect, Event, Health};
use crate::clock::{self, Moment, micros};
use crate::config::Config;
use crate::control::{self, AgentStatus, Asked, Request, Response};
use crate::evaluate::{Change, ChangeKind};
use crate::execute::{Executor, Lanes, PluginEnvironment};
use crate::exit_code::ExitCode;
use crate::limits::{
    AGENT_CHECK_INTERVAL, CONTROL_QUEUE_MAX, DRAIN, HEALTH_LOOK, NRPE_REQUEST_QUEUE_MAX, RECORD_OPEN_MAX,
    REPORTS_PER_TURN_MAX,
};
use crate::nrpe::listener::{self, Server};
use crate::observe::{Observation, PassiveResult};
use crate::record::Recorder;

/// Threads of the NRPE listener.
const SERVING_THREADS: usize = 2;

/// Runs the daemon until SIGTERM or SIGINT.
pub fn run(setup: Setup) -> ExitCode {
    match runtimes() {
        Ok((own, serving)) => own.block_on(async {
            match Daemon::start(setup, serving.handle().clone()) {
                Ok(daemon) => daemon.serve().await,
                Err(error) => failed_to_start(&error),
            }
        }),
        Err(error) => failed_to_start(&error),
    }
}

/// The runtime of the event loop, which is one thread with all that talks to the shims, so that nothing on the way of
/// a check waits for another thread; and the one of the listener, whose handshakes must not delay that.
fn runtimes() -> Result<(Runtime, Runtime), io::Error> {
    spare_threads(SERVING_THREADS)?;
    let own = Builder::new_current_thread().enable_all().build()?;
    let serving = Builder::new_multi_thread()
        .worker_threads(SERVING_THREADS)
        .thread_name("custos-serve")
        .enable_all()
        .build()?;
    Ok((own, serving))
}

/// Whether the system has so many threads for this process: a runtime that gets none panics, and then waits for itself.
fn spare_threads(count: usize) -> Result<(), io::Error> {
    let mut held = Vec::new();
    for _ in 0..count {
        // Each waits until its sender is gone, so that all are there at once.
        let (hold, wait) = std::sync::mpsc::channel::<()>();
        let started = std::thread::Builder::new().spawn(move || wait.recv().is_ok());
        let failed =
            |error: io::Error| io::Error::new(error.kind(), format!("failed to start a thread: {error}"));
        held.push((hold, started.map_err(failed)?));
    }
    for (hold, thread) in held {
        drop(hold);
        // It cannot have panicked.
        let _ = thread.join();
    }
    Ok(())
}

fn failed_to_start(error: &io::Error) -> ExitCode {
    tracing::error!("failed to start: {error}");
    ExitCode::Failure
}

struct Daemon {
    setup: Setup,
    config: Arc<Config>,
    agent: Agent,
    recorder: Recorder,
    answers: Answers,
    server: Option<Server>,
    trap_station: TrapStation,
    /// Where the listener runs.
    serving: Handle,
    inputs: Inputs,
    request_sender: mpsc::Sender<listener::Request>,
    health: Health,
    health_told_us: u64,
    effects: Vec<Effect>,
    notify: Notify,
}

/// Everything that the loop waits for.
struct Inputs {
    executor: Executor,
    requests: mpsc::Receiver<listener::Request>,
    commands: mpsc::Receiver<Asked>,
    passive: mpsc::Receiver<Vec<PassiveResult>>,
    hangup: Signal,
    terminate: Signal,
    interrupt: Signal,
    look: tokio::time::Interval,
}

/// What the loop woke up for.
enum Input {
    Ended(u64, Box<Observation>),
    Request(listener::Request),
    Command(Asked),
    Passive(Vec<PassiveResult>),
    Hangup,
    Terminate,
    Look,
    Due,
}

impl Inputs {
    async fn next(&mut self, due_in: Duration) -> Input {
        tokio::select! {
            (ticket, observation) = self.executor.ended() => Input::Ended(ticket, Box::new(observation)),
            Some(request) = self.requests.recv() => Input::Request(request),
            Some(asked) = self.commands.recv() => Input::Command(asked),
            Some(results) = self.passive.recv() => Input::Passive(results),
            _ = self.hangup.recv() => Input::Hangup,
            _ = self.terminate.recv() => Input::Terminate,
            _ = self.interrupt.recv() => Input::Terminate,
            _ = self.look.tick() => Input::Look,
            () = tokio::time::sleep(due_in) => Input::Due,
        }
    }
}

impl Daemon {
    fn start(setup: Setup, serving: Handle) -> Result<Daemon, io::Error> {
        let config = Arc::new(setup.config.clone());
        let store = config.store.clone();
        let open = move || Writer::open(&store, Options::default());
        let recorder = Recorder::start(Box::new(open), config.sync)?;
        recorder.wait_until_opened(RECORD_OPEN_MAX);
        let histories = match Reader::open(&config.store) {
            Ok(reader) => read_all(&reader, &config),
            Err(error) => {
                tracing::error!("history cannot be read, so every check starts anew: {error}");
                Vec::new()
            }
        };
        let executor = Executor::start(&Lanes::default())?;
        let (request_sender, requests) = mpsc::channel(NRPE_REQUEST_QUEUE_MAX);
        let (command_sender, commands) = mpsc::channel(CONTROL_QUEUE_MAX);
        if let Err(error) = control::listen(&config.store, command_sender) {
            tracing::error!("commands cannot reach this agent: {error}");
        }
        let (trap_station, passive) = TrapStation::new();
        let now = clock::now();
        let mut daemon = Daemon {
            agent: Agent::new(Arc::clone(&config), PluginEnvironment::of_this_process(), now),
            recorder,
            answers: Answers::default(),
            server: None,
            trap_station,
            serving,
            inputs: Inputs {
                executor,
                requests,
                commands,
                passive,
                hangup: signal(SignalKind::hangup())?,
                terminate: signal(SignalKind::terminate())?,
                interrupt: signal(SignalKind::interrupt())?,
                look: tokio::time::interval(HEALTH_LOOK),
            },
            request_sender,
            health: Health { started_ms: now.wall_ms, ..Health::default() },
            health_told_us: 0,
            effects: Vec::new(),
            notify: Notify::from_environment(),
            config,
            setup,
        };
        daemon.agent.restore(histories, now, &mut daemon.effects);
        daemon.start_nrpe()?;
        daemon.trap_station.configure(&daemon.config, now)?;
        daemon.perform();
        Ok(daemon)
    }

    /// A listener that cannot be started is fatal at the start: better no agent than a host that answers nobody.
    fn start_nrpe(&mut self) -> Result<(), io::Error> {
        let settings = self.setup.nrpe_settings(&self.config).map_err(io::Error::other)?;
        if let Some(settings) = settings {
            let server = self.listen(settings).map_err(io::Error::other)?;
            for address in server.addresses() {
                tracing::info!("answering NRPE on {address}");
            }
            self.server = Some(server);
        }
        Ok(())
    }

    fn listen(&self, settings: listener::Settings) -> Result<Server, listener::Error> {
        let agent = Handle::current();
        let _within = self.serving.enter();
        Server::start(settings, self.request_sender.clone(), agent)
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
                Input::Command(asked) => self.command(asked, now),
                Input::Passive(results) => self.handle(Event::Passive(results), now),
                Input::Look => self.look(now),
                Input::Ended(ticket, observation) => self.ended(ticket, observation, now),
                Input::Request(request) => self.request(request, now),
                Input::Due => self.handle(Event::Wake, now),
            }
        }
        self.stop().await
    }

    fn due_in(&self, now: Moment) -> Duration {
        let due_us = self.agent.next_wake_us().unwrap_or(u64::MAX);
        Duration::from_micros(due_us.saturating_sub(now.mono_us)).min(Duration::from_secs(3600))
    }

    fn handle(&mut self, event: Event, now: Moment) {
        self.agent.handle(event, now, &mut self.effects);
        self.perform();
    }

    /// Handles the end of a job, and of those that ended with it.
    fn ended(&mut self, ticket: u64, observation: Box<Observation>, now: Moment) {
        self.agent.handle(Event::Ended { ticket, observation }, now, &mut self.effects);
        for _ in 0..REPORTS_PER_TURN_MAX {
            let Some((ticket, observation)) = self.inputs.executor.try_ended() else { break };
            let observation = Box::new(observation);
            self.agent.handle(Event::Ended { ticket, observation }, now, &mut self.effects);
        }
        self.perform();
    }

    fn perform(&mut self) {
        for effect in self.effects.drain(..) {
            match effect {
                Effect::Start { ticket, job, awaited } => self.inputs.executor.begin(ticket, job, awaited),
                Effect::Record { check, run } => self.recorder.record(check, run),
                Effect::Answer { id, result } => self.answers.give(id, result),
                Effect::Changed { check, change, text } => log_change(&check, change, &text),
            }
        }
    }

    fn request(&mut self, request: listener::Request, now: Moment) {
        let ask = self.answers.asked_over_nrpe(request);
        self.handle(Event::Asked(ask), now);
    }

    fn command(&mut self, asked: Asked, now: Moment) {
        match asked.request.clone() {
            Request::Run(check) => {
                let ask = self.answers.asked_by_command(check, asked);
                self.handle(Event::Asked(ask), now);
            }
            Request::Status => {
                let counters = self.server.as_ref().map(Server::counts);
                let nonzero = counters.into_iter().flatten().filter(|counter| counter.1 > 0);
                let polls = self.inputs.executor.poll_counters().into_iter().filter(|counter| counter.1 > 0);
                let addresses = self.server.as_ref().map(Server::addresses).unwrap_or_default();
                let status = AgentStatus {
                    pid: std::process::id(),
                    started_ms: self.health.started_ms,
                    rows: self.agent.rows(now),
                    nrpe: addresses.iter().map(ToString::to_string).collect(),
                    nrpe_counters: nonzero.map(|(name, count)| (name.to_owned(), count)).collect(),
                    snmp_counters: polls.map(|(name, count)| (name.to_owned(), count)).collect(),
                    traps: self.trap_station.addresses(),
                    trap_counters: self.trap_station.nonzero_counters(),
                };
                // The asker may have left meanwhile.
                let _ = asked.answer.send(Response::Status(status));
            }
        }
    }

    /// Looks how the parts are doing, and has it recorded at its interval or when it changed.
    fn look(&mut self, now: Moment) {
        self.notify.alive();
        let changed = self.examine(now);
        self.handle(Event::Look, now);
        if changed || now.mono_us >= self.health_told_us + micros(AGENT_CHECK_INTERVAL) {
            self.tell_health(now);
        }
    }

    /// Looks at how the agent's parts are. Returns whether one of them fails now that did not, or the other way round.
    fn examine(&mut self, now: Moment) -> bool {
        let store = self.recorder.health(now);
        let nrpe = self.server.as_ref().map(Server::counts).unwrap_or_default();
        let executor_error = self.inputs.executor.trouble();
        let (traps, traps_lost, traps_error) = self.trap_station.health();
        let changed = store.refusing.is_some() != self.health.store.refusing.is_some()
            || store.low_space.is_some() != self.health.store.low_space.is_some()
            || executor_error.is_some() != self.health.executor_error.is_some()
            || traps_error.is_some() != self.health.traps_error.is_some();
        let traps_lost = self.health.traps_lost + traps_lost;
        let polls = self.inputs.executor.poll_counters();
        self.health = Health {
            store,
            nrpe,
            executor_error,
            polls,
            traps,
            traps_lost,
            traps_error,
            ..self.health.clone()
        };
        changed
    }

    fn tell_health(&mut self, now: Moment) {
        self.health_told_us = now.mono_us;
        self.handle(Event::Health(Box::new(self.health.clone())), now);
        self.health.traps_lost = 0;
    }

    /// Reads the configuration again: all of it is taken, or nothing.
    fn reload(&mut self, now: Moment) {
        self.notify.reloading();
        let reloaded = self.setup.read_again().and_then(|(config, settings)| {
            self.reload_listeners(&config, settings, now).map_err(|why| {
                tracing::error!("the configuration is not reloaded: {why}");
                why
            })?;
            Ok(config)
        });
        match reloaded {
            Ok(config) => self.take(config, now),
            Err(why) => {
                tracing::error!("going on with the configuration as it was");
                self.health.reload_error = Some(why);
            }
        }
        // What is told of the listeners is how they are now.
        self.examine(now);
        self.tell_health(now);
        // Ready again, by the new configuration or the old.
        self.notify.ready(self.config.checks.len());
    }

    /// Both listen as the new configuration wants it, or as the old one does and the reason is returned.
    fn reload_listeners(
        &mut self,
        config: &Config,
        settings: Option<listener::Settings>,
        now: Moment,
    ) -> Result<(), String> {
        let traps = self.trap_station.configure(config, now).map_err(|error| error.to_string());
        let both = traps.and_then(|()| self.reload_nrpe(settings).map_err(|error| error.to_string()));
        if both.is_err()
            && let Err(error) = self.trap_station.configure(&self.config, now)
        {
            tracing::error!("{error}");
        }
        both
    }

    fn reload_nrpe(&mut self, settings: Option<listener::Settings>) -> Result<(), listener::Error> {
        match (settings, &self.server) {
            (Some(settings), Some(server)) => {
                let _within = self.serving.enter();
                server.reload(settings)?;
            }
            (Some(settings), None) => self.server = Some(self.listen(settings)?),
            (None, Some(_)) => {
                if let Some(server) = self.server.take() {
                    server.leave();
                    self.serving.spawn(async move { server.left().await });
                }
            }
            (None, None) => {}
        }
        Ok(())
    }

    fn take(&mut self, mut config: Config, now: Moment) {
        if config.store != self.config.store {
            let wanted = config.store.display();
            tracing::warn!("the store stays at {}; {wanted} takes a restart", self.config.store.display());
            config.store.clone_from(&self.config.store);
        }
        let histories = match Reader::open(&config.store) {
            Ok(reader) => read_all(&reader, &config)
                .into_iter()
                .filter(|history| {
                    config.checks.contains_key(&history.check)
                        && !self.config.checks.contains_key(&history.check)
                })
                .collect(),
            Err(_) => Vec::new(),
        };
        let config = Arc::new(config);
        self.config = Arc::clone(&config);
        self.health.reload_error = None;
        tracing::info!(checks = config.checks.len(), "the configuration is reloaded");
        self.handle(Event::Reload(config, histories), now);
    }

    /// Starts nothing more, gives what runs some time, and stores everything.
    async fn stop(mut self) -> ExitCode {
        tracing::info!("stopping");
        self.notify.stopping();
        if let Some(stopping) = self.setup.stopping.take() {
            stopping();
        }
        let server = self.server.take();
        // Nobody new is accepted, and whoever has asked already is one of those under way.
        server.iter().for_each(Server::leave);
        while let Ok(request) = self.inputs.requests.try_recv() {
            self.request(request, clock::now());
        }
        self.handle(Event::Stop, clock::now());
        let mut answering = std::pin::pin!(async {
            if let Some(server) = &server {
                server.left().await;
            }
        });
        let mut answered = false;
        let deadline_us = clock::now().mono_us + micros(DRAIN);
        while (self.agent.running() > 0 || !answered) && clock::now().mono_us < deadline_us {
            let left = Duration::from_micros(deadline_us.saturating_sub(clock::now().mono_us));
            let input = tokio::select! {
                () = &mut answering, if !answered => {
                    answered = true;
                    continue;
                }
                input = self.inputs.next(left) => input,
            };
            match input {
                Input::Ended(ticket, observation) => {
                    self.handle(Event::Ended { ticket, observation }, clock::now());
                }
                Input::Request(request) => self.request(request, clock::now()),
                Input::Command(asked) => self.command(asked, clock::now()),
                Input::Passive(results) => self.handle(Event::Passive(results), clock::now()),
                Input::Terminate => break,
                Input::Look => self.notify.alive(),
                Input::Hangup | Input::Due => {}
            }
        }
        for results in self.trap_station.stop(&mut self.inputs.passive).await {
            self.handle(Event::Passive(results), clock::now());
        }
        self.agent.abandon(clock::now(), &mut self.effects);
        self.perform();
        self.inputs.executor.stop().await;
        if !answered {
            let _ = tokio::time::timeout(Duration::from_secs(1), answering).await;
        }
        let stored = self.recorder.finish(clock::now());
        match stored.waiting_runs {
            0 => {
                tracing::info!("stopped");
                ExitCode::Success
            }
            lost => {
                tracing::error!("{lost} runs could not be stored");
                // Whoever stands in for nrpe has done its duty without a store as well.
                if self.setup.nrpe.is_some() { ExitCode::Success } else { ExitCode::Failure }
            }
        }
    }
}

fn log_change(check: &str, change: Change, text: &str) {
    let (from, to) = (change.from.name(), change.to.name());
    match change.kind {
        ChangeKind::Hard => tracing::warn!(check, "{from} to {to} HARD: {text}"),
        ChangeKind::Soft => tracing::info!(check, "{from} to {to} SOFT: {text}"),
        ChangeKind::HardRecovery => tracing::info!(check, "{from} to {to} HARD: {text}"),
        ChangeKind::SoftRecovery => tracing::info!(check, "{from} to {to} SOFT: {text}"),
    }
}
