//! The worker: one thread that waits for everything at once, starts plugins and reports what came of them.
//!
//! A turn of its loop handles what has happened, in this order: output, ended children, requests, what is due.
//! The result of a plugin is final when its process has ended: what its pipes hold is read, and nothing is waited
//! for. Only where processes are left alone that outlive a plugin, its output is waited for a little while they hold it
//! open. The process has two threads, see `strays.rs`; the first watches what this one starts, see `start_watch.rs`.
//!
//! Most plugins end within milliseconds and print little. So their pipes are left alone at first, and read when they
//! have ended; only those of a plugin that is still there after [`WATCH_AFTER`] are waited on and read on.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::signal::Signal;

use crate::capture::{Capture, drain_ended};
use crate::child::{StartError, Starter, Stdio};
use crate::clock::monotonic_us;
use crate::descriptors::Descriptors;
use crate::error::{DecodeError, Error, VERSION};
use crate::leaf::Leaf;
use crate::left_open::LeftOpen;
use crate::limits::{
    END_WAIT, EVENTS_PER_TURN_MAX, READ_BYTES, RUNS_MAX, STARTS_PER_TURN_MAX, STRAYS_LOOK, WAIT_MAX,
    WATCH_AFTER,
};
use crate::outbound::Outbound;
use crate::own_limits::OwnLimits;
use crate::run::{Due, Order, Run, kept_bytes};
use crate::runs::Runs;
use crate::signals::Signals;
use crate::spec::{Outcome, Report, Spec};
use crate::start_watch::StartWatch;
use crate::strays::Strays;
use crate::sys::{self, Reaped};
use crate::warm::Parents;
use crate::wire::{Message, decode_message};

mod warm;

/// The signal that the kernel sends when the guard has ended.
pub(crate) const GUARD_ENDED: Signal = Signal::SIGUSR1;

const TAG_SOCKET: u64 = 0;
const TAG_SIGNALS: u64 = 1;
/// Tags of pipes: twice the serial number plus this for stdout, one more for stderr.
const TAG_PIPES: u64 = 2;
/// Set in the tags of warm interpreters, beside their numbers.
const TAG_PARENTS: u64 = 1 << 63;

/// Why the worker is ending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// The agent asked for it and waits for the reports.
    Asked,
    /// Nobody is there to be told.
    Alone,
}

/// The state of the loop.
pub(crate) struct Worker {
    epoll: Epoll,
    signals: Signals,
    socket: UnixStream,
    greeted: bool,
    inbound: Vec<u8>,
    /// Bytes of `inbound` that are already handled.
    inbound_done: usize,
    outbound: Outbound,
    /// The events of the socket that are waited for.
    socket_events: EpollFlags,
    descriptors: Descriptors,
    own_limits: OwnLimits,
    /// Somebody has changed the limits of this process, which the agent knows by now.
    limits_changed: bool,
    starter: Starter,
    runs: Runs,
    /// Warm interpreters.
    warm: Parents,
    /// /dev/null.
    null: File,
    /// When the pipes of which run are to be waited on, in the order of the starts.
    unwatched: VecDeque<(u64, u64)>,
    /// Outputs that what plugins have left behind may still write to.
    left_open: LeftOpen,
    strays: Strays,
    /// Escaped processes are there that must be ended.
    strays_left: bool,
    ending: Option<(Ending, u64)>,
    /// Children taken off the kernel in one turn.
    reaped: Vec<Reaped>,
    buffer: Vec<u8>,
}

