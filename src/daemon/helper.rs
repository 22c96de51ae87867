//! A helper process, which the agent starts, watches and replaces.

use std::ffi::OsStr;
use std::os::fd::{AsFd, OwnedFd};
use std::process::ExitStatus;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::UnixStream;
use tokio::process::{Child, Command};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::clock::{self, Moment, micros};
use crate::limits::{
    HELPER_MOMENT, HELPER_REPORT_MAX_BYTES, HELPER_RESTART_FORGOTTEN, HELPER_RESTART_MAX, HELPER_RESTART_MIN,
    HELPER_SILENCE, HELPER_SILENCES_MAX,
};
use crate::lock::locked;
use crate::part::Part;

/// Which helper it is, and what is said of it.
#[derive(Debug)]
pub(super) struct Kind {
    /// The words by which this program becomes it.
    pub(super) args: [&'static str; 2],
    /// What it is called: `the HTTP server`.
    pub(super) process: &'static str,
    /// What does not happen without it: `HTTP is not answered`.
    pub(super) lost: &'static str,
    /// The same where that is over: `HTTP was not answered for a moment`.
    pub(super) was_lost: &'static str,
    /// That it happens again: `HTTP is answered again`.
    pub(super) again: &'static str,
    /// How long it may take to end once it is told to.
    pub(super) drain: Duration,
}

/// What a helper reports.
pub(super) trait Reports: Clone + Default + DeserializeOwned + Send + 'static {
    /// What counts after a helper that reported `self` last: its totals, without what is no more.
    fn ended(&self) -> Self;
    /// What `self` and those before it have counted.
    fn with(&self, before: &Self) -> Self;
}

/// A helper that is kept running.
#[derive(Debug)]
pub(super) struct Helper<R> {
    kind: &'static Kind,
    state: Arc<Mutex<State<R>>>,
    leave: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

/// What is known of the process.
#[derive(Debug, Default)]
struct State<R> {
    /// What those before it counted.
    before: R,
    /// What it counted.
    report: R,
    /// How often one ended that should not have.
    restarts: u64,
    /// Why the last one ended or was silent, and when.
    ended: Option<(String, u64)>,
    /// Whether the one that runs has said something.
    answers: bool,
    /// Whether there has been none for longer than a moment.
    is_down: bool,
    /// How many spans of [`HELPER_SILENCE`] it has said nothing.
    silences: u32,
}

impl<R: Reports> Helper<R> {
    /// Keeps a helper running, with these settings and sockets.
    pub(super) fn start(
        kind: &'static Kind,
        settings: Result<Vec<u8>, String>,
        sockets: std::io::Result<Vec<OwnedFd>>,
    ) -> Helper<R> {
        let state = Arc::new(Mutex::new(State::default()));
        let (leave, left) = oneshot::channel();
        let task = match (sockets, settings) {
            (Ok(sockets), Ok(text)) => tokio::spawn(supervise(kind, text, sockets, Arc::clone(&state), left)),
            (sockets, text) => {
                let why = sockets.err().map(|error| error.to_string());
                let why = why.or(text.err()).unwrap_or_default();
                *locked(&state) = State { ended: Some((why, 0)), is_down: true, ..State::default() };
                tokio::spawn(async {})
            }
        };
        Helper { kind, state, leave, task }
    }

    /// Has it end, and returns what ends with it.
    pub(super) fn stop(self) -> JoinHandle<()> {
        let _ = self.leave.send(());
        self.task
    }

    /// What this one and those before it have reported, and how often one was started anew.
    pub(super) fn reported(&self) -> (R, u64) {
        let state = locked(&self.state);
        (state.report.with(&state.before), state.restarts)
    }

    /// Says in the part what is wrong with the process.
    pub(super) fn judge(&self, part: &mut Part, now: Moment) {
        let state = locked(&self.state);
        let Kind { lost, was_lost, .. } = self.kind;
        match state.silences {
            0 => {}
            1 => part.warning(silence(self.kind, 1)),
            spans => part.critical(format!("{lost}: {}", silence(self.kind, spans))),
        }
        match &state.ended {
            Some((why, _)) if state.is_down => part.critical(format!("{lost}: {why}")),
            Some((why, at_us)) if now.mono_us < at_us.saturating_add(micros(HELPER_RESTART_FORGOTTEN)) => {
                part.warning(format!("{was_lost}: {why}"));
            }
            _ => {}
        }
    }
}

/// Starts the process again and again, until `left`.
async fn supervise<R: Reports>(
    kind: &'static Kind,
    settings: Vec<u8>,
    sockets: Vec<OwnedFd>,
    state: Arc<Mutex<State<R>>>,
    mut left: oneshot::Receiver<()>,
) {
    let mut pause = HELPER_RESTART_MIN;
    loop {
        let started = clock::now();
        let why = match begin(kind, &settings, &sockets) {
            Ok((child, agent)) => match follow(kind, child, agent, &state, &mut left).await {
                Some(why) => why,
                None => return,
            },
            Err(error) => format!("failed to start {}: {error}", kind.process),
        };
        tracing::error!("{}: {why}", kind.lost);
        let now = clock::now();
        {
            let mut state = locked(&state);
            let gone = std::mem::take(&mut state.report);
            state.before = gone.with(&state.before).ended();
            state.restarts += 1;
            state.ended = Some((why, now.mono_us));
            (state.is_down, state.silences) = (!state.answers || pause > HELPER_MOMENT, 0);
            state.answers = false;
        }
        if now.mono_us.saturating_sub(started.mono_us) >= micros(HELPER_RESTART_FORGOTTEN) {
            pause = HELPER_RESTART_MIN;
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = &mut left => return,
        }
        pause = (pause * 2).min(HELPER_RESTART_MAX);
    }
}

impl<R: Reports> State<R> {
    /// Notes what the process reports.
    fn heard(&mut self, kind: &Kind, report: R) {
        if self.silences > 0 {
            self.ended = Some((silence(kind, self.silences), clock::now().mono_us));
        }
        if self.ended.is_some() && (!self.answers || self.silences > 0) {
            tracing::info!("{}", kind.again);
        }
        (self.report, self.answers, self.is_down, self.silences) = (report, true, false, 0);
    }

