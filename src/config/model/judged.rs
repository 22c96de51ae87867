//! What of the definition of a check its runs are judged by, as data for another process.

use std::time::Duration;

use custos_store::{Bounds, State};
use globset::{GlobBuilder, GlobMatcher};
use serde::{Deserialize, Serialize};

use super::{ByteUnits, Check, OnMissing, OutsideNormal, Threshold, Tolerance, UnitRange, implicit_check};

/// What of the definition of a check its runs are judged by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JudgedCheck {
    /// Its name.
    pub name: String,
    /// Runs that must agree before a problem is hard.
    pub max_check_attempts: u32,
    volatile: bool,
    flapping: Option<(f64, f64)>,
    intervals: (Duration, Duration),
    timeout: Duration,
    /// Whether KB, MB, … are powers of 1024.
    binary: bool,
    evaluate_perfdata: bool,
    /// Limits of its own on its metrics.
    pub thresholds: Vec<JudgedThreshold>,
}

/// A limit on metrics.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JudgedThreshold {
    /// A label, or a glob over labels.
    pub metric: String,
    /// The range for WARNING.
    pub warning: Option<JudgedRange>,
    /// The range for CRITICAL.
    pub critical: Option<JudgedRange>,
    /// Whether it is on what is normal.
    pub normal: Option<JudgedNormal>,
    /// How long it must be crossed.
    pub pending_for: Duration,
    /// Whether it is on how fast a counter grows.
    pub rate: bool,
    /// The code of the state of a run without such a metric; none to go by the last run.
    on_missing: Option<u8>,
}

/// What is outside of what is normal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JudgedNormal {
    /// Whether it is CRITICAL, rather than WARNING.
    pub critical: bool,
    /// How far outside is tolerated: times the width of the band, where there is no amount.
    pub bands: f64,
    /// How far outside is tolerated.
    pub amount: Option<f64>,
    unit: Option<String>,
    /// The tolerance as it is written.
    pub written: String,
}

/// A range.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JudgedRange {
    /// The lower bound; none without one.
    pub start: Option<f64>,
    /// The upper bound; none without one.
    pub end: Option<f64>,
    /// Whether values within are judged so, rather than those outside.
    pub inside: bool,
    unit: Option<String>,
    /// The range as it is written.
    pub written: String,
}

impl JudgedCheck {
    /// What a check is judged by.
    pub fn of(check: &Check) -> JudgedCheck {
        JudgedCheck {
            name: check.name.clone(),
            max_check_attempts: check.max_check_attempts,
            volatile: check.volatile,
            flapping: check.flapping,
            intervals: (check.check_interval, check.retry_interval),
            timeout: check.timeout,
            binary: check.byte_units == ByteUnits::Iec,
            evaluate_perfdata: check.evaluate_perfdata,
            thresholds: check.thresholds.iter().map(JudgedThreshold::of).collect(),
        }
    }

    /// A check that is judged so, and does nothing.
    ///
    /// # Errors
    /// A pattern of a metric is none.
    pub fn check(&self) -> Result<Check, String> {
        Ok(Check {
            max_check_attempts: self.max_check_attempts,
            volatile: self.volatile,
            flapping: self.flapping,
            check_interval: self.intervals.0,
            retry_interval: self.intervals.1,
            timeout: self.timeout,
            byte_units: if self.binary { ByteUnits::Iec } else { ByteUnits::Si },
            evaluate_perfdata: self.evaluate_perfdata,
            thresholds: self.thresholds.iter().map(JudgedThreshold::threshold).collect::<Result<_, _>>()?,
            ..implicit_check(&self.name)
        })
    }
}

impl JudgedThreshold {
    fn of(threshold: &Threshold) -> JudgedThreshold {
        JudgedThreshold {
            metric: threshold.metric.clone(),
            warning: threshold.warning.as_ref().map(JudgedRange::of),
            critical: threshold.critical.as_ref().map(JudgedRange::of),
            normal: threshold.normal.as_ref().map(JudgedNormal::of),
            pending_for: threshold.pending_for,
            rate: threshold.rate,
            on_missing: match threshold.on_missing {
                OnMissing::State(state) => Some(state.code()),
                OnMissing::Keep => None,
            },
        }
    }

