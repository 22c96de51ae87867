//! NRPE packets, versions 2, 3 and 4: raw C structs in network byte order, with a CRC-32 over everything.
//!
//! ```text
//! offset  size  field            version 2           versions 3 and 4
//!      0     2  version          2                   3 or 4
//!      2     2  kind             1 query, 2 response
//!      4     4  crc32            over the whole packet, this field taken as zero
//!      8     2  result code      junk in a query     0 in a query
//!     10                         text, zero-filled   2 bytes of alignment, taken as zero in the crc
//!     12                           (1024 bytes)      4 bytes: length of the text field
//!     16                                             text field
//!    end                         2 bytes of padding  version 3: 3 bytes of zero, in the crc, not in the length
//! ```
//!
//! Invariants: what [`Assembler`] accepts has a known version, a length within bounds and a right CRC; a text
//! never holds a NUL byte; a packet that is written fits what the peers accept.

use std::fmt;

const VERSION_AT: usize = 0;
const KIND_AT: usize = VERSION_AT + 2;
const CRC_AT: usize = KIND_AT + 2;
const CODE_AT: usize = CRC_AT + 4;
const V2_TEXT_AT: usize = CODE_AT + 2;
const ALIGNMENT_AT: usize = CODE_AT + 2;
const LENGTH_AT: usize = ALIGNMENT_AT + 2;
const TEXT_AT: usize = LENGTH_AT + 4;
/// Bytes that all versions share.
pub const COMMON_LEN: usize = CODE_AT + 2;
/// The C compiler rounds version 2's struct up to a multiple of four.
const V2_PADDING_LEN: usize = 2;
/// The C compiler pads version 3's one-byte array to four bytes; three of them travel.
const V3_TRAILER_LEN: usize = 3;

/// Bytes of version 2's text field, NUL included, unless a client asks for another size.
pub const V2_FIELD_LEN: usize = 1024;
/// Longest text that a packet of version 2 carries.
pub const V2_TEXT_MAX_BYTES: usize = V2_FIELD_LEN - 1;
/// Largest text field of versions 3 and 4 that the peers accept.
pub const FIELD_MAX_LEN: usize = 65_536;
/// Longest text that a packet of version 3 or 4 carries.
pub const TEXT_MAX_BYTES: usize = FIELD_MAX_LEN - 1;
/// A query is never shorter than a packet of version 2: old servers wait for that much.
const QUERY_LEN_MIN: usize = V2_TEXT_AT + V2_FIELD_LEN + V2_PADDING_LEN;

const _: () = assert!(QUERY_LEN_MIN == 1036);

/// The layout of a packet. A server answers in the version of the query.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Version {
    /// Fixed size, 1023 bytes of text. Spoken by everyone.
    V2,
    /// Variable size, with a layout that depends on the compiler. Spoken by NRPE 3.
    V3,
    /// Variable size. Spoken by NRPE 4.
    V4,
}

impl Version {
    /// The number on the wire.
    pub fn number(self) -> i16 {
        match self {
            Version::V2 => 2,
            Version::V3 => 3,
            Version::V4 => 4,
        }
    }

    /// The version with that number, if there is one.
    pub fn from_number(number: i16) -> Option<Version> {
        match number {
            2 => Some(Version::V2),
            3 => Some(Version::V3),
            4 => Some(Version::V4),
            _ => None,
        }
    }

    /// Longest text that a packet of this version carries.
    pub fn text_max_bytes(self) -> usize {
        match self {
            Version::V2 => V2_TEXT_MAX_BYTES,
            Version::V3 | Version::V4 => TEXT_MAX_BYTES,
        }
    }
}

/// Which way a packet goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// From the client.
    Query,
    /// From the server.
    Response,
}

impl Kind {
    /// The number on the wire.
    pub fn number(self) -> i16 {
        match self {
            Kind::Query => 1,
            Kind::Response => 2,
        }
    }
}

/// One packet, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Its layout.
    pub version: Version,
    /// Which way it goes.
    pub kind: Kind,
    /// Result code of a response; without meaning in a query.
    pub code: i16,
    /// The text up to its first NUL byte, in no particular charset.
    pub text: Vec<u8>,
}

