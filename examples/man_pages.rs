//! Writes the manual pages of all commands: `custos.1`, `custos-status.1`, …
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
    let written = clap_mangen::generate_to(custos::cli::command(), Path::new(&directory));
    if let Err(error) = &written {
        eprintln!("failed to write the manual pages to {}: {error}", Path::new(&directory).display());
    }
    if written.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
