//! Any interval with any period: a check runs wherever its slots or the openings of its period want it to, by an opinion
//! that goes through the openings minute by minute, with clocks that are read one after the other and late.

use std::fmt::Write;

use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::*;
use crate::config::{Surroundings, load_with};
use crate::period::Period;

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 1440 * MINUTE_MS;
/// As far as two looks at the same opening may differ.
const JITTER_MS: i64 = 2;

/// How the time of a case is gone through.
#[derive(Clone, Copy, Debug)]
struct Scale {
    /// Times at which a period opens or closes are multiples of it.
    grain_ms: i64,
    /// How long a check is watched.
    watched_ms: i64,
}

const WEEKS: Scale = Scale { grain_ms: MINUTE_MS, watched_ms: 15 * DAY_MS };
const YEARS: Scale = Scale { grain_ms: 360 * MINUTE_MS, watched_ms: 3000 * DAY_MS };

/// The check `c`, as a configuration defines it that has no mistakes.
fn definition(periods: &str, interval: &str, zone: &str) -> Arc<Check> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("custos.yaml");
    let text = format!(
        "periods:\n{periods}checks:\n  c: {{ command: /bin/true, check_interval: {interval}, check_period: p }}\n"
    );
    std::fs::write(&path, &text).unwrap();
    let surroundings = Surroundings { host: "h".to_owned(), cpus: 1, zone: TimeZone::get(zone).unwrap() };
    let loaded = load_with(&path, &surroundings).map_err(|mistakes| mistakes.to_string());
    Arc::clone(&loaded.unwrap_or_else(|mistakes| panic!("{mistakes}\n{text}")).config.checks["c"])
}

/// A clock on the wall beside a monotonic one, read a little apart.
struct Clocks {
    /// Their distance, in microseconds.
    ahead_us: i64,
    random: u64,
}

impl Clocks {
    fn random(&mut self, below: u64) -> u64 {
        self.random =
            self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 33) % below
    }

    /// A reading, up to 3 ms after a moment.
    fn read_after(&mut self, mono_us: u64) -> Moment {
        let mono_us = mono_us + self.random(3000);
        let wall_us = mono_us as i64 + self.ahead_us + self.random(900) as i64;
        Moment { mono_us, wall_ms: wall_us.div_euclid(1000) }
    }

    fn wall_ms(&self, mono_us: u64) -> i64 {
        (mono_us as i64 + self.ahead_us).div_euclid(1000)
    }
}

/// Lets a check of a host live through the time of a scale; returns when it ran, in ms since the epoch.
fn runs(definition: &Arc<Check>, host: &str, start_ms: i64, seed: u64, scale: Scale) -> Vec<i64> {
    let mut clocks =
        Clocks { ahead_us: start_ms * 1000 - 5_000_000_000 + (seed % 1000) as i64, random: seed };
    let mut now = clocks.read_after(5_000_000_000);
    let mut check = CheckState::defined(Arc::clone(definition), host, now);
    let mut runs = Vec::new();
    let mut promised_ms = check.next_due_us(now).map(|due_us| clocks.wall_ms(due_us));
    while let Some(due_us) =
        check.due_us.filter(|due_us| clocks.wall_ms(*due_us) < start_ms + scale.watched_ms)
    {
        assert!(due_us > now.mono_us, "the same moment twice: {due_us}");
        now = clocks.read_after(due_us);
        let passed = check.pass_slots(now, None);
        assert_eq!(passed.missed, 0, "{now:?}");
        if let Some(slot_us) = passed.slot_us {
            let slot_ms = clocks.wall_ms(slot_us);
            let promised_ms = promised_ms.expect("it runs, so that was promised");
            assert!(
                (promised_ms - slot_ms).abs() <= JITTER_MS,
                "promised at {promised_ms}, but it ran at {slot_ms}"
            );
            runs.push(slot_ms);
            now = clocks.read_after(now.mono_us + 5000);
            check.choose_schedule(slot_us, now);
        }
        promised_ms = check.next_due_us(now).map(|due_us| clocks.wall_ms(due_us));
    }
    runs
}

/// The openings of a period from one time to another, both ends included: each since when it was closed before, when it
/// begins, and when it ends.
fn openings(period: &Period, from_ms: i64, to_ms: i64, grain_ms: i64) -> Vec<[i64; 3]> {
    let (mut found, mut closed_ms, mut open_ms) = (Vec::new(), None, None);
    let mut was_open = period.is_open(from_ms);
    for at_ms in (from_ms..=to_ms).step_by(grain_ms as usize) {
        let open = period.is_open(at_ms);
        match (was_open, open, closed_ms, open_ms) {
            (false, true, _, _) => open_ms = Some(at_ms),
            (true, false, closed, opened) => {
                if let (Some(closed_ms), Some(open_ms)) = (closed, opened) {
                    found.push([closed_ms, open_ms, at_ms]);
                }
                (closed_ms, open_ms) = (Some(at_ms), None);
            }
            _ => {}
        }
        was_open = open;
    }
    found
}

/// How many slots lie from one time on and before another, and how many come or go if either is moved by the jitter.
fn slots(schedule: &Schedule, clocks: i64, from_ms: i64, before_ms: i64) -> std::ops::RangeInclusive<u64> {
    let count =
        |from_ms: i64, before_ms: i64| schedule.count(from_ms * 1000 - clocks, before_ms * 1000 - clocks);
    count(from_ms + JITTER_MS, before_ms - JITTER_MS)..=count(from_ms - JITTER_MS, before_ms + JITTER_MS)
}

