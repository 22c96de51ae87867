//! Another host over HTTP: its lines over one connection, and its time over another.

use std::convert::Infallible;

use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{AUTHORIZATION, HOST, HeaderValue, USER_AGENT};
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use super::access::Access;
use super::advice;
use super::credentials::Credentials;
use super::inlet::Inlet;
use crate::clock;
use crate::connect::{self, Authorities};
use crate::limits::{
    WATCH_CONNECT_TIMEOUT, WATCH_LINE_MAX_BYTES, WATCH_OFFSET_INTERVAL, WATCH_REASON_MAX_BYTES,
    WATCH_SILENCE_MAX,
};
use crate::text::{human::duration_ms, printable, system_error};
use crate::watch::offset::Asked;
use crate::watch::target::HttpSite;

/// Hands on lines until that ends.
///
/// # Errors
/// Why it has ended.
pub(super) fn watch(site: &HttpSite, access: &Access, inlet: &Inlet) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("failed to connect: {}", system_error::words(&error)))?;
    runtime.block_on(async {
        let asking = async {
            loop {
                // Why it fails is said by the other connection, if it concerns it at all.
                let Err(_) = ask_for_time(site, access, inlet).await;
                sleep(WATCH_OFFSET_INTERVAL).await;
            }
        };
        tokio::select! {
            ended = hand_on(site, access, inlet) => ended,
            () = asking => Ok(()),
        }
    })
}

/// What the lines are asked for by.
fn path(access: &Access, checks: &[String], queries: &[String]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for check in checks {
        query.append_pair("check", check);
    }
    for text in queries {
        query.append_pair("query", text);
    }
    if let Some(every_ms) = access.every_ms {
        query.append_pair("every", &format!("{every_ms}ms"));
    }
    query.append_pair("past", &format!("{}ms", access.past.as_millis())).append_pair("format", "jsonl");
    format!("/api/watch?{}", query.finish())
}

async fn hand_on(site: &HttpSite, access: &Access, inlet: &Inlet) -> Result<(), String> {
    let path = path(access, &inlet.asked(), &inlet.asked_queries());
    let mut requests = within(connected(site, access)).await?;
    let response = within(get(&mut requests, site, access, &path)).await?;
    let mut body = response.into_body();
    let mut held = Vec::new();
    loop {
        let frame = timeout(WATCH_SILENCE_MAX, body.frame()).await.map_err(|_| silent())?;
        let frame = frame.ok_or("nothing is watched any more")?.map_err(|error| failed(&error))?;
        held.extend_from_slice(&frame.into_data().unwrap_or_default());
        let mut from = 0;
        while let Some(len) = held[from..].iter().position(|byte| *byte == b'\n') {
            let line = std::str::from_utf8(&held[from..from + len]).map_err(|_| "what came is no text")?;
            if !inlet.line(line.to_owned()) {
                return Ok(());
            }
            from += len + 1;
        }
        held.drain(..from);
        if held.len() > WATCH_LINE_MAX_BYTES {
            return Err("a line that came is too long".to_owned());
        }
    }
}

/// The answer about the time.
#[derive(Deserialize)]
struct There {
    received_ms: i64,
    sent_ms: i64,
}

async fn ask_for_time(site: &HttpSite, access: &Access, inlet: &Inlet) -> Result<Infallible, String> {
    let mut requests = within(connected(site, access)).await?;
    let mut ticks = interval(WATCH_OFFSET_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let sent_us = clock::mono_us();
        let answer = async {
            let response = get(&mut requests, site, access, "/api/time").await?;
            read(response).await
        };
        let body = within(answer).await?;
        let come = clock::now();
        let there: There = serde_json::from_slice(&body).map_err(|_| "the time cannot be read")?;
        inlet.clock(Asked {
            sent_us,
            come_us: come.mono_us,
            come_ms: come.wall_ms,
            there_ms: (there.received_ms, there.sent_ms),
        });
    }
}

/// Bounds the time of what must come soon.
async fn within<T>(what: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    timeout(WATCH_CONNECT_TIMEOUT, what)
        .await
        .unwrap_or_else(|_| Err(format!("no answer within {} s", WATCH_CONNECT_TIMEOUT.as_secs())))
}

async fn connected(site: &HttpSite, access: &Access) -> Result<SendRequest<Empty<Bytes>>, String> {
    let url: Uri = site.url("/").parse().map_err(|error| format!("failed to read the address: {error}"))?;
    let authorities = access.authorities.as_deref().map_or(Authorities::System, Authorities::File);
    let Credentials { identity, .. } = access.keyring.of(site);
    let identity = identity.as_ref().map(|(certificate, key)| (&**certificate, &**key));
    let stream = connect::http_as(identity, &url, authorities).await.map_err(|error| {
        let advice = advice::of_connection(error.broken, access.authorities.as_deref());
        error.why + &advice
    })?;
    let (requests, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| failed(&error))?;
    tokio::spawn(async {
        // What is wrong with it is said by what is asked over it.
        let _ = connection.await;
    });
    Ok(requests)
}

/// Asks for a path.
///
/// # Errors
/// There is no answer, or not what was asked for.
async fn get(
    requests: &mut SendRequest<Empty<Bytes>>,
    site: &HttpSite,
    access: &Access,
    path: &str,
) -> Result<Response<Incoming>, String> {
    let mut request = Request::get(path)
        .header(HOST, &site.authority)
        .header(USER_AGENT, concat!("custos/", env!("CARGO_PKG_VERSION")))
        .body(Empty::new())
        .map_err(|error| format!("failed to put the request together: {error}"))?;
    let Credentials { token, identity } = access.keyring.of(site);
    let advised = |status| advice::of_status(status, token.is_some(), identity.is_some());
    if let Some(token) = &token {
        let value = HeaderValue::from_str(&format!("Bearer {token}"));
        let mut value = value.map_err(|_| "the token holds characters that no header may".to_owned())?;
        value.set_sensitive(true);
        request.headers_mut().insert(AUTHORIZATION, value);
    }
    requests.ready().await.map_err(|error| failed(&error))?;
    let response = requests.send_request(request).await.map_err(|error| failed(&error))?;
    let status = response.status();
    if status == StatusCode::OK {
        return Ok(response);
    }
    let body = read(response).await.unwrap_or_default();
    Err(format!("it answers {}: {}{}", status.as_u16(), reason(&body), advised(status)))
}

/// What an answer says that is no good one.
fn reason(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Refusal {
        error: String,
    }
    let text = match serde_json::from_slice::<Refusal>(body) {
        Ok(refusal) => refusal.error,
        Err(_) => String::from_utf8_lossy(body).trim().to_owned(),
    };
    printable(&text).into_owned()
}

/// A short body.
async fn read(response: Response<Incoming>) -> Result<Vec<u8>, String> {
    let mut body = response.into_body();
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let data = frame.map_err(|error| failed(&error))?.into_data().unwrap_or_default();
        let some = data.len().min(WATCH_REASON_MAX_BYTES - bytes.len());
        bytes.extend_from_slice(&data[..some]);
        if some < data.len() {
            break;
        }
    }
    Ok(bytes)
}

fn failed(error: &hyper::Error) -> String {
    let cause = std::error::Error::source(error).map_or_else(String::new, |cause| format!(": {cause}"));
    format!("the connection broke: {error}{cause}")
}

fn silent() -> String {
    let ms = i64::try_from(WATCH_SILENCE_MAX.as_millis()).unwrap_or(i64::MAX);
    format!("nothing has come for {}", duration_ms(ms))
}
