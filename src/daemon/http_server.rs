//! The server over HTTP: a process of its own, which the agent starts, watches and replaces.
//!
//! The agent opens the sockets and keeps them, so that a server that ends refuses nobody: connections wait for the next. No
//! query can hurt the agent: whatever one does, it does to the other process.

use std::ffi::OsStr;
use std::os::fd::{AsFd, OwnedFd};
use std::process::ExitStatus;
use std::sync::{Arc, Mutex};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::UnixStream;
use tokio::process::{Child, Command};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::clock::{self, Moment, micros};
use crate::config::Listening;
use crate::http::{Report, Settings, Socket};
use crate::limits::{
    HTTP_DRAIN, HTTP_MOMENT, HTTP_REPORT_MAX_BYTES, HTTP_RESTART_FORGOTTEN, HTTP_RESTART_MAX,
    HTTP_RESTART_MIN, HTTP_SILENCE, HTTP_SILENCES_MAX, LISTENER_RETRY,
};
use crate::lock::locked;
use crate::part::Part;

/// Which program answers: this one.
const ARGS: [&str; 2] = ["serve", "--of-agent"];

/// The server, if the configuration wants one.
#[derive(Debug, Default)]
pub(super) struct HttpServer {
    running: Option<Running>,
    failed: Option<Failed>,
}

/// Why there is no server, and when to try again.
#[derive(Debug)]
struct Failed {
    settings: Option<Settings>,
    why: String,
    next_us: u64,
}

/// A server that is kept running.
#[derive(Debug)]
struct Running {
    settings: Settings,
    sockets: Vec<Socket>,
    state: Arc<Mutex<State>>,
    leave: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

/// What is known of the process.
#[derive(Debug, Default)]
struct State {
    /// What those before it counted.
    before: Report,
    /// What it counted.
    report: Report,
    /// How often one ended that should not have.
    restarts: u64,
    /// Why the last one ended or was silent, and when.
    ended: Option<(String, u64)>,
    /// Whether the one that runs has said something.
    answers: bool,
    /// Whether there has been none for longer than a moment.
    is_down: bool,
    /// How many spans of [`HTTP_SILENCE`] it has said nothing.
    silences: u32,
}

/// Settings that can be taken over, with the sockets that they take.
#[derive(Debug)]
pub(super) enum Prepared {
    /// All stays as it is.
    Same,
    Nothing,
    New(Box<Settings>, Vec<Socket>),
    /// They cannot be used, or not even read; nothing that works is lost by that.
    Failed(Option<Box<Settings>>, String),
}

impl HttpServer {
    /// Starts the server. If it cannot be started, that is tried again.
    pub(super) fn start_sometime(&mut self, settings: Result<Option<Settings>, String>, now: Moment) {
        let failed = |settings, why: String| {
            tracing::error!("HTTP is not answered: {why}");
            Some(Failed { settings, why, next_us: now.after(LISTENER_RETRY).mono_us })
        };
        match settings {
            Ok(None) => self.failed = None,
            Ok(Some(settings)) => match self.open(&settings) {
                Ok(sockets) => self.run(settings, sockets),
                Err(why) => self.failed = failed(Some(settings), why),
            },
            Err(why) => self.failed = failed(None, why),
        }
    }

    /// Opens what other settings take, before anything changes. Where there is no server so far, there may go on being
    /// none.
    ///
    /// # Errors
    /// The settings of a server in place of the one that runs cannot be used, or an address cannot be listened on.
    pub(super) fn prepare(&self, settings: Result<Option<Settings>, String>) -> Result<Prepared, String> {
        let failed = |settings: Option<Settings>, why| match self.running {
            Some(_) => Err(why),
            None => Ok(Prepared::Failed(settings.map(Box::new), why)),
        };
        match settings {
            Ok(None) => Ok(Prepared::Nothing),
            Ok(Some(settings))
                if self.running.as_ref().is_some_and(|running| running.settings == settings) =>
            {
                Ok(Prepared::Same)
            }
            Ok(Some(settings)) => match self.open(&settings) {
                Ok(sockets) => Ok(Prepared::New(Box::new(settings), sockets)),
                Err(why) => failed(Some(settings), why),
            },
            Err(why) => failed(None, why),
        }
    }

    /// Takes over what was prepared.
    pub(super) fn take(&mut self, prepared: Prepared, now: Moment) {
        match prepared {
            Prepared::Same => {}
            Prepared::Nothing => {
                self.failed = None;
                self.replaced(&[]);
            }
            Prepared::New(settings, sockets) => {
                self.replaced(&settings.listen);
                self.run(*settings, sockets);
            }
            Prepared::Failed(settings, why) => {
                tracing::error!("HTTP is not answered: {why}");
                let next_us = now.after(LISTENER_RETRY).mono_us;
                self.failed = Some(Failed { settings: settings.map(|settings| *settings), why, next_us });
            }
        }
    }

