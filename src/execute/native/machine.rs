//! The machine as plugins see it: one scan of the processes for all that are due together, and no question to a file system that has
//! left another one without an answer.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use custos_native::{FileFacts, FileSystemUsage, Live, Scan, System, Wants};

use crate::clock;
use crate::lock::locked;

/// What those who measure share.
#[derive(Debug, Default)]
pub(super) struct Common {
    /// The newest scan, and when it began (µs, monotonic).
    scan: Mutex<Option<(u64, Arc<Scan>)>>,
    /// What was given up as it did not answer, and is asked by a thread still: since when (µs, monotonic).
    hanging: Mutex<BTreeMap<OsString, u64>>,
}

impl Common {
    fn hanging(&self) -> MutexGuard<'_, BTreeMap<OsString, u64>> {
        locked(&self.hanging)
    }

    /// What does not answer, and since when (µs, monotonic).
    pub(super) fn all_hanging(&self) -> Vec<(OsString, u64)> {
        self.hanging().iter().map(|(path, since_us)| (path.clone(), *since_us)).collect()
    }
}

/// What is being asked for one plugin: a path and since when (µs, monotonic).
pub(super) type Question = Mutex<Option<(OsString, u64)>>;

/// Gives up on the answer to a question, so that nobody else asks until it comes; returns the path.
pub(super) fn give_up(question: &Question, common: &Common) -> Option<OsString> {
    let asked = locked(question);
    let (path, since_us) = asked.clone()?;
    common.hanging().insert(path.clone(), since_us);
    Some(path)
}

/// The machine as it is for one plugin.
pub(super) struct Machine<'m> {
    pub(super) live: Live,
    pub(super) common: &'m Common,
    /// When the plugin was to be run (µs, monotonic): a scan that began since will do.
    pub(super) since_us: u64,
    pub(super) question: &'m Question,
}

impl Machine<'_> {
    /// Asks a file system, unless it has left somebody else without an answer.
    fn ask<T>(&self, path: &OsStr, ask: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let set = |question| *locked(self.question) = question;
        if self.common.hanging().contains_key(path) {
            return Err(io::ErrorKind::TimedOut.into());
        }
        set(Some((path.to_owned(), clock::mono_us())));
        let answer = ask();
        set(None);
        // If nobody waits for this one any more, others may ask again.
        self.common.hanging().remove(path);
        answer
    }
}

impl System for Machine<'_> {
    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        self.live.read(path)
    }

    fn processors(&self) -> u64 {
        self.live.processors()
    }

    fn reach(&self, path: &OsStr) -> io::Result<()> {
        self.ask(path, || self.live.reach(path))
    }

    fn file(&self, path: &OsStr) -> io::Result<FileFacts> {
        self.ask(path, || self.live.file(path))
    }

    fn usage(&self, mount_point: &OsStr) -> io::Result<FileSystemUsage> {
        self.ask(mount_point, || self.live.usage(mount_point))
    }

    fn processes(&self, wants: Wants) -> io::Result<Arc<Scan>> {
        // Those who come meanwhile wait for this one.
        let mut newest = locked(&self.common.scan);
        if let Some((begun_us, scan)) = &*newest
            && *begun_us >= self.since_us
            && scan.wants.covers(wants)
        {
            return Ok(Arc::clone(scan));
        }
        let begun_us = clock::mono_us();
        let scan = self.live.processes(wants)?;
        *newest = Some((begun_us, Arc::clone(&scan)));
        Ok(scan)
    }

    fn user(&self, by: &str) -> Option<(u32, String)> {
        self.live.user(by)
    }

    fn own_uid(&self) -> u32 {
        self.live.own_uid()
    }

    fn own_nice(&self) -> i32 {
        self.live.own_nice()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scan_is_shared_by_those_who_were_to_be_run_before_it() {
        let (common, question) = (Common::default(), Question::default());
        let machine =
            |since_us| Machine { live: Live::default(), common: &common, since_us, question: &question };
        let begun_us = clock::mono_us();
        let first = machine(begun_us).processes(Wants::default()).unwrap();
        assert!(Arc::ptr_eq(&first, &machine(begun_us).processes(Wants::default()).unwrap()));
        // One that lacks something is of no use, and one from before is too old.
        let more = Wants { users: true, ..Wants::default() };
        let second = machine(begun_us).processes(more).unwrap();
        assert!(!Arc::ptr_eq(&first, &second));
        assert!(Arc::ptr_eq(&second, &machine(begun_us).processes(Wants::default()).unwrap()));
        let later = machine(clock::mono_us() + 1).processes(Wants::default()).unwrap();
        assert!(!Arc::ptr_eq(&second, &later));
    }

    #[test]
    fn what_was_given_up_is_not_asked_again_until_it_answers() {
        let (common, question, other) = (Common::default(), Question::default(), Question::default());
        let machine = |question| Machine { live: Live::default(), common: &common, since_us: 0, question };
        let dead = OsStr::new("/dead");
        let answer = machine(&question).ask(dead, || {
            assert_eq!(give_up(&question, &common).as_deref(), Some(dead));
            let refused = machine(&other).ask(dead, || -> io::Result<()> { panic!("asked") }).unwrap_err();
            assert_eq!((refused.kind(), common.all_hanging().len()), (io::ErrorKind::TimedOut, 1));
            Ok(5)
        });
        assert_eq!((answer.unwrap(), common.all_hanging().len()), (5, 0));
        assert_eq!(give_up(&question, &common), None);
        assert!(machine(&other).ask(dead, || Ok(())).is_ok());
    }
}
