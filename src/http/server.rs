//! The server: sockets, connections and their bounds. Requests go to `answering.rs`.

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use custos_promql::limits::STACK_BYTES;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use openssl::ssl::SslContext;
use tokio::sync::watch;

use super::answering::Answerer;
use super::counters::Report;
use super::places::{Places, Seat};
use super::settings::Settings;
use super::socket::{Listener, Socket, Via};
use super::stores::Stores;
use super::tls;
use super::wire::{Leased, Stream, Wire};
use crate::clock;
use crate::config::Listening;
use crate::limits::{
    HTTP_DRAIN, HTTP_FIGURES_AT_ONCE, HTTP_FOLLOWS_AT_ONCE, HTTP_HEAD_MAX_BYTES, HTTP_HEAD_TIMEOUT,
    HTTP_LISTS_AT_ONCE, HTTP_QUERIES_AT_ONCE, HTTP_WATCHES_AT_ONCE,
};

/// Why there is no server.
#[derive(Debug)]
#[non_exhaustive]
pub enum ServerError {
    /// The settings cannot be used.
    Settings(String),
    /// The address cannot be listened on.
    Listen(Listening, io::Error),
    /// The system has no more threads.
    Threads(io::Error),
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ServerError::Settings(why) => f.write_str(why),
            ServerError::Listen(listening, error) => write!(f, "failed to listen on {listening}: {error}"),
            ServerError::Threads(error) => write!(f, "failed to start threads: {error}"),
        }
    }
}

impl std::error::Error for ServerError {}

/// What all connections share.
struct Shared {
    answerer: Arc<Answerer>,
    tls: Option<SslContext>,
    places: Places,
    /// Whether the server is about to end.
    leaving: watch::Receiver<bool>,
}

impl Shared {
    /// What the agent is told.
    fn report(&self) -> Report {
        let strain = self.answerer.strains.recent(clock::mono_us());
        self.answerer.counters.report(self.places.taken() as u64, strain)
    }
}

/// Answers requests until `ended`, of which it is told what there is to report. `listening` is called once connections are
/// accepted, with the addresses that were taken.
///
/// # Errors
/// [`ServerError`], before any connection was accepted.
pub fn serve<Ended: Future<Output = ()>>(
    stores: Stores,
    settings: &Settings,
    sockets: Vec<Socket>,
    listening: impl FnOnce(&[Listening]),
    ended: impl FnOnce(Arc<dyn Fn() -> Report + Send + Sync>) -> Ended,
) -> Result<(), ServerError> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime
        .thread_stack_size(STACK_BYTES)
        .max_blocking_threads(
            HTTP_QUERIES_AT_ONCE
                + HTTP_LISTS_AT_ONCE
                + HTTP_FIGURES_AT_ONCE
                + HTTP_FOLLOWS_AT_ONCE
                + HTTP_WATCHES_AT_ONCE,
        )
        .enable_all();
    let runtime = runtime.build().map_err(ServerError::Threads)?;
    runtime.block_on(async {
        let (leave, leaving) = watch::channel(false);
        let answerer = Arc::new(Answerer::new(stores, settings, leaving.clone()));
        let shared = Arc::new(Shared {
            places: Places::new(Arc::clone(&answerer.strains)),
            answerer,
            tls: settings.tls_context().map_err(ServerError::Settings)?,
            leaving,
        });
        let mut taken = Vec::new();
        let mut accepting = Vec::new();
        for (wanted, socket) in settings.listen.iter().zip(sockets) {
            let failed = |error| ServerError::Listen(wanted.clone(), error);
            taken.push(socket.listening().map_err(failed)?);
            let listener = Listener::of(socket).map_err(failed)?;
            accepting.push(tokio::spawn(accept(listener, Arc::clone(&shared))));
        }
        listening(&taken);
        let reporting = Arc::clone(&shared);
        ended(Arc::new(move || reporting.report())).await;
        accepting.iter().for_each(tokio::task::JoinHandle::abort);
        // Whoever is answered at this moment still gets the answer.
        let _ = leave.send(true);
        let _ = tokio::time::timeout(HTTP_DRAIN, shared.places.all_free()).await;
        Ok(())
    })?;
    // A query that nobody waits for any more is not waited for either.
    runtime.shutdown_background();
    Ok(())
}

async fn accept(listener: Listener, shared: Arc<Shared>) {
    loop {
        shared.places.room().await;
        match listener.accept().await {
            Ok((stream, via)) => {
                tokio::spawn(admit(stream, via, Arc::clone(&shared)));
            }
            Err(error) => {
                // Descriptors may have run out.
                tracing::warn!("failed to accept a connection: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// Serves a connection, unless its client has too many.
async fn admit(stream: Box<dyn Stream>, via: Via, shared: Arc<Shared>) {
    let Some(place) = shared.places.take(via.addresses.map(|(_, peer)| peer)).await else {
        shared.answerer.counters.note(|counts| counts.connections_refused += 1);
        shared.answerer.strains.note(clock::mono_us(), |strain| strain.refused += 1);
        return;
    };
    shared.answerer.counters.note(|counts| counts.connections += 1);
    let (stream, via) = match (&shared.tls, via.addresses) {
        (Some(context), Some(_)) => match tls::accept(context, stream, via).await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::debug!("a handshake failed: {error}");
                shared.answerer.counters.note(|counts| counts.handshakes_failed += 1);
                return;
            }
        },
        _ => (stream, via),
    };
    connection(stream, via, &place.seat, &shared).await;
}

/// Answers the requests of one connection.
async fn connection(stream: Box<dyn Stream>, via: Via, seat: &Arc<Seat>, shared: &Arc<Shared>) {
    let leased = Leased::default();
    let service = service_fn(|request| {
        let (answerer, leased, seat) = (Arc::clone(&shared.answerer), leased.clone(), Arc::clone(seat));
        async move {
            seat.begin();
            let answer = answerer.respond(request, via, &leased).await;
            // One over which somebody watches is never idle.
            if !leased.get() {
                seat.end();
            }
            Ok::<_, Infallible>(answer)
        }
    });
    let mut leaving = shared.leaving.clone();
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HTTP_HEAD_TIMEOUT)
        .max_buf_size(HTTP_HEAD_MAX_BYTES)
        .serve_connection(TokioIo::new(Wire::new(stream, leased.clone())), service);
    let mut served = std::pin::pin!(served);
    let mut left = false;
    let served = loop {
        tokio::select! {
            served = &mut served => break served,
            () = asked_to_leave(&mut leaving, seat), if !left => {
                left = true;
                served.as_mut().graceful_shutdown();
            }
        }
    };
    if let Err(error) = served {
        tracing::debug!("a connection ended: {error}");
    }
}

/// Waits until the server ends, or somebody else needs the place.
async fn asked_to_leave(leaving: &mut watch::Receiver<bool>, seat: &Seat) {
    tokio::select! {
        _ = leaving.wait_for(|leaving| *leaving) => {}
        () = seat.is_needed() => {}
    }
}
