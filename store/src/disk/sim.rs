//! A disk in memory that can lose power at any operation, run full, fail and stall.
//!
//! What was written and not synced is uncertain until [`SimDisk::restart`] decides its [`Fate`]: sectors of 512
//! bytes are kept or lost one by one, and the last one may be torn. Names (creations, renames, removals) that were
//! not synced are kept up to some point of their order, as journaling file systems do.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::{Disk, DiskFile, FileId, Lock, Region};
use crate::error::{Error, Result};

const SECTOR: usize = 512;

/// What becomes of unsynced data when the power goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Everything reached the disk.
    Kept,
    /// Nothing did.
    Lost,
    /// Each sector by itself, chosen from this seed, and one of the kept is torn in its middle.
    Mixed(u64),
}

/// A disk in memory. Clones share it.
#[derive(Clone)]
pub struct SimDisk {
    state: Arc<Mutex<State>>,
    /// Wakes those who wait for a stall to begin or to end.
    turned: Arc<Condvar>,
}

#[derive(Clone, Default)]
struct Inode {
    current: Vec<u8>,
    synced: Vec<u8>,
    dirty: BTreeSet<usize>,
}

#[derive(Clone)]
enum NameOp {
    Set(String, usize),
    Remove(String),
    Rename(String, String),
}

#[derive(Clone)]
struct State {
    inodes: Vec<Inode>,
    names: BTreeMap<String, usize>,
    synced_names: BTreeMap<String, usize>,
    pending: Vec<NameOp>,
    ops: u64,
    ops_max: u64,
    capacity: u64,
    syncs_fail: bool,
    /// A write fails: the one after so many others, after so many of its bytes have reached the disk.
    write_fails: Option<(usize, usize)>,
    /// The next change of a length fails.
    cut_fails: bool,
    locked: bool,
    stalled: bool,
    /// Writes and syncs that wait for the end of a stall.
    stalled_ops: usize,
}

fn apply(names: &mut BTreeMap<String, usize>, op: &NameOp) {
    match op {
        NameOp::Set(name, inode) => {
            names.insert(name.clone(), *inode);
        }
        NameOp::Remove(name) => {
            names.remove(name);
        }
        NameOp::Rename(from, to) => {
            if let Some(inode) = names.remove(from) {
                names.insert(to.clone(), inode);
            }
        }
    }
}

impl State {
    /// Counts an operation that changes the disk; fails for good once the power is gone.
    fn step(&mut self) -> io::Result<()> {
        self.check_power()?;
        self.ops += 1;
        if self.ops > self.ops_max { Err(io::Error::other("the power is gone")) } else { Ok(()) }
    }

    /// After how many bytes this write is to fail.
    fn write_fault(&mut self) -> Option<usize> {
        let (after_writes, after_bytes) = self.write_fails.take()?;
        if after_writes == 0 {
            return Some(after_bytes);
        }
        self.write_fails = Some((after_writes - 1, after_bytes));
        None
    }

    fn check_power(&self) -> io::Result<()> {
        if self.ops > self.ops_max { Err(io::Error::other("the power is gone")) } else { Ok(()) }
    }

    fn used(&self) -> u64 {
        self.names.values().map(|inode| self.inodes[*inode].current.len() as u64).sum()
    }

