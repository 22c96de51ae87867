//! The shim's two processes: the guard, which the agent starts, and the worker below it.
//!
//! Each of agent, guard and worker may be killed at any moment, and two of them at once, and still no plugin is
//! left running. The agent's end closes the socket, upon which the worker ends everything but for what commands were
//! to leave in the background. The guard's end is told to the worker by the kernel, with the same effect. The
//! worker's end kills its plugins (each has asked the kernel for that), and what those had started becomes children
//! of the guard, which ends those that carry a run's mark. What is left when all three are killed at once is ended by the
//! next shim by the same mark (see `mark.rs`). Where a control group is delegated to us, the kernel ends all that a worker
//! left at once (see `leaf.rs`).
//!
//! Invariant: what a command has started that may leave it in the background (of NRPE, of a target, an event handler)
//! is ended by none of them. It has no mark and is in no group that is ended.
//!
//! Each may also be stopped: the guard sees a stopped worker and stops itself, so that the agent, its parent, sees it,
//! says so and has both go on or ends them.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::sync::Arc;

use nix::sys::prctl;
use nix::sys::signal::{SigSet, Signal, kill, raise};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, getpid, getppid};

use crate::clock::monotonic_us;
use crate::error::Error;
use crate::launch::WATCHED;
use crate::leaf::Leaf;
use crate::limits::{STRAYS_LOOK, WORKER_END_WAIT};
use crate::mark::{end_orphans, mark_of};
use crate::start_watch::StartWatch;
use crate::strays::end_stray;
use crate::sys::{self, Side};
use crate::worker::{GUARD_ENDED, Worker};

/// Serves the agent that is at the other end of stdin, until it closes the socket. The whole life of the shim's
/// processes: nothing may have been started or opened before.
pub fn serve() -> ExitCode {
    match guard() {
        Ok(code) => code,
        Err(error) => {
            // With stderr closed there is nobody to tell.
            let _ = writeln!(io::stderr(), "custos: {error}");
            ExitCode::FAILURE
        }
    }
}

fn guard() -> Result<ExitCode, Error> {
    let agent = getppid();
    let agent_looks = std::env::var_os(WATCHED).is_some();
    // Plugins of the shim's own user must not trace either process nor take descriptors out of it. They are dumpable
    // again once they execute their program.
    prctl::set_dumpable(false).map_err(Error::system("keep tracers away"))?;
    // Wakes a guard that is stopped when the agent ends.
    prctl::set_pdeathsig(Signal::SIGCONT).map_err(Error::system("watch the agent"))?;
    sys::close_from_3().map_err(Error::system("close inherited files"))?;
    sys::reset_signals().map_err(Error::system("reset signals"))?;
    let null =
        File::options().read(true).write(true).open("/dev/null").map_err(Error::system("open /dev/null"))?;
    let socket = std::io::stdin();
    let socket = std::os::fd::AsFd::as_fd(&socket)
        .try_clone_to_owned()
        .map_err(Error::system("use the agent's socket"))?;
    // From here on the descriptor 0 of either process is no longer the socket.
    nix::unistd::dup2_stdin(&null).map_err(Error::system("detach from stdin"))?;
    drop(null);
    // Plugins that lead no session are in this one, which has no terminal. It fails only where this process leads one.
    let _ = nix::unistd::setsid();
    std::env::set_current_dir("/").map_err(Error::system("enter the root directory"))?;
    prctl::set_child_subreaper(true).map_err(Error::system("adopt escaped processes"))?;
    end_orphans();
    let guard = getpid();
    let children =
        File::open(format!("/proc/self/task/{guard}/children")).map_err(Error::system("list children"))?;
    let leaf = Leaf::make(guard);
    match sys::fork_single_threaded().map_err(Error::system("start the worker"))? {
        Side::Child => worker(guard, leaf.as_ref(), UnixStream::from(socket)),
        Side::Parent(worker) => {
            drop(socket);
            Ok(wait_and_sweep(Watched { worker, agent, agent_looks, children }, leaf.as_ref()))
        }
    }
}

