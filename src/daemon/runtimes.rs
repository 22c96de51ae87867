//! The two runtimes of the agent.

use std::io;

use tokio::runtime::{Builder, Runtime};

/// Threads of the NRPE listener.
const SERVING_THREADS: usize = 2;

/// The runtime of the event loop, which is one thread with all that talks to the shims, so that nothing on the way of
/// a check waits for another thread; and the one of the listener, whose handshakes must not delay that.
pub(super) fn runtimes() -> Result<(Runtime, Runtime), io::Error> {
    spare_threads(SERVING_THREADS)?;
    let own = Builder::new_current_thread().enable_all().build()?;
    let serving = Builder::new_multi_thread()
        .worker_threads(SERVING_THREADS)
        .thread_name("custos-serve")
        .enable_all()
        .build()?;
    Ok((own, serving))
}

/// Whether the system has so many threads for this process: a runtime that gets none panics, and then waits for itself.
fn spare_threads(count: usize) -> Result<(), io::Error> {
    let mut held = Vec::new();
    for _ in 0..count {
        // Each waits until its sender is gone, so that all are there at once.
        let (hold, wait) = std::sync::mpsc::channel::<()>();
        let started = std::thread::Builder::new().spawn(move || wait.recv().is_ok());
        let failed =
            |error: io::Error| io::Error::new(error.kind(), format!("failed to start a thread: {error}"));
        held.push((hold, started.map_err(failed)?));
    }
    for (hold, thread) in held {
        drop(hold);
        // It cannot have panicked.
        let _ = thread.join();
    }
    Ok(())
}
