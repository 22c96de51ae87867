//! The proof that a sink does by itself: after each hour.

use std::path::Path;
use std::time::Duration;

use custos_store::Notes;

use super::hours::{HOUR_MS, Hours};
use super::mark::ProofMark;
use super::own::Own;
use super::prover::Prover;
use crate::clock;
use crate::config::SinkStart;
use crate::feed::sink::{SinkKind, SinkSettings};
use crate::hash::fnv1a;
use crate::limits::{PROOF_AFTER_HOUR, PROOF_HOURS_AT_ONCE, PROOF_SETTLE};
use crate::trim;

/// Looks, some time after each hour and a minute after the start, whether the receiver of a sink has what was delivered, delivers
/// again what it has lost, and writes up to when that is proven. As long as the sink is catching up it waits. Ends when the future is dropped. `tell` is given each mark.
pub async fn watch(store: &Path, settings: &SinkSettings, mut tell: impl FnMut(ProofMark)) {
    if !matches!(settings.kind, SinkKind::RemoteWrite(..)) {
        // The hashes of messages prove a stream to whoever reads it; others cannot be asked.
        return std::future::pending().await;
    }
    let notes = Notes::new(store);
    let mut mark = match begun(&notes, settings) {
        Ok(mark) => mark,
        Err(why) => {
            say_unknown(settings, &why);
            ProofMark::default()
        }
    };
    tell(mark.clone());
    let mut pause = PROOF_SETTLE;
    loop {
        tokio::time::sleep(pause).await;
        let passed = pass(store, settings, &notes, &mut mark, &mut tell).await;
        if let Err(why) = &passed {
            say_unknown(settings, why);
        }
        if passed != Ok(false) {
            // What catching up and the proof took is no longer needed for a while.
            trim::give_back();
        }
        pause = if passed == Ok(false) { PROOF_SETTLE } else { until_next(clock::now_ms(), settings) };
    }
}

fn say_unknown(settings: &SinkSettings, why: &str) {
    tracing::warn!("sink {}: it is not known what the receiver has: {why}", settings.name);
}

/// The mark there is, or that of a sink that is new.
fn begun(notes: &Notes, settings: &SinkSettings) -> Result<ProofMark, String> {
    if let Some(mark) = ProofMark::read(notes, &settings.name)? {
        return Ok(mark);
    }
    let since_ms = (settings.start == SinkStart::Now).then(clock::now_ms);
    let mark = ProofMark { since_ms, ..ProofMark::default() };
    mark.write(notes, &settings.name)?;
    Ok(mark)
}

/// Looks at the hours that were not right, and at those that are over since; false if it is too early for that, as the sink is still
/// catching up.
async fn pass(
    store: &Path,
    settings: &SinkSettings,
    notes: &Notes,
    mark: &mut ProofMark,
    tell: &mut impl FnMut(ProofMark),
) -> Result<bool, String> {
    let own = Own::open(store, settings)?;
    let (Some(first_ms), Some(until_ms)) = (own.first_ms(), own.until_ms()) else { return Ok(false) };
    if own.is_early() {
        return Ok(false);
    }
    let begun_ms = mark.begun_ms(first_ms);
    let new = Hours::between(mark.looked_until_ms.unwrap_or(begun_ms), until_ms);
    if new.count == 0 && mark.open_hours_ms.is_empty() {
        // The receiver is not asked for nothing.
        return Ok(true);
    }
    let mut prover = Prover::connect(own, settings).await?;
    let open = mark.open_hours_ms.clone();
    let again = open.into_iter().map(|first_ms| Hours { first_ms, count: 1 });
    for hours in again.chain(new.stretches(PROOF_HOURS_AT_ONCE)) {
        let mut proof = prover.begin(hours);
        prover.prove(hours, true, &mut proof).await?;
        if proof.delivered_again > 0 {
            tracing::warn!(
                "sink {}: {} samples were delivered again, which the receiver had acknowledged and did not have",
                settings.name,
                proof.delivered_again
            );
        }
        mark.take(hours, &proof);
        mark.write(notes, &settings.name)?;
        tell(mark.clone());
    }
    Ok(true)
}

/// The time to the next look. Hosts look at different times.
fn until_next(now_ms: i64, settings: &SinkSettings) -> Duration {
    let after_ms = PROOF_AFTER_HOUR.as_millis() as u64;
    let spread_ms = fnv1a(settings.host.bytes().chain(settings.name.bytes())) % after_ms;
    let into_ms = now_ms.rem_euclid(HOUR_MS).unsigned_abs();
    let due_ms = after_ms + spread_ms;
    let rest_ms = if into_ms < due_ms { due_ms - into_ms } else { HOUR_MS.unsigned_abs() - into_ms + due_ms };
    Duration::from_millis(rest_ms)
}
