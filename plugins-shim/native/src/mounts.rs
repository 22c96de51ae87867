//! The mounted file systems, as `getmntent(3)` reads them of `/proc/self/mounts`.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

/// A mounted file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mount {
    pub(crate) device: OsString,
    pub(crate) point: OsString,
    pub(crate) kind: OsString,
    options: Vec<u8>,
}

impl Mount {
    /// Whether it has no files of its own, by the list of gnulib.
    pub(crate) fn is_dummy(&self) -> bool {
        const DUMMIES: [&str; 12] = [
            "autofs",
            "proc",
            "subfs",
            "debugfs",
            "devpts",
            "fusectl",
            "mqueue",
            "rpc_pipefs",
            "sysfs",
            "devfs",
            "kernfs",
            "ignore",
        ];
        let is_bound = || self.options.split(|byte| *byte == b',').any(|option| option == b"bind");
        DUMMIES.iter().any(|dummy| self.kind == *dummy) || self.kind == "none" && !is_bound()
    }

    /// Whether it is of another host, by the name of what is mounted.
    pub(crate) fn is_remote(&self) -> bool {
        let device = self.device.as_bytes();
        device.contains(&b':') || device.starts_with(b"//") && (self.kind == "smbfs" || self.kind == "cifs")
    }
}

/// Reads the list.
pub(crate) fn read(text: &[u8]) -> Vec<Mount> {
    let line = |line: &[u8]| {
        let mut fields = line.split(|byte| *byte == b' ' || *byte == b'\t').filter(|field| !field.is_empty());
        let device = fields.next().filter(|device| !device.starts_with(b"#"))?;
        Some(Mount {
            device: decoded(device),
            point: decoded(fields.next()?),
            kind: decoded(fields.next()?),
            options: fields.next().unwrap_or_default().to_vec(),
        })
    };
    text.split(|byte| *byte == b'\n').filter_map(line).collect()
}

/// A field, in which blanks, tabs, newlines and backslashes are octal numbers.
fn decoded(field: &[u8]) -> OsString {
    let mut decoded = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((byte, after)) = rest.split_first() {
        let known = [(&b"040"[..], b' '), (b"011", b'\t'), (b"012", b'\n'), (b"134", b'\\'), (b"\\", b'\\')];
        match known.iter().find(|(code, _)| *byte == b'\\' && after.starts_with(code)) {
            Some((code, stands_for)) => {
                decoded.push(*stands_for);
                rest = &after[code.len()..];
            }
            None => {
                decoded.push(*byte);
                rest = after;
            }
        }
    }
    OsString::from_vec(decoded)
}

/// Whether a path lies below a mount point as `check_disk` compares them: by characters, not by names.
pub(crate) fn is_below(path: &OsStr, point: &OsStr) -> bool {
    point.len() <= path.len() && (point.len() == 1 || path.as_bytes().starts_with(point.as_bytes()))
}
