//! Requests to one receiver over HTTP/1.1, over one connection that is kept.

use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{AUTHORIZATION, CONNECTION, DATE, HOST, HeaderMap, HeaderValue, RETRY_AFTER, USER_AGENT};
use hyper::{Method, Request, Response, Uri};
use hyper_util::rt::TokioIo;
use jiff::fmt::rfc2822;
use tokio::task::JoinHandle;

use super::settings::Endpoint;
use crate::connect::{self, Authorities};
use crate::limits::{SINK_REASON_MAX_CHARS, SINK_SEND_TIMEOUT};
use crate::text::printable;

/// A receiver with the connection to it, if there is one.
#[derive(Debug)]
pub(super) struct Link {
    endpoint: Endpoint,
    open: Option<Open>,
    /// How many connections there have been.
    opened: u64,
    sent_bytes: u64,
}

#[derive(Debug)]
struct Open {
    requests: SendRequest<Full<Bytes>>,
    /// What drives the connection; it ends with this.
    task: JoinHandle<()>,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What is sent.
pub(super) struct Asked<'a> {
    pub(super) method: Method,
    /// The path, with what follows `?`.
    pub(super) path: &'a str,
    pub(super) headers: &'a [(&'static str, &'static str)],
    pub(super) body: Bytes,
    /// Bytes that are read of the answer.
    pub(super) reply_max_bytes: usize,
}

/// What was answered.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    /// The receiver's clock (ms since the epoch).
    pub(super) date_ms: Option<i64>,
    /// How long to wait before the next request, if it says.
    pub(super) after: Option<Duration>,
    /// The headers.
    pub(super) headers: HeaderMap,
    /// The head of the body.
    pub(super) body: Vec<u8>,
    /// What followed `?` in the path that was asked.
    question: Option<String>,
}

impl Reply {
    /// An answer as it might have come.
    #[cfg(test)]
    pub(super) fn of(status: u16, headers: HeaderMap, body: &[u8]) -> Reply {
        Reply { status, date_ms: None, after: None, headers, body: body.to_vec(), question: None }
    }

    /// A header that is a text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The first words of the body, without what followed `?` in the address, which servers repeat and which may be secret.
    pub(super) fn reason(&self) -> String {
        let mut text = String::from_utf8_lossy(&self.body).into_owned();
        if let Some(question) = self.question.as_deref().filter(|question| !question.is_empty()) {
            text = text.replace(question, "…");
        }
        let first: String = text.trim().chars().take(SINK_REASON_MAX_CHARS).collect();
        printable(&first).to_string()
    }
}

impl Link {
    /// Not connected yet.
    pub(super) fn new(endpoint: &Endpoint) -> Link {
        Link { endpoint: endpoint.clone(), open: None, opened: 0, sent_bytes: 0 }
    }

    /// The address that is configured, taken apart.
    ///
    /// # Errors
    /// It is none.
    pub(super) fn uri(&self) -> Result<Uri, String> {
        self.endpoint.url.parse().map_err(|error| format!("failed to read the address: {error}"))
    }

    /// Bytes of the bodies that were sent.
    pub(super) fn sent_bytes(&self) -> u64 {
        self.sent_bytes
    }

    /// Which connection there is, counted from 1. One is opened if there is none.
    ///
    /// # Errors
    /// The receiver cannot be connected to.
    pub(super) async fn connected(&mut self) -> Result<u64, String> {
        if self.open.as_ref().is_none_or(|open| open.requests.is_closed()) {
            self.open = None;
            let connected =
                tokio::time::timeout(SINK_SEND_TIMEOUT, connect(&self.endpoint, &self.uri()?)).await;
            self.open = Some(connected.unwrap_or_else(|_| Err(silent()))?);
            self.opened += 1;
        }
        Ok(self.opened)
    }

    /// Asks over the connection there is. It is closed after a failure, so that the next request has one of its own.
    ///
    /// # Errors
    /// There is no answer, at least not in time.
    pub(super) async fn ask(&mut self, asked: Asked<'_>) -> Result<Reply, String> {
        self.connected().await?;
        let request = self.request(&asked)?;
        let Some(open) = &mut self.open else { return Err("there is no connection".to_owned()) };
        let exchange = exchange(&mut open.requests, request, asked.reply_max_bytes);
        let replied = tokio::time::timeout(SINK_SEND_TIMEOUT, exchange).await;
        match replied.unwrap_or_else(|_| Err(silent())) {
            Ok((reply, is_last)) => {
                self.sent_bytes += asked.body.len() as u64;
                if is_last {
                    self.open = None;
                }
                Ok(reply)
            }
            Err(why) => {
                self.open = None;
                Err(why)
            }
        }
    }

