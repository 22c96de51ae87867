//! Reading the events of a store.

use std::ops::Range;

use custos_store::{Arrived, Position, Run, Snapshot};

use super::event::Event;
use super::walk::Walk;
use crate::checks::{all_known, check_names};
use crate::context::ReadContext;
use crate::error::Result;
use crate::limits::{EVENTS_MAX, PROBLEM_RUNS_MAX};
use crate::placed::Places;

/// Which events are wanted.
#[derive(Clone, Debug)]
pub struct EventRequest<'a> {
    /// Of these checks; of all if there are none.
    pub checks: &'a [String],
    /// Within this span, in ms since the epoch, end excluded.
    pub span: Range<i64>,
    /// Only confirmed problems and their recoveries.
    pub hard: bool,
    /// The newest of those; at most [`EVENTS_MAX`].
    pub limit: usize,
}

impl EventRequest<'_> {
    /// Reads the events, the newest last, in the order of lists (see `placed.rs`).
    ///
    /// # Errors
    /// [`crate::Error::UnknownCheck`], [`crate::Error::Cancelled`]. What is damaged is reported to the context.
    pub fn read(&self, store: &Snapshot, context: &mut ReadContext<'_>) -> Result<Vec<Event>> {
        let known = check_names(store);
        all_known(self.checks, &known)?;
        let limit = self.limit.min(EVENTS_MAX);
        let mut places = Places::new(limit);
        let checks = known.iter().filter(|check| self.checks.is_empty() || self.checks.contains(check));
        for check in checks.take_while(|_| limit > 0) {
            let imported = self.own(store, check, limit, &mut places, context)?;
            self.imported(store, check, limit, imported, &mut places, context)?;
        }
        Ok(places.into_newest())
    }

    /// The events of what the agent wrote. Tells from what time on there may be imported runs that matter; none if there are
    /// none at all.
    fn own(
        &self,
        store: &Snapshot,
        check: &str,
        limit: usize,
        places: &mut Places<Event>,
        context: &mut ReadContext<'_>,
    ) -> Result<Option<i64>> {
        let mut walk = Walk::new(check, self.hard);
        let mut imported = None;
        // All runs, whatever their time: each is compared with the one that arrived before it, within the span or not.
        let mut all = None;
        for arrived in store.arrived_rev(check).within(self.span.clone()).turns() {
            context.count_run()?;
            match arrived {
                Ok(arrived) if arrived.run.imported => imported = Some(self.span.start),
                Ok(Arrived { position, run, .. }) => {
                    let all = all.get_or_insert_with(|| own_rev(store, check, position).peekable());
                    while let Some(between) = all.next_if(|one| one.position > position) {
                        walk.back_to(between.run, Some(between.position), false);
                    }
                    all.next_if(|one| one.position == position);
                    walk.back_to(run, Some(position), true);
                }
                Err(error) => context.damage(&error),
            }
            if walk.len() >= limit {
                // Imported runs may come further back in the order of arrival, and be later by their time.
                imported = walk.time_ms();
                break;
            }
        }
        for earlier in all.into_iter().flatten().take(PROBLEM_RUNS_MAX) {
            if walk.is_settled() {
                break;
            }
            context.count_run()?;
            walk.back_to(earlier.run, Some(earlier.position), false);
        }
        if let Some(time_ms) = walk.time_ms().filter(|_| !walk.is_settled()) {
            // What was imported tells how the check was before the agent ran it.
            self.before(store, check, time_ms, &mut walk, context)?;
        }
        places.add(walk.finish());
        Ok(imported)
    }

    /// The events of what was imported, from a time on.
    fn imported(
        &self,
        store: &Snapshot,
        check: &str,
        limit: usize,
        from_ms: Option<i64>,
        places: &mut Places<Event>,
        context: &mut ReadContext<'_>,
    ) -> Result<()> {
        let Some(from_ms) = from_ms else { return Ok(()) };
        let mut walk = Walk::new(check, self.hard);
        for run in imported(store, check, from_ms.max(self.span.start)..self.span.end) {
            context.count_run()?;
            walk.back_to(run, None, true);
            if walk.len() >= limit {
                break;
            }
        }
        if let Some(time_ms) = walk.time_ms() {
            self.before(store, check, time_ms, &mut walk, context)?;
        }
        places.add(walk.finish());
        Ok(())
    }

    /// Goes on through what was imported before a time until all that was found is known whole.
    fn before(
        &self,
        store: &Snapshot,
        check: &str,
        time_ms: i64,
        walk: &mut Walk<'_>,
        context: &mut ReadContext<'_>,
    ) -> Result<()> {
        for run in imported(store, check, i64::MIN..time_ms).take(PROBLEM_RUNS_MAX) {
            context.count_run()?;
            walk.back_to(run, None, false);
            if walk.is_settled() {
                break;
            }
        }
        Ok(())
    }
}

