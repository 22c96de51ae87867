//! What is searched for: a curve, at each of the lengths that it may have.

use std::fmt;

use crate::block::bridge;
use crate::bucket::Buckets;
use crate::form::{Form, Scales};
use crate::limits::{EMPTY_ONE_IN, FLAT_SHARE, FULL_POINTS_MAX, LENGTHS, POINTS_MIN};

/// Why a stretch cannot be searched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// It has too few points.
    Short,
    /// It has too many.
    Long,
    /// Too much of it is missing.
    Gaps,
    /// It does not vary, so it has no shape.
    Flat,
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unfit::Short => write!(f, "it has fewer than {POINTS_MIN} samples"),
            Unfit::Long => write!(f, "it has more than {FULL_POINTS_MAX} samples"),
            Unfit::Gaps => write!(f, "more than a fifth of it has no samples"),
            Unfit::Flat => write!(f, "it is flat: it has no shape that others could have"),
        }
    }
}

/// A curve that is searched for.
#[derive(Clone, Debug)]
pub struct Pattern {
    pub(crate) form: Form,
    /// The deviation of its series, see [`spread`](crate::spread()).
    spread: f64,
    /// The curve at each length.
    pub(crate) scaled: Vec<Scaled>,
}

/// The curve at one length.
#[derive(Clone, Debug)]
pub(crate) struct Scaled {
    /// How long it is against the original.
    pub(crate) length: f64,
    /// Least, mean and greatest values.
    pub(crate) curves: [Vec<f64>; 3],
    /// Mean of the means.
    pub(crate) mean: f64,
    /// Sum of the squared deviations of the means.
    pub(crate) squares: f64,
    /// Deviations of the means, so scaled that their squares add up to 1; all 0 if there are none.
    pub(crate) unit: Vec<f32>,
}

impl Scaled {
    fn new(curves: [Vec<f64>; 3], length: f64) -> Scaled {
        let count = curves[1].len() as f64;
        let mean = curves[1].iter().map(|value| value / count).sum::<f64>();
        let squares = curves[1].iter().map(|value| (value - mean).powi(2)).sum::<f64>();
        let norm = if squares > 0.0 { squares.sqrt() } else { 1.0 };
        let unit = curves[1].iter().map(|value| ((value - mean) / norm) as f32).collect();
        Scaled { length, curves, mean, squares, unit }
    }
}

impl Pattern {
    /// The curve of these buckets, to be searched for by a form of distance. `spread` is the deviation of its series.
    ///
    /// # Errors
    /// Why it cannot be searched for.
    pub fn new(buckets: &Buckets, spread: f64, form: Form) -> Result<Pattern, Unfit> {
        let len = buckets.len();
        if len < POINTS_MIN {
            return Err(Unfit::Short);
        }
        if len > FULL_POINTS_MAX {
            return Err(Unfit::Long);
        }
        let is_empty: Vec<bool> = buckets.counts.iter().map(|count| *count == 0).collect();
        if is_empty.iter().filter(|empty| **empty).count() * EMPTY_ONE_IN > len {
            return Err(Unfit::Gaps);
        }
        let curve = |of: &dyn Fn(usize) -> Option<f64>| {
            let mut curve: Vec<f64> = (0..len).map(|index| of(index).unwrap_or(f64::NAN)).collect();
            bridge(&mut curve, &is_empty, len);
            extend_ends(&mut curve);
            curve
        };
        let curves = [
            curve(&|index| buckets.range(index).map(|(least, _)| least)),
            curve(&|index| buckets.mean(index)),
            curve(&|index| buckets.range(index).map(|(_, greatest)| greatest)),
        ];
        let original = Scaled::new(curves, 1.0);
        let deviation = (original.squares / len as f64).sqrt();
        if form != Form::ExactLevel && (deviation <= spread * FLAT_SHARE || original.squares == 0.0) {
            return Err(Unfit::Flat);
        }
        let scaled = LENGTHS.iter().map(|length| original.stretched(*length)).collect();
        Ok(Pattern { form, spread, scaled })
    }

    /// Number of points at the original length.
    pub fn points(&self) -> usize {
        self.scaled[0].unit.len()
    }

    /// Number of points of the longest.
    pub fn points_max(&self) -> usize {
        self.scaled.iter().map(|scaled| scaled.unit.len()).max().unwrap_or(0)
    }

    /// Starts nearer than this to that of a better one do not count.
    pub fn zone(&self) -> usize {
        (self.points() / 2).max(1)
    }

