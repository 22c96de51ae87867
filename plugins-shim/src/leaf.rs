//! A control group of the worker's own, where one is delegated to us: with `cgroup.kill` the kernel ends everything in it
//! at once, however often it forks and whatever it hides.
//!
//! The guard makes the group, the worker enters it before it starts anything, and so every plugin is born in it. What a
//! command has left in the background is moved out of it, as it is nothing that may be ended with the shim. Where
//! nothing is delegated (`Delegate=yes` of systemd does it) or the kernel is too old, there is no group, and the other
//! means of the guard have to do: see `guard.rs` and `mark.rs`.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::unistd::{Pid, Uid};

use crate::clock::monotonic_us;
use crate::limits::{END_WAIT, LEAVE_ROUNDS_MAX, RELEASED_MAX};
use crate::sys;

/// The group of a worker is named after its guard: this, then the guard's process id.
const PREFIX: &str = "custos-shim-";
/// Names of the attribute by which systemd says that a group is delegated.
const DELEGATED: [&std::ffi::CStr; 2] = [c"user.delegate", c"trusted.delegate"];

/// The control group of a worker.
#[derive(Clone, Debug)]
pub(crate) struct Leaf {
    path: PathBuf,
}

impl Leaf {
    /// A new group below the one that this process, the guard, is in; none if that is not delegated. Ends the groups
    /// of guards that are no more, with all that is in them.
    pub(crate) fn make(guard: Pid) -> Option<Leaf> {
        let own = own_group()?;
        if !is_delegated(&own) {
            return None;
        }
        end_abandoned(&own);
        let path = own.join(format!("{PREFIX}{guard}"));
        fs::create_dir(&path).ok()?;
        let leaf = Leaf { path };
        if leaf.path.join("cgroup.kill").exists() {
            return Some(leaf);
        }
        leaf.remove();
        None
    }

    /// Moves this process, the worker, into the group. Where that is refused it stays where it is.
    pub(crate) fn enter(&self) {
        let _ = fs::write(self.path.join("cgroup.procs"), "0");
    }

    /// Ends everything in the group, and the group.
    pub(crate) fn end(&self) {
        let _ = fs::write(self.path.join("cgroup.kill"), "1");
        self.remove();
    }

    /// Moves a process out of the group, which then is not ended with it, and with it those below that it has started.
    /// From the top down: what the process starts meanwhile is born outside, or is found below it.
    pub(crate) fn release(&self, pid: i32) {
        let Some(outside) = self.path.parent().map(|parent| parent.join("cgroup.procs")) else { return };
        let mut below = vec![pid];
        let mut count = 0;
        while let Some(pid) = below.pop() {
            // It may have ended.
            let _ = fs::write(&outside, pid.to_string());
            count += 1;
            if count < RELEASED_MAX {
                below.extend(children(pid));
            }
        }
    }

    /// Removes the group once all has ended that must: what is left in it goes on outside.
    pub(crate) fn leave(&self) {
        for _ in 0..LEAVE_ROUNDS_MAX {
            if fs::remove_dir(&self.path).is_ok() {
                return;
            }
            let left = fs::read_to_string(self.path.join("cgroup.procs")).unwrap_or_default();
            numbers(&left).for_each(|pid| self.release(pid));
        }
    }

    /// A group can be removed once its last process is gone, zombies aside.
    fn remove(&self) {
        let until_us = monotonic_us() + END_WAIT.as_micros() as u64;
        while fs::remove_dir(&self.path).is_err_and(|error| error.kind() == std::io::ErrorKind::ResourceBusy)
            && monotonic_us() < until_us
        {
            sys::rest(Duration::from_millis(1));
        }
    }
}

/// The children of all threads of a process.
fn children(pid: i32) -> Vec<i32> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().filter_map(Result::ok);
    let lists = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    lists.flat_map(|list| numbers(&list).collect::<Vec<_>>()).collect()
}

fn numbers(list: &str) -> impl Iterator<Item = i32> {
    list.split_ascii_whitespace().filter_map(|number| number.parse().ok())
}

/// The directory of this process' control group of version 2.
fn own_group() -> Option<PathBuf> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let group = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    // The root group belongs to nobody, and cannot be ended.
    let path = mount_of(&mounts)?.join(group);
    (!group.is_empty()).then_some(path).filter(|path| path.is_dir())
}

/// `ID PARENT DEVICE ROOT PLACE OPTIONS … - cgroup2 …`, where the whole hierarchy is mounted.
fn mount_of(mounts: &str) -> Option<PathBuf> {
    mounts.lines().find_map(|line| {
        let (place, kind) = line.split_once(" - ")?;
        let mut fields = place.split(' ').skip(3);
        let (root, place) = (fields.next()?, fields.next()?);
        (kind.starts_with("cgroup2 ") && root == "/").then(|| PathBuf::from(place))
    })
}

/// Whether this process may make groups below: systemd says so, or the group belongs to its user, who is not root.
fn is_delegated(group: &Path) -> bool {
    let own = Uid::effective();
    let is_owner = || fs::metadata(group).is_ok_and(|metadata| metadata.uid() == own.as_raw());
    DELEGATED.iter().any(|name| sys::attribute_is(group, name, b"1")) || (!own.is_root() && is_owner())
}

fn end_abandoned(group: &Path) {
    let entries = fs::read_dir(group).into_iter().flatten().filter_map(Result::ok);
    for entry in entries {
        let name = entry.file_name();
        let guard = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.parse::<i32>().ok());
        // A number that was used again keeps the group for now; the marks of its processes end them all the same.
        if guard.is_some_and(|guard| !Path::new(&format!("/proc/{guard}")).exists()) {
            Leaf { path: entry.path() }.end();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_hierarchy_is_found_among_the_mounts() {
        let mounts = "24 30 0:22 / /proc rw - proc proc rw\n\
                      31 30 0:26 /part /other rw - cgroup2 cgroup2 rw\n\
                      32 30 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";
        assert_eq!(mount_of(mounts), Some(PathBuf::from("/sys/fs/cgroup")));
        assert_eq!(mount_of("24 30 0:22 / /proc rw - proc proc rw\n"), None);
    }
}
