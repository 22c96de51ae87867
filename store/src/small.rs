//! Small files of a store that are written as a whole: what is in them, and how one takes the place of another.
//!
//! ```text
//!  0   8  magic
//!  8   4  version
//! 12   4  length of the payload
//! 16   …  payload
//!      4  CRC-32C of all before
//! ```

use crate::disk::Disk;
use crate::error::{Error, Result};
use crate::limits::SMALL_FILE_BYTES_MAX;

/// Ending of a file that is being written and will take the place of the file without it.
const ASIDE: &str = ".tmp";

const VERSION: u32 = 1;
const LEN_AT: usize = 12;
const PAYLOAD_AT: usize = LEN_AT + 4;
const CRC_LEN: usize = 4;

/// The bytes of a small file with this payload.
pub(crate) fn encode(magic: [u8; 8], payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(PAYLOAD_AT + payload.len() + CRC_LEN);
    out.extend_from_slice(&magic);
    out.extend_from_slice(&VERSION.to_le_bytes());
    out.extend_from_slice(&(payload.len() as u32).to_le_bytes());
    out.extend_from_slice(payload);
    let crc = crc32c::crc32c(&out);
    out.extend_from_slice(&crc.to_le_bytes());
    out
}

/// What is wrong with the bytes of a small file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    Damaged(&'static str),
    Version(u32),
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes)
}

/// The payload of a small file.
pub(crate) fn decode(magic: [u8; 8], bytes: &[u8]) -> std::result::Result<&[u8], Unreadable> {
    let short = Unreadable::Damaged("the file is cut short");
    let body_len = bytes.len().checked_sub(CRC_LEN).ok_or(short)?;
    let (body, crc) = bytes.split_at(body_len);
    if u32_at(crc, 0) != Some(crc32c::crc32c(body)) {
        return Err(Unreadable::Damaged("the file does not match its checksum"));
    }
    if !body.starts_with(&magic) {
        return Err(Unreadable::Damaged("the file is of another kind"));
    }
    match (u32_at(body, 8), u32_at(body, LEN_AT)) {
        (Some(VERSION), Some(len)) => match body.get(PAYLOAD_AT..) {
            Some(payload) if payload.len() == len as usize => Ok(payload),
            _ => Err(Unreadable::Damaged("the file has another length than it says")),
        },
        (Some(version), _) => Err(Unreadable::Version(version)),
        _ => Err(short),
    }
}

/// The bytes of a small file; none if there is none of that name.
pub(crate) fn read(disk: &dyn Disk, name: &str) -> Result<Option<Vec<u8>>> {
    let path = || disk.path().join(name);
    let file = match disk.open(name) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::open(path())(error)),
    };
    let size = file.size().map_err(Error::io("read", path()))?;
    if size > SMALL_FILE_BYTES_MAX as u64 {
        return Err(Error::damaged(path(), 0, format!("{size} bytes are more than such a file can have")));
    }
    let mut bytes = vec![0; size as usize];
    let len = file.read_at(&mut bytes, 0).map_err(Error::io("read", path()))?;
    bytes.truncate(len);
    Ok(Some(bytes))
}

/// The payload of a small file; none if there is none of that name.
pub(crate) fn load(disk: &dyn Disk, name: &str, magic: [u8; 8]) -> Result<Option<Vec<u8>>> {
    let Some(bytes) = read(disk, name)? else { return Ok(None) };
    let path = || disk.path().join(name);
    match decode(magic, &bytes) {
        Ok(payload) => Ok(Some(payload.to_vec())),
        Err(Unreadable::Damaged(what)) => Err(Error::damaged(path(), 0, what)),
        Err(Unreadable::Version(found)) => Err(Error::Version { path: path(), found }),
    }
}

/// Puts a file with these bytes under the name, durably, whether or not there is one. Whoever reads, and whoever looks
/// after a crash, finds the old file or the new one, whole.
pub(crate) fn replace(disk: &dyn Disk, name: &str, bytes: &[u8]) -> Result<()> {
    let aside = format!("{name}{ASIDE}");
    let path = disk.path().join(&aside);
    // Left over from a process that ended in the middle of this.
    let _ = disk.remove(&aside);
    let file = disk.create(&aside, 0).map_err(Error::io("create", &path))?;
    let put = file
        .write_at(bytes, 0)
        .map_err(Error::io("write", &path))
        .and_then(|()| file.sync().map_err(Error::io("sync", &path)))
        .and_then(|()| disk.rename(&aside, name).map_err(Error::io("rename", &path)));
    if let Err(error) = put {
        let _ = disk.remove(&aside);
        return Err(error);
    }
    disk.sync_names().map_err(Error::io("sync directory", disk.path()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::disk::SimDisk;

    const MAGIC: [u8; 8] = *b"CUSTTST\0";

    #[test]
    fn every_flip_and_cut_is_noticed() {
        for payload in [&b""[..], b"some payload"] {
            let whole = encode(MAGIC, payload);
            assert_eq!(decode(MAGIC, &whole), Ok(payload));
            for at in 0..whole.len() {
                let mut bytes = whole.clone();
                bytes[at] ^= 1 << (at % 8);
                assert!(decode(MAGIC, &bytes).is_err(), "byte {at}");
                assert!(decode(MAGIC, &whole[..at]).is_err(), "cut to {at}");
            }
        }
        assert_eq!(
            decode(*b"CUSTANY\0", &encode(MAGIC, b"x")),
            Err(Unreadable::Damaged("the file is of another kind"))
        );
    }

    #[test]
    fn another_version_is_told_apart() {
        let mut bytes = encode(MAGIC, b"x");
        bytes[8] = 7;
        let body = bytes.len() - CRC_LEN;
        let crc = crc32c::crc32c(&bytes[..body]);
        bytes[body..].copy_from_slice(&crc.to_le_bytes());
        assert_eq!(decode(MAGIC, &bytes), Err(Unreadable::Version(7)));
    }

    /// The files with such a payload, by what reads them.
    fn load_all(bytes: &[u8]) {
        let disk = SimDisk::new();
        for name in ["identity", "synced", "a.note", "a.cursor", "amendments"] {
            disk.put(name, bytes);
        }
        let _ = crate::identity::load(&disk);
        let _ = crate::mark::load(&disk).unwrap();
        let _ = crate::note::load(&disk, "a.note");
        let _ = crate::cursor::load(&disk, "a.cursor");
        let _ = crate::amendment::load(&disk);
    }

    proptest! {
        #[test]
        fn any_payload_is_read_back(payload in prop::collection::vec(any::<u8>(), 0..300)) {
            let whole = encode(MAGIC, &payload);
            prop_assert_eq!(decode(MAGIC, &whole), Ok(&payload[..]));
        }

        #[test]
        fn no_bytes_are_too_odd(payload in prop::collection::vec(any::<u8>(), 0..80)) {
            load_all(&payload);
            // Behind checksums that hold.
            for magic in [*b"CUSTIDN\0", *b"CUSTSYN\0", *b"CUSTNOT\0", *b"CUSTCUR\0", *b"CUSTAMD\0"] {
                load_all(&encode(magic, &payload));
            }
        }
    }
}