/// The second process: two threads, of which this one watches what the other starts (see `strays.rs` for why there are
/// two).
fn worker(guard: Pid, leaf: Option<&Leaf>, socket: UnixStream) -> Result<ExitCode, Error> {
    prctl::set_pdeathsig(GUARD_ENDED).map_err(Error::system("watch the guard"))?;
    if getppid() != guard {
        return Ok(ExitCode::FAILURE);
    }
    prctl::set_child_subreaper(true).map_err(Error::system("adopt escaped processes"))?;
    if let Some(leaf) = leaf {
        leaf.enter();
    }
    let thread = std::thread::Builder::new().name("custos-shim".to_owned());
    let watch = Arc::new(StartWatch::default());
    let (starter, ended) = (Arc::clone(&watch), EndsWatch(Arc::clone(&watch)));
    let leaf = leaf.cloned();
    let serving = thread
        .spawn(move || {
            let _ended = ended;
            Worker::new(socket, starter, leaf)?.serve()
        })
        .map_err(Error::system("start the worker's thread"))?;
    watch.watch();
    match serving.join() {
        Ok(Ok(all_ended)) => Ok(if all_ended { ExitCode::SUCCESS } else { ExitCode::FAILURE }),
        Ok(Err(error)) => Err(error),
        // The panic has printed its message.
        Err(_) => Ok(ExitCode::FAILURE),
    }
}

/// Ends the watch when the worker's thread ends, even by a panic.
struct EndsWatch(Arc<StartWatch>);

impl Drop for EndsWatch {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// The guard's view of the worker.
struct Watched {
    worker: Pid,
    /// The agent, which is the guard's parent until it ends.
    agent: Pid,
    /// Whether the agent notices when this process is stopped.
    agent_looks: bool,
    /// The list of this process' children. Opened early: whoever lowers our limit of open files does not take it away.
    children: File,
}

impl Watched {
    /// Waits for the worker's end. Returns the status that it exited with; none if a signal ended it.
    ///
    /// SIGTERM has the worker killed.
    fn wait(&self) -> Option<i32> {
        let signals: SigSet = [Signal::SIGCHLD, Signal::SIGTERM, Signal::SIGCONT].into_iter().collect();
        let mut kill_us = None;
        loop {
            match waitpid(self.worker, Some(WaitPidFlag::WNOHANG | WaitPidFlag::WUNTRACED)) {
                Ok(WaitStatus::Exited(_, status)) => return Some(status),
                Ok(WaitStatus::Stopped(..)) => self.worker_stopped(),
                Ok(WaitStatus::StillAlive | WaitStatus::Continued(_)) if self.agent_is_there() => {
                    if signals.wait() == Ok(Signal::SIGTERM) {
                        let _ = kill(self.worker, Signal::SIGKILL);
                    }
                }
                Ok(WaitStatus::StillAlive | WaitStatus::Continued(_)) => {
                    self.wait_without_agent(&mut kill_us)
                }
                Err(nix::errno::Errno::EINTR) => {}
                _ => return None,
            }
        }
    }

    fn agent_is_there(&self) -> bool {
        getppid() == self.agent
    }

    /// Somebody has stopped the worker. The agent is to know before it goes on, because it knows what runs: it sees its
    /// child stop, this process, and continues or ends it.
    fn worker_stopped(&self) {
        if self.agent_looks && self.agent_is_there() {
            let _ = raise(Signal::SIGSTOP);
        }
        let _ = kill(self.worker, Signal::SIGCONT);
    }

    /// The worker ends by itself when the agent has; what takes too long is killed, which a stopped one cannot escape.
    fn wait_without_agent(&self, kill_us: &mut Option<u64>) {
        let now_us = monotonic_us();
        if now_us >= *kill_us.get_or_insert(now_us + WORKER_END_WAIT.as_micros() as u64) {
            let _ = kill(self.worker, Signal::SIGKILL);
        }
        sys::rest(STRAYS_LOOK);
    }

    /// Ends every child of a run that had to end, until there is none left: each round kills those there are, whose own
    /// children then become ours.
    fn sweep(&mut self) {
        loop {
            let mut list = String::new();
            if self.children.rewind().is_ok() {
                let _ = self.children.read_to_string(&mut list);
            }
            let children = list.split_ascii_whitespace().filter_map(|pid| pid.parse().ok());
            let ours: Vec<i32> = children.filter(|pid| mark_of(*pid).is_some()).collect();
            if ours.is_empty() {
                return;
            }
            for pid in ours {
                end_stray(pid);
                sys::reap_one(pid);
            }
        }
    }
}

/// Waits for the worker, then ends whatever it has left. A worker that succeeds has ended all that must end; the rest
/// is what commands were to leave in the background, and is not touched.
fn wait_and_sweep(mut watched: Watched, leaf: Option<&Leaf>) -> ExitCode {
    let status = watched.wait();
    if status == Some(0) {
        if let Some(leaf) = leaf {
            leaf.leave();
        }
        return ExitCode::SUCCESS;
    }
    if let Some(leaf) = leaf {
        leaf.end();
    }
    watched.sweep();
    status.map_or(ExitCode::FAILURE, |status| ExitCode::from(status as u8))
}
