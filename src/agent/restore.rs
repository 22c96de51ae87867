//! After a restart: restores the state of a check from its stored runs.

use std::sync::Arc;

use custos_query::NormalDays;
use custos_store::{Reason, Run, State};

use super::due::DueTimes;
use super::missed::Missed;
use super::schedule::Schedule;
use crate::clock::Moment;
use crate::config::Check;
use crate::evaluate::{Pending, PreviousState, Taken, is_judged, judge};
use crate::period::Period;

/// The runs from which a check's state is restored, oldest first: the last judged one, all since, and as many before as
/// the longest `for` of its thresholds spans.
#[derive(Clone, Debug, PartialEq)]
pub struct History {
    /// Name of the check.
    pub check: String,
    /// Its runs.
    pub runs: Vec<Run>,
}

/// The state of a check by its history.
#[derive(Clone, Debug, Default)]
pub struct Restored {
    /// The last judged state; `None` if it was never judged.
    pub previous: Option<PreviousState>,
    /// Since when its limits have been crossed.
    pub pending: Pending,
}

/// Restores the state of a check from its history.
///
/// `normal` is what thresholds go by that follow what is normal.
pub fn restore_standing(
    check: &Check,
    runs: &[Run],
    normal: Option<Arc<NormalDays>>,
    now: Moment,
) -> Restored {
    let judged = || runs.iter().filter(|run| is_judged(run.reason));
    let mut pending = Pending::default();
    pending.set_normal(normal);
    for run in judged() {
        let ago_us = now.wall_ms.saturating_sub(run.time_ms).saturating_mul(1000);
        let late_us = i64::try_from(run.lateness_us.unwrap_or(0)).unwrap_or(i64::MAX);
        let slot_us = (now.mono_us as i64).saturating_sub(ago_us).saturating_sub(late_us);
        let started_us = slot_us.saturating_add(late_us);
        judge(check, &run.metrics, run.time_ms, &mut pending, Taken { slot_us, started_us, uptime: None });
    }
    let previous = runs.iter().rev().find(|run| is_judged(run.reason)).or(runs.last()).and_then(stood_after);
    Restored { previous, pending }
}

/// Where a check stood after a run, also after one without a result: then by what stayed as it was. The severity of a
/// problem that was soft is not known in that case. None if the check had no state yet.
pub fn stood_after(run: &Run) -> Option<PreviousState> {
    let standing = run.standing;
    let state = match (is_judged(run.reason), standing.hard) {
        (true, _) => run.state,
        (false, true) => standing.hard_state,
        (false, false) => State::Unknown,
    };
    (is_judged(run.reason) || standing.attempt > 0).then_some(PreviousState { state, standing })
}

/// The slots of a schedule that passed since a check's last recorded run. None if the wall clock says that it is yet
/// to come.
pub(super) fn missed_since(
    last: &Run,
    schedule: &Schedule,
    period: Option<&Period>,
    now: Moment,
    why: &'static str,
) -> Option<Missed> {
    let ago_us = now.wall_ms.checked_sub(last.time_ms)?.checked_mul(1000)?;
    let time_us = (now.mono_us as i64).checked_sub(ago_us)?;
    let interval_us = schedule.interval_us() as i64;
    let after_us = match last.reason {
        Reason::Missed => time_us.checked_add(i64::try_from(last.duration_us).ok()?)? - interval_us,
        _ => time_us - last.lateness_us.map_or(0, |late| late.min(interval_us as u64) as i64),
    };
    // Half an interval beyond the slot of that run, so that rounding to milliseconds does not count it again.
    let from_us = after_us.checked_add(interval_us / 2)?;
    let times = DueTimes { schedule, period, stood_in_ms: None };
    let due = times.between(from_us, now.mono_us as i64, now)?;
    Some(Missed::of(due, schedule.interval_us(), why))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::implicit_check;
    use custos_store::Standing;
    use std::time::Duration;

    fn now() -> Moment {
        Moment { mono_us: 500_000_000, wall_ms: 1_700_000_000_000 }
    }

    #[test]
    fn a_check_that_was_only_skipped_since_long_ago_stands_where_it_stood() {
        let standing =
            Standing { hard: true, attempt: 3, hard_state: State::Critical, ..Standing::default() };
        let skipped = Run { reason: Reason::Skipped, state: State::Unknown, standing, ..Run::default() };
        let before = |runs: &[Run]| {
            restore_standing(&implicit_check("c"), runs, None, now())
                .previous
                .map(|b| (b.state, b.standing.attempt))
        };
        assert_eq!(before(&[skipped.clone(), skipped.clone()]), Some((State::Critical, 3)));
        let soft = Standing { hard: false, attempt: 2, hard_state: State::Ok, ..standing };
        assert_eq!(before(&[Run { standing: soft, ..skipped.clone() }]), Some((State::Unknown, 2)));
        assert_eq!(before(&[Run { standing: Standing::default(), ..skipped.clone() }]), None);
        let judged = Run { standing, state: State::Warning, ..Run::default() };
        assert_eq!(before(&[judged, skipped]), Some((State::Warning, 3)));
    }

    /// A schedule with slots at the full tens of seconds, and a run that many seconds ago.
    fn missed_after(ago_s: i64, run: Run) -> Option<(i64, u64)> {
        let schedule = Schedule::from_slot(500_000_000, Duration::from_secs(10));
        let last = Run { time_ms: now().wall_ms - ago_s * 1000, ..run };
        missed_since(&last, &schedule, None, now(), "x")
            .map(|m| ((m.first_us - 500_000_000) / 1_000_000, m.slots))
    }

    #[test]
    fn slots_between_the_last_run_and_now_were_missed() {
        assert_eq!(missed_after(10, Run::default()), None);
        assert_eq!(missed_after(20, Run::default()), Some((-10, 1)));
        assert_eq!(missed_after(35, Run { lateness_us: Some(5_000_000), ..Run::default() }), Some((-30, 3)));
        assert_eq!(missed_after(-5, Run::default()), None);
    }

    #[test]
    fn a_missed_stretch_reaches_to_its_end() {
        let stretch = Run { reason: Reason::Missed, duration_us: 30_000_000, ..Run::default() };
        assert_eq!(missed_after(60, stretch), Some((-30, 3)));
    }

    #[test]
    fn times_at_the_ends_of_the_range_are_harmless() {
        let schedule = Schedule::from_slot(500_000_000, Duration::from_secs(10));
        for time_ms in [i64::MIN, i64::MAX, 0] {
            missed_since(&Run { time_ms, ..Run::default() }, &schedule, None, now(), "x");
        }
    }
}
