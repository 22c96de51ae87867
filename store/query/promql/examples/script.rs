//! Runs test scripts in Prometheus' format: `cargo run -p custos-promql --example script -- FILE-OR-DIRECTORY...`.
//!
//! Of a directory all files are run whose names end in `.test`. Queries of what Custos does not store are counted with the
//! reason.

#[path = "../tests/script/mod.rs"]
mod script;

use std::io::{Error, Result};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    if arguments.is_empty() {
        eprintln!("usage: script FILE-OR-DIRECTORY...");
        return ExitCode::from(2);
    }
    let mut failed = false;
    for path in &arguments {
        match run(path) {
            Ok(fails) => failed |= fails,
            Err(error) => {
                eprintln!("failed to read {}: {error}", path.display());
                failed = true;
            }
        }
    }
    ExitCode::from(u8::from(failed))
}

/// Runs a script, or those of a directory; whether any query failed.
fn run(path: &Path) -> Result<bool> {
    if path.is_dir() {
        let entries = std::fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
        let mut scripts: Vec<PathBuf> =
            entries.into_iter().filter(|path| path.extension().is_some_and(|end| end == "test")).collect();
        scripts.sort();
        if scripts.is_empty() {
            return Err(Error::other("no file in it ends in .test"));
        }
        return scripts.iter().try_fold(false, |failed, script| Ok(run(script)? | failed));
    }
    let path_shown = path.display();
    let report = script::run(&std::fs::read_to_string(path)?);
    report.failures.iter().for_each(|failure| println!("{path_shown}: {failure}"));
    let (passed, failures) = (report.passed, report.failures.len());
    let skipped: usize = report.skipped.values().sum();
    println!("{path_shown}: {passed} passed, {failures} failed, {skipped} refused by name");
    report.skipped.iter().for_each(|(reason, count)| println!("    {count}: {reason}"));
    Ok(failures > 0)
}