    fn grow(&self, by: u64) -> io::Result<()> {
        if self.used().saturating_add(by) > self.capacity {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }

    fn find(&self, name: &str) -> io::Result<usize> {
        self.names.get(name).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn name_op(&mut self, op: NameOp) {
        apply(&mut self.names, &op);
        self.pending.push(op);
    }
}

impl Default for SimDisk {
    fn default() -> SimDisk {
        SimDisk::new()
    }
}

impl SimDisk {
    /// An empty disk of unlimited size whose power stays on.
    pub fn new() -> SimDisk {
        let state = State {
            inodes: Vec::new(),
            names: BTreeMap::new(),
            synced_names: BTreeMap::new(),
            pending: Vec::new(),
            ops: 0,
            ops_max: u64::MAX - 1,
            capacity: u64::MAX,
            syncs_fail: false,
            write_fails: None,
            cut_fails: false,
            locked: false,
            stalled: false,
            stalled_ops: 0,
        };
        SimDisk { state: Arc::new(Mutex::new(state)), turned: Arc::new(Condvar::new()) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state, once the disk does not stall.
    fn state_after_stall(&self) -> MutexGuard<'_, State> {
        let mut state = self.state();
        if state.stalled {
            state.stalled_ops += 1;
            self.turned.notify_all();
            state =
                self.turned.wait_while(state, |state| state.stalled).unwrap_or_else(PoisonError::into_inner);
            state.stalled_ops -= 1;
        }
        state
    }

    /// Has every write and sync from now on wait for [`SimDisk::resume`].
    pub fn stall(&self) {
        self.state().stalled = true;
    }

    /// Ends a stall.
    pub fn resume(&self) {
        self.state().stalled = false;
        self.turned.notify_all();
    }

    /// Waits until a write or sync waits because of a stall.
    pub fn wait_until_stalled(&self) {
        let state = self.turned.wait_while(self.state(), |state| state.stalled_ops == 0);
        drop(state);
    }

    /// Operations so far that changed the disk.
    pub fn ops(&self) -> u64 {
        self.state().ops
    }

    /// Lets the power go after that many operations: the next one and all after it fail.
    pub fn cut_power_after(&self, ops: u64) {
        self.state().ops_max = ops;
    }

    /// Sets the size of the disk in bytes.
    pub fn set_capacity(&self, bytes: u64) {
        self.state().capacity = bytes;
    }

    /// Makes every sync fail, or work again.
    pub fn fail_syncs(&self, fail: bool) {
        self.state().syncs_fail = fail;
    }

    /// Makes the write after so many others fail, after so many of its bytes have reached the disk: all, if it has no more.
    pub fn fail_a_write(&self, after_writes: usize, after_bytes: usize) {
        self.state().write_fails = Some((after_writes, after_bytes));
    }

    /// Makes the next attempt at changing a file's length fail.
    pub fn fail_next_cut(&self) {
        self.state().cut_fails = true;
    }

    /// The bytes of a file, if it is there.
    pub fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        let state = self.state();
        state.names.get(name).map(|inode| state.inodes[*inode].current.clone())
    }

    /// Puts a file there, synced, as if it had always been.
    pub fn put(&self, name: &str, bytes: &[u8]) {
        let mut state = self.state();
        let inode = Inode { current: bytes.to_vec(), synced: bytes.to_vec(), dirty: BTreeSet::new() };
        state.inodes.push(inode);
        let index = state.inodes.len() - 1;
        state.names.insert(name.to_owned(), index);
        state.synced_names.insert(name.to_owned(), index);
    }

    /// The disk as it is found when the power is back.
    pub fn restart(&self, fate: Fate) -> SimDisk {
        let state = self.state();
        let mut random = Random(match fate {
            Fate::Mixed(seed) => seed,
            _ => 0,
        });
        let mut names = state.synced_names.clone();
        let kept = match fate {
            Fate::Kept => state.pending.len(),
            Fate::Lost => 0,
            Fate::Mixed(_) => (random.next() % (state.pending.len() as u64 + 1)) as usize,
        };
        state.pending.iter().take(kept).for_each(|op| apply(&mut names, op));
        let inodes = state
            .inodes
            .iter()
            .map(|inode| {
                let bytes = settle(inode, fate, &mut random);
                Inode { current: bytes.clone(), synced: bytes, dirty: BTreeSet::new() }
            })
            .collect();
        let fresh = SimDisk::new();
        {
            let mut next = fresh.state();
            next.inodes = inodes;
            next.synced_names = names.clone();
            next.names = names;
        }
        fresh
    }
}

/// The content of a file after the power cut.
fn settle(inode: &Inode, fate: Fate, random: &mut Random) -> Vec<u8> {
    match fate {
        Fate::Kept => inode.current.clone(),
        Fate::Lost => inode.synced.clone(),
        Fate::Mixed(_) => {
            let len = if random.next().is_multiple_of(2) { inode.current.len() } else { inode.synced.len() };
            let mut bytes = inode.synced.clone();
            bytes.resize(len, 0);
            let torn =
                inode.dirty.iter().nth((random.next() % (inode.dirty.len() as u64 + 1)) as usize).copied();
            for sector in &inode.dirty {
                if random.next().is_multiple_of(2) && Some(*sector) != torn {
                    continue;
                }
                let start = sector * SECTOR;
                let whole =
                    if Some(*sector) == torn { (random.next() % SECTOR as u64) as usize } else { SECTOR };
                let end = (start + whole).min(bytes.len()).min(inode.current.len());
                if start < end {
                    bytes[start..end].copy_from_slice(&inode.current[start..end]);
                }
            }
            bytes
        }
    }
}

/// SplitMix64: enough to choose sectors, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[derive(Debug)]
struct Held(SimDisk);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.state().locked = false;
    }
}

impl Lock for Held {
    fn id(&self) -> FileId {
        LOCK_ID
    }

    fn renew(&self) {}
}

/// The simulated lock is no file; nothing can take its place.
const LOCK_ID: FileId = FileId { device: 0, inode: u64::MAX };

impl Disk for SimDisk {
    fn path(&self) -> &Path {
        Path::new("/simulated")
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let state = self.state();
        state.check_power()?;
        Ok(state.names.keys().cloned().collect())
    }

