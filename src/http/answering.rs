//! From a request to an answer: who may ask, the turn, and the thread that answers.
//!
//! Requests are answered by a few threads of their own, so that a heavy query holds up other queries and nothing else; only
//! what is known to be little is answered where it is read. A request whose client has gone is given up, and one that takes long
//! gives way to those that wait. Whether the server is there, and the agent's figures, are answered whatever waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use custos_promql::{ErrorKind, Labels};
use custos_store::Snapshot;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body, Bytes};
use hyper::http::request::Parts;
use hyper::{Request, Response, StatusCode, header};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit, watch};

use super::access::{Access, Admitted, Who};
use super::api;
use super::counters::{Counters, Handler};
use super::follow::{Follows, Outgoing};
use super::params::Params;
use super::reply::{Failure, Reply};
use super::rules::ShownGroup;
use super::settings::Settings;
use super::socket::Via;
use super::stores::Stores;
use super::strain::Strains;
use super::watch::{Client, Watches};
use super::wire::Leased;
use super::{gzip, page};
use crate::clock;
use crate::config::JudgedCheck;
use crate::limits::{
    HTTP_ANSWER_SMALL_BYTES, HTTP_ANSWER_WAIT, HTTP_ANSWERS_HELD_BYTES, HTTP_BODY_MAX_BYTES,
    HTTP_BODY_TIMEOUT, HTTP_FIGURES_AT_ONCE, HTTP_LISTS_AT_ONCE, HTTP_QUERIES_AT_ONCE,
    HTTP_QUERIES_WAITING_MAX, HTTP_QUERY_TIMEOUT, HTTP_QUERY_TIMEOUT_BUSY, HTTP_QUICK_BYTES_MAX,
};

/// What answers requests.
pub(super) struct Answerer {
    stores: Arc<Stores>,
    access: Access,
    /// The name of this host; empty if none is known.
    host: String,
    /// What checks are judged by.
    checks: Vec<JudgedCheck>,
    /// The rules in force.
    rules: Vec<ShownGroup>,
    /// What templates of rules can refer to.
    host_labels: Labels,
    external_url: String,
    lanes: Lanes,
    follows: Follows,
    watches: Watches,
    pub(super) counters: Counters,
    /// Also that connections give way.
    pub(super) strains: Arc<Strains>,
}

/// How many requests are answered at once, and how many wait.
struct Lanes {
    /// Queries that may be answered at once.
    answering: Semaphore,
    /// Other requests that may be answered at once: they are quick, and do not wait for queries.
    listing: Semaphore,
    /// Requests for the agent's figures that may be answered at once: they wait for nothing else.
    figures: Semaphore,
    /// Places for queries that wait for their turn.
    queue: Semaphore,
    /// Queries and lists that may be there at all.
    waiting: Semaphore,
    /// KiB of answers that may be held for their clients.
    held: Arc<Semaphore>,
}

const AT_ONCE: usize = HTTP_QUERIES_AT_ONCE + HTTP_LISTS_AT_ONCE;
const HELD_KIB: usize = HTTP_ANSWERS_HELD_BYTES / 1024;

impl Default for Lanes {
    fn default() -> Lanes {
        Lanes {
            answering: Semaphore::new(HTTP_QUERIES_AT_ONCE),
            listing: Semaphore::new(HTTP_LISTS_AT_ONCE),
            figures: Semaphore::new(HTTP_FIGURES_AT_ONCE),
            queue: Semaphore::new(AT_ONCE + HTTP_QUERIES_WAITING_MAX),
            waiting: Semaphore::new(AT_ONCE + HTTP_QUERIES_WAITING_MAX),
            held: Arc::new(Semaphore::new(HELD_KIB)),
        }
    }
}

/// What a request waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lane {
    /// Other queries.
    Query,
    /// Others that are quick.
    List,
    /// Others that ask for the agent's figures.
    Figures,
}

impl Lane {
    fn of(handler: Handler, query: Option<&str>) -> Lane {
        match handler {
            Handler::Query | Handler::QueryRange => Lane::Query,
            Handler::Metrics if !api::asks_for_checks(query) => Lane::Figures,
            _ => Lane::List,
        }
    }
}

