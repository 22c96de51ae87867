//! The `custos` program: reads the command line and hands over.

use std::process::ExitCode;

fn main() -> ExitCode {
    // The shim is this program too, but nothing else of it: small, without threads, before anything is opened.
    if std::env::args_os().nth(1).is_some_and(|arg| arg == custos_shim::SUBCOMMAND) {
        return custos_shim::serve();
    }
    custos::cli::main().into()
}
