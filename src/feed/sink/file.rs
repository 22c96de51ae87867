//! Into a file, as lines of JSON: those of `custos stream --runs`.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::answer::{Answer, Looked, Sent};
use super::file_log::FileLog;
use super::parcel::Parcel;
use super::settings::FileTarget;
use crate::feed::lines::write_run;

/// The process that takes what is written to a file never loses it.
const PROCESS: u64 = 1;

/// What writes to a file, in one of the lanes.
#[derive(Clone, Debug)]
pub struct FileSender {
    shared: Arc<Mutex<Shared>>,
    /// What comes in this lane comes in order, so that once something is new all of it is.
    is_in_order: bool,
    written_bytes: u64,
}

#[derive(Debug)]
struct Shared {
    target: FileTarget,
    /// None before it is opened, and after something went wrong.
    log: Option<FileLog>,
}

impl FileSender {
    /// Those of both lanes, which write to the same file. It is not open yet.
    pub fn pair(target: &FileTarget) -> [FileSender; 2] {
        let shared = Arc::new(Mutex::new(Shared { target: target.clone(), log: None }));
        let sender = |is_in_order| FileSender { shared: Arc::clone(&shared), is_in_order, written_bytes: 0 };
        [sender(true), sender(false)]
    }

    /// Bytes that were written.
    pub fn sent_bytes(&self) -> u64 {
        self.written_bytes
    }

    /// Writes runs. They are on the disk when it says that they are taken.
    pub async fn send(&mut self, parcel: &Parcel) -> Sent {
        let (parcel, is_in_order) = (parcel.clone(), self.is_in_order);
        let answer = match self.blocking(move |shared| shared.write(&parcel, is_in_order)).await {
            Ok(bytes) => {
                self.written_bytes += bytes;
                Answer::Taken
            }
            Err(why) => Answer::later(why),
        };
        Sent { answer, process: PROCESS, date_ms: None }
    }

    /// Opens the file, if it is not open.
    ///
    /// # Errors
    /// It cannot be opened.
    pub async fn look(&mut self) -> Result<Looked, String> {
        let open = |shared: &mut Shared| {
            shared.opened()?;
            Ok(shared.target.path.clone())
        };
        let path = self.blocking(open).await?;
        let what = path.display().to_string();
        Ok(Looked { process: PROCESS, what, in_order_only: true, ..Looked::default() })
    }

    /// Does what waits for the disk where it holds up nothing else.
    async fn blocking<T: Send + 'static>(
        &self,
        what: impl FnOnce(&mut Shared) -> Result<T, String> + Send + 'static,
    ) -> Result<T, String> {
        let shared = Arc::clone(&self.shared);
        let done = tokio::task::spawn_blocking(move || {
            what(&mut shared.lock().unwrap_or_else(PoisonError::into_inner))
        });
        done.await.unwrap_or_else(|error| Err(error.to_string()))
    }
}

impl Shared {
    fn opened(&mut self) -> Result<&mut FileLog, String> {
        let FileTarget { path, rotate_bytes, keep } = &self.target;
        if self.log.as_ref().is_some_and(|log| !log.is_in_place()) {
            self.log = None;
        }
        match &mut self.log {
            Some(log) => Ok(log),
            none => {
                let log = FileLog::open(path, *rotate_bytes, *keep);
                Ok(none.insert(log.map_err(|error| failed("open", path, &error))?))
            }
        }
    }

    fn write(&mut self, parcel: &Parcel, is_in_order: bool) -> Result<u64, String> {
        let (mut text, mut ends) = (Vec::new(), Vec::new());
        for one in parcel.runs() {
            // Only a writer that fails fails here, and this one does not.
            write_run(&one.check, &one.run, one.number, false, &mut text)
                .map_err(|error| error.to_string())?;
            ends.push(text.len());
        }
        let starts = std::iter::once(0).chain(ends.iter().copied());
        let mut lines = starts.zip(&ends).map(|(start, end)| &text[start..*end]);
        let log = self.opened()?;
        let written = log.append(lines.by_ref());
        if is_in_order && let Some(last) = ends.len().checked_sub(1) {
            let start = last.checked_sub(1).map_or(0, |before| ends[before]);
            if written.is_ok() && !log.knows(&text[start..]) {
                log.forget_lines();
            }
        }
        written.map_err(|error| {
            self.log = None;
            failed("write", &self.target.path, &error)
        })
    }
}

fn failed(what: &str, path: &Path, error: &std::io::Error) -> String {
    format!("failed to {what} {}: {error}", path.display())
}
