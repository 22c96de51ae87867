//! A small disk that can be filled.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A tmpfs of 96 MiB.
#[derive(Debug)]
pub(super) struct Disk {
    path: PathBuf,
}

impl Disk {
    /// Makes one at a path; none where this user may not, and the disk is never full then.
    pub(super) fn mount(path: &Path) -> Option<Disk> {
        fs::create_dir(path).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=96m", "tmpfs"])
            .arg(path)
            .output()
            .unwrap();
        mounted.status.success().then(|| Disk { path: path.to_owned() })
    }

    /// Leaves no byte.
    pub(super) fn fill(&self) {
        let mut file = File::create(self.filler()).unwrap();
        for size in [1 << 16, 1 << 10, 1] {
            let block = vec![0x55; size];
            while file.write_all(&block).is_ok() {}
        }
    }

    /// Leaves what there was.
    pub(super) fn free(&self) {
        let _ = fs::remove_file(self.filler());
    }

    fn filler(&self) -> PathBuf {
        self.path.join("filler")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // What is still open on it does not keep it.
        let _ = Command::new("umount").arg("-l").arg(&self.path).status();
    }
}
