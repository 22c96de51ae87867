//! Encryption of what a message carries: DES in CBC mode, AES in CFB mode.
//!
//! The salt is given by the caller and must not repeat for a key.

use openssl::symm::{Cipher as Algorithm, Crypter, Mode};

use super::protocol::PrivProtocol;
use crate::snmp::error::Error;

/// Bytes of a salt on the wire.
const SALT_LEN: usize = 8;
/// Bytes of a block of DES.
const DES_BLOCK_LEN: usize = 8;

/// A cipher with its key.
pub(super) struct Cipher {
    protocol: PrivProtocol,
    key: Vec<u8>,
}

impl Cipher {
    /// A cipher with a key of the protocol's length.
    pub(super) fn new(protocol: PrivProtocol, key: Vec<u8>) -> Cipher {
        Cipher { protocol, key }
    }

    /// Encrypts; returns the salt as it travels, and what it became.
    pub(super) fn encrypt(
        &self,
        plain: &[u8],
        boots: u32,
        time: u32,
        salt: u64,
    ) -> Result<([u8; SALT_LEN], Vec<u8>), Error> {
        let mut salt = salt.to_be_bytes();
        let mut padded;
        let mut input = plain;
        if self.protocol == PrivProtocol::Des {
            salt[..4].copy_from_slice(&boots.to_be_bytes());
            padded = plain.to_vec();
            padded.resize(plain.len().next_multiple_of(DES_BLOCK_LEN), 0);
            input = &padded;
        }
        Ok((salt, self.run(Mode::Encrypt, input, boots, time, &salt)?))
    }

    /// Decrypts. What DES padded stays at the end.
    pub(super) fn decrypt(
        &self,
        secret: &[u8],
        boots: u32,
        time: u32,
        salt: &[u8],
    ) -> Result<Vec<u8>, Error> {
        let salt = salt.try_into().map_err(|_| Error::Decryption)?;
        if self.protocol == PrivProtocol::Des && !secret.len().is_multiple_of(DES_BLOCK_LEN) {
            return Err(Error::Decryption);
        }
        self.run(Mode::Decrypt, secret, boots, time, &salt)
    }

    fn run(
        &self,
        mode: Mode,
        input: &[u8],
        boots: u32,
        time: u32,
        salt: &[u8; SALT_LEN],
    ) -> Result<Vec<u8>, Error> {
        let mut vector = Vec::with_capacity(16);
        let algorithm;
        let mut tripled = Vec::new();
        let key = match self.protocol {
            PrivProtocol::Des => {
                // OpenSSL 3 keeps DES in a module that need not be installed; triple DES with three equal keys is the same.
                let (key, pre) = self.key.split_at(DES_BLOCK_LEN);
                tripled.extend_from_slice(&key.repeat(3));
                vector.extend(pre.iter().zip(salt).map(|(pre, salt)| pre ^ salt));
                algorithm = Algorithm::des_ede3_cbc();
                &tripled[..]
            }
            _ => {
                vector.extend_from_slice(&boots.to_be_bytes());
                vector.extend_from_slice(&time.to_be_bytes());
                vector.extend_from_slice(salt);
                algorithm = match self.key.len() {
                    16 => Algorithm::aes_128_cfb128(),
                    24 => Algorithm::aes_192_cfb128(),
                    _ => Algorithm::aes_256_cfb128(),
                };
                &self.key[..]
            }
        };
        let run = || {
            let mut crypter = Crypter::new(algorithm, mode, key, Some(&vector))?;
            crypter.pad(false);
            let mut output = vec![0; input.len() + algorithm.block_size()];
            let mut len = crypter.update(input, &mut output)?;
            len += crypter.finalize(&mut output[len..])?;
            output.truncate(len);
            Ok(output)
        };
        run().map_err(|_: openssl::error::ErrorStack| Error::Crypto)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encrypted_is_decrypted() {
        for protocol in PrivProtocol::ALL {
            let cipher = Cipher::new(protocol, (0..protocol.key_len() as u8).collect());
            for len in [0, 1, 7, 8, 9, 100] {
                let plain = vec![0x42; len];
                let (salt, secret) = cipher.encrypt(&plain, 3, 1000, 77).unwrap();
                assert_eq!(cipher.decrypt(&secret, 3, 1000, &salt).unwrap()[..len], plain, "{protocol:?}");
                if len >= 8 {
                    assert_ne!(secret[..8], plain[..8]);
                    assert_ne!(cipher.encrypt(&plain, 3, 1000, 78).unwrap().1, secret);
                }
            }
            assert_eq!(cipher.decrypt(&[0; 8], 0, 0, &[0; 7]), Err(Error::Decryption));
        }
    }

    #[test]
    fn half_a_block_of_des_is_refused() {
        let cipher = Cipher::new(PrivProtocol::Des, vec![1; 16]);
        assert_eq!(cipher.decrypt(&[0; 7], 0, 0, &[0; 8]), Err(Error::Decryption));
    }
}
