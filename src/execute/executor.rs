//! The agent's side of the shim: starts it, replaces it when it ends, hands it plugins and takes reports.
//!
//! Invariant: each submitted ticket comes back exactly once, whatever becomes of the shim, unless the agent stops.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use custos_shim::{
    DecodeError, Error, Launch, Message, Outcome, Report, Spec, VERSION, decode_message, encode_message,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::{ReadHalf, WriteHalf};
use tokio::process::Child;
use tokio::sync::{Notify, mpsc, watch};

use super::queue::Queue;
use crate::limits::{GRACE, REPORT_QUEUE_MAX, SHIM_BACKOFF, SHIM_BACKOFF_MAX, SHIM_STOP_MAX, SHIMS};

const READ_BYTES: usize = 64 * 1024;

/// A handle on the shims. Clones share them.
///
/// A shim starts one plugin at a time and waits until it executes. Where tasks wait for a processor, that wait is
/// milliseconds, so there are several shims that wait side by side; a ticket decides which one runs its plugin.
#[derive(Clone, Debug)]
pub struct Executor {
    lanes: Arc<[Lane]>,
}

/// One shim, for as long as the agent runs, with all its replacements.
#[derive(Debug)]
struct Lane {
    shared: Arc<Shared>,
    /// Set when the shim has ended for good.
    ended: watch::Receiver<bool>,
    driver: tokio::task::AbortHandle,
}

/// Where the reports come out.
#[derive(Debug)]
pub struct Reports {
    receiver: mpsc::Receiver<(u64, Report)>,
}

impl Reports {
    /// The next report with the ticket that it was submitted under; none once the executor has stopped.
    pub async fn recv(&mut self) -> Option<(u64, Report)> {
        self.receiver.recv().await
    }
}

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Queue>,
    /// Told whenever the queue has something new.
    wake: Notify,
    /// Why there is no shim at present.
    trouble: Mutex<Option<String>>,
    /// Process id of the shim's guard, or 0.
    shim_pid: AtomicU32,
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        // Nobody panics while holding it; if somebody did, the queue is still whole.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_trouble(&self, trouble: Option<String>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }
}

impl Executor {
    /// Starts the shims, which are this program once more. Needs a tokio runtime with I/O and time.
    ///
    /// # Errors
    /// A shim cannot be started.
    pub fn start() -> Result<(Executor, Reports), Error> {
        Executor::start_with(&Launch::default(), SHIMS)
    }

    /// Starts so many shims, at least one, of this program.
    ///
    /// # Errors
    /// One cannot be started.
    pub fn start_with(launch: &Launch, shims: usize) -> Result<(Executor, Reports), Error> {
        let (sender, receiver) = mpsc::channel(REPORT_QUEUE_MAX);
        let lanes = (0..shims.max(1))
            .map(|_| Lane::start(launch.clone(), sender.clone()))
            .collect::<Result<_, _>>()?;
        Ok((Executor { lanes }, Reports { receiver }))
    }

    /// Has a plugin run. What comes of it, even if it cannot be started, comes out of [`Reports`] with the ticket.
    ///
    /// The ticket must not be that of a run whose report is still to come.
    pub fn submit(&self, ticket: u64, spec: Spec) {
        let lane = &self.lanes[(ticket % self.lanes.len() as u64) as usize];
        lane.shared.queue().submit(ticket, spec);
        lane.shared.wake.notify_one();
    }

