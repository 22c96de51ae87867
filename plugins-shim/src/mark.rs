//! The mark that every process below a plugin carries in its environment: which run of which worker it is. Commands that
//! may leave processes in the background carry none: what they leave belongs to no run.
//!
//! `CUSTOS_RUN=NAMESPACE.WORKER.START.SERIAL`: the worker's process id with the inode of the namespace that it
//! counts in and its start in clock ticks since boot, so that no other process can ever be taken for it; then the
//! run's serial number.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;

use crate::limits::{ENVIRON_MAX_BYTES, ORPHAN_ROUNDS_MAX};
use crate::sys::ProcessHandle;

const VARIABLE: &str = "CUSTOS_RUN";

/// A worker, told from every other one on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WorkerId {
    namespace: u64,
    pid: i32,
    start: u64,
}

impl WorkerId {
    /// The identity of a process; none if it has ended, reaped or not.
    pub(crate) fn of(pid: i32) -> Option<WorkerId> {
        let namespace = std::fs::metadata("/proc/self/ns/pid").ok()?.ino();
        let stat = Stat::of(pid).filter(|stat| !stat.dead)?;
        Some(WorkerId { namespace, pid, start: stat.start })
    }

    /// The process id.
    pub(crate) fn pid(self) -> i32 {
        self.pid
    }

    /// The environment entry for a run.
    pub(crate) fn mark(self, serial: u64) -> String {
        format!("{VARIABLE}={}.{}.{}.{serial}", self.namespace, self.pid, self.start)
    }
}

/// The mark in the environment that a process was started with: its worker and the serial number of its run.
pub(crate) fn mark_of(pid: i32) -> Option<(WorkerId, u64)> {
    let mut environ = Vec::new();
    let file = File::open(format!("/proc/{pid}/environ")).ok()?;
    file.take(ENVIRON_MAX_BYTES).read_to_end(&mut environ).ok()?;
    environ.split(|byte| *byte == 0).find_map(parse_mark)
}

fn parse_mark(entry: &[u8]) -> Option<(WorkerId, u64)> {
    let value = std::str::from_utf8(entry).ok()?.strip_prefix(VARIABLE)?.strip_prefix('=')?;
    let mut parts = value.split('.');
    let namespace = parts.next()?.parse().ok()?;
    let pid = parts.next()?.parse().ok()?;
    let start = parts.next()?.parse().ok()?;
    let serial = parts.next()?.parse().ok()?;
    parts.next().is_none().then_some((WorkerId { namespace, pid, start }, serial))
}

/// Ends the processes of workers that are no more.
///
/// They are there when agent, guard and worker were killed all at once: their plugins ended with them, but not what
/// those had started. Looks until it finds none, as they may go on starting others out of its sight.
pub(crate) fn end_orphans() {
    let Some(own) = WorkerId::of(nix::unistd::getpid().as_raw()) else { return };
    for _ in 0..ORPHAN_ROUNDS_MAX {
        let Ok(processes) = std::fs::read_dir("/proc") else { return };
        let ids = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
        if ids.filter(|pid| end_orphan(*pid, own.namespace)).count() == 0 {
            return;
        }
    }
}

fn end_orphan(pid: i32, namespace: u64) -> bool {
    let orphaned = || {
        let worker = mark_of(pid).map(|(worker, _)| worker).filter(|worker| worker.namespace == namespace);
        worker.is_some_and(|worker| WorkerId::of(worker.pid) != Some(worker))
    };
    if !orphaned() {
        return false;
    }
    // Asked again once the handle is there: it stays with this process, which a number does not.
    match ProcessHandle::open(pid) {
        Some(handle) if orphaned() => handle.kill(),
        _ => false,
    }
}

/// What the kernel says of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stat {
    /// It has ended and waits to be reaped.
    pub(crate) dead: bool,
    /// A signal or a tracer has stopped it.
    pub(crate) stopped: bool,
    /// Its process group.
    pub(crate) group: i32,
    /// Its session.
    pub(crate) session: i32,
    /// When it started, in clock ticks since boot.
    pub(crate) start: u64,
}

impl Stat {
    /// Of this process; none if there is none.
    pub(crate) fn of(pid: i32) -> Option<Stat> {
        Stat::parse(&std::fs::read(format!("/proc/{pid}/stat")).ok()?)
    }

    /// Whether it belongs to a plugin of this group, whose session has the same number if the plugin leads it.
    pub(crate) fn is_of(&self, group: i32) -> bool {
        self.session == group || self.group == group
    }

    /// Reads `PID (NAME) STATE PARENT GROUP SESSION …`; the name may hold anything, so it is skipped from its end.
    fn parse(line: &[u8]) -> Option<Stat> {
        let name_end = line.iter().rposition(|byte| *byte == b')')?;
        let mut fields = std::str::from_utf8(&line[name_end + 1..]).ok()?.split_ascii_whitespace();
        let state = fields.next()?;
        let group = fields.nth(1)?.parse().ok()?;
        let session = fields.next()?.parse().ok()?;
        // Field 22 of proc(5); the session is field 6.
        let start = fields.nth(15)?.parse().ok()?;
        let (dead, stopped) = (matches!(state, "Z" | "X"), matches!(state, "T" | "t"));
        Some(Stat { dead, stopped, group, session, start })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_look_like_the_fields_after_it() {
        for (state, dead, stopped) in [("S", false, false), ("Z", true, false), ("t", false, true)] {
            let line =
                format!("71 (a) Z 1 2 3 (b)) {state} 70 69 68 0 -1 1 2 3 4 5 6 7 8 9 10 11 12 0 8899 1");
            let stat = Stat { dead, stopped, group: 69, session: 68, start: 8899 };
            assert_eq!(Stat::parse(line.as_bytes()), Some(stat));
        }
        assert_eq!(Stat::parse(b"71 (a) S 70 69 68"), None);
        assert_eq!(Stat::parse(b""), None);
    }

    #[test]
    fn a_mark_is_read_back() {
        let own = WorkerId::of(std::process::id() as i32).unwrap();
        assert_eq!(parse_mark(own.mark(77).as_bytes()), Some((own, 77)));
        for other in
            ["CUSTOS_RUN=1.2.3", "CUSTOS_RUN=1.2.3.4.5", "CUSTOS_RUN=1.2.3.x", "CUSTOS_RUNS=1.2.3.4", ""]
        {
            assert_eq!(parse_mark(other.as_bytes()), None, "{other}");
        }
    }
}