    /// Tries again to start it, if it could not be started and some time has passed.
    pub(super) fn look(&mut self, now: Moment) {
        let Some(failed) = self.failed.as_mut().filter(|failed| now.mono_us >= failed.next_us) else {
            return;
        };
        failed.next_us = now.after(LISTENER_RETRY).mono_us;
        let Some(settings) = failed.settings.clone() else { return };
        match self.open(&settings) {
            Ok(sockets) => self.run(settings, sockets),
            Err(why) => {
                self.failed =
                    Some(Failed { settings: Some(settings), why, next_us: now.after(LISTENER_RETRY).mono_us })
            }
        }
    }

    /// Has it end after the requests under way, and returns what ends with it.
    pub(super) fn stop(&mut self) -> Option<JoinHandle<()>> {
        self.failed = None;
        self.replaced(&[])
    }

    /// Where it listens and what it counts, or why it does not; `None` if it is not to.
    pub(super) fn part(&self, now: Moment) -> Option<Part> {
        if let Some(failed) = &self.failed {
            let mut part = Part::new("HTTP");
            part.critical(format!("HTTP is not answered: {}", failed.why));
            return Some(part);
        }
        let running = self.running.as_ref()?;
        let addresses = running.sockets.iter().filter_map(|socket| socket.listening().ok());
        let state = locked(&running.state);
        let (before, report) = (state.before, state.report);
        let totals = [
            ("requests", before.requests + report.requests),
            ("requests_refused", before.refused + report.refused),
            ("requests_failed", before.failed + report.failed),
            ("connections_refused", before.connections_refused + report.connections_refused),
            ("restarts", state.restarts),
        ];
        let mut part = Part::new("HTTP").with_addresses(addresses).with_totals("http", totals);
        part = part.with_level("http_connections", report.connections);
        match state.silences {
            0 => {}
            1 => part.warning(silence(1)),
            spans => part.critical(format!("HTTP is not answered: {}", silence(spans))),
        }
        match &state.ended {
            Some((why, _)) if state.is_down => part.critical(format!("HTTP is not answered: {why}")),
            Some((why, at_us)) if now.mono_us < at_us.saturating_add(micros(HTTP_RESTART_FORGOTTEN)) => {
                part.warning(format!("HTTP was not answered for a moment: {why}"));
            }
            _ => {}
        }
        Some(part)
    }

    /// Opens the sockets that settings take; those that are open already stay so.
    fn open(&self, settings: &Settings) -> Result<Vec<Socket>, String> {
        let known = |at: &Listening| {
            let running = self.running.as_ref()?;
            let index = running.settings.listen.iter().position(|known| known == at)?;
            running.sockets.get(index)
        };
        let open = |at: &Listening| {
            let opened = match known(at) {
                Some(socket) => {
                    socket.as_fd().try_clone_to_owned().map(|descriptor| Socket::of(at, descriptor))
                }
                None => Socket::open(at),
            };
            opened.map_err(|error| format!("failed to listen on {at} for HTTP: {error}"))
        };
        settings.listen.iter().map(open).collect()
    }

    fn run(&mut self, settings: Settings, sockets: Vec<Socket>) {
        for address in sockets.iter().filter_map(|socket| socket.listening().ok()) {
            tracing::info!("answering HTTP on {address}");
        }
        let state = Arc::new(Mutex::new(State::default()));
        let (leave, left) = oneshot::channel();
        let handed = sockets.iter().map(|socket| socket.as_fd().try_clone_to_owned());
        let task = match (handed.collect(), settings.message()) {
            (Ok(handed), Ok(text)) => tokio::spawn(supervise(text, handed, Arc::clone(&state), left)),
            (handed, text) => {
                let why = handed.err().map(|error| error.to_string());
                let why = why.or(text.err()).unwrap_or_default();
                *locked(&state) = State { ended: Some((why, 0)), is_down: true, ..State::default() };
                tokio::spawn(async {})
            }
        };
        self.failed = None;
        self.running = Some(Running { settings, sockets, state, leave, task });
    }

