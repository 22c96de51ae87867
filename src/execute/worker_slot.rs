//! A slot for one shim: starts the shim, hands it plugins, takes its reports, and replaces it when it ends or hangs.
//!
//! Invariant: each submitted ticket comes back exactly once, whatever becomes of the shim, unless the agent stops.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use custos_shim::{
    DecodeError, Error, LIMITS_CHANGED, Message, Outcome, Report, Spec, VERSION, decode_message,
    encode_message, monotonic_us,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::{ReadHalf, WriteHalf};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Notify, mpsc, watch};

use super::interference::Interference;
use super::queue::Queue;
use super::shim_process::{Condition, Guard, Shim};
use super::shim_settings::ShimSettings;
use crate::clock::micros;
use crate::limits::{GRACE, SHIM_BACKOFF, SHIM_BACKOFF_MAX, SHIM_LOOK, SHIM_STOPS_MAX, SHIM_STOPS_WINDOW};
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
    /// Notified with each plugin, for the look at whether the shim is stopped.
    busy: Notify,
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
        interference: &Arc<Interference>,
    ) -> Result<WorkerSlot, Error> {
        let shim = Shim::start(&settings.launch)?;
        Ok(WorkerSlot::with(Some(shim), settings, reports, interference))
    }

    /// A slot whose shim is started with its first plugin.
    pub(super) fn start_later(
        settings: &ShimSettings,
        reports: mpsc::Sender<(u64, Report)>,
        interference: &Arc<Interference>,
    ) -> WorkerSlot {
        WorkerSlot::with(None, settings, reports, interference)
    }

    fn with(
        shim: Option<Shim>,
        settings: &ShimSettings,
        reports: mpsc::Sender<(u64, Report)>,
        interference: &Arc<Interference>,
    ) -> WorkerSlot {
        let (ended_sender, ended) = watch::channel(false);
        let shared = Arc::new(Shared { awake: AtomicBool::new(shim.is_some()), ..Shared::default() });
        let (settings, interference) = (settings.clone(), Arc::clone(interference));
        let driver = Driver { settings, shared: Arc::clone(&shared), reports, interference };
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
        self.shared.busy.notify_one();
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

/// The task that talks to the shim and replaces it.
struct Driver {
    settings: ShimSettings,
    shared: Arc<Shared>,
    reports: mpsc::Sender<(u64, Report)>,
    interference: Arc<Interference>,
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
                Some(Shim { guard, mut socket }) => {
                    self.shared.set_trouble(None);
                    self.shared.shim_pid.store(guard.pid().unwrap_or(0), Ordering::Relaxed);
                    self.shared.queue().heard(monotonic_us());
                    let error = self.converse(&mut socket, &guard).await;
                    if matches!(error, Error::Silent | Error::Interfered { .. }) {
                        guard.end();
                    }
                    self.shared.shim_pid.store(0, Ordering::Relaxed);
                    // One that was stopped could not end.
                    guard.proceed();
                    drop(socket);
                    // The guard ends with the last process; there is no need to wait for it.
                    tokio::spawn(guard.ended());
                    if self.stopped() {
                        return;
                    }
                    let suspects = self.shared.queue().running();
                    self.interference.replaced(&error, &suspects);
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
    async fn converse(&self, socket: &mut UnixStream, guard: &Guard) -> Error {
        let (read, write) = socket.split();
        tokio::select! {
            error = self.receive(read) => error,
            error = self.send(write) => error,
            () = self.silence() => Error::Silent,
            how = self.watch(guard) => Error::Interfered { how },
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

    /// Has a shim go on that somebody stops. Returns why it has to be ended instead.
    async fn watch(&self, guard: &Guard) -> &'static str {
        // Without the signal, the looks find it.
        let mut children = signal(SignalKind::child()).ok();
        let mut stops = VecDeque::with_capacity(SHIM_STOPS_MAX);
        loop {
            match guard.condition() {
                Condition::Running => {}
                Condition::Traced => return "a process of its own user traces it",
                Condition::Stopped => {
                    let now_us = monotonic_us();
                    stops.retain(|at_us| *at_us + micros(SHIM_STOPS_WINDOW) > now_us);
                    if self.shared.queue().held() == 1 {
                        return "it was stopped while a single plugin ran";
                    }
                    if stops.len() >= SHIM_STOPS_MAX {
                        return "it was stopped again and again";
                    }
                    stops.push_back(now_us);
                    self.interference.stopped(&self.shared.queue().running());
                    guard.proceed();
                }
            }
            tokio::select! {
                Some(()) = child_changed(&mut children) => {}
                () = self.look_due() => {}
            }
        }
    }

    /// Returns after a while, if the shim owes something then.
    async fn look_due(&self) {
        loop {
            if self.shared.queue().held() == 0 {
                self.shared.busy.notified().await;
            }
            tokio::time::sleep(SHIM_LOOK).await;
            if self.shared.queue().held() > 0 {
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
                Err(error) => return error,
            }
        }
    }

    /// Handles the whole messages that have come in. Returns their length.
    async fn take_messages(&self, inbound: &[u8]) -> Result<usize, Error> {
        let mut taken = 0;
        while let Some((message, len)) = decode_message(&inbound[taken..]).map_err(Error::Protocol)? {
            taken += len;
            match message {
                Message::Hello { version: VERSION } => {}
                Message::Hello { version } => return Err(Error::Protocol(DecodeError::Version(version))),
                Message::Report { ticket, report } => {
                    if self.shared.queue().reported(ticket) {
                        self.forward(vec![(ticket, *report)]).await;
                    }
                }
                Message::LimitsChanged => return Err(Error::Interfered { how: LIMITS_CHANGED }),
                _ => return Err(Error::Protocol(DecodeError::Unexpected)),
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

/// Waits for a child of the agent to stop or end.
async fn child_changed(children: &mut Option<tokio::signal::unix::Signal>) -> Option<()> {
    match children {
        Some(children) => children.recv().await,
        None => std::future::pending().await,
    }
}

/// How long to wait before the next start: a shim that ran is replaced soon, one that fails to start is tried less often.
fn next_backoff(backoff: Duration, outcome: &Outcome) -> Duration {
    match outcome {
        Outcome::NotStarted { .. } => (backoff * 2).min(SHIM_BACKOFF_MAX),
        _ => SHIM_BACKOFF,
    }
}
