//! Which store this is: a random number that is made with it and goes wherever its files go.
//!
//! A store that was restored from a backup has the identity that it had, and one that was made anew in the same directory
//! has another.

use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::str::FromStr;

use crate::aside::move_aside;
use crate::disk::Disk;
use crate::error::{Error, Result};
use crate::small;

/// Name of the file, which is made with a store and not written again.
pub const IDENTITY_NAME: &str = "identity";

const MAGIC: [u8; 8] = *b"CUSTIDN\0";

/// The identity of a store: 128 random bits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity(pub [u8; 16]);

impl Identity {
    /// An identity that no other store has.
    fn random() -> Identity {
        // The keys of each of these hashers are random numbers of the operating system.
        let half = || RandomState::new().build_hasher().finish().to_le_bytes();
        let mut bytes = [0; 16];
        let (first, second) = bytes.split_at_mut(8);
        first.copy_from_slice(&half());
        second.copy_from_slice(&half());
        Identity(bytes)
    }
}

impl fmt::Display for Identity {
    /// 32 hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({self})")
    }
}

/// The text is not 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoIdentity;

impl fmt::Display for NoIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an identity is 32 hexadecimal digits")
    }
}

impl std::error::Error for NoIdentity {}

impl FromStr for Identity {
    type Err = NoIdentity;

    fn from_str(text: &str) -> std::result::Result<Identity, NoIdentity> {
        if text.len() != 32 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(NoIdentity);
        }
        let number = u128::from_str_radix(text, 16).map_err(|_| NoIdentity)?;
        Ok(Identity(number.to_be_bytes()))
    }
}

/// The identity of the store on a disk; none if it has none yet.
///
/// # Errors
/// [`Error::Damaged`] if the file cannot be read, [`Error::Version`] if a newer version wrote it.
pub(crate) fn load(disk: &dyn Disk) -> Result<Option<Identity>> {
    let Some(payload) = small::load(disk, IDENTITY_NAME, MAGIC)? else { return Ok(None) };
    match <[u8; 16]>::try_from(payload.as_slice()) {
        Ok(bytes) => Ok(Some(Identity(bytes))),
        Err(_) => Err(Error::damaged(disk.path().join(IDENTITY_NAME), 0, "it has no 16 bytes of identity")),
    }
}

/// The identity of a store that is open for writing, which gets one if it has none. A damaged one is set aside and
/// replaced, since an unknown identity is another one to whoever goes by it; `true` then.
pub(crate) fn ensure(disk: &dyn Disk) -> Result<(Identity, bool)> {
    let damaged = match load(disk) {
        Ok(Some(identity)) => return Ok((identity, false)),
        Ok(None) => false,
        Err(Error::Damaged { .. }) => {
            move_aside(disk, IDENTITY_NAME)?;
            true
        }
        Err(error) => return Err(error),
    };
    let identity = Identity::random();
    small::replace(disk, IDENTITY_NAME, &small::encode(MAGIC, &identity.0))?;
    Ok((identity, damaged))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::SimDisk;

    #[test]
    fn a_store_gets_one_identity_and_keeps_it() {
        let disk = SimDisk::new();
        assert_eq!(load(&disk).unwrap(), None);
        let (made, damaged) = ensure(&disk).unwrap();
        assert!(!damaged);
        assert_eq!(ensure(&disk).unwrap(), (made, false));
        assert_eq!(load(&disk).unwrap(), Some(made));
        assert_eq!(made.to_string().parse(), Ok(made));
        assert_eq!("0123".parse::<Identity>(), Err(NoIdentity));
        assert_eq!("+123456789abcdef0123456789abcdef0".parse::<Identity>(), Err(NoIdentity));
        assert_ne!(ensure(&SimDisk::new()).unwrap().0, made);
    }

    #[test]
    fn a_damaged_identity_is_set_aside_for_another_one() {
        let disk = SimDisk::new();
        let (before, _) = ensure(&disk).unwrap();
        let mut bytes = disk.bytes(IDENTITY_NAME).unwrap();
        bytes[20] ^= 1;
        disk.put(IDENTITY_NAME, &bytes);
        assert!(matches!(load(&disk), Err(Error::Damaged { .. })));
        let (after, damaged) = ensure(&disk).unwrap();
        assert!(damaged && after != before);
        assert_eq!(disk.bytes("identity.damaged"), Some(bytes));
    }
}
