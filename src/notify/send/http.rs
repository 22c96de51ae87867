//! A request over HTTP: one connection, one `POST`, the head of what is answered. Redirects are not followed, since a body
//! with secrets would follow them.

use std::path::PathBuf;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, AUTHORIZATION, CONNECTION, CONTENT_TYPE, HOST, HeaderValue, USER_AGENT};
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;

use super::receipt::Failure;
use crate::config::Secret;
use crate::connect::{self, Authorities, Connection};
use crate::limits::{NOTIFY_REASON_MAX_CHARS, NOTIFY_REPLY_MAX_BYTES, NOTIFY_SEND_TIMEOUT};
use crate::text::printable;

/// Where a receiver is, and how it lets this host in.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Endpoint {
    /// `http://` or `https://`, host, port, path.
    pub(super) url: String,
    /// User and password.
    pub(super) basic: Option<(String, Secret)>,
    /// A token.
    pub(super) bearer: Option<Secret>,
    /// PEM file of the authorities that the receiver's certificate is verified against; `None` for those of the system.
    pub(super) authorities: Option<PathBuf>,
}

/// What was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    /// The head of the body.
    pub(super) body: String,
}

impl Reply {
    /// What its status means, if it means that the request was not taken.
    pub(super) fn accepted(&self) -> Result<(), Failure> {
        let why = || format!("the answer was {}{}", self.status, self.reason());
        match self.status {
            status if status.is_success() => Ok(()),
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS | StatusCode::TOO_EARLY => {
                Err(Failure::Temporary(why()))
            }
            // Who may come in, and where it is, changes when somebody puts it right; what is said does not.
            StatusCode::UNAUTHORIZED
            | StatusCode::FORBIDDEN
            | StatusCode::NOT_FOUND
            | StatusCode::PROXY_AUTHENTICATION_REQUIRED => Err(Failure::Temporary(why())),
            status if status.is_client_error() => Err(Failure::Permanent(why())),
            _ => Err(Failure::Temporary(why())),
        }
    }

    /// The same without the path and the question of the address, which servers repeat and which may be secret.
    fn without(mut self, url: &Uri) -> Reply {
        for part in [url.path_and_query().map(|all| all.as_str()), Some(url.path()), url.query()] {
            if let Some(part) = part.filter(|part| part.len() > 1) {
                self.body = self.body.replace(part, "…");
            }
        }
        self
    }

    /// The first words of the body, to be appended to a message.
    fn reason(&self) -> String {
        let first: String = self.body.trim().chars().take(NOTIFY_REASON_MAX_CHARS).collect();
        if first.is_empty() { String::new() } else { format!(": {}", printable(&first)) }
    }
}

/// Posts a body to a receiver.
///
/// # Errors
/// There was no answer, at least not in time. What an answer means is for [`Reply::accepted`].
pub(super) async fn post(endpoint: &Endpoint, kind: &'static str, body: Vec<u8>) -> Result<Reply, Failure> {
    let url: Uri = endpoint.url.parse().map_err(|error| wrong(&endpoint.url, &format!("{error}")))?;
    let exchange = exchange(endpoint, &url, kind, body);
    match tokio::time::timeout(NOTIFY_SEND_TIMEOUT, exchange).await {
        Ok(reply) => reply,
        Err(_) => {
            let seconds = NOTIFY_SEND_TIMEOUT.as_secs();
            Err(Failure::Temporary(format!("{} has not answered within {seconds} s", shown(&url))))
        }
    }
}

/// An address without what might be secret in it.
fn shown(url: &Uri) -> String {
    let host = url.host().unwrap_or_default();
    let port = url.port_u16().map_or_else(String::new, |port| format!(":{port}"));
    format!("{}://{host}{port}", url.scheme_str().unwrap_or_default())
}

fn wrong(url: &str, why: &str) -> Failure {
    let scheme = url.split(':').next().unwrap_or_default();
    Failure::Permanent(format!("failed to read the address ({}:…): {why}", printable(scheme)))
}

async fn exchange(
    endpoint: &Endpoint,
    url: &Uri,
    kind: &'static str,
    body: Vec<u8>,
) -> Result<Reply, Failure> {
    let request = request(endpoint, url, kind, body)?;
    let stream = connect(endpoint, url).await?;
    let failed = |error: hyper::Error| Failure::Temporary(format!("failed to ask {}: {error}", shown(url)));
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(failed)?;
    // Both are driven here, so that nothing is left once this future is dropped.
    let mut connection = std::pin::pin!(connection);
    let answered = async {
        let response = sender.send_request(request).await.map_err(failed)?;
        Ok(read(response).await.without(url))
    };
    let mut answered = std::pin::pin!(answered);
    let mut is_open = true;
    loop {
        tokio::select! {
            reply = &mut answered => return reply,
            ended = &mut connection, if is_open => {
                is_open = false;
                ended.map_err(failed)?;
            }
        }
    }
}