/// What the agent wrote of a check up to a position, against the order of arrival.
fn own_rev<'a>(store: &'a Snapshot, check: &str, end: Position) -> impl Iterator<Item = Arrived> + use<'a> {
    store.arrived_rev(check).before(end).turns().flatten().filter(|one| !one.run.imported)
}

/// The imported runs of a check in a span, the latest first. What is damaged is reported on the way through all runs.
fn imported<'a>(store: &'a Snapshot, check: &str, span: Range<i64>) -> impl Iterator<Item = Run> + use<'a> {
    store.runs_rev(check, span).flatten().filter(|run| run.imported)
}

#[cfg(test)]
mod tests {
    use custos_store::{Importer, Options, Reader, Reason, Standing, State, Writer};
    use proptest::prelude::*;

    use super::*;
    use crate::events::EventFold;

    const HOUR: i64 = 3_600_000;

    /// Runs with these (ms, state) whose every state is hard, each as the agent would have judged it.
    fn runs(steps: &[(i64, u8)]) -> Vec<Run> {
        let mut before: Option<Run> = None;
        let mut runs = Vec::new();
        for (time_ms, code) in steps {
            let mut run = Run { time_ms: *time_ms, text: format!("at {time_ms}"), ..Run::default() };
            match State::from_code(*code) {
                Some(state) => {
                    run.state = state;
                    let same = before.as_ref().filter(|before| before.state == state);
                    let since_ms = same.map_or(*time_ms, |before| before.standing.since_ms);
                    run.standing = Standing {
                        hard: true,
                        attempt: 1,
                        hard_state: state,
                        since_ms,
                        ..Standing::default()
                    };
                    before = Some(run.clone());
                }
                None => run.reason = Reason::Missed,
            }
            runs.push(run);
        }
        runs
    }

    fn store(own: &[(i64, u8)], imported: &[(i64, u8)]) -> (tempfile::TempDir, Reader) {
        let directory = tempfile::tempdir().unwrap();
        let options = Options { log_bytes: 64 << 10, ..Options::default() };
        let mut writer = Writer::open(directory.path(), options).unwrap();
        for run in runs(own) {
            writer.append(&[("x", &run)]).unwrap();
        }
        let reader = Reader::open(directory.path()).unwrap();
        let mut importer = Importer::new(&reader, &mut writer);
        runs(imported).into_iter().for_each(|run| importer.add("x", run).unwrap());
        importer.finish().unwrap();
        writer.close().unwrap();
        let reader = Reader::open(directory.path()).unwrap();
        (directory, reader)
    }

    fn events(store: &Snapshot, span: Range<i64>, hard: bool, limit: usize) -> Vec<Event> {
        let mut ignored = |_: &custos_store::Error| {};
        let request = EventRequest { checks: &[], span, hard, limit };
        request.read(store, &mut ReadContext::new(&mut ignored)).unwrap()
    }

    /// (ms, state before, state after, how long it lasted) of each event.
    fn changes(store: &Snapshot, span: Range<i64>, limit: usize) -> Vec<(i64, u8, u8, Option<i64>)> {
        let change = |event: &Event| {
            (event.time_ms, event.from.map_or(0, State::code), event.to.code(), event.lasted_ms)
        };
        events(store, span, false, limit).iter().map(change).collect()
    }

