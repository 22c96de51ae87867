//! Thresholds that are otherwise than in the definition of their check.

use std::time::Duration;

use custos_compat::nagios;
use custos_store::{Bounds, State};

use crate::config::{ByteUnits, Check, OnMissing, Threshold, UnitRange, label_matcher};

/// What of the thresholds of a check is otherwise than in its definition.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changed {
    /// Only thresholds on metrics of this label, if given.
    pub metric: Option<String>,
    /// How long a threshold must be crossed.
    pub pending_for: Option<Duration>,
    /// The range for WARNING.
    pub warning: Option<UnitRange>,
    /// The range for CRITICAL.
    pub critical: Option<UnitRange>,
}

impl Changed {
    /// The check with what is changed. None if it has no threshold that this concerns.
    pub fn apply(&self, check: &Check) -> Option<Check> {
        let mut changed = check.clone();
        let mut any = false;
        for threshold in &mut changed.thresholds {
            if !self.metric.as_ref().is_none_or(|metric| threshold.is_for(metric)) {
                continue;
            }
            any = true;
            threshold.pending_for = self.pending_for.unwrap_or(threshold.pending_for);
            if self.warning.is_some() {
                threshold.warning.clone_from(&self.warning);
            }
            if self.critical.is_some() {
                threshold.critical.clone_from(&self.critical);
            }
        }
        any.then_some(changed)
    }

    /// The check with what is changed. A metric that is named and has no threshold gets one.
    ///
    /// # Errors
    /// There is nothing that this could be a change of.
    pub fn made(&self, check: &Check) -> Result<Check, String> {
        let has_range = self.warning.is_some() || self.critical.is_some();
        if !has_range && self.pending_for.is_none() {
            return Ok(check.clone());
        }
        if let Some(changed) = self.apply(check) {
            return Ok(changed);
        }
        let Some(metric) = self.metric.as_ref().filter(|_| has_range) else {
            return Err(format!("{} has no threshold to change: name a metric and a range", check.name));
        };
        let mut with_threshold = check.clone();
        with_threshold.thresholds.push(Threshold {
            metric: metric.clone(),
            matcher: label_matcher(metric)?,
            warning: self.warning.clone(),
            critical: self.critical.clone(),
            normal: None,
            pending_for: self.pending_for.unwrap_or_default(),
            rate: false,
            on_missing: OnMissing::State(State::Unknown),
        });
        Ok(with_threshold)
    }
}

/// A range as it is written, such as `80`, `10:`, `@5:10` or `90%`, in the units that a check's plugin prints.
///
/// # Errors
/// What is wrong with it.
pub fn written_range(text: &str, units: ByteUnits) -> Result<UnitRange, String> {
    let units = match units {
        ByteUnits::Si => nagios::ByteUnits::Si,
        ByteUnits::Iec => nagios::ByteUnits::Iec,
    };
    let parsed =
        nagios::UnitRange::parse(text, units).map_err(|error| format!("{text:?} is no range: {error}"))?;
    Ok(UnitRange {
        bounds: Bounds {
            start: parsed.range.start(),
            end: parsed.range.end(),
            inside: parsed.range.inside(),
        },
        unit: parsed.unit.map(str::to_owned),
        written: text.to_owned(),
    })
}
