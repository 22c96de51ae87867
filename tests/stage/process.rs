//! The processes of the machine, as `/proc` shows them, and signals to them.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// The ids of all processes.
pub(crate) fn all_processes() -> impl Iterator<Item = i32> {
    fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

/// The children of every thread of a process, zombies included.
pub(crate) fn children(pid: i32) -> Vec<i32> {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    let lists = threads.filter_map(|thread| fs::read_to_string(thread.ok()?.path().join("children")).ok());
    lists
        .flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<i32>>())
        .collect()
}

/// Every process that has this path in its environment or on its command line.
pub(crate) fn marked_by(path: &Path) -> Vec<i32> {
    let mark = path.as_os_str().as_bytes();
    all_processes().filter(|pid| has_marks(*pid, &[mark])).collect()
}

/// Whether all of these bytes occur in the environment of a process, or all on its command line.
pub(crate) fn has_marks(pid: i32, marks: &[&[u8]]) -> bool {
    let within =
        |bytes: Vec<u8>| marks.iter().all(|mark| bytes.windows(mark.len()).any(|window| window == *mark));
    ["environ", "cmdline"].iter().any(|file| fs::read(format!("/proc/{pid}/{file}")).is_ok_and(within))
}

/// Sends a signal to a process, which must exist.
pub(crate) fn send(pid: i32, signal: Signal) {
    kill(Pid::from_raw(pid), signal).unwrap();
}

/// Kills a process, which may have ended already.
pub(crate) fn kill_hard(pid: i32) {
    let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
}
