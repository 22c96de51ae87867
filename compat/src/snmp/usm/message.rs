//! Messages of version 3 (RFC 3412, section 6, with the security parameters of RFC 3414, section 2.4).
//!
//! Invariant: what [`SecureMessage::open`] returns of an authenticated message was signed with the given keys; until then
//! nothing that the message claims may be believed.

use super::keys::Keys;
use crate::snmp::error::{Error, Fault};
use crate::snmp::limits::MESSAGE_MAX_BYTES;
use crate::snmp::message::{Version, read_version};
use crate::snmp::pdu::{Body, Pdu};
use crate::snmp::reader::Reader;
use crate::snmp::tag::{OCTET_STRING, SEQUENCE};
use crate::snmp::writer::Writer;

const FLAG_AUTH: u8 = 1;
const FLAG_PRIV: u8 = 2;
const FLAG_REPORTABLE: u8 = 4;
/// The number of the user-based security model.
const USER_BASED: i64 = 3;
/// Largest count of starts, of seconds, and id of a message.
const NUMBER_MAX: i64 = i32::MAX as i64;

/// How well a message is protected, in rising order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Not at all.
    NoAuth,
    /// Signed.
    Auth,
    /// Signed and encrypted.
    AuthPriv,
}

/// A message of version 3 whose head was read, and nothing of it verified.
#[derive(Clone, Copy, Debug)]
pub struct SecureMessage<'a> {
    packet: &'a [u8],
    /// By which an answer finds its message.
    pub msg_id: i32,
    /// Whether the sender wants to be told why a message is not processed.
    pub reportable: bool,
    /// How well it claims to be protected.
    pub level: Level,
    /// The engine whose clock and keys it uses.
    pub engine_id: &'a [u8],
    /// How often that engine was started.
    pub boots: u32,
    /// Seconds since its last start.
    pub time: u32,
    /// The user.
    pub user: &'a [u8],
    digest: &'a [u8],
    digest_at: usize,
    salt: &'a [u8],
    data: Reader<'a>,
}

/// What a message of version 3 carries.
#[derive(Clone, Debug, PartialEq)]
pub struct Scoped {
    /// The engine that the variables are of.
    pub context_engine_id: Vec<u8>,
    /// Which of its contexts.
    pub context: Vec<u8>,
    /// The PDU.
    pub body: Body,
}

impl<'a> SecureMessage<'a> {
    /// Reads the head of a packet of version 3, and minds its lengths no more than net-snmp does.
    pub fn read(packet: &'a [u8]) -> Result<SecureMessage<'a>, Error> {
        let mut reader = Reader::new(packet).sequence()?;
        let at = reader.at();
        let version = read_version(&mut reader)?;
        if version != Version::V3 {
            return Err(Fault::Version(version.number()).at(at));
        }
        reader.enter(SEQUENCE)?;
        let msg_id = number(&mut reader)? as i32;
        let _max_size = reader.integer()?;
        let at = reader.at();
        let flags = match reader.octets()? {
            [flags] => *flags,
            other => return Err(Fault::Size { tag: OCTET_STRING, len: other.len() }.at(at)),
        };
        let at = reader.at();
        let model = reader.integer()?;
        if model != USER_BASED {
            return Err(Fault::SecurityModel(model).at(at));
        }
        let level = match (flags & FLAG_AUTH != 0, flags & FLAG_PRIV != 0) {
            (false, false) => Level::NoAuth,
            (true, false) => Level::Auth,
            (true, true) => Level::AuthPriv,
            (false, true) => return Err(Error::Security),
        };
        // The rest of the packet is what follows the salt, whatever the lengths around it say.
        let mut data = reader;
        let mut parameters = reader.element(OCTET_STRING)?.inside.sequence()?;
        let engine_id = parameters.octets()?;
        let boots = number(&mut parameters)? as u32;
        let time = number(&mut parameters)? as u32;
        let user = parameters.octets()?;
        let digest = parameters.octets()?;
        let digest_at = parameters.at() - digest.len();
        let salt = parameters.octets()?;
        data.go_on_at(parameters.at());
        let reportable = flags & FLAG_REPORTABLE != 0;
        Ok(SecureMessage {
            packet,
            msg_id,
            reportable,
            level,
            engine_id,
            boots,
            time,
            user,
            digest,
            digest_at,
            salt,
            data,
        })
    }

    /// The digest that the message carries; no other message of its engine has the same, but one that says the same.
    pub fn digest(&self) -> &'a [u8] {
        self.digest
    }