    /// Has the server end, whose sockets are kept where the next one takes them. Those in the file system that nobody takes are
    /// removed.
    fn replaced(&mut self, kept: &[Listening]) -> Option<JoinHandle<()>> {
        let Running { settings, leave, task, .. } = self.running.take()?;
        let _ = leave.send(());
        for listening in settings.listen.iter().filter(|listening| !kept.contains(listening)) {
            if let Listening::Unix(path) = listening {
                let _ = std::fs::remove_file(path);
            }
        }
        Some(task)
    }
}

/// Starts the process again and again, until `left`.
async fn supervise(
    settings: Vec<u8>,
    sockets: Vec<OwnedFd>,
    state: Arc<Mutex<State>>,
    mut left: oneshot::Receiver<()>,
) {
    let mut pause = HTTP_RESTART_MIN;
    loop {
        let started = clock::now();
        let why = match begin(&settings, &sockets) {
            Ok((child, agent)) => match follow(child, agent, &state, &mut left).await {
                Some(why) => why,
                None => return,
            },
            Err(error) => format!("failed to start the server: {error}"),
        };
        tracing::error!("HTTP is not answered: {why}");
        let now = clock::now();
        {
            let mut state = locked(&state);
            let gone = std::mem::take(&mut state.report);
            state.before = sum(state.before, gone);
            state.restarts += 1;
            state.ended = Some((why, now.mono_us));
            (state.is_down, state.silences) = (!state.answers || pause > HTTP_MOMENT, 0);
            state.answers = false;
        }
        if now.mono_us.saturating_sub(started.mono_us) >= micros(HTTP_RESTART_FORGOTTEN) {
            pause = HTTP_RESTART_MIN;
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = &mut left => return,
        }
        pause = (pause * 2).min(HTTP_RESTART_MAX);
    }
}

impl State {
    /// Notes what the process reports.
    fn heard(&mut self, report: Report) {
        if self.silences > 0 {
            self.ended = Some((silence(self.silences), clock::now().mono_us));
        }
        if self.ended.is_some() && (!self.answers || self.silences > 0) {
            tracing::info!("HTTP is answered again");
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
fn silence(spans: u32) -> String {
    format!("the HTTP server has said nothing for {} s", (HTTP_SILENCE * spans).as_secs())
}

fn sum(before: Report, gone: Report) -> Report {
    Report {
        requests: before.requests + gone.requests,
        refused: before.refused + gone.refused,
        failed: before.failed + gone.failed,
        connections_refused: before.connections_refused + gone.connections_refused,
        connections: 0,
    }
}

fn begin(settings: &[u8], sockets: &[OwnedFd]) -> std::io::Result<(Child, UnixStream)> {
    let sockets: Vec<_> = sockets.iter().map(AsFd::as_fd).collect();
    let (mut command, agent) = custos_shim::helper(&ARGS.map(OsStr::new), settings, &sockets)?;
    // A thread that answers keeps what it has freed; two arenas are enough for all.
    command.env("MALLOC_ARENA_MAX", "2").env_remove("NOTIFY_SOCKET").env_remove("WATCHDOG_USEC");
    let child = Command::from(command).kill_on_drop(true).spawn()?;
    agent.set_nonblocking(true)?;
    Ok((child, UnixStream::from_std(agent)?))
}

/// Follows a process to its end, and says why it ended; nothing if it was to.
async fn follow(
    mut child: Child,
    agent: UnixStream,
    state: &Mutex<State>,
    left: &mut oneshot::Receiver<()>,
) -> Option<String> {
    let mut reports = BufReader::new(agent);
    let mut line = Vec::new();
    loop {
        let mut bounded = (&mut reports).take(HTTP_REPORT_MAX_BYTES as u64);
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
                locked(state).heard(report);
                line.clear();
            }
            () = tokio::time::sleep(HTTP_SILENCE) => {
                let spans = locked(state).silent();
                if spans >= HTTP_SILENCES_MAX {
                    let _ = child.start_kill();
                    let _ = child.wait().await;
                    return Some(silence(spans));
                }
                tracing::error!("{}; it is told to go on", silence(spans));
                let pid = child.id().and_then(|pid| i32::try_from(pid).ok());
                let _ = pid.map(|pid| kill(Pid::from_raw(pid), Signal::SIGCONT));
            }
        }
    }
    // The end of the socket has it end, after the requests that it has.
    drop(reports);
    if tokio::time::timeout(HTTP_DRAIN * 2, child.wait()).await.is_err() {
        let _ = child.start_kill();
        let _ = child.wait().await;
    }
    None
}

/// How a process ended.
fn described(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("the server ended with the exit status {code}"),
        (_, Some(signal)) => format!("the server was ended by signal {signal}"),
        _ => "the server ended".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use custos_store::State as Verdict;

    fn server(state: State) -> HttpServer {
        let settings = Settings::at(std::path::Path::new("/none"), Listening::Unix("/none".into()));
        let (leave, _) = oneshot::channel();
        let (state, sockets) = (Arc::new(Mutex::new(state)), Vec::new());
        let task = tokio::spawn(async {});
        HttpServer { running: Some(Running { settings, sockets, state, leave, task }), failed: None }
    }

    #[tokio::test]
    async fn a_silent_server_is_a_warning_and_then_critical() {
        let server = server(State::default());
        let found = |now| {
            let part = server.part(now).unwrap();
            (part.state(), part.findings.first().map(|found| found.text().to_owned()).unwrap_or_default())
        };
        let state = &server.running.as_ref().unwrap().state;
        let now = clock::now();
        locked(state).heard(Report::default());
        assert_eq!(found(now).0, Verdict::Ok);
        locked(state).silent();
        assert_eq!(found(now), (Verdict::Warning, "the HTTP server has said nothing for 10 s".to_owned()));
        locked(state).silent();
        let said = "HTTP is not answered: the HTTP server has said nothing for 20 s";
        assert_eq!(found(now), (Verdict::Critical, said.to_owned()));
        locked(state).heard(Report::default());
        let said = "HTTP was not answered for a moment: the HTTP server has said nothing for 20 s";
        assert_eq!(found(now), (Verdict::Warning, said.to_owned()));
        assert_eq!(found(clock::now().after(HTTP_RESTART_FORGOTTEN)).0, Verdict::Ok);
    }
}
