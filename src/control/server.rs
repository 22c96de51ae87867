//! The answering side: each connection brings one request, which becomes an event of the agent.
//!
//! Invariant: whoever connects is answered at once or waits for the agent: never for somebody else's connection.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use nix::unistd::Uid;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;

use super::idle::{Idle, Seat};
use super::peer::Peer;
use super::protocol::{Request, Response};
use crate::limits::{
    CONTROL_ANSWER_TIMEOUT, CONTROL_CONNECTIONS_MAX, CONTROL_REQUEST_MAX_BYTES, CONTROL_REQUEST_TIMEOUT,
};

/// A request with the way back.
#[derive(Debug)]
pub struct Asked {
    /// What is asked.
    pub request: Request,
    /// Who asks, as it is kept with a run.
    pub origin: String,
    /// Where the answer goes.
    pub answer: Reply,
}

/// The way back to a command. Dropped without an answer, it says that the agent is stopping.
#[derive(Debug)]
pub struct Reply(mpsc::Sender<Response>);

impl Reply {
    /// Tells the command that its request is taken.
    pub fn accept(&self) {
        // There is space for this and for the answer; the command may have left meanwhile.
        let _ = self.0.try_send(Response::Accepted);
    }

    /// Answers.
    pub fn give(self, response: Response) {
        let _ = self.0.try_send(response);
    }
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
                        if let Err(error) = answer(stream, seat, &shared).await {
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

async fn answer(stream: UnixStream, seat: Seat, shared: &Shared) -> std::io::Result<()> {
    let peer = Peer::of(&stream)?;
    let (read, mut write) = stream.into_split();
    if !peer.may_ask(shared.owner) {
        let why = "only root and the owner of the store may ask";
        return send(&mut write, &Response::Refused(why.to_owned())).await;
    }
    let line = tokio::select! {
        line = timeout(CONTROL_REQUEST_TIMEOUT, request_line(read)) => match line {
            Ok(line) => line?,
            Err(_) => return Ok(()),
        },
        () = seat.given_up() => {
            let why = "too many commands are connected, and this one has sent no request for the longest";
            return send(&mut write, &Response::Refused(why.to_owned())).await;
        }
    };
    drop(seat);
    let Ok(_permit) = shared.waiting.try_acquire() else {
        let why = format!("{CONTROL_CONNECTIONS_MAX} commands wait for the agent already");
        return send(&mut write, &Response::Refused(why)).await;
    };
    let request = match serde_json::from_str(&line) {
        Ok(request) => request,
        Err(error) => {
            let why = format!("the request cannot be read: {error}");
            return send(&mut write, &Response::Refused(why)).await;
        }
    };
    relay(request, peer, &shared.asked, &mut write).await
}

async fn request_line(read: OwnedReadHalf) -> std::io::Result<String> {
    let mut line = String::new();
    BufReader::new(read.take(CONTROL_REQUEST_MAX_BYTES)).read_line(&mut line).await?;
    Ok(line)
}

/// Hands a request to the agent, and what the agent says to the command.
async fn relay(
    request: Request,
    peer: Peer,
    asked: &mpsc::Sender<Asked>,
    write: &mut OwnedWriteHalf,
) -> std::io::Result<()> {
    let pid = if peer.pid == 0 { String::new() } else { format!(" pid {}", peer.pid) };
    let origin = format!("command uid {}{pid}", peer.uid);
    let (answer, mut responses) = mpsc::channel(2);
    // If the agent does not take it any more, the way back is dropped with the request.
    let _ = asked.send(Asked { request, origin, answer: Reply(answer) }).await;
    loop {
        match responses.recv().await {
            Some(Response::Accepted) => send(write, &Response::Accepted).await?,
            Some(response) => return send(write, &response).await,
            None => return send(write, &Response::Refused("the agent is stopping".to_owned())).await,
        }
    }
}

async fn send(write: &mut OwnedWriteHalf, response: &Response) -> std::io::Result<()> {
    let mut text = serde_json::to_string(response).map_err(std::io::Error::other)?;
    text.push('\n');
    timeout(CONTROL_ANSWER_TIMEOUT, write.write_all(text.as_bytes())).await?
}
