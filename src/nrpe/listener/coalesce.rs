//! Several pollers that ask the same at once: one execution answers them all.
//!
//! A request joins one that is under way for the same command line. Each asker still gets its own answer, and the run
//! is recorded once, with the name of the one who asked first.

use std::collections::HashMap;
use std::ffi::OsString;
use std::sync::{Arc, Mutex};

use tokio::sync::watch;

use super::request::Answer;
use crate::lock::locked;

/// What is under way.
#[derive(Debug, Default)]
pub(super) struct Running {
    lines: Mutex<HashMap<Line, watch::Receiver<Option<Answer>>>>,
}

/// A command's name, and its line with the arguments put in.
pub(super) type Line = (String, OsString);

/// What a request is to do.
pub(super) enum Part {
    /// Run the command and tell the others.
    Lead(Lead),
    /// Wait for the one who runs it.
    Follow(watch::Receiver<Option<Answer>>),
}

/// The duty to tell the others. When it is dropped without an answer, they run the command themselves.
pub(super) struct Lead {
    running: Arc<Running>,
    line: Line,
    tell: watch::Sender<Option<Answer>>,
}

impl Running {
    /// Joins whoever runs this line, or becomes the one who does.
    pub(super) fn join(self: &Arc<Running>, line: Line) -> Part {
        let mut lines = locked(&self.lines);
        if let Some(answer) = lines.get(&line) {
            return Part::Follow(answer.clone());
        }
        let (tell, answer) = watch::channel(None);
        lines.insert(line.clone(), answer);
        Part::Lead(Lead { running: Arc::clone(self), line, tell })
    }
}

impl Lead {
    /// Tells everybody who has joined.
    pub(super) fn tell(self, answer: &Answer) {
        self.tell.send_replace(Some(answer.clone()));
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        locked(&self.running.lines).remove(&self.line);
    }
}

/// The answer of the one who runs the command; none if there will not be one.
pub(super) async fn follow(mut answer: watch::Receiver<Option<Answer>>) -> Option<Answer> {
    let told = answer.wait_for(Option::is_some).await.ok()?;
    told.clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Line {
        ("load".into(), text.into())
    }

    #[tokio::test]
    async fn one_runs_and_the_others_are_told() {
        let running = Arc::new(Running::default());
        let Part::Lead(lead) = running.join(line("x")) else { panic!("nobody runs it yet") };
        let Part::Follow(first) = running.join(line("x")) else { panic!("somebody runs it") };
        assert!(matches!(running.join(line("y")), Part::Lead(_)));
        let answer = Answer { code: 1, text: b"told".to_vec() };
        lead.tell(&answer);
        assert_eq!(follow(first).await, Some(answer));
        assert!(matches!(running.join(line("x")), Part::Lead(_)));
    }

    #[tokio::test]
    async fn a_lead_that_vanishes_leaves_nobody_waiting() {
        let running = Arc::new(Running::default());
        let Part::Lead(lead) = running.join(line("x")) else { panic!("nobody runs it yet") };
        let Part::Follow(first) = running.join(line("x")) else { panic!("somebody runs it") };
        drop(lead);
        assert_eq!(follow(first).await, None);
        assert!(locked(&running.lines).is_empty());
    }
}
