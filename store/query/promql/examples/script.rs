//! Runs test scripts in Prometheus' format: `cargo run -p custos-promql --example script -- FILE…`.

#[path = "../tests/script/mod.rs"]
mod script;

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut failed = false;
    for path in std::env::args().skip(1) {
        match std::fs::read_to_string(&path) {
            Err(error) => {
                eprintln!("failed to read {path}: {error}");
                failed = true;
            }
            Ok(text) => {
                let report = script::run(&text);
                report.failures.iter().for_each(|failure| println!("{path}: {failure}"));
                let (passed, failures) = (report.passed, report.failures.len());
                println!("{path}: {passed} passed, {failures} failed, {} skipped", report.skipped);
                failed |= failures > 0;
            }
        }
    }
    ExitCode::from(u8::from(failed))
}
