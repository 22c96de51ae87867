//! One execution for all requests of the same command line that come while it runs.
//!
//! Each request gets its answer. The run is recorded once, with the origin of the first request.

use std::collections::HashMap;
use std::ffi::OsString;
use std::sync::{Arc, Mutex};

use tokio::sync::watch;

use super::request::Answer;
use crate::lock::locked;

/// The lines that are being executed for a request.
#[derive(Debug, Default)]
pub(super) struct Running {
    lines: Mutex<HashMap<Line, watch::Receiver<Option<Answer>>>>,
}

/// A command's name, and its line with the arguments put in.
pub(super) type Line = (String, OsString);

/// What a request has to do.
pub(super) enum Role {
    /// Run the command and send the answer to the followers.
    Lead(Lead),
    /// Wait for the answer of the leading request.
    Follow(watch::Receiver<Option<Answer>>),
}

/// The request that runs the line. If it is dropped without an answer, the followers run the command themselves.
pub(super) struct Lead {
    running: Arc<Running>,
    line: Line,
    answer: watch::Sender<Option<Answer>>,
}

impl Running {
    /// Follows the request that runs this line, or leads if none does.
    pub(super) fn join(self: &Arc<Running>, line: Line) -> Role {
        let mut lines = locked(&self.lines);
        if let Some(answer) = lines.get(&line) {
            return Role::Follow(answer.clone());
        }
        let (answer, followers) = watch::channel(None);
        lines.insert(line.clone(), followers);
        Role::Lead(Lead { running: Arc::clone(self), line, answer })
    }
}

impl Lead {
    /// Sends the answer to the followers.
    pub(super) fn send(self, answer: &Answer) {
        self.answer.send_replace(Some(answer.clone()));
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        locked(&self.running.lines).remove(&self.line);
    }
}

/// Waits for the answer of the leading request; `None` if it will not have one.
pub(super) async fn follow(mut answer: watch::Receiver<Option<Answer>>) -> Option<Answer> {
    answer.wait_for(Option::is_some).await.ok()?.clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Line {
        ("load".into(), text.into())
    }

    #[tokio::test]
    async fn one_runs_and_the_others_get_its_answer() {
        let running = Arc::new(Running::default());
        let Role::Lead(lead) = running.join(line("x")) else { panic!("nobody runs it yet") };
        let Role::Follow(first) = running.join(line("x")) else { panic!("somebody runs it") };
        assert!(matches!(running.join(line("y")), Role::Lead(_)));
        let answer = Answer { code: 1, text: b"done".to_vec() };
        lead.send(&answer);
        assert_eq!(follow(first).await, Some(answer));
        assert!(matches!(running.join(line("x")), Role::Lead(_)));
    }

    #[tokio::test]
    async fn a_lead_without_an_answer_ends_the_waiting() {
        let running = Arc::new(Running::default());
        let Role::Lead(lead) = running.join(line("x")) else { panic!("nobody runs it yet") };
        let Role::Follow(first) = running.join(line("x")) else { panic!("somebody runs it") };
        drop(lead);
        assert_eq!(follow(first).await, None);
        assert!(locked(&running.lines).is_empty());
    }
}
