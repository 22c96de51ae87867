//! What a helper process does beside its work: it takes what the agent hands to it, and reports to the agent until the agent
//! wants no more of it.

use std::ffi::CStr;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdStream;

use custos_shim::be_helper;
use nix::sys::prctl;
use nix::sys::resource::{Resource, setrlimit};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::MissedTickBehavior;

use crate::limits::HELPER_REPORT_INTERVAL;

/// Which helper this process is, and its bounds.
pub(super) struct Bounds {
    /// What `ps` and `top` show.
    pub(super) name: &'static CStr,
    /// What it does: `sinks`.
    pub(super) work: &'static str,
    /// How far it stands back behind checks for the processor.
    pub(super) nice: i32,
    /// Bytes of its settings.
    pub(super) settings_max_bytes: usize,
    /// Bytes of its memory.
    pub(super) data_max_bytes: u64,
}

/// What the agent has handed to this process.
pub(super) struct Handed<S> {
    pub(super) settings: S,
    pub(super) sockets: Vec<OwnedFd>,
    /// The agent's socket.
    pub(super) agent: StdStream,
}

/// Makes this process a helper within its bounds. Call it before there is another thread.
pub(super) fn begin<S: DeserializeOwned>(bounds: &Bounds) -> Result<Handed<S>, String> {
    let given = be_helper(bounds.nice, bounds.settings_max_bytes).map_err(|error| error.to_string())?;
    if let Err(error) = given.stands_back {
        tracing::warn!("{} do not stand back behind checks for the processor: {error}", bounds.work);
    }
    let settings = serde_json::from_slice(&given.settings).map_err(|error| error.to_string())?;
    let _ = prctl::set_name(bounds.name);
    setrlimit(Resource::RLIMIT_DATA, bounds.data_max_bytes, bounds.data_max_bytes)
        .map_err(|error| format!("failed to bound the memory: {error}"))?;
    Ok(Handed { settings, sockets: given.sockets, agent: given.agent })
}

/// Reports to the agent until it closes the socket, or has this end by SIGTERM.
pub(super) async fn until_left<R: Serialize>(agent: StdStream, report: impl Fn() -> R) -> io::Result<()> {
    agent.set_nonblocking(true)?;
    let (mut orders, mut reports) = UnixStream::from_std(agent)?.into_split();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut tick = tokio::time::interval(HELPER_REPORT_INTERVAL);
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
                match reports.write_all(line.as_bytes()).await {
                    // The agent has closed it, and nobody wants more.
                    Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
                    written => written?,
                }
            }
        }
    }
}
