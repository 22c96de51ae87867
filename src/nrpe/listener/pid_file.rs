//! The file with the agent's process id.
//!
//! The file of a process that is alive is not touched; a stale, empty or unreadable one is replaced.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use custos_compat::nrpe::atoi;
use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::Pid;

use super::path_owner::in_name_of_owner;
use crate::limits::PID_FILE_MAX_BYTES;

/// The pid file of this process. [`PidFile::remove`] removes it, dropping it does not: as with NRPE, a process that
/// dies leaves it behind.
#[derive(Debug)]
pub struct PidFile {
    path: PathBuf,
    file: File,
}

impl PidFile {
    /// Writes the file. Fails if it names a living process.
    pub fn create(path: &Path) -> io::Result<PidFile> {
        in_name_of_owner(path, || PidFile::write(path))
    }

    fn write(path: &Path) -> io::Result<PidFile> {
        if let Some(pid) = living(path) {
            return Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                format!("There's already an NRPE server running (PID {pid}).  Bailing out..."),
            ));
        }
        let mut file = match open(path, OpenOptions::new().create(true)) {
            // Another user's stale file, in a directory where whoever decides this path may replace it.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied && is_plain(path) => {
                fs::remove_file(path).map_err(|_| error)?;
                open(path, OpenOptions::new().create_new(true))?
            }
            opened => opened?,
        };
        let entry = file.metadata()?;
        if !entry.is_file() || entry.nlink() != 1 {
            return Err(io::Error::other("it is not a regular file with one link"));
        }
        file.set_len(0)?;
        file.write_all(format!("{}\n", std::process::id()).as_bytes())?;
        Ok(PidFile { path: path.to_owned(), file })
    }

    /// Removes the file. If the directory no longer permits that, because privileges were dropped, the file is emptied,
    /// which means the same.
    pub fn remove(self) -> io::Result<()> {
        match fs::remove_file(&self.path) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(_) => self.file.set_len(0),
        }
    }
}

fn is_plain(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|entry| entry.is_file() && entry.nlink() == 1)
}

fn open(path: &Path, how: &mut OpenOptions) -> io::Result<File> {
    how.write(true).mode(0o644).truncate(false).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path)
}

/// The living process that the file names, other than this one.
fn living(path: &Path) -> Option<Pid> {
    // O_NONBLOCK, because opening a FIFO would block the start.
    let file =
        OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path).ok()?;
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    let mut content = Vec::new();
    file.take(PID_FILE_MAX_BYTES).read_to_end(&mut content).ok()?;
    let pid = Some(atoi(&content)).filter(|&pid| pid > 0).map(Pid::from_raw)?;
    let alive = matches!(kill(pid, None), Ok(()) | Err(Errno::EPERM));
    (alive && pid != nix::unistd::getpid()).then_some(pid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stale_files_are_replaced_and_living_ones_are_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("nrpe.pid");
        for stale in ["", "junk", "0", "-1", "4194305"] {
            fs::write(&path, stale).unwrap();
            let file = PidFile::create(&path).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), format!("{}\n", std::process::id()));
            file.remove().unwrap();
            assert!(!path.exists());
        }
        let parent = std::os::unix::process::parent_id();
        for living in [format!("{parent}\n"), format!(" {parent}x\0")] {
            fs::write(&path, living).unwrap();
            assert!(PidFile::create(&path).unwrap_err().to_string().contains(&parent.to_string()));
        }
    }

    #[test]
    fn only_a_regular_file_is_accepted() {
        let directory = tempfile::tempdir().unwrap();
        let (fifo, file, other) =
            (directory.path().join("fifo"), directory.path().join("file"), directory.path().join("other"));
        nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
        fs::write(&file, "kept").unwrap();
        fs::hard_link(&file, &other).unwrap();
        for path in [fifo.as_path(), file.as_path(), directory.path()] {
            assert!(PidFile::create(path).is_err(), "{}", path.display());
        }
        assert_eq!(fs::read_to_string(file).unwrap(), "kept");
    }

    #[test]
    fn links_are_not_written_to() {
        let directory = tempfile::tempdir().unwrap();
        let (target, link) = (directory.path().join("target"), directory.path().join("link"));
        fs::write(&target, "kept").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        assert!(PidFile::create(&link).is_err());
        assert_eq!(fs::read_to_string(target).unwrap(), "kept");
    }
}
