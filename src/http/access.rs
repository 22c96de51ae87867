//! Who may ask: what a request calls this host, the web page that sent it, and what shows who its client is.

use std::net::IpAddr;

use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use openssl::base64::decode_block;
use openssl::memcmp;
use openssl::sha::sha256;

use super::reply::Reply;
use super::settings::Settings;
use super::socket::Via;

/// Says of which site the page is that sent a request.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Who may ask.
#[derive(Debug)]
pub(super) struct Access {
    /// Digests of the tokens.
    tokens: Vec<[u8; 32]>,
    /// Whether clients may have a certificate in place of a token.
    asks_certificates: bool,
    origins: Vec<String>,
    hosts: Vec<String>,
    open_watch: bool,
}

/// Who asks, by what was shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) enum Who {
    /// Nothing was shown.
    #[default]
    Anybody,
    /// A certificate that TLS has verified.
    Certified,
    /// The token that has this digest.
    Token([u8; 32]),
}

/// A request that may be answered.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Admitted {
    /// The origin of the page that sent it, which may read the answer.
    pub(super) origin: Option<HeaderValue>,
    /// Who did.
    pub(super) who: Who,
}

impl Access {
    pub(super) fn of(settings: &Settings) -> Access {
        Access {
            tokens: settings.tokens.clone(),
            asks_certificates: settings.tls.as_ref().is_some_and(|tls| tls.client_ca.is_some()),
            origins: settings.cors.clone(),
            hosts: settings.hosts.clone(),
            open_watch: settings.open_watch,
        }
    }

    /// Whether any page may ask.
    pub(super) fn has_origins(&self) -> bool {
        !self.origins.is_empty()
    }

    /// Whether a page asks for leave to send a request, which comes without credentials.
    pub(super) fn is_preflight(method: &hyper::Method, headers: &HeaderMap) -> bool {
        method == hyper::Method::OPTIONS
            && headers.contains_key(header::ORIGIN)
            && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
    }

    /// Whether a request may be answered.
    ///
    /// # Errors
    /// The answer to one that may not.
    pub(super) fn admit(
        &self,
        method: &hyper::Method,
        headers: &HeaderMap,
        via: Via,
    ) -> Result<Admitted, Reply> {
        let host = via.addresses.map(|(local, _)| self.called(headers, local)).transpose()?;
        let origin = self.origin(headers, host)?;
        let asks_for_leave = origin.is_some() && Access::is_preflight(method, headers);
        let who = if via.is_certified { Who::Certified } else { self.bearer(headers) };
        let needs_none = via.addresses.is_none() || self.tokens.is_empty() || asks_for_leave;
        if who == Who::Anybody && !needs_none {
            return Err(self.unknown());
        }
        Ok(Admitted { origin, who })
    }

    /// Whether somebody may cause runs of checks.
    pub(super) fn may_have_run(&self, who: Who) -> bool {
        self.open_watch || who != Who::Anybody
    }

    /// Whether a request calls this host by a name of its own, which is all that a file of the page asks for: a link to it may
    /// stand anywhere.
    ///
    /// # Errors
    /// The answer to one that does not.
    pub(super) fn is_called_right(&self, headers: &HeaderMap, via: Via) -> Result<(), Reply> {
        via.addresses.map_or(Ok(()), |(local, _)| self.called(headers, local).map(|_| ()))
    }

