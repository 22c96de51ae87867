//! A directory of a real file system.

use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nix::errno::Errno;
use nix::fcntl::{FallocateFlags, fallocate};
use nix::sys::stat::fstat;
use nix::unistd::geteuid;

use super::dir::{Dir, file_id};
use super::{Disk, DiskFile, FileId, Lock, Region, lock, map};
use crate::error::{Error, Result};

/// Mode of a directory that is made for a store.
const DIR_MODE: u32 = 0o750;

/// A directory of a real file system, whose files are accessed as its owner. Files have mode 0640, the lock 0600.
#[derive(Debug)]
pub struct RealDisk {
    path: PathBuf,
    opened: Mutex<Opened>,
}

#[derive(Debug, Default)]
struct Opened {
    dir: Option<Arc<Dir>>,
    /// The lock was taken in it: it stays this directory whatever happens to the path.
    pinned: bool,
}

impl RealDisk {
    /// The directory, which need not exist.
    pub fn new(dir: &Path) -> RealDisk {
        RealDisk { path: dir.to_path_buf(), opened: Mutex::default() }
    }

    /// Creates the directory with its parents, where absent. The user of this process owns it.
    pub fn create_dir(&self) -> io::Result<()> {
        if self.path.is_dir() {
            return Ok(());
        }
        if let Some(parent) = self.path.parent() {
            DirBuilder::new().recursive(true).mode(0o755).create(parent)?;
        }
        match DirBuilder::new().mode(DIR_MODE).create(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && self.path.is_dir() => Ok(()),
            made => made,
        }
    }

    fn opened(&self) -> MutexGuard<'_, Opened> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The directory that was listed or locked last.
    fn dir(&self) -> io::Result<Arc<Dir>> {
        let mut opened = self.opened();
        if let Some(dir) = &opened.dir {
            return Ok(Arc::clone(dir));
        }
        let dir = Arc::new(Dir::open(&self.path)?);
        opened.dir = Some(Arc::clone(&dir));
        Ok(dir)
    }

    /// Looks at the path anew, unless the lock was taken.
    fn look(&self) -> io::Result<Arc<Dir>> {
        let mut opened = self.opened();
        if !opened.pinned {
            opened.dir = None;
        }
        drop(opened);
        self.dir()
    }
}

impl Disk for RealDisk {
    fn path(&self) -> &Path {
        &self.path
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.look()?.list()
    }

    fn create(&self, name: &str, len: u64) -> io::Result<Box<dyn DiskFile>> {
        let dir = self.dir()?;
        let file = dir.create(name)?;
        let created = match i64::try_from(len) {
            Ok(0) => Ok(()),
            Ok(len) => match fallocate(&file, FallocateFlags::empty(), 0, len) {
                // The file system cannot preallocate: a sparse file then, and a full disk shows on writing.
                Err(Errno::EOPNOTSUPP | Errno::ENOSYS) => file.set_len(len as u64),
                other => other.map_err(io::Error::from),
            },
            Err(_) => Err(io::Error::from(io::ErrorKind::FileTooLarge)),
        };
        if let Err(error) = created {
            let _ = dir.remove(name);
            return Err(error);
        }
        Ok(Box::new(RealFile(file)))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(RealFile(self.dir()?.read(name)?)))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.dir()?.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.dir()?.remove(name)
    }

    fn sync_names(&self) -> io::Result<()> {
        self.dir()?.sync()
    }

    fn free_bytes(&self) -> io::Result<u64> {
        let stat = nix::sys::statvfs::statvfs(&self.path)?;
        Ok(stat.blocks_available().saturating_mul(stat.fragment_size()))
    }

    fn id_at(&self, name: &str) -> io::Result<Option<FileId>> {
        lock::id_at(&self.path.join(name))
    }

    fn lock(&self) -> Result<Box<dyn Lock>> {
        let path = || self.path.clone();
        let dir = self.look().map_err(Error::io("open", &self.path))?;
        if !dir.owner().may_write() {
            let (owner, user) = (dir.owner().uid, geteuid().as_raw());
            return Err(Error::NotOwner { path: path(), owner, user });
        }
        if let Some(mode) = dir.exposed() {
            return Err(Error::Exposed { path: path(), mode });
        }
        let taken =
            lock::take(&dir, &self.path).map_err(Error::io("lock", self.path.join(lock::LOCK_NAME)))?;
        let lock = taken.map_err(|pid| Error::Locked { path: path(), pid })?;
        self.opened().pinned = true;
        Ok(lock)
    }
}

#[derive(Debug)]
struct RealFile(File);

impl DiskFile for RealFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut done = 0;
        while done < buffer.len() {
            match self.0.read_at(&mut buffer[done..], offset + done as u64) {
                Ok(0) => break,
                Ok(count) => done += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn id(&self) -> io::Result<FileId> {
        Ok(file_id(&fstat(&self.0)?))
    }

    fn map(&self, len: u64) -> io::Result<Region> {
        if len == 0 {
            return Ok(Region::new(Vec::new()));
        }
        Ok(Region::new(map::map(&self.0, len)?))
    }
}
