//! Processes that escaped their plugin: found, told apart and ended.
//!
//! The worker is a child subreaper, so a process whose parent has ended becomes a child of the worker's *first*
//! thread. Plugins are children of the *second* thread, which starts them. So the kernel's list of the first
//! thread's children holds the strays and nothing else, and is empty nearly always: one read of it tells.
//!
//! A stray may belong to a plugin that still runs (`sh -c 'a & b'` after a while) and is then left alone. Its
//! plugin is known by its session or process group, else by `CUSTOS_RUN` in its environment. A process that hides
//! both belongs to one of the plugins that ran when it was first seen, and is ended once they all have ended.
//!
//! What is left by a run that may leave something is spared: known by the group of that run, and, if it has none
//! of ours and no mark, by having been first seen while such a run was under way or had just ended. It is moved out of the
//! control group that is ended with the worker, if there is one.
//!
//! Invariant: a signal is only ever sent to an unreaped child of ours, so its number cannot have been used again.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::os::unix::fs::FileExt;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::leaf::Leaf;
use crate::limits::{LEFT_BEHIND_COUNTED_MAX, SPARED_GROUPS_MAX};
use crate::mark::{Stat, WorkerId, mark_of};
use crate::runs::Runs;

/// The plugin that a stray belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    /// The run with this serial number, which may have ended.
    Run(u64),
    /// One of the runs up to this serial number.
    UpTo(u64),
    /// No run that is still there.
    Ended,
    /// A run that may leave processes behind.
    Spared,
}

/// The children that were not started but adopted.
#[derive(Debug)]
pub(crate) struct Strays {
    worker: WorkerId,
    /// The control group of this process, which spared ones are moved out of.
    leaf: Option<Leaf>,
    /// The kernel's list of the first thread's children.
    list: File,
    /// The children in the list when it was last looked at.
    adopted: Vec<i32>,
    /// Those that are still there, by process id.
    known: HashMap<i32, Owner>,
    /// Process groups of runs that have ended and may leave processes behind.
    spared_groups: HashSet<i32>,
    /// Such a run has ended since the last look.
    spared_lately: bool,
    text: Vec<u8>,
}

impl Strays {
    /// Watches the children that the first thread of this process adopts.
    ///
    /// # Errors
    /// `/proc` is not there, or the kernel was built without `CONFIG_PROC_CHILDREN`.
    pub(crate) fn watch(leaf: Option<Leaf>) -> std::io::Result<Strays> {
        let own_pid = nix::unistd::getpid().as_raw();
        let worker = WorkerId::of(own_pid).ok_or(std::io::ErrorKind::NotFound)?;
        let list = File::open(format!("/proc/self/task/{}/children", worker.pid()))?;
        Ok(Strays {
            worker,
            leaf,
            list,
            adopted: Vec::new(),
            known: HashMap::new(),
            spared_groups: HashSet::new(),
            spared_lately: false,
            text: vec![0; 64 * 1024],
        })
    }

    /// The mark for the environment of a run's plugin.
    pub(crate) fn mark(&self, serial: u64) -> String {
        self.worker.mark(serial)
    }

    /// A plugin was started: its group is its own, whatever the number meant before.
    pub(crate) fn started(&mut self, group: i32) {
        self.spared_groups.remove(&group);
    }

    /// Looks which children are there. Returns whether there are any.
    pub(crate) fn look(&mut self) -> bool {
        self.adopted.clear();
        if let Ok(len) = self.list.read_at(&mut self.text, 0) {
            self.adopted.extend(process_ids(&self.text[..len]));
        }
        !self.adopted.is_empty()
    }

    /// A run has ended whose processes are to be left alone.
    pub(crate) fn spare(&mut self, serial: u64, group: i32) {
        self.spared_lately = true;
        if self.spared_groups.len() >= SPARED_GROUPS_MAX {
            let left = self.adopted.iter().filter_map(|stray| Stat::of(*stray));
            let left: HashSet<i32> = left.flat_map(|stat| [stat.session, stat.group]).collect();
            self.spared_groups.retain(|spared| left.contains(spared));
        }
        self.spared_groups.insert(group);
        let in_group = |stray: &i32| Stat::of(*stray).is_some_and(|stat| stat.is_of(group));
        let mut left: HashSet<i32> = self.adopted.iter().copied().filter(in_group).collect();
        // The kernel's list may lack one at a look, so what was seen before counts as well.
        left.extend(
            self.known.iter().filter(|(_, owner)| **owner == Owner::Run(serial)).map(|(pid, _)| *pid),
        );
        left.into_iter().for_each(|stray| self.know(stray, Owner::Spared));
    }

    /// Ends what is still in the group of a plugin whose time was up, as of the last look: the plugin may have left its
    /// group before.
    pub(crate) fn end_group(&self, group: i32) {
        let in_group = |stray: &&i32| Stat::of(**stray).is_some_and(|stat| stat.group == group);
        // The stray is in the group and unreaped, so the number is still its own.
        if self.adopted.iter().any(|stray| in_group(&stray)) {
            let _ = kill(Pid::from_raw(-group), Signal::SIGKILL);
        }
    }

    /// A child was reaped that is no plugin.
    pub(crate) fn reaped(&mut self, pid: i32) {
        self.known.remove(&pid);
    }