    /// Why plugins cannot be run at present, if they cannot.
    pub fn trouble(&self) -> Option<String> {
        self.lanes
            .iter()
            .find_map(|lane| lane.shared.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    /// The process ids of the shims' guards, each the parent of its worker; a shim that is being replaced has none.
    pub fn shim_pids(&self) -> Vec<u32> {
        let pids = self.lanes.iter().map(|lane| lane.shared.shim_pid.load(Ordering::Relaxed));
        pids.filter(|pid| *pid != 0).collect()
    }

    /// Ends everything that runs, then the shims; waits for them for at most [`SHIM_STOP_MAX`]. Reports that nobody
    /// takes meanwhile are dropped.
    pub async fn stop(&self) {
        for lane in self.lanes.iter() {
            lane.shared.queue().stop(GRACE);
            lane.shared.wake.notify_one();
        }
        let all = async {
            for lane in self.lanes.iter() {
                // An error means that the driver is gone, which is as good.
                let _ = lane.ended.clone().wait_for(|ended| *ended).await;
            }
        };
        if tokio::time::timeout(SHIM_STOP_MAX, all).await.is_err() {
            self.lanes.iter().for_each(|lane| lane.driver.abort());
        }
    }
}

impl Lane {
    fn start(launch: Launch, reports: mpsc::Sender<(u64, Report)>) -> Result<Lane, Error> {
        let shim = Shim::start(&launch)?;
        let (ended_sender, ended) = watch::channel(false);
        let shared = Arc::new(Shared::default());
        let driver = Driver { launch, shared: Arc::clone(&shared), reports };
        let task = tokio::spawn(async move {
            driver.drive(shim).await;
            let _ = ended_sender.send(true);
        });
        Ok(Lane { shared, ended, driver: task.abort_handle() })
    }
}

/// A shim that was started.
struct Shim {
    guard: Child,
    socket: UnixStream,
}

impl Shim {
    fn start(launch: &Launch) -> Result<Shim, Error> {
        let attempt = |attempt| move |source| Error::System { attempt, source };
        let (command, socket) = launch.command()?;
        let guard = tokio::process::Command::from(command).spawn().map_err(attempt("start the shim"))?;
        socket.set_nonblocking(true).map_err(attempt("talk to the shim"))?;
        let socket = UnixStream::from_std(socket).map_err(attempt("talk to the shim"))?;
        Ok(Shim { guard, socket })
    }
}

/// The task that talks to the shim and replaces it.
struct Driver {
    launch: Launch,
    shared: Arc<Shared>,
    reports: mpsc::Sender<(u64, Report)>,
}

impl Driver {
    async fn drive(self, first: Shim) {
        let mut shim = Some(first);
        let mut backoff = SHIM_BACKOFF;
        loop {
            let outcome = match shim.take() {
                Some(Shim { mut guard, mut socket }) => {
                    self.shared.set_trouble(None);
                    self.shared.shim_pid.store(guard.id().unwrap_or(0), Ordering::Relaxed);
                    let error = self.converse(&mut socket).await;
                    self.shared.shim_pid.store(0, Ordering::Relaxed);
                    drop(socket);
                    // The guard goes when the last process has gone, which nobody needs to wait for.
                    tokio::spawn(async move { guard.wait().await });
                    if self.stopped() {
                        return;
                    }
                    tracing::error!("the shim is replaced, what it ran counts as not finished: {error}");
                    self.shared.set_trouble(Some(error.to_string()));
                    Outcome::NotFinished
                }
                None => match Shim::start(&self.launch) {
                    Ok(started) => {
                        shim = Some(started);
                        continue;
                    }
                    Err(error) => {
                        tracing::error!("{error}");
                        self.shared.set_trouble(Some(error.to_string()));
                        let errno = match &error {
                            Error::System { source, .. } => source.raw_os_error().unwrap_or_default(),
                            _ => 0,
                        };
                        Outcome::NotStarted { errno, message: error.to_string() }
                    }
                },
            };
            let owed = self.shared.queue().shim_ended(&outcome);
            self.forward(owed).await;
            if self.stopped() {
                return;
            }
            tokio::time::sleep(backoff).await;
            backoff = next_backoff(backoff, &outcome);
        }
    }

    /// Whether there is nobody left to work for.
    fn stopped(&self) -> bool {
        self.reports.is_closed() || self.shared.queue().stopping()
    }

    /// Talks to the shim until it ends. Returns why.
    async fn converse(&self, socket: &mut UnixStream) -> Error {
        let (read, write) = socket.split();
        tokio::select! {
            error = self.receive(read) => error,
            error = self.send(write) => error,
            () = self.reports.closed() => Error::Ended,
        }
    }

    async fn send(&self, mut socket: WriteHalf<'_>) -> Error {
        let mut outbound = Vec::new();
        if let Err(error) = encode_message(&Message::Hello { version: VERSION }, &mut outbound) {
            return error;
        }
        loop {
            if let Err(source) = socket.write_all(&outbound).await {
                return Error::System { attempt: "send a plugin to the shim", source };
            }
            outbound.clear();
            let refused = self.shared.queue().take(&mut outbound);
            if !refused.is_empty() {
                self.forward(refused).await;
            } else if outbound.is_empty() {
                self.shared.wake.notified().await;
            }
        }
    }

    async fn receive(&self, mut socket: ReadHalf<'_>) -> Error {
        let mut inbound = Vec::with_capacity(READ_BYTES);
        loop {
            match socket.read_buf(&mut inbound).await {
                Ok(0) => return Error::Ended,
                Ok(_) => {}
                Err(source) => return Error::System { attempt: "read from the shim", source },
            }
            match self.take_messages(&inbound).await {
                Ok(taken) => drop(inbound.drain(..taken)),
                Err(error) => return Error::Protocol(error),
            }
        }
    }

    /// Handles the whole messages that have come in. Returns their length.
    async fn take_messages(&self, inbound: &[u8]) -> Result<usize, DecodeError> {
        let mut taken = 0;
        while let Some((message, len)) = decode_message(&inbound[taken..])? {
            taken += len;
            match message {
                Message::Hello { version: VERSION } => {}
                Message::Hello { version } => return Err(DecodeError::Version(version)),
                Message::Report { ticket, report } => {
                    if self.shared.queue().reported(ticket) {
                        self.forward(vec![(ticket, *report)]).await;
                    }
                }
                _ => return Err(DecodeError::Unexpected),
            }
        }
        Ok(taken)
    }

    async fn forward(&self, reports: Vec<(u64, Report)>) {
        for report in reports {
            if self.shared.queue().stopping() {
                // The agent may be past taking them.
                let _ = self.reports.try_send(report);
            } else if self.reports.send(report).await.is_err() {
                return;
            }
        }
    }
}

/// A shim that ran is replaced soon; one that cannot be started is tried less and less often.
fn next_backoff(backoff: Duration, outcome: &Outcome) -> Duration {
    match outcome {
        Outcome::NotStarted { .. } => (backoff * 2).min(SHIM_BACKOFF_MAX),
        _ => SHIM_BACKOFF,
    }
}
