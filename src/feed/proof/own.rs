//! What this side has of a sink: its store, how far that was delivered, and what was set aside. All of it is known without the receiver.

use std::path::Path;
use std::sync::Arc;

use custos_query::RunSeries;
use custos_store::Notes;

use super::stored::Store;
use crate::clock;
use crate::feed::read::Feed;
use crate::feed::sink::{Asides, SinkSettings, feed_options};
use crate::limits::PROOF_SETTLE;

/// See the head of this file.
pub(super) struct Own {
    /// None while it is being read.
    store: Option<Store>,
    /// The cursor as it was at the beginning.
    pub(super) feed: Feed,
    pub(super) asides: Asides,
}

impl Own {
    /// Opens what there is of a sink in a directory.
    ///
    /// # Errors
    /// The store, the cursor or the note cannot be read.
    pub(super) fn open(dir: &Path, settings: &SinkSettings) -> Result<Own, String> {
        let failed = |error: &dyn std::fmt::Display| format!("failed to {error}");
        let options = feed_options(settings).map_err(|error| failed(&error))?;
        let store = Store::open(dir, settings, options.selection.clone())?;
        let feed = Feed::open(dir, options).map_err(|error| failed(&error))?;
        let asides = Asides::read(&Notes::new(dir), &settings.name).map_err(|why| failed(&why))?;
        Ok(Own { store: Some(store), feed, asides })
    }

    /// The time of the earliest run (ms since the epoch).
    pub(super) fn first_ms(&self) -> Option<i64> {
        self.store.as_ref().and_then(Store::first_ms)
    }

    /// Up to when everything was delivered long enough ago (ms since the epoch).
    pub(super) fn until_ms(&self) -> Option<i64> {
        let settled_ms = clock::now_ms() - PROOF_SETTLE.as_millis() as i64;
        let lag = self.feed.lag()?;
        if lag.runs == 0 { Some(settled_ms) } else { lag.last_ms.map(|last_ms| last_ms.min(settled_ms)) }
    }

    /// Whether the sink is still delivering what is old, so that a look at the receiver would say little and cost much.
    pub(super) fn is_early(&self) -> bool {
        self.feed.is_catching_up()
    }

    /// All series of the store that the sink delivers.
    pub(super) fn series(&self) -> &[Arc<RunSeries>] {
        self.store.as_ref().map(Store::series).unwrap_or_default()
    }

    /// Reads the store beside everything else.
    pub(super) async fn read<T: Send + 'static>(
        &mut self,
        read: impl FnOnce(&mut Store) -> T + Send + 'static,
    ) -> Result<T, String> {
        let mut store = self.store.take().ok_or("the store is no longer open")?;
        let reading = tokio::task::spawn_blocking(move || {
            let told = read(&mut store);
            (store, told)
        });
        let (store, told) = reading.await.map_err(|error| format!("failed to read the store: {error}"))?;
        self.store = Some(store);
        Ok(told)
    }
}
