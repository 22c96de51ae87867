//! The notifier in the daemon: it hears of every run, its messages are sent, its notes kept, and commands reach it.

use std::sync::Arc;

use super::deliveries::Delivered;
use super::history::read_all;
use super::notified::{go_on, restore, sender};
use super::run::Daemon;
use crate::agent::History;
use crate::clock::Moment;
use crate::config::Matchers;
use crate::control::{Asked, NotifyRequest, Response};
use crate::notify::{Effect, Note, Remark, Telling};
use crate::record::{NoteKept, NoteText};

impl Daemon {
    /// Takes in what became of a message.
    pub(super) fn delivered(&mut self, delivered: &Delivered, now: Moment) {
        let mut effects = Vec::new();
        self.notifier.sent(delivered.ticket, &delivered.alerts, now, &mut effects);
        self.notifier.act(now, &mut effects);
        self.perform_notify(effects);
    }

    /// Does what the notifier wants done now.
    pub(super) fn act_notify(&mut self, now: Moment) {
        let mut effects = Vec::new();
        self.notifier.act(now, &mut effects);
        self.perform_notify(effects);
    }

    /// Has the notifier begin to tell, once the store is this agent's, and so what was told is known.
    pub(super) fn begin_to_notify(&mut self, now: Moment) {
        if !self.notifier.is_withheld() {
            return;
        }
        match self.recorder.is_ours() {
            Err(why) => self.notifier.withhold(&why),
            Ok(()) => {
                // Whoever had the store may have written to it since the start.
                let stored = read_all(&self.config);
                go_on(&mut self.notifier, &self.config, &stored.histories, now);
                tracing::info!("the store is this agent's now, so whoever is owed something is told");
                self.act_notify(now);
            }
        }
    }

    /// Keeps the notes that are not kept yet, before the agent ends.
    pub(super) fn note_notify(&mut self) {
        let mut effects = Vec::new();
        self.notifier.last_notes(&mut effects);
        self.perform_notify(effects);
    }

    /// Has the notifier take the configuration that is in force now.
    pub(super) fn reload_notify(&mut self, histories: &[History], now: Moment) {
        self.deliveries.replace(sender(&self.config, self.inputs.executor.commands()));
        let mut effects = Vec::new();
        self.notifier.reload(Arc::clone(&self.config), now, &mut effects);
        histories.iter().for_each(|history| restore(&mut self.notifier, history, now));
        self.notifier.act(now, &mut effects);
        self.perform_notify(effects);
    }

    fn perform_notify(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Send { ticket, target, notification, first } => {
                    let first = first.map(|note| self.note_awaited(note));
                    self.deliveries.begin(ticket, target, notification, first);
                }
                Effect::Note(Note { name, text }) => {
                    self.recorder.note(name, NoteText::later(|| text.encode()));
                }
                Effect::Keep(told) => {
                    let Telling { name, run } = *told;
                    self.recorder.record(name, Arc::new(run));
                }
                Effect::Tried { asker, result } => self.deliveries.answer(asker, result),
            }
        }
    }

    fn note_awaited(&self, Note { name, text }: Note) -> NoteKept {
        self.recorder.note_awaited(name, NoteText::later(|| text.encode()))
    }

    /// Answers a command that is about notifications.
    pub(super) fn asked_to_notify(&mut self, request: NotifyRequest, asked: Asked, now: Moment) {
        if let NotifyRequest::Try(target) = request {
            let asker = self.deliveries.wait(asked.answer);
            let mut effects = Vec::new();
            if let Err(why) = self.notifier.try_target(&target, asker, now, &mut effects) {
                let why = format!("the target was not told: {why}");
                effects.push(Effect::Tried { asker, result: Err(why) });
            }
            return self.perform_notify(effects);
        }
        let response = self.changed_by_command(request, now).unwrap_or_else(Response::Refused);
        if let Response::Done(done) = &response {
            tracing::info!("{}: {done}", asked.origin);
        }
        let notes = self.notifier.remark_notes().into_iter();
        let kept = notes.map(|note| self.note_awaited(note)).collect();
        self.act_notify(now);
        self.deliveries.answer_when_kept(asked.answer, response, kept);
    }

    fn changed_by_command(&mut self, request: NotifyRequest, now: Moment) -> Result<Response, String> {
        if let Some(why) = self.notifier.told_nobody().filter(|_| request != NotifyRequest::Report) {
            return Err(why);
        }
        let read = |written: &[String]| Matchers::parse(written.iter().map(String::as_str));
        let remark = |author: String, comment: String| Remark { author, comment };
        Ok(match request {
            NotifyRequest::Report => Response::Notify(Box::new(self.notifier.report(now))),
            NotifyRequest::Ack { matchers, author, comment } => {
                let acked = self.notifier.ack(&read(&matchers)?, &remark(author, comment), now)?;
                Response::Done(format!("acknowledged {}", acked.join(", ")))
            }
            NotifyRequest::Unack { matchers } => {
                let armed = self.notifier.unack(&read(&matchers)?, now)?;
                Response::Done(format!("no longer acknowledged {}", armed.join(", ")))
            }
            NotifyRequest::Silence { matchers, from_ms, until_ms, author, comment } => {
                let from_ms = from_ms.unwrap_or(now.wall_ms);
                if until_ms <= now.wall_ms {
                    return Err("the silence would be over already".to_owned());
                }
                let remark = remark(author, comment);
                let id = self.notifier.silence(read(&matchers)?, from_ms, until_ms, remark)?;
                Response::Done(format!("silence {id} holds"))
            }
            NotifyRequest::Expire(id) => {
                self.notifier.expire(id)?;
                Response::Done(format!("silence {id} is over"))
            }
            // It was answered by whoever called.
            NotifyRequest::Try(_) => Response::Refused("a trial has no answer yet".to_owned()),
        })
    }
}