impl Worker {
    /// A worker that serves the agent on `socket`.
    ///
    /// Signals must be blocked already, as they are taken from a descriptor; the descriptor 0 must be /dev/null and the
    /// working directory `/`, as the plugins inherit them. `leaf` is the control group that this process has entered.
    pub(crate) fn new(
        socket: UnixStream,
        watch: Arc<StartWatch>,
        leaf: Option<Leaf>,
    ) -> Result<Worker, Error> {
        socket.set_nonblocking(true).map_err(Error::system("use the agent's socket"))?;
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).map_err(Error::system("wait for events"))?;
        let signals =
            Signals::open(&[Signal::SIGCHLD, GUARD_ENDED]).map_err(Error::system("take signals"))?;
        let socket_events = EpollFlags::EPOLLIN;
        epoll
            .add(&socket, EpollEvent::new(socket_events, TAG_SOCKET))
            .map_err(Error::system("wait for the agent"))?;
        epoll
            .add(&signals, EpollEvent::new(EpollFlags::EPOLLIN, TAG_SIGNALS))
            .map_err(Error::system("wait for signals"))?;
        let mut outbound = Outbound::default();
        outbound.message(&Message::Hello { version: VERSION })?;
        Ok(Worker {
            epoll,
            signals,
            socket,
            greeted: false,
            inbound: Vec::new(),
            inbound_done: 0,
            outbound,
            socket_events,
            descriptors: Descriptors::of_this_process()
                .map_err(Error::system("read the limit of open files"))?,
            own_limits: OwnLimits::now(),
            limits_changed: false,
            starter: Starter::new(watch),
            runs: Runs::default(),
            warm: Parents::default(),
            null: File::options()
                .read(true)
                .write(true)
                .open("/dev/null")
                .map_err(Error::system("open /dev/null"))?,
            unwatched: VecDeque::new(),
            left_open: LeftOpen::default(),
            strays: Strays::watch(leaf).map_err(Error::system("watch for escaped processes"))?,
            strays_left: false,
            ending: None,
            reaped: Vec::new(),
            buffer: vec![0; READ_BYTES],
        })
    }

    /// Serves until the agent ends the conversation and everything that must end has ended: `true`. It gives up on what
    /// takes too long: `false`.
    pub(crate) fn serve(&mut self) -> Result<bool, Error> {
        let mut events = vec![EpollEvent::empty(); EVENTS_PER_TURN_MAX];
        let mut requests = false;
        loop {
            self.send();
            if let Some(all_ended) = self.done() {
                return Ok(all_ended);
            }
            let wait = if requests { EpollTimeout::ZERO } else { self.wait() };
            let count = match self.epoll.wait(&mut events, wait) {
                Ok(count) => count,
                Err(nix::errno::Errno::EINTR) => 0,
                Err(error) => return Err(Error::system("wait for events")(error)),
            };
            for event in &events[..count] {
                match event.data() {
                    TAG_SOCKET => self.receive(event.events()),
                    TAG_SIGNALS => self.take_signals(),
                    tag if tag & TAG_PARENTS != 0 => self.take_answers(tag & !TAG_PARENTS),
                    tag => self.drain(tag - TAG_PIPES),
                }
            }
            requests = self.handle_requests();
            self.handle_due();
            if self.strays_left {
                self.end_strays();
            }
        }
    }

    /// Whether all has ended that must, once there is nothing more to do.
    fn done(&self) -> Option<bool> {
        let (ending, until_us) = self.ending?;
        let told = ending == Ending::Alone || self.outbound.is_empty();
        let all_ended = self.runs.len() == 0 && self.warm.pending_len() == 0 && !self.strays_left;
        ((all_ended && told) || monotonic_us() >= until_us).then_some(all_ended)
    }

    /// How long nothing can be due.
    fn wait(&self) -> EpollTimeout {
        let now_us = monotonic_us();
        let strays = self.strays_left.then(|| now_us + STRAYS_LOOK.as_micros() as u64);
        let end = self.ending.map(|(_, until_us)| until_us);
        let watch = self.unwatched.front().map(|(watch_us, _)| *watch_us);
        let warm = self.warm.next_due_us();
        let due_us = [self.runs.next_due_us(), warm, watch, self.outbound.due_us(), strays, end]
            .into_iter()
            .flatten()
            .min();
        let Some(due_us) = due_us else { return EpollTimeout::NONE };
        // Rounded up, so that what is due is due when the wait ends.
        let wait_ms = due_us.saturating_sub(now_us).div_ceil(1000);
        EpollTimeout::from(u16::try_from(wait_ms).unwrap_or(u16::MAX))
    }

    fn take_signals(&mut self) {
        if self.signals.take().contains(GUARD_ENDED) {
            self.end(Ending::Alone, Duration::ZERO);
        }
        self.reaped.extend(std::iter::from_fn(sys::reap));
        self.take_owed();
        let mut reaped = std::mem::take(&mut self.reaped);
        reaped.retain(|ended| {
            let is_plugin = self.runs.serial_of(ended.pid).is_some();
            if !is_plugin {
                self.strays.reaped(ended.pid);
                self.warm.reaped(ended.pid);
            }
            is_plugin
        });
        // After the last was reaped, so none of what they left can be missing.
        self.strays_left = self.strays.look();
        for ended in reaped.drain(..) {
            if let Some(serial) = self.runs.serial_of(ended.pid) {
                self.plugin_ended(serial, ended);
            }
        }
        self.reaped = reaped;
    }

    fn drain(&mut self, pipe: u64) {
        let serial = pipe / 2;
        let Some(run) = self.runs.get_mut(serial) else {
            return self.left_open.drain(pipe, &mut self.buffer);
        };
        let capture = if pipe.is_multiple_of(2) { &mut run.stdout } else { &mut run.stderr };
        capture.drain(&mut self.buffer);
        if let Some(ended) = run.ended() {
            if run.awaits_output() {
                let now_us = monotonic_us();
                self.runs.update(serial, |run| run.output_came(now_us));
            } else {
                self.strays_left |= self.strays.look();
                self.finish(serial, Some(ended));
            }
        }
    }

    /// Ends the run of a plugin that has ended, at once or when its output has. The strays must have been looked for.
    fn plugin_ended(&mut self, serial: u64, ended: Reaped) {
        let Some(run) = self.runs.get_mut(serial) else { return };
        drain_ended(&mut run.stdout, &mut run.stderr, &mut self.buffer);
        if self.ending.is_none() && run.awaits_output() && watch(&self.epoll, serial, run).is_ok() {
            let now_us = monotonic_us();
            return self.runs.update(serial, |run| run.await_output(ended, now_us));
        }
        self.finish(serial, Some(ended));
    }

    /// Ends the run of a plugin that has ended, or of one that cannot be ended, and reports it. The strays must have
    /// been looked for.
    fn finish(&mut self, serial: u64, reaped: Option<Reaped>) {
        let now_us = monotonic_us();
        let Some(run) = self.runs.get_mut(serial) else { return };
        drain_ended(&mut run.stdout, &mut run.stderr, &mut self.buffer);
        let (group, leave_background, was_ended) = (run.group, run.leave_background, run.was_ended());
        if leave_background
            && watch(&self.epoll, serial, run).is_ok()
            && let Some(pipe) = run.stdout.take_pipe()
        {
            self.left_open.add(2 * serial, pipe);
        }
        let left_behind = if leave_background { 0 } else { self.strays.count(serial, group, &self.runs) };
        if was_ended {
            self.strays.end_group(group);
        }
        if leave_background {
            self.strays.spare(serial, group);
        }
        let Some(run) = self.runs.remove(serial) else { return };
        let order = run.order;
        self.report(order, &run.report(reaped, now_us, left_behind));
    }

    fn report(&mut self, order: Order, report: &Report) {
        if !matches!(self.ending, Some((Ending::Alone, _))) {
            self.outbound.report(order.ticket, report, order.awaited);
        }
    }

    fn end_strays(&mut self) {
        self.strays_left = match self.ending {
            Some(_) if self.runs.len() == 0 => self.strays.end_all(),
            _ => self.strays.end(&self.runs),
        };
    }

    fn handle_due(&mut self) {
        let now_us = monotonic_us();
        self.watch_pipes(now_us);
        self.handle_parents_due(now_us);
        while let Some((serial, due)) = self.runs.take_due(now_us) {
            let Some(run) = self.runs.get_mut(serial) else { continue };
            match due {
                Due::Terminate => {
                    run.signal(Signal::SIGTERM);
                    run.signal(Signal::SIGCONT);
                }
                Due::Kill => run.signal(Signal::SIGKILL),
                Due::GiveUp => {
                    let ended = run.ended();
                    self.strays_left |= self.strays.look();
                    self.finish(serial, ended);
                }
            }
        }
    }

    /// Waits from now on for the output of the plugins that have run for a while.
    fn watch_pipes(&mut self, now_us: u64) {
        while let Some((watch_us, serial)) = self.unwatched.front().copied() {
            if let Some(run) = self.runs.get_mut(serial) {
                if watch_us > now_us {
                    return;
                }
                if watch(&self.epoll, serial, run).is_err() {
                    // The kernel is short of memory: later.
                    self.unwatched[0].0 = now_us + WATCH_AFTER.as_micros() as u64;
                    return;
                }
            }
            self.unwatched.pop_front();
        }
    }

    /// Begins the end: TERM, this grace, KILL, for all that runs.
    fn end(&mut self, ending: Ending, grace: Duration) {
        if matches!(self.ending, Some((Ending::Alone, _))) {
            return;
        }
        let now_us = monotonic_us();
        let until_us = now_us + (grace.min(WAIT_MAX) + END_WAIT).as_micros() as u64;
        self.ending = Some((ending, until_us));
        self.strays_left = true;
        self.outbound.hurry();
        self.runs.abandon_all(now_us, grace.as_micros() as u64);
        self.warm.end_idle();
        if ending == Ending::Alone {
            self.outbound.clear();
            let _ = self.epoll.delete(&self.socket);
        }
    }

    fn receive(&mut self, events: EpollFlags) {
        if !events.intersects(EpollFlags::EPOLLIN | EpollFlags::EPOLLHUP | EpollFlags::EPOLLERR) {
            return;
        }
        match self.socket.read(&mut self.buffer) {
            Ok(0) => self.end(Ending::Alone, Duration::ZERO),
            Ok(len) => self.inbound.extend_from_slice(&self.buffer[..len]),
            Err(error) if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock) => {}
            Err(_) => self.end(Ending::Alone, Duration::ZERO),
        }
    }

    /// Handles some of the messages that have come in. Returns whether there are more.
    fn handle_requests(&mut self) -> bool {
        for _ in 0..STARTS_PER_TURN_MAX {
            if self.outbound.is_full() {
                return false;
            }
            match decode_message(&self.inbound[self.inbound_done..]) {
                Ok(Some((message, len))) => {
                    self.inbound_done += len;
                    self.handle(message);
                }
                Ok(None) => {
                    self.inbound.drain(..self.inbound_done);
                    self.inbound_done = 0;
                    return false;
                }
                Err(error) => {
                    self.refuse(error);
                    return false;
                }
            }
        }
        true
    }

    fn handle(&mut self, message: Message) {
        match message {
            Message::Hello { version: VERSION } => self.greeted = true,
            Message::Hello { version } => self.refuse(DecodeError::Version(version)),
            Message::Start { ticket, asked_us, awaited, spec } if self.greeted => {
                self.start(Order { ticket, asked_us, awaited }, spec);
            }
            Message::Stop { grace } if self.greeted => self.end(Ending::Asked, grace),
            _ => self.refuse(DecodeError::Unexpected),
        }
    }

    /// The agent cannot be understood any more, so it cannot be served.
    fn refuse(&mut self, error: DecodeError) {
        // With stderr closed there is nobody to tell.
        let _ = writeln!(io::stderr(), "custos: {}", Error::Protocol(error));
        self.end(Ending::Alone, Duration::ZERO);
    }

    fn start(&mut self, order: Order, spec: Box<Spec>) {
        if self.ending.is_some() {
            let order = Order { awaited: true, ..order };
            return self.report(order, &Report::without_run(Outcome::NotFinished));
        }
        if self.limits_changed || self.find_limits_changed() {
            // The agent ends this worker, which answers for everything that it owes.
            return;
        }
        let warm = if spec.warm.any() { self.start_warm(order, spec) } else { Err(spec) };
        if let Err(spec) = warm {
            self.start_cold(order, &spec);
        }
    }

    fn start_cold(&mut self, order: Order, spec: &Spec) {
        if let Err(StartError { errno, message }) = self.try_start(order, spec) {
            self.report(order, &Report::without_run(Outcome::NotStarted { errno, message }));
        }
    }

    /// Whether somebody has changed the limits of this process, which every plugin would inherit; the agent then hears
    /// of it.
    fn find_limits_changed(&mut self) -> bool {
        if self.own_limits.are_changed() || self.descriptors.are_changed_by_others() {
            self.limits_changed = self.outbound.message(&Message::LimitsChanged).is_ok();
            self.outbound.hurry();
        }
        self.limits_changed
    }

    fn try_start(&mut self, order: Order, spec: &Spec) -> Result<(), StartError> {
        if self.runs.len() + self.warm.pending_len() >= RUNS_MAX {
            let message = format!("failed to start a plugin: {RUNS_MAX} are running already");
            return Err(StartError { errno: libc::EAGAIN, message });
        }
        let [(stdout, stdout_end), (stderr, stderr_end)] = open_outputs(spec)?;
        let serial = self.runs.reserve();
        let now_us = monotonic_us();
        if self.descriptors.may_run_out(self.runs.len() + self.left_open.len()) {
            self.descriptors.raise();
        }
        let stdin = input(&spec.stdin)?;
        let stdin = stdin.as_ref().map(AsFd::as_fd);
        let stdio = Stdio { stdin, stdout: stdout_end.as_fd(), stderr: stderr_end.as_fd() };
        let mark = (!spec.leave_background).then(|| self.strays.mark(serial));
        let started = self.starter.start(spec, mark.as_deref(), stdio, self.descriptors.changed())?;
        self.strays.started(started.group);
        self.unwatched.push_back((now_us + WATCH_AFTER.as_micros() as u64, serial));
        self.runs.add(serial, Run::new(order, spec, started, now_us, stdout, stderr));
        Ok(())
    }

    /// Sends what is due, and waits for the socket only if it takes no more.
    fn send(&mut self) {
        if self.outbound.send(self.socket.as_raw_fd(), monotonic_us()).is_err() {
            return self.end(Ending::Alone, Duration::ZERO);
        }
        if !matches!(self.ending, Some((Ending::Alone, _))) {
            self.wait_for_socket();
        }
    }

    /// Waits for what the socket is needed for: not for requests while earlier ones or reports pile up.
    fn wait_for_socket(&mut self) {
        let mut wanted = if self.outbound.is_full() { EpollFlags::empty() } else { EpollFlags::EPOLLIN };
        if self.outbound.is_blocked() {
            wanted |= EpollFlags::EPOLLOUT;
        }
        if wanted != self.socket_events {
            let mut event = EpollEvent::new(wanted, TAG_SOCKET);
            if self.epoll.modify(&self.socket, &mut event).is_ok() {
                self.socket_events = wanted;
            }
        }
    }
}

