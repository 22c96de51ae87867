//! One threshold after the other: alerts that go on firing for a while after the last value beyond it.

use super::condition::Condition;

/// How many alerts there are and for how long they fire (ms), of values at these times that are beyond a threshold as
/// `is_beyond` says. The last fires up to `end_ms`.
pub(super) fn kept_alerts(
    times: &[i64],
    values: &[f64],
    end_ms: i64,
    condition: Condition,
    is_beyond: impl Fn(f64) -> bool,
) -> (i64, i64) {
    let (mut alerts, mut ms) = (0, 0);
    let mut pending = Pending::default();
    let (mut firing_ms, mut kept_ms): (Option<i64>, Option<i64>) = (None, None);
    for (time_ms, value) in times.iter().copied().zip(values) {
        match (is_beyond(*value), firing_ms) {
            (true, Some(_)) => kept_ms = None,
            (true, None) => {
                if pending.confirms(time_ms, condition) {
                    (firing_ms, alerts) = (Some(time_ms), alerts + 1);
                }
            }
            (false, None) => pending = Pending::default(),
            (false, Some(since_ms)) => {
                let from_ms = *kept_ms.get_or_insert(time_ms);
                if time_ms.saturating_sub(from_ms) >= condition.keep_firing_ms {
                    ms += time_ms - since_ms;
                    (firing_ms, kept_ms, pending) = (None, None, Pending::default());
                }
            }
        }
    }
    (alerts, ms + firing_ms.map_or(0, |since_ms| end_ms - since_ms))
}

/// Values beyond the threshold of which there is no alert yet.
#[derive(Default)]
struct Pending {
    since_ms: Option<i64>,
    /// How many there were since it was long enough.
    ready: usize,
}

impl Pending {
    /// Takes in one more; says whether the alert fires.
    fn confirms(&mut self, time_ms: i64, condition: Condition) -> bool {
        let since_ms = *self.since_ms.get_or_insert(time_ms);
        self.ready += usize::from(time_ms.saturating_sub(since_ms) >= condition.for_ms);
        self.ready >= condition.attempts.max(1)
    }
}
