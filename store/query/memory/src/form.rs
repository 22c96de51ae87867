//! The forms of distance.

use crate::limits::{DISTANCE_MAX, HEIGHT_WEIGHT};

/// What makes two curves alike.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// Their shape, and their height by its ratio: 1 - correlation + ¼ ln²(ratio). The level does not matter.
    #[default]
    Usual,
    /// Their shape alone: 1 - correlation.
    AnyHeight,
    /// Their values: the mean square of the difference, in units in which that of two curves of equal level and height is
    /// 1 - correlation.
    ExactLevel,
}

/// What is known of a window of history against what is searched for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sums {
    /// Points that count.
    pub(crate) count: f64,
    /// Sum of products of the deviations of both.
    pub(crate) products: f64,
    /// Sum of squared deviations of what is searched for, and of the window.
    pub(crate) squares: [f64; 2],
    /// Mean of what is searched for, and of the window.
    pub(crate) means: [f64; 2],
}

/// By what deviations are measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Scales {
    /// The deviation of the series that what is searched for is from, over that of the series searched: what a ratio of heights
    /// is multiplied by.
    pub(crate) ratio: f64,
    /// A window with less deviation is flat.
    pub(crate) flat: f64,
    /// The least deviation that what is searched for counts as having.
    pub(crate) flat_asked: f64,
}

impl Sums {
    /// The correlation; 0 if one of both does not vary.
    pub(crate) fn correlation(&self) -> f64 {
        let squares = self.squares[0] * self.squares[1];
        if squares > 0.0 { (self.products / squares.sqrt()).clamp(-1.0, 1.0) } else { 0.0 }
    }

    /// The height of the window over that of what is searched for.
    pub(crate) fn height(&self) -> f64 {
        if self.squares[0] > 0.0 { (self.squares[1] / self.squares[0]).sqrt() } else { 1.0 }
    }

    /// The distance; none if the window is flat, or of another shape altogether, where shape counts.
    pub(crate) fn distance(&self, form: Form, scales: &Scales) -> Option<f64> {
        if form == Form::ExactLevel {
            let asked = (self.squares[0] / self.count).max(scales.flat_asked * scales.flat_asked);
            let level = self.means[1] - self.means[0];
            let difference =
                self.squares[0] + self.squares[1] - 2.0 * self.products + self.count * level * level;
            let distance = difference.max(0.0) / (2.0 * self.count * asked);
            return (distance < DISTANCE_MAX).then_some(distance);
        }
        let deviation = (self.squares[1] / self.count).sqrt();
        let correlation = self.correlation();
        if deviation <= scales.flat || correlation <= 0.0 {
            return None;
        }
        let height = match form {
            Form::AnyHeight => 0.0,
            _ => HEIGHT_WEIGHT * (self.height() * scales.ratio).ln().powi(2),
        };
        Some(1.0 - correlation + height).filter(|distance| *distance < DISTANCE_MAX)
    }
}
