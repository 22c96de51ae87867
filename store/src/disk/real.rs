//! A directory of a real file system.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{FallocateFlags, fallocate};

use super::{Disk, DiskFile, Region, lock, map};

/// A directory of a real file system. Files are created with mode 0640.
#[derive(Debug)]
pub struct RealDisk {
    dir: PathBuf,
}

impl RealDisk {
    /// The directory, which need not exist.
    pub fn new(dir: &Path) -> RealDisk {
        RealDisk { dir: dir.to_path_buf() }
    }

    /// Creates the directory with its parents, where absent.
    pub fn create_dir(&self) -> io::Result<()> {
        fs::create_dir_all(&self.dir)
    }
}

impl Disk for RealDisk {
    fn path(&self) -> &Path {
        &self.dir
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.dir)? {
            // A name that is not UTF-8 is none of ours.
            if let Ok(name) = entry?.file_name().into_string() {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn create(&self, name: &str, len: u64) -> io::Result<Box<dyn DiskFile>> {
        let path = self.dir.join(name);
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o640).open(&path)?;
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
            let _ = fs::remove_file(&path);
            return Err(error);
        }
        Ok(Box::new(RealFile(file)))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(RealFile(File::open(self.dir.join(name))?)))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.dir.join(from), self.dir.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.dir.join(name))
    }

    fn sync_names(&self) -> io::Result<()> {
        File::open(&self.dir)?.sync_all()
    }

    fn free_bytes(&self) -> io::Result<u64> {
        let stat = nix::sys::statvfs::statvfs(&self.dir)?;
        Ok(stat.blocks_available().saturating_mul(stat.fragment_size()))
    }

    fn lock(&self) -> io::Result<Result<Box<dyn Send + Sync>, Option<u32>>> {
        Ok(lock::take(&self.dir)?.map(|file| Box::new(file) as Box<dyn Send + Sync>))
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

    fn map(&self, len: u64) -> io::Result<Region> {
        if len == 0 {
            return Ok(Region::new(Vec::new()));
        }
        Ok(Region::new(map::map(&self.0, len)?))
    }
}
