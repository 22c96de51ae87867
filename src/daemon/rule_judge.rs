//! The thread that judges rules, as long as there are rules.

use std::io;
use std::sync::Arc;

use custos_store::Run;
use tokio::sync::mpsc;

use crate::config::Config;
use crate::judge::{Judge, Settings};
use crate::limits::JUDGE_ANSWERS_MAX;
use crate::part::Part;
use crate::rules::{JudgeOrder, JudgedGroup};

/// The judging thread, and where its answers go.
pub(super) struct RuleJudge {
    judge: Option<Judge>,
    answers: mpsc::Sender<JudgedGroup>,
}

impl RuleJudge {
    /// Starts the thread if a configuration has rules. Returns where the answers come out.
    pub(super) fn start(config: &Config) -> io::Result<(RuleJudge, mpsc::Receiver<JudgedGroup>)> {
        let (answers, answered) = mpsc::channel(JUDGE_ANSWERS_MAX);
        let mut started = RuleJudge { judge: None, answers };
        started.define(config)?;
        Ok((started, answered))
    }

    /// Puts the rules of a configuration into force.
    ///
    /// # Errors
    /// The system has no thread for them.
    pub(super) fn define(&mut self, config: &Config) -> io::Result<()> {
        if self.judge.is_none() && !config.groups.is_empty() {
            self.judge = Some(Judge::start(Settings::at(config.store.clone()), self.answers.clone())?);
        }
        if let Some(judge) = &self.judge {
            judge.define(config.groups.clone(), config.external());
        }
        if config.groups.is_empty() {
            // What it still answers is of rules that are gone.
            self.judge = None;
        }
        Ok(())
    }

    /// Takes note of a run that is recorded.
    pub(super) fn record(&self, check: &Arc<str>, run: &Arc<Run>) {
        if let Some(judge) = &self.judge {
            judge.record(check, run);
        }
    }

    /// Has a group judged.
    pub(super) fn order(&self, order: JudgeOrder) {
        if let Some(judge) = &self.judge {
            judge.order(order);
        }
    }

    /// The health of the thread, if there is one.
    pub(super) fn part(&self) -> Option<Part> {
        self.judge.as_ref().map(Judge::part)
    }

    /// Ends the thread.
    pub(super) fn stop(&mut self, answers: &mut mpsc::Receiver<JudgedGroup>) {
        let answers = std::mem::replace(answers, mpsc::channel(1).1);
        if let Some(judge) = self.judge.take() {
            judge.finish(answers);
        }
    }
}