    #[test]
    fn a_recovery_says_how_long_the_problem_lasted_wherever_the_look_begins() {
        let (_directory, store) =
            store(&[(0, 0), (10, 1), (20, 9), (30, 2), (40, 2), (50, 1), (60, 0), (70, 2), (90, 0)], &[]);
        let all = [
            (10, 0, 1, None),
            (30, 1, 2, None),
            (50, 2, 1, None),
            (60, 1, 0, Some(50)),
            (70, 0, 2, None),
            (90, 2, 0, Some(20)),
        ];
        assert_eq!(changes(&store, i64::MIN..i64::MAX, 99), all);
        for limit in 0..=all.len() {
            assert_eq!(changes(&store, i64::MIN..i64::MAX, limit), all[all.len() - limit..]);
        }
        for from in 0..100 {
            let expected: Vec<_> = all.iter().filter(|event| event.0 >= from).copied().collect();
            assert_eq!(changes(&store, from..i64::MAX, 99), expected, "from {from}");
        }
        // One that was there from the beginning.
        let (_directory, store) = super::tests::store(&[(5, 2), (25, 0)], &[]);
        assert_eq!(changes(&store, 20..i64::MAX, 9), [(25, 2, 0, Some(20))]);
    }

    #[test]
    fn a_clock_that_was_ahead_makes_no_events_up() {
        let own =
            [(10, 0), (2 * HOUR, 0), (2 * HOUR + 10, 0), (20, 2), (2 * HOUR + 5, 2), (2 * HOUR + 15, 2)];
        let (_directory, store) = store(&own, &[]);
        assert_eq!(changes(&store, i64::MIN..i64::MAX, 9), [(20, 0, 2, None)]);
        assert_eq!(changes(&store, HOUR..i64::MAX, 9), []);
        let back = [(2 * HOUR, 0), (2 * HOUR + 10, 2), (30, 2), (40, 0)];
        let (_directory, store) = super::tests::store(&back, &[]);
        assert_eq!(changes(&store, i64::MIN..i64::MAX, 9), [(2 * HOUR + 10, 0, 2, None), (40, 2, 0, None)]);
    }

    #[test]
    fn what_was_imported_is_a_history_of_its_own() {
        let own = [(100, 2), (110, 2), (120, 0)];
        let old = [(10, 0), (20, 2), (50, 0), (60, 2)];
        let (_directory, store) = store(&own, &old);
        let all = [(20, 0, 2, None), (50, 2, 0, Some(30)), (60, 0, 2, None), (120, 2, 0, Some(60))];
        // The first run of the agent's goes on with the state that was imported, though not with its standing.
        let found = changes(&store, i64::MIN..i64::MAX, 9);
        assert_eq!(found.iter().filter(|event| event.0 != 100).copied().collect::<Vec<_>>(), all);
        // Imported later than all that the agent ran, it still is.
        let (_directory, store) = super::tests::store(&[(100, 0)], &[(150, 2), (160, 0)]);
        assert_eq!(changes(&store, i64::MIN..i64::MAX, 9), [(150, 0, 2, None), (160, 2, 0, Some(10))]);
        assert_eq!(changes(&store, i64::MIN..i64::MAX, 1), [(160, 2, 0, Some(10))]);
    }

