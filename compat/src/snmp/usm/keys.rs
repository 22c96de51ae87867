//! From passphrases to the keys of one engine (RFC 3414, A.2).
//!
//! Making a master key hashes a megabyte, once for each passphrase; making an engine's key of it is cheap. Invariant: no
//! key is ever printed.

use std::fmt;

use openssl::hash::Hasher;
use openssl::pkey::{PKey, Private};
use openssl::sign::Signer;

use super::privacy::Cipher;
use super::protocol::{AuthProtocol, PrivProtocol};
use crate::snmp::error::Error;

/// Shortest passphrase.
const PASSPHRASE_MIN_BYTES: usize = 8;
/// Bytes that are hashed to make a master key.
const STRETCH_BYTES: usize = 1 << 20;

/// The keys of a user, not yet those of any engine.
#[derive(Clone)]
pub struct MasterKeys {
    auth: AuthProtocol,
    auth_key: Vec<u8>,
    privacy: Option<(PrivProtocol, Vec<u8>)>,
}

impl MasterKeys {
    /// Makes the keys of passphrases.
    ///
    /// # Errors
    /// [`Error::ShortPassphrase`] below 8 bytes.
    pub fn derive(
        auth: AuthProtocol,
        auth_passphrase: &[u8],
        privacy: Option<(PrivProtocol, &[u8])>,
    ) -> Result<MasterKeys, Error> {
        let auth_key = stretch(auth, auth_passphrase)?;
        let privacy = match privacy {
            Some((protocol, passphrase)) => Some((protocol, stretch(auth, passphrase)?)),
            None => None,
        };
        Ok(MasterKeys { auth, auth_key, privacy })
    }

    /// The keys of this user at one engine.
    pub fn localize(&self, engine_id: &[u8]) -> Result<Keys, Error> {
        let auth_key = localized(self.auth, &self.auth_key, engine_id)?;
        let cipher = match &self.privacy {
            None => None,
            Some((protocol, master)) => {
                let mut key = localized(self.auth, master, engine_id)?;
                lengthen(&mut key, self.auth, *protocol, engine_id)?;
                key.truncate(protocol.key_len());
                Some(Cipher::new(*protocol, key))
            }
        };
        let signing = PKey::hmac(&auth_key).map_err(|_| Error::Crypto)?;
        Ok(Keys { auth: self.auth, signing, cipher })
    }

    /// Whether messages are encrypted with these.
    pub fn encrypts(&self) -> bool {
        self.privacy.is_some()
    }
}

/// The keys of a user at one engine.
pub struct Keys {
    auth: AuthProtocol,
    signing: PKey<Private>,
    cipher: Option<Cipher>,
}

impl Keys {
    /// Bytes of the digest of a message.
    pub(super) fn digest_len(&self) -> usize {
        self.auth.digest_len()
    }

    /// The digest of a message that is given in pieces.
    pub(super) fn digest(&self, pieces: &[&[u8]]) -> Result<Vec<u8>, Error> {
        let sign = || {
            let mut signer = Signer::new(self.auth.hash(), &self.signing)?;
            for piece in pieces {
                signer.update(piece)?;
            }
            signer.sign_to_vec()
        };
        let mut digest = sign().map_err(|_| Error::Crypto)?;
        digest.truncate(self.digest_len());
        Ok(digest)
    }

    /// The cipher; none if messages are not encrypted.
    pub(super) fn cipher(&self) -> Option<&Cipher> {
        self.cipher.as_ref()
    }
}

impl fmt::Debug for MasterKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let privacy = self.privacy.as_ref().map(|privacy| privacy.0);
        f.debug_struct("MasterKeys")
            .field("auth", &self.auth)
            .field("privacy", &privacy)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("auth", &self.auth).finish_non_exhaustive()
    }
}

fn hash(
    protocol: AuthProtocol,
    feed: impl FnOnce(&mut Hasher) -> Result<(), openssl::error::ErrorStack>,
) -> Result<Vec<u8>, Error> {
    let hash = || {
        let mut hasher = Hasher::new(protocol.hash())?;
        feed(&mut hasher)?;
        hasher.finish()
    };
    hash().map(|digest| digest.to_vec()).map_err(|_| Error::Crypto)
}

