//! A message of what is told and of what the store knows about it.

use std::path::PathBuf;

use custos_store::{Reader, Snapshot};

use super::background::Background;
use super::style::MessageStyle;
use super::{subject, text};
use crate::graph::svg;
use crate::limits::NOTIFY_TOLD_MAX;
use crate::notify::{Notification, Why};

/// What people read about a notification. Every character of it is safe to show; what else a medium needs escaped is up to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// One line.
    pub subject: String,
    /// The text, with a graph below it.
    pub text: String,
    /// The graph of the first alert that has one, as an image.
    pub svg: Option<String>,
}

impl Message {
    /// The message of a notification. `now_ms` is when it is written (ms since the epoch). Without a store, and where it
    /// cannot be read, it tells only what the notification has.
    pub fn of(
        notification: &Notification,
        store: Option<&Snapshot>,
        style: &MessageStyle,
        now_ms: i64,
    ) -> Message {
        // Of a trial and a heartbeat the store knows nothing.
        let store = store.filter(|_| matches!(notification.why, Why::News | Why::Repeat));
        let told = notification.alerts.iter().take(NOTIFY_TOLD_MAX);
        let known: Vec<Background> = told
            .map(|alert| {
                store.map_or_else(Background::default, |store| Background::read(alert, store, style, now_ms))
            })
            .collect();
        let picture = known.iter().find_map(|background| background.image.as_ref()).filter(|_| style.svg);
        Message {
            subject: subject::subject(notification, style),
            text: text::text(notification, &known, style, now_ms),
            svg: picture.map(svg),
        }
    }
}

/// The store that messages are written from, opened when the first one needs it.
#[derive(Default)]
pub struct StoreReader {
    directory: PathBuf,
    reader: Option<Reader>,
}

impl StoreReader {
    /// Reads the store in a directory.
    pub fn new(directory: PathBuf) -> StoreReader {
        StoreReader { directory, reader: None }
    }

    /// The store as it is now; `None` if it cannot be read. It takes as long as it takes to read what is new.
    pub fn snapshot(&mut self) -> Option<Snapshot> {
        match &mut self.reader {
            Some(reader) => {
                // What it showed before is better than nothing.
                let _ = reader.refresh();
            }
            None => self.reader = Reader::open(&self.directory).ok(),
        }
        self.reader.as_ref().map(Reader::snapshot)
    }
}
