//! What a check ran because somebody watched it, drawn into its own curves.

use custos_query::{CheckEnvelope, EnvelopeRequest, ReadContext, watched_name};
use custos_store::Reader;

use crate::cli::read::Failure;
use crate::graph::Ribbon;

/// Joins what was watched of a check to what was asked for of it. Returns the states found then, if it was watched in that time at all.
pub(super) fn join_watched(
    request: &EnvelopeRequest<'_>,
    own: &mut CheckEnvelope,
    reader: &Reader,
    context: &mut ReadContext<'_>,
) -> Result<Option<Ribbon>, Failure> {
    let name = watched_name(request.check);
    if reader.runs(&name, request.span.clone()).next().is_none() {
        return Ok(None);
    }
    let request = EnvelopeRequest { check: &name, holds_until_ms: None, ..request.clone() };
    let CheckEnvelope { series, states } = request.read(reader, context)?;
    for (own, watched) in own.series.iter_mut().zip(&series) {
        own.join(watched);
    }
    Ok(Some(Ribbon { title: name, states }))
}
