//! The server: connections, their bounds, and requests that are handed to `api/`.
//!
//! Requests are answered by a few threads of their own, so that a heavy query holds up other queries and nothing else. One
//! whose client has gone is given up.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use custos_promql::ErrorKind;
use custos_promql::limits::STACK_BYTES;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, header};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::Semaphore;

use super::api;
use super::params::Params;
use super::reply::{Failure, Reply};
use super::stores::Stores;
use crate::clock;
use crate::limits::{
    HTTP_BODY_MAX_BYTES, HTTP_BODY_TIMEOUT, HTTP_CONNECTIONS_MAX, HTTP_HEAD_MAX_BYTES, HTTP_HEAD_TIMEOUT,
    HTTP_LISTS_AT_ONCE, HTTP_QUERIES_AT_ONCE, HTTP_QUERIES_WAITING_MAX, HTTP_QUERY_TIMEOUT,
};

/// Where to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listening {
    /// A loopback address.
    Tcp(SocketAddr),
    /// A socket in the file system.
    Unix(PathBuf),
}

/// Why there is no server.
#[derive(Debug)]
pub enum ServerError {
    /// The address is not one of this host alone: everybody could read everything.
    NotLoopback(SocketAddr),
    /// The address cannot be listened on.
    Listen(Listening, io::Error),
    /// The system has no more threads.
    Threads(io::Error),
}

impl std::fmt::Display for ServerError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ServerError::NotLoopback(address) => write!(
                f,
                "{address} can be reached from other hosts, and there is neither encryption nor a password: listen on \
                 127.0.0.1, [::1] or a socket in the file system, and let a server that has them pass requests on"
            ),
            ServerError::Listen(Listening::Tcp(address), error) => {
                write!(f, "failed to listen on {address}: {error}")
            }
            ServerError::Threads(error) => write!(f, "failed to start threads: {error}"),
            ServerError::Listen(Listening::Unix(path), error) => {
                write!(f, "failed to listen on {}: {error}", path.display())
            }
        }
    }
}

impl std::error::Error for ServerError {}

/// What all connections share.
struct Shared {
    stores: Stores,
    /// Whether requests come over the network, so that what they call this host says whether a foreign page sent them.
    checks_host: bool,
    /// Connections that may be opened.
    connections: Arc<Semaphore>,
    /// Queries that may be answered at once.
    answering: Semaphore,
    /// Other requests that may be answered at once: they are quick, and do not wait for queries.
    listing: Semaphore,
    /// Queries that may be there at all.
    waiting: Semaphore,
}

/// Answers requests for ever. `listening` is called once connections are accepted, with the address that was
/// taken.
///
/// # Errors
/// [`ServerError`], before any connection was accepted.
pub fn serve(
    stores: Stores,
    listen: Listening,
    listening: impl FnOnce(&Listening),
) -> Result<Infallible, ServerError> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime
        .thread_stack_size(STACK_BYTES)
        .max_blocking_threads(HTTP_QUERIES_AT_ONCE + HTTP_LISTS_AT_ONCE)
        .enable_all();
    runtime.build().map_err(ServerError::Threads)?.block_on(accept(stores, listen, listening))
}

async fn accept(
    stores: Stores,
    listen: Listening,
    listening: impl FnOnce(&Listening),
) -> Result<Infallible, ServerError> {
    let shared = Arc::new(Shared {
        stores,
        checks_host: matches!(listen, Listening::Tcp(_)),
        connections: Arc::new(Semaphore::new(HTTP_CONNECTIONS_MAX)),
        answering: Semaphore::new(HTTP_QUERIES_AT_ONCE),
        listing: Semaphore::new(HTTP_LISTS_AT_ONCE),
        waiting: Semaphore::new(HTTP_QUERIES_AT_ONCE + HTTP_QUERIES_WAITING_MAX),
    });
    match listen {
        Listening::Tcp(address) if !address.ip().is_loopback() => Err(ServerError::NotLoopback(address)),
        Listening::Tcp(address) => {
            let failed = |error| ServerError::Listen(Listening::Tcp(address), error);
            let listener = TcpListener::bind(address).await.map_err(failed)?;
            listening(&Listening::Tcp(listener.local_addr().map_err(failed)?));
            loop {
                let permit = Arc::clone(&shared.connections).acquire_owned().await;
                match listener.accept().await {
                    Ok((stream, _)) => {
                        // An answer goes out at once.
                        let _ = stream.set_nodelay(true);
                        tokio::spawn(connection(TokioIo::new(stream), Arc::clone(&shared), permit.ok()));
                    }
                    Err(error) => refused(&error).await,
                }
            }
        }
        Listening::Unix(path) => {
            let failed = |error| ServerError::Listen(Listening::Unix(path.clone()), error);
            let listener = match UnixListener::bind(&path) {
                Err(error) if error.kind() == io::ErrorKind::AddrInUse && is_abandoned(&path) => {
                    std::fs::remove_file(&path).and_then(|()| UnixListener::bind(&path)).map_err(failed)?
                }
                listener => listener.map_err(failed)?,
            };
            listening(&Listening::Unix(path.clone()));
            loop {
                let permit = Arc::clone(&shared.connections).acquire_owned().await;
                match listener.accept().await {
                    Ok((stream, _)) => {
                        tokio::spawn(connection(TokioIo::new(stream), Arc::clone(&shared), permit.ok()));
                    }
                    Err(error) => refused(&error).await,
                }
            }
        }
    }
}

