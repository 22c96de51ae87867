//! How far apart the runs of a check usually are, from their distances alone and in little memory.

/// Distances in classes that grow by an eighth of a power of two.
#[derive(Clone, Debug)]
pub struct Intervals {
    counts: Vec<u64>,
    last_ms: Option<i64>,
}

const CLASSES_PER_POWER: usize = 8;
const CLASSES: usize = 64 * CLASSES_PER_POWER;
/// Share of the distances that count as usual. Retries make some distances shorter.
const USUAL: f64 = 0.75;

/// The class of a distance.
fn class(distance_ms: i64) -> usize {
    let class = ((distance_ms.max(1) as f64).log2() * CLASSES_PER_POWER as f64) as usize;
    class.min(CLASSES - 1)
}

impl Default for Intervals {
    fn default() -> Intervals {
        Intervals { counts: vec![0; CLASSES], last_ms: None }
    }
}

impl Intervals {
    /// Takes in the time of the next run.
    pub fn add(&mut self, time_ms: i64) {
        if let Some(last_ms) = self.last_ms.replace(time_ms) {
            self.counts[class(time_ms.saturating_sub(last_ms))] += 1;
        }
    }

    /// Whether distances between these two count as the same (ms).
    pub fn are_alike(least_ms: i64, greatest_ms: i64) -> bool {
        class(least_ms) == class(greatest_ms)
    }

    /// Takes in further runs after the one that was taken in last, as far apart as this or [alike](Intervals::are_alike), and the time
    /// of the last of them.
    pub fn add_alike(&mut self, count: u64, apart_ms: i64, last_ms: i64) {
        self.counts[class(apart_ms)] += count;
        self.last_ms = Some(last_ms);
    }

    /// The longest usual distance, in milliseconds; none with fewer than two runs.
    pub fn usual_ms(&self) -> Option<i64> {
        let total: u64 = self.counts.iter().sum();
        let mut left = (total as f64 * USUAL).ceil() as u64;
        let class = self.counts.iter().position(|&count| {
            left = left.saturating_sub(count);
            count > 0 && left == 0
        })?;
        // The upper end of the class.
        Some(2_f64.powf((class + 1) as f64 / CLASSES_PER_POWER as f64).ceil() as i64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usual(times: impl IntoIterator<Item = i64>) -> Option<i64> {
        let mut intervals = Intervals::default();
        times.into_iter().for_each(|time_ms| intervals.add(time_ms));
        intervals.usual_ms()
    }

    #[test]
    fn the_usual_distance_is_neither_the_retries_nor_the_gaps() {
        let near = |found: Option<i64>, expected: i64| {
            let found = found.unwrap();
            assert!((expected..=expected * 10 / 9).contains(&found), "{found} for {expected}");
        };
        near(usual((0..100).map(|index| index * 10_000)), 10_000);
        near(usual((0..50).map(|index| index * 10_000).chain([9_000_000, 9_010_000])), 10_000);
        near(usual((0..20).map(|index| index * 5_000).chain((11..90).map(|index| index * 10_000))), 10_000);
        near(usual([0, 60_000]), 60_000);
    }

    #[test]
    fn few_or_strange_times_are_no_trouble() {
        assert_eq!(usual([]), None);
        assert_eq!(usual([5]), None);
        assert!(usual([5, 5, 5]).unwrap() <= 2);
        assert!(usual([9, 5]).unwrap() <= 2);
        assert!(usual([i64::MIN, i64::MAX]).is_some());
    }
}
