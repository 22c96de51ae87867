//! `check_http`: the answer of a server, and what is said of it. The plugin works on C strings, whose zeros it has made blanks.

use crate::expect::has;
use crate::http::{Pattern, Wanted};
use crate::http_request::Site;
use crate::not_native::NotNative;
use crate::printed::{Printed, State};

/// An answer in its parts.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Page<'p> {
    pub(crate) status: &'p [u8],
    pub(crate) headers: &'p [u8],
    body: &'p [u8],
}

/// What came of an answer.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// That is all there is to say.
    Final(Printed),
    /// What is said before the size and the time, and how bad it is.
    Remarks(State, Vec<u8>),
}

/// Characters that end a line.
fn ends(byte: &u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

fn text_until_end(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| !ends(byte)).count()
}

fn all_ends(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| ends(byte)).count()
}

/// The end of the headers within what has come, if it has.
pub(crate) fn headers_end(bytes: &[u8]) -> Option<usize> {
    (0..bytes.len()).find(|at| bytes[*at..].starts_with(b"\n\n") || bytes[*at..].starts_with(b"\n\r\n"))
}

impl<'p> Page<'p> {
    /// Divides an answer.
    ///
    /// # Errors
    /// Its headers do not end: there the plugin reads what is behind it in its memory.
    pub(crate) fn read(answer: &'p [u8]) -> Result<Page<'p>, NotNative> {
        let status_end = text_until_end(answer);
        let start = status_end + all_ends(&answer[status_end..]);
        let (mut at, mut headers_end) = (start, start);
        loop {
            let length = text_until_end(&answer[at..]);
            if length == 0 {
                break;
            }
            at += length;
            headers_end = at;
            let rest = &answer[at..];
            let run = |of: u8| rest.iter().take_while(|byte| **byte == of).count();
            at += match all_ends(rest) {
                0 => return Err(NotNative("headers without an end".to_owned())),
                2.. if run(b'\r') == 1 || run(b'\n') == 1 => 2,
                _ => 1,
            };
        }
        at += all_ends(&answer[at..]);
        let is_blank = |byte: &u8| b" \r\n\t".contains(byte);
        let trailing = answer[..status_end].iter().rev().take_while(|byte| is_blank(byte)).count();
        Ok(Page {
            status: &answer[..status_end - trailing],
            headers: &answer[start..headers_end],
            body: &answer[at..],
        })
    }

    /// The number of the status.
    ///
    /// # Errors
    /// What the plugin says of a line without one.
    pub(crate) fn code(&self) -> Result<Result<u16, Printed>, NotNative> {
        let blank = self.status.iter().position(|byte| *byte == b' ');
        let rest = &self.status[blank.ok_or_else(|| NotNative("a status without a blank".to_owned()))? + 1..];
        let refuse = |what: &str| {
            let line =
                [format!("HTTP CRITICAL: Invalid Status{what} (").as_bytes(), self.status, b")"].concat();
            Ok(Err(State::Critical.says(line)))
        };
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits != 3 {
            return refuse(" Line");
        }
        let code = rest[..3].iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0'));
        if (100..600).contains(&code) { Ok(Ok(code)) } else { refuse("") }
    }

    /// Judges it by all that is wanted, as what was asked before left it and with its size; `code` is that of the status if it matters.
    pub(crate) fn judge(
        &self,
        wanted: &Wanted,
        site: &Site,
        before: State,
        size: usize,
    ) -> Result<Verdict, NotNative> {
        let mut state = before;
        let mut remarks = Vec::new();
        if let Some(printed) = self.unexpected(wanted, site) {
            return Ok(Verdict::Final(printed));
        }
        match &wanted.status {
            Some(expected) => {
                remarks.extend_from_slice(format!("Status line output matched \"{expected}\" - ").as_bytes())
            }
            None => {
                let code = match self.code()? {
                    Ok(code) => code,
                    Err(printed) => return Ok(Verdict::Final(printed)),
                };
                state = match code {
                    500.. => State::Critical,
                    400.. => worse(State::Warning, state),
                    _ => state,
                };
                remarks.extend_from_slice(self.status);
                remarks.extend_from_slice(b" - ");
            }
        }
        let mut remark = |text: String| remarks.extend_from_slice(text.as_bytes());
        if !wanted.header.is_empty() && !has(self.headers, wanted.header.as_bytes()) {
            remark(format!("header '{}' not found on '{}', ", shortened(&wanted.header)?, address(site)));
            state = State::Critical;
        }
        let unchunked;
        let body = if is_chunked(self.headers) {
            unchunked = without_chunks(self.body)?;
            &unchunked
        } else {
            self.body
        };
        if !wanted.text.is_empty() && !has(body, wanted.text.as_bytes()) {
            remark(format!("string '{}' not found on '{}', ", shortened(&wanted.text)?, address(site)));
            state = State::Critical;
        }
        if let Some(pattern) = &wanted.pattern {
            let is_there = pattern.is_in(body);
            if is_there == wanted.is_pattern_unwanted {
                remark(format!("pattern {}found, ", if is_there { "" } else { "not " }));
                state = State::Critical;
            }
        }
        let size = size as u64;
        if wanted.bytes_max > 0 && size > wanted.bytes_max {
            remark(format!("page size {size} too large, "));
            state = worse(State::Warning, state);
        } else if wanted.bytes_min > 0 && size < wanted.bytes_min {
            remark(format!("page size {size} too small, "));
            state = worse(State::Warning, state);
        }
        // A comma or a hyphen is at the end.
        let end = if remarks.ends_with(b", ") { 2 } else { 3 };
        remarks.truncate(remarks.len().saturating_sub(end));
        Ok(Verdict::Remarks(state, remarks))
    }

    /// What is said if the first line has none of what it is to have.
    fn unexpected(&self, wanted: &Wanted, site: &Site) -> Option<Printed> {
        let expected = wanted.status.as_deref().unwrap_or("HTTP/1.");
        let mut codes = expected.split(',').filter(|code| !code.is_empty());
        if codes.any(|code| has(self.status, code.as_bytes())) {
            return None;
        }
        let at = if site.port == 80 { String::new() } else { format!(" on port {}", site.port) };
        let mut line = format!("HTTP CRITICAL - Invalid HTTP response received from host{at}: ").into_bytes();
        line.extend_from_slice(self.status);
        line.push(b'\n');
        if wanted.shows_body {
            line.push(b'\n');
            line.extend_from_slice(self.body);
        }
        Some(Printed { exit: State::Critical as u8, stdout: line })
    }

    /// The body as it is shown.
    ///
    /// # Errors
    /// Its chunks are not what they should be.
    pub(crate) fn shown_body(&self) -> Result<Vec<u8>, NotNative> {
        if is_chunked(self.headers) { without_chunks(self.body) } else { Ok(self.body.to_vec()) }
    }
}

impl Pattern {
    fn is_in(&self, body: &[u8]) -> bool {
        if !self.ignores_case {
            return has(body, self.text.as_bytes());
        }
        body.windows(self.text.len()).any(|window| window.eq_ignore_ascii_case(self.text.as_bytes()))
    }
}

/// The worse of two states, where UNKNOWN is only worse than OK.
pub(crate) fn worse(one: State, other: State) -> State {
    let rank = |state: State| match state {
        State::Critical => 3,
        State::Warning => 2,
        State::Unknown => 1,
        State::Ok => 0,
    };
    if rank(other) > rank(one) { other } else { one }
}

/// A text that was not found, cut as the plugin does.
fn shortened(text: &str) -> Result<String, NotNative> {
    match text.len() {
        30.. if !text.is_char_boundary(26) => {
            Err(NotNative("a text that is cut within a character".to_owned()))
        }
        30.. => Ok(format!("{}...", &text[..26])),
        _ => Ok(text.to_owned()),
    }
}

fn address(site: &Site) -> String {
    let scheme = if site.is_tls { "https" } else { "http" };
    format!("{scheme}://{}:{}{}", site.host.as_ref().unwrap_or(&site.address), site.port, site.url)
}

/// Whether a body is in chunks.
fn is_chunked(headers: &[u8]) -> bool {
    const NAME: &[u8] = b"transfer-encoding:";
    let lower = headers.to_ascii_lowercase();
    (0..lower.len()).filter(|at| lower[*at..].starts_with(NAME)).any(|at| {
        let rest = &lower[at + NAME.len()..];
        let blanks = rest.iter().take_while(|byte| **byte == b' ').count();
        rest[blanks..].starts_with(b"chunked")
    })
}

/// A body whose chunks are put together.
fn without_chunks(mut rest: &[u8]) -> Result<Vec<u8>, NotNative> {
    let odd = || NotNative("odd chunks".to_owned());
    let mut body = Vec::new();
    loop {
        let digits = rest.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let number = rest.get(..digits).filter(|number| (1..=7).contains(&number.len())).ok_or_else(odd)?;
        let number = std::str::from_utf8(number).map_err(|_| odd())?;
        let size = usize::from_str_radix(number, 16).map_err(|_| odd())?;
        let mut start = digits;
        if rest.get(start) == Some(&b';') {
            start += rest[start..].iter().position(|byte| *byte == b'\r').ok_or_else(odd)?;
        }
        start += 2;
        if size == 0 {
            // The plugin has no memory for nothing.
            return if body.is_empty() { Err(odd()) } else { Ok(body) };
        }
        body.extend_from_slice(rest.get(start..start + size).ok_or_else(odd)?);
        rest = rest.get(start + size + 2..).ok_or_else(odd)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_three_parts() {
        let parts = |answer: &'static str| {
            let page = Page::read(answer.as_bytes()).unwrap();
            [page.status, page.headers, page.body].map(|part| String::from_utf8(part.to_vec()).unwrap())
        };
        assert_eq!(
            parts("HTTP/1.1 200 OK \r\nA: b\r\nC: d\r\n\r\nbody\r\n"),
            ["HTTP/1.1 200 OK", "A: b\r\nC: d", "body\r\n"]
        );
        assert_eq!(parts("HTTP/1.0 404 No\nA: b\n\nbody"), ["HTTP/1.0 404 No", "A: b", "body"]);
        assert_eq!(parts("HTTP/1.0 200 OK"), ["HTTP/1.0 200 OK", "", ""]);
        assert!(Page::read(b"HTTP/1.0 200 OK\r\nA: b").is_err());
    }

    #[test]
    fn chunks_are_put_together() {
        assert_eq!(without_chunks(b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n").unwrap(), b"abcde");
        assert!(without_chunks(b"0\r\n\r\n").is_err() && without_chunks(b"9\r\nabc\r\n").is_err());
        assert!(is_chunked(b"A: b\r\ntransfer-Encoding:  chunked"));
        assert!(!is_chunked(b"Transfer-Encoding: gzip"));
    }
}
