//! The server side: each connection brings one request, which becomes an event of the agent.
//!
//! Invariant: whoever connects is answered at once or waits for the agent: never for somebody else's connection.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use nix::unistd::Uid;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::timeout;

use super::idle::{Idle, Seat};
use super::peer::Peer;
use super::protocol::{Request, Response};
use crate::limits::{
    CONTROL_ANSWER_TIMEOUT, CONTROL_CONNECTIONS_MAX, CONTROL_REQUEST_MAX_BYTES, CONTROL_REQUEST_TIMEOUT,
    CONTROL_SIGN_OF_LIFE, WATCH_CHECKS_MAX, WATCH_LEASE, WATCHERS_MAX,
};
use crate::live::{Shown, Wish};

/// A request with the way back.
#[derive(Debug)]
pub struct Asked {
    /// What is asked.
    pub request: Request,
    /// Who asks, as the run records it.
    pub origin: String,
    /// Where the answer goes.
    pub answer: oneshot::Sender<Response>,
}

/// What a connection says.
#[derive(Debug)]
pub enum Said {
    /// It asks something that has one answer.
    Asked(Asked),
    /// It watches these checks; what there is to see goes here.
    Watches(Vec<Wish>, Arc<Shown>),
    /// Whoever watched there is gone.
    Left(Arc<Shown>),
}

/// What all connections share.
struct Shared {
    owner: Uid,
    idle: Idle,
    waiting: Semaphore,
    watching: Semaphore,
    said: mpsc::Sender<Said>,
}

/// Accepts connections for as long as the task lives. Must be called within a tokio runtime.
///
/// # Errors
/// The runtime does not take the socket.
pub(super) fn serve(
    listener: OwnedFd,
    owner: Uid,
    said: mpsc::Sender<Said>,
) -> std::io::Result<tokio::task::JoinHandle<()>> {
    let listener = UnixListener::from_std(listener.into())?;
    let waiting = Semaphore::new(CONTROL_CONNECTIONS_MAX);
    let watching = Semaphore::new(WATCHERS_MAX);
    let shared = Arc::new(Shared { owner, idle: Idle::default(), waiting, watching, said });
    Ok(tokio::spawn(async move {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    let shared = Arc::clone(&shared);
                    // At once, so that the order of connections is that of their seats.
                    let seat = shared.idle.sit();
                    tokio::spawn(async move {
                        if let Err(error) = converse(stream, seat, &shared).await {
                            tracing::debug!("a control connection failed: {error}");
                        }
                    });
                }
                Err(error) => {
                    tracing::warn!("failed to accept a control connection: {error}");
                    tokio::time::sleep(CONTROL_REQUEST_TIMEOUT).await;
                }
            }
        }
    }))
}

async fn converse(stream: UnixStream, seat: Seat, shared: &Shared) -> std::io::Result<()> {
    let peer = Peer::of(&stream)?;
    let (read, mut write) = stream.into_split();
    if !peer.may_ask(shared.owner) {
        return refuse(&mut write, "only root and the owner of the store may ask").await;
    }
    let line = tokio::select! {
        line = timeout(CONTROL_REQUEST_TIMEOUT, request_line(read)) => match line {
            Ok(line) => line?,
            Err(_) => return Ok(()),
        },
        () = seat.given_up() => {
            let why = "too many commands are connected, and this one has sent no request for the longest";
            return refuse(&mut write, why).await;
        }
    };
    drop(seat);
    let (line, mut read) = line;
    let request = match serde_json::from_str(&line) {
        Ok(Request::Watch(wishes)) => return watch(wishes, &mut read, &mut write, shared).await,
        Ok(request) => request,
        Err(error) => return refuse(&mut write, &format!("the request cannot be read: {error}")).await,
    };
    let Ok(_permit) = shared.waiting.try_acquire() else {
        let why = format!("{CONTROL_CONNECTIONS_MAX} commands wait for the agent already");
        return refuse(&mut write, &why).await;
    };
    let response = with_signs_of_life(answer(request, peer, &shared.said), &mut write).await?;
    send(&mut write, &response).await
}

