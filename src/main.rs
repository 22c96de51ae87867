//! The `custos` program: reads the command line and hands over.

fn main() -> std::process::ExitCode {
    custos::cli::main().into()
}
