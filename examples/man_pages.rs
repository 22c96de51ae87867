//! Writes the manual pages: those of all commands, `custos.1`, `custos-status.1`, …, and `custos.yaml.5`.
//!
//! Usage: `cargo run --example man_pages -- DIRECTORY`

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(directory) = std::env::args_os().nth(1) else {
        eprintln!("usage: man_pages DIRECTORY");
        return ExitCode::from(2);
    };
    // A date would make other pages of the same program.
    let directory = Path::new(&directory);
    let written = clap_mangen::generate_to(custos::cli::command(), directory)
        .and_then(|()| std::fs::write(directory.join("custos.yaml.5"), custos::config::manual()));
    if let Err(error) = &written {
        eprintln!("failed to write the manual pages to {}: {error}", directory.display());
    }
    if written.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