    #[test]
    fn an_event_says_why() {
        let directory = tempfile::tempdir().unwrap();
        let mut writer = Writer::open(directory.path(), Options::default()).unwrap();
        let mut run = runs(&[(10, 2)]).remove(0);
        run.judgement =
            "perfdata: 1 bad token\nWARNING: a is 3, outside 2\nCRITICAL: b is 9, outside 5".to_owned();
        run.text = "LOAD OK".to_owned();
        writer.append(&[("load", &run)]).unwrap();
        let store = Reader::open(directory.path()).unwrap();
        let events = events(&store, i64::MIN..i64::MAX, true, 9);
        assert_eq!(events[0].said(), "CRITICAL: b is 9, outside 5; WARNING: a is 3, outside 2 - LOAD OK");
        let json = serde_json::to_string(&events[0]).unwrap();
        assert!(
            json.contains(
                r#""judgement":"perfdata: 1 bad token\nWARNING: a is 3, outside 2\nCRITICAL: b is 9"#
            ),
            "{json}"
        );
        assert!(json.ends_with(r#","lasted_ms":null}"#), "{json}");
    }

    /// The events of the agent's own runs, by a look at each of them.
    fn by_all_runs(store: &Snapshot) -> Vec<Event> {
        let mut runs: Vec<Run> = store.arrived_rev("x").map(|arrived| arrived.unwrap().run).collect();
        runs.reverse();
        let mut fold = EventFold::after("x", None);
        runs.iter().flat_map(|run| fold.add(run).collect::<Vec<_>>()).collect()
    }

    #[test]
    fn what_chunks_know_is_what_all_runs_tell() {
        // Some chunks in which nothing turns, some with a problem within or at their ends, and a clock that was set back.
        let state = |n: i64| match n {
            16_380..=16_390 | 40_000 | 50_000..=51_000 => 2,
            16_391..=16_400 | 81_920 => 1,
            30_000..=30_100 => 9,
            _ => 0,
        };
        for back in [None, Some(60_000)] {
            let time = |n: i64| n * 10 - if back.is_some_and(|back| n >= back) { 100_000 } else { 0 };
            let steps: Vec<(i64, u8)> = (0..100_000).map(|n| (time(n), state(n))).collect();
            let directory = tempfile::tempdir().unwrap();
            let options = Options { log_bytes: 64 << 10, ..Options::default() };
            let mut writer = Writer::open(directory.path(), options).unwrap();
            for run in runs(&steps) {
                writer.append(&[("x", &run)]).unwrap();
            }
            writer.compact().unwrap();
            writer.close().unwrap();
            let store = Reader::open(directory.path()).unwrap();
            let expected = by_all_runs(&store);
            assert!(expected.len() >= 8);
            assert_eq!(events(&store, i64::MIN..i64::MAX, false, 1000), expected);
            for span in [163_000..164_000, 163_840..163_850, 0..500_005, 399_999..400_001, 500_000..600_000] {
                let mut within: Vec<&Event> =
                    expected.iter().filter(|event| span.contains(&event.time_ms)).collect();
                within.sort_by_key(|event| event.time_ms);
                let mut found = events(&store, span.clone(), false, 1000);
                found.sort_by_key(|event| event.time_ms);
                assert!(found.iter().eq(within), "{span:?}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        /// Whatever chunks know of states, the answer is that of all runs.
        #[test]
        fn passing_over_runs_leaves_nothing_out(
            stretches in prop::collection::vec((1..40_usize, 0..5_u8, -30..60_i64), 1..30),
            from in 0..400_i64,
            length in 1..400_i64,
        ) {
            let (mut time_ms, mut steps) = (0, Vec::new());
            for (count, code, jump) in stretches {
                time_ms += jump;
                steps.extend((0..count as i64).map(|n| (time_ms + n, code)));
                time_ms += count as i64;
            }
            let directory = tempfile::tempdir().unwrap();
            let mut writer = Writer::open(directory.path(), Options { log_bytes: 64 << 10, ..Options::default() }).unwrap();
            for (n, run) in runs(&steps).iter().enumerate() {
                writer.append(&[("x", run)]).unwrap();
                if n == steps.len() / 2 {
                    writer.compact().unwrap();
                }
            }
            writer.compact().unwrap();
            let store = Reader::open(directory.path()).unwrap();
            let expected = by_all_runs(&store);
            prop_assert_eq!(&events(&store, i64::MIN..i64::MAX, false, 1000), &expected);
            let span = from..from + length;
            let within = expected.iter().filter(|event| span.contains(&event.time_ms));
            prop_assert!(events(&store, span.clone(), false, 1000).iter().eq(within));
        }

        /// Whatever is asked for is a part of all there is.
        #[test]
        fn a_part_is_a_part_of_the_whole(
            steps in prop::collection::vec((0..50_i64, 0..5_u8), 1..60),
            old in prop::collection::vec((0..50_i64, 0..5_u8), 0..20),
            from in 0..60_i64,
            length in 1..60_i64,
            limit in 0..20_usize,
            hard in any::<bool>(),
        ) {
            let (mut steps, mut old) = (steps, old);
            old.sort();
            if !old.is_empty() {
                // What was imported has its place by its time, which says nothing beside a clock that went back.
                steps.sort();
            }
            let (_directory, store) = store(&steps, &old);
            let whole = events(&store, i64::MIN..i64::MAX, hard, 1000);
            let mut expected: Vec<&Event> =
                whole.iter().filter(|event| (from..from + length).contains(&event.time_ms)).collect();
            let found = events(&store, from..from + length, hard, 1000);
            prop_assert!(found.iter().eq(expected.iter().copied()), "{found:#?}\n{expected:#?}");
            expected.drain(..expected.len().saturating_sub(limit));
            let newest = events(&store, from..from + length, hard, limit);
            prop_assert!(newest.iter().eq(expected), "{newest:#?}");
        }
    }
}
