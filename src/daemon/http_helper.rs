//! The server over HTTP as the agent's helper: what runs in the other process.

use custos_shim::{Given, be_helper};
use nix::sys::prctl;
use nix::sys::resource::{Resource, setrlimit};

use super::process::until_left;
use crate::exit_code::ExitCode;
use crate::http::{Settings, Socket, Stores, serve};
use crate::limits::{HTTP_DATA_MAX_BYTES, HTTP_NICE, HTTP_SETTINGS_MAX_BYTES};

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
    let ended = |report: std::sync::Arc<dyn Fn() -> crate::http::Report + Send + Sync>| async move {
        if let Err(error) = until_left(agent, move || report()).await {
            tracing::warn!("the HTTP server ends: {error}");
        }
    };
    serve(stores, &settings, sockets.collect(), |_| (), ended).map_err(|error| error.to_string())
}