async fn connect(endpoint: &Endpoint, url: &Uri) -> Result<Connection, Failure> {
    if !matches!(url.scheme_str(), Some("http" | "https")) {
        return Err(wrong(&endpoint.url, "it begins with neither http:// nor https://"));
    }
    if url.host().is_none() {
        return Err(wrong(&endpoint.url, "there is no host in it"));
    }
    let authorities = endpoint.authorities.as_deref().map_or(Authorities::System, Authorities::File);
    connect::http(url, authorities).await.map_err(Failure::Temporary)
}

fn request(
    endpoint: &Endpoint,
    url: &Uri,
    kind: &'static str,
    body: Vec<u8>,
) -> Result<Request<Full<Bytes>>, Failure> {
    let authority = url.authority().map_or("", hyper::http::uri::Authority::as_str);
    let host = authority.rsplit('@').next().unwrap_or_default();
    let path = url.path_and_query().map_or("/", hyper::http::uri::PathAndQuery::as_str);
    let mut request = Request::post(path)
        .header(HOST, host)
        .header(USER_AGENT, concat!("custos/", env!("CARGO_PKG_VERSION")))
        .header(CONTENT_TYPE, kind)
        .header(ACCEPT, "application/json")
        .header(CONNECTION, "close")
        .body(Full::new(Bytes::from(body)))
        .map_err(|error| wrong(&endpoint.url, &error.to_string()))?;
    if let Some(authorization) = authorization(endpoint)? {
        request.headers_mut().insert(AUTHORIZATION, authorization);
    }
    Ok(request)
}

fn authorization(endpoint: &Endpoint) -> Result<Option<HeaderValue>, Failure> {
    let unreadable = |why: &str| Failure::Temporary(why.to_owned());
    let value = match (&endpoint.basic, &endpoint.bearer) {
        (Some((user, password)), _) => {
            let pair = [user.as_bytes(), b":", password.bytes().map_err(unreadable)?].concat();
            format!("Basic {}", openssl::base64::encode_block(&pair)).into_bytes()
        }
        (None, Some(token)) => [b"Bearer ", token.bytes().map_err(unreadable)?].concat(),
        (None, None) => return Ok(None),
    };
    let mut value = HeaderValue::from_bytes(&value)
        .map_err(|_| Failure::Permanent("the token holds characters that no header may".to_owned()))?;
    value.set_sensitive(true);
    Ok(Some(value))
}

/// The answer with the head of its body. One that breaks off there has been given all the same.
async fn read(response: Response<Incoming>) -> Reply {
    let (head, mut body) = response.into_parts();
    let mut bytes = Vec::new();
    while bytes.len() < NOTIFY_REPLY_MAX_BYTES {
        let Some(Ok(frame)) = body.frame().await else { break };
        if let Some(data) = frame.data_ref() {
            bytes.extend_from_slice(data);
        }
    }
    bytes.truncate(NOTIFY_REPLY_MAX_BYTES);
    Reply { status: head.status, body: String::from_utf8_lossy(&bytes).into_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(status: u16) -> Result<(), Failure> {
        Reply { status: StatusCode::from_u16(status).unwrap(), body: " no\u{1b}[2J ".into() }.accepted()
    }

    #[test]
    fn what_an_answer_means_goes_by_its_status() {
        assert_eq!(reply(204), Ok(()));
        for temporary in [301, 401, 404, 408, 429, 500, 503] {
            assert!(matches!(reply(temporary), Err(Failure::Temporary(_))), "{temporary}");
        }
        for permanent in [400, 413, 415, 422] {
            assert!(matches!(reply(permanent), Err(Failure::Permanent(_))), "{permanent}");
        }
        let Err(Failure::Permanent(why)) = reply(400) else { panic!() };
        assert_eq!(why, "the answer was 400 Bad Request: no\\u{1b}[2J");
    }

    #[test]
    fn an_address_is_shown_without_its_secrets() {
        let url: Uri = "https://u:p@[::1]:8443/hook?token=x".parse().unwrap();
        assert_eq!(shown(&url), "https://[::1]:8443");
        let request = request(&Endpoint::default(), &url, "text/plain", Vec::new()).unwrap();
        assert_eq!(request.headers()[HOST], "[::1]:8443");
        assert_eq!(request.uri(), "/hook?token=x");
    }

    #[test]
    fn a_token_cannot_add_a_header() {
        let token = Some(Secret::inline("a\r\nX-Evil: 1"));
        let endpoint = Endpoint { bearer: token, ..Endpoint::default() };
        assert!(matches!(authorization(&endpoint), Err(Failure::Permanent(_))));
        let basic = Some(("u".to_owned(), Secret::inline("p")));
        let endpoint = Endpoint { basic, ..Endpoint::default() };
        assert_eq!(authorization(&endpoint).unwrap().unwrap(), "Basic dTpw");
    }
}
