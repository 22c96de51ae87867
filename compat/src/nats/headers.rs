//! The headers of a message: a version, perhaps a status, and lines of names and values
//! (<https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-4.md>).

use super::error::Error;

const VERSION: &str = "NATS/1.0";

/// The headers of a message that came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers {
    /// The status that the server gives in the place of an answer, such as 503: nobody listens there.
    pub status: Option<u16>,
    /// What the server says of the status; empty if it says nothing.
    pub description: String,
    fields: Vec<(String, String)>,
}

impl Headers {
    /// The first value of a name, whose case does not matter.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.fields.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Reads a block of headers, the empty line at its end included.
    ///
    /// # Errors
    /// If it is none.
    pub fn read(block: &[u8]) -> Result<Headers, Error> {
        let bad = || Error::Malformed("block of headers");
        let text = std::str::from_utf8(block).map_err(|_| bad())?;
        let mut lines = text.strip_suffix("\r\n\r\n").ok_or_else(bad)?.split("\r\n");
        let first = lines.next().and_then(|line| line.strip_prefix(VERSION)).ok_or_else(bad)?;
        let mut headers = Headers::default();
        if let Some((status, description)) = status(first.trim()) {
            headers.status = Some(status);
            headers.description = description.to_owned();
        }
        for line in lines {
            let (name, value) = line.split_once(':').ok_or_else(bad)?;
            headers.fields.push((name.trim().to_owned(), value.trim().to_owned()));
        }
        Ok(headers)
    }
}

fn status(text: &str) -> Option<(u16, &str)> {
    let end = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    Some((text[..end].parse().ok()?, text[end..].trim()))
}

/// Appends a block of headers.
///
/// # Errors
/// If a name or a value cannot be written.
pub(super) fn put_headers(out: &mut Vec<u8>, headers: &[(&str, &str)]) -> Result<(), Error> {
    out.extend_from_slice(VERSION.as_bytes());
    out.extend_from_slice(b"\r\n");
    for (name, value) in headers {
        let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':');
        if !is_name || value.contains(['\r', '\n']) {
            return Err(Error::Header((*name).to_owned()));
        }
        for part in [name, ": ", value, "\r\n"] {
            out.extend_from_slice(part.as_bytes());
        }
    }
    out.extend_from_slice(b"\r\n");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_come_back() {
        let mut out = Vec::new();
        put_headers(&mut out, &[("Nats-Msg-Id", "a:b c"), ("Empty", "")]).unwrap();
        assert_eq!(out, b"NATS/1.0\r\nNats-Msg-Id: a:b c\r\nEmpty: \r\n\r\n");
        let headers = Headers::read(&out).unwrap();
        assert_eq!((headers.get("nats-msg-id"), headers.get("empty")), (Some("a:b c"), Some("")));
        assert_eq!((headers.status, headers.get("other")), (None, None));
    }

    #[test]
    fn a_status_stands_on_the_first_line() {
        let headers = Headers::read(b"NATS/1.0 503\r\n\r\n").unwrap();
        assert_eq!((headers.status, &*headers.description), (Some(503), ""));
        let headers = Headers::read(b"NATS/1.0 404 No Messages\r\nA: b\r\n\r\n").unwrap();
        assert_eq!((headers.status, &*headers.description), (Some(404), "No Messages"));
        assert_eq!(headers.get("a"), Some("b"));
    }

    #[test]
    fn nothing_can_be_smuggled_into_a_header() {
        for header in [("a", "b\r\nc: d"), ("a\r\nb", "c"), ("a:", "b"), ("", "b"), ("a b", "c")] {
            assert!(put_headers(&mut Vec::new(), &[header]).is_err(), "{header:?}");
        }
        for block in
            [&b"NATS/1.0\r\n"[..], b"NATS/2.0\r\n\r\n", b"\r\n\r\n", b"NATS/1.0\r\nabc\r\n\r\n", b"\xff"]
        {
            assert!(Headers::read(block).is_err());
        }
    }
}
