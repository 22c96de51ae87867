//! The answering side: each connection brings one request, which becomes an event of the agent.

use std::path::Path;
use std::sync::Arc;

use nix::unistd::Uid;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc, oneshot};

use super::protocol::{Request, Response, address};
use crate::limits::{
    CONTROL_CONNECTIONS_MAX, CONTROL_REQUEST_MAX_BYTES, CONTROL_REQUEST_TIMEOUT, CONTROL_SIGN_OF_LIFE,
};

/// A request with the way back.
#[derive(Debug)]
pub struct Asked {
    /// What is asked.
    pub request: Request,
    /// Who asks, as it is kept with a run.
    pub origin: String,
    /// Where the answer goes.
    pub answer: oneshot::Sender<Response>,
}

/// Listens for the commands that concern the store at `dir`. Must be called within a tokio runtime.
///
/// # Errors
/// If the address is taken: another agent runs on this store.
pub fn listen(dir: &Path, asked: mpsc::Sender<Asked>) -> std::io::Result<()> {
    let listener = std::os::unix::net::UnixListener::bind_addr(&address(dir)?)?;
    listener.set_nonblocking(true)?;
    let listener = UnixListener::from_std(listener)?;
    let room = Arc::new(Semaphore::new(CONTROL_CONNECTIONS_MAX));
    tokio::spawn(async move {
        while let Ok(permit) = Arc::clone(&room).acquire_owned().await {
            match listener.accept().await {
                Ok((stream, _)) => {
                    let asked = asked.clone();
                    tokio::spawn(async move {
                        if let Err(error) = serve(stream, asked).await {
                            tracing::debug!("a control connection failed: {error}");
                        }
                        drop(permit);
                    });
                }
                Err(error) => {
                    tracing::warn!("failed to accept a control connection: {error}");
                    tokio::time::sleep(CONTROL_REQUEST_TIMEOUT).await;
                }
            }
        }
    });
    Ok(())
}

async fn serve(stream: UnixStream, asked: mpsc::Sender<Asked>) -> std::io::Result<()> {
    let peer = stream.peer_cred()?;
    let (read, mut write) = stream.into_split();
    let uid = Uid::from_raw(peer.uid());
    let response = if uid.is_root() || uid == Uid::effective() {
        let mut line = String::new();
        let mut limited = BufReader::new(read.take(CONTROL_REQUEST_MAX_BYTES));
        match tokio::time::timeout(CONTROL_REQUEST_TIMEOUT, limited.read_line(&mut line)).await {
            Ok(read) => {
                read?;
                let answer = answer(&line, peer.uid(), peer.pid(), &asked);
                with_signs_of_life(answer, &mut write).await?
            }
            Err(_) => return Ok(()),
        }
    } else {
        Response::Refused("only root and the agent's own user may ask".to_owned())
    };
    let mut text = serde_json::to_string(&response).map_err(std::io::Error::other)?;
    text.push('\n');
    write.write_all(text.as_bytes()).await?;
    write.shutdown().await
}

/// Waits for an answer, and sends an empty line meanwhile, at once and then every [`CONTROL_SIGN_OF_LIFE`], so that whoever
/// asks knows that somebody is there.
async fn with_signs_of_life(
    answer: impl Future<Output = Response>,
    write: &mut (impl AsyncWrite + Unpin),
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

async fn answer(line: &str, uid: u32, pid: Option<i32>, asked: &mpsc::Sender<Asked>) -> Response {
    let request = match serde_json::from_str(line) {
        Ok(request) => request,
        Err(error) => return Response::Refused(format!("the request cannot be read: {error}")),
    };
    let pid = pid.map_or(String::new(), |pid| format!(" pid {pid}"));
    let origin = format!("command uid {uid}{pid}");
    let (send, wait) = oneshot::channel();
    let stopping = || Response::Refused("the agent is stopping".to_owned());
    if asked.send(Asked { request, origin, answer: send }).await.is_err() {
        return stopping();
    }
    wait.await.unwrap_or_else(|_| stopping())
}