    /// Verifies the digest and decrypts, as the message's level says.
    ///
    /// # Errors
    /// [`Error::Security`] if keys that its level needs are missing, [`Error::Digest`] and [`Error::Decryption`] if they are
    /// not those of its sender.
    pub fn open(&self, keys: Option<&Keys>) -> Result<Scoped, Error> {
        let mut data = self.data;
        if self.level == Level::NoAuth {
            return read_scoped(&mut data);
        }
        let keys = keys.ok_or(Error::Security)?;
        self.verify(keys)?;
        if self.level == Level::Auth {
            return read_scoped(&mut data);
        }
        let cipher = keys.cipher().ok_or(Error::Security)?;
        let secret = data.element(OCTET_STRING)?.contents();
        let plain = cipher.decrypt(secret, self.boots, self.time, self.salt)?;
        // With the wrong key this is noise, which is no fault of the packet's form.
        Reader::new(&plain).sequence().map_err(|_| Error::Decryption)?;
        read_scoped(&mut Reader::new(&plain))
    }

    fn verify(&self, keys: &Keys) -> Result<(), Error> {
        let len = keys.digest_len();
        if self.digest.len() != len {
            return Err(Error::Digest);
        }
        let (before, rest) = self.packet.split_at(self.digest_at);
        let expected = keys.digest(&[before, &[0; 64][..len], &rest[len..]])?;
        if openssl::memcmp::eq(&expected, self.digest) { Ok(()) } else { Err(Error::Digest) }
    }
}

/// Reads the inside of a message. What follows it, such as the padding of what was encrypted, does not count.
fn read_scoped(data: &mut Reader<'_>) -> Result<Scoped, Error> {
    data.enter(SEQUENCE)?;
    let context_engine_id = data.octets()?.to_vec();
    let context = data.octets()?.to_vec();
    let body = Body::read(data)?;
    Ok(Scoped { context_engine_id, context, body })
}

/// The next element, a number that is not negative and has 31 bits.
fn number(reader: &mut Reader<'_>) -> Result<i64, Error> {
    let at = reader.at();
    let number = reader.integer()?;
    if (0..=NUMBER_MAX).contains(&number) { Ok(number) } else { Err(Fault::EngineTime(number).at(at)) }
}

/// A message of version 3 to be sent. Without keys it is not protected; with keys it is signed, and encrypted if they
/// have a cipher.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a> {
    /// By which the answer is found; not negative.
    pub msg_id: i32,
    /// Whether to be told why the message is not processed. Requests are, answers are not.
    pub reportable: bool,
    /// The engine whose clock and keys are used; empty in a discovery.
    pub engine_id: &'a [u8],
    /// How often that engine was started.
    pub boots: u32,
    /// Seconds since its last start.
    pub time: u32,
    /// The user; empty in a discovery.
    pub user: &'a [u8],
    /// The user's keys at that engine.
    pub keys: Option<&'a Keys>,
    /// A number that was never used before with these keys.
    pub salt: u64,
    /// The context.
    pub context: &'a [u8],
    /// What it carries.
    pub pdu: &'a Pdu,
}