    fn create(&self, name: &str, len: u64) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.state();
        state.step()?;
        if state.names.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        state.grow(len)?;
        let current = vec![0; usize::try_from(len).map_err(|_| io::ErrorKind::FileTooLarge)?];
        let dirty = (0..current.len().div_ceil(SECTOR)).collect();
        state.inodes.push(Inode { current, synced: Vec::new(), dirty });
        let inode = state.inodes.len() - 1;
        state.name_op(NameOp::Set(name.to_owned(), inode));
        Ok(Box::new(SimFile { disk: self.clone(), inode }))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let state = self.state();
        state.check_power()?;
        Ok(Box::new(SimFile { disk: self.clone(), inode: state.find(name)? }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.state();
        state.step()?;
        state.find(from)?;
        state.name_op(NameOp::Rename(from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.state();
        state.step()?;
        state.find(name)?;
        state.name_op(NameOp::Remove(name.to_owned()));
        Ok(())
    }

    fn sync_names(&self) -> io::Result<()> {
        let mut state = self.state();
        state.step()?;
        state.pending.clear();
        state.synced_names = state.names.clone();
        Ok(())
    }

    fn free_bytes(&self) -> io::Result<u64> {
        let state = self.state();
        state.check_power()?;
        Ok(state.capacity.saturating_sub(state.used()))
    }

    fn id_at(&self, name: &str) -> io::Result<Option<FileId>> {
        if name == super::LOCK_NAME {
            return Ok(Some(LOCK_ID));
        }
        let state = self.state();
        state.check_power()?;
        Ok(state.names.get(name).map(|inode| FileId { device: 0, inode: *inode as u64 }))
    }

    fn lock(&self) -> Result<Box<dyn Lock>> {
        let mut state = self.state();
        state.check_power().map_err(Error::io("lock", self.path()))?;
        if std::mem::replace(&mut state.locked, true) {
            let pid = Some(std::process::id());
            return Err(Error::Locked { path: self.path().to_path_buf(), pid });
        }
        Ok(Box::new(Held(self.clone())))
    }
}

impl fmt::Debug for SimDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        let sizes: BTreeMap<_, _> =
            state.names.iter().map(|(name, inode)| (name, state.inodes[*inode].current.len())).collect();
        f.debug_struct("SimDisk").field("files", &sizes).field("ops", &state.ops).finish()
    }
}

#[derive(Debug)]
struct SimFile {
    disk: SimDisk,
    inode: usize,
}

impl DiskFile for SimFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let state = self.disk.state();
        state.check_power()?;
        let bytes = &state.inodes[self.inode].current;
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
        let count = buffer.len().min(bytes.len() - start);
        buffer[..count].copy_from_slice(&bytes[start..start + count]);
        Ok(count)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut state = self.disk.state_after_stall();
        let fault = state.write_fault();
        let bytes = &bytes[..bytes.len().min(fault.unwrap_or(usize::MAX))];
        let start = usize::try_from(offset).map_err(|_| io::ErrorKind::FileTooLarge)?;
        let end = start + bytes.len();
        let len = state.inodes[self.inode].current.len();
        let cut = state.step();
        if cut.is_ok() && end > len {
            state.grow((end - len) as u64)?;
        }
        // The write during which the power goes may reach the disk like any other that was not synced.
        let inode = &mut state.inodes[self.inode];
        if end > len {
            inode.current.resize(end, 0);
        }
        inode.current[start..end].copy_from_slice(bytes);
        inode.dirty.extend(start / SECTOR..end.div_ceil(SECTOR));
        if fault.is_some() { Err(io::Error::other("the disk did not take the write")) } else { cut }
    }

    fn size(&self) -> io::Result<u64> {
        let state = self.disk.state();
        state.check_power()?;
        Ok(state.inodes[self.inode].current.len() as u64)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        state.step()?;
        if std::mem::take(&mut state.cut_fails) {
            return Err(io::Error::other("the disk did not change the length"));
        }
        let len = usize::try_from(len).map_err(|_| io::ErrorKind::FileTooLarge)?;
        let old = state.inodes[self.inode].current.len();
        if len > old {
            state.grow((len - old) as u64)?;
        }
        let inode = &mut state.inodes[self.inode];
        inode.current.resize(len, 0);
        inode.dirty.extend(old.min(len) / SECTOR..old.max(len).div_ceil(SECTOR));
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.disk.state_after_stall();
        state.step()?;
        if state.syncs_fail {
            return Err(io::Error::other("the disk did not take the data"));
        }
        let inode = &mut state.inodes[self.inode];
        inode.dirty.clear();
        inode.synced = inode.current.clone();
        Ok(())
    }

    fn id(&self) -> io::Result<FileId> {
        Ok(FileId { device: 0, inode: self.inode as u64 })
    }

    fn map(&self, len: u64) -> io::Result<Region> {
        let state = self.disk.state();
        state.check_power()?;
        let bytes = &state.inodes[self.inode].current;
        match usize::try_from(len).ok().and_then(|len| bytes.get(..len)) {
            Some(bytes) => Ok(Region::new(bytes.to_vec())),
            None => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}