/// Why bytes are not a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// A version that nobody speaks; the bytes are likely to be no NRPE at all.
    Version(i16),
    /// A text field shorter than nothing or longer than [`FIELD_MAX_LEN`].
    Length(i32),
    /// The CRC differs from the one computed.
    Crc {
        /// The CRC that the packet carries.
        sent: u32,
        /// The CRC over its bytes.
        computed: u32,
    },
    /// A response where a query is due, or the reverse, or neither.
    Kind(i16),
    /// The bytes end before the packet does.
    Incomplete {
        /// Bytes that are there.
        have: usize,
        /// Bytes that are known to be missing.
        missing: usize,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Version(number) => write!(f, "packet version {number} is not known"),
            Fault::Length(len) => write!(f, "text length {len} is not within 0 and {FIELD_MAX_LEN}"),
            Fault::Crc { sent, computed } => write!(f, "CRC is {sent:08x} where {computed:08x} was expected"),
            Fault::Kind(number) => write!(f, "packet type {number} is not the expected one"),
            Fault::Incomplete { have, missing } => write!(f, "{have} bytes came, {missing} are missing"),
        }
    }
}

impl std::error::Error for Fault {}

impl Packet {
    /// Encodes a query as `check_nrpe` does. The text ends at its first NUL and at the version's longest text.
    pub fn encode_query(version: Version, text: &[u8]) -> Vec<u8> {
        match version {
            Version::V2 => Packet::encode_v2(Kind::Query, 0, text, V2_FIELD_LEN),
            Version::V3 => {
                let field_len_min = QUERY_LEN_MIN - TEXT_AT - V3_TRAILER_LEN;
                encode_variable(version, Kind::Query, 0, text, field_len_min)
            }
            Version::V4 => encode_variable(version, Kind::Query, 0, text, QUERY_LEN_MIN - TEXT_AT),
        }
    }

    /// Encodes a response as the NRPE daemon does. The text ends at its first NUL and at the version's longest
    /// text.
    pub fn encode_response(version: Version, code: u8, text: &[u8]) -> Vec<u8> {
        match version {
            Version::V2 => Packet::encode_v2(Kind::Response, code, text, V2_FIELD_LEN),
            Version::V3 | Version::V4 => encode_variable(version, Kind::Response, code, text, 0),
        }
    }

    /// Encodes version 2 with a text field of another size than [`V2_FIELD_LEN`], which only other
    /// implementations than NRPE's own understand. `field_len` is at least 1.
    pub fn encode_v2(kind: Kind, code: u8, text: &[u8], field_len: usize) -> Vec<u8> {
        let field_len = field_len.max(1);
        let text = up_to_nul(text, field_len - 1);
        let mut bytes = head(Version::V2, kind, code, V2_TEXT_AT + field_len + V2_PADDING_LEN);
        bytes.extend_from_slice(text);
        bytes.resize(V2_TEXT_AT + field_len + V2_PADDING_LEN, 0);
        seal(bytes)
    }
}

fn encode_variable(version: Version, kind: Kind, code: u8, text: &[u8], field_len_min: usize) -> Vec<u8> {
    let text = up_to_nul(text, TEXT_MAX_BYTES);
    // Version 3's servers did not count the NUL of a response; the zeros behind it serve as one.
    let nul_len = usize::from(!(version == Version::V3 && kind == Kind::Response));
    let field_len = field_len_min.max(text.len() + nul_len);
    let trailer_len = if version == Version::V3 { V3_TRAILER_LEN } else { 0 };
    let mut bytes = head(version, kind, code, TEXT_AT + field_len + trailer_len);
    bytes.extend_from_slice(&[0; 2]);
    bytes.extend_from_slice(&(field_len as u32).to_be_bytes());
    bytes.extend_from_slice(text);
    bytes.resize(TEXT_AT + field_len + trailer_len, 0);
    seal(bytes)
}

fn up_to_nul(text: &[u8], len_max: usize) -> &[u8] {
    let end = text.iter().position(|&byte| byte == 0).unwrap_or(text.len());
    &text[..end.min(len_max)]
}

fn head(version: Version, kind: Kind, code: u8, capacity: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(capacity);
    bytes.extend_from_slice(&version.number().to_be_bytes());
    bytes.extend_from_slice(&kind.number().to_be_bytes());
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(&i16::from(code).to_be_bytes());
    bytes
}

fn seal(mut bytes: Vec<u8>) -> Vec<u8> {
    let crc = crc32fast::hash(&bytes);
    bytes[CRC_AT..CRC_AT + 4].copy_from_slice(&crc.to_be_bytes());
    bytes
}

