//! Who waits for an answer, and in which form each gets it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::graphs::{self, Graphs};
use crate::agent::{Answer, Ask, Submission, Wanted};
use crate::config::Config;
use crate::control::{Asked, Response, SubmittedResult};
use crate::execute::Line;
use crate::nrpe::listener;
use crate::observe::{Ending, PluginEnd};

/// Everybody who waits for the end of a run.
pub(super) struct Answers {
    graphs: Graphs,
    waiting: HashMap<u64, Asker>,
    next_id: u64,
}

#[derive(Debug)]
enum Asker {
    /// A command line of `nrpe.cfg`: its output as it is, by NRPE's rules.
    Line(oneshot::Sender<listener::Answer>, Duration),
    /// A check asked for over NRPE: its verdict, with its graph where that is wanted.
    Check(oneshot::Sender<listener::Answer>, graphs::Wanted),
    /// A command at a terminal.
    Command(oneshot::Sender<Response>),
}

impl Answers {
    /// Nobody waits. Graphs below answers are drawn by `graphs`.
    pub(super) fn new(graphs: Graphs) -> Answers {
        Answers { graphs, waiting: HashMap::new(), next_id: 0 }
    }

    /// Makes a request over NRPE one of the agent's.
    pub(super) fn asked_over_nrpe(&mut self, request: listener::Request) -> Ask {
        let origin = request.origin.to_string();
        let (wanted, asker) = match requested_line(request.task, request.timeout) {
            None => {
                let graph = graphs::Wanted {
                    check: request.command.clone(),
                    room_bytes: request.room_bytes,
                    run_ms: None,
                };
                (Wanted::Served(request.command), Asker::Check(request.answer, graph))
            }
            Some(line) => {
                let wanted = Wanted::Line { name: request.command, line: Box::new(line) };
                (wanted, Asker::Line(request.answer, request.timeout))
            }
        };
        Ask { id: self.wait(asker), wanted, origin }
    }

    /// Makes a command's wish for a run one of the agent's.
    pub(super) fn asked_by_command(&mut self, check: String, asked: Asked) -> Ask {
        let origin = asked.origin;
        Ask { id: self.wait(Asker::Command(asked.answer)), wanted: Wanted::Check(check), origin }
    }

    /// Makes a result that a command brings one of the agent's.
    pub(super) fn submitted_by_command(&mut self, result: SubmittedResult, asked: Asked) -> Ask {
        let SubmittedResult { check, state, output, duration_us } = result;
        let exit = Ending::Exited(state);
        let end = PluginEnd { wall_us: duration_us, ..PluginEnd::printed(exit, output.into_bytes()) };
        let wanted = Wanted::Submitted(Box::new(Submission { check, end }));
        Ask { id: self.wait(Asker::Command(asked.answer)), wanted, origin: asked.origin }
    }

    fn wait(&mut self, asker: Asker) -> u64 {
        self.next_id += 1;
        self.waiting.insert(self.next_id, asker);
        self.next_id
    }

    /// Sends an answer to whoever asked. That they have left meanwhile is no fault.
    pub(super) fn give(&mut self, id: u64, result: Result<Answer, String>, config: &Arc<Config>) {
        let Some(asker) = self.waiting.remove(&id) else { return };
        match asker {
            Asker::Line(send, timeout) => {
                let answer = match result {
                    Ok(Answer::Ran { run, printed }) => listener::Answer::of_line(&run, &printed, timeout),
                    Ok(known) => of_check(known),
                    Err(why) => listener::Answer::unknown(format!("NRPE: {why}")),
                };
                let _ = send.send(answer);
            }
            Asker::Check(send, mut wanted) => {
                if let Ok(Answer::Ran { run, .. }) = &result {
                    wanted.run_ms = Some(run.time_ms);
                }
                let answer = match result {
                    Ok(answer) => of_check(answer),
                    Err(why) => listener::Answer::unknown(format!("NRPE: {why}")),
                };
                self.graphs.send(answer, wanted, config, send);
            }
            Asker::Command(send) => {
                let response = match result {
                    Ok(answer) => Response::Ran { state: answer.state().code(), output: answer.output() },
                    Err(why) => Response::Refused(why),
                };
                let _ = send.send(response);
            }
        }
    }
}

/// The answer to a request for a check over NRPE, which ends without a newline.
fn of_check(answer: Answer) -> listener::Answer {
    let code = answer.state().code();
    let mut text = answer.output();
    text.pop();
    listener::Answer { code, text }
}

/// The command line that a request asks for; `None` if it asks for a check.
pub fn requested_line(task: listener::Task, timeout: Duration) -> Option<Line> {
    match task {
        listener::Task::Line { line, env, credentials } => Some(Line::new(line, env, credentials, timeout)),
        listener::Task::Check => None,
    }
}