    fn threshold(&self) -> Result<Threshold, String> {
        Ok(Threshold {
            metric: self.metric.clone(),
            matcher: label_matcher(&self.metric)?,
            warning: self.warning.as_ref().map(JudgedRange::range),
            critical: self.critical.as_ref().map(JudgedRange::range),
            normal: self.normal.as_ref().map(JudgedNormal::normal),
            pending_for: self.pending_for,
            rate: self.rate,
            on_missing: match self.on_missing {
                Some(code) => OnMissing::State(State::from_code(code).unwrap_or(State::Unknown)),
                None => OnMissing::Keep,
            },
        })
    }
}

impl JudgedNormal {
    fn of(normal: &OutsideNormal) -> JudgedNormal {
        let (bands, amount, unit) = match &normal.tolerance {
            Tolerance::Bands(bands) => (*bands, None, None),
            Tolerance::By { amount, unit, .. } => (0.0, Some(*amount), unit.clone()),
        };
        let critical = normal.state == State::Critical;
        JudgedNormal { critical, bands, amount, unit, written: normal.tolerance.to_string() }
    }

    fn normal(&self) -> OutsideNormal {
        let tolerance = match self.amount {
            None => Tolerance::Bands(self.bands),
            Some(amount) => Tolerance::By { amount, unit: self.unit.clone(), written: self.written.clone() },
        };
        let state = if self.critical { State::Critical } else { State::Warning };
        OutsideNormal { state, tolerance }
    }
}

impl JudgedRange {
    fn of(range: &UnitRange) -> JudgedRange {
        let finite = |bound: f64| bound.is_finite().then_some(bound);
        JudgedRange {
            start: finite(range.bounds.start),
            end: finite(range.bounds.end),
            inside: range.bounds.inside,
            unit: range.unit.clone(),
            written: range.written.clone(),
        }
    }

    fn range(&self) -> UnitRange {
        let bounds = Bounds {
            start: self.start.unwrap_or(f64::NEG_INFINITY),
            end: self.end.unwrap_or(f64::INFINITY),
            inside: self.inside,
        };
        UnitRange { bounds, unit: self.unit.clone(), written: self.written.clone() }
    }
}

/// What matches the labels of metrics that a pattern means.
///
/// # Errors
/// It is no pattern.
pub fn label_matcher(metric: &str) -> Result<GlobMatcher, String> {
    let glob = GlobBuilder::new(metric).literal_separator(false).backslash_escape(true).build();
    let glob = glob.map_err(|error| format!("{metric:?} is no metric: {}", error.kind()))?;
    Ok(glob.compile_matcher())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_is_judged_as_it_was_told_to_be() {
        let bounds = Bounds { start: f64::NEG_INFINITY, end: 5.5, inside: false };
        let range = UnitRange { bounds, unit: Some("B".to_owned()), written: "~:5.5B".to_owned() };
        let threshold = Threshold {
            metric: "a*".to_owned(),
            matcher: label_matcher("a*").unwrap(),
            warning: None,
            critical: Some(range),
            normal: Some(OutsideNormal {
                state: State::Warning,
                tolerance: Tolerance::By { amount: 5.0, unit: None, written: "5".to_owned() },
            }),
            pending_for: Duration::from_millis(90_001),
            rate: true,
            on_missing: OnMissing::Keep,
        };
        let check = Check {
            max_check_attempts: 3,
            flapping: None,
            byte_units: ByteUnits::Iec,
            evaluate_perfdata: true,
            thresholds: vec![threshold],
            ..implicit_check("c")
        };
        let told = serde_json::to_string(&JudgedCheck::of(&check)).unwrap();
        let judged: JudgedCheck = serde_json::from_str(&told).unwrap();
        assert_eq!(judged.check().unwrap(), check);
        assert!(label_matcher("[").is_err());
    }
}
