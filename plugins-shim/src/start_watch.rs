//! Ends a plugin that is stopped before it has executed its program.
//!
//! Between the change of user and `execve`, a child belongs to the user of its plugin while the worker is suspended
//! (see `child.rs`). Whoever runs plugins as that user can send it SIGSTOP, which no process can block, and would stop
//! the plugins of everybody. So the worker's first thread, which has nothing else to do, watches each such start: a child
//! that is found stopped is killed, and for [`STOPPED_PENALTY`] no plugin of its user is started, or a loop of signals
//! would delay the others by little and often.
//!
//! So are plugins of the worker's own user, unless that is root, but their user is not barred: it is everybody's. Who runs
//! as that user can stop the worker itself as well, which the agent notices (`src/execute/shim_process.rs`).

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::clock::monotonic_us;
use crate::limits::{START_LOOK, START_WATCH_LINGER, STOPPED_PENALTY, STOPPED_USERS_MAX};
use crate::mark::Stat;

/// The child that has not executed its program yet; 0 if there is none. Written by the kernel when it makes the child.
static STARTING_PID: AtomicI32 = AtomicI32::new(0);

/// What the two threads of a worker know of starts.
#[derive(Debug, Default)]
pub(crate) struct StartWatch {
    state: Mutex<State>,
    changed: Condvar,
    /// Whether the watching thread sleeps until something is started.
    parked: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    /// When the start under way began (monotonic µs), if one is.
    started_us: Option<u64>,
    /// When the last one began.
    last_us: u64,
    /// The child that was killed in the start under way.
    killed: Option<i32>,
    /// Users whose plugins are not started for now, each until when (monotonic µs).
    penalties: HashMap<u32, u64>,
    ending: bool,
}

impl StartWatch {
    fn state(&self) -> MutexGuard<'_, State> {
        // Neither thread panics while it has the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a plugin of this user may not be started, because one of them was just stopped.
    pub(crate) fn is_barred(&self, uid: u32) -> bool {
        let mut state = self.state();
        if state.penalties.is_empty() {
            return false;
        }
        let now_us = monotonic_us();
        state.penalties.retain(|_, until_us| *until_us > now_us);
        state.penalties.contains_key(&uid)
    }

    /// Has a start watched from now on.
    pub(crate) fn begin(&self) {
        let now_us = monotonic_us();
        let mut state = self.state();
        (state.started_us, state.last_us, state.killed) = (Some(now_us), now_us, None);
        drop(state);
        if self.parked.load(Ordering::Acquire) {
            self.changed.notify_one();
        }
    }

    /// Ends the watch of a start. Must come before the child is reaped. Returns whether it was stopped, and so killed; then
    /// its user, if it is another than the worker's, is barred for a while.
    pub(crate) fn end(&self, pid: i32, other_user: Option<u32>) -> bool {
        let mut state = self.state();
        STARTING_PID.store(0, Ordering::Release);
        state.started_us = None;
        let stopped = state.killed.take() == Some(pid);
        if let Some(uid) = other_user
            && stopped
            && state.penalties.len() < STOPPED_USERS_MAX
        {
            let until_us = monotonic_us() + STOPPED_PENALTY.as_micros() as u64;
            state.penalties.insert(uid, until_us);
        }
        stopped
    }

    /// Has [`StartWatch::watch`] return.
    pub(crate) fn stop(&self) {
        self.state().ending = true;
        self.changed.notify_one();
    }

    /// Watches until [`StartWatch::stop`]: looks at the start under way every [`START_LOOK`] as long as there were any
    /// lately, and sleeps otherwise.
    pub(crate) fn watch(&self) {
        let mut state = self.state();
        while !state.ending {
            let linger_us = START_WATCH_LINGER.as_micros() as u64;
            let idle = state.started_us.is_none() && monotonic_us() >= state.last_us + linger_us;
            self.parked.store(idle, Ordering::Release);
            state = match idle {
                true => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                false => {
                    self.changed.wait_timeout(state, START_LOOK).unwrap_or_else(PoisonError::into_inner).0
                }
            };
            self.parked.store(false, Ordering::Release);
            let look_us = START_LOOK.as_micros() as u64;
            let slow = state.started_us.is_some_and(|started_us| monotonic_us() >= started_us + look_us);
            if slow && state.killed.is_none() {
                let pid = STARTING_PID.load(Ordering::Acquire);
                // It cannot have been reaped, nor its number given to another: that takes the lock first.
                let stopped = pid > 0 && Stat::of(pid).is_some_and(|stat| stat.stopped);
                if stopped && kill(Pid::from_raw(pid), Signal::SIGKILL).is_ok() {
                    state.killed = Some(pid);
                }
            }
        }
    }
}

/// Where the kernel writes which process is being started.
pub(crate) fn starting_pid() -> *mut i32 {
    STARTING_PID.as_ptr()
}