    /// Notes that it has said nothing for another span, and returns how many there are.
    fn silent(&mut self) -> u32 {
        self.silences += 1;
        self.silences
    }
}

/// What is wrong with a process that has said nothing for so many spans.
fn silence(kind: &Kind, spans: u32) -> String {
    format!("{} has said nothing for {} s", kind.process, (HELPER_SILENCE * spans).as_secs())
}

fn begin(kind: &Kind, settings: &[u8], sockets: &[OwnedFd]) -> std::io::Result<(Child, UnixStream)> {
    let sockets: Vec<_> = sockets.iter().map(AsFd::as_fd).collect();
    let (mut command, agent) = custos_shim::helper(&kind.args.map(OsStr::new), settings, &sockets)?;
    // A thread that answers keeps what it has freed; two arenas are enough for all.
    command.env("MALLOC_ARENA_MAX", "2").env_remove("NOTIFY_SOCKET").env_remove("WATCHDOG_USEC");
    let child = Command::from(command).kill_on_drop(true).spawn()?;
    agent.set_nonblocking(true)?;
    Ok((child, UnixStream::from_std(agent)?))
}

/// Follows a process to its end, and says why it ended; nothing if it was to.
async fn follow<R: Reports>(
    kind: &Kind,
    mut child: Child,
    agent: UnixStream,
    state: &Mutex<State<R>>,
    left: &mut oneshot::Receiver<()>,
) -> Option<String> {
    let described = |status| described(kind, status);
    let mut reports = BufReader::new(agent);
    let mut line = Vec::new();
    loop {
        let mut bounded = (&mut reports).take(HELPER_REPORT_MAX_BYTES as u64);
        tokio::select! {
            // What was said counts before the time that has passed: this process may have been stopped itself.
            biased;
            ended = child.wait() => return Some(ended.map_or_else(|error| error.to_string(), described)),
            _ = &mut *left => break,
            read = bounded.read_until(b'\n', &mut line) => {
                let report = match read {
                    Ok(1..) => serde_json::from_slice(&line).ok(),
                    _ => None,
                };
                let Some(report) = report else {
                    // It says nothing more, or something else: it is no use.
                    let _ = child.start_kill();
                    let ended = child.wait().await;
                    return Some(ended.map_or_else(|error| error.to_string(), described));
                };
                locked(state).heard(kind, report);
                line.clear();
            }
            () = tokio::time::sleep(HELPER_SILENCE) => {
                let spans = locked(state).silent();
                if spans >= HELPER_SILENCES_MAX {
                    let _ = child.start_kill();
                    let _ = child.wait().await;
                    return Some(silence(kind, spans));
                }
                tracing::error!("{}; it is told to go on", silence(kind, spans));
                let pid = child.id().and_then(|pid| i32::try_from(pid).ok());
                let _ = pid.map(|pid| kill(Pid::from_raw(pid), Signal::SIGCONT));
            }
        }
    }
    // The end of the socket has it end, after what it is about.
    drop(reports);
    if tokio::time::timeout(kind.drain * 2, child.wait()).await.is_err() {
        let _ = child.start_kill();
        let _ = child.wait().await;
    }
    None
}

/// How a process ended.
fn described(kind: &Kind, status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    let process = kind.process;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("{process} ended with the exit status {code}"),
        (_, Some(signal)) => format!("{process} was ended by signal {signal}"),
        _ => format!("{process} ended"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use custos_store::State as Verdict;

    const KIND: Kind = Kind {
        args: ["", ""],
        process: "the HTTP server",
        lost: "HTTP is not answered",
        was_lost: "HTTP was not answered for a moment",
        again: "HTTP is answered again",
        drain: Duration::ZERO,
    };

    impl Reports for u64 {
        fn ended(&self) -> u64 {
            *self
        }

        fn with(&self, before: &u64) -> u64 {
            self + before
        }
    }

    #[tokio::test]
    async fn a_silent_helper_is_a_warning_and_then_critical() {
        let (leave, _) = oneshot::channel();
        let state = Arc::new(Mutex::new(State::<u64>::default()));
        let helper = Helper { kind: &KIND, state: Arc::clone(&state), leave, task: tokio::spawn(async {}) };
        let found = |now| {
            let mut part = Part::new("HTTP");
            helper.judge(&mut part, now);
            (part.state(), part.findings.first().map(|found| found.text().to_owned()).unwrap_or_default())
        };
        let now = clock::now();
        locked(&state).heard(&KIND, 3);
        assert_eq!(found(now).0, Verdict::Ok);
        locked(&state).silent();
        assert_eq!(found(now), (Verdict::Warning, "the HTTP server has said nothing for 10 s".to_owned()));
        locked(&state).silent();
        let said = "HTTP is not answered: the HTTP server has said nothing for 20 s";
        assert_eq!(found(now), (Verdict::Critical, said.to_owned()));
        locked(&state).heard(&KIND, 5);
        let said = "HTTP was not answered for a moment: the HTTP server has said nothing for 20 s";
        assert_eq!(found(now), (Verdict::Warning, said.to_owned()));
        assert_eq!(found(clock::now().after(HELPER_RESTART_FORGOTTEN)).0, Verdict::Ok);
        assert_eq!(helper.reported(), (5, 0));
    }
}
