//! `custos check_mem` and `custos check_cpu`: plugins of this project's own, for the agent and for whoever runs plugins.

use std::ffi::OsString;
use std::io::Write as _;

use custos_store::State;

use super::style::printable_lines;
use crate::execute::own_plugin;
use crate::exit_code::ExitCode;

/// Runs one of them with these words. What is wrong with them is told as a plugin tells it.
pub(super) fn run(name: &str, words: &[OsString]) -> ExitCode {
    match own_plugin(name, words) {
        Ok(printed) => {
            // A closed stdout cannot be reported anywhere.
            let _ = std::io::stdout().lock().write_all(&printed.stdout);
            ExitCode::Raw(printed.exit)
        }
        Err(why) => {
            let usage = match name {
                "check_cpu" => {
                    "[-w RANGE] [-c RANGE] [-i SECONDS]   percent busy, over a second unless -i says more"
                }
                _ => "[-w RANGE] [-c RANGE]   percent of memory that is not available",
            };
            let text = format!("{name} UNKNOWN - {why}\nusage: custos {name} {usage}\n");
            let _ = std::io::stdout().lock().write_all(printable_lines(text.as_bytes()).as_bytes());
            ExitCode::Raw(State::Unknown.code())
        }
    }
}
