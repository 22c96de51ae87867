//! From a request to its answer: the query, the command, its execution by the agent.

use std::net::IpAddr;

use custos_compat::nrpe::{Packet, Refusal, VERSION_COMMAND};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout, timeout_at};

use super::receive::Received;
use super::stream::Stream;
use crate::limits;
use crate::nrpe::listener::coalesce::{self, Role};
use crate::nrpe::listener::decide::{Decision, decide};
use crate::nrpe::listener::log::{refusal, request as request_log};
use crate::nrpe::listener::request::{Answer, Origin, Request, Task};
use crate::nrpe::listener::state::{ActiveSettings, Shared};

/// What a request has the agent run, and who asks for it.
struct Job {
    command: String,
    task: Task,
    room_bytes: usize,
    origin: Origin,
}

/// Answers a request, which ends its connection.
pub(in crate::nrpe::listener) async fn answer(received: Received) {
    let Received { shared, active, stream, packet, peer } = received;
    respond(&shared, &active, stream, packet, peer).await;
    active.log.debug(|| format!("Connection from {peer} closed."));
}

/// Decides about the query and sends the answer, if it gets one.
async fn respond(shared: &Shared, active: &ActiveSettings, stream: Stream, packet: Packet, peer: IpAddr) {
    let counters = &shared.counters;
    let origin = Origin { peer: Some(peer), transport: stream.transport(), arguments: String::new() };
    let decision = decide(&active.settings, &packet, &origin);
    let answer = match decision {
        Decision::Refuse(refused) => {
            refuse(shared, active, peer, refused);
            stream.close();
            return;
        }
        Decision::Version(answer) => {
            counters.version_queries.add();
            request_log::asked(&active.log, peer, VERSION_COMMAND);
            answer
        }
        Decision::Unknown { command, answer } => {
            counters.unknown_commands.add();
            request_log::asked(&active.log, peer, &command);
            answer
        }
        Decision::Forbidden { command, answer } => {
            counters.refused_by_command_access.add();
            active.log.error(format_args!("Host {peer} is not allowed to run command '{command}'!"));
            answer
        }
        Decision::Run { command, arguments, task } => {
            request_log::asked(&active.log, peer, &command);
            let room_bytes = packet.version.text_max_bytes();
            let job = Job { command, task, room_bytes, origin: Origin { arguments, ..origin } };
            run_or_join(shared, active, job).await
        }
    };
    request_log::answers(&active.log, &answer);
    deliver(shared, stream, &packet, &answer).await;
}

fn refuse(shared: &Shared, active: &ActiveSettings, peer: IpAddr, refused: Refusal) {
    let counters = &shared.counters;
    match refused {
        Refusal::Empty | Refusal::NoCommand => counters.empty_queries.add(),
        Refusal::Metachar(_) => counters.illegal_metachars.add(),
        Refusal::Arguments => counters.refused_arguments.add(),
        _ => counters.refused_substitutions.add(),
    }
    for line in refusal::of_refusal(&refused, active.settings.arguments_withheld, peer) {
        active.log.error(line);
    }
}

/// Runs a command, or with `coalesce` shares an execution of the same line that is under way.
async fn run_or_join(shared: &Shared, active: &ActiveSettings, job: Job) -> Answer {
    let lead = match (&active.shared_lines, &job.task) {
        (Some(lines), Task::Line { line, .. }) => match lines.join((job.command.clone(), line.clone())) {
            Role::Lead(lead) => Some(lead),
            Role::Follow(answer) => {
                if let Some(answer) = coalesce::follow(answer).await {
                    shared.counters.coalesced.add();
                    return answer;
                }
                None
            }
        },
        _ => None,
    };
    let answer = run(shared, active, job).await;
    if let Some(lead) = lead {
        lead.send(&answer);
    }
    answer
}

/// Asks the agent to run a command, and waits for the answer.
async fn run(shared: &Shared, active: &ActiveSettings, job: Job) -> Answer {
    let Job { command, task, room_bytes, origin } = job;
    let command_timeout = active.settings.command_timeout;
    let overloaded = || {
        shared.counters.over_limit.add();
        Answer::unknown(format!("NRPE: Command '{command}' not run: too many commands are running already"))
    };
    let stopping = || Answer::unknown("NRPE: The agent is shutting down");
    let deadline = Instant::now() + command_timeout;
    let Ok(running) = timeout_at(deadline, active.running.acquire()).await else { return overloaded() };
    let Ok(_running) = running else { return stopping() };
    if let Task::Line { line, .. } = &task {
        request_log::runs(&active.log, line);
    }
    let Ok(permit) = timeout_at(deadline, shared.requests.reserve()).await else { return overloaded() };
    let Ok(permit) = permit else { return stopping() };
    let (answer, answered) = oneshot::channel();
    shared.counters.requests.add();
    permit.send(Request {
        command: command.clone(),
        task,
        timeout: command_timeout,
        room_bytes,
        origin,
        answer,
    });
    // The agent enforces the timeout. This one is for an agent that has lost the request.
    let patience = command_timeout + limits::NRPE_REPORT_GRACE;
    match timeout(patience, answered).await {
        Ok(Ok(answer)) => {
            active.log.debug(|| {
                let text = String::from_utf8_lossy(&answer.text);
                format!("Command completed with return code {} and output: {text}", answer.code)
            });
            answer
        }
        Ok(Err(_)) => Answer::unknown("NRPE: Unable to read output (the agent dropped the request)"),
        Err(_) => Answer::timed_out(command_timeout),
    }
}

async fn deliver(shared: &Shared, stream: Stream, packet: &Packet, answer: &Answer) {
    let bytes = Packet::encode_response(packet.version, answer.code, answer.fitted(packet.version));
    match timeout(limits::NRPE_ANSWER_TIMEOUT, stream.send(&bytes)).await {
        Ok(Ok(())) => shared.counters.answered.add(),
        Ok(Err(_)) | Err(_) => shared.counters.undelivered.add(),
    }
}