/// Puts a packet together from bytes as they arrive, in any fragmentation.
#[derive(Clone, Debug)]
pub struct Assembler {
    bytes: Vec<u8>,
    v2_field_len: usize,
}

impl Default for Assembler {
    fn default() -> Self {
        Assembler::new(V2_FIELD_LEN)
    }
}

impl Assembler {
    /// An assembler that takes the text field of version 2 to have this size.
    pub fn new(v2_field_len: usize) -> Assembler {
        Assembler { bytes: Vec::new(), v2_field_len }
    }

    /// Bytes taken so far.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// `true` before the first byte.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Version and type, as the numbers that came, once they are there.
    pub fn head(&self) -> Option<(i16, i16)> {
        (self.bytes.len() >= COMMON_LEN).then(|| (self.i16_at(VERSION_AT), self.i16_at(KIND_AT)))
    }

    /// `true` for a packet of version 3 or 4 that has no text field at all, not even an empty text.
    pub fn is_bare(&self) -> bool {
        self.bytes.len() == TEXT_AT
    }

    /// Bytes that are certainly missing before the next thing can be decided; 0 when the packet is complete.
    ///
    /// Fails as soon as the bytes at hand cannot be the beginning of a packet.
    pub fn missing(&self) -> Result<usize, Fault> {
        let have = self.bytes.len();
        if have < COMMON_LEN {
            return Ok(COMMON_LEN - have);
        }
        let number = self.i16_at(VERSION_AT);
        let total = match Version::from_number(number).ok_or(Fault::Version(number))? {
            Version::V2 => V2_TEXT_AT + self.v2_field_len + V2_PADDING_LEN,
            Version::V3 | Version::V4 if have < TEXT_AT => TEXT_AT,
            Version::V3 | Version::V4 => TEXT_AT + self.field_len()?,
        };
        Ok(total - have)
    }

    /// Takes as many of these bytes as the packet needs and tells how many that were; what is left over belongs
    /// to nothing.
    pub fn push(&mut self, bytes: &[u8]) -> Result<usize, Fault> {
        let mut taken = 0;
        loop {
            let missing = self.missing()?;
            let take = missing.min(bytes.len() - taken);
            if take == 0 {
                return Ok(taken);
            }
            self.bytes.extend_from_slice(&bytes[taken..taken + take]);
            taken += take;
        }
    }

    /// The packet, once it is complete. The CRC is checked before the kind.
    pub fn finish(mut self, expected: Kind) -> Result<Packet, Fault> {
        let missing = self.missing()?;
        if missing > 0 {
            return Err(Fault::Incomplete { have: self.bytes.len(), missing });
        }
        let number = self.i16_at(VERSION_AT);
        let version = Version::from_number(number).ok_or(Fault::Version(number))?;
        self.check_crc(version)?;
        let kind = self.i16_at(KIND_AT);
        if kind != expected.number() {
            return Err(Fault::Kind(kind));
        }
        let field = match version {
            // Its last byte is taken for a NUL whatever it is.
            Version::V2 => &self.bytes[V2_TEXT_AT..V2_TEXT_AT + self.v2_field_len.saturating_sub(1)],
            Version::V3 | Version::V4 => &self.bytes[TEXT_AT..],
        };
        Ok(Packet {
            version,
            kind: expected,
            code: self.i16_at(CODE_AT),
            text: up_to_nul(field, field.len()).to_vec(),
        })
    }

    fn check_crc(&mut self, version: Version) -> Result<(), Fault> {
        let sent = self.u32_at(CRC_AT);
        self.bytes[CRC_AT..CRC_AT + 4].fill(0);
        let mut hasher = crc32fast::Hasher::new();
        if version != Version::V2 {
            self.bytes[ALIGNMENT_AT..LENGTH_AT].fill(0);
        }
        hasher.update(&self.bytes);
        if version == Version::V3 {
            hasher.update(&[0; V3_TRAILER_LEN]);
        }
        let computed = hasher.finalize();
        if sent == computed { Ok(()) } else { Err(Fault::Crc { sent, computed }) }
    }

    fn field_len(&self) -> Result<usize, Fault> {
        let len = self.u32_at(LENGTH_AT) as i32;
        match usize::try_from(len) {
            Ok(len) if len <= FIELD_MAX_LEN => Ok(len),
            _ => Err(Fault::Length(len)),
        }
    }

