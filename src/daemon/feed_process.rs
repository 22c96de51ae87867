//! The process that delivers, as the agent's helper: what runs in the other process.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::process::{Bounds, Handed, begin, until_left};
use crate::exit_code::ExitCode;
use crate::feed::proof::{ProofMark, watch as watch_receiver};
use crate::feed::sink::{Delivery, Settings, SinkReport, SinkSettings};
use crate::limits::{FEED_DATA_MAX_BYTES, FEED_DRAIN, FEED_NICE, FEED_SETTINGS_MAX_BYTES, SINK_OPEN_RETRY};
use crate::lock::locked;

/// What each sink said last, by name.
type Told = Arc<Mutex<BTreeMap<String, SinkReport>>>;

const BOUNDS: Bounds = Bounds {
    name: c"custos-feed",
    work: "sinks",
    nice: FEED_NICE,
    settings_max_bytes: FEED_SETTINGS_MAX_BYTES,
    data_max_bytes: FEED_DATA_MAX_BYTES,
};

/// Delivers by what the agent handed to this process, until the agent wants no more of it.
pub fn feed_for_agent() -> ExitCode {
    match start() {
        Ok(()) => ExitCode::Success,
        Err(why) => {
            tracing::error!("nothing is delivered: {why}");
            ExitCode::Failure
        }
    }
}

fn start() -> Result<(), String> {
    let Handed { settings, agent, .. } = begin::<Settings>(&BOUNDS)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let told = Told::default();
        let (leave, left) = watch::channel(());
        let mut tasks = JoinSet::new();
        for sink in settings.sinks {
            tasks.spawn(deliver(settings.store.clone(), sink, Arc::clone(&told), left.clone()));
        }
        let report = || locked(&told).values().cloned().collect::<Vec<_>>();
        let ended = until_left(agent, report).await;
        drop(leave);
        // Each writes its cursor.
        let _ = tokio::time::timeout(FEED_DRAIN, async { while tasks.join_next().await.is_some() {} }).await;
        ended.map_err(|error| error.to_string())
    })
}

/// Keeps a sink at work. One that cannot be opened is tried again.
async fn deliver(store: PathBuf, settings: SinkSettings, told: Told, mut left: watch::Receiver<()>) {
    loop {
        let why = match Delivery::open(&store, settings.clone()) {
            Ok(mut delivery) => {
                let proof = Mutex::new(ProofMark::default());
                let tell = |mut report: SinkReport| {
                    let mark = locked(&proof);
                    (report.proven_ms, report.not_proven) = (mark.proven_until_ms(), mark.not_proven());
                    locked(&told).insert(report.name.clone(), report);
                };
                tokio::select! {
                    () = delivery.run(tell) => {}
                    () = watch_receiver(&store, &settings, |mark| *locked(&proof) = mark) => {}
                    _ = left.changed() => {}
                }
                if let Err(why) = delivery.save() {
                    tracing::error!("sink {}: {why}", settings.name);
                }
                return;
            }
            Err(why) => why,
        };
        tracing::error!("{why}");
        let report = SinkReport {
            name: settings.name.clone(),
            kind: settings.kind.key().to_owned(),
            trouble: Some(why),
            ..SinkReport::default()
        };
        locked(&told).insert(settings.name.clone(), report);
        tokio::select! {
            () = tokio::time::sleep(SINK_OPEN_RETRY) => {}
            _ = left.changed() => return,
        }
    }
}
