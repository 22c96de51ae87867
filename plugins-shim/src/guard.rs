//! The shim's two processes: the guard, which the agent starts, and the worker below it.
//!
//! Each of agent, guard and worker may be killed at any moment, and two of them at once, and still no plugin is
//! left running. The agent's end closes the socket, upon which the worker ends everything but for what commands were
//! to leave in the background. The guard's end is told to the worker by the kernel, with the same effect. The
//! worker's end kills its plugins (each has asked the kernel for that), and what those had started becomes children
//! of the guard, which ends them. What is left when all three are killed at once is ended by the next shim (see
//! `mark.rs`). Where a control group is delegated to us, the kernel ends all of that at once (see `leaf.rs`).

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::sync::Arc;

use nix::sys::prctl;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{Pid, getpid, getppid};

use crate::error::Error;
use crate::leaf::Leaf;
use crate::mark::end_orphans;
use crate::start_watch::StartWatch;
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
    let leaf = Leaf::make(guard);
    match sys::fork_single_threaded().map_err(Error::system("start the worker"))? {
        Side::Child => worker(guard, leaf.as_ref(), UnixStream::from(socket)),
        Side::Parent(worker) => {
            drop(socket);
            Ok(wait_and_sweep(worker, leaf.as_ref()))
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
    let serving = thread
        .spawn(move || {
            let _ended = ended;
            Worker::new(socket, starter)?.serve()
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

/// Waits for the worker, then ends whatever it has left. A worker that succeeds has ended all that must end; the rest
/// is what commands were to leave in the background, and is not touched.
fn wait_and_sweep(worker: Pid, leaf: Option<&Leaf>) -> ExitCode {
    let mut code = ExitCode::FAILURE;
    loop {
        match waitpid(worker, None) {
            Ok(WaitStatus::Exited(_, 0)) => {
                if let Some(leaf) = leaf {
                    leaf.leave();
                }
                return ExitCode::SUCCESS;
            }
            Ok(WaitStatus::Exited(_, status)) => code = ExitCode::from(status as u8),
            Ok(WaitStatus::Stopped(..) | WaitStatus::Continued(_)) | Err(nix::errno::Errno::EINTR) => {
                continue;
            }
            _ => {}
        }
        break;
    }
    if let Some(leaf) = leaf {
        leaf.end();
    }
    let children = format!("/proc/self/task/{}/children", getpid());
    // Ends when there is no child left: each round kills those there are, whose own children then become ours.
    loop {
        let list = std::fs::read_to_string(&children).unwrap_or_default();
        for pid in list.split_ascii_whitespace().filter_map(|pid| pid.parse().ok()) {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
        if waitpid(None, None) == Err(nix::errno::Errno::ECHILD) {
            return code;
        }
    }
}
