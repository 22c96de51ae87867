//! Scenes of watching: clones are shared, keep to their floors and bounds, end with the last who watches, and change nothing.

use std::time::Duration;

use custos::agent::{Event, Wanted, Watch};
use custos::config::{Check, Command, Config};
use custos::limits::{CLONES_MAX, WATCHERS_MAX};
use custos_query::watched_name;

use crate::definitions::{config, poll};
use crate::scenes::{check, many};
use crate::script::Dice;
use crate::stage::{SECOND_US, Stage};

fn watched(name: &str, interval_s: u64) -> Check {
    Check { clone: true, ..check(name, interval_s) }
}

fn watch(stage: &mut Stage, id: u64, check: &str, period_ms: Option<u64>) {
    let period = period_ms.map(Duration::from_millis);
    stage.handle(Event::Watch(Watch { id, check: check.to_owned(), period }));
}

/// Starts in so many seconds from now on.
fn starts(stage: &mut Stage, seconds: u64) -> usize {
    let before = stage.starts.len();
    stage.live(seconds);
    stage.starts.len() - before
}

fn quick(_: &str) -> u64 {
    SECOND_US / 200
}

#[test]
fn all_who_watch_share_one_clone_at_the_shortest_period() {
    let mut stage = Stage::new(config([watched("c", 10)], 16), quick);
    stage.live(60);
    let own = starts(&mut stage, 100);
    assert_eq!(own, 10);
    for id in 0..100 {
        watch(&mut stage, id, "c", Some(1000));
    }
    let with_one = starts(&mut stage, 100);
    assert!((100..=112).contains(&with_one), "{with_one}");
    watch(&mut stage, 200, "c", Some(200));
    let faster = starts(&mut stage, 100);
    assert!((490..=512).contains(&faster), "{faster}");
    // Everybody sees every run, and each knows which are of the clone.
    let seen = |stage: &Stage, id: u64| stage.shown.get(&id).map_or(0, Vec::len);
    // Each wish began with a run, and one may be under way still.
    assert!(seen(&stage, 0).abs_diff(with_one + faster) <= 2, "{}", seen(&stage, 0));
    assert!(seen(&stage, 200).abs_diff(faster) <= 1, "{}", seen(&stage, 200));
    assert_eq!(stage.shown[&200].iter().filter(|(_, cloned)| !cloned).count(), 10);
    // The one who wanted it faster goes, then all others but one, then that one.
    stage.handle(Event::Unwatch(200));
    let slower = starts(&mut stage, 100);
    assert!((100..=112).contains(&slower), "{slower}");
    (1..100).for_each(|id| stage.handle(Event::Unwatch(id)));
    assert_eq!(starts(&mut stage, 100), slower);
    stage.handle(Event::Unwatch(0));
    assert_eq!(starts(&mut stage, 100), own);
    assert!(stage.kept.iter().all(|(name, _)| *name == watched_name("c")));
    // In 400 seconds there were 40 runs of its own. Each change of the period began with one of the clone.
    assert!(
        stage.kept.len().abs_diff(with_one + faster + 2 * slower - 40) <= 4,
        "{} of {with_one} {faster} {slower}",
        stage.kept.len()
    );
}

#[test]
fn floors_and_refusals_say_why() {
    let device = Check { command: Command::Snmp(poll("switch")), ..watched("switch", 60) };
    let never = Check { clone: false, ..check("never", 60) };
    let checks = [watched("c", 10), device, never];
    let mut stage = Stage::new(config(checks, 16), quick);
    stage.live(60);
    let granted = |stage: &mut Stage, id: u64, name: &str, ms: u64| {
        watch(stage, id, name, Some(ms));
        let watching = stage.watching.remove(&id).unwrap();
        watching.map(|watching| (watching.period.map(|period| period.as_millis()), watching.note))
    };
    assert_eq!(
        granted(&mut stage, 1, "c", 5),
        Ok((Some(100), "c is run no more often than every 100ms".to_owned()))
    );
    assert_eq!(granted(&mut stage, 2, "c", 250), Ok((Some(250), String::new())));
    assert_eq!(granted(&mut stage, 3, "c", 20_000), Ok((None, String::new())));
    assert_eq!(
        granted(&mut stage, 4, "switch", 200),
        Ok((Some(1000), "switch is run no more often than every 1s".to_owned()))
    );
    let refused = "never says `clone: false`, so it is not run more often".to_owned();
    assert_eq!(granted(&mut stage, 5, "never", 200), Ok((None, refused)));
    assert_eq!(granted(&mut stage, 6, "nobody", 200), Err("there is no check nobody".to_owned()));
    let own = "custos is not run by a schedule, so there is nothing to run more often".to_owned();
    assert_eq!(granted(&mut stage, 7, "custos", 200), Ok((None, own)));
    stage.handle(Event::Stop);
    assert_eq!(stage.watches_ended.len(), 6);
    assert_eq!(granted(&mut stage, 8, "c", 200), Err("the agent is stopping".to_owned()));
}

