//! Accepting connections: one thread for each listening socket.
//!
//! Without TLS the thread itself serves a connection as far as it can without waiting. Most clients have sent their
//! request by then: an answer that needs no execution is sent at once, without waking another thread, and any other
//! request goes to the agent. A client that has to be waited for, and every handshake, becomes a task of the listener's
//! own runtime.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::thread;

use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::listener::Listener;
use crate::limits;
use crate::nrpe::listener::connection::{self, Received};
use crate::nrpe::listener::state::Shared;

/// Accepts connections on a socket until it is closed. Must be called within a tokio runtime.
///
/// The thread and every connection own a clone of `alive`.
pub(super) fn start(shared: Arc<Shared>, listener: Arc<Listener>, alive: mpsc::Sender<()>) -> io::Result<()> {
    let runtime = Handle::current();
    let accept = move || {
        let _within = runtime.enter();
        accept(&shared, &listener, &alive);
    };
    thread::Builder::new().name("custos-accept".into()).spawn(accept).map(|_| ())
}

fn accept(shared: &Arc<Shared>, listener: &Listener, alive: &mpsc::Sender<()>) {
    let mut backoff = limits::NRPE_ACCEPT_BACKOFF;
    loop {
        match listener.accept() {
            Ok(Some((stream, from))) => {
                backoff = limits::NRPE_ACCEPT_BACKOFF;
                shared.counters.accepted.add();
                begin(shared, stream, from, alive);
            }
            Ok(None) => return,
            Err(_) => {
                // Usually the process has no descriptor left: the oldest idle connection is closed for the next client.
                shared.counters.accept_failures.add();
                if shared.waiting.evict_oldest() {
                    shared.counters.crowded_out.add();
                }
                listener.pause(backoff);
                backoff = (backoff * 2).min(limits::NRPE_ACCEPT_BACKOFF_MAX);
            }
        }
    }
}

/// Serves a connection: on this thread until it would have to wait, then as a task.
fn begin(shared: &Arc<Shared>, stream: TcpStream, from: SocketAddr, alive: &mpsc::Sender<()>) {
    let active = shared.active();
    // Handshakes are work for all processors, not only for the one that accepts.
    let at_once = active.tls.is_none();
    let mut receiving = Box::pin(connection::receive(Arc::clone(shared), active, stream, from));
    let alive = alive.clone();
    match at_once.then(|| without_waiting(receiving.as_mut())).flatten() {
        Some(received) => answer(shared, received, alive),
        None => {
            tokio::spawn(async move {
                if let Some(received) = receiving.await {
                    connection::answer(received).await;
                }
                drop(alive);
            });
        }
    }
}

/// Answers a request that came at once. If that has to wait, it waits for the agent, so the task runs on the agent's
/// runtime.
fn answer(shared: &Shared, received: Option<Received>, alive: mpsc::Sender<()>) {
    let Some(received) = received else { return };
    let mut answering = Box::pin(async move {
        connection::answer(received).await;
        drop(alive);
    });
    if without_waiting(answering.as_mut()).is_none() {
        shared.agent.spawn(answering);
    }
}

/// The result of a task if it does not have to wait, else `None`.
fn without_waiting<T: Default>(task: Pin<&mut impl Future<Output = T>>) -> Option<T> {
    // The next poll registers its own waker, so this one may do nothing. As in a task, a panic costs one connection,
    // not the listener.
    let mut context = Context::from_waker(Waker::noop());
    match catch_unwind(AssertUnwindSafe(|| task.poll(&mut context))) {
        Ok(Poll::Ready(done)) => Some(done),
        Ok(Poll::Pending) => None,
        Err(_) => Some(T::default()),
    }
}