/// Every opening has the runs of its slots, or one if its closed time has taken some; nothing runs more often.
fn judge(definition: &Arc<Check>, host: &str, start_ms: i64, seed: u64, scale: Scale) {
    let runs = runs(definition, host, start_ms, seed, scale);
    let period = definition.check_period.as_ref().unwrap();
    for run_ms in &runs {
        let near = [-JITTER_MS, 0, JITTER_MS].map(|jitter_ms| period.is_open(run_ms + jitter_ms));
        assert!(near.contains(&true), "a run at {run_ms}, when it is closed");
    }
    let interval_ms = definition.check_interval.as_millis() as i64;
    for window in runs.windows(3) {
        assert!(
            window[2] - window[0] >= interval_ms - JITTER_MS,
            "more often than each {interval_ms} ms: {window:?}"
        );
    }
    // The same slots, by clocks that are read at once.
    let clocks_us = start_ms * 1000 - 5_000_000_000;
    let now = Moment { mono_us: 5_000_000_000, wall_ms: start_ms };
    let schedule = Schedule::of_check(host, "c", definition.check_interval, now);
    for [closed_ms, open_ms, end_ms] in
        openings(period, start_ms, start_ms + scale.watched_ms, scale.grain_ms)
    {
        let ran =
            runs.iter().filter(|run| (open_ms - JITTER_MS..end_ms + JITTER_MS).contains(run)).count() as u64;
        let within = slots(&schedule, clocks_us, open_ms, end_ms);
        let before = slots(&schedule, clocks_us, closed_ms, open_ms);
        let expected = match (*within.end(), *before.end()) {
            (0, 0) => 0..=0,
            (0, _) => (*before.start()).min(1)..=1,
            (most, _) => (*within.start()).max((*before.start()).min(1))..=most,
        };
        assert!(
            expected.contains(&ran),
            "{ran} runs instead of {expected:?} in the opening from {open_ms} to {end_ms}, closed since {closed_ms}: {runs:?}"
        );
    }
}

fn days() -> impl Strategy<Value = String> {
    let weekday =
        prop::sample::select(vec!["monday", "tuesday", "wednesday", "friday", "saturday", "sunday"]);
    prop_oneof![
        4 => Just("monday - sunday".to_owned()),
        2 => Just("monday - friday".to_owned()),
        2 => weekday.clone().prop_map(str::to_owned),
        1 => (weekday, 1..5).prop_map(|(day, n)| format!("{day} {n}")),
        1 => (1..28, 0..4).prop_map(|(day, more)| format!("day {day} - {}", day + more)),
        1 => Just("day -1".to_owned()),
        1 => Just("december 24 - january 2".to_owned()),
        1 => Just("february 29".to_owned()),
        1 => Just("2026-11-01 - 2027-03-31".to_owned()),
        1 => Just("2028-05-05".to_owned()),
    ]
}

/// Ranges of hours, as multiples of a number of minutes.
fn hours(grain: u16) -> impl Strategy<Value = String> {
    let range = (0..1440 / grain).prop_flat_map(move |start| (Just(start), start + 1..=1440 / grain));
    let shown = move |at: u16| format!("{:02}:{:02}", at * grain / 60, at * grain % 60);
    prop::collection::vec(range, 1..4).prop_map(move |ranges| {
        let ranges = ranges.iter().map(|(start, end)| format!("{}-{}", shown(*start), shown(*end)));
        ranges.collect::<Vec<_>>().join(",")
    })
}

/// A period `p`, with what it excludes, as the lines of a configuration.
fn periods(grain: u16) -> impl Strategy<Value = String> {
    let rules = || prop::collection::btree_map(days(), hours(grain), 1..4);
    (rules(), prop::option::of(rules())).prop_map(|(rules, excluded)| {
        let mut text = "  p:\n".to_owned();
        let write = |text: &mut String, rules: &std::collections::BTreeMap<String, String>| {
            for (days, hours) in rules {
                let _ = writeln!(text, "    {days}: {hours}");
            }
        };
        write(&mut text, &rules);
        if let Some(excluded) = &excluded {
            text += "    exclude: q\n  q:\n";
            write(&mut text, excluded);
        }
        text
    })
}

fn zone() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["UTC", "Europe/Berlin", "America/St_Johns"])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_check_runs_in_every_opening_whatever_its_interval_and_period_are(
        periods in periods(1), zone in zone(), host in "[a-z]{1,6}", seed: u64,
        interval in prop_oneof![600_u64..7200, 7200_u64..400_000, 400_000_u64..2_000_000],
        start in 0_i64..40_000,
    ) {
        let definition = definition(&periods, &format!("{interval}s"), zone);
        judge(&definition, &host, 1_790_000_040_000 + start * MINUTE_MS, seed, WEEKS);
    }

    #[test]
    fn nor_is_a_check_forgotten_that_runs_once_in_months(
        periods in periods(360), host in "[a-z]{1,6}", seed: u64, interval in 20_u64..=366, start in 0_i64..1500,
    ) {
        let definition = definition(&periods, &format!("{interval}d"), "UTC");
        judge(&definition, &host, 1_790_035_200_000 + start * DAY_MS, seed, YEARS);
    }
}
