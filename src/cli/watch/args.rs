//! What is watched, and by which ways.

use std::path::PathBuf;
use std::time::Duration;

use clap_complete::engine::ArgValueCompleter;

use super::credentials::CredentialArgs;
use crate::cli::completion;
use crate::cli::read::{Failure, ReadArgs};
use crate::cli::stream::length;
use crate::limits::{WATCH_PAST_MAX, WATCH_PAST_WINDOWS, WATCH_WINDOW_MAX, WATCH_WINDOW_MIN};
use crate::watch::{Access, Target};

/// Draws checks live in the terminal, of this host and of others, on one axis of time.
///
/// The checks are run as often as --every says while they are watched, beside their own schedule, and nobody is alerted by it.
/// Blank means that there is no value. Where the clock of another host is not this one's, the screen says by how much, and whether
/// its curves are drawn shifted by that. The key ? shows the keys.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = AFTER)]
pub(crate) struct WatchArgs {
    /// Checks, or metrics of them, METRIC may be a glob, or queries: load, load:load1, 'rate(net{metric="in"}[1m])'; behind the
    /// address of a host where that is another
    #[arg(
        value_name = "[HOST/]CHECK[:METRIC]|EXPR",
        required = true,
        add = ArgValueCompleter::new(completion::graph_target)
    )]
    targets: Vec<String>,
    /// Have the checks run that often meanwhile, 100ms or longer
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = length)]
    every: Duration,
    /// Have nothing run more often: draw the runs that there are
    #[arg(long, conflicts_with = "every")]
    own: bool,
    /// How much of the time is drawn, 5s to 24h
    #[arg(long, value_name = "DURATION", default_value = "2m", value_parser = length)]
    pub(super) window: Duration,
    /// ASCII characters only
    #[arg(long)]
    pub(super) ascii: bool,
    /// Show bytes as KiB, MiB, GiB
    #[arg(long)]
    pub(super) iec: bool,
    #[command(flatten)]
    credentials: CredentialArgs,
    /// File with the authorities that vouch for hosts over HTTPS, in PEM [default: those of the system]
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// How ssh is called, with its options: 'ssh -i KEY'
    #[arg(long, value_name = "COMMAND", default_value = "ssh")]
    ssh: String,
    /// How custos is called on hosts over ssh: 'sudo -n custos'
    #[arg(long, value_name = "COMMAND", default_value = "custos")]
    remote: String,
    #[command(flatten)]
    pub(super) read: ReadArgs,
}

const AFTER: &str = "\
Hosts:
  ssh://[USER@]HOST[:PORT]/CHECK   runs custos stream --watch there; nothing has to be configured, and nothing asks for a password
  https://HOST[:PORT]/CHECK        asks the agent there, or custos serve, which want a token or a certificate
  http://localhost[:PORT]/CHECK    the same without encryption, on this host alone
An expression of PromQL stands where a check does; on another host it has brackets of some kind.

  custos watch load:load1 ssh://web1/load:load1 ssh://web2/load:load1 --every 200ms";

impl WatchArgs {
    /// What is watched.
    pub(super) fn targets(&self) -> Result<Vec<Target>, Failure> {
        let within = (WATCH_WINDOW_MIN..=WATCH_WINDOW_MAX).contains(&self.window);
        if !within {
            return Err(Failure::usage("--window is 5s to 24h"));
        }
        let parsed = |word: &String| Target::parse(word).map_err(|error| Failure::usage(error.to_string()));
        self.targets.iter().map(parsed).collect()
    }

    /// How often checks shall be run (ms); absent for as often as they are run anyway.
    pub(super) fn every_ms(&self) -> Option<u64> {
        (!self.own).then(|| u64::try_from(self.every.as_millis()).unwrap_or(u64::MAX))
    }

    /// How hosts are reached, this one by its store at `store`.
    pub(super) fn access(&self, store: PathBuf, targets: &[Target]) -> Result<Access, Failure> {
        let ssh = shell_words::split(&self.ssh)
            .map_err(|error| Failure::usage(format!("failed to read --ssh: {error}")))?;
        Ok(Access {
            store,
            keyring: self.credentials.keyring(targets)?,
            authorities: self.ca.clone(),
            ssh,
            remote: self.remote.clone(),
            every_ms: self.every_ms(),
            past: self.window.saturating_mul(WATCH_PAST_WINDOWS).min(WATCH_PAST_MAX),
        })
    }
}
