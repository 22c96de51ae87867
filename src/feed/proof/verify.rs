//! A proof that somebody asks for.

use std::path::Path;

use custos_store::Notes;

use super::dispute::Proof;
use super::hours::Hours;
use super::mark::ProofMark;
use super::own::Own;
use super::prover::{Prover, asked};
use crate::feed::sink::SinkSettings;
use crate::limits::PROOF_HOURS_AT_ONCE;

/// What is to be proven.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wish {
    /// From the hour of this time on (ms since the epoch); from where the sink began if that is none.
    pub since_ms: Option<i64>,
    /// Whether what is missing is delivered again.
    pub repair: bool,
}

/// Proves that the receiver of a sink has what the store in a directory has, up to the last hour that was delivered a minute ago.
///
/// # Errors
/// The store cannot be read, nothing was delivered yet, or the receiver does not answer.
pub fn verify(store: &Path, settings: &SinkSettings, wish: Wish) -> Result<Proof, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| error.to_string())?.block_on(verified(store, settings, wish))
}

async fn verified(store: &Path, settings: &SinkSettings, wish: Wish) -> Result<Proof, String> {
    asked(settings)?;
    let own = Own::open(store, settings)?;
    let mark = ProofMark::read(&Notes::new(store), &settings.name)?.unwrap_or_default();
    let first_ms = mark.begun_ms(own.first_ms().ok_or("nothing is stored")?);
    let from_ms = wish.since_ms.map_or(first_ms, |since_ms| since_ms.max(first_ms));
    let until_ms = own.until_ms().ok_or("nothing is known to be delivered yet")?;
    let hours = Hours::between(from_ms, until_ms);
    if hours.count == 0 {
        return Err("no hour is over and was delivered a minute ago".to_owned());
    }
    let mut prover = Prover::connect(own, settings).await?;
    let mut proof = prover.begin(hours);
    for stretch in hours.stretches(PROOF_HOURS_AT_ONCE) {
        prover.prove(stretch, wish.repair, &mut proof).await?;
    }
    Ok(proof)
}