fn watch(epoll: &Epoll, serial: u64, run: &Run) -> io::Result<()> {
    // Both before either can be found closed, as `drain_ended` expects.
    run.stdout.unblock()?;
    run.stderr.unblock()?;
    for (place, capture) in [(0, &run.stdout), (1, &run.stderr)] {
        if let Some(pipe) = capture.pipe() {
            match epoll.add(pipe, EpollEvent::new(EpollFlags::EPOLLIN, 2 * serial + place + TAG_PIPES)) {
                // From an attempt that failed with the other one.
                Ok(()) | Err(nix::errno::Errno::EEXIST) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(())
}

/// The pipes for stdout and stderr: each with the end that the plugin has.
fn open_outputs(spec: &Spec) -> Result<[(Capture, OwnedFd); 2], StartError> {
    let (stdout_max, stderr_max) = kept_bytes(spec);
    let stderr = match spec.leave_background {
        true => Capture::open_lasting(stderr_max),
        false => Capture::open(stderr_max),
    };
    let outputs = [Capture::open(stdout_max), stderr].map(|pipe| pipe.map_err(|error| no_pipe(&error)));
    let [stdout, stderr] = outputs;
    Ok([stdout?, stderr?])
}

/// What a plugin finds at its stdin, as a file in memory, so that nobody has to feed it while it runs.
fn input(bytes: &[u8]) -> Result<Option<File>, StartError> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let write = || {
        let mut file = File::from(memfd_create(c"custos-stdin", MFdFlags::MFD_CLOEXEC)?);
        file.write_all(bytes)?;
        file.rewind()?;
        Ok(Some(file))
    };
    write().map_err(|error: io::Error| StartError {
        errno: error.raw_os_error().unwrap_or(libc::ENOMEM),
        message: format!("failed to make a file for the plugin's input: {error}"),
    })
}

fn no_pipe(error: &io::Error) -> StartError {
    let errno = error.raw_os_error().unwrap_or(libc::EMFILE);
    StartError { errno, message: format!("failed to make a pipe for the plugin's output: {error}") }
}
