//! What a server sends, put together from bytes as they arrive.

use super::error::Error;
use super::headers::Headers;
use super::info::Info;
use super::limits::{LINE_MAX_BYTES, PAYLOAD_MAX_BYTES};

/// A message to a subscription.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// Where it was sent.
    pub subject: String,
    /// The subscription that it is for.
    pub subscription: u64,
    /// Where an answer is wanted.
    pub reply: Option<String>,
    /// Its headers; empty if there are none.
    pub headers: Headers,
    /// What it says.
    pub payload: Vec<u8>,
}

/// Something that a server says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming {
    /// Who it is and what it wants; also later, when that changes.
    Info(Box<Info>),
    /// A message.
    Message(Box<Message>),
    /// `+OK`.
    Done,
    /// `-ERR`, with its text. The server closes the connection after most of them.
    Refused(String),
    /// It wants to know whether the client is there.
    Ping,
    /// It is there.
    Pong,
}

/// A message whose line has been read, and whose contents have not all arrived.
#[derive(Debug)]
struct Pending {
    message: Box<Message>,
    headers_len: usize,
    total_len: usize,
}

/// Takes bytes in and gives out what they say.
#[derive(Debug, Default)]
pub struct Parser {
    bytes: Vec<u8>,
    at: usize,
    /// No line ends before here.
    searched: usize,
    pending: Option<Pending>,
}

impl Parser {
    /// Takes in what arrived.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.at);
        self.searched = self.searched.saturating_sub(self.at);
        self.at = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// Whether nothing has arrived that was not given out.
    pub fn is_empty(&self) -> bool {
        self.pending.is_none() && self.at >= self.bytes.len()
    }

    /// What has arrived whole and was not given out yet. After an error nothing more can be told.
    ///
    /// # Errors
    /// If the server does not speak the protocol, or sends what is too large.
    pub fn incoming(&mut self) -> Result<Option<Incoming>, Error> {
        if self.pending.is_none() {
            let Some(line) = self.line()? else { return Ok(None) };
            match control(&line)? {
                Line::Whole(incoming) => return Ok(Some(incoming)),
                Line::Message(pending) => self.pending = Some(pending),
            }
        }
        self.message()
    }

    fn line(&mut self) -> Result<Option<Vec<u8>>, Error> {
        let from = self.searched.max(self.at);
        let found = self.bytes[from..].iter().position(|byte| *byte == b'\n');
        let end = found.map_or(self.bytes.len(), |end| from + end);
        self.searched = end;
        if end - self.at > LINE_MAX_BYTES {
            return Err(Error::Line);
        }
        if found.is_none() {
            return Ok(None);
        }
        let line = &self.bytes[self.at..end];
        let line = line.strip_suffix(b"\r").unwrap_or(line).to_vec();
        self.at = end + 1;
        Ok(Some(line))
    }

    fn message(&mut self) -> Result<Option<Incoming>, Error> {
        let Some(pending) = self.pending.take() else { return Ok(None) };
        let Some(rest) = self.bytes[self.at..].get(..pending.total_len + 2) else {
            self.pending = Some(pending);
            return Ok(None);
        };
        let Pending { mut message, headers_len, total_len } = pending;
        if !rest.ends_with(b"\r\n") {
            return Err(Error::Malformed("message"));
        }
        if headers_len > 0 {
            message.headers = Headers::read(&rest[..headers_len])?;
        }
        message.payload = rest[headers_len..total_len].to_vec();
        self.at += total_len + 2;
        Ok(Some(Incoming::Message(message)))
    }
}

enum Line {
    Whole(Incoming),
    Message(Pending),
}

fn control(line: &[u8]) -> Result<Line, Error> {
    let shown = || String::from_utf8_lossy(&line[..line.len().min(40)]).into_owned();
    let text = std::str::from_utf8(line).map_err(|_| Error::Unknown(shown()))?;
    let (verb, rest) = text.split_once([' ', '\t']).unwrap_or((text, ""));
    let rest = rest.trim();
    match &*verb.to_ascii_uppercase() {
        "INFO" => Ok(Line::Whole(Incoming::Info(Box::new(Info::read(rest)?)))),
        "MSG" => message(rest, false).map(Line::Message),
        "HMSG" => message(rest, true).map(Line::Message),
        "PING" => Ok(Line::Whole(Incoming::Ping)),
        "PONG" => Ok(Line::Whole(Incoming::Pong)),
        "+OK" => Ok(Line::Whole(Incoming::Done)),
        "-ERR" => Ok(Line::Whole(Incoming::Refused(rest.trim_matches('\'').to_owned()))),
        _ => Err(Error::Unknown(shown())),
    }
}

