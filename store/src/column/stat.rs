//! Extremes and sums of values.

/// The extremes and the sum of some values. NaN is left out of the extremes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Stat {
    pub(crate) min: f64,
    pub(crate) max: f64,
    pub(crate) sum: f64,
}

impl Stat {
    /// The statistics of no values.
    pub(crate) const EMPTY: Stat = Stat { min: f64::INFINITY, max: f64::NEG_INFINITY, sum: 0.0 };

    pub(crate) fn of(floats: &[f64]) -> Stat {
        // In lanes, so that no addition waits for the one before. A comparison with NaN is false and leaves it out.
        const LANES: usize = 8;
        let (mut min, mut max, mut sum) = ([f64::INFINITY; LANES], [f64::NEG_INFINITY; LANES], [0.0; LANES]);
        let mut add = |lane: usize, float: f64| {
            min[lane] = if float < min[lane] { float } else { min[lane] };
            max[lane] = if float > max[lane] { float } else { max[lane] };
            sum[lane] += float;
        };
        let (whole, rest) = floats.as_chunks::<LANES>();
        whole.iter().for_each(|floats| (0..LANES).for_each(|lane| add(lane, floats[lane])));
        rest.iter().enumerate().for_each(|(lane, float)| add(lane, *float));
        Stat {
            min: min.into_iter().fold(f64::INFINITY, f64::min),
            max: max.into_iter().fold(f64::NEG_INFINITY, f64::max),
            sum: sum.into_iter().sum(),
        }
    }

    pub(crate) fn add(&mut self, other: Stat) {
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.sum += other.sum;
    }
}
