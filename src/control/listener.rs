//! The socket of an agent, kept where commands find it: made at the start, and made anew when it is no longer there.

use std::io;
use std::path::{Path, PathBuf};

use custos_store::writer_pid;
use nix::errno::Errno;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::peer::Peer;
use super::place::{FileId, Place, id_at};
use super::server::{Asked, serve};
use crate::part::Part;

/// The socket by which commands reach an agent.
#[derive(Debug)]
pub struct Listener {
    dir: PathBuf,
    asked: mpsc::Sender<Asked>,
    open: Option<Open>,
    error: Option<String>,
}

#[derive(Debug)]
struct Open {
    place: Place,
    id: FileId,
    accepting: JoinHandle<()>,
}

impl Listener {
    /// Listens for the commands that concern the store at `dir`, if that is possible. Must be called within a tokio
    /// runtime, like [`Listener::look`].
    pub fn start(dir: &Path, asked: mpsc::Sender<Asked>) -> Listener {
        let mut listener = Listener { dir: dir.to_path_buf(), asked, open: None, error: None };
        listener.look();
        listener
    }

    /// Looks whether the socket is still where commands find it, and makes it anew if it is not.
    pub fn look(&mut self) {
        if let Some(open) = &self.open {
            if id_at(&self.dir) == Some(open.id) && !open.accepting.is_finished() {
                return;
            }
            tracing::warn!("the socket for commands is gone; it is made anew");
            open.accepting.abort();
            self.open = None;
        }
        match open(&self.dir, &self.asked) {
            Ok(open) => {
                self.open = Some(open);
                self.error = None;
            }
            Err(error) => {
                let error = error.to_string();
                if self.error.as_ref() != Some(&error) {
                    tracing::error!("commands cannot reach this agent: {error}");
                }
                self.error = Some(error);
            }
        }
    }

    /// Whether commands reach this agent.
    pub fn part(&self) -> Part {
        let mut part = Part::new("commands");
        if let Some(why) = &self.error {
            part.warning(format!("commands cannot reach this agent: {why}"));
        }
        part
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Some(open) = &self.open {
            open.accepting.abort();
            // Another agent may have made its own there.
            if open.place.id().is_ok_and(|id| id == open.id)
                && let Err(error) = open.place.remove()
            {
                tracing::warn!("failed to remove the socket for commands: {error}");
            }
        }
    }
}

fn open(dir: &Path, asked: &mpsc::Sender<Asked>) -> io::Result<Open> {
    let place = Place::open(dir)?;
    let socket = match place.listen() {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            give_way(dir, &place)?;
            place.remove()?;
            place.listen()?
        }
        listening => listening?,
    };
    let id = place.id()?;
    let accepting = serve(socket, place.owner(), asked.clone())?;
    Ok(Open { place, id, accepting })
}

/// Finds out whether a socket that is there already may be removed: if nobody listens on it, or if this process is the
/// one that writes to the store.
fn give_way(dir: &Path, place: &Place) -> io::Result<()> {
    let other = match place.connect() {
        Ok(stream) => Peer::of(&stream)?,
        Err(Errno::ECONNREFUSED | Errno::ENOENT) => return Ok(()),
        // It listens, and is too busy for one more.
        Err(Errno::EAGAIN) if writer_pid(dir) == Some(std::process::id()) => return Ok(()),
        Err(errno) => return Err(errno.into()),
    };
    if writer_pid(dir) == Some(std::process::id()) {
        tracing::warn!("process {} listened for commands in this agent's place", other.pid);
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::AddrInUse, format!("process {} listens there", other.pid)))
}
