//! `custos serve`: a store over HTTP, for Grafana and whatever else asks Prometheus.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;

use nix::sys::stat::{Mode, umask};

use super::read::{Failure, ReadArgs, finish, store_error, tell};
use crate::exit_code::ExitCode;
use crate::http::{Listening, ServerError, Stores, serve};

/// How much sooner than others the kernel ends this where memory runs out: up to 1000.
const OOM_SCORE: &str = "500";

/// Answers PromQL over HTTP, as Prometheus does, from a store that it only reads.
///
/// The agent may be running or not: a copy of a store is as good. It listens on this host alone.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct ServeArgs {
    /// Loopback address with port, or the path of a socket; port 0 takes any
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:43191")]
    listen: String,
    #[command(flatten)]
    read: ReadArgs,
}

/// Runs the command.
pub(super) fn run(args: &ServeArgs) -> ExitCode {
    finish(|out| start(args, out))
}

fn start(args: &ServeArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let listen = listening(&args.listen)?;
    // A socket in the file system is for its user and group.
    umask(Mode::from_bits_truncate(0o117));
    // Where memory runs out, this goes before what watches the machine does.
    if let Err(error) = std::fs::write("/proc/self/oom_score_adj", OOM_SCORE) {
        tell(&format!("the kernel may end other programs before this one if memory runs out: {error}"));
    }
    let (dir, _) = args.read.locate()?;
    let stores = Stores::open(&dir).map_err(|error| {
        Failure::new(format!("failed to open the store {}: {}", dir.display(), store_error(&dir, &error)))
    })?;
    let served = serve(stores, listen, |listening| {
        // Whoever does not read this waits for nothing else.
        let _ = match listening {
            Listening::Tcp(address) => {
                writeln!(out, "listening on http://{address}, store {}", dir.display())
            }
            Listening::Unix(path) => {
                writeln!(out, "listening on {}, store {}", path.display(), dir.display())
            }
        };
        let _ = out.flush();
    });
    match served {
        Err(error @ ServerError::NotLoopback(_)) => Err(Failure::usage(error.to_string())),
        Err(error) => Err(Failure::new(error.to_string())),
        Ok(never) => match never {},
    }
}

fn listening(text: &str) -> Result<Listening, Failure> {
    if text.contains('/') {
        return Ok(Listening::Unix(PathBuf::from(text)));
    }
    let address: Result<SocketAddr, _> = text.replace("localhost", "127.0.0.1").parse();
    address.map(Listening::Tcp).map_err(|_| {
        tell("examples: 127.0.0.1:43191, [::1]:9090, /run/custos/http.socket");
        Failure::usage(format!("--listen: {text:?} is neither an address with a port nor a path"))
    })
}