impl Lanes {
    /// A place among those that wait, where one is needed.
    ///
    /// # Errors
    /// The answer if there is none.
    fn place(&self, lane: Lane) -> Result<Option<SemaphorePermit<'_>>, Reply> {
        if lane == Lane::Figures {
            return Ok(None);
        }
        self.waiting.try_acquire().map(Some).map_err(|_| {
            let most = AT_ONCE + HTTP_QUERIES_WAITING_MAX;
            Reply::failure(Failure::Timeout, &format!("{most} requests are waiting already"))
        })
    }

    /// Waits for a turn; nothing if the server has ended.
    async fn turn(&self, lane: Lane) -> Option<SemaphorePermit<'_>> {
        match lane {
            Lane::Figures => return self.figures.acquire().await.ok(),
            Lane::List => return self.listing.acquire().await.ok(),
            Lane::Query => {}
        }
        if let Ok(turn) = self.answering.try_acquire() {
            return Some(turn);
        }
        let _queued = self.queue.acquire().await.ok()?;
        self.answering.acquire().await.ok()
    }

    /// Whether queries wait for their turn.
    fn is_busy(&self) -> bool {
        self.queue.available_permits() < AT_ONCE + HTTP_QUERIES_WAITING_MAX
    }
}

/// An answer in the form in which it is sent.
struct Sent {
    status: u16,
    content_type: &'static str,
    bytes: Bytes,
    is_gzip: bool,
}

impl From<Reply> for Sent {
    fn from(reply: Reply) -> Sent {
        let bytes = Bytes::from(reply.body);
        Sent { status: reply.status, content_type: reply.content_type, bytes, is_gzip: false }
    }
}

impl Answerer {
    /// Answers from a store until it leaves.
    pub(super) fn new(stores: Stores, settings: &Settings, leaving: watch::Receiver<bool>) -> Answerer {
        let (access, host, rules) = (Access::of(settings), settings.host.clone(), settings.rules.clone());
        let checks = settings.checks.clone();
        let (host_labels, external_url) =
            (Labels::new(settings.external_labels.clone()), settings.external_url.clone());
        Answerer {
            stores: Arc::new(stores),
            access,
            host,
            checks,
            rules,
            host_labels,
            external_url,
            lanes: Lanes::default(),
            follows: Follows::new(leaving.clone()),
            watches: Watches::new(leaving),
            counters: Counters::default(),
            strains: Arc::default(),
        }
    }

    /// Answers a request; `leased` is set if somebody watches over its connection from now on.
    pub(super) async fn respond<B>(
        self: &Arc<Self>,
        request: Request<B>,
        via: Via,
        leased: &Leased,
    ) -> Response<Outgoing>
    where
        B: Body<Data = Bytes> + Unpin,
        B::Error: std::error::Error + Send + Sync + 'static,
    {
        let started = clock::now();
        let handler = api::handler(request.uri().path());
        let is_head = request.method() == hyper::Method::HEAD;
        let is_preflight = Access::is_preflight(request.method(), request.headers());
        if let Some(file) = page::file(request.uri().path())
            && (is_head || request.method() == hyper::Method::GET)
        {
            let (response, code) = match self.access.is_called_right(request.headers(), via) {
                Ok(()) => (shown(file, &request, is_head), 200),
                Err(reply) => {
                    let code = reply.status;
                    (response(reply.into(), &Admitted::default(), false, is_head), code)
                }
            };
            self.counters.answered(handler, code, Duration::ZERO);
            return response;
        }
        let (sent, admitted) = match self.access.admit(request.method(), request.headers(), via) {
            Err(reply) => {
                let refused = self.access.refused(request.headers(), &reply);
                (Sent::from(reply), refused)
            }
            Ok(admitted) if is_preflight && admitted.origin.is_some() => {
                (Sent::from(Reply::text(204, "")), admitted)
            }
            Ok(admitted) if is_time(&request) => {
                (Sent::from(api::time(started.wall_ms, clock::now_ms())), admitted)
            }
            Ok(admitted)
                if request.uri().path() == api::NOTE_PATH && !self.access.may_have_run(admitted.who) =>
            {
                let why = "Writing notes takes a token or a certificate, or `open_watch: true` in the section `http`.\n";
                (Sent::from(Reply::text(403, why)), admitted)
            }
            Ok(admitted) if goes_on(&request) => match self.begin(&request, via, admitted.who).await {
                Ok(begun) => {
                    let took_us = clock::now().mono_us.saturating_sub(started.mono_us);
                    self.counters.answered(handler, 200, Duration::from_micros(took_us));
                    if matches!(begun, Outgoing::Watching(_)) {
                        leased.set();
                    }
                    return going_on(begun, &admitted, self.access.has_origins());
                }
                Err(reply) => (Sent::from(reply), admitted),
            },
            Ok(admitted) => (answered(request, self, handler).await, admitted),
        };
        let took_us = clock::now().mono_us.saturating_sub(started.mono_us);
        self.counters.answered(handler, sent.status, Duration::from_micros(took_us));
        response(sent, &admitted, self.access.has_origins(), is_head)
    }

