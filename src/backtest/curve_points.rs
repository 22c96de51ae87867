//! Points of a curve of thresholds: which thresholds, and where its knee is.

use crate::limits::CURVE_POINTS_MAX;

/// What a threshold would have come to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CurvePoint {
    /// The threshold.
    pub threshold: f64,
    /// How many alerts there would have been.
    pub alerts: u64,
    /// For how many hours they would have fired, all together.
    pub hours: f64,
}

/// Round numbers from at most the least value to at least the greatest, equally far apart.
pub fn round_thresholds(least: f64, most: f64) -> Vec<f64> {
    if !(least.is_finite() && most.is_finite() && least <= most) {
        return Vec::new();
    }
    let wanted = (most - least) / (CURVE_POINTS_MAX as f64 / 2.0);
    if wanted <= 0.0 || !wanted.is_normal() {
        return vec![least];
    }
    let magnitude = 10_f64.powf(wanted.log10().floor());
    let step =
        [1.0, 2.0, 5.0, 10.0].into_iter().map(|factor| factor * magnitude).find(|step| *step >= wanted);
    let step = step.unwrap_or(wanted);
    let (first, last) = ((least / step).floor(), (most / step).ceil());
    let count = ((last - first) as usize).saturating_add(1).min(CURVE_POINTS_MAX);
    // A step below one is divided by its inverse, so that 0.3 is 0.3.
    let inverse = (1.0 / step).round();
    let place = |index: usize| match first + index as f64 {
        multiple if step < 1.0 => multiple / inverse,
        multiple => multiple * step,
    };
    let mut all: Vec<f64> = (0..count).map(place).collect();
    all.dedup();
    all
}

/// The threshold from which on raising it further no longer spares much: where the curve of hours lies deepest below the
/// straight line from its highest to its lowest point. None of a curve that has no such place.
pub fn knee(points: &[CurvePoint], is_below: bool) -> Option<CurvePoint> {
    let mut firing: Vec<CurvePoint> = points.iter().copied().filter(|point| point.alerts > 0).collect();
    if is_below {
        firing.reverse();
    }
    let (first, last) = (firing.first().copied()?, firing.last().copied()?);
    let span = (last.threshold - first.threshold, first.hours - last.hours);
    if span.0 == 0.0 || span.1 <= 0.0 {
        return None;
    }
    let depth = |point: &CurvePoint| {
        let along = (point.threshold - first.threshold) / span.0;
        let down = (first.hours - point.hours) / span.1;
        down - along
    };
    let deepest = firing.into_iter().max_by(|one, other| depth(one).total_cmp(&depth(other)))?;
    (depth(&deepest) > 0.0).then_some(deepest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_round_and_cover_all_values() {
        let thresholds = round_thresholds(0.0, 100.0);
        assert_eq!((thresholds[0], thresholds[1], thresholds.len()), (0.0, 0.2, 501));
        assert_eq!(thresholds.last(), Some(&100.0));
        let thresholds = round_thresholds(-0.013, 0.97);
        assert!(thresholds[0] <= -0.013 && *thresholds.last().unwrap() >= 0.97);
        assert!(thresholds.contains(&0.3) && thresholds.len() <= CURVE_POINTS_MAX);
        let thresholds = round_thresholds(1.0, 3e9);
        assert!(thresholds.len() > 200 && thresholds[1] == 1e7, "{:?}", &thresholds[..3]);
        assert_eq!(round_thresholds(5.0, 5.0), [5.0]);
        assert_eq!(round_thresholds(5.0, f64::INFINITY), [] as [f64; 0]);
        assert_eq!(round_thresholds(f64::INFINITY, f64::NEG_INFINITY), [] as [f64; 0]);
    }

    #[test]
    fn the_knee_is_where_raising_no_longer_spares_much() {
        let point = |threshold: f64, hours: f64| CurvePoint { threshold, alerts: 1, hours };
        let curve: Vec<CurvePoint> = [100.0, 60.0, 30.0, 8.0, 6.0, 5.0, 4.0, 3.0]
            .iter()
            .zip(0..)
            .map(|(hours, at)| point(f64::from(at), *hours))
            .collect();
        assert_eq!(knee(&curve, false).map(|point| point.threshold), Some(3.0));
        let mut below = curve.clone();
        below.iter_mut().for_each(|point| point.threshold = -point.threshold);
        below.reverse();
        assert_eq!(knee(&below, true).map(|point| point.threshold), Some(-3.0));
        assert_eq!(knee(&curve[..1], false), None);
        assert_eq!(knee(&[point(1.0, 3.0), point(2.0, 2.0), point(3.0, 1.0)], false), None);
    }
}