    /// Ends the strays of runs that are no longer under way. Returns whether any such is still there.
    pub(crate) fn end(&mut self, runs: &Runs) -> bool {
        let mut left = false;
        self.look();
        for pid in self.adopted.clone() {
            let owner = self.owner(pid, runs);
            let alive = match owner {
                Owner::Run(serial) => runs.contains(serial),
                Owner::UpTo(serial) => runs.any_up_to(serial),
                Owner::Ended => false,
                Owner::Spared => true,
            };
            if !alive {
                end_stray(pid);
                left = true;
            }
        }
        self.spared_lately = false;
        left
    }

    /// The owner of a stray, found out when it is first seen.
    fn owner(&mut self, pid: i32, runs: &Runs) -> Owner {
        if let Some(owner) = self.known.get(&pid) {
            return *owner;
        }
        let found = match owner(pid, self.worker, runs) {
            Owner::UpTo(_) if self.spared_lately || runs.any_leaves_background() => Owner::Spared,
            Owner::UpTo(_) if Stat::of(pid).is_some_and(|stat| self.is_spared(&stat)) => Owner::Spared,
            found => found,
        };
        self.know(pid, found);
        found
    }

    fn know(&mut self, pid: i32, owner: Owner) {
        if owner == Owner::Spared
            && let Some(leaf) = &self.leaf
        {
            leaf.release(pid);
        }
        self.known.insert(pid, owner);
    }

    fn is_spared(&self, stat: &Stat) -> bool {
        self.spared_groups.contains(&stat.session) || self.spared_groups.contains(&stat.group)
    }

    /// Ends every stray that is not spared, whoever it belongs to. Returns whether there was any.
    pub(crate) fn end_all(&mut self) -> bool {
        self.look();
        // One may have been adopted since it was last found out whose each is.
        let is_spared = |pid: &i32| match self.known.get(pid) {
            Some(owner) => *owner == Owner::Spared,
            None => Stat::of(*pid).is_some_and(|stat| self.is_spared(&stat)),
        };
        let ended = self.adopted.iter().filter(|pid| !is_spared(pid));
        ended.map(|pid| end_stray(*pid)).count() > 0
    }

    /// How many processes a plugin left behind that has just ended, as of the last look: its adopted children with all
    /// below them.
    pub(crate) fn count(&mut self, serial: u64, group: i32, runs: &Runs) -> u32 {
        let mut count = 0;
        let mut below = Vec::new();
        for stray in self.adopted.clone() {
            if self.owner(stray, runs) == Owner::Run(serial)
                || Stat::of(stray).is_some_and(|stat| stat.is_of(group))
            {
                below.push(stray);
            }
        }
        while let Some(stray) = below.pop() {
            if Stat::of(stray).is_some_and(|stat| !stat.dead) {
                count += 1;
            }
            if count as usize >= LEFT_BEHIND_COUNTED_MAX {
                break;
            }
            if let Ok(children) = std::fs::read(format!("/proc/{stray}/task/{stray}/children")) {
                below.extend(process_ids(&children));
            }
        }
        count
    }
}

/// KILL for a stray, and for the group that it is in: at once for all of a group, so that none can fork away.
pub(crate) fn end_stray(pid: i32) {
    let group = Stat::of(pid).map(|stat| stat.group);
    // Only a group that began below the shim: the stray is in it and unreaped, so the number is still its own.
    if let Some(group) = group.filter(|group| *group > 1 && *group != nix::unistd::getpgrp().as_raw()) {
        let _ = kill(Pid::from_raw(-group), Signal::SIGKILL);
    }
    let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
}

fn owner(pid: i32, worker: WorkerId, runs: &Runs) -> Owner {
    if let Some(serial) = Stat::of(pid).and_then(|stat| runs.serial_of_process(&stat)) {
        return Owner::Run(serial);
    }
    match mark_of(pid) {
        Some((marked, serial)) if marked == worker && runs.contains(serial) => Owner::Run(serial),
        Some((marked, _)) if marked == worker => Owner::Ended,
        _ => Owner::UpTo(runs.latest()),
    }
}

fn process_ids(list: &[u8]) -> impl Iterator<Item = i32> {
    // A read may end inside the last number; it is there again at the next look.
    let whole = list.iter().rposition(|byte| *byte == b' ').map_or(0, |end| end + 1);
    let numbers = list[..whole].split(|byte| *byte == b' ');
    numbers.filter_map(|number| std::str::from_utf8(number).ok()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_of_a_run_is_spared_though_the_last_look_missed_it() {
        let own_pid = nix::unistd::getpid().as_raw();
        let mut strays = Strays {
            worker: WorkerId::of(own_pid).unwrap(),
            leaf: None,
            list: File::open("/dev/null").unwrap(),
            adopted: Vec::new(),
            known: HashMap::from([(7, Owner::Run(3)), (8, Owner::Run(4))]),
            spared_groups: HashSet::new(),
            spared_lately: false,
            text: Vec::new(),
        };
        strays.spare(3, 5);
        assert_eq!(strays.known, HashMap::from([(7, Owner::Spared), (8, Owner::Run(4))]));
    }

    #[test]
    fn a_cut_number_is_left_for_the_next_look() {
        assert_eq!(process_ids(b"12 345 67").collect::<Vec<_>>(), [12, 345]);
        assert_eq!(process_ids(b"").count(), 0);
    }
}