impl Outgoing<'_> {
    /// The bytes of this message, about variables of the engine whose keys it uses.
    pub fn write(&self) -> Result<Vec<u8>, Error> {
        self.write_of(self.engine_id)
    }

    /// The bytes of this message, about variables of another engine: an inform is about its sender, and so is the answer.
    pub fn write_of(&self, context_engine_id: &[u8]) -> Result<Vec<u8>, Error> {
        let mut flags = if self.reportable { FLAG_REPORTABLE } else { 0 };
        let mut secret = None;
        if let Some(keys) = self.keys {
            flags |= FLAG_AUTH;
            if let Some(cipher) = keys.cipher() {
                flags |= FLAG_PRIV;
                let mut plain = Writer::default();
                self.write_scoped(&mut plain, context_engine_id);
                secret = Some(cipher.encrypt(&plain.finish(), self.boots, self.time, self.salt)?);
            }
        }
        let digest = [0; 64];
        let digest = &digest[..self.keys.map_or(0, Keys::digest_len)];
        let mut digest_end = 0;
        let mut writer = Writer::default();
        writer.sequence(|writer| {
            match &secret {
                Some((_, encrypted)) => writer.octets(encrypted),
                None => self.write_scoped(writer, context_engine_id),
            }
            let since = writer.len();
            writer.sequence(|writer| {
                writer.octets(secret.as_ref().map_or(&[], |(salt, _)| &salt[..]));
                digest_end = writer.len();
                writer.octets(digest);
                writer.octets(self.user);
                writer.integer(i64::from(self.time));
                writer.integer(i64::from(self.boots));
                writer.octets(self.engine_id);
            });
            writer.head(4, since);
            writer.sequence(|writer| {
                writer.integer(USER_BASED);
                writer.octets(&[flags]);
                writer.integer(MESSAGE_MAX_BYTES as i64);
                writer.integer(i64::from(self.msg_id));
            });
            writer.integer(3);
        });
        let mut packet = writer.finish();
        if let Some(keys) = self.keys {
            let made = keys.digest(&[&packet])?;
            let end = packet.len() - digest_end;
            packet[end - made.len()..end].copy_from_slice(&made);
        }
        Ok(packet)
    }

    fn write_scoped(&self, writer: &mut Writer, context_engine_id: &[u8]) {
        writer.sequence(|writer| {
            self.pdu.write(writer);
            writer.octets(self.context);
            writer.octets(context_engine_id);
        });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::snmp::usm::{AuthProtocol, MasterKeys, PrivProtocol};
    use crate::snmp::{Oid, PduKind};

    const ENGINE: &[u8] = b"\x80\0\x1f\x88\x04engine";

    fn pdu() -> Pdu {
        Pdu::request(PduKind::GetBulk, 99, [Oid::from_ids([1, 3, 6, 1, 2, 1, 2, 2])])
    }

    fn packet(keys: Option<&Keys>, pdu: &Pdu) -> Vec<u8> {
        let outgoing = Outgoing {
            msg_id: 7,
            reportable: true,
            engine_id: ENGINE,
            boots: 3,
            time: 1234,
            user: b"mon",
            keys,
            salt: 42,
            context: b"ctx",
            pdu,
        };
        outgoing.write().unwrap()
    }

    fn keys(auth: AuthProtocol, privacy: Option<PrivProtocol>) -> Keys {
        let privacy = privacy.map(|protocol| (protocol, &b"private passphrase"[..]));
        MasterKeys::derive(auth, b"auth passphrase", privacy).unwrap().localize(ENGINE).unwrap()
    }

    #[test]
    fn every_level_is_opened_by_its_own_keys_only() {
        let pdu = pdu();
        let mut all = Vec::new();
        for auth in AuthProtocol::ALL {
            all.push(keys(auth, None));
            all.extend(PrivProtocol::ALL.into_iter().map(|privacy| keys(auth, Some(privacy))));
        }
        for (place, own) in all.iter().enumerate() {
            let packet = packet(Some(own), &pdu);
            let message = SecureMessage::read(&packet).unwrap();
            let level = if own.cipher().is_some() { Level::AuthPriv } else { Level::Auth };
            assert_eq!((message.level, message.msg_id, message.reportable), (level, 7, true));
            assert_eq!((message.boots, message.time, message.user), (3, 1234, &b"mon"[..]));
            let scoped = message.open(Some(own)).unwrap();
            assert_eq!((&scoped.body, &scoped.context[..]), (&Body::Pdu(pdu.clone()), &b"ctx"[..]));
            assert_eq!(scoped.context_engine_id, ENGINE);
            assert_eq!(message.open(None), Err(Error::Security));
            let another = &all[(place + 7) % all.len()];
            assert_eq!(message.open(Some(another)), Err(Error::Digest));
        }
    }

    #[test]
    fn a_message_without_protection_needs_no_keys() {
        let packet = packet(None, &pdu());
        let message = SecureMessage::read(&packet).unwrap();
        assert_eq!(message.level, Level::NoAuth);
        assert_eq!(message.open(None).unwrap().body, Body::Pdu(pdu()));
    }

    #[test]
    fn a_wrong_cipher_key_is_told_from_a_wrong_digest() {
        let own = keys(AuthProtocol::Sha1, Some(PrivProtocol::Aes128));
        let packet = packet(Some(&own), &pdu());
        let other = MasterKeys::derive(
            AuthProtocol::Sha1,
            b"auth passphrase",
            Some((PrivProtocol::Aes128, b"another passphrase")),
        );
        let other = other.unwrap().localize(ENGINE).unwrap();
        assert_eq!(SecureMessage::read(&packet).unwrap().open(Some(&other)), Err(Error::Decryption));
    }

    #[test]
    fn every_changed_bit_of_a_signed_message_is_noticed() {
        let own = keys(AuthProtocol::Sha256, Some(PrivProtocol::Aes256));
        let packet = packet(Some(&own), &pdu());
        for at in 0..packet.len() {
            let mut bytes = packet.clone();
            bytes[at] ^= 1;
            let opened = SecureMessage::read(&bytes).and_then(|message| message.open(Some(&own)));
            assert!(opened.is_err(), "byte {at}");
            assert!(SecureMessage::read(&packet[..at]).is_err(), "cut at {at}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_message_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(message) = SecureMessage::read(&bytes) {
                let _ = message.open(None);
            }
        }

        #[test]
        fn a_changed_head_is_an_error_or_a_message(at in 0usize..120, byte in any::<u8>()) {
            let mut bytes = packet(None, &pdu());
            let at = at % bytes.len();
            bytes[at] = byte;
            if let Ok(message) = SecureMessage::read(&bytes) {
                let _ = message.open(None);
            }
        }
    }
}
