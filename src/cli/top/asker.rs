//! Asking the agent, on threads of their own, so that nothing on the page waits for it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crossbeam::channel::{Receiver, RecvTimeoutError, Sender, bounded};
use custos_store::State;
use jiff::Zoned;

use super::model::Answered;
use crate::agent::Row;
use crate::cli::style::Style;
use crate::cli::why;
use crate::control::{self, AgentStatus, AskError, NotifyRequest, Request, Response};
use crate::limits::{TOP_AGENT_EVERY, TOP_REQUESTS_MAX};
use crate::notify::NotifyReport;
use crate::terminal::Waker;

/// How long the agent may take to say how it stands.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long it may take for what somebody wants done; a run may be slow.
const PATIENCE_OF_DEEDS: Duration = Duration::from_secs(300);

/// What is heard of the agent.
pub(super) enum News {
    /// How it stands, and how notifications stand as far as it says.
    Agent(Box<AgentStatus>, Option<Box<NotifyReport>>),
    /// It does not answer, and why.
    Gone(String),
    /// What came of something that it was asked to do.
    Answered(Answered),
    /// What else was unlike its past when this check got its problem, or why that is not known.
    Why(String, Result<String, String>),
}

/// The agent of a store.
pub(super) struct Asker {
    store: PathBuf,
    waker: Waker,
    sender: Sender<News>,
    pub(super) news: Receiver<News>,
    hurry: Sender<()>,
    /// Has what is looked for given up, if something is.
    searching: Option<Arc<AtomicBool>>,
}

impl Drop for Asker {
    fn drop(&mut self) {
        self.give_up();
    }
}

impl Asker {
    /// Asks the agent again and again how it stands.
    pub(super) fn start(store: &Path, waker: Waker) -> Asker {
        let (sender, news) = bounded(TOP_REQUESTS_MAX + 2);
        let (hurry, hurried) = bounded::<()>(1);
        let asker = Asker { store: store.to_owned(), waker, sender, news, hurry, searching: None };
        let (store, waker, sender) = (asker.store.clone(), asker.waker.clone(), asker.sender.clone());
        thread::spawn(move || {
            loop {
                if sender.send(standing(&store)).is_err() {
                    return;
                }
                waker.wake();
                if let Err(RecvTimeoutError::Disconnected) = hurried.recv_timeout(TOP_AGENT_EVERY) {
                    return;
                }
            }
        });
        asker
    }

    /// Asks for something to be done. What came of it is news; how the agent stands then is, too.
    pub(super) fn ask(&self, what: String, request: Request) {
        let (store, waker, sender) = (self.store.clone(), self.waker.clone(), self.sender.clone());
        let hurry = self.hurry.clone();
        thread::spawn(move || {
            let answer = control::ask(&store, &request, PATIENCE_OF_DEEDS).map(|answered| answered.response);
            let done = matches!(answer, Ok(Response::Ran { .. } | Response::Done(_)));
            let _ = sender.send(News::Answered(Answered { what, said: said(answer), done }));
            let _ = hurry.try_send(());
            waker.wake();
        });
    }

    /// Has the agent asked at once how it stands.
    pub(super) fn hurry(&self) {
        let _ = self.hurry.try_send(());
    }

    /// Looks for what else was unlike its past when a check got its problem, instead of what was looked for before.
    pub(super) fn search(&mut self, search: Search) {
        self.give_up();
        let given_up = Arc::new(AtomicBool::new(false));
        self.searching = Some(Arc::clone(&given_up));
        let (store, waker, sender) = (self.store.clone(), self.waker.clone(), self.sender.clone());
        thread::spawn(move || {
            let Search { check, now, style } = search;
            let is_given_up = || given_up.load(Ordering::Relaxed);
            let told = why::told(&store, &check, &now, style, &is_given_up);
            // Nobody waits for what was given up.
            if !is_given_up()
                && sender.send(News::Why(check, told.map_err(|failure| failure.message))).is_ok()
            {
                waker.wake();
            }
        });
    }

    /// Gives up what is looked for, if something is.
    pub(super) fn give_up(&mut self) {
        if let Some(searching) = self.searching.take() {
            searching.store(true, Ordering::Relaxed);
        }
    }
}

/// What is looked for in the store.
pub(super) struct Search {
    pub(super) check: String,
    pub(super) now: Zoned,
    /// How the text is to be.
    pub(super) style: Style,
}

fn standing(store: &Path) -> News {
    let status = match control::ask(store, &Request::Status, PATIENCE).map(|answered| answered.response) {
        Ok(Response::Status(status)) => status,
        Ok(other) => return News::Gone(said(Ok(other))),
        Err(error) => return News::Gone(error.to_string()),
    };
    let report = control::ask(store, &Request::Notify(NotifyRequest::Report), PATIENCE);
    let report = match report.map(|answered| answered.response) {
        Ok(Response::Notify(report)) => Some(report),
        _ => None,
    };
    News::Agent(Box::new(status), report)
}

/// What came of a request, in a line.
fn said(answer: Result<Response, AskError>) -> String {
    match answer {
        Ok(Response::Ran { output, state }) => {
            let state = State::from_code(state).unwrap_or(State::Unknown);
            format!(
                "{}: {}",
                state.name(),
                String::from_utf8_lossy(&output).lines().next().unwrap_or_default()
            )
        }
        Ok(Response::Done(said) | Response::Refused(said)) => said,
        Ok(Response::Status(_) | Response::Notify(_)) => "the agent answered another question".to_owned(),
        Err(error) => error.to_string(),
    }
}

/// The names of the checks that the agent has.
pub(super) fn names(status: &AgentStatus) -> impl Iterator<Item = &str> {
    status.rows.iter().map(|Row { check, .. }| check.as_str())
}
