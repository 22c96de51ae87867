//! What the event loop waits for.

use std::time::Duration;

use tokio::signal::unix::Signal;
use tokio::sync::mpsc;

use super::deliveries::Delivered;
use super::normal::{Normal, NormalReading};
use super::reading::{Reading, Reloaded};
use crate::control::Said;
use crate::execute::Executor;
use crate::nrpe::listener;
use crate::observe::{Observation, PassiveResult};
use crate::rules::JudgedGroup;

/// Everything that the loop waits for.
pub(super) struct Inputs {
    pub(super) executor: Executor,
    pub(super) requests: mpsc::Receiver<listener::Request>,
    pub(super) commands: mpsc::Receiver<Said>,
    pub(super) passive: mpsc::Receiver<Vec<PassiveResult>>,
    pub(super) delivered: mpsc::Receiver<Delivered>,
    pub(super) judged: mpsc::Receiver<JudgedGroup>,
    /// The reload under way.
    pub(super) reading: Option<Reading>,
    /// What is normal, which is read each day.
    pub(super) normal: NormalReading,
    pub(super) hangup: Signal,
    pub(super) terminate: Signal,
    pub(super) interrupt: Signal,
    pub(super) look: tokio::time::Interval,
}

/// What the loop woke up for.
pub(super) enum Input {
    /// A job ended, by its ticket.
    Ended(u64, Box<Observation>),
    /// A group of rules was judged.
    Judged(Box<JudgedGroup>),
    /// Something came from outside.
    Asked(Outside),
    /// A message was sent, or that failed.
    Delivered(Delivered),
    Hangup,
    /// The configuration was read again.
    Reloaded(Result<Box<Reloaded>, String>),
    Terminate,
    /// It was read what is normal.
    Normal(Normal),
    /// It is time to look how the parts are doing.
    Look,
    /// A check is due.
    Due,
}

/// What comes from outside, which is taken until the very end.
pub(super) enum Outside {
    /// A request over NRPE.
    Request(Box<listener::Request>),
    /// What a command says.
    Command(Said),
    /// Results of passive checks.
    Passive(Vec<PassiveResult>),
}

impl Inputs {
    /// Waits for the next input, at most so long.
    pub(super) async fn next(&mut self, due_in: Duration) -> Input {
        tokio::select! {
            (ticket, observation) = self.executor.ended() => Input::Ended(ticket, Box::new(observation)),
            Some(judged) = self.judged.recv() => Input::Judged(Box::new(judged)),
            Some(request) = self.requests.recv() => Input::Asked(Outside::Request(Box::new(request))),
            Some(said) = self.commands.recv() => Input::Asked(Outside::Command(said)),
            Some(results) = self.passive.recv() => Input::Asked(Outside::Passive(results)),
            Some(delivered) = self.delivered.recv() => Input::Delivered(delivered),
            read = read(&mut self.reading) => Input::Reloaded(read),
            normal = normal(&mut self.normal) => Input::Normal(normal),
            _ = self.hangup.recv() => Input::Hangup,
            _ = self.terminate.recv() => Input::Terminate,
            _ = self.interrupt.recv() => Input::Terminate,
            _ = self.look.tick() => Input::Look,
            () = tokio::time::sleep(due_in) => Input::Due,
        }
    }
}

/// The end of the reload under way, if there is one.
async fn read(reading: &mut Option<Reading>) -> Result<Box<Reloaded>, String> {
    let Some(under_way) = reading else { return std::future::pending().await };
    let read = under_way.await;
    *reading = None;
    read.unwrap_or_else(|_| Err("reading the configuration broke off; the log says why".to_owned()))
}

/// What is normal, once the reading under way has ended; nothing if it broke off.
async fn normal(reading: &mut NormalReading) -> Normal {
    loop {
        let Some(under_way) = &mut reading.under_way else { return std::future::pending().await };
        let read = under_way.await;
        reading.under_way = None;
        if let Ok(normal) = read {
            return normal;
        }
    }
}
