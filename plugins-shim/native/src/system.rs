//! The machine that is measured.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::sync::Arc;

use nix::fcntl::OFlag;
use nix::sys::statvfs::statvfs;
use nix::unistd::{SysconfVar, Uid, User, geteuid, sysconf};

use crate::scan::{Scan, Wants, scan};

/// Bytes that are read of a file of the kernel at most. `/proc/mounts` of a host with ten thousand mounts has less.
const FILE_MAX_BYTES: u64 = 16 * 1024 * 1024;

/// What plugins measure.
pub trait System {
    /// A file of the kernel, or `utmp`.
    ///
    /// # Errors
    /// It cannot be read.
    fn read(&self, path: &str) -> io::Result<Vec<u8>>;

    /// The processors that are online.
    fn processors(&self) -> u64;

    /// Whether a path can be reached at all.
    ///
    /// # Errors
    /// It cannot.
    fn reach(&self, path: &OsStr) -> io::Result<()>;

    /// How old and how large a file is.
    ///
    /// # Errors
    /// It cannot be looked at.
    fn file(&self, path: &OsStr) -> io::Result<FileFacts>;

    /// How full a file system is.
    ///
    /// # Errors
    /// It does not say.
    fn usage(&self, mount_point: &OsStr) -> io::Result<FileSystemUsage>;

    /// The processes as of now; with what takes longer to read only if it is wanted.
    ///
    /// # Errors
    /// They cannot be listed.
    fn processes(&self, wants: Wants) -> io::Result<Arc<Scan>>;

    /// The number and the name of a user, by either.
    fn user(&self, by: &str) -> Option<(u32, String)>;

    /// As whom a plugin would run.
    fn own_uid(&self) -> u32;

    /// How nice a plugin would be.
    fn own_nice(&self) -> i32;
}

/// How old and how large a file is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileFacts {
    /// Whole seconds since its content changed; negative if that lies ahead.
    pub age_s: i64,
    /// Its size.
    pub bytes: u64,
}

/// How full a file system is, as `statvfs(3)` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileSystemUsage {
    /// Bytes of a block.
    pub block_size: u64,
    /// Blocks.
    pub blocks: u64,
    /// Free blocks.
    pub blocks_free: u64,
    /// Free blocks for users.
    pub blocks_available: u64,
    /// Inodes.
    pub files: u64,
    /// Free inodes.
    pub files_free: u64,
    /// Free inodes for users.
    pub files_available: u64,
}

/// This machine.
#[derive(Clone, Debug, Default)]
pub struct Live {
    /// The process that would be the parent of a plugin, which `check_procs` does not count.
    pub parent: Option<i32>,
    /// The wall clock, in seconds since the epoch; without one no file is of any age.
    pub now_s: Option<fn() -> i64>,
}

impl System for Live {
    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        // Should somebody have put a pipe in its place, nobody waits for it.
        let file = fs::File::options().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path)?;
        file.take(FILE_MAX_BYTES).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn processors(&self) -> u64 {
        sysconf(SysconfVar::_NPROCESSORS_ONLN)
            .ok()
            .flatten()
            .and_then(|count| u64::try_from(count).ok())
            .unwrap_or(1)
    }

    fn reach(&self, path: &OsStr) -> io::Result<()> {
        fs::metadata(path).map(drop)
    }

    fn file(&self, path: &OsStr) -> io::Result<FileFacts> {
        let found = fs::metadata(path)?;
        let now_s = self.now_s.ok_or(io::ErrorKind::Unsupported)?();
        Ok(FileFacts { age_s: now_s - found.mtime(), bytes: found.size() })
    }

    fn usage(&self, mount_point: &OsStr) -> io::Result<FileSystemUsage> {
        let found = statvfs(mount_point)?;
        let block_size = if found.fragment_size() == 0 { found.block_size() } else { found.fragment_size() };
        Ok(FileSystemUsage {
            block_size,
            blocks: found.blocks(),
            blocks_free: found.blocks_free(),
            blocks_available: found.blocks_available(),
            files: found.files(),
            files_free: found.files_free(),
            files_available: found.files_available(),
        })
    }

    fn processes(&self, wants: Wants) -> io::Result<Arc<Scan>> {
        scan(Path::new("/proc"), wants, self.parent).map(Arc::new)
    }

    fn user(&self, by: &str) -> Option<(u32, String)> {
        let user = match by.parse::<u32>() {
            Ok(uid) => User::from_uid(Uid::from_raw(uid)),
            Err(_) => User::from_name(by),
        };
        user.ok().flatten().map(|user| (user.uid.as_raw(), user.name))
    }

    fn own_uid(&self) -> u32 {
        geteuid().as_raw()
    }

    fn own_nice(&self) -> i32 {
        let own = fs::read("/proc/self/stat").ok().and_then(|text| crate::scan::Process::read(&text));
        own.map_or(0, |own| own.nice)
    }
}

/// Whether two paths are the same file.
pub(crate) fn is_same_file(one: &Path, other: &Path) -> bool {
    let identity = |path| fs::metadata(path).map(|found| (found.dev(), found.ino())).ok();
    identity(one).is_some_and(|found| identity(other) == Some(found))
}