/// `SUBJECT SID [REPLY] [HEADERS-LEN] LEN`.
fn message(rest: &str, has_headers: bool) -> Result<Pending, Error> {
    let bad = || Error::Malformed(if has_headers { "HMSG" } else { "MSG" });
    let number = |text: &str| text.parse::<u64>().map_err(|_| bad());
    let words: Vec<&str> = rest.split_ascii_whitespace().collect();
    let lengths = if has_headers { 2 } else { 1 };
    let (names, lengths) = words.split_at_checked(words.len().wrapping_sub(lengths)).ok_or_else(bad)?;
    let (subject, subscription, reply) = match names {
        [subject, subscription] => (subject, subscription, None),
        [subject, subscription, reply] => (subject, subscription, Some((*reply).to_owned())),
        _ => return Err(bad()),
    };
    let lengths: Vec<u64> = lengths.iter().map(|length| number(length)).collect::<Result<_, _>>()?;
    let total = *lengths.last().ok_or_else(bad)?;
    let headers = if has_headers { lengths[0] } else { 0 };
    if total > PAYLOAD_MAX_BYTES as u64 {
        return Err(Error::Payload(total));
    }
    if headers > total {
        return Err(bad());
    }
    let message = Message {
        subject: (*subject).to_owned(),
        subscription: number(subscription)?,
        reply,
        ..Message::default()
    };
    Ok(Pending { message: Box::new(message), headers_len: headers as usize, total_len: total as usize })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const STREAM: &[u8] =
        b"INFO {\"max_payload\":1048576,\"headers\":true,\"nonce\":\"abc\"} \r\n+OK\r\nping\r\nPONG\r\n\
        -ERR 'Authorization Violation'\r\nMSG a.b 9 5\r\nhello\r\nMSG a.b 9 _INBOX.1 0\r\n\r\n\
        HMSG a.b 12 reply 22 25\r\nNATS/1.0 100\r\nA: b\r\n\r\nxyz\r\n";

    fn all(pieces: impl Iterator<Item = Vec<u8>>) -> Result<Vec<Incoming>, Error> {
        let (mut parser, mut out) = (Parser::default(), Vec::new());
        for piece in pieces {
            parser.feed(&piece);
            while let Some(incoming) = parser.incoming()? {
                out.push(incoming);
            }
        }
        Ok(out)
    }

    #[test]
    fn a_conversation_is_read_however_it_is_cut() {
        let whole = all([STREAM.to_vec()].into_iter()).unwrap();
        let Incoming::Info(info) = &whole[0] else { panic!("{:?}", whole[0]) };
        assert_eq!((info.max_payload, info.headers, info.nonce.as_deref()), (1 << 20, true, Some("abc")));
        let refused = Incoming::Refused("Authorization Violation".to_owned());
        assert_eq!(whole[1..5], [Incoming::Done, Incoming::Ping, Incoming::Pong, refused]);
        let Incoming::Message(message) = &whole[7] else { panic!("{:?}", whole[7]) };
        assert_eq!(
            (&*message.subject, message.subscription, message.reply.as_deref()),
            ("a.b", 12, Some("reply"))
        );
        assert_eq!(
            (message.headers.status, message.headers.get("a"), &*message.payload),
            (Some(100), Some("b"), &b"xyz"[..])
        );
        for size in 1..STREAM.len() {
            assert_eq!(all(STREAM.chunks(size).map(<[u8]>::to_vec)).as_ref(), Ok(&whole));
        }
    }

    #[test]
    fn what_a_hostile_server_sends_is_refused_before_it_takes_memory() {
        let refused = |bytes: &[u8]| all([bytes.to_vec()].into_iter()).unwrap_err();
        assert_eq!(refused(b"MSG a 1 99999999999\r\n"), Error::Payload(99_999_999_999));
        assert_eq!(refused(b"HMSG a 1 9 8\r\n"), Error::Malformed("HMSG"));
        assert_eq!(refused(b"MSG a 1\r\n"), Error::Malformed("MSG"));
        assert_eq!(refused(b"MSG a 1 -1\r\n"), Error::Malformed("MSG"));
        assert_eq!(refused(b"MSG a 1 2\r\nabcd"), Error::Malformed("message"));
        assert_eq!(
            refused(b"HTTP/1.1 400 Bad Request\r\n"),
            Error::Unknown("HTTP/1.1 400 Bad Request".to_owned())
        );
        assert_eq!(refused(&vec![b'x'; LINE_MAX_BYTES + 1]), Error::Line);
        assert!(matches!(refused(b"INFO {\r\n"), Error::Json("INFO", _)));
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_conversation_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200), size in 1_usize..9) {
            let _ = all(bytes.chunks(size).map(<[u8]>::to_vec));
            let message = [b"HMSG a 1 12 20\r\n", &bytes[..]].concat();
            let _ = all([message].into_iter());
        }
    }
}
