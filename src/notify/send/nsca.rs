//! Passive results to a Nagios by NSCA, as `send_nsca` 2.9 and later sends them.
//!
//! ```text
//! server to client   iv 128 bytes | time u32                                                      132 bytes, numbers big-endian
//! client to server   version i16 = 3 | 2 unused | crc u32 | time u32 | state i16 | host 64 bytes
//!                    | service 128 bytes | output 4096 bytes | 2 unused                           4304 bytes, encrypted, each result
//! ```
//!
//! The time is the server's. Only the first line of an output is sent. NSCA acknowledges nothing: what was written before the server closed is taken for delivered.

use openssl::nid::Nid;
use openssl::symm::{Cipher, Crypter, Mode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::connection;
use super::passive::{PassiveResult, results};
use super::receipt::{Failure, Receipt};
use crate::config::Secret;
use crate::limits::NOTIFY_SEND_TIMEOUT;
use crate::notify::Notification;
use crate::text::head::head;

const IV_BYTES: usize = 128;
const INIT_BYTES: usize = IV_BYTES + 4;
const VERSION: i16 = 3;
const CRC_AT: usize = 4;
const TIME_AT: usize = 8;
const STATE_AT: usize = 12;
const HOST_AT: usize = 14;
const SERVICE_AT: usize = HOST_AT + 64;
const OUTPUT_AT: usize = SERVICE_AT + 128;
const END_AT: usize = OUTPUT_AT + 4096;
const PACKET_BYTES: usize = END_AT + 2;
/// The longest block of a cipher that is supported.
const BLOCK_MAX_BYTES: usize = 16;

/// A method of encryption, as `send_nsca.cfg` numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    /// 0.
    None,
    /// 1: exclusive or with what the server sent and the password.
    Xor,
    /// One of libmcrypt's, with a feedback of 8 bits.
    Cipher(Nid),
}

impl Method {
    fn of(number: u8) -> Result<Method, Failure> {
        match number {
            0 => Ok(Method::None),
            1 => Ok(Method::Xor),
            3 => Ok(Method::Cipher(Nid::DES_EDE3_CFB8)),
            14 => Ok(Method::Cipher(Nid::AES_256_CFB8)),
            _ => Err(Failure::Permanent(format!(
                "the encryption method {number} of NSCA is not supported: use 0 (none), 1 (XOR), 3 (3DES) or 14 (AES)"
            ))),
        }
    }
}

/// Where NSCA is.
#[derive(Clone, Debug)]
pub(super) struct Server<'a> {
    pub(super) host: &'a str,
    pub(super) port: u16,
    pub(super) password: Option<&'a Secret>,
    /// As `send_nsca.cfg` numbers them.
    pub(super) encryption: u8,
}

/// Sends where the checks of a notification stand.
pub(super) async fn send(server: &Server<'_>, host: &str, notification: &Notification) -> Receipt {
    let results = results(notification, host);
    let sent = tokio::time::timeout(NOTIFY_SEND_TIMEOUT, submit(server, &results)).await;
    let sent = sent.unwrap_or_else(|_| Err(Failure::Temporary("NSCA has not answered in time".to_owned())));
    Receipt::of(notification.alerts.len(), sent)
}

async fn submit(server: &Server<'_>, results: &[PassiveResult<'_>]) -> Result<(), Failure> {
    let method = Method::of(server.encryption)?;
    let password = match server.password {
        Some(password) => password.bytes().map_err(|why| Failure::Temporary(why.to_owned()))?,
        None => &[],
    };
    let failed = |error: std::io::Error| Failure::Temporary(format!("failed to talk to NSCA: {error}"));
    let mut stream = connection::tcp(server.host, server.port).await?;
    let mut init = [0; INIT_BYTES];
    stream.read_exact(&mut init).await.map_err(failed)?;
    let mut encryption = Encryption::new(method, &init, password)?;
    for result in results {
        let packet = encryption.encrypt(&packet(result, &init))?;
        stream.write_all(&packet).await.map_err(failed)?;
    }
    stream.shutdown().await.map_err(failed)?;
    // The server closes once it has read everything.
    stream.read(&mut [0; 1]).await.map_err(failed)?;
    Ok(())
}

fn packet(result: &PassiveResult<'_>, init: &[u8; INIT_BYTES]) -> [u8; PACKET_BYTES] {
    let mut packet = [0; PACKET_BYTES];
    packet[..2].copy_from_slice(&VERSION.to_be_bytes());
    packet[TIME_AT..STATE_AT].copy_from_slice(&init[IV_BYTES..]);
    packet[STATE_AT..HOST_AT].copy_from_slice(&i16::from(result.state).to_be_bytes());
    put(&mut packet[HOST_AT..SERVICE_AT], result.host);
    put(&mut packet[SERVICE_AT..OUTPUT_AT], result.service);
    // Older servers write what follows a newline to Nagios' command file as a command of its own.
    put(&mut packet[OUTPUT_AT..END_AT], result.printed().lines().next().unwrap_or_default());
    let crc = crc32(&packet);
    packet[CRC_AT..TIME_AT].copy_from_slice(&crc.to_be_bytes());
    packet
}

