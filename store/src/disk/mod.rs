//! The storage seam: all that the store asks of a disk.
//!
//! There are two disks: [`RealDisk`], a directory, and [`SimDisk`], which lives in memory and can lose power at any
//! operation. The rest of the store cannot tell which one it has.

mod dir;
mod lock;
mod map;
mod owner;
mod real;
mod region;
mod sim;

use std::fmt;
use std::io;
use std::path::Path;

use crate::error::Result;

pub(crate) use lock::LOCK_NAME;
pub use lock::writer_pid;
pub use real::RealDisk;
pub use region::Region;
pub use sim::{Fate, SimDisk};

/// One flat directory of files.
pub trait Disk: fmt::Debug + Send + Sync {
    /// A path for messages.
    fn path(&self) -> &Path;
    /// Names of all files, in no order.
    fn list(&self) -> io::Result<Vec<String>>;
    /// Creates a file that must not exist, with room for `len` bytes that reads as zeros. The room is taken from the
    /// disk now, so that writing into it cannot fail for want of it.
    fn create(&self, name: &str, len: u64) -> io::Result<Box<dyn DiskFile>>;
    /// Opens a file for reading. What has the name and is no file of the store is an error, not waited for or followed.
    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>>;
    /// Gives a file another name, replacing one that has it. Durable after [`Disk::sync_names`].
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a file. Who has it open can still read it.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Makes names durable: creations, renames and removals.
    fn sync_names(&self) -> io::Result<()>;
    /// Bytes that an unprivileged process may still write.
    fn free_bytes(&self) -> io::Result<u64>;
    /// Which file has this name at the path of the store now, which may be another directory than the one that was
    /// locked; none if there is no such file.
    fn id_at(&self, name: &str) -> io::Result<Option<FileId>>;
    /// Takes the write lock for as long as what is returned lives. From then on the disk stays the directory that it is
    /// now, even if another takes its place.
    ///
    /// # Errors
    /// [`crate::Error::Locked`], [`crate::Error::NotOwner`], [`crate::Error::Exposed`] and [`crate::Error::Io`].
    fn lock(&self) -> Result<Box<dyn Lock>>;
}

/// Tells two files apart that had the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileId {
    /// The device.
    pub device: u64,
    /// The file on it.
    pub inode: u64,
}

/// The write lock of a store.
pub trait Lock: fmt::Debug + Send + Sync {
    /// The file that is locked.
    fn id(&self) -> FileId;
    /// Makes sure that the kernel names this process as the writer.
    fn renew(&self);
}

/// One open file.
pub trait DiskFile: fmt::Debug + Send + Sync {
    /// Reads at an offset up to the buffer's length; fewer bytes only at the end of the file.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Writes all bytes at an offset.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Length in bytes.
    fn size(&self) -> io::Result<u64>;
    /// Cuts or extends the file.
    fn set_len(&self, len: u64) -> io::Result<()>;
    /// Makes the content durable.
    fn sync(&self) -> io::Result<()>;
    /// Which file this is.
    fn id(&self) -> io::Result<FileId>;
    /// The first `len` bytes of a file that nobody writes to any more.
    fn map(&self, len: u64) -> io::Result<Region>;
}