    fn i16_at(&self, at: usize) -> i16 {
        i16::from_be_bytes([self.bytes[at], self.bytes[at + 1]])
    }

    fn u32_at(&self, at: usize) -> u32 {
        u32::from_be_bytes([self.bytes[at], self.bytes[at + 1], self.bytes[at + 2], self.bytes[at + 3]])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bytes(hex: &str) -> Vec<u8> {
        hex.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect()
    }

    fn decode(bytes: &[u8], kind: Kind) -> Result<Packet, Fault> {
        let mut assembler = Assembler::default();
        assembler.push(bytes)?;
        assembler.finish(kind)
    }

    /// A query of 1036 bytes that begins like this and goes on with zeros.
    fn query_1036(head: &str) -> Vec<u8> {
        let mut bytes = bytes(head);
        bytes.resize(1036, 0);
        bytes
    }

    const V4_MINIMAL: &str =
        "00 04 00 01 43 56 e6 0b 00 00 00 00 00 00 00 0c 5f 4e 52 50 45 5f 43 48 45 43 4b 00";
    const V4_STOCK: &str =
        "00 04 00 01 5b d5 18 54 00 00 00 00 00 00 03 fc 5f 4e 52 50 45 5f 43 48 45 43 4b 00";
    const V3_STOCK: &str =
        "00 03 00 01 10 e7 5a e5 00 00 00 00 00 00 03 f9 5f 4e 52 50 45 5f 43 48 45 43 4b 00";
    const V4_ANSWER: &str =
        "00 04 00 02 0d aa d2 45 00 00 00 00 00 00 00 0c 4e 52 50 45 20 76 34 2e 31 2e 30 00";
    const V3_ANSWER: &str =
        "00 03 00 02 f9 80 0d 98 00 00 00 00 00 00 00 0b 4e 52 50 45 20 76 33 2e 32 2e 31 00 00 00";

    #[test]
    fn captured_queries_are_what_is_sent() {
        assert_eq!(Packet::encode_query(Version::V4, b"_NRPE_CHECK"), query_1036(V4_STOCK));
        assert_eq!(Packet::encode_query(Version::V3, b"_NRPE_CHECK"), query_1036(V3_STOCK));
        let v2 = Packet::encode_query(Version::V2, b"_NRPE_CHECK");
        assert_eq!(v2.len(), 1036);
        assert_eq!(v2[CRC_AT..CODE_AT], bytes("d4 67 3f 00"));
    }

    #[test]
    fn captured_answers_are_what_is_sent() {
        assert_eq!(Packet::encode_response(Version::V4, 0, b"NRPE v4.1.0"), bytes(V4_ANSWER));
        assert_eq!(Packet::encode_response(Version::V3, 0, b"NRPE v3.2.1"), bytes(V3_ANSWER));
        let critical = "00 04 00 02 20 6b fb 77 00 02 00 00 00 00 00 0f \
                        43 52 49 54 49 43 41 4c 20 2d 20 62 61 64 00";
        assert_eq!(Packet::encode_response(Version::V4, 2, b"CRITICAL - bad"), bytes(critical));
        let empty = "00 04 00 02 e5 ab 48 d6 00 00 00 00 00 00 00 01 00";
        assert_eq!(Packet::encode_response(Version::V4, 0, b""), bytes(empty));
    }

    #[test]
    fn captured_packets_are_understood() {
        for query in [bytes(V4_MINIMAL), query_1036(V4_STOCK), query_1036(V3_STOCK)] {
            assert_eq!(decode(&query, Kind::Query).unwrap().text, b"_NRPE_CHECK");
        }
        let answer = decode(&bytes(V4_ANSWER), Kind::Response).unwrap();
        assert_eq!((answer.version, answer.code, answer.text), (Version::V4, 0, b"NRPE v4.1.0".to_vec()));
        assert_eq!(decode(&bytes(V3_ANSWER), Kind::Response).unwrap().text, b"NRPE v3.2.1");
    }

    #[test]
    fn junk_in_padding_and_result_code_of_version_2_counts_in_the_crc_only() {
        let mut query = query_1036("00 02 00 01 46 60 dd ad 50 64 5f 4e 52 50 45 5f 43 48 45 43 4b 00");
        query[1034..].copy_from_slice(&bytes("43 54"));
        assert_eq!(decode(&query, Kind::Query).unwrap().text, b"_NRPE_CHECK");
        let mut answer = query_1036("00 02 00 02 8b 7b 8b 4a 00 00 4e 52 50 45 20 76 34 2e 31 2e 30");
        answer[1034..].copy_from_slice(&bytes("6c 38"));
        assert_eq!(decode(&answer, Kind::Response).unwrap().text, b"NRPE v4.1.0");
        answer[1035] ^= 1;
        assert!(matches!(decode(&answer, Kind::Response), Err(Fault::Crc { .. })));
    }

    #[test]
    fn alignment_is_zero_for_the_crc() {
        let mut query = bytes(V4_MINIMAL);
        query[ALIGNMENT_AT] = 0x7f;
        assert!(decode(&query, Kind::Query).is_ok());
    }

    #[test]
    fn lengths_are_bounded() {
        for (len, refused) in [(-1, true), (65_537, true), (i32::MIN, true), (65_536, false), (0, false)] {
            let mut query = bytes(V4_MINIMAL);
            query.truncate(TEXT_AT);
            query[LENGTH_AT..].copy_from_slice(&i32::to_be_bytes(len));
            assert_eq!(decode(&query, Kind::Query) == Err(Fault::Length(len)), refused, "{len}");
        }
    }

    #[test]
    fn versions_and_kinds_of_nobody_are_refused() {
        for number in [0_i16, 1, 5, -1, 0x1603] {
            let mut query = bytes(V4_MINIMAL);
            query[..2].copy_from_slice(&number.to_be_bytes());
            assert_eq!(decode(&query, Kind::Query), Err(Fault::Version(number)));
        }
        assert_eq!(decode(&bytes(V4_ANSWER), Kind::Query), Err(Fault::Kind(2)));
    }

    #[test]
    fn a_missing_nul_is_tolerated_and_a_text_ends_at_the_first() {
        let mut packet = head(Version::V4, Kind::Query, 0, 0);
        packet.extend_from_slice(&[0, 0, 0, 0, 0, 3]);
        packet.extend_from_slice(b"abc");
        assert_eq!(decode(&seal(packet.clone()), Kind::Query).unwrap().text, b"abc");
        packet[TEXT_AT + 1] = 0;
        packet[CRC_AT..CODE_AT].fill(0);
        assert_eq!(decode(&seal(packet), Kind::Query).unwrap().text, b"a");
    }

    #[test]
    fn the_longest_texts_fit_and_longer_ones_are_cut() {
        let long = vec![b'x'; 70_000];
        for version in [Version::V2, Version::V3, Version::V4] {
            let packet = Packet::encode_response(version, 0, &long);
            assert_eq!(decode(&packet, Kind::Response).unwrap().text.len(), version.text_max_bytes());
        }
    }

    #[test]
    fn version_2_with_another_field_size() {
        let packet = Packet::encode_v2(Kind::Query, 0, b"x", 2048);
        assert_eq!(packet.len(), 2060);
        let mut assembler = Assembler::new(2048);
        assert_eq!(assembler.push(&packet), Ok(2060));
        assert_eq!(assembler.finish(Kind::Query).unwrap().text, b"x");
    }

    fn versions() -> impl Strategy<Value = Version> {
        prop_oneof![Just(Version::V2), Just(Version::V3), Just(Version::V4)]
    }

    proptest! {
        #[test]
        fn round_trip_in_any_fragmentation(
            version in versions(),
            text in proptest::collection::vec(1_u8.., 0..1023),
            code in any::<u8>(),
            cut in 1_usize..1100,
            excess in 0_usize..20,
        ) {
            let mut sent = Packet::encode_response(version, code, &text);
            let packet_len = sent.len() - if version == Version::V3 { V3_TRAILER_LEN } else { 0 };
            sent.extend(std::iter::repeat_n(b'!', excess));
            let mut assembler = Assembler::default();
            let mut taken = 0;
            for piece in sent.chunks(cut) {
                taken += assembler.push(piece).unwrap();
            }
            prop_assert_eq!(taken, packet_len);
            let packet = assembler.finish(Kind::Response).unwrap();
            prop_assert_eq!(packet, Packet { version, kind: Kind::Response, code: i16::from(code), text });
        }

        #[test]
        fn any_bytes_are_a_packet_or_a_fault(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
            if let Ok(packet) = decode(&bytes, Kind::Query) {
                prop_assert!(!packet.text.contains(&0));
            }
        }
    }
}
