//! The digests and ciphers, by the names that people write.

use openssl::hash::MessageDigest;

/// How a message is authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AuthProtocol {
    /// HMAC-MD5-96.
    Md5,
    /// HMAC-SHA-96.
    Sha1,
    /// HMAC-SHA-224 of 128 bits.
    Sha224,
    /// HMAC-SHA-256 of 192 bits.
    Sha256,
    /// HMAC-SHA-384 of 256 bits.
    Sha384,
    /// HMAC-SHA-512 of 384 bits.
    Sha512,
}

impl AuthProtocol {
    /// Every protocol.
    pub const ALL: [AuthProtocol; 6] = [
        AuthProtocol::Md5,
        AuthProtocol::Sha1,
        AuthProtocol::Sha224,
        AuthProtocol::Sha256,
        AuthProtocol::Sha384,
        AuthProtocol::Sha512,
    ];

    /// Its name in a configuration.
    pub fn name(self) -> &'static str {
        match self {
            AuthProtocol::Md5 => "md5",
            AuthProtocol::Sha1 => "sha1",
            AuthProtocol::Sha224 => "sha224",
            AuthProtocol::Sha256 => "sha256",
            AuthProtocol::Sha384 => "sha384",
            AuthProtocol::Sha512 => "sha512",
        }
    }

    /// The protocol of a name, in any case, with or without a dash: `sha256`, `SHA-256`; `SHA` is SHA-1.
    pub fn from_name(name: &str) -> Option<AuthProtocol> {
        let name = name.to_ascii_lowercase().replace('-', "");
        let name = if name == "sha" { "sha1" } else { &name };
        AuthProtocol::ALL.into_iter().find(|protocol| protocol.name() == name)
    }

    /// Bytes of the digest that travel with a message.
    pub(super) fn digest_len(self) -> usize {
        match self {
            AuthProtocol::Md5 | AuthProtocol::Sha1 => 12,
            AuthProtocol::Sha224 => 16,
            AuthProtocol::Sha256 => 24,
            AuthProtocol::Sha384 => 32,
            AuthProtocol::Sha512 => 48,
        }
    }

    pub(super) fn hash(self) -> MessageDigest {
        match self {
            AuthProtocol::Md5 => MessageDigest::md5(),
            AuthProtocol::Sha1 => MessageDigest::sha1(),
            AuthProtocol::Sha224 => MessageDigest::sha224(),
            AuthProtocol::Sha256 => MessageDigest::sha256(),
            AuthProtocol::Sha384 => MessageDigest::sha384(),
            AuthProtocol::Sha512 => MessageDigest::sha512(),
        }
    }
}

/// How a message is encrypted.
///
/// Where a digest is too short for the key of a cipher it is lengthened: by the draft of Blumenthal, as net-snmp does
/// it, or by that of Reeder, as Cisco's devices do it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PrivProtocol {
    /// DES in CBC mode. Weak; for devices that know nothing else.
    Des,
    /// AES with a key of 128 bits.
    Aes128,
    /// AES with a key of 192 bits, lengthened by Blumenthal's way.
    Aes192,
    /// AES with a key of 256 bits, lengthened by Blumenthal's way.
    Aes256,
    /// AES with a key of 192 bits, lengthened by Reeder's way.
    Aes192Cisco,
    /// AES with a key of 256 bits, lengthened by Reeder's way.
    Aes256Cisco,
}

impl PrivProtocol {
    /// Every protocol.
    pub const ALL: [PrivProtocol; 6] = [
        PrivProtocol::Des,
        PrivProtocol::Aes128,
        PrivProtocol::Aes192,
        PrivProtocol::Aes256,
        PrivProtocol::Aes192Cisco,
        PrivProtocol::Aes256Cisco,
    ];

    /// Its name in a configuration.
    pub fn name(self) -> &'static str {
        match self {
            PrivProtocol::Des => "des",
            PrivProtocol::Aes128 => "aes128",
            PrivProtocol::Aes192 => "aes192",
            PrivProtocol::Aes256 => "aes256",
            PrivProtocol::Aes192Cisco => "aes192c",
            PrivProtocol::Aes256Cisco => "aes256c",
        }
    }

    /// The protocol of a name, in any case, with or without a dash: `aes128`, `AES-128`; `AES` is AES-128.
    pub fn from_name(name: &str) -> Option<PrivProtocol> {
        let name = name.to_ascii_lowercase().replace('-', "");
        let name = if name == "aes" { "aes128" } else { &name };
        PrivProtocol::ALL.into_iter().find(|protocol| protocol.name() == name)
    }

    /// Bytes of the key, what DES mixes into its first block included.
    pub(super) fn key_len(self) -> usize {
        match self {
            PrivProtocol::Des | PrivProtocol::Aes128 => 16,
            PrivProtocol::Aes192 | PrivProtocol::Aes192Cisco => 24,
            PrivProtocol::Aes256 | PrivProtocol::Aes256Cisco => 32,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_people_write_them() {
        for protocol in AuthProtocol::ALL {
            assert_eq!(AuthProtocol::from_name(protocol.name()), Some(protocol));
        }
        for protocol in PrivProtocol::ALL {
            assert_eq!(PrivProtocol::from_name(protocol.name()), Some(protocol));
        }
        assert_eq!(AuthProtocol::from_name("SHA"), Some(AuthProtocol::Sha1));
        assert_eq!(AuthProtocol::from_name("SHA-512"), Some(AuthProtocol::Sha512));
        assert_eq!(PrivProtocol::from_name("AES"), Some(PrivProtocol::Aes128));
        assert_eq!(PrivProtocol::from_name("AES-256-C"), Some(PrivProtocol::Aes256Cisco));
        assert_eq!((AuthProtocol::from_name("sha3"), PrivProtocol::from_name("3des")), (None, None));
    }
}
