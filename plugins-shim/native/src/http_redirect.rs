//! `check_http`: where a page is instead.

use crate::http_page::Page;
use crate::http_request::Site;
use crate::not_native::NotNative;
use crate::printed::{Printed, State};

/// Characters of a path; it ends before others.
const PATH: &[u8] = b"-_.!~*'();/?:@&=+$,%#abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
/// Characters of a host.
const HOST: &[u8] = b"-.abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
/// The plugin takes so many digits for a port.
const PORT_DIGITS: usize = 5;

/// Where it is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Location {
    Site(Elsewhere),
    /// What is said if that is nowhere.
    None(Printed),
}

/// Another site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Elsewhere {
    pub(crate) address: String,
    pub(crate) host: Option<String>,
    pub(crate) port: u16,
    pub(crate) url: String,
    pub(crate) is_tls: bool,
    /// Whether the plugin may name another scheme than the one it uses.
    pub(crate) is_scheme_doubtful: bool,
}

/// Reads where a page of a site is instead.
///
/// # Errors
/// The place has a form that is not exactly known.
pub(crate) fn location(page: &Page<'_>, site: &Site) -> Result<Location, NotNative> {
    const NAME: &[u8] = b"location:";
    let line = page
        .headers
        .split(|byte| matches!(byte, b'\r' | b'\n'))
        .find(|line| line.get(..NAME.len()).is_some_and(|name| name.eq_ignore_ascii_case(NAME)));
    let Some(line) = line else {
        let text = [b"HTTP UNKNOWN - Could not find redirect location - ", page.status].concat();
        return Ok(Location::None(State::Unknown.says(text)));
    };
    let value = &line[NAME.len()..];
    let value = &value[spanned(value, b" \t")..];
    elsewhere(value, site)
        .map(Location::Site)
        .ok_or_else(|| NotNative("a redirection of another form".to_owned()))
}

fn spanned(bytes: &[u8], of: &[u8]) -> usize {
    bytes.iter().take_while(|byte| of.contains(byte)).count()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn elsewhere(value: &[u8], site: &Site) -> Option<Elsewhere> {
    if value.starts_with(b"/") && !value.starts_with(b"//") {
        return Some(Elsewhere {
            address: site.address.clone(),
            host: site.host.clone(),
            port: site.port,
            url: text(&value[..spanned(value, PATH)]),
            is_tls: site.is_tls,
            is_scheme_doubtful: site.is_tls,
        });
    }
    let (rest, is_tls) = match value.strip_prefix(b"https://") {
        Some(rest) => (rest, true),
        None => (value.strip_prefix(b"http://")?, false),
    };
    let host = spanned(rest, HOST);
    if host == 0 || host > 253 {
        return None;
    }
    let (host, rest) = rest.split_at(host);
    let (port, rest) = match rest.strip_prefix(b":") {
        Some(rest) => {
            let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let (number, rest) = rest.split_at(digits);
            let number = text(number);
            let port = number.parse::<u16>().ok().filter(|port| *port > 0 && number.len() <= PORT_DIGITS)?;
            (port, rest)
        }
        None => (if is_tls { 443 } else { 80 }, rest),
    };
    let path = match rest {
        [] => "",
        [b'/', path @ ..] => std::str::from_utf8(&path[..spanned(path, PATH)]).ok()?,
        _ => return None,
    };
    let url = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    let host = text(host);
    Some(Elsewhere { address: host.clone(), host: Some(host), port, url, is_tls, is_scheme_doubtful: false })
}
