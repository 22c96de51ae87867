//! `check_http`: the options, and what is asked of the server by them.

use std::ffi::OsString;

use custos_compat::getopt::Known;

use crate::arguments::{digits, flag, parsed, stray, unknown, utf8, valued};
use crate::certificate::Days;
use crate::http_request::{HTTP_PORT, HTTPS_PORT, OWN_NAME, Request, Site};
use crate::not_native::NotNative;
use crate::printed::State;
use crate::range::{Range, Thresholds};
use crate::step::Family;
use crate::tcp::{TIMEOUT_S, days, port, timeout_s};

/// The plugin cuts patterns at 1023 bytes and other texts later; longer ones are left to it.
const TEXT_MAX_BYTES: usize = 1000;
/// Redirections that are followed, if nothing else is said.
const REDIRECTIONS: u64 = 15;
/// Old forms of options, which the plugin reads as others.
const OLD: [&str; 6] = ["-to", "-hn", "-wt", "-ct", "-nohtml", "--"];

/// How the options are known that have no letter.
const SNI: u8 = 1;
const INVERT: u8 = 2;
const MAX_REDIRS: u8 = 3;
const CONTINUE: u8 = 4;

/// All options that the plugin has, as abbreviations depend on them.
const KNOWN: [Known; 43] = [
    flag(b'V', "version"),
    flag(b'v', "verbose"),
    flag(b'h', "help"),
    valued(b't', "timeout"),
    valued(b'c', "critical"),
    valued(b'w', "warning"),
    valued(b'H', "hostname"),
    flag(b'L', "link"),
    flag(b'n', "nohtml"),
    flag(b'S', "ssl"),
    flag(SNI, "sni"),
    valued(b'P', "post"),
    valued(b'j', "method"),
    valued(b'I', "IP-address"),
    valued(b'u', "url"),
    valued(b'p', "port"),
    valued(b'a', "authorization"),
    valued(b'b', "proxy-authorization"),
    valued(b'd', "header-string"),
    valued(b's', "string"),
    valued(b'e', "expect"),
    valued(b'r', "regex"),
    valued(b'r', "ereg"),
    valued(b'R', "eregi"),
    flag(b'l', "linespan"),
    valued(b'f', "onredirect"),
    valued(b'C', "certificate"),
    valued(b'J', "client-cert"),
    valued(b'K', "private-key"),
    flag(CONTINUE, "continue-after-certificate"),
    valued(b'A', "useragent"),
    valued(b'k', "header"),
    flag(b'N', "no-body"),
    valued(b'M', "max-age"),
    valued(b'T', "content-type"),
    valued(b'm', "pagesize"),
    flag(INVERT, "invert-regex"),
    flag(b'4', "use-ipv4"),
    flag(b'6', "use-ipv6"),
    flag(b'E', "extended-perfdata"),
    flag(b'B', "show-body"),
    valued(MAX_REDIRS, "max-redirs"),
    valued(b'x', ""),
];

/// The options.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Http {
    /// Where it begins.
    pub(crate) site: Site,
    pub(crate) family: Option<Family>,
    pub(crate) uses_sni: bool,
    pub(crate) certificate: Option<Days>,
    /// Whether the page is asked for after its server's certificate.
    pub(crate) goes_on: bool,
    pub(crate) thresholds: Thresholds,
    pub(crate) timeout_s: u64,
    pub(crate) redirect: Redirect,
    pub(crate) redirections_max: u64,
    pub(crate) request: Request,
    pub(crate) wanted: Wanted,
    pub(crate) is_extended: bool,
}

/// What to do about a page that is elsewhere.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Redirect {
    Is(State),
    Follow { same_host: bool, same_port: bool },
}

/// What the answer has to have.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Wanted {
    /// What the first line has to have one of, with commas between.
    pub(crate) status: Option<String>,
    pub(crate) header: String,
    pub(crate) text: String,
    pub(crate) pattern: Option<Pattern>,
    pub(crate) is_pattern_unwanted: bool,
    pub(crate) bytes_min: u64,
    pub(crate) bytes_max: u64,
    pub(crate) without_body: bool,
    pub(crate) shows_body: bool,
}

/// A regular expression that stands for nothing but itself.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pattern {
    pub(crate) text: String,
    pub(crate) ignores_case: bool,
}

