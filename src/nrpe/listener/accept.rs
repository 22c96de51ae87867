//! Accepting connections: a thread for each socket that is being listened on.
//!
//! The thread serves each connection of a plain listener as far as that goes without waiting. Most clients have sent
//! their request when it comes to that, so that an answer which is known is given on the spot, without waking another
//! thread, and another is handed to the agent. Whoever has to be waited for, and every handshake, becomes a task of the
//! listener's own runtime.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::thread;

use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::connection::{self, Taken};
use super::server::Shared;
use super::socket::Listener;
use crate::limits;

/// Starts to accept connections on a socket, until it is closed. Must be called within a tokio runtime.
///
/// `alive` is held by the thread and by every connection.
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
                // Mostly a want of descriptors: an idle connection gives way to whoever comes next.
                shared.counters.accept_failures.add();
                if shared.room.evict_oldest() {
                    shared.counters.crowded_out.add();
                }
                listener.pause(backoff);
                backoff = (backoff * 2).min(limits::NRPE_ACCEPT_BACKOFF_MAX);
            }
        }
    }
}

/// Serves a connection, here as long as it need not be waited for, then as a task of its own.
fn begin(shared: &Arc<Shared>, stream: TcpStream, from: SocketAddr, alive: &mpsc::Sender<()>) {
    let live = shared.live();
    // The arithmetic of handshakes is for all processors, not for the one that accepts.
    let at_once = live.tls.is_none();
    let mut taking = Box::pin(connection::take(Arc::clone(shared), live, stream, from));
    let alive = alive.clone();
    match at_once.then(|| begun(taking.as_mut())).flatten() {
        Some(taken) => answer(shared, taken, alive),
        None => {
            tokio::spawn(async move {
                if let Some(taken) = taking.await {
                    connection::answer(taken).await;
                }
                drop(alive);
            });
        }
    }
}

/// Answers a request that came at once. What has to be waited for then is the agent, so the task goes where that is.
fn answer(shared: &Shared, taken: Option<Taken>, alive: mpsc::Sender<()>) {
    let Some(taken) = taken else { return };
    let mut answering = Box::pin(async move {
        connection::answer(taken).await;
        drop(alive);
    });
    if begun(answering.as_mut()).is_none() {
        shared.agent.spawn(answering);
    }
}

/// What a task comes to without waiting. None if it has to wait.
fn begun<T: Default>(task: Pin<&mut impl Future<Output = T>>) -> Option<T> {
    // A task asks anew what it waits for, so nobody need be woken from here. As in a task, a panic may cost one
    // connection, not the listener.
    let mut context = Context::from_waker(Waker::noop());
    match catch_unwind(AssertUnwindSafe(|| task.poll(&mut context))) {
        Ok(Poll::Ready(done)) => Some(done),
        Ok(Poll::Pending) => None,
        Err(_) => Some(T::default()),
    }
}