    /// Begins an answer that goes on.
    async fn begin<B>(&self, request: &Request<B>, via: Via, who: Who) -> Result<Outgoing, Reply> {
        let params = Params::of(request.uri().query().unwrap_or(""), b"").map_err(|what| {
            Reply::failure(Failure::BadData, &format!("error parsing form values: {what}"))
        })?;
        if request.uri().path() == api::STREAM_PATH {
            return self.follows.begin(&self.stores, params).await.map(Outgoing::Following);
        }
        let accept = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
        let wish = api::WatchWish::of(&params, accept.unwrap_or(""))?;
        if wish.causes_runs() && !self.access.may_have_run(who) {
            return Err(Reply::text(
                403,
                "To watch a check more often than it is run by itself has it run, which takes a token or a certificate, or \
                 `open_watch: true` in the section `http`. As it is run by itself, anybody who may ask may watch it.\n",
            ));
        }
        let client = Client::of(who, via.addresses.map(|(_, peer)| peer));
        self.watches.begin(&self.stores, client, wish).await.map(Outgoing::Watching)
    }
}

/// Whether a request is one for the time of this host.
fn is_time<B>(request: &Request<B>) -> bool {
    request.method() == hyper::Method::GET && request.uri().path() == api::TIME_PATH
}

/// Whether a request is one for an answer that goes on.
fn goes_on<B>(request: &Request<B>) -> bool {
    let asks = |query: &str| query.split('&').any(|pair| pair.split('=').next() == Some("follow"));
    let path = request.uri().path();
    let follows = path == api::STREAM_PATH && request.uri().query().is_some_and(asks);
    request.method() == hyper::Method::GET && (follows || path == api::WATCH_PATH)
}

/// An answer that goes on.
fn going_on(begun: Outgoing, admitted: &Admitted, by_origin: bool) -> Response<Outgoing> {
    let content_type = match &begun {
        Outgoing::Watching(watching) => watching.form.content_type(),
        _ => api::STREAM_CONTENT_TYPE,
    };
    let sent = Sent { status: 200, content_type, bytes: Bytes::new(), is_gzip: false };
    let mut response = response(sent, admitted, by_origin, false);
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    // A proxy that gathers answers would hand on nothing.
    headers.insert("x-accel-buffering", header::HeaderValue::from_static("no"));
    if matches!(begun, Outgoing::Watching(_)) {
        // It has a lease, which is too short for other answers.
        headers.insert(header::CONNECTION, header::HeaderValue::from_static("close"));
    }
    *response.body_mut() = begun;
    response
}