    /// By what deviations are measured in a series of this deviation. A series whose deviation is not known is taken to have that
    /// of the pattern's.
    pub(crate) fn scales(&self, spread: f64) -> Scales {
        let is_known = spread > 0.0 && self.spread > 0.0;
        let deviation = (self.scaled[0].squares / self.points() as f64).sqrt();
        Scales {
            ratio: if is_known { self.spread / spread } else { 1.0 },
            flat: if spread > 0.0 { spread * FLAT_SHARE } else { deviation * FLAT_SHARE },
            flat_asked: (self.spread * FLAT_SHARE).max(f64::MIN_POSITIVE.sqrt()),
        }
    }
}

impl Scaled {
    /// The curve at another length, values between points by a straight line.
    fn stretched(&self, length: f64) -> Scaled {
        let len = self.unit.len();
        let wanted = ((len as f64 * length).round() as usize).max(2);
        if wanted == len {
            return Scaled { length: 1.0, ..self.clone() };
        }
        let at = |curve: &[f64], index: usize| {
            let place = (index as f64 + 0.5) * len as f64 / wanted as f64 - 0.5;
            let place = place.clamp(0.0, (len - 1) as f64);
            let before = place.floor() as usize;
            let after = (before + 1).min(len - 1);
            curve[before] + (curve[after] - curve[before]) * (place - before as f64)
        };
        let curves = self
            .curves
            .each_ref()
            .map(|curve| (0..wanted).map(|index| at(curve, index)).collect::<Vec<f64>>());
        Scaled::new(curves, wanted as f64 / len as f64)
    }
}

/// Gives the ends of a curve that have no value that of the nearest that has one.
fn extend_ends(curve: &mut [f64]) {
    let Some(first) = curve.iter().position(|value| !value.is_nan()) else { return };
    let last = curve.iter().rposition(|value| !value.is_nan()).unwrap_or(first);
    let (start, end) = (curve[first], curve[last]);
    curve[..first].fill(start);
    curve[last + 1..].fill(end);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buckets(values: &[Option<f64>]) -> Buckets {
        let mut buckets = Buckets::new(0, 1, values.len());
        for (index, value) in values.iter().enumerate() {
            value.iter().for_each(|value| buckets.add(index as i64, *value));
        }
        buckets
    }

    #[test]
    fn what_has_no_shape_is_refused_with_the_reason() {
        let pattern = |values: &[Option<f64>], form| Pattern::new(&buckets(values), 1.0, form).map(|_| ());
        let some: Vec<Option<f64>> = (0..20).map(|at| Some(f64::from(at))).collect();
        assert_eq!(pattern(&some, Form::Usual), Ok(()));
        assert_eq!(pattern(&some[..7], Form::Usual), Err(Unfit::Short));
        assert_eq!(pattern(&[Some(1.0); 20], Form::Usual), Err(Unfit::Flat));
        assert_eq!(pattern(&[Some(1.0); 20], Form::ExactLevel), Ok(()));
        let mut gaps = some.clone();
        gaps[..5].fill(None);
        assert_eq!(pattern(&gaps, Form::Usual), Err(Unfit::Gaps));
        gaps[4] = some[4];
        let pattern = Pattern::new(&buckets(&gaps), 1.0, Form::Usual).unwrap();
        assert_eq!(pattern.scaled[0].curves[1][..6], [4.0, 4.0, 4.0, 4.0, 4.0, 5.0]);
    }

    #[test]
    fn a_line_stays_a_line_at_every_length() {
        let line: Vec<Option<f64>> = (0..40).map(|at| Some(f64::from(at))).collect();
        let pattern = Pattern::new(&buckets(&line), 1.0, Form::Usual).unwrap();
        let lengths: Vec<usize> = pattern.scaled.iter().map(|scaled| scaled.unit.len()).collect();
        assert_eq!(lengths, [40, 36, 44, 32, 50]);
        for scaled in &pattern.scaled {
            let steps: Vec<f64> = scaled.curves[1].windows(2).map(|pair| pair[1] - pair[0]).collect();
            let inner = &steps[1..steps.len() - 1];
            assert!(inner.iter().all(|step| (step - 1.0 / scaled.length).abs() < 1e-9), "{steps:?}");
            assert!((scaled.unit.iter().map(|value| value * value).sum::<f32>() - 1.0).abs() < 1e-5);
        }
    }
}
