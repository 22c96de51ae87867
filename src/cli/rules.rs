//! `custos rules check` and `custos rules test`.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use super::config::report;
use super::failure::Failure;
use super::read::finish;
use super::style::printable_lines;
use crate::config::rules_not_checks;
use crate::document::Mistakes;
use crate::exit_code::ExitCode;
use crate::rules::{read_files, read_test_files, run_tests};
use crate::text::human::counted;

/// Checks or tests rule files of Prometheus.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct RulesArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum Action {
    /// Report every mistake in rule files.
    ///
    /// Each mistake is one line, `file:line:column: what was found, what was expected`, on stderr. The exit status is 0 if
    /// all files can be used, and 2 if not.
    Check(FilesArgs),
    /// Run tests of rules, in the format of `promtool test rules`.
    ///
    /// Each expectation that does not hold is shown with its place in the file. The exit status is 0 if all hold, 1 if one
    /// does not, and 2 if a file cannot be used.
    Test(FilesArgs),
}

#[derive(Clone, Debug, clap::Args)]
struct FilesArgs {
    /// Files
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
}

/// Runs the command.
pub(super) fn run(args: &RulesArgs) -> ExitCode {
    finish(|out| match &args.action {
        Action::Check(args) => check(&args.files, out),
        Action::Test(args) => test(&args.files, out),
    })
}

fn check(paths: &[PathBuf], out: &mut dyn Write) -> Result<(), Failure> {
    let (files, warnings) = read_files(paths).map_err(|mistakes| refused(&mistakes))?;
    show(&warnings);
    let not_checks = rules_not_checks(&files);
    if not_checks.has_errors() {
        return Err(refused(&not_checks));
    }
    let rules: usize = files.iter().flat_map(|file| &file.groups).map(|group| group.rules.len()).sum();
    writeln!(out, "ok: {} in {}", counted(rules as u64, "rule"), counted(files.len() as u64, "file"))?;
    Ok(())
}

fn test(paths: &[PathBuf], out: &mut dyn Write) -> Result<(), Failure> {
    let files = read_test_files(paths).map_err(|mistakes| refused(&mistakes))?;
    let failures: Vec<_> = files.iter().flat_map(run_tests).collect();
    for failure in &failures {
        out.write_all(printable_lines(format!("{failure}\n").as_bytes()).as_bytes())?;
    }
    // Before what follows on stderr.
    out.flush()?;
    let tests = counted(files.iter().map(|file| file.tests.len() as u64).sum::<u64>(), "test");
    let failed = failures.len() as u64;
    if failed > 0 {
        return Err(Failure::new(format!("{} of {tests} not met", counted(failed, "expectation"))));
    }
    writeln!(out, "ok: {tests} in {}", counted(files.len() as u64, "file"))?;
    Ok(())
}

fn show(mistakes: &Mistakes) {
    let snippets = io::stderr().is_terminal();
    // Nothing is left to be done if stderr is closed.
    let _ = io::stderr().lock().write_all(report(mistakes, snippets).as_bytes());
}

pub(super) fn refused(mistakes: &Mistakes) -> Failure {
    show(mistakes);
    let count = mistakes.list.len() + mistakes.dropped;
    Failure::usage(format!("{} in the files", counted(count as u64, "mistake")))
}
