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
    CONTROL_SIGN_OF_LIFE,
};

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

/// What all connections share.
struct Shared {
    owner: Uid,
    idle: Idle,
    waiting: Semaphore,
    asked: mpsc::Sender<Asked>,
}

/// Accepts connections for as long as the task lives. Must be called within a tokio runtime.
///
/// # Errors
/// The runtime does not take the socket.
pub(super) fn serve(
    listener: OwnedFd,
    owner: Uid,
    asked: mpsc::Sender<Asked>,
) -> std::io::Result<tokio::task::JoinHandle<()>> {
    let listener = UnixListener::from_std(listener.into())?;
    let waiting = Semaphore::new(CONTROL_CONNECTIONS_MAX);
    let shared = Arc::new(Shared { owner, idle: Idle::default(), waiting, asked });
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
    let Ok(_permit) = shared.waiting.try_acquire() else {
        let why = format!("{CONTROL_CONNECTIONS_MAX} commands wait for the agent already");
        return refuse(&mut write, &why).await;
    };
    let response = with_signs_of_life(answer(&line, peer, &shared.asked), &mut write).await?;
    send(&mut write, &response).await
}

async fn request_line(read: OwnedReadHalf) -> std::io::Result<String> {
    let mut line = String::new();
    BufReader::new(read.take(CONTROL_REQUEST_MAX_BYTES)).read_line(&mut line).await?;
    Ok(line)
}

/// Waits for an answer, and sends an empty line meanwhile, at once and then every [`CONTROL_SIGN_OF_LIFE`], so that whoever
/// asks knows that the agent is there.
async fn with_signs_of_life(
    answer: impl Future<Output = Response>,
    write: &mut OwnedWriteHalf,
) -> std::io::Result<Response> {
    let mut answer = std::pin::pin!(answer);
    let mut ticks = tokio::time::interval(CONTROL_SIGN_OF_LIFE);
    loop {
        tokio::select! {
            response = &mut answer => return Ok(response),
            _ = ticks.tick() => write.write_all(b"\n").await?,
        }
    }
}

async fn answer(line: &str, peer: Peer, asked: &mpsc::Sender<Asked>) -> Response {
    let request = match serde_json::from_str(line) {
        Ok(request) => request,
        Err(error) => return Response::Refused(format!("the request cannot be read: {error}")),
    };
    let pid = if peer.pid == 0 { String::new() } else { format!(" pid {}", peer.pid) };
    let origin = format!("command uid {}{pid}", peer.uid);
    let (send, wait) = oneshot::channel();
    // If the agent does not take it any more, the way back is dropped with the request.
    let _ = asked.send(Asked { request, origin, answer: send }).await;
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
