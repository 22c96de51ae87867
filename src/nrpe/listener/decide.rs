//! What to do about a query: a pure function of the settings and the packet.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use custos_compat::nrpe::{Packet, Query, Refusal, VERSION_COMMAND, expand};

use super::request::{Answer, Origin, Task, shown_arguments};
use super::settings::{ServedTask, Settings};
use crate::nrpe::NRPE_VERSION;

/// Length at which NRPE cuts the answer about an unknown command.
const NOT_DEFINED_MAX_BYTES: usize = 2047;

/// What to do about a query.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// Close without an answer, as NRPE does.
    Refuse(Refusal),
    /// The peer may not run this command. The answer is the same as for an unknown one.
    Forbidden { command: String, answer: Answer },
    /// The client asks for the version.
    Version(Answer),
    /// The command does not exist.
    Unknown { command: String, answer: Answer },
    /// Run a command. The arguments are as the run keeps them.
    Run { command: String, arguments: String, task: Task },
}

/// Decides about a query from this origin.
pub(super) fn decide(settings: &Settings, packet: &Packet, origin: &Origin) -> Decision {
    let query = match Query::parse(&packet.text, &settings.policy) {
        Ok(query) => query,
        Err(refusal) => return Decision::Refuse(refusal),
    };
    if query.command == VERSION_COMMAND.as_bytes() {
        return Decision::Version(Answer { code: 0, text: format!("NRPE v{NRPE_VERSION}").into_bytes() });
    }
    let command = String::from_utf8_lossy(query.command).into_owned();
    let Some(served) = settings.commands.get(query.command) else {
        return Decision::Unknown { command, answer: not_defined(query.command) };
    };
    if !served.access.as_ref().is_none_or(|access| access.allows(origin)) {
        return Decision::Forbidden { command, answer: not_defined(query.command) };
    }
    let task = match &served.task {
        ServedTask::Check => Task::Check,
        ServedTask::Line(template) => {
            let line = expand(template, &query.arguments);
            if !settings.policy.substitution && adds_substitution(template, &query.arguments, &line) {
                return Decision::Refuse(Refusal::Substitution);
            }
            Task::Line {
                line: OsString::from_vec(line),
                env: settings.environment.clone(),
                credentials: settings.credentials.clone(),
            }
        }
    };
    Decision::Run { command, arguments: shown_arguments(&query.arguments), task }
}

/// Whether the arguments add a `$(` to the line that the template does not have. No argument alone contains one, but an
/// argument may end with `$` before one that begins with `(`, or before a `(` of the template.
fn adds_substitution(template: &[u8], arguments: &[&[u8]], line: &[u8]) -> bool {
    let count = |line: &[u8]| line.windows(2).filter(|pair| *pair == b"$(").count();
    let harmless = vec![&b"x"[..]; arguments.len()];
    count(line) > count(&expand(template, &harmless))
}

fn not_defined(command: &[u8]) -> Answer {
    let mut text = [b"NRPE: Command '", command, b"' not defined"].concat();
    text.truncate(NOT_DEFINED_MAX_BYTES);
    Answer::unknown(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_substitution_made_of_two_parts_is_found() {
        let adds = |template: &str, arguments: &[&str]| {
            let arguments: Vec<&[u8]> = arguments.iter().map(|argument| argument.as_bytes()).collect();
            adds_substitution(template.as_bytes(), &arguments, &expand(template.as_bytes(), &arguments))
        };
        assert!(adds("echo $ARG1$$ARG2$", &["$", "(id)"]));
        assert!(adds("echo $ARG1$(date)", &["a$"]));
        assert!(adds("echo $$$ARG1$", &["(id)"]));
        assert!(adds("echo $$(date) $ARG1$$ARG3$$ARG2$", &["$", "(id)"]));
        assert!(!adds("echo $$(date) $ARG1$ $ARG2$", &["$", "(id)"]));
        assert!(!adds("echo $$(date) $ARG1$", &["a"]));
        assert!(!adds("echo $ARG1$ ($ARG2$)", &["$", "a"]));
    }
}
