//! Instances and provenance within the JSON of a run.

use std::borrow::Cow;
use std::collections::BTreeMap;

use custos_store::{Consolidation, Instance, Instances, Provenance};
use serde::{Deserialize, Serialize};

use super::number::Number;
use super::state::{bad, state};
use crate::error::Result;

/// One of the things that a check judges at once.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct InstanceLine<'a> {
    labels: BTreeMap<Cow<'a, str>, Cow<'a, str>>,
    state: Cow<'a, str>,
    since_ms: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pending_since_ms: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seen_ms: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value: Option<Number>,
    #[serde(default, skip_serializing_if = "str::is_empty")]
    text: Cow<'a, str>,
}

/// Of what a consolidated value was made.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ConsolidationLine<'a> {
    pub(super) span_ms: u64,
    pub(super) function: Cow<'a, str>,
}

impl<'a> InstanceLine<'a> {
    pub(super) fn new(instance: &'a Instance) -> InstanceLine<'a> {
        let labels = instance.labels.iter().map(|(name, value)| (name.into(), value.into()));
        InstanceLine {
            labels: labels.collect(),
            state: instance.state.name().into(),
            since_ms: instance.since_ms,
            pending_since_ms: instance.pending_since_ms,
            seen_ms: instance.seen_ms,
            value: instance.value.map(Number),
            text: (&instance.text).into(),
        }
    }

    fn into_instance(self) -> Result<Instance> {
        let labels = self.labels.into_iter().map(|(name, value)| (name.into(), value.into()));
        Ok(Instance {
            labels: labels.collect(),
            state: state(&self.state)?,
            since_ms: self.since_ms,
            pending_since_ms: self.pending_since_ms,
            seen_ms: self.seen_ms,
            value: self.value.map(|number| number.0),
            text: self.text.into(),
        })
    }
}

pub(super) fn instances(lines: Vec<InstanceLine<'_>>) -> Result<Instances> {
    let all = lines.into_iter().map(InstanceLine::into_instance).collect::<Result<Vec<_>>>()?;
    Instances::new(all).map_err(|error| bad(format!("failed to {error}")))
}

pub(super) fn provenance(
    name: Option<Cow<'_, str>>,
    consolidation: Option<ConsolidationLine<'_>>,
) -> Result<Provenance> {
    if let Some(line) = consolidation {
        let function = Consolidation::ALL.into_iter().find(|function| function.name() == line.function);
        let function = function.ok_or_else(|| bad(format!("{:?} is no consolidation", line.function)))?;
        return Ok(Provenance::Consolidated { span_ms: line.span_ms, function });
    }
    let Some(name) = name else { return Ok(Provenance::default()) };
    let all = [Provenance::Scheduled, Provenance::Asked, Provenance::Submitted, Provenance::Watched];
    let found = all.into_iter().find(|provenance| provenance.name() == name);
    found.ok_or_else(|| bad(format!("{name:?} is no provenance, or lacks its consolidation")))
}
