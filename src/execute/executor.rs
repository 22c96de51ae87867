//! The executor: the shims that run plugins, and the poller that asks devices.
//!
//! Invariant: each job that was started ends as one observation, unless the agent stops first.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::commands::{CommandOrder, Commands};
use super::job::Job;
use super::native::{NativeEnd, Natives};
use super::plugin::{PluginJob, end_of, end_of_plugin};
use super::poll::PollJob;
use super::rows::TableRows;
use super::shim_settings::ShimSettings;
use super::shims::{Reports, Shims};
use super::warm::WarmRuns;
use crate::clock;
use crate::observe::{Observation, PluginEnd, Reading, observe_plugin};
use crate::part::Part;
use crate::snmp::{Asker, Outcomes};

/// Runs jobs side by side.
#[derive(Debug)]
pub struct Executor {
    shims: Shims,
    reports: Reports,
    asker: Asker,
    outcomes: Outcomes,
    natives: Natives,
    commands: Commands,
    orders: mpsc::Receiver<CommandOrder>,
    /// The ticket of the last command.
    last_command: u64,
    /// The jobs under way, by ticket.
    running: HashMap<u64, Running>,
    /// What is remembered of the rows of tables.
    rows: TableRows,
    warm_runs: WarmRuns,
}

/// Tickets from here on are those of commands; the agent's are counted from 1.
const COMMAND_TICKETS: u64 = 1 << 63;

/// What is kept of a job until it ends.
#[derive(Debug)]
enum Running {
    /// With whether a warm interpreter is wanted for it, and the directories that the plugin was not found in.
    Plugin(Reading, bool, Option<Arc<str>>),
    /// What is done in the place of a plugin.
    Native(Box<PluginJob>),
    /// What is no check, with who waits for it.
    Command(oneshot::Sender<PluginEnd>),
    /// With the monotonic time of its start, in microseconds.
    Poll(Box<PollJob>, u64),
}

impl Executor {
    /// Starts the first shim and opens the sockets of the poller. Needs a tokio runtime with I/O and time.
    ///
    /// # Errors
    /// One of these fails.
    pub fn start(shims: &ShimSettings, rows: TableRows) -> io::Result<Executor> {
        let (shims, reports) = Shims::start(shims).map_err(io::Error::other)?;
        let (asker, outcomes) = Asker::start()?;
        let (commands, orders) = Commands::new();
        let (last_command, running) = (COMMAND_TICKETS, HashMap::new());
        let natives = Natives::new();
        Ok(Executor {
            shims,
            reports,
            asker,
            outcomes,
            natives,
            commands,
            orders,
            last_command,
            running,
            rows,
            warm_runs: WarmRuns::default(),
        })
    }

    /// What runs programs that are no checks, while [`Executor::ended`] is waited for.
    pub fn commands(&self) -> Commands {
        self.commands.clone()
    }

    /// Starts a job. [`Executor::ended`] yields its observation with the ticket, also if it cannot be started: at once if
    /// it is awaited, else perhaps some milliseconds later, with others.
    ///
    /// The ticket must not be that of a job that is still under way.
    pub fn begin(&mut self, ticket: u64, job: Job, awaited: bool) {
        match job {
            Job::Plugin(mut job) => {
                let parent = || self.shims.shim_pids().first().and_then(|pid| i32::try_from(*pid).ok());
                let is_native = job
                    .take_native()
                    .is_some_and(|work| self.natives.begin(ticket, work, parent(), job.timeout()));
                match is_native {
                    true => drop(self.running.insert(ticket, Running::Native(Box::new(job)))),
                    false => self.run_plugin(ticket, &job, awaited),
                }
            }
            Job::Poll(job) => {
                self.asker.ask(ticket, job.poll(), job.timeout());
                self.running.insert(ticket, Running::Poll(Box::new(job), clock::now().mono_us));
            }
        }
    }

    /// The next job that ends, by its ticket. Nothing is lost when the future is dropped before it is done.
    pub async fn ended(&mut self) -> (u64, Observation) {
        loop {
            let ended = tokio::select! {
                Some((ticket, report)) = self.reports.recv() => self.plugin_ended(ticket, report),
                Some((ticket, outcome)) = self.outcomes.recv() => self.poll_ended(ticket, &outcome),
                Some((ticket, end)) = self.natives.next() => self.native_ended(ticket, end),
                Some(order) = self.orders.recv() => {
                    self.begin_command(order);
                    None
                }
                else => std::future::pending().await,
            };
            if let Some(ended) = ended {
                return ended;
            }
        }
    }

    /// The next plugin that has ended already, if there is one.
    pub fn try_ended(&mut self) -> Option<(u64, Observation)> {
        loop {
            let ended = match self.reports.try_recv() {
                Some((ticket, report)) => self.plugin_ended(ticket, report),
                None => {
                    let (ticket, end) = self.natives.try_next()?;
                    self.native_ended(ticket, end)
                }
            };
            if ended.is_some() {
                return ended;
            }
        }
    }

    fn run_plugin(&mut self, ticket: u64, job: &PluginJob, awaited: bool) {
        let running = Running::Plugin(*job.reading(), job.spec().warm.any(), job.searched());
        self.running.insert(ticket, running);
        self.shims.submit(ticket, job.spec(), awaited);
    }

    fn native_ended(&mut self, ticket: u64, end: NativeEnd) -> Option<(u64, Observation)> {
        let Running::Native(job) = self.running.remove(&ticket)? else { return None };
        match end {
            NativeEnd::Done(end) => Some((ticket, observe_plugin(end, job.reading()))),
            NativeEnd::RunPlugin => {
                self.run_plugin(ticket, &job, true);
                None
            }
        }
    }

    fn begin_command(&mut self, order: CommandOrder) {
        self.last_command += 1;
        self.running.insert(self.last_command, Running::Command(order.reply));
        self.shims.submit(self.last_command, &order.spec, false);
    }

    fn plugin_ended(&mut self, ticket: u64, report: custos_shim::Report) -> Option<(u64, Observation)> {
        match self.running.remove(&ticket)? {
            Running::Plugin(reading, wants_warm, searched) => {
                if wants_warm {
                    self.warm_runs.count(&report);
                }
                let end = end_of_plugin(report, searched.as_deref());
                Some((ticket, observe_plugin(end, &reading)))
            }
            Running::Command(reply) => {
                // Whoever has stopped waiting is not interested.
                let _ = reply.send(end_of(report));
                None
            }
            Running::Poll(..) | Running::Native(_) => None,
        }
    }

    fn poll_ended(&mut self, ticket: u64, outcome: &crate::snmp::Outcome) -> Option<(u64, Observation)> {
        let Running::Poll(job, started_us) = self.running.remove(&ticket)? else { return None };
        let took_us = clock::now().mono_us.saturating_sub(started_us);
        Some((ticket, job.observe(outcome, took_us, &mut self.rows)))
    }

    /// The health of the shims, of the poller, and of what is done in the place of plugins.
    pub fn parts(&self) -> [Part; 3] {
        [self.warm_runs.add_to(self.shims.part()), self.asker.part(), self.natives.part()]
    }

    /// What is remembered of the rows of tables.
    pub fn rows(&mut self) -> &mut TableRows {
        &mut self.rows
    }

    /// Ends every plugin that runs, then the shims, and waits a bounded time for that. What has ended meanwhile is lost.
    pub async fn stop(&self) {
        self.shims.stop().await;
    }
}
