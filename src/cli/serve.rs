//! `custos serve`: a store over HTTP, for Grafana and whatever else asks Prometheus.

use std::future::pending;
use std::io::Write;
use std::path::Path;

use super::read::{Failure, ReadArgs, finish, store_error, tell};
use crate::config::{Config, Listening, Surroundings};
use crate::daemon::serve_for_agent;
use crate::exit_code::ExitCode;
use crate::http::{ServerError, Settings, Socket, Stores, judged, serve};

/// How much sooner than others the kernel ends this where memory runs out: up to 1000.
const OOM_SCORE: &str = "500";
/// Where to listen unless something else is said.
const LISTEN: &str = "127.0.0.1:43191";

/// Answers PromQL over HTTP, as Prometheus does, from a store that it only reads.
///
/// The agent may be running or not: a copy of a store is as good. An agent whose configuration has a section `http` does this
/// itself. Without `--listen` this goes by that section, too; without one it listens on this host alone.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct ServeArgs {
    /// Loopback address with port, or the path of a socket; port 0 takes any [default: 127.0.0.1:43191]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Go by what comes from the agent
    #[arg(long, hide = true, conflicts_with = "listen")]
    of_agent: bool,
    #[command(flatten)]
    read: ReadArgs,
}

/// Runs the command.
pub(super) fn run(args: &ServeArgs) -> ExitCode {
    // Where memory runs out, this goes before what watches the machine does.
    if let Err(error) = std::fs::write("/proc/self/oom_score_adj", OOM_SCORE) {
        tell(&format!("the kernel may end other programs before this one if memory runs out: {error}"));
    }
    if args.of_agent {
        let _log = super::log::start();
        return serve_for_agent();
    }
    finish(|out| start(args, out))
}

fn start(args: &ServeArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let (dir, settings) = settings(args)?;
    let stores = Stores::open(&dir).map_err(|error| {
        Failure::new(format!("failed to open the store {}: {}", dir.display(), store_error(&dir, &error)))
    })?;
    let open = |listening: &Listening| {
        let failed = |error| ServerError::Listen(listening.clone(), error);
        Socket::open(listening).map_err(failed)
    };
    let sockets: Result<Vec<Socket>, ServerError> = settings.listen.iter().map(open).collect();
    let sockets = sockets.map_err(|error| Failure::new(error.to_string()))?;
    let scheme = if settings.tls.is_some() { "https" } else { "http" };
    let told = |all: &[Listening]| {
        let shown: Vec<String> = all
            .iter()
            .map(|listening| match listening {
                Listening::Tcp(address) => format!("{scheme}://{address}"),
                Listening::Unix(path) => path.display().to_string(),
            })
            .collect();
        // Whoever does not read this waits for nothing else.
        let _ = writeln!(out, "listening on {}, store {}", shown.join(" and "), dir.display());
        let _ = out.flush();
    };
    serve(stores, &settings, sockets, told, |_| pending()).map_err(|error| Failure::new(error.to_string()))
}

/// Where the store is, and how to serve it.
fn settings(args: &ServeArgs) -> Result<(std::path::PathBuf, Settings), Failure> {
    let (dir, config) = args.read.locate()?;
    let file = args.read.config.path();
    if config.is_none() && args.listen.is_none() && file.exists() {
        // What it says of encryption and tokens is not known.
        return Err(Failure::usage(format!(
            "{} cannot be used, so nothing is served by it: mend it (`custos config check`), or name an address of this \
             host with --listen",
            file.display()
        )));
    }
    let host = host(args, config.as_ref());
    let checks = config.as_ref().map(judged).unwrap_or_default();
    if let Some(listen) = &args.listen {
        let settings = Settings { host, checks, ..at(&dir, listen)? };
        return Ok((dir, settings));
    }
    let configured = config.map_or(Ok(None), |config| Settings::of(&config)).map_err(Failure::new)?;
    let settings = match configured {
        Some(settings) => Settings { store: dir.clone(), host, ..settings },
        None => Settings { host, checks, ..at(&dir, LISTEN)? },
    };
    Ok((dir, settings))
}

/// The name of the host whose history it is; empty if that is not known. A store that is named may be that of any host.
fn host(args: &ServeArgs, config: Option<&Config>) -> String {
    let ReadArgs { store, config: file, .. } = &args.read;
    match config {
        _ if store.is_some() && file.named().is_none() => String::new(),
        Some(config) => config.host.clone(),
        // It has mistakes.
        None if file.path().exists() => String::new(),
        None => Surroundings::of_this_machine().host,
    }
}

/// A server for this host alone.
fn at(dir: &Path, listen: &str) -> Result<Settings, Failure> {
    let Some(listening) = Listening::parse(listen) else {
        tell("examples: 127.0.0.1:43191, [::1]:9090, /run/custos/http.socket");
        return Err(Failure::usage(format!(
            "--listen: {listen:?} is neither an address with a port nor a path"
        )));
    };
    if !listening.is_of_this_host_alone() {
        return Err(Failure::usage(format!(
            "{listening} can be reached from other hosts, and `--listen` has neither encryption nor a password: list the \
             address in `listen` of the section `http` of a configuration, which takes both, and leave --listen out"
        )));
    }
    Ok(Settings::at(dir, listening))
}
