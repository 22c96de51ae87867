//! `custos run`: the agent in the foreground.

use super::config::report;
use super::config_option::ConfigOption;
use super::log;
use super::umask::narrow_umask;
use crate::config;
use crate::daemon::{self, Setup, Source};
use crate::exit_code::ExitCode;
use crate::nrpe::listener;

/// Runs the agent in the foreground: checks on schedule, every run stored, NRPE answered.
///
/// Logs go to stderr; CUSTOS_LOG filters them (info, debug, warn,nrpe=info). SIGTERM and SIGINT end it after the
/// runs under way; SIGHUP reads the configuration again and keeps the old one if there is any mistake in it.
#[derive(Debug, clap::Args)]
pub(super) struct RunArgs {
    #[command(flatten)]
    config: ConfigOption,
}

/// Runs the command.
pub(super) fn run(args: &RunArgs) -> ExitCode {
    narrow_umask();
    let _log = log::start();
    // Before anything else is opened, so that the numbers are still those that the service manager gave.
    listener::adopt_inherited_sockets();
    let path = args.config.path();
    // The agent may change its directory, and a reload must find the same file.
    let path = std::path::absolute(&path).unwrap_or(path);
    match config::load(&path) {
        Ok(loaded) => {
            for line in report(&loaded.warnings, false).lines() {
                tracing::warn!("{line}");
            }
            let config = loaded.config;
            let source = Source { config_file: Some(path), nrpe: None };
            daemon::run(Setup { config, source, stopping: None })
        }
        Err(mistakes) => {
            for line in report(&mistakes, false).lines() {
                tracing::error!("{line}");
            }
            ExitCode::Usage
        }
    }
}
