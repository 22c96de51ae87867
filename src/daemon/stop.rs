//! The end of the agent: nothing more is started, what runs is given some time, and everything is stored.

use std::pin::pin;
use std::time::Duration;

use super::inputs::{Input, Outside};
use super::run::Daemon;
use crate::agent::Event;
use crate::clock::{self, micros};
use crate::exit_code::ExitCode;
use crate::limits::{DRAIN, NOTIFY_DRAIN};
use crate::nrpe::listener::Server;
use crate::text::human::counted;

/// How long connections may take to end after the plugins have.
const LEAVE_MAX: Duration = Duration::from_secs(1);

impl Daemon {
    /// Ends the agent.
    pub(super) async fn stop(mut self) -> ExitCode {
        tracing::info!("stopping");
        self.notify.stopping();
        if let Some(stopping) = self.stopping.take() {
            stopping();
        }
        let server = self.nrpe.take();
        // New connections are refused; requests that were accepted already are among those under way.
        server.iter().for_each(|server| server.leave("Caught SIGTERM"));
        while let Ok(request) = self.inputs.requests.try_recv() {
            self.asked(Outside::Request(Box::new(request)), clock::now());
        }
        let helpers = [self.http.stop(), self.sinks.stop()];
        self.notifier.stop();
        self.handle(Event::Stop, clock::now());
        let answered = self.drain(server.as_ref()).await;
        for results in self.trap_receiver.stop(&mut self.inputs.passive).await {
            self.handle(Event::Passive(results), clock::now());
        }
        let notes = self.inputs.executor.rows().take_notes();
        for (name, text) in notes.into_iter().chain(self.trap_receiver.last_note()) {
            self.recorder.note(name, text);
        }
        self.agent.abandon(clock::now(), &mut self.effects);
        self.perform();
        self.note_notify();
        self.judge.stop(&mut self.inputs.judged);
        self.inputs.executor.stop().await;
        if let Some(server) = server.filter(|_| !answered) {
            // Those whose plugins were ended just now are answered, too.
            let _ = tokio::time::timeout(LEAVE_MAX, server.left()).await;
        }
        for helper in helpers.into_iter().flatten() {
            let _ = tokio::time::timeout(LEAVE_MAX, helper).await;
        }
        match self.recorder.finish(clock::now()).waiting_runs {
            0 => {
                tracing::info!("stopped");
                ExitCode::Success
            }
            lost => {
                tracing::error!("{} could not be stored", counted(lost, "run"));
                // `custos nrpe` has done its work without a store as well.
                if self.source.nrpe.is_some() { ExitCode::Success } else { ExitCode::Failure }
            }
        }
    }

    /// Takes what still comes until all plugins have ended and all requests are answered, or until it takes too long.
    /// Returns whether all requests are answered.
    async fn drain(&mut self, server: Option<&Server>) -> bool {
        let mut answering = pin!(async {
            if let Some(server) = server {
                server.left().await;
            }
        });
        let mut answered = false;
        let deadline_us = clock::now().mono_us + micros(DRAIN);
        let told_us = clock::now().mono_us + micros(NOTIFY_DRAIN);
        let telling = |daemon: &Daemon| daemon.notifier.under_way() > 0 && clock::now().mono_us < told_us;
        while (self.agent.running() > 0 || !answered || telling(self)) && clock::now().mono_us < deadline_us {
            let until_us = if telling(self) { told_us } else { deadline_us };
            let left = Duration::from_micros(until_us.saturating_sub(clock::now().mono_us));
            let input = tokio::select! {
                () = &mut answering, if !answered => {
                    answered = true;
                    continue;
                }
                input = self.inputs.next(left) => input,
            };
            let now = clock::now();
            match input {
                Input::Ended(ticket, observation) => self.ended(ticket, observation, now),
                Input::Asked(asked) => self.asked(asked, now),
                Input::Delivered(delivered) => self.delivered(&delivered, now),
                Input::Judged(judged) => self.handle(Event::Judged(judged), now),
                Input::Terminate => break,
                Input::Look => self.notify.alive(),
                Input::Hangup | Input::Reloaded(_) | Input::Normal(_) | Input::Due => {}
            }
        }
        answered
    }
}
