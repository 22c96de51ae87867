//! A slot for one shim: starts the shim, hands it plugins, takes its reports, and replaces it when it ends or hangs.
//!
//! Invariant: each submitted ticket comes back exactly once, whatever becomes of the shim, unless the agent stops.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use custos_shim::{
    DecodeError, Error, Launch, Message, Outcome, Report, Spec, VERSION, decode_message, encode_message,
    monotonic_us,
};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::{ReadHalf, WriteHalf};
use tokio::process::Child;
use tokio::sync::{Notify, mpsc, watch};

use super::queue::Queue;
use super::shim_settings::ShimSettings;
use crate::clock::micros;
use crate::limits::{GRACE, SHIM_BACKOFF, SHIM_BACKOFF_MAX};
use crate::lock::locked;

const READ_BYTES: usize = 64 * 1024;
/// Looks at whether a shim is silent within the longest silence.
const SILENCE_LOOKS: u32 = 4;

/// One shim, for as long as the agent runs, with all its replacements.
#[derive(Debug)]
pub(super) struct WorkerSlot {
    shared: Arc<Shared>,
    /// Set when the shim has ended for good.
    ended: watch::Receiver<bool>,
    driver: tokio::task::AbortHandle,
}

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Queue>,
    /// Notified whenever the queue has something new.
    wake: Notify,
    /// Why there is no shim at present.
    trouble: Mutex<Option<String>>,
    /// Whether it ever had a plugin to run.
    awake: AtomicBool,
    /// Process id of the shim's guard, or 0.
    shim_pid: AtomicU32,
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        locked(&self.queue)
    }

    fn set_trouble(&self, trouble: Option<String>) {
        *locked(&self.trouble) = trouble;
    }
}

impl WorkerSlot {
    /// A slot whose shim is started now.
    ///
    /// # Errors
    /// It cannot be started.
    pub(super) fn start(
        settings: &ShimSettings,
        reports: mpsc::Sender<(u64, Report)>,
    ) -> Result<WorkerSlot, Error> {
        let shim = Shim::start(&settings.launch)?;
        Ok(WorkerSlot::with(Some(shim), settings, reports))
    }

    /// A slot whose shim is started with its first plugin.
    pub(super) fn start_later(settings: &ShimSettings, reports: mpsc::Sender<(u64, Report)>) -> WorkerSlot {
        WorkerSlot::with(None, settings, reports)
    }

    fn with(shim: Option<Shim>, settings: &ShimSettings, reports: mpsc::Sender<(u64, Report)>) -> WorkerSlot {
        let (ended_sender, ended) = watch::channel(false);
        let shared = Arc::new(Shared { awake: AtomicBool::new(shim.is_some()), ..Shared::default() });
        let driver = Driver { settings: settings.clone(), shared: Arc::clone(&shared), reports };
        let task = tokio::spawn(async move {
            driver.drive(shim).await;
            let _ = ended_sender.send(true);
        });
        WorkerSlot { shared, ended, driver: task.abort_handle() }
    }

    /// Has the shim run a plugin.
    pub(super) fn submit(&self, ticket: u64, spec: &Spec, awaited: bool) {
        self.shared.awake.store(true, Ordering::Relaxed);
        self.shared.queue().submit(ticket, spec, awaited, monotonic_us());
        self.shared.wake.notify_one();
    }

    /// Plugins that the shim has or will have, whose reports are still to come.
    pub(super) fn held(&self) -> usize {
        self.shared.queue().held()
    }

    /// Whether it ever had a plugin to run.
    pub(super) fn is_awake(&self) -> bool {
        self.shared.awake.load(Ordering::Relaxed)
    }

    /// Why its plugins cannot be run at present, if they cannot.
    pub(super) fn trouble(&self) -> Option<String> {
        locked(&self.shared.trouble).clone()
    }

    /// The process id of its shim's guard, unless there is none at present.
    pub(super) fn shim_pid(&self) -> Option<u32> {
        Some(self.shared.shim_pid.load(Ordering::Relaxed)).filter(|pid| *pid != 0)
    }