#[test]
fn clones_and_watchers_are_bounded() {
    let checks = many("c", CLONES_MAX as u64 + 1, 60).map(|check| Check { clone: true, ..check });
    let mut stage = Stage::new(config(checks, 16), quick);
    stage.live(120);
    for id in 0..CLONES_MAX as u64 {
        watch(&mut stage, id, &format!("c{id}"), Some(30_000));
        assert!(stage.watching[&id].is_ok(), "{:?}", stage.watching[&id]);
    }
    let one_more = CLONES_MAX as u64;
    watch(&mut stage, one_more, &format!("c{one_more}"), Some(30_000));
    assert!(
        stage.watching[&one_more].clone().unwrap_err().starts_with("64 checks are run more often already")
    );
    // Without a clone there is room.
    for id in one_more + 1..=WATCHERS_MAX as u64 {
        watch(&mut stage, id, &format!("c{one_more}"), None);
        assert!(stage.watching[&id].is_ok());
    }
    watch(&mut stage, 1000, "c0", None);
    assert_eq!(stage.watching[&1000], Err("256 watch already".to_owned()));
    stage.handle(Event::Unwatch(3));
    watch(&mut stage, 1000, "c0", None);
    assert!(stage.watching[&1000].is_ok());
}

#[test]
fn what_watching_may_take_of_the_processor_is_bounded() {
    let mut stage =
        Stage::new(config(many("c", 20, 60).map(|check| Check { clone: true, ..check }), 16), quick);
    stage.live(120);
    // A run is reckoned with half a millisecond: at 100 ms that is half a per cent.
    for id in 0..20 {
        watch(&mut stage, id, &format!("c{id}"), Some(100));
        assert!(stage.watching[&id].is_ok());
    }
    stage.live(10);
    assert!(stage.agent.running() <= 16);
}

#[test]
fn a_check_that_goes_is_not_watched_any_more() {
    let mut stage = Stage::new(config([watched("a", 10), watched("b", 10), watched("c", 10)], 16), quick);
    stage.live(30);
    watch(&mut stage, 1, "a", Some(500));
    watch(&mut stage, 2, "b", Some(500));
    watch(&mut stage, 3, "c", Some(500));
    stage.live(5);
    stage.reload([watched("b", 10), check("c", 10)], 16);
    stage.watches_ended.sort();
    let ended: Vec<(u64, &str)> = stage.watches_ended.iter().map(|(id, why)| (*id, why.as_str())).collect();
    let gone = "the check was taken out of the configuration";
    assert_eq!(ended, [(1, gone), (3, "the check says `clone: false` now")]);
    stage.starts.clear();
    stage.live(10);
    let of = |name: &str| stage.starts.iter().filter(|start| start.1 == name).count();
    assert_eq!((of("a"), of("c")), (0, 1));
    assert!(of("b") >= 18, "{}", of("b"));
}

/// Plugins that are quick, take a while, take longer than their check's interval, or longer than they may.
fn takes_us(name: &str) -> u64 {
    let number: u64 = name.trim_start_matches("many").parse().unwrap();
    [5_000, 40_000, 900_000, 3_000_000, 12_000_000, 90_000_000][(number % 6) as usize]
}

fn mixed() -> Config {
    let checks = many("many", 40, 10).enumerate().map(|(number, check)| Check {
        clone: true,
        max_check_attempts: 3,
        timeout: Duration::from_secs(30),
        retry_interval: Duration::from_secs(if number % 5 == 0 { 2 } else { 10 }),
        ..check
    });
    config(checks, 16)
}

#[test]
fn two_agents_of_which_one_is_watched_record_the_same() {
    for seed in 0..4 {
        let mut dice = Dice::new(seed);
        let (mut alone, mut looked_at) = (Stage::new(mixed(), takes_us), Stage::new(mixed(), takes_us));
        let mut watchers: Vec<u64> = Vec::new();
        for id in 0..150 {
            let state = if dice.below(3) == 0 { "CRITICAL | x=1;2;3" } else { "OK | x=1" };
            for stage in [&mut alone, &mut looked_at] {
                stage.prints = state.to_owned();
            }
            match dice.below(3) {
                0 if !watchers.is_empty() => {
                    let gone = watchers.swap_remove(dice.below(watchers.len() as u64) as usize);
                    looked_at.handle(Event::Unwatch(gone));
                }
                _ => {
                    watch(
                        &mut looked_at,
                        id,
                        &format!("many{}", dice.below(40)),
                        Some(100 + dice.below(3000)),
                    );
                    watchers.push(id);
                }
            }
            let seconds = dice.below(20);
            alone.live(seconds);
            looked_at.live(seconds);
        }
        assert!(looked_at.kept.len() > 300, "seed {seed}: {} runs of clones", looked_at.kept.len());
        assert_eq!(alone.runs.len(), looked_at.runs.len(), "seed {seed}");
        for (one, other) in alone.runs.iter().zip(&looked_at.runs) {
            assert_eq!(one, other, "seed {seed}");
        }
    }
}

#[test]
fn a_request_waits_for_the_clone_and_is_answered() {
    let mut stage = Stage::new(config([watched("c", 60)], 16), |_| 2 * SECOND_US);
    stage.live(120);
    watch(&mut stage, 1, "c", Some(5000));
    let began = stage.kept.len();
    while stage.agent.running() == 0 {
        stage.live(1);
    }
    stage.ask(7, Wanted::Check("c".to_owned()));
    assert_eq!(stage.agent.running(), 1, "never two at once");
    stage.live(5);
    assert_eq!(stage.answers, [(7, Ok(0))]);
    assert!(stage.kept.len() > began);
    // Also one that still waits when the agent stops.
    while stage.agent.running() == 0 {
        stage.live(1);
    }
    stage.ask(8, Wanted::Check("c".to_owned()));
    stage.handle(Event::Stop);
    assert_eq!(stage.answers[1], (8, Err("the agent is stopping".to_owned())));
}