/// Hashes a megabyte of the passphrase, over and over.
fn stretch(protocol: AuthProtocol, passphrase: &[u8]) -> Result<Vec<u8>, Error> {
    if passphrase.len() < PASSPHRASE_MIN_BYTES {
        return Err(Error::ShortPassphrase);
    }
    repeated(protocol, passphrase)
}

fn repeated(protocol: AuthProtocol, seed: &[u8]) -> Result<Vec<u8>, Error> {
    hash(protocol, |hasher| {
        // Whole repetitions of a few kilobytes, for few calls.
        let block = seed.repeat(4096_usize.div_ceil(seed.len().max(1)));
        let mut left = STRETCH_BYTES;
        while left > 0 {
            let len = block.len().min(left);
            hasher.update(&block[..len])?;
            left -= len;
        }
        Ok(())
    })
}

fn localized(protocol: AuthProtocol, master: &[u8], engine_id: &[u8]) -> Result<Vec<u8>, Error> {
    hash(protocol, |hasher| {
        hasher.update(master)?;
        hasher.update(engine_id)?;
        hasher.update(master)
    })
}

fn lengthen(
    key: &mut Vec<u8>,
    auth: AuthProtocol,
    protocol: PrivProtocol,
    engine_id: &[u8],
) -> Result<(), Error> {
    let reeder = matches!(protocol, PrivProtocol::Aes192Cisco | PrivProtocol::Aes256Cisco);
    let mut last = key.clone();
    while key.len() < protocol.key_len() {
        if reeder {
            last = localized(auth, &repeated(auth, &last)?, engine_id)?;
            key.extend_from_slice(&last);
        } else {
            let next = hash(auth, |hasher| hasher.update(key))?;
            key.extend_from_slice(&next);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The engine and the passphrase of RFC 3414, A.3.
    const ENGINE: [u8; 12] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2];

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn keys_are_those_of_the_standard() {
        for (protocol, master, local) in [
            (AuthProtocol::Md5, "9faf3283884e92834ebc9847d8edd963", "526f5eed9fcce26f8964c2930787d82b"),
            (
                AuthProtocol::Sha1,
                "9fb5cc0381497b3793528939ff788d5d79145211",
                "6695febc9288e36282235fc7151f128497b38f3f",
            ),
        ] {
            let key = stretch(protocol, b"maplesyrup").unwrap();
            assert_eq!(hex(&key), master);
            assert_eq!(hex(&localized(protocol, &key, &ENGINE).unwrap()), local);
        }
    }

    #[test]
    fn short_keys_are_lengthened_in_both_ways() {
        let key = localized(AuthProtocol::Md5, &stretch(AuthProtocol::Md5, b"maplesyrup").unwrap(), &ENGINE)
            .unwrap();
        let mut lengthened = Vec::new();
        for protocol in [PrivProtocol::Aes256, PrivProtocol::Aes256Cisco] {
            let mut longer = key.clone();
            lengthen(&mut longer, AuthProtocol::Md5, protocol, &ENGINE).unwrap();
            assert_eq!((&longer[..16], longer.len()), (&key[..], 32));
            lengthened.push(longer);
        }
        // draft-reeder-snmpv3-usm-3desede has this key as its example.
        assert_eq!(hex(&lengthened[1]), "526f5eed9fcce26f8964c2930787d82b79eff44a90650ee0a3a40abfac5acc12");
        assert_ne!(lengthened[0], lengthened[1]);
    }

    #[test]
    fn a_short_passphrase_is_refused() {
        let made = MasterKeys::derive(AuthProtocol::Sha256, b"1234567", None);
        assert_eq!(made.unwrap_err(), Error::ShortPassphrase);
    }

    #[test]
    fn keys_are_not_printed() {
        let master =
            MasterKeys::derive(AuthProtocol::Md5, b"maplesyrup", Some((PrivProtocol::Des, b"maplesyrup")));
        let master = master.unwrap();
        let printed = format!("{master:?} {:?}", master.localize(&ENGINE).unwrap());
        assert!(
            !printed.contains("159, 175") && !printed.contains("82, 111") && !printed.contains("maple"),
            "{printed}"
        );
    }
}