    /// What the request calls this host. A page of another site that has its name point here would call it by that name.
    fn called<'h>(&self, headers: &'h HeaderMap, local: IpAddr) -> Result<&'h str, Reply> {
        let mut hosts = headers.get_all(header::HOST).iter();
        let host = hosts.next().and_then(|host| host.to_str().ok());
        match host {
            Some(host) if hosts.next().is_none() && self.is_own(host, local) => Ok(host),
            _ => Err(Reply::text(
                403,
                "The header Host does not name this host: use 127.0.0.1 or localhost, or have `hosts` of the section `http` \
                 name it.\n",
            )),
        }
    }

    fn is_own(&self, host: &str, local: IpAddr) -> bool {
        let Some(name) = without_port(host) else { return false };
        let address =
            name.trim_matches(['[', ']']).parse::<IpAddr>().ok().map(|address| address.to_canonical());
        name.eq_ignore_ascii_case("localhost")
            || address.is_some_and(|address| address.is_loopback() || address == local)
            || self.hosts.iter().any(|own| own.eq_ignore_ascii_case(name))
    }

    /// The origin of the page that sent the request, if it is one that may ask.
    fn listed<'h>(&self, headers: &'h HeaderMap) -> Option<&'h HeaderValue> {
        let value = headers.get(header::ORIGIN)?;
        self.origins.contains(&value.to_str().ok()?.to_ascii_lowercase()).then_some(value)
    }

    /// Who may read that they have to show something: a page that may ask learns so that it lacks a token.
    pub(super) fn refused(&self, headers: &HeaderMap, reply: &Reply) -> Admitted {
        let origin = self.listed(headers).filter(|_| reply.status == 401).cloned();
        Admitted { origin, who: Who::Anybody }
    }

    /// The origin of the page that sent the request, if one did. One that is not listed could not read the answer, but
    /// would have the query run.
    fn origin(&self, headers: &HeaderMap, host: Option<&str>) -> Result<Option<HeaderValue>, Reply> {
        let refused = || {
            Reply::text(
                403,
                "A page of another site sent this request, and `cors` of the section `http` does not name it.\n",
            )
        };
        let Some(value) = headers.get(header::ORIGIN) else {
            // Another origin of the same site is another page all the same.
            let is_own = |site: &HeaderValue| site == "same-origin" || site == "none";
            let is_foreign = headers.get(SEC_FETCH_SITE).is_some_and(|site| !is_own(site));
            return if is_foreign { Err(refused()) } else { Ok(None) };
        };
        if let Some(listed) = self.listed(headers) {
            return Ok(Some(listed.clone()));
        }
        let origin = value.to_str().map(str::to_ascii_lowercase).unwrap_or_default();
        let own = host.is_some_and(|host| {
            ["http://", "https://"].iter().any(|scheme| {
                origin.strip_prefix(scheme).is_some_and(|origin| origin.eq_ignore_ascii_case(host))
            })
        });
        if own { Ok(None) } else { Err(refused()) }
    }

    /// Whoever has the token that is shown, as `Bearer` or as a password. All are compared, each in a time that does not depend on
    /// it.
    fn bearer(&self, headers: &HeaderMap) -> Who {
        let mut given = headers.get_all(header::AUTHORIZATION).iter();
        let shown = given.next().filter(|_| given.next().is_none()).and_then(|value| shown(value.as_bytes()));
        let digest = shown.map(|token| sha256(&token));
        let matching = |digest: &[u8; 32]| {
            self.tokens.iter().fold(false, |found, token| memcmp::eq(token, digest) | found)
        };
        digest.filter(matching).map_or(Who::Anybody, Who::Token)
    }

    /// The answer to one who has to show something.
    fn unknown(&self) -> Reply {
        let or = if self.asks_certificates { ", or a certificate" } else { "" };
        Reply::text(
            401,
            format!(
                "This takes a token, as `Authorization: Bearer TOKEN` or as the password of any user{or}.\n"
            ),
        )
    }
}

/// The token in a header `Authorization`.
fn shown(value: &[u8]) -> Option<Vec<u8>> {
    let at = value.iter().position(|byte| *byte == b' ')?;
    let (scheme, rest) = (&value[..at], value[at..].trim_ascii());
    if scheme.eq_ignore_ascii_case(b"bearer") {
        return Some(rest.to_vec());
    }
    if !scheme.eq_ignore_ascii_case(b"basic") {
        return None;
    }
    let pair = decode_block(std::str::from_utf8(rest).ok()?).ok()?;
    let colon = pair.iter().position(|byte| *byte == b':')?;
    Some(pair[colon + 1..].to_vec())
}

