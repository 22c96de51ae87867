//! Past times, and stretches of them.

/// Past times of which it is asked when rules were to be judged (ms since the epoch, both included).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Past {
    /// The first.
    pub from_ms: i64,
    /// The last.
    pub to_ms: i64,
    /// When they were judged last before that, if they were.
    pub judged_ms: Option<i64>,
}

/// Stretches (both ends included, ms since the epoch) of which the record of rules says when they were judged: at no other time in
/// there did time alone have anything judged. Ascending and apart.
#[derive(Clone, Debug, Default)]
pub struct Recorded(Vec<(i64, i64)>);

impl Recorded {
    /// Adds stretches that follow those that are known, ascending and apart.
    pub fn follow(&mut self, further: Vec<(i64, i64)>) {
        join(&mut self.0, further);
    }

    /// Whether something that is due at a time (ms since the epoch) without a sample was judged then, if it was judged at all, only
    /// as one of the times of the record.
    pub fn has(&self, time_ms: i64) -> bool {
        stretch_at(&self.0, time_ms).is_some()
    }
}

/// The stretches that lie in either of two, ascending and apart.
pub(super) fn either(one: Vec<(i64, i64)>, other: Vec<(i64, i64)>) -> Vec<(i64, i64)> {
    let mut both: Vec<(i64, i64)> = one.into_iter().chain(other).collect();
    both.sort_unstable();
    both.dedup_by(|next, kept| {
        let touches = next.0 <= kept.1;
        if touches {
            kept.1 = kept.1.max(next.1);
        }
        touches
    });
    both
}

/// The stretch that a time lies in.
pub(super) fn stretch_at(stretches: &[(i64, i64)], time_ms: i64) -> Option<(i64, i64)> {
    let after = stretches.partition_point(|(from_ms, _)| *from_ms <= time_ms);
    stretches[..after].last().copied().filter(|(_, end_ms)| time_ms < *end_ms)
}

/// Adds stretches that follow; one that begins where the last one ends becomes one with it.
pub(super) fn join(stretches: &mut Vec<(i64, i64)>, further: impl IntoIterator<Item = (i64, i64)>) {
    for (from_ms, to_ms) in further {
        match stretches.last_mut().filter(|last| last.1 == from_ms) {
            Some(last) => last.1 = to_ms,
            None => stretches.push((from_ms, to_ms)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_of_two_kinds_become_one_row() {
        let both = either(vec![(1, 5), (20, 30)], vec![(4, 8), (8, 9), (22, 25), (40, 41)]);
        assert_eq!(both, [(1, 9), (20, 30), (40, 41)]);
    }
}
