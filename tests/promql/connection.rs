//! Requests over one connection that is kept.

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use crate::stage::PATIENCE;

/// A server, and the connection to it once there is one.
pub(crate) struct Connection {
    address: String,
    stream: RefCell<Option<BufReader<TcpStream>>>,
}

impl Connection {
    pub(crate) fn new(address: &str) -> Connection {
        Connection { address: address.to_owned(), stream: RefCell::new(None) }
    }

    /// Status and body of the answer to a form.
    pub(crate) fn post(&self, target: &str, form: &[(&str, &str)]) -> (u16, String) {
        let fields: Vec<String> =
            form.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
        let form = fields.join("&");
        let request = format!(
            "POST {target} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {}\r\n\r\n{form}",
            self.address,
            form.len()
        );
        // The server may have closed a connection that it kept.
        self.exchange(&request).or_else(|| self.exchange(&request)).unwrap()
    }

    /// Status and body of the answer to a `GET`, unless there is none.
    pub(crate) fn try_get(&self, target: &str) -> Option<(u16, String)> {
        self.exchange(&format!("GET {target} HTTP/1.1\r\nHost: {}\r\n\r\n", self.address))
    }

    fn exchange(&self, request: &str) -> Option<(u16, String)> {
        let mut kept = self.stream.borrow_mut();
        let mut stream = match kept.take() {
            Some(stream) => stream,
            None => {
                let stream = TcpStream::connect(&self.address).ok()?;
                stream.set_read_timeout(Some(PATIENCE)).ok()?;
                stream.set_nodelay(true).ok()?;
                BufReader::new(stream)
            }
        };
        stream.get_mut().write_all(request.as_bytes()).ok()?;
        let (answer, is_last) = read(&mut stream)?;
        if !is_last {
            *kept = Some(stream);
        }
        Some(answer)
    }
}

/// Status and body, and whether the server closes the connection.
fn read(stream: &mut impl BufRead) -> Option<((u16, String), bool)> {
    let status = line(stream)?.split(' ').nth(1)?.parse().ok()?;
    let (mut length, mut is_chunked, mut is_last) = (0, false, false);
    loop {
        let field = line(stream)?.to_ascii_lowercase();
        match field.split_once(": ") {
            None => break,
            Some(("content-length", value)) => length = value.parse().ok()?,
            Some(("transfer-encoding", _)) => is_chunked = true,
            Some(("connection", value)) => is_last = value == "close",
            Some(_) => {}
        }
    }
    let mut body = Vec::new();
    loop {
        let size = if is_chunked { usize::from_str_radix(&line(stream)?, 16).ok()? } else { length };
        let start = body.len();
        body.resize(start + size, 0);
        stream.read_exact(&mut body[start..]).ok()?;
        if is_chunked {
            line(stream)?;
        }
        if !is_chunked || size == 0 {
            break;
        }
    }
    Some(((status, String::from_utf8(body).ok()?), is_last))
}

fn line(stream: &mut impl BufRead) -> Option<String> {
    let mut line = String::new();
    stream.take(65_536).read_line(&mut line).ok().filter(|read| *read > 0)?;
    Some(line.trim_end().to_owned())
}

fn escaped(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}
