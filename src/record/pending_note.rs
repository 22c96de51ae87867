//! A note on its way to the store, and whoever waits until it is there.

use std::fmt;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

/// What became of a note: it is in the store, or why it is not.
type Outcome = Result<(), String>;

/// What a note says: a text, or how the thread that writes it makes it then.
pub struct NoteText(Said);

enum Said {
    Text(String),
    Later(Box<dyn FnOnce() -> String + Send>),
}

impl NoteText {
    /// A text that is made when it is written, if nothing newer has come in its place by then.
    pub fn later(make: impl FnOnce() -> String + Send + 'static) -> NoteText {
        NoteText(Said::Later(Box::new(make)))
    }

    /// The text.
    pub(super) fn made(self) -> String {
        match self.0 {
            Said::Text(text) => text,
            Said::Later(make) => make(),
        }
    }
}

impl From<String> for NoteText {
    fn from(text: String) -> NoteText {
        NoteText(Said::Text(text))
    }
}

impl Default for NoteText {
    fn default() -> NoteText {
        NoteText::from(String::new())
    }
}

impl fmt::Debug for NoteText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Said::Text(_) => "a text",
            Said::Later(_) => "a text that is not made yet",
        })
    }
}

/// A note that is to be written.
#[derive(Debug, Default)]
pub(super) struct PendingNote {
    pub(super) text: NoteText,
    awaited: Vec<oneshot::Sender<Outcome>>,
}

impl PendingNote {
    /// Has it say something newer. Whoever waits for what it said waits for that.
    pub(super) fn replace(&mut self, text: NoteText) {
        self.text = text;
        // Those who no longer wait are not gathered while the disk hangs.
        self.awaited.retain(|waits| !waits.is_closed());
    }

    /// Has somebody wait for it.
    pub(super) fn wait(&mut self) -> NoteKept {
        let (sender, receiver) = oneshot::channel();
        self.awaited.push(sender);
        NoteKept(receiver)
    }

    /// Whether somebody waits for it.
    pub(super) fn is_awaited(&self) -> bool {
        !self.awaited.is_empty()
    }

    /// Tells those who wait what became of it.
    pub(super) fn settle(&mut self, outcome: &Outcome) {
        for waits in self.awaited.drain(..) {
            // It may have waited long enough.
            let _ = waits.send(outcome.clone());
        }
    }
}

/// Comes true when a note, or a newer one of its name, is in the store.
#[derive(Debug)]
pub struct NoteKept(oneshot::Receiver<Outcome>);

impl NoteKept {
    /// That of a note for which there is no room.
    pub(super) fn given_up() -> NoteKept {
        NoteKept(oneshot::channel().1)
    }

    /// Waits until the note is in the store, at most so long.
    ///
    /// # Errors
    /// Why it is not there, in words that continue "it is not in the store: ".
    pub async fn within(self, at_most: Duration) -> Result<(), String> {
        match timeout(at_most, self.0).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err("it was given up, as too many notes wait or the agent ends".to_owned()),
            Err(_) => Err(format!("the disk has not taken it in {} s", at_most.as_secs())),
        }
    }
}
