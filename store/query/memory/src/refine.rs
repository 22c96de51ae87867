//! The nearest stretches, compared in all that is known of them.

use crate::form::{Form, Sums};
use crate::limits::HEIGHT_WEIGHT;
use crate::pattern::{Pattern, Scaled};
use crate::profile::sums_of;
use crate::search::Candidate;
use crate::warp::{resampled, warped};

/// How a stretch compares with what is searched for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Likeness {
    /// By which it is ranked.
    pub(crate) distance: f64,
    pub(crate) correlation: f64,
    pub(crate) height: f64,
    pub(crate) level: f64,
}

impl Candidate {
    /// How it compares with the pattern that it was found by: by least, mean and greatest values, so that a spike within a bucket
    /// counts, or bending time.
    pub(crate) fn likeness(&self, pattern: &Pattern, warp: bool) -> Likeness {
        let scaled = &pattern.scaled[self.scaled];
        let Some(means) = sums_of(&scaled.curves[1], &self.curves[1]) else {
            return Likeness { distance: f64::INFINITY, correlation: 0.0, height: 1.0, level: 0.0 };
        };
        let all = sums_of(&scaled.curves.concat(), &self.curves.concat());
        let by_all = all.and_then(|all| all.distance(pattern.form, &self.scales));
        let distance = match warp {
            true => self.warped(scaled, pattern, &means),
            false => by_all.unwrap_or(self.distance),
        };
        let level = means.means[1] - means.means[0];
        Likeness { distance, correlation: means.correlation(), height: means.height(), level }
    }

    /// The distance if time may be bent.
    fn warped(&self, scaled: &Scaled, pattern: &Pattern, means: &Sums) -> f64 {
        let asked = (means.squares[0] / means.count).sqrt().max(self.scales.flat_asked);
        let found = (means.squares[1] / means.count).sqrt().max(self.scales.flat);
        let root = means.count.sqrt();
        let (own, theirs) = match pattern.form {
            Form::ExactLevel => ((means.means[0], asked), (means.means[0], asked)),
            _ => ((means.means[0], asked), (means.means[1], found)),
        };
        let unit = |curve: &[f64], (mean, deviation): (f64, f64), fill: &[f64], of: (f64, f64)| -> Vec<f64> {
            let values = curve.iter().zip(fill);
            // Where the stretch has no value, it is as was asked for.
            values
                .map(|(value, fill)| match value.is_nan() {
                    true => (fill - of.0) / (of.1 * root),
                    false => (value - mean) / (deviation * root),
                })
                .collect()
        };
        let one = unit(&scaled.curves[1], own, &scaled.curves[1], own);
        let other = unit(&self.curves[1], theirs, &scaled.curves[1], own);
        let points = pattern.points().min(one.len());
        let bent =
            warped(&resampled(&one, points), &resampled(&other, points)) * one.len() as f64 / points as f64;
        match pattern.form {
            Form::Usual => bent + HEIGHT_WEIGHT * (found / asked * self.scales.ratio).ln().powi(2),
            Form::AnyHeight | Form::ExactLevel => bent,
        }
    }
}