    fn request(&self, asked: &Asked<'_>) -> Result<Request<Full<Bytes>>, String> {
        let uri = self.uri()?;
        let host = uri.authority().map_or("", hyper::http::uri::Authority::as_str);
        let mut request = Request::builder()
            .method(asked.method.clone())
            .uri(asked.path)
            .header(HOST, host)
            .header(USER_AGENT, concat!("custos/", env!("CARGO_PKG_VERSION")));
        for (name, value) in asked.headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(asked.body.clone()));
        let mut request = request.map_err(|error| format!("failed to put the request together: {error}"))?;
        if let Some(authorization) = &self.endpoint.authorization {
            let value = HeaderValue::from_str(authorization);
            let mut value = value.map_err(|_| "the secret holds characters that no header may".to_owned())?;
            value.set_sensitive(true);
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        Ok(request)
    }
}

fn silent() -> String {
    format!("no answer within {} s", SINK_SEND_TIMEOUT.as_secs())
}

async fn connect(endpoint: &Endpoint, uri: &Uri) -> Result<Open, String> {
    let pem = endpoint.authorities.as_deref().map(str::as_bytes);
    let stream = connect::http(uri, pem.map_or(Authorities::System, Authorities::Pem)).await?;
    let shaken = http1::handshake(TokioIo::new(stream)).await;
    let (requests, connection) = shaken.map_err(|error| format!("failed to speak HTTP: {error}"))?;
    let task = tokio::spawn(async {
        // What is wrong with it is said by the request that fails.
        let _ = connection.await;
    });
    Ok(Open { requests, task })
}

/// The answer, and whether the receiver closes the connection after it.
async fn exchange(
    requests: &mut SendRequest<Full<Bytes>>,
    request: Request<Full<Bytes>>,
    reply_max_bytes: usize,
) -> Result<(Reply, bool), String> {
    let failed = |error: hyper::Error| {
        let cause = std::error::Error::source(&error).map_or_else(String::new, |cause| format!(": {cause}"));
        format!("the connection broke: {error}{cause}")
    };
    let question = request.uri().query().map(str::to_owned);
    requests.ready().await.map_err(failed)?;
    let response = requests.send_request(request).await.map_err(failed)?;
    let headers = response.headers().clone();
    let closes = headers.get(CONNECTION).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"close"));
    let (status, date_ms, after) = (response.status().as_u16(), date_ms(&headers), after(&headers));
    let (body, is_whole) = read(response, reply_max_bytes).await;
    Ok((Reply { status, date_ms, after, headers, body, question }, closes || !is_whole))
}

/// The head of a body, and whether that is all. One that breaks off has been answered all the same.
async fn read(response: Response<Incoming>, most_bytes: usize) -> (Vec<u8>, bool) {
    let mut body = response.into_body();
    let mut bytes = Vec::new();
    loop {
        match body.frame().await {
            None => return (bytes, true),
            Some(Err(_)) => return (bytes, false),
            Some(Ok(frame)) => {
                let data = frame.into_data().unwrap_or_default();
                let some = data.len().min(most_bytes - bytes.len());
                bytes.extend_from_slice(&data[..some]);
                if some < data.len() {
                    return (bytes, false);
                }
            }
        }
    }
}

fn date_ms(headers: &HeaderMap) -> Option<i64> {
    time_ms(headers.get(DATE)?.to_str().ok()?)
}

fn time_ms(date: &str) -> Option<i64> {
    Some(rfc2822::parse(date).ok()?.timestamp().as_millisecond())
}

/// How long `Retry-After` asks to wait: a number of seconds, or until a date, by the clock that the answer has its `Date` from
/// (RFC 9110, 10.2.3).
fn after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let wait_ms = time_ms(text)?.saturating_sub(date_ms(headers)?);
    Some(Duration::from_millis(u64::try_from(wait_ms).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_a_number_of_seconds_or_lasts_until_a_date() {
        let asked = |pause: &str, date: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, pause.parse().unwrap());
            if let Some(date) = date {
                headers.insert(DATE, date.parse().unwrap());
            }
            after(&headers).map(|pause| pause.as_secs())
        };
        let now = Some("Fri, 27 Nov 2026 23:59:00 GMT");
        for (pause, date, seconds) in [
            ("120", None, Some(120)),
            (" 7 ", now, Some(7)),
            ("Sat, 28 Nov 2026 00:01:00 GMT", now, Some(120)),
            ("Fri, 27 Nov 2026 23:00:00 GMT", now, Some(0)),
            ("Sat, 28 Nov 2026 00:01:00 GMT", None, None),
            ("99999999999999999999", now, None),
            ("soon", now, None),
        ] {
            assert_eq!(asked(pause, date), seconds, "{pause:?} at {date:?}");
        }
    }

    #[test]
    fn what_may_be_secret_in_an_address_is_not_repeated() {
        let body = "no such path: \"/write?db=x&p=secret\"\u{1b}[2J".into();
        let question = Some("db=x&p=secret".to_owned());
        let reply =
            Reply { status: 404, date_ms: None, after: None, headers: HeaderMap::new(), body, question };
        assert_eq!(reply.reason(), "no such path: \"/write?…\"\\u{1b}[2J");
        let plain = Reply { question: Some(String::new()), body: " no".into(), ..reply };
        assert_eq!(plain.reason(), "no");
    }
}
