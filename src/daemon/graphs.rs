//! Graphs below the answers to requests over NRPE, drawn by threads that may wait for the store.

use std::cell::Cell;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use custos_query::ReadContext;
use custos_store::Snapshot;
use jiff::tz::TimeZone;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::clock;
use crate::config::Config;
use crate::graph::{self, Glyphs, TextOptions, cells, columns};
use crate::limits::{NRPE_GRAPH_LOOKS_MAX, NRPE_GRAPH_WAIT, NRPE_GRAPH_WAITS_MAX};
use crate::lock::locked;
use crate::nrpe::listener::Answer;
use crate::picture::{CheckPicture, StoreReader, glyphs};

/// Columns, lines and series of graphs, the largest first: of those the first that fits is taken.
const SIZES: [(usize, usize, usize); 4] = [(72, 16, 2), (72, 11, 1), (56, 9, 1), (40, 8, 1)];
/// How far back graphs go, unless the first run is later (ms).
const SPAN_MS: i64 = 24 * 3_600_000;

/// Whose graph is wanted, and what it may take.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) check: String,
    /// Bytes of text that the packet of the answer carries.
    pub(super) room_bytes: usize,
    /// The time of the run that is answered, if there was one for it (ms since the epoch).
    pub(super) run_ms: Option<i64>,
}

/// Draws graphs below answers.
pub(super) struct Graphs {
    serving: Handle,
    store: Arc<Mutex<StoreReader>>,
}

impl Graphs {
    /// Draws on threads of the runtime `serving`, by the store in a directory.
    pub(super) fn new(serving: Handle, store: PathBuf) -> Graphs {
        Graphs { serving, store: Arc::new(Mutex::new(StoreReader::new(store))) }
    }

    /// Sends an answer, with a graph below it if the configuration wants one and it fits.
    pub(super) fn send(
        &self,
        answer: Answer,
        wanted: Wanted,
        config: &Arc<Config>,
        send: oneshot::Sender<Answer>,
    ) {
        let style = config.nrpe.as_ref().and_then(|nrpe| nrpe.keys.graph);
        let Some(glyphs) = style.and_then(glyphs) else {
            // Whoever asked may have left.
            let _ = send.send(answer);
            return;
        };
        let (config, store) = (Arc::clone(config), Arc::clone(&self.store));
        self.serving.spawn(async move {
            wait_for_run(&wanted, &store).await;
            let draw = move || {
                let snapshot = locked(&store).snapshot();
                let answer = match snapshot {
                    Some(store) => below(answer, &wanted, &config, &store, glyphs),
                    None => answer,
                };
                // Whoever asked may have left.
                let _ = send.send(answer);
            };
            tokio::task::spawn_blocking(draw).await
        });
    }
}

/// Waits until the run that is answered is in the store, which gathers runs before it writes them. It does not wait for long.
async fn wait_for_run(wanted: &Wanted, store: &Arc<Mutex<StoreReader>>) {
    let Some(run_ms) = wanted.run_ms else { return };
    for _ in 0..NRPE_GRAPH_WAITS_MAX {
        let (store, check) = (Arc::clone(store), wanted.check.clone());
        let is_there = move || {
            let snapshot = locked(&store).snapshot()?;
            let mut runs = snapshot.runs_rev(&check, run_ms..run_ms.saturating_add(1));
            runs.next().map(|_| ())
        };
        if tokio::task::spawn_blocking(is_there).await.is_ok_and(|there| there.is_some()) {
            return;
        }
        tokio::time::sleep(NRPE_GRAPH_WAIT).await;
    }
}

/// The answer with the largest graph below it that fits.
fn below(mut answer: Answer, wanted: &Wanted, config: &Config, store: &Snapshot, glyphs: Glyphs) -> Answer {
    let end_ms = clock::now_ms();
    let first_ms = store.checks().iter().find(|check| check.name == wanted.check).map(|check| check.first_ms);
    let Some(first_ms) = first_ms.filter(|first_ms| *first_ms < end_ms) else { return answer };
    for (width, height, series_max) in SIZES {
        let picture = CheckPicture {
            check: &wanted.check,
            metric: None,
            checks: &config.checks,
            span: first_ms.max(end_ms.saturating_sub(SPAN_MS))..end_ms,
            series_max,
            zone: &TimeZone::system(),
        };
        let looks = Cell::new(0_u32);
        let is_cancelled = || {
            looks.set(looks.get() + 1);
            looks.get() > NRPE_GRAPH_LOOKS_MAX
        };
        let mut on_damage = |_: &custos_store::Error| {};
        let mut context = ReadContext::new(&mut on_damage).cancellable(&is_cancelled);
        let resolution = (columns(width, glyphs), cells(width));
        let Some(picture) = picture.read(store, resolution, &mut context) else { return answer };
        let options = TextOptions { width, height, glyphs, overlay: glyphs == Glyphs::Ascii };
        let lines = graph::text(&picture, &options);
        let lines: Vec<String> = lines.iter().map(|line| line.plain().trim_end().to_owned()).collect();
        if answer.append_lines(&lines, wanted.room_bytes) {
            break;
        }
    }
    answer
}
