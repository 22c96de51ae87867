//! Notices when a receiver that says nothing of itself may have been started anew: a connection is kept, over which nothing is sent, and
//! when it ends and no other one is accepted at once, then the process at its other end is gone. A receiver that only closes
//! connections that are idle accepts at once.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use tokio::io::AsyncReadExt;
use tokio::task::JoinHandle;

use super::settings::GraphiteTarget;
use crate::clock::{self, micros};
use crate::connect;
use crate::limits::{GRAPHITE_TALK_MAX_BYTES, GRAPHITE_WITNESS_PAUSE, SINK_SEND_TIMEOUT};

/// See the head of this file.
#[derive(Debug)]
pub(super) struct Witness {
    target: GraphiteTarget,
    state: Arc<State>,
    task: OnceLock<Option<JoinHandle<()>>>,
}

#[derive(Debug)]
struct State {
    process: AtomicU64,
    /// Whether a connection was accepted since the process was last found gone.
    is_there: AtomicBool,
}

impl Witness {
    /// Of a receiver that is not connected to yet.
    pub(super) fn new(target: &GraphiteTarget) -> Witness {
        let state = State { process: AtomicU64::new(1), is_there: AtomicBool::new(false) };
        Witness { target: target.clone(), state: Arc::new(state), task: OnceLock::new() }
    }

    /// Which process there is: another number once it may be another one.
    pub(super) fn process(&self) -> u64 {
        self.state.process.load(Ordering::Relaxed)
    }

    /// Notes that somebody else connected, or could not.
    pub(super) fn seen(&self, is_there: bool) {
        self.state.seen(is_there);
    }

    /// Keeps a connection from now on.
    pub(super) fn watch(&self) {
        self.task.get_or_init(|| Some(tokio::spawn(watch(self.target.clone(), Arc::clone(&self.state)))));
    }

    /// Keeps none.
    #[cfg(test)]
    pub(super) fn stop(&self) {
        self.task.get_or_init(|| None);
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        if let Some(Some(task)) = self.task.get() {
            task.abort();
        }
    }
}

impl State {
    fn seen(&self, is_there: bool) {
        if self.is_there.swap(is_there, Ordering::Relaxed) && !is_there {
            self.process.fetch_add(1, Ordering::Relaxed);
        }
    }
}

async fn watch(target: GraphiteTarget, state: Arc<State>) {
    let mut was_short = false;
    loop {
        // At once after the one before has ended.
        let connecting = connect::tcp(&target.host, target.port);
        let connected = tokio::time::timeout(SINK_SEND_TIMEOUT, connecting).await.ok().and_then(Result::ok);
        state.seen(connected.is_some());
        let begun_us = clock::now().mono_us;
        if let Some(stream) = connected {
            // However it ends.
            let _ = stream.take(GRAPHITE_TALK_MAX_BYTES).read_to_end(&mut Vec::new()).await;
        }
        let is_short = clock::now().mono_us.saturating_sub(begun_us) < micros(GRAPHITE_WITNESS_PAUSE);
        // A receiver that closes each connection is not asked without end.
        if is_short && was_short {
            tokio::time::sleep(GRAPHITE_WITNESS_PAUSE).await;
        }
        was_short = is_short;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_another_one_once_nothing_was_accepted_after_something_was() {
        let target = GraphiteTarget { host: String::new(), port: 1, prefix: String::new() };
        let witness = Witness::new(&target);
        let mut processes = Vec::new();
        for is_there in [false, true, true, false, false, true, false] {
            witness.seen(is_there);
            processes.push(witness.process());
        }
        assert_eq!(processes, [1, 1, 1, 2, 2, 2, 3]);
    }
}
