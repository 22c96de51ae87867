//! What a helper process does beside its work: it reports to the agent, until the agent wants no more of it.

use std::io;
use std::os::unix::net::UnixStream as StdStream;

use serde::Serialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::MissedTickBehavior;

use crate::limits::HELPER_REPORT_INTERVAL;

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
                reports.write_all(line.as_bytes()).await?;
            }
        }
    }
}
