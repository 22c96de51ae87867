//! Everything that can go wrong in the store. A message continues "failed to …".

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// The result of every store operation.
pub type Result<T> = std::result::Result<T, Error>;

/// Why the store could not do what was asked.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused an operation on a file.
    Io {
        /// What was being done, such as `write log`.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Bytes on disk are not what was written.
    Damaged {
        /// The file.
        path: PathBuf,
        /// Offset of the damaged part from the start of the file, in bytes.
        offset: u64,
        /// What does not hold.
        what: String,
    },
    /// The file was written by a version that this one does not know.
    Version {
        /// The file.
        path: PathBuf,
        /// The version that it names.
        found: u32,
    },
    /// Another writer has the store open.
    Locked {
        /// The store's directory.
        path: PathBuf,
        /// Process id of the writer, where the kernel names it. A process that only has the lock file locked is none.
        pid: Option<u32>,
    },
    /// Only the user that a store's directory belongs to writes to it, or root in its name.
    NotOwner {
        /// The store's directory.
        path: PathBuf,
        /// The user that it belongs to.
        owner: u32,
        /// The user of this process.
        user: u32,
    },
    /// Every user may put files into the store's directory.
    Exposed {
        /// The store's directory.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The files of the store are no longer those that this writer opened: it was removed, replaced or mounted over.
    Displaced {
        /// The store's directory.
        path: PathBuf,
        /// What is not there any more.
        what: String,
    },
    /// The store takes no runs at the moment: the disk is full, or a sync failed.
    Refusing {
        /// Why, in the words of the first failure.
        why: String,
    },
    /// There are no run numbers left.
    NumbersUsedUp {
        /// Where they end, [`crate::limits::SEQ_MAX`].
        limit: u64,
    },
    /// A single run is larger than the store takes.
    RunTooLarge {
        /// Encoded size in bytes.
        bytes: usize,
        /// The limit in bytes, [`crate::limits::RUN_BYTES_MAX`].
        limit: usize,
    },
    /// Runs that were to become one bundle are more than one holds.
    BundleTooLarge {
        /// Size of the content in bytes.
        bytes: usize,
        /// The limit in bytes, [`crate::limits::BUNDLE_BYTES_MAX`].
        limit: usize,
    },
    /// An instance, or the instances of a run, are beyond a limit.
    InstanceRefused {
        /// What there is too much of.
        what: &'static str,
        /// How much there would be.
        found: usize,
        /// How much there may be.
        limit: usize,
    },
    /// A cursor cannot have this name.
    CursorName {
        /// The name.
        name: String,
    },
    /// A consumer's state is larger than its cursor takes.
    CursorState {
        /// Size in bytes.
        bytes: usize,
        /// The limit in bytes, [`crate::limits::CURSOR_STATE_BYTES_MAX`].
        limit: usize,
    },
    /// A note cannot be kept.
    Note {
        /// Its name.
        name: String,
        /// Why.
        what: &'static str,
    },
    /// The number compressor refused its input, which is a bug.
    Compress {
        /// What it said.
        what: String,
    },
    /// Sealing or merging failed; the runs are safe in the files that were to be replaced.
    Upkeep {
        /// What went wrong.
        why: String,
    },
    /// A long operation was asked to stop.
    Cancelled,
}

impl Error {
    pub(crate) fn io(action: &'static str, path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> Error {
        let path = path.as_ref().to_path_buf();
        move |source| Error::Io { action, path, source }
    }

    pub(crate) fn damaged(path: impl AsRef<Path>, offset: u64, what: impl Into<String>) -> Error {
        Error::Damaged { path: path.as_ref().to_path_buf(), offset, what: what.into() }
    }

    /// For a file of the store that cannot be opened. That is damage to this file, unless it is not there, or the fault is
    /// this process' own.
    pub(crate) fn open(path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> Error {
        let path = path.as_ref().to_path_buf();
        move |source| {
            use nix::libc::{EMFILE, ENFILE, ENOMEM};
            let own = matches!(source.raw_os_error(), Some(EMFILE | ENFILE | ENOMEM));
            if own || source.kind() == io::ErrorKind::NotFound {
                return Error::Io { action: "open", path, source };
            }
            Error::Damaged { path, offset: 0, what: format!("it cannot be opened: {source}") }
        }
    }

    /// `true` when the cause is a disk or quota that is full.
    pub fn is_no_space(&self) -> bool {
        match self {
            Error::Io { source, .. } => {
                matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
            }
            _ => false,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Io { action, path, source } => write!(f, "{action} {}: {source}", path.display()),
            Error::Damaged { path, offset, what } => {
                write!(f, "read {} at offset {offset}: {what}", path.display())
            }
            Error::Version { path, found } => {
                write!(
                    f,
                    "read {}: written by format version {found}, which this program does not know",
                    path.display()
                )
            }
            Error::Locked { path, pid: Some(pid) } => {
                write!(f, "open {} for writing: process {pid} is writing to it", path.display())
            }
            Error::Locked { path, pid: None } => {
                let path = path.display();
                write!(
                    f,
                    "open {path} for writing: its lock is held by a process that the kernel does not name"
                )
            }
            Error::NotOwner { path, owner, user } => {
                let path = path.display();
                write!(
                    f,
                    "open {path} for writing: it belongs to user {owner}, and this process is user {user}"
                )
            }
            Error::Exposed { path, mode } => {
                let path = path.display();
                write!(f, "open {path} for writing: every user may put files there (mode {mode:04o})")
            }
            Error::Displaced { path, what } => {
                let path = path.display();
                write!(f, "write to {path}: the store was taken away while it was being written ({what})")
            }
            Error::Refusing { why } => write!(f, "store runs: {why}"),
            Error::NumbersUsedUp { limit } => {
                write!(f, "store runs: their numbers would pass {limit}, the greatest that there is")
            }
            Error::RunTooLarge { bytes, limit } => {
                write!(f, "store a run of {bytes} bytes: the limit is {limit}")
            }
            Error::BundleTooLarge { bytes, limit } => {
                write!(f, "make one message of runs of {bytes} bytes; the limit is {limit}")
            }
            Error::InstanceRefused { what, found, limit } => {
                write!(f, "add an instance: {found} {what}, the limit is {limit}")
            }
            Error::CursorName { name } => {
                write!(
                    f,
                    "use the cursor {name:?}: a name is letters, digits, '-', '_' and '.', and begins with no '.'"
                )
            }
            Error::CursorState { bytes, limit } => {
                write!(f, "store {bytes} bytes in a cursor: the limit is {limit}")
            }
            Error::Note { name, what } => write!(f, "keep the note {name:?}: {what}"),
            Error::Compress { what } => write!(f, "compress a column: {what}"),
            Error::Upkeep { why } => write!(f, "seal or merge: {why}"),
            Error::Cancelled => write!(f, "finish: asked to stop"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}
