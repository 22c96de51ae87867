//! The socket of an agent, kept where commands find it: made at the start, and made anew when it is no longer there.

use std::io;
use std::path::{Path, PathBuf};

use custos_store::writer_pid;
use nix::errno::Errno;
use nix::unistd::Uid;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::peer::Peer;
use super::place::{FileId, Place, id_at, listen_aside};
use super::server::{Said, serve};
use crate::part::Part;

/// The socket by which commands reach an agent.
#[derive(Debug)]
pub struct Listener {
    dir: PathBuf,
    said: mpsc::Sender<Said>,
    open: Option<Open>,
    error: Option<String>,
}

/// A socket that is being listened on.
#[derive(Debug)]
struct Open {
    /// The socket in the directory of the store; none under the abstract name.
    file: Option<(Place, FileId)>,
    accepting: JoinHandle<()>,
}

impl Listener {
    /// Listens for the commands that concern the store at `dir`, if that is possible. Must be called within a tokio
    /// runtime, like [`Listener::look`].
    pub fn start(dir: &Path, said: mpsc::Sender<Said>) -> Listener {
        let mut listener = Listener { dir: dir.to_path_buf(), said, open: None, error: None };
        listener.look();
        listener
    }

    /// Looks whether the socket is still where commands find it, and makes it anew if it is not.
    pub fn look(&mut self) {
        let in_place = |open: &Open| open.file.as_ref().is_some_and(|(_, id)| id_at(&self.dir) == Some(*id));
        if self.open.as_ref().is_some_and(|open| in_place(open) && !open.accepting.is_finished()) {
            return;
        }
        let found = match open(&self.dir, &self.said) {
            // What is open already will do while the store's directory will not.
            Err(_) if self.open.as_ref().is_some_and(Open::is_aside) => return,
            Err(Refusal::Taken(pid)) => Err(format!("process {pid} listens there")),
            Err(Refusal::Impossible(error)) => {
                self.close();
                aside(&self.dir, &self.said).map_err(|_| error.to_string())
            }
            Ok(open) => Ok(open),
        };
        self.close();
        match found {
            Ok(open) => {
                self.open = Some(open);
                self.error = None;
            }
            Err(error) => {
                if self.error.as_ref() != Some(&error) {
                    tracing::error!("commands cannot reach this agent: {error}");
                }
                self.error = Some(error);
            }
        }
    }

    fn close(&mut self) {
        let Some(open) = self.open.take() else { return };
        open.accepting.abort();
        // Another agent may have made its own there.
        if let Some((place, id)) = open.file
            && place.id().is_ok_and(|now| now == id)
            && let Err(error) = place.remove()
        {
            tracing::warn!("failed to remove the socket for commands: {error}");
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
        self.close();
    }
}

impl Open {
    fn is_aside(&self) -> bool {
        self.file.is_none() && !self.accepting.is_finished()
    }
}

/// Why there is no socket in the directory of the store.
enum Refusal {
    /// A process that may be an agent listens there.
    Taken(u32),
    /// There is no directory, or nothing can be made in it.
    Impossible(io::Error),
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Refusal {
        Refusal::Impossible(error)
    }
}

fn open(dir: &Path, said: &mpsc::Sender<Said>) -> Result<Open, Refusal> {
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
    let accepting = serve(socket, place.owner(), said.clone())?;
    Ok(Open { file: Some((place, id)), accepting })
}

/// Listens under the abstract name.
fn aside(dir: &Path, said: &mpsc::Sender<Said>) -> io::Result<Open> {
    let socket = listen_aside(dir)?;
    let owner = Place::open(dir).map_or(Uid::effective(), |place| place.owner());
    let accepting = serve(socket, owner, said.clone())?;
    Ok(Open { file: None, accepting })
}

/// Finds out whether a socket that is there already may be removed: if no process listens on it, or if this one is the
/// one that writes to the store.
fn give_way(dir: &Path, place: &Place) -> Result<(), Refusal> {
    let other = match place.connect() {
        Ok(stream) => Peer::of(&stream).map_err(io::Error::from)?.pid,
        Err(Errno::ECONNREFUSED | Errno::ENOENT) => return Ok(()),
        // It listens, and is too busy for one more.
        Err(Errno::EAGAIN) => 0,
        Err(errno) => return Err(Refusal::Impossible(errno.into())),
    };
    if writer_pid(dir) == Some(std::process::id()) {
        tracing::warn!("process {other} listened for commands in this agent's place");
        return Ok(());
    }
    Err(Refusal::Taken(other))
}