/// Whether a path is that of a socket that nobody listens on: its server has ended.
fn is_abandoned(path: &std::path::Path) -> bool {
    use std::os::unix::fs::FileTypeExt;
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket());
    let refused = |error: io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
    is_socket && std::os::unix::net::UnixStream::connect(path).is_err_and(refused)
}

/// Waits a little after a connection could not be accepted: descriptors may have run out.
async fn refused(error: &io::Error) {
    tracing::warn!("failed to accept a connection: {error}");
    tokio::time::sleep(Duration::from_millis(100)).await;
}

/// Answers the requests of one connection.
async fn connection<S>(
    stream: TokioIo<S>,
    shared: Arc<Shared>,
    permit: Option<tokio::sync::OwnedSemaphorePermit>,
) where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(|request| {
        let shared = Arc::clone(&shared);
        async move { Ok::<_, Infallible>(respond(request, &shared).await) }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HTTP_HEAD_TIMEOUT)
        .max_buf_size(HTTP_HEAD_MAX_BYTES)
        .serve_connection(stream, service)
        .await;
    if let Err(error) = served {
        tracing::debug!("a connection ended: {error}");
    }
    drop(permit);
}

async fn respond(request: Request<Incoming>, shared: &Arc<Shared>) -> Response<Full<Bytes>> {
    let is_head = request.method() == hyper::Method::HEAD;
    let reply = reply(request, shared).await;
    let length = reply.body.len();
    let body = if is_head { String::new() } else { reply.body };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = hyper::StatusCode::from_u16(reply.status).unwrap_or(hyper::StatusCode::OK);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static(reply.content_type));
    headers.insert(header::CONTENT_LENGTH, header::HeaderValue::from(length));
    // What this answers is for programs: no page may take it for one of its own.
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, header::HeaderValue::from_static("nosniff"));
    response
}

async fn reply(request: Request<Incoming>, shared: &Arc<Shared>) -> Reply {
    if shared.checks_host && !is_this_host(&request) {
        return Reply::text(403, "The header Host does not name this host: use 127.0.0.1 or localhost.\n");
    }
    let (head, body) = request.into_parts();
    let body = Limited::new(body, HTTP_BODY_MAX_BYTES).collect();
    let form = match tokio::time::timeout(HTTP_BODY_TIMEOUT, body).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) => return Reply::text(413, format!("The body was not taken: {error}\n")),
        Err(_) => return Reply::text(408, "The body did not come in time.\n"),
    };
    let Ok(_place) = shared.waiting.try_acquire() else {
        let most = HTTP_QUERIES_AT_ONCE + HTTP_QUERIES_WAITING_MAX;
        return Reply::failure(Failure::Timeout, &format!("{most} requests are waiting already"));
    };
    // It is never closed.
    let lane = if api::is_query(head.uri.path()) { &shared.answering } else { &shared.listing };
    let Ok(_turn) = lane.acquire().await else { return Reply::not_found() };
    let gone = Gone::default();
    let flag = Arc::clone(&gone.0);
    let shared = Arc::clone(shared);
    let answered = tokio::task::spawn_blocking(move || {
        let started = clock::now();
        let interrupt = |timeout_ms: Option<i64>| {
            let asked = timeout_ms.and_then(|ms| u64::try_from(ms).ok()).map(Duration::from_millis);
            let end = started.after(asked.map_or(HTTP_QUERY_TIMEOUT, |asked| asked.min(HTTP_QUERY_TIMEOUT)));
            match () {
                () if flag.load(Ordering::Relaxed) => Some(ErrorKind::Canceled),
                () if clock::now().mono_us >= end.mono_us => Some(ErrorKind::Timeout),
                () => None,
            }
        };
        api::answer(&api::Request {
            method: head.method.as_str(),
            path: head.uri.path(),
            params: Params::of(head.uri.query().unwrap_or(""), &form),
            snapshot: &shared.stores.now(),
            now_ms: clock::now_ms(),
            interrupt: &interrupt,
        })
    });
    match answered.await {
        Ok(reply) => reply,
        Err(error) => {
            tracing::error!("a request was not answered: {error}");
            Reply::failure(Failure::Internal, "the request could not be answered; the log says why")
        }
    }
}

/// Says, when it is dropped, that nobody waits for the answer.
#[derive(Default)]
struct Gone(Arc<AtomicBool>);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Whether the client called this host by an address or name of its own. A page of another site that has its name point here
/// would have called it by that name.
fn is_this_host(request: &Request<Incoming>) -> bool {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let host = hosts.next().and_then(|host| host.to_str().ok());
    host.is_some_and(is_loopback_name) && hosts.next().is_none()
}

fn is_loopback_name(host: &str) -> bool {
    let (name, port) = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, "")) => (address, "0"),
        Some((address, rest)) => (address, rest.strip_prefix(':').unwrap_or("")),
        None => host.split_once(':').unwrap_or((host, "0")),
    };
    let is_own = name.eq_ignore_ascii_case("localhost")
        || name.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback());
    is_own && !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_host_are_its_own() {
        for own in ["localhost", "LOCALHOST:80", "127.0.0.1:43191", "127.9.9.9", "[::1]:43191", "[::1]"] {
            assert!(is_loopback_name(own), "{own}");
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
        ] {
            assert!(!is_loopback_name(foreign), "{foreign}");
        }
    }
}