/// The name or address in a header `Host`; an address of IPv6 in its brackets.
fn without_port(host: &str) -> Option<&str> {
    let (name, port) = match host.find(']') {
        Some(end) if host.starts_with('[') => host.split_at(end + 1),
        _ => host.split_at(host.find(':').unwrap_or(host.len())),
    };
    let port_fits = match port.strip_prefix(':') {
        Some(digits) => !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()),
        None => port.is_empty(),
    };
    (port_fits && !name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use hyper::Method;

    use super::*;

    fn access(tokens: &[&str]) -> Access {
        Access {
            tokens: tokens.iter().map(|token| sha256(token.as_bytes())).collect(),
            asks_certificates: false,
            origins: vec!["https://grafana.example".to_owned()],
            hosts: vec!["web1.example".to_owned(), "[fe80::9]".to_owned()],
            open_watch: false,
        }
    }

    fn via(local: &str) -> Via {
        Via { addresses: Some((local.parse().unwrap(), "192.0.2.1".parse().unwrap())), is_certified: false }
    }

    fn headers(all: &[(&'static str, &str)]) -> HeaderMap {
        let one = |(name, value): &(&'static str, &str)| {
            (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
        };
        all.iter().map(one).collect()
    }

    fn status(access: &Access, all: &[(&'static str, &str)], via: Via) -> u16 {
        access.admit(&Method::GET, &headers(all), via).map_or_else(|reply| reply.status, |_| 200)
    }

    #[test]
    fn only_names_of_this_host_are_its_own() {
        let access = access(&[]);
        for own in [
            "localhost",
            "LOCALHOST:80",
            "127.0.0.1:43191",
            "127.9.9.9",
            "[::1]:43191",
            "[::1]",
            "10.0.0.7:443",
            "Web1.example:1",
            "[fe80::9]",
        ] {
            assert_eq!(status(&access, &[("host", own)], via("10.0.0.7")), 200, "{own}");
        }
        for foreign in [
            "example.org",
            "localhost.example.org:80",
            "10.0.0.1",
            "127.0.0.1.nip.io",
            "",
            "[fe80::1]",
            "localhost:80.evil.example",
            "[::1]evil",
            "localhost:",
            "]",
        ] {
            assert_eq!(status(&access, &[("host", foreign)], via("10.0.0.7")), 403, "{foreign}");
        }
        assert_eq!(status(&access, &[("host", "localhost"), ("host", "a")], via("10.0.0.7")), 403);
        assert_eq!(status(&access, &[], via("10.0.0.7")), 403);
        assert_eq!(status(&access, &[("host", "x")], Via::default()), 200);
    }

    #[test]
    fn pages_of_other_sites_are_refused_unless_they_are_listed() {
        let access = access(&[]);
        let local = via("127.0.0.1");
        let sent = |all: &[(&'static str, &str)]| {
            access.admit(&Method::GET, &headers(all), local).map_err(|reply| reply.status)
        };
        let host = ("host", "localhost:9");
        assert_eq!(sent(&[host, ("origin", "http://localhost:9")]), Ok(Admitted::default()));
        assert_eq!(sent(&[host, ("origin", "https://evil.example")]), Err(403));
        assert_eq!(sent(&[host, ("origin", "null")]), Err(403));
        assert_eq!(sent(&[host, ("sec-fetch-site", "cross-site")]), Err(403));
        assert_eq!(sent(&[host, ("sec-fetch-site", "same-site")]), Err(403));
        assert_eq!(sent(&[host, ("sec-fetch-site", "same-origin")]), Ok(Admitted::default()));
        assert_eq!(sent(&[host, ("sec-fetch-site", "none")]), Ok(Admitted::default()));
        let listed = "https://Grafana.example";
        let origin = Some(HeaderValue::from_static(listed));
        assert_eq!(
            sent(&[host, ("origin", listed), ("sec-fetch-site", "cross-site")]),
            Ok(Admitted { origin, who: Who::Anybody })
        );
    }

    #[test]
    fn a_token_is_a_bearer_or_a_password() {
        let access = access(&["first token of two", "second token"]);
        let host = ("host", "localhost");
        let given = |value: &str| status(&access, &[host, ("authorization", value)], via("127.0.0.1"));
        assert_eq!(given("Bearer second token"), 200);
        let who = |value: &str, via| {
            access.admit(&Method::GET, &headers(&[host, ("authorization", value)]), via).unwrap().who
        };
        assert_eq!(who("Bearer second token", via("127.0.0.1")), Who::Token(sha256(b"second token")));
        // At a socket a token is no condition, but counts.
        assert_eq!(who("Bearer second token", Via::default()), Who::Token(sha256(b"second token")));
        assert!(!access.may_have_run(who("Bearer none of them", Via::default())));
        assert_eq!(given("bearer  first token of two"), 200);
        // grafana:second token
        assert_eq!(given("Basic Z3JhZmFuYTpzZWNvbmQgdG9rZW4="), 200);
        for wrong in [
            "Bearer second toke",
            "Bearer second tokens",
            "Bearer ",
            "Bearer",
            "Basic !!!",
            "Basic Z3JhZmFuYQ==",
            "Digest second token",
            "second token",
            "",
        ] {
            assert_eq!(given(wrong), 401, "{wrong}");
        }
        assert_eq!(status(&access, &[host], via("127.0.0.1")), 401);
        assert_eq!(status(&access, &[host], Via::default()), 200);
        assert_eq!(status(&access, &[host], Via { is_certified: true, ..via("127.0.0.1") }), 200);
    }

    #[test]
    fn a_page_that_is_listed_asks_for_leave_without_a_token() {
        let access = access(&["a token that is long"]);
        let asked = |origin: &str| {
            let all = [("host", "localhost"), ("origin", origin), ("access-control-request-method", "POST")];
            access.admit(&Method::OPTIONS, &headers(&all), via("127.0.0.1")).map_err(|reply| reply.status)
        };
        assert!(asked("https://grafana.example").is_ok());
        assert_eq!(asked("https://evil.example"), Err(403));
        // It may read that the request itself lacks a token; a page that is not listed may not.
        for (origin, reads) in [("https://grafana.example", true), ("https://evil.example", false)] {
            let all = headers(&[("host", "localhost"), ("origin", origin)]);
            let reply = access.admit(&Method::GET, &all, via("127.0.0.1")).unwrap_err();
            assert_eq!(access.refused(&all, &reply).origin.is_some(), reads, "{origin}");
        }
        assert_eq!(asked("http://localhost"), Err(401));
    }
}
