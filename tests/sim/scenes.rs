//! Scenes: who goes first when places are short, what a stall does, and people who ask.

use std::time::Duration;

use custos::agent::{Event, Wanted};
use custos::config::implicit_check;
use custos::config::{Check, Command, Priority};
use custos_store::{Provenance, Reason, State};

use crate::definitions::{config, line};
use crate::stage::{SECOND_US, Stage};

pub fn check(name: &str, interval_s: u64) -> Check {
    Check {
        command: Command::Program(vec![name.to_owned()]),
        check_interval: Duration::from_secs(interval_s),
        retry_interval: Duration::from_secs(interval_s),
        ..implicit_check(name)
    }
}

pub fn many(prefix: &str, count: u64, interval_s: u64) -> impl Iterator<Item = Check> {
    (0..count).map(move |number| check(&format!("{prefix}{number}"), interval_s))
}

#[test]
fn short_checks_stay_on_time_while_long_ones_hang() {
    // Those that hang would fill 20 places, of which there are 16.
    let checks = many("short", 200, 10).chain(many("hung", 40, 60));
    let takes_us = |name: &str| if name.starts_with("hung") { 30 * SECOND_US } else { SECOND_US / 20 };
    let mut stage = Stage::new(config(checks, 16), takes_us);
    stage.live(120);
    stage.runs.clear();
    stage.live(1800);
    assert_eq!(stage.missed("short"), 0);
    assert!(stage.latest_us("short") < SECOND_US, "{} µs", stage.latest_us("short"));
    assert!(stage.missed("hung") > 0, "they wait for one another");
    assert_eq!(stage.peak, 16);
}

#[test]
fn low_priority_gives_way_but_not_for_ever() {
    // Both want four fifths of the places.
    let low = many("low", 36, 10).map(|check| Check { priority: Priority::Low, ..check });
    let mut stage = Stage::new(config(many("normal", 36, 10).chain(low), 4), |_| SECOND_US * 9 / 10);
    stage.live(60);
    stage.runs.clear();
    stage.live(3600);
    assert!(stage.missed("low") > 1000, "{} slots", stage.missed("low"));
    assert!(stage.missed("normal") * 20 < stage.missed("low"), "{} slots", stage.missed("normal"));
    for number in 0..36 {
        let name = format!("low{number}");
        let runs = stage.runs.iter().filter(|(of, run)| *of == name && run.reason == Reason::Exited).count();
        // One in eight slots, and one more to wait for its turn.
        assert!(runs >= 3600 / 100, "{name} was run {runs} times");
    }
}

#[test]
fn an_overload_is_told_with_the_costliest_check() {
    let checks = many("c", 80, 10).chain([check("hog", 10)]);
    let takes_us = |name: &str| if name == "hog" { 9 * SECOND_US } else { SECOND_US };
    let mut stage = Stage::new(config(checks, 4), takes_us);
    stage.live(120);
    stage.handle(Event::Health(Box::default()));
    let (name, run) = stage.runs.last().unwrap();
    assert_eq!((name.as_str(), run.state), ("custos", State::Warning));
    assert!(run.text.contains("of 8.1 checks a second"), "{}", run.text);
    let metric = |label: &str| run.metrics.iter().find(|m| m.label == label).unwrap().value.unwrap().to_f64();
    assert!((metric("checks_wanted_per_second") - 8.1).abs() < 1e-9);
    assert!((2.0..5.0).contains(&metric("checks_run_per_second")));
    assert!(metric("slots_missed_for_room") > 10.0 && metric("lateness_max") > 1.0);

    let mut stage = Stage::new(config(many("c", 20, 10), 4), |_| SECOND_US);
    stage.live(120);
    stage.handle(Event::Health(Box::default()));
    assert_eq!(stage.runs.last().unwrap().1.state, State::Ok);
}

#[test]
fn starts_spread_and_no_herd_follows_a_suspend_a_stall_or_a_clock_change() {
    let mut stage = Stage::new(config(many("c", 1000, 10), 64), |_| 1000);
    stage.live(10);
    // Each check once within its interval, and no second with more than twice the mean.
    assert_eq!(stage.starts.len(), 1000);
    let seconds = stage.starts_by_second(0..10);
    assert!(seconds.iter().all(|count| (50..200).contains(count)), "{seconds:?}");
    for gap_us in [100_000, SECOND_US, 3 * SECOND_US, 8 * SECOND_US, 3600 * SECOND_US] {
        let from_us = stage.starts.last().unwrap().0;
        stage.stand_still(gap_us);
        let woken_us = from_us + gap_us;
        stage.live(30);
        // In no second from any start on there are more than twice the mean.
        let after: Vec<u64> = stage.starts.iter().map(|start| start.0).filter(|us| *us >= woken_us).collect();
        let most =
            after.iter().map(|us| after.iter().filter(|o| (*us..us + SECOND_US).contains(o)).count()).max();
        assert!(most.unwrap() <= 260, "{most:?} after {gap_us} µs");
    }
    stage.now.wall_ms += 7_200_000;
    let from = stage.starts.len();
    stage.live(10);
    assert!((990..=1010).contains(&(stage.starts.len() - from)));
}

#[test]
fn a_long_interval_is_not_lost_to_a_short_stall() {
    let mut stage = Stage::new(config([check("daily", 86_400)], 4), |_| 1000);
    let due_us = stage.agent.next_wake_us().unwrap();
    stage.stand_still(due_us - stage.now.mono_us + 300 * SECOND_US);
    stage.handle(Event::Wake);
    assert_eq!(stage.starts.len(), 1);
    assert_eq!(stage.missed("daily"), 0);
}

#[test]
fn requests_share_a_run_wait_for_places_and_never_overlap_the_schedule() {
    let mut stage = Stage::new(config(many("c", 8, 10), 2), |_| 3 * SECOND_US);
    let command = |name: &str| Wanted::Line { name: name.to_owned(), line: line(name) };
    // Nothing is due yet: eight requests for checks, two at a time; the second for one check shares its run.
    for id in 0..8 {
        stage.ask(id, Wanted::Check(format!("c{id}")));
    }
    stage.ask(8, Wanted::Check("c0".to_owned()));
    stage.ask(9, command("c0"));
    stage.ask(10, Wanted::Check("nothing".to_owned()));
    assert_eq!((stage.agent.running(), stage.answers.len()), (2, 1));
    assert!(stage.answers[0].1.is_err());
    stage.live(40);
    let mut answered: Vec<u64> = stage.answers.iter().map(|answer| answer.0).collect();
    answered.sort_unstable();
    assert_eq!(answered, (0..=10).collect::<Vec<_>>());
    assert_eq!(stage.peak, 2, "requests have no places of their own");
    let asked = |run: &&(String, custos_store::Run)| run.1.provenance == Provenance::Asked;
    assert_eq!(stage.runs.iter().filter(asked).count(), 9, "eight for requests for checks, one for a line");
    // A plugin takes three seconds, so two starts of a check lie at least that far apart.
    for number in 0..8 {
        let name = format!("c{number}");
        let starts: Vec<u64> =
            stage.starts.iter().filter(|start| start.1 == name).map(|start| start.0).collect();
        assert!(starts.windows(2).all(|pair| pair[1] >= pair[0] + 3 * SECOND_US), "{name}: {starts:?}");
    }
}
