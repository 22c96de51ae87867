//! The server over HTTP as the agent's helper: what runs in the other process.

use super::process::{Bounds, Handed, begin, until_left};
use crate::exit_code::ExitCode;
use crate::http::{Settings, Socket, Stores, serve};
use crate::limits::{HTTP_DATA_MAX_BYTES, HTTP_NICE, HTTP_SETTINGS_MAX_BYTES};

const BOUNDS: Bounds = Bounds {
    name: c"custos-http",
    work: "queries over HTTP",
    nice: HTTP_NICE,
    settings_max_bytes: HTTP_SETTINGS_MAX_BYTES,
    data_max_bytes: HTTP_DATA_MAX_BYTES,
};

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
    let Handed { settings, sockets, agent } = begin::<Settings>(&BOUNDS)?;
    let stores = Stores::open(&settings.store)
        .map_err(|error| format!("failed to open the store {}: {error}", settings.store.display()))?;
    let sockets = settings.listen.iter().zip(sockets).map(|(at, descriptor)| Socket::of(at, descriptor));
    let ended = |report: std::sync::Arc<dyn Fn() -> crate::http::Report + Send + Sync>| async move {
        if let Err(error) = until_left(agent, move || report()).await {
            tracing::warn!("the HTTP server ends: {error}");
        }
    };
    serve(stores, &settings, sockets.collect(), |_| (), ended).map_err(|error| error.to_string())
}
