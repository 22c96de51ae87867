//! The system calls that need `unsafe` and concern no single plugin.
#![expect(unsafe_code, reason = "calls of the system that nix does not have")]

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use nix::poll::{PollTimeout, poll};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;

/// The highest signal number of Linux.
const SIGNAL_MAX: i32 = 64;

/// How a child ended, and what it used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reaped {
    pub(crate) pid: i32,
    /// As `wait(2)` gives it.
    pub(crate) status: i32,
    pub(crate) cpu_us: u64,
    pub(crate) max_rss_bytes: u64,
}

/// Which side of a fork this is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Side {
    Parent(Pid),
    Child,
}

/// Takes one ended child off the kernel, of those of every thread; none if no child has ended or there is none.
pub(crate) fn reap() -> Option<Reaped> {
    wait4(-1, libc::WNOHANG | libc::__WALL)
}

/// Waits for this child, which is about to end.
pub(crate) fn reap_one(pid: i32) -> Option<Reaped> {
    wait4(pid, libc::__WALL)
}

/// Whether this is a child of this process that was not waited for.
pub(crate) fn is_child(pid: i32) -> bool {
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT | WaitPidFlag::__WALL;
    pid > 0 && waitid(Id::Pid(Pid::from_raw(pid)), flags).is_ok()
}

fn wait4(pid: i32, options: i32) -> Option<Reaped> {
    // SAFETY: `rusage` is plain numbers, for which zero is a value.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    let mut status = 0;
    loop {
        // SAFETY: both pointers are to live variables of the right type.
        let got = unsafe { libc::wait4(pid, &mut status, options, &mut usage) };
        if got > 0 {
            let cpu_us = micros(usage.ru_utime) + micros(usage.ru_stime);
            let max_rss_bytes = u64::try_from(usage.ru_maxrss).unwrap_or(0) * 1024;
            return Some(Reaped { pid: got, status, cpu_us, max_rss_bytes });
        }
        if got == 0 || io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
            return None;
        }
    }
}

fn micros(time: libc::timeval) -> u64 {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    seconds * 1_000_000 + u64::try_from(time.tv_usec).unwrap_or(0)
}

/// Forks this process, which must have one thread only.
pub(crate) fn fork_single_threaded() -> io::Result<Side> {
    // SAFETY: the shim calls this before it starts any thread, so no lock can be held by one that vanishes.
    match unsafe { nix::unistd::fork() }? {
        nix::unistd::ForkResult::Parent { child } => Ok(Side::Parent(child)),
        nix::unistd::ForkResult::Child => Ok(Side::Child),
    }
}

/// Gives every signal its default action and blocks all of them.
///
/// Ignored signals would stay ignored in the plugins; blocked ones are unblocked for each plugin.
pub(crate) fn reset_signals() -> io::Result<()> {
    // What the kernel takes: handler, flags, restorer and mask, all zero for the default action. The C library's
    // own call refuses the signals that it keeps for itself, but those may be inherited as ignored, too.
    let default = [0_u64; 4];
    for signal in (1..=SIGNAL_MAX).filter(|signal| ![libc::SIGKILL, libc::SIGSTOP].contains(signal)) {
        let (action, old) = (default.as_ptr(), std::ptr::null_mut::<u64>());
        // SAFETY: the action is read and runs no code of ours; no old action is written.
        if unsafe { libc::syscall(libc::SYS_rt_sigaction, signal, action, old, size_of::<u64>()) } != 0 {
            return Err(io::Error::last_os_error());
        }
    }
    nix::sys::signal::SigSet::all().thread_set_mask()?;
    Ok(())
}

/// Closes every descriptor above the standard three.
pub(crate) fn close_from_3() -> io::Result<()> {
    // SAFETY: called before the shim opens anything, so it owns no descriptor that is closed here.
    match unsafe { libc::syscall(libc::SYS_close_range, 3_u32, u32::MAX, 0_u32) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Whether a file has this extended attribute with this value.
pub(crate) fn attribute_is(path: &Path, name: &CStr, wanted: &[u8]) -> bool {
    let Ok(path) = CString::new(path.as_os_str().as_bytes()) else { return false };
    let mut value = [0_u8; 16];
    let (place, room) = (value.as_mut_ptr().cast::<libc::c_void>(), value.len());
    // SAFETY: two strings ended by NUL, and room for as many bytes as is said.
    let len = unsafe { libc::getxattr(path.as_ptr(), name.as_ptr(), place, room) };
    usize::try_from(len).is_ok_and(|len| &value[..len] == wanted)
}

/// As `ioprio_set(2)` numbers them: one process, and the class of what nobody waits for.
const IOPRIO_WHO_PROCESS: libc::c_int = 1;
const IOPRIO_IDLE: libc::c_int = 3 << 13;

/// Has the kernel serve everything else before this process, whose niceness grows by `nice` and which must have one thread only, so that later ones are like it.
pub(crate) fn stand_back(nice: i32) -> io::Result<()> {
    let done = |result: i64| if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) };
    // SAFETY: `sched_param` is plain numbers, for which zero is a value.
    let param: libc::sched_param = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to a live variable of the right type.
    done(unsafe { libc::sched_setscheduler(0, libc::SCHED_BATCH, &param) }.into())?;
    // SAFETY: takes no pointers. Its error is -1, which is a niceness as well; the sum is clamped by the kernel.
    let now = unsafe { libc::getpriority(libc::PRIO_PROCESS, 0) };
    // SAFETY: takes no pointers.
    done(unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, now.saturating_add(nice)) }.into())?;
    // SAFETY: takes no pointers.
    done(unsafe { libc::syscall(libc::SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_IDLE) })
}

/// Takes over descriptors that the kernel has just made for a message.
pub(crate) fn received(descriptors: Vec<RawFd>) -> Vec<OwnedFd> {
    // SAFETY: `recvmsg` made each for this call, so nothing else in the process owns it.
    descriptors.into_iter().map(|descriptor| unsafe { OwnedFd::from_raw_fd(descriptor) }).collect()
}

/// Lets some time pass where there is no event to wait for: the kernel tells nobody that a group has become empty in
/// a way that costs less.
pub(crate) fn rest(time: Duration) {
    let timeout = PollTimeout::try_from(time).unwrap_or(PollTimeout::ZERO);
    // An interrupted wait is a shorter one.
    let _ = poll(&mut [], timeout);
}

/// A process, whatever becomes of its number.
#[derive(Debug)]
pub(crate) struct ProcessHandle {
    descriptor: OwnedFd,
}

impl ProcessHandle {
    /// None if there is no such process.
    pub(crate) fn open(pid: i32) -> Option<ProcessHandle> {
        // SAFETY: two numbers; the answer is a new descriptor or -1.
        let descriptor = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
        let descriptor = i32::try_from(descriptor).ok().filter(|descriptor| *descriptor >= 0)?;
        // SAFETY: the kernel has just made it, for us alone.
        let descriptor = unsafe { OwnedFd::from_raw_fd(descriptor) };
        Some(ProcessHandle { descriptor })
    }

    /// Sends KILL. Returns whether it was sent.
    pub(crate) fn kill(&self) -> bool {
        let (descriptor, info) = (self.descriptor.as_raw_fd(), std::ptr::null::<libc::siginfo_t>());
        // SAFETY: the descriptor is open, and no information is passed.
        unsafe { libc::syscall(libc::SYS_pidfd_send_signal, descriptor, libc::SIGKILL, info, 0) == 0 }
    }
}
