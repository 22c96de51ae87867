//! Keys of NATS (nkeys): Ed25519, written as base32 with what they are for before and a checksum behind them
//! (<https://github.com/nats-io/nkeys>).

use std::fmt;

use openssl::base64;
use openssl::pkey::{Id, PKey, Private};
use openssl::sign::Signer;

use super::base32::{crc16, decode, encode};

/// The prefix of seeds, which makes them begin with `S`.
const SEED: u8 = 18 << 3;
/// The prefix of what is a user's, which makes it begin with `U`.
const USER: u8 = 20 << 3;

/// Why a text is no seed of a user, or cannot be used. The text continues "failed to use the key: …".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SeedFault {
    /// It is not base32 of the right length, or its checksum is another one.
    Text,
    /// It is the seed of something other than a user.
    NotOfUser,
    /// The cryptographic library refused an operation.
    Crypto,
}

impl fmt::Display for SeedFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            SeedFault::Text => {
                "it is no seed, or not a whole one (a seed of a user begins with SU and has 58 characters)"
            }
            SeedFault::NotOfUser => "it is no seed of a user, which begins with SU",
            SeedFault::Crypto => "OpenSSL refuses to sign with it",
        })
    }
}

impl std::error::Error for SeedFault {}

/// The secret half of a user's key.
#[derive(Clone)]
pub struct Seed([u8; 32]);

impl fmt::Debug for Seed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Seed")
    }
}

impl Seed {
    /// Reads a seed of a user, which begins with `SU`.
    ///
    /// # Errors
    /// If it is none.
    pub fn read(text: &str) -> Result<Seed, SeedFault> {
        let bytes = decode(text.trim()).ok_or(SeedFault::Text)?;
        let (body, checksum) = bytes.split_last_chunk::<2>().ok_or(SeedFault::Text)?;
        let (prefix, key) = body.split_first_chunk::<2>().ok_or(SeedFault::Text)?;
        let key: [u8; 32] = key.try_into().map_err(|_| SeedFault::Text)?;
        if u16::from_le_bytes(*checksum) != crc16(body) || prefix[0] & 0xf8 != SEED {
            return Err(SeedFault::Text);
        }
        if (prefix[0] & 7) << 5 | prefix[1] >> 3 != USER {
            return Err(SeedFault::NotOfUser);
        }
        Ok(Seed(key))
    }

    fn key(&self) -> Result<PKey<Private>, SeedFault> {
        PKey::private_key_from_raw_bytes(&self.0, Id::ED25519).map_err(|_| SeedFault::Crypto)
    }

    /// The public half, as servers are told of it.
    ///
    /// # Errors
    /// If the cryptographic library refuses.
    pub fn public(&self) -> Result<String, SeedFault> {
        let public = self.key()?.raw_public_key().map_err(|_| SeedFault::Crypto)?;
        let mut bytes = vec![USER];
        bytes.extend_from_slice(&public);
        bytes.extend_from_slice(&crc16(&bytes).to_le_bytes());
        Ok(encode(&bytes))
    }

    /// The signature of a nonce, as CONNECT has it: base64 for addresses, without padding.
    ///
    /// # Errors
    /// If the cryptographic library refuses.
    pub fn signature(&self, nonce: &[u8]) -> Result<String, SeedFault> {
        let key = self.key()?;
        let mut signer = Signer::new_without_digest(&key).map_err(|_| SeedFault::Crypto)?;
        let signature = signer.sign_oneshot_to_vec(nonce).map_err(|_| SeedFault::Crypto)?;
        let text = base64::encode_block(&signature);
        Ok(text.trim_end_matches('=').replace('+', "-").replace('/', "_"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the documentation of NATS (nkey authentication), which publishes both halves.
    const PUBLISHED: (&str, &str) = (
        "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY",
        "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4",
    );

    #[test]
    fn a_published_seed_has_its_published_public_half() {
        let seed = Seed::read(PUBLISHED.0).unwrap();
        assert_eq!(seed.public().unwrap(), PUBLISHED.1);
        assert_eq!(seed.signature(b"nonce").unwrap().len(), 86);
        assert_eq!(format!("{seed:?}"), "Seed");
    }

    #[test]
    fn what_is_no_seed_of_a_user_is_refused() {
        let mut mistyped = PUBLISHED.0.to_owned();
        mistyped.replace_range(20..21, "A");
        for text in [&*mistyped, PUBLISHED.1, "", "SU", &PUBLISHED.0[..57]] {
            assert_eq!(Seed::read(text).unwrap_err(), SeedFault::Text, "{text}");
        }
        let mut account = vec![SEED, 0];
        account.extend([7; 32]);
        account.extend(crc16(&account).to_le_bytes());
        assert_eq!(Seed::read(&encode(&account)).unwrap_err(), SeedFault::NotOfUser);
    }
}
