//! The server over HTTP as the agent's helper: what runs in the other process.

use std::sync::Arc;

use custos_shim::{Given, be_helper};
use nix::sys::prctl;
use nix::sys::resource::{Resource, setrlimit};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::MissedTickBehavior;

use crate::exit_code::ExitCode;
use crate::http::{Report, Settings, Socket, Stores, serve};
use crate::limits::{HTTP_DATA_MAX_BYTES, HTTP_NICE, HTTP_REPORT_INTERVAL, HTTP_SETTINGS_MAX_BYTES};

/// Answers queries over HTTP by what the agent handed to this process, until the agent wants no more of it.
pub fn serve_for_agent() -> ExitCode {
    match start() {
        Ok(()) => ExitCode::Success,
        Err(why) => {
            tracing::error!("HTTP is not answered: {why}");
            ExitCode::Failure
        }
    }
}

fn start() -> Result<(), String> {
    let Given { settings, sockets, agent, stands_back } =
        be_helper(HTTP_NICE, HTTP_SETTINGS_MAX_BYTES).map_err(|error| error.to_string())?;
    if let Err(error) = stands_back {
        tracing::warn!("queries over HTTP do not stand back behind checks for the processor: {error}");
    }
    let settings: Settings = serde_json::from_slice(&settings).map_err(|error| error.to_string())?;
    // What `ps` and `top` show.
    let _ = prctl::set_name(c"custos-http");
    setrlimit(Resource::RLIMIT_DATA, HTTP_DATA_MAX_BYTES, HTTP_DATA_MAX_BYTES)
        .map_err(|error| format!("failed to bound the memory: {error}"))?;
    let stores = Stores::open(&settings.store)
        .map_err(|error| format!("failed to open the store {}: {error}", settings.store.display()))?;
    let sockets = settings.listen.iter().zip(sockets).map(|(at, descriptor)| Socket::of(at, descriptor));
    let ended = |report| async move {
        if let Err(error) = until_left(agent, report).await {
            tracing::warn!("the HTTP server ends: {error}");
        }
    };
    serve(stores, &settings, sockets.collect(), |_| (), ended).map_err(|error| error.to_string())
}

/// Reports to the agent until it closes the socket, or has this end by SIGTERM.
async fn until_left(
    agent: std::os::unix::net::UnixStream,
    report: Arc<dyn Fn() -> Report + Send + Sync>,
) -> std::io::Result<()> {
    agent.set_nonblocking(true)?;
    let (mut orders, mut reports) = UnixStream::from_std(agent)?.into_split();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut tick = tokio::time::interval(HTTP_REPORT_INTERVAL);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut byte = [0];
    loop {
        tokio::select! {
            read = orders.read(&mut byte) => if read? == 0 { return Ok(()) },
            _ = terminate.recv() => return Ok(()),
            _ = tick.tick() => {
                // Also one that is like the last: whoever says nothing does not run.
                let mut line = serde_json::to_string(&report())?;
                line.push('\n');
                reports.write_all(line.as_bytes()).await?;
            }
        }
    }
}