async fn request_line(mut read: OwnedReadHalf) -> std::io::Result<(String, OwnedReadHalf)> {
    let mut line = String::new();
    BufReader::new((&mut read).take(CONTROL_REQUEST_MAX_BYTES)).read_line(&mut line).await?;
    Ok((line, read))
}

/// Hands on what there is to see until whoever watches goes, or for [`WATCH_LEASE`] takes nothing of it or gives no sign of life.
async fn watch(
    wishes: Vec<Wish>,
    read: &mut OwnedReadHalf,
    write: &mut OwnedWriteHalf,
    shared: &Shared,
) -> std::io::Result<()> {
    let Ok(_permit) = shared.watching.try_acquire() else {
        return refuse(write, &format!("{WATCHERS_MAX} watch already")).await;
    };
    if wishes.len() > WATCH_CHECKS_MAX {
        return refuse(write, &format!("at most {WATCH_CHECKS_MAX} checks can be watched at once")).await;
    }
    let shown = Arc::new(Shown::default());
    let _ = shared.said.send(Said::Watches(wishes, Arc::clone(&shown))).await;
    let result = tokio::select! {
        result = show(&shown, write) => result,
        result = gone(read) => result,
    };
    let _ = shared.said.send(Said::Left(shown)).await;
    result
}

async fn show(shown: &Shown, write: &mut OwnedWriteHalf) -> std::io::Result<()> {
    let mut ticks = tokio::time::interval(CONTROL_SIGN_OF_LIFE);
    loop {
        let text = tokio::select! {
            lines = shown.take() => match lines {
                Some(lines) => lines.concat(),
                None => return Ok(()),
            },
            _ = ticks.tick() => "\n".to_owned(),
        };
        timeout(WATCH_LEASE, write.write_all(text.as_bytes())).await??;
    }
}

/// Waits until whoever watches is gone. Each empty line from here is answered by one, so that a process that was stopped is
/// seen, though its socket takes more.
async fn gone(read: &mut OwnedReadHalf) -> std::io::Result<()> {
    let mut signs = [0; 64];
    while timeout(WATCH_LEASE, read.read(&mut signs)).await?? > 0 {}
    Ok(())
}

/// Waits for an answer, and sends an empty line meanwhile, at once and then every [`CONTROL_SIGN_OF_LIFE`], so that whoever
/// asks knows that the agent is there. Where nobody is there any more, nothing is begun: they were told that it failed.
async fn with_signs_of_life(
    answer: impl Future<Output = Response>,
    write: &mut OwnedWriteHalf,
) -> std::io::Result<Response> {
    let mut answer = std::pin::pin!(answer);
    let mut ticks = tokio::time::interval(CONTROL_SIGN_OF_LIFE);
    ticks.tick().await;
    write.write_all(b"\n").await?;
    loop {
        tokio::select! {
            response = &mut answer => return Ok(response),
            _ = ticks.tick() => write.write_all(b"\n").await?,
        }
    }
}

async fn answer(request: Request, peer: Peer, said: &mpsc::Sender<Said>) -> Response {
    let pid = if peer.pid == 0 { String::new() } else { format!(" pid {}", peer.pid) };
    let origin = format!("command uid {}{pid}", peer.uid);
    let (send, wait) = oneshot::channel();
    // If the agent does not take it any more, the way back is dropped with the request.
    let _ = said.send(Said::Asked(Asked { request, origin, answer: send })).await;
    wait.await.unwrap_or_else(|_| Response::Refused("the agent is stopping".to_owned()))
}

async fn refuse(write: &mut OwnedWriteHalf, why: &str) -> std::io::Result<()> {
    send(write, &Response::Refused(why.to_owned())).await
}

async fn send(write: &mut OwnedWriteHalf, response: &Response) -> std::io::Result<()> {
    let mut text = serde_json::to_string(response).map_err(std::io::Error::other)?;
    text.push('\n');
    timeout(CONTROL_ANSWER_TIMEOUT, write.write_all(text.as_bytes())).await?
}
