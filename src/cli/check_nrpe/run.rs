//! A whole call: the command line, the question, what is printed.

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};

use custos_store::State;

use super::help;
use super::words::{Call, Reading, Usage};
use crate::cli::style::printable_lines;
use crate::exit_code::ExitCode;
use crate::nrpe::client;

/// Runs the client with these words, without the name that the program goes by.
pub(crate) fn run(program: &str, words: &[OsString]) -> ExitCode {
    let Reading { said, complained, call } = Reading::of(program, words);
    print(said.as_bytes(), complained.as_bytes());
    match call {
        Call::Ask(options) => {
            let outcome = client::run(&options);
            print(&outcome.stdout, &outcome.stderr);
            ExitCode::Raw(outcome.code)
        }
        Call::Usage(usage) => {
            print(explained(usage).as_bytes(), b"");
            ExitCode::Raw(State::Unknown.code())
        }
        Call::End => ExitCode::Raw(State::Unknown.code()),
    }
}

fn print(stdout: &[u8], stderr: &[u8]) {
    write(io::stdout().lock(), stdout);
    write(io::stderr().lock(), stderr);
}

/// What another machine sent goes to a pipe as it came, and to a terminal so that it does nothing there.
fn write(mut out: impl Write + IsTerminal, bytes: &[u8]) {
    // A closed stdout cannot be reported anywhere.
    let _ = match out.is_terminal() {
        true => out.write_all(printable_lines(bytes).as_bytes()),
        false => out.write_all(bytes),
    };
}

fn explained(usage: Usage) -> String {
    let mut text = String::new();
    if usage.mistaken {
        text.push_str("\nIncorrect command line arguments supplied\n\n");
    }
    text.push_str(&help::version());
    if usage.mistaken || usage.help {
        text.push_str(help::HELP);
    }
    if usage.license {
        text.push_str(help::LICENSE);
    }
    text
}