    /// Ends everything that runs, then the shim.
    pub(super) fn stop(&self) {
        self.shared.queue().stop(GRACE);
        self.shared.wake.notify_one();
    }

    /// Waits for the shim's end after [`WorkerSlot::stop`].
    pub(super) async fn stopped(&self) {
        // An error means that the driver is gone, which is as good.
        let _ = self.ended.clone().wait_for(|ended| *ended).await;
    }

    /// Ends it without waiting for anything.
    pub(super) fn abort(&self) {
        self.driver.abort();
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
    settings: ShimSettings,
    shared: Arc<Shared>,
    reports: mpsc::Sender<(u64, Report)>,
}

impl Driver {
    async fn drive(self, first: Option<Shim>) {
        let mut shim = first;
        if shim.is_none() {
            self.shared.wake.notified().await;
            if self.stopped() {
                return;
            }
        }
        let mut backoff = SHIM_BACKOFF;
        loop {
            let outcome = match shim.take() {
                Some(Shim { mut guard, mut socket }) => {
                    self.shared.set_trouble(None);
                    self.shared.shim_pid.store(guard.id().unwrap_or(0), Ordering::Relaxed);
                    self.shared.queue().heard(monotonic_us());
                    let error = self.converse(&mut socket).await;
                    if matches!(error, Error::Silent) {
                        end_worker(guard.id());
                    }
                    self.shared.shim_pid.store(0, Ordering::Relaxed);
                    drop(socket);
                    // The guard ends with the last process; there is no need to wait for it.
                    tokio::spawn(async move { guard.wait().await });
                    if self.stopped() {
                        return;
                    }
                    tracing::error!("the shim is replaced, what it ran counts as not finished: {error}");
                    self.shared.set_trouble(Some(error.to_string()));
                    Outcome::NotFinished
                }
                None => match Shim::start(&self.settings.launch) {
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

    /// Whether the agent is stopping or has dropped the receiver of the reports.
    fn stopped(&self) -> bool {
        self.reports.is_closed() || self.shared.queue().stopping()
    }

    /// Talks to the shim until it ends. Returns why.
    async fn converse(&self, socket: &mut UnixStream) -> Error {
        let (read, write) = socket.split();
        tokio::select! {
            error = self.receive(read) => error,
            error = self.send(write) => error,
            () = self.silence() => Error::Silent,
            () = self.reports.closed() => Error::Ended,
        }
    }

    /// Returns when the shim says nothing although it owes reports: its worker hangs.
    async fn silence(&self) {
        let max = self.settings.silence_max;
        loop {
            tokio::time::sleep(max / SILENCE_LOOKS).await;
            if self.shared.queue().is_silent(monotonic_us(), micros(max)) {
                return;
            }
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
                Ok(_) => self.shared.queue().heard(monotonic_us()),
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
                // The agent may be stopping.
                let _ = self.reports.try_send(report);
            } else if self.reports.send(report).await.is_err() {
                return;
            }
        }
    }
}

/// Kills the worker below this guard, which then ends what the worker leaves. A guard alone could not do anything about
/// a worker that hangs.
fn end_worker(guard: Option<u32>) {
    let Some(guard) = guard else { return };
    let children =
        std::fs::read_to_string(format!("/proc/{guard}/task/{guard}/children")).unwrap_or_default();
    for pid in children.split_ascii_whitespace().filter_map(|pid| pid.parse().ok()) {
        // The guard has not reaped it, so the number is its own; it may end by itself meanwhile.
        let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
    }
}

/// How long to wait before the next start: a shim that ran is replaced soon, one that fails to start is tried less often.
fn next_backoff(backoff: Duration, outcome: &Outcome) -> Duration {
    match outcome {
        Outcome::NotStarted { .. } => (backoff * 2).min(SHIM_BACKOFF_MAX),
        _ => SHIM_BACKOFF,
    }
}