/// Writes as much of a text as fits before the zero at its end, and no half of a character.
fn put(field: &mut [u8], text: &str) {
    let text = head(text, field.len() - 1);
    field[..text.len()].copy_from_slice(text.as_bytes());
}

/// The usual CRC of 32 bits, bit by bit: a packet is short, and there are few.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}

/// What encrypts the packets of one connection, each of which goes on where the one before ended.
enum Encryption {
    None,
    /// Exclusive or, which begins anew with each packet: with what the server sent, and with the password.
    Xor([Vec<u8>; 2]),
    Cipher(Crypter),
}

impl Encryption {
    fn new(method: Method, init: &[u8; INIT_BYTES], password: &[u8]) -> Result<Encryption, Failure> {
        let iv = &init[..IV_BYTES];
        let nid = match method {
            Method::None => return Ok(Encryption::None),
            Method::Xor => return Ok(Encryption::Xor([iv.to_vec(), password.to_vec()])),
            Method::Cipher(nid) => nid,
        };
        let cipher = Cipher::from_nid(nid).ok_or_else(|| unusable("the cipher is not there"))?;
        let mut key = password.to_vec();
        key.resize(cipher.key_len(), 0);
        let iv = &iv[..cipher.iv_len().unwrap_or_default()];
        let crypter = Crypter::new(cipher, Mode::Encrypt, &key, Some(iv));
        Ok(Encryption::Cipher(crypter.map_err(|stack| unusable(&stack.to_string()))?))
    }

    fn encrypt(&mut self, packet: &[u8; PACKET_BYTES]) -> Result<Vec<u8>, Failure> {
        match self {
            Encryption::None => Ok(packet.to_vec()),
            Encryption::Xor(keys) => {
                let mut bytes = packet.to_vec();
                for key in keys.iter().filter(|key| !key.is_empty()) {
                    bytes.iter_mut().zip(key.iter().cycle()).for_each(|(byte, key)| *byte ^= key);
                }
                Ok(bytes)
            }
            Encryption::Cipher(crypter) => {
                // The library wants room for a block more, whatever the mode.
                let mut bytes = vec![0; PACKET_BYTES + BLOCK_MAX_BYTES];
                let len = crypter.update(packet, &mut bytes).map_err(|stack| unusable(&stack.to_string()))?;
                bytes.truncate(len);
                Ok(bytes)
            }
        }
    }
}

fn unusable(why: &str) -> Failure {
    Failure::Permanent(format!("failed to encrypt for NSCA: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_methods_are_those_that_configurations_may_have() {
        let known: Vec<u8> = (0..=u8::MAX).filter(|number| Method::of(*number).is_ok()).collect();
        assert_eq!(known, crate::config::Nsca::METHODS);
    }
    use crate::notify::send::stage::notification;

    #[test]
    fn a_packet_is_laid_out_as_send_nsca_does() {
        let mut notification = notification(&["disk"]);
        notification.alerts[0].check.verdict = "é".repeat(4096).into();
        let mut init = [7; INIT_BYTES];
        init[IV_BYTES..].copy_from_slice(&[1, 2, 3, 4]);
        let packet = packet(&results(&notification, "web")[0], &init);
        assert_eq!(packet.len(), 4304);
        assert_eq!(packet[..4], [0, 3, 0, 0]);
        assert_eq!(packet[8..14], [1, 2, 3, 4, 0, 2]);
        assert_eq!(packet[14..18], *b"web\0");
        assert_eq!(packet[78..83], *b"disk\0");
        assert!(str::from_utf8(&packet[206..4300]).is_ok() && packet[4301] == 0);
        let mut zeroed = packet;
        zeroed[4..8].fill(0);
        assert_eq!(packet[4..8], crc32fast::hash(&zeroed).to_be_bytes());
    }

    #[test]
    fn methods_are_named_by_their_numbers_or_refused() {
        let packet = [1; PACKET_BYTES];
        let init = [3; INIT_BYTES];
        let by = |number| {
            let mut encryption = Encryption::new(Method::of(number).unwrap(), &init, b"secret").unwrap();
            encryption.encrypt(&packet).unwrap()
        };
        assert_eq!(by(0), packet);
        assert_eq!(
            by(1)[..7],
            [1 ^ 3 ^ b's', 1 ^ 3 ^ b'e', 2 ^ b'c', 2 ^ b'r', 2 ^ b'e', 2 ^ b't', 2 ^ b's']
        );
        for number in [3, 14] {
            assert!(by(number) != packet && by(number).len() == PACKET_BYTES);
        }
        let Err(Failure::Permanent(why)) = Method::of(8) else { panic!() };
        assert!(why.starts_with("the encryption method 8 of NSCA is not supported"), "{why}");
    }
}