impl Http {
    pub(crate) fn read(words: &[OsString]) -> Result<Http, NotNative> {
        if words.iter().any(|word| OLD.iter().any(|old| word == old) || gives_version(word)) {
            return Err(NotNative("an old form of an option, or a version of TLS".to_owned()));
        }
        let parsed = parsed(words, &KNOWN)?;
        let text = |word: OsString| {
            let text = utf8(word)?;
            let fits = text.len() <= TEXT_MAX_BYTES;
            fits.then_some(text).ok_or_else(|| NotNative("a value of more than 1000 bytes".to_owned()))
        };
        let mut reading = Reading::new();
        for given in parsed.options {
            reading.option(given.short, text(given.value)?)?;
        }
        let mut words = parsed.words.into_iter();
        if reading.address.is_none() {
            reading.address = words.next().map(text).transpose()?;
        }
        if reading.host.is_none() {
            reading.host = words.next().map(text).transpose()?;
        }
        match words.next() {
            Some(word) => Err(stray(&word)),
            None => reading.end(),
        }
    }
}

/// Whether a word may be `-S` with a version of TLS, which other options can be taken for.
fn gives_version(word: &OsString) -> bool {
    let bytes = word.as_encoded_bytes();
    let is_short = bytes.starts_with(b"-") && !bytes.starts_with(b"--");
    is_short && bytes.iter().position(|byte| *byte == b'S').is_some_and(|at| at + 1 < bytes.len())
}

/// The options as far as they were read.
struct Reading {
    address: Option<String>,
    host: Option<String>,
    port: u16,
    is_port_given: bool,
    told_port: Option<u16>,
    ignores_case: bool,
    http: Http,
}

impl Reading {
    fn new() -> Reading {
        let site = Site {
            address: String::new(),
            host: None,
            port: HTTP_PORT,
            told_port: 0,
            url: "/".to_owned(),
            is_tls: false,
        };
        let request = Request {
            method: None,
            agent: OWN_NAME.to_owned(),
            headers: Vec::new(),
            login: String::new(),
            proxy_login: String::new(),
            body: None,
            body_type: None,
        };
        let wanted = Wanted {
            status: None,
            header: String::new(),
            text: String::new(),
            pattern: None,
            is_pattern_unwanted: false,
            bytes_min: 0,
            bytes_max: 0,
            without_body: false,
            shows_body: false,
        };
        let http = Http {
            site,
            family: None,
            uses_sni: false,
            certificate: None,
            goes_on: false,
            thresholds: Thresholds::default(),
            timeout_s: TIMEOUT_S,
            redirect: Redirect::Is(State::Ok),
            redirections_max: REDIRECTIONS,
            request,
            wanted,
            is_extended: false,
        };
        Reading {
            address: None,
            host: None,
            port: HTTP_PORT,
            is_port_given: false,
            told_port: None,
            ignores_case: false,
            http,
        }
    }

    fn option(&mut self, option: u8, value: String) -> Result<(), NotNative> {
        let http = &mut self.http;
        match option {
            b'I' => self.address = Some(value),
            b'H' => self.host(value)?,
            b'p' => (self.port, self.is_port_given) = (port(&value)?, true),
            b'S' => self.tls(),
            b'C' => {
                http.certificate = Some(days(&value)?);
                self.tls();
            }
            CONTINUE => http.goes_on = true,
            SNI => http.uses_sni = true,
            b'4' => http.family = Some(Family::V4),
            b'6' => http.family = Some(Family::V6),
            b't' => http.timeout_s = timeout_s(&value)?,
            b'w' => http.thresholds.warning = Some(Range::with_end("-w", &value)?),
            b'c' => http.thresholds.critical = Some(Range::with_end("-c", &value)?),
            b'f' => http.redirect = redirect(&value)?,
            MAX_REDIRS => {
                let most = digits(&value).filter(|most| *most < 1000);
                http.redirections_max = most.ok_or_else(|| unknown("--max-redirs", &value))?;
            }
            b'E' => http.is_extended = true,
            b'u' => http.site.url = value,
            b'n' | b'l' => {}
            _ => return self.content(option, value),
        }
        Ok(())
    }