/// A file of the page.
fn shown<B>(file: &page::File, request: &Request<B>, is_head: bool) -> Response<Outgoing> {
    let headers = request.headers();
    let is_gzip = gzip::is_wanted(headers);
    let bytes = if is_gzip { file.packed() } else { Bytes::from_static(file.plain) };
    let is_known =
        headers.get(header::IF_NONE_MATCH).is_some_and(|tag| tag.as_bytes() == file.tag().as_bytes());
    let sent = Sent { status: 200, content_type: file.content_type, bytes, is_gzip };
    let mut response = response(sent, &Admitted::default(), false, is_head || is_known);
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response.headers_mut().remove(header::CONTENT_LENGTH);
    }
    let policy = page::policy(request.uri().query().unwrap_or(""));
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, policy.as_str()),
        (header::ETAG, file.tag()),
        (header::CACHE_CONTROL, "no-cache"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (header::HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ] {
        if let Ok(value) = header::HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
    response
}

fn response(sent: Sent, admitted: &Admitted, by_origin: bool, is_head: bool) -> Response<Outgoing> {
    let length = sent.bytes.len();
    let bytes = if is_head { Bytes::new() } else { sent.bytes };
    let mut response = Response::new(Outgoing::Whole(Full::new(bytes)));
    *response.status_mut() = StatusCode::from_u16(sent.status).unwrap_or(StatusCode::OK);
    let headers = response.headers_mut();
    let mut set = |name, value| headers.insert(name, value);
    let text = header::HeaderValue::from_static;
    if sent.status != 204 {
        set(header::CONTENT_TYPE, text(sent.content_type));
        set(header::CONTENT_LENGTH, header::HeaderValue::from(length));
    }
    // What this answers is for programs: no page may take it for one of its own.
    set(header::X_CONTENT_TYPE_OPTIONS, text("nosniff"));
    set(header::VARY, text(if by_origin { "Accept-Encoding, Origin" } else { "Accept-Encoding" }));
    if sent.is_gzip {
        set(header::CONTENT_ENCODING, text("gzip"));
    }
    if sent.status == 401 {
        set(header::WWW_AUTHENTICATE, text("Bearer realm=\"custos\", Basic realm=\"custos\""));
    }
    if let Some(origin) = &admitted.origin {
        set(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        set(header::ACCESS_CONTROL_ALLOW_METHODS, text("GET, POST, OPTIONS"));
        set(header::ACCESS_CONTROL_ALLOW_HEADERS, text("Accept, Authorization, Content-Type, Origin"));
        set(header::ACCESS_CONTROL_EXPOSE_HEADERS, text("Date"));
    }
    response
}

/// Answers a request of somebody who may ask.
async fn answered<B>(request: Request<B>, shared: &Arc<Answerer>, handler: Handler) -> Sent
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: std::error::Error + Send + Sync + 'static,
{
    let (head, body) = request.into_parts();
    let form = match form(body).await {
        Ok(form) => form,
        Err(reply) => return reply.into(),
    };
    let form = match handler {
        Handler::Other => {
            let strain = shared.strains.recent(clock::mono_us());
            return api::page(head.method.as_str(), head.uri.path(), strain.said()).into();
        }
        // Its address says what it reads, and so what it waits for.
        Handler::Metrics => Bytes::new(),
        _ => form,
    };
    let wants_gzip = gzip::is_wanted(&head.headers);
    if let Some(reply) = quick_reply(&head, &form, shared) {
        return held(packed(reply, wants_gzip), &shared.lanes).await;
    }
    let lanes = &shared.lanes;
    let lane = Lane::of(handler, head.uri.query());
    let _place = match lanes.place(lane) {
        Ok(place) => place,
        Err(reply) => return reply.into(),
    };
    let Some(_turn) = lanes.turn(lane).await else { return Reply::not_found().into() };
    let gone = Gone::default();
    let flag = Arc::clone(&gone.0);
    let answering = Arc::clone(shared);
    let sent = tokio::task::spawn_blocking(move || {
        let reply = match params(&head, &form) {
            Ok(params) => reply(&head, params, &answering.stores.now(), &answering, &flag),
            Err(refused) => refused,
        };
        packed(reply, wants_gzip)
    });
    match sent.await {
        Ok(sent) => held(sent, lanes).await,
        Err(error) => {
            tracing::error!("a request was not answered: {error}");
            let what = "the request could not be answered; the log says why";
            Reply::failure(Failure::Internal, what).into()
        }
    }
}

/// The body of a request, whole.
async fn form<B>(body: B) -> Result<Bytes, Reply>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: std::error::Error + Send + Sync + 'static,
{
    let body = Limited::new(body, HTTP_BODY_MAX_BYTES).collect();
    match tokio::time::timeout(HTTP_BODY_TIMEOUT, body).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) => {
            let status = if error.is::<LengthLimitError>() { 413 } else { 400 };
            Err(Reply::text(status, format!("The body was not taken: {error}\n")))
        }
        Err(_) => Err(Reply::text(408, "The body did not come in time.\n")),
    }
}

