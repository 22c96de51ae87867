//! Who waits for an answer, and what each is told.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use custos_shim::{Report, Spec};
use custos_store::Run;
use tokio::sync::oneshot;

use crate::agent::{Ask, Wanted, plugin_output};
use crate::control::{Asked, Response};
use crate::execute::ShellLine;
use crate::limits::{NRPE_GRACE, STDERR_MAX_BYTES, STDOUT_MAX_BYTES};
use crate::nrpe::listener;

/// Everybody who waits for the end of a run.
#[derive(Debug, Default)]
pub(super) struct Answers {
    waiting: HashMap<u64, Asker>,
    next_id: u64,
}

#[derive(Debug)]
enum Asker {
    /// A command line of `nrpe.cfg`: its output as it is, by NRPE's rules.
    Line(oneshot::Sender<listener::Answer>, Duration),
    /// A check asked for over NRPE: its verdict.
    Check(oneshot::Sender<listener::Answer>),
    /// A command at a terminal.
    Command(oneshot::Sender<Response>),
}

impl Answers {
    /// Makes a request over NRPE one of the agent's.
    pub(super) fn asked_over_nrpe(&mut self, request: listener::Request) -> Ask {
        let origin = request.origin.to_string();
        let (wanted, asker) = match request.task {
            listener::Task::Check => (Wanted::Check(request.command), Asker::Check(request.answer)),
            task @ listener::Task::Line { .. } => {
                let spec = request_spec(task, request.timeout).map(Box::new);
                let wanted = Wanted::Line { name: request.command, spec };
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

    fn wait(&mut self, asker: Asker) -> u64 {
        self.next_id += 1;
        self.waiting.insert(self.next_id, asker);
        self.next_id
    }

    /// Tells whoever asked. That they have left meanwhile is no fault.
    pub(super) fn give(&mut self, id: u64, result: Result<(Arc<Report>, Arc<Run>), String>) {
        let Some(asker) = self.waiting.remove(&id) else { return };
        match asker {
            Asker::Line(send, timeout) => {
                let answer = match result {
                    Ok((report, _)) => listener::Answer::from_report(&report, timeout),
                    Err(why) => listener::Answer::unknown(format!("NRPE: {why}")),
                };
                let _ = send.send(answer);
            }
            Asker::Check(send) => {
                let answer = match result {
                    Ok((report, run)) => {
                        let mut text = plugin_output(&report, &run);
                        text.pop();
                        listener::Answer { code: run.state.code(), text }
                    }
                    Err(why) => listener::Answer::unknown(format!("NRPE: {why}")),
                };
                let _ = send.send(answer);
            }
            Asker::Command(send) => {
                let response = match result {
                    Ok((report, run)) => {
                        Response::Ran { output: plugin_output(&report, &run), state: run.state.code() }
                    }
                    Err(why) => Response::Refused(why),
                };
                let _ = send.send(response);
            }
        }
    }
}

/// The plugin that a request's command line is; none if it asks for a check.
pub fn request_spec(task: listener::Task, timeout: Duration) -> Option<Spec> {
    let listener::Task::Line { line, env, credentials } = task else { return None };
    let ShellLine { argv, line, env } = ShellLine::new(line, env);
    Some(Spec {
        argv,
        shell_line: Some(line),
        env,
        cwd: "/".into(),
        credentials,
        nice: 0,
        io_priority: None,
        limits: custos_shim::Limits::default(),
        // Lines with sudo are common, and so are those that restart a service.
        no_new_privileges: false,
        leave_background: true,
        timeout,
        grace: NRPE_GRACE,
        stdout_max_bytes: STDOUT_MAX_BYTES,
        stderr_max_bytes: STDERR_MAX_BYTES,
    })
}