    /// The options of what is sent and what is wanted.
    fn content(&mut self, option: u8, value: String) -> Result<(), NotNative> {
        let Http { request, wanted, .. } = &mut self.http;
        match option {
            b'A' => request.agent = value,
            b'k' => request.headers.push(value),
            b'a' => request.login = value,
            b'b' => request.proxy_login = value,
            b'j' if value == "CONNECT" || value.contains(':') => return Err(unknown("-j", &value)),
            b'j' => request.method = Some(value),
            b'P' => {
                request.body.get_or_insert(value);
                request.method.get_or_insert_with(|| "POST".to_owned());
            }
            b'T' => request.body_type = Some(value),
            b'e' => wanted.status = Some(value),
            b'd' => wanted.header = value,
            b's' => wanted.text = value,
            b'r' | b'R' => {
                self.ignores_case |= option == b'R';
                let text = literal(&value).ok_or_else(|| unknown("-r", &value))?;
                wanted.pattern = Some(Pattern { text, ignores_case: self.ignores_case });
            }
            INVERT => wanted.is_pattern_unwanted = true,
            b'm' => (wanted.bytes_min, wanted.bytes_max) = sizes(&value, wanted.bytes_max)?,
            b'N' => wanted.without_body = true,
            b'B' => wanted.shows_body = true,
            other => return Err(NotNative(format!("-{}", other as char))),
        }
        Ok(())
    }

    /// A host, perhaps with a port.
    fn host(&mut self, value: String) -> Result<(), NotNative> {
        if value.starts_with('[') || value.is_empty() {
            return Err(unknown("-H", &value));
        }
        match value.split_once(':') {
            Some((name, at)) if !at.contains(':') => {
                let at = port(at).map_err(|_| unknown("-H", &value))?;
                (self.told_port, self.host) = (Some(at), Some(name.to_owned()));
                if !self.is_port_given {
                    self.port = at;
                }
            }
            _ => self.host = Some(value),
        }
        Ok(())
    }

    fn tls(&mut self) {
        self.http.site.is_tls = true;
        if !self.is_port_given {
            self.port = HTTPS_PORT;
        }
    }

    fn end(self) -> Result<Http, NotNative> {
        let Reading { address, host, port, told_port, mut http, .. } = self;
        let address = address.or_else(|| host.clone()).ok_or_else(|| NotNative("no host".to_owned()))?;
        let told_port = told_port.unwrap_or(port);
        let sni = host.as_deref().filter(|_| http.uses_sni);
        if sni.is_some_and(|name| name.parse::<std::net::IpAddr>().is_ok()) {
            return Err(NotNative("--sni with no name".to_owned()));
        }
        http.site = Site { address, host, port, told_port, ..http.site };
        // What is critical only later than the plugin would wait has it wait longer.
        let end_s = http.thresholds.critical.as_ref().and_then(|range| range.end);
        if let Some(end_s) = end_s.filter(|end_s| *end_s > http.timeout_s as f64) {
            http.timeout_s = end_s as u64 + 1;
        }
        Ok(http)
    }
}

fn redirect(value: &str) -> Result<Redirect, NotNative> {
    let follow = |same_host, same_port| Redirect::Follow { same_host, same_port };
    Ok(match value {
        "ok" => Redirect::Is(State::Ok),
        "warning" => Redirect::Is(State::Warning),
        "critical" => Redirect::Is(State::Critical),
        "unknown" => Redirect::Is(State::Unknown),
        "follow" => follow(false, false),
        "sticky" => follow(true, false),
        "stickyport" => follow(true, true),
        _ => return Err(unknown("-f", value)),
    })
}

/// The sizes that a page is to have at least, and at most if that is given.
fn sizes(value: &str, before_max: u64) -> Result<(u64, u64), NotNative> {
    let size = |text: &str| digits(text).filter(|size| *size < 1 << 31).ok_or_else(|| unknown("-m", value));
    match value.split_once(':') {
        Some((least, most)) => Ok((size(least)?, size(most)?)),
        None => Ok((size(value)?, before_max)),
    }
}

/// What an extended regular expression matches, if that is one text.
fn literal(pattern: &str) -> Option<String> {
    let is_plain =
        |character: char| character.is_ascii_alphanumeric() || " -_,:;=!@#%&'\"<>/~".contains(character);
    let mut text = String::new();
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => text.push(characters.next().filter(|character| ".[](){}*+?|^$\\/".contains(*character))?),
            character if is_plain(character) => text.push(character),
            _ => return None,
        }
    }
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_of_one_text_is_known() {
        assert_eq!(literal("Welcome to nginx"), Some("Welcome to nginx".to_owned()));
        assert_eq!(literal("a\\.b"), Some("a.b".to_owned()));
        for pattern in ["a.b", "a|b", "a\\w", "", "[a]", "a\\"] {
            assert_eq!(literal(pattern), None, "{pattern}");
        }
    }
}