/// The answer, counted among those that clients have not read. Until there is room for it, whoever asked keeps the turn.
async fn held(sent: Sent, lanes: &Lanes) -> Sent {
    struct Held(Bytes, #[expect(dead_code, reason = "held until the bytes are gone")] OwnedSemaphorePermit);
    impl AsRef<[u8]> for Held {
        fn as_ref(&self) -> &[u8] {
            &self.0
        }
    }
    if sent.bytes.len() <= HTTP_ANSWER_SMALL_BYTES {
        return sent;
    }
    let kib = sent.bytes.len().div_ceil(1024).min(HELD_KIB);
    let room = Arc::clone(&lanes.held).acquire_many_owned(kib as u32);
    match tokio::time::timeout(HTTP_ANSWER_WAIT, room).await {
        Ok(Ok(permit)) => Sent { bytes: Bytes::from_owner(Held(sent.bytes, permit)), ..sent },
        // It is never closed.
        Ok(Err(_)) => sent,
        Err(_) => {
            let what = "the answer is dropped: others that their clients have not read take all the memory for answers";
            Reply::failure(Failure::Timeout, what).into()
        }
    }
}

/// A reply as it is sent.
fn packed(reply: Reply, wants_gzip: bool) -> Sent {
    let Some(packed) = wants_gzip.then(|| gzip::compressed(reply.body.as_bytes())).flatten() else {
        return Sent::from(reply);
    };
    let (status, content_type) = (reply.status, reply.content_type);
    Sent { status, content_type, bytes: Bytes::from(packed), is_gzip: true }
}

fn params(head: &Parts, form: &[u8]) -> Result<Params, Reply> {
    Params::of(head.uri.query().unwrap_or(""), form)
        .map_err(|what| Reply::failure(Failure::BadData, &format!("error parsing form values: {what}")))
}

/// Answers at once what is known to take less than handing it to a thread, or little more.
fn quick_reply(head: &Parts, form: &[u8], shared: &Answerer) -> Option<Reply> {
    if head.uri.query().map_or(0, str::len) + form.len() > HTTP_QUICK_BYTES_MAX {
        return None;
    }
    let params = params(head, form).ok()?;
    let snapshot = shared.stores.at_once()?;
    let is_quick = api::is_quick(head.uri.path(), &params, &snapshot);
    is_quick.then(|| reply(head, params, &snapshot, shared, &AtomicBool::new(false)))
}

/// Answers.
fn reply(head: &Parts, params: Params, snapshot: &Snapshot, shared: &Answerer, gone: &AtomicBool) -> Reply {
    let started = clock::now();
    let interrupt = |timeout_ms: Option<i64>| {
        let asked = timeout_ms.and_then(|ms| u64::try_from(ms).ok()).map(Duration::from_millis);
        let allowed = asked.map_or(HTTP_QUERY_TIMEOUT, |asked| asked.min(HTTP_QUERY_TIMEOUT));
        let took = Duration::from_micros(clock::now().mono_us.saturating_sub(started.mono_us));
        let gives_way = took >= HTTP_QUERY_TIMEOUT_BUSY && shared.lanes.is_busy();
        match () {
            () if gone.load(Ordering::Relaxed) => Some(ErrorKind::Canceled),
            () if took >= allowed => Some(ErrorKind::Timeout),
            () if gives_way => {
                shared.counters.note(|counts| counts.gave_way += 1);
                shared.strains.note(clock::mono_us(), |strain| strain.gave_way += 1);
                Some(ErrorKind::Timeout)
            }
            () => None,
        }
    };
    let accept = head.headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    api::answer(&api::Request {
        method: head.method.as_str(),
        path: head.uri.path(),
        accept: accept.unwrap_or(""),
        params,
        snapshot,
        now_ms: clock::now_ms(),
        interrupt: &interrupt,
        stores: &shared.stores,
        host: &shared.host,
        checks: &shared.checks,
        rules: &shared.rules,
        host_labels: &shared.host_labels,
        external_url: &shared.external_url,
        counters: &shared.counters,
    })
}

/// Says, when it is dropped, that nobody waits for the answer.
#[derive(Default)]
struct Gone(Arc<AtomicBool>);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use custos_store::{Options, Writer};

    use super::*;
    use crate::config::Listening;

    /// The code of the answer to a request.
    async fn status(answerer: &Arc<Answerer>, target: &str, body: &'static str) -> u16 {
        let request = Request::builder().uri(target).body(Full::from(body)).unwrap();
        answerer.respond(request, Via::default(), &Leased::default()).await.status().as_u16()
    }

    #[tokio::test]
    async fn who_asks_how_the_agent_is_waits_for_no_query() {
        let dir = tempfile::tempdir().unwrap();
        drop(Writer::open(dir.path(), Options::default()).unwrap());
        let settings = Settings::at(dir.path(), Listening::Unix("http.socket".into()));
        let (_leave, leaving) = watch::channel(false);
        let answerer = Arc::new(Answerer::new(Stores::open(dir.path()).unwrap(), &settings, leaving));
        let lanes = &answerer.lanes;
        let everything = (AT_ONCE + HTTP_QUERIES_WAITING_MAX) as u32;
        let _waiting = lanes.waiting.acquire_many(everything).await.unwrap();
        let _answering = lanes.answering.acquire_many(HTTP_QUERIES_AT_ONCE as u32).await.unwrap();
        let _listing = lanes.listing.acquire_many(HTTP_LISTS_AT_ONCE as u32).await.unwrap();
        for (target, body, expected) in [
            ("/-/healthy", "", 200),
            ("/-/ready", "", 200),
            ("/", "", 200),
            ("/metrics", "", 200),
            // A form has no say in what a scrape reads.
            ("/metrics?check=s", "checks", 200),
            ("/metrics?a&checks=", "", 503),
            ("/api/v1/labels", "", 503),
            // A number is answered where it is read, what calls a function is not.
            ("/api/v1/query?query=1", "", 200),
            ("/api/v1/query?query=sum_over_time(up[1h])", "", 503),
        ] {
            assert_eq!(status(&answerer, target, body).await, expected, "{target}");
        }
    }
}
