//! A thousand rounds of a notifier and a receiver that are killed at random moments, before, while and after the disk takes notes: whatever happens, in the end the receiver
//! knows how each alert stands, and nothing that was acknowledged came twice.

use std::collections::{BTreeMap, BTreeSet};

use custos_store::{Run, State};

use super::stage::{Stage, one_target, s};
use crate::notify::send::Taken;
use crate::notify::{Notification, Status};

const CHECKS: [&str; 4] = ["a", "b", "c", "d"];

/// Numbers that follow from a seed.
struct Random(u64);

impl Random {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }

    fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }
}

/// One state or end of an alert, as a message tells it: the check and the state, whether it fires, since when the check is in its
/// state, and when the alert ended.
type Fact = (String, bool, i64, Option<i64>);

fn facts(notification: &Notification) -> Vec<Fact> {
    let facts = notification.alerts.iter().filter(|alert| alert.news);
    facts
        .map(|alert| {
            let who = format!("{} {}", alert.labels["check"], alert.state.name());
            (who, alert.status == Status::Firing, alert.check.since_ms, alert.ended_ms)
        })
        .collect()
}

/// What the receiver knows.
#[derive(Default)]
struct Receiver {
    /// Checks that fire, by what it heard last.
    firing: BTreeMap<String, State>,
    /// Facts whose acknowledgement the notifier has got and noted.
    acknowledged: BTreeSet<Fact>,
    /// Every beginning that it heard of, and every end, by check.
    begun: BTreeSet<(String, i64)>,
    ended: BTreeSet<(String, i64)>,
}

impl Receiver {
    fn hear(&mut self, notification: &Notification, seed: u64) {
        for fact in facts(notification) {
            assert!(!self.acknowledged.contains(&fact), "seed {seed}: {fact:?} came twice");
        }
        for alert in notification.alerts.iter() {
            let check = alert.labels["check"].clone();
            self.begun.insert((check.clone(), alert.started_ms));
            match alert.status {
                Status::Firing => self.firing.insert(check, alert.state),
                Status::Resolved => {
                    self.ended.insert((check.clone(), alert.started_ms));
                    self.firing.remove(&check)
                }
            };
        }
    }
}

struct Round {
    stage: Stage,
    receiver: Receiver,
    random: Random,
    seed: u64,
    last: BTreeMap<&'static str, Run>,
    /// Whether the receiver is.
    up: bool,
    /// Facts that were acknowledged, which the disk has yet to take.
    unwritten: Vec<Fact>,
}

impl Round {
    fn new(seed: u64) -> Round {
        let mut random = Random(seed);
        let target =
            ["command: /bin/true", "email: { to: root }", "alertmanager: 'http://127.0.0.1:1', resend: 1m"];
        let target = target[random.below(3) as usize];
        let more = [
            "",
            "  group_wait: 0s\n",
            "  group_wait: 5s\n  group_interval: 10s\n",
            "  group_by: '...'\n  group_interval: 1s\n",
        ];
        let stage = Stage::new(&one_target(target, more[random.below(4) as usize]));
        Round {
            stage,
            receiver: Receiver::default(),
            random,
            seed,
            last: BTreeMap::new(),
            up: true,
            unwritten: Vec::new(),
        }
    }

    /// What becomes of the messages under way.
    fn deliver(&mut self) {
        for (ticket, _, notification) in std::mem::take(&mut self.stage.under_way) {
            let count = notification.alerts.len();
            let arrives = self.up && !self.random.one_in(4);
            if arrives {
                self.receiver.hear(&notification, self.seed);
            }
            if self.random.one_in(8) {
                // The agent is killed before it hears of it: the acknowledgement is lost.
                self.restart();
                return;
            }
            let acknowledged = arrives && !self.random.one_in(5);
            let outcome = if acknowledged { Taken::Delivered } else { Taken::Later("lost".into()) };
            let mut effects = Vec::new();
            self.stage.notifier.sent(ticket, &vec![outcome; count], self.stage.now, &mut effects);
            self.stage.act();
            if acknowledged {
                self.unwritten.extend(facts(&notification));
            }
        }
        if !self.stage.slow_disk {
            self.write();
        }
    }

    /// The disk takes what waits for it.
    fn write(&mut self) {
        self.stage.write();
        self.receiver.acknowledged.extend(std::mem::take(&mut self.unwritten));
    }

    /// Kills the agent, and starts another.
    fn restart(&mut self) {
        self.unwritten.clear();
        let last: Vec<(&str, Run)> = self.last.iter().map(|(check, run)| (*check, run.clone())).collect();
        self.stage.restart(&last);
    }

    fn step(&mut self) {
        match self.random.below(10) {
            0..=3 => {
                let check = CHECKS[self.random.below(4) as usize];
                let state =
                    [State::Ok, State::Ok, State::Warning, State::Critical][self.random.below(4) as usize];
                let mut run = self.stage.run(state);
                if let Some(last) = self.last.get(check).filter(|last| last.state == state) {
                    run.standing.since_ms = last.standing.since_ms;
                }
                self.stage.ran_as(check, &run);
                self.last.insert(check, run);
            }
            4 => self.up = !self.up,
            5 if self.random.one_in(3) => self.restart(),
            6 => self.stage.slow_disk = !self.stage.slow_disk,
            7 => self.write(),
            _ => {}
        }
        let ms = 1 + self.random.below(20_000);
        self.stage.pass(std::time::Duration::from_millis(ms));
        self.deliver();
    }

    /// Everything works again, and comes to rest.
    fn settle(&mut self) {
        self.up = true;
        self.stage.slow_disk = false;
        self.write();
        for _ in 0..2000 {
            for (ticket, _, notification) in std::mem::take(&mut self.stage.under_way) {
                self.receiver.hear(&notification, self.seed);
                self.receiver.acknowledged.extend(facts(&notification));
                let outcomes = vec![Taken::Delivered; notification.alerts.len()];
                let mut effects = Vec::new();
                self.stage.notifier.sent(ticket, &outcomes, self.stage.now, &mut effects);
                self.stage.act();
            }
            if self.stage.notifier.report(self.stage.now).targets[0].owed == 0
                && self.stage.under_way.is_empty()
            {
                return;
            }
            self.stage.pass(s(10));
        }
        panic!("seed {}: it never came to rest", self.seed);
    }
}

#[test]
fn every_firing_and_every_end_arrives_and_nothing_acknowledged_comes_twice() {
    for seed in 0..1000 {
        let mut round = Round::new(seed);
        for _ in 0..30 {
            round.step();
        }
        round.settle();
        let firing = round.last.iter().filter(|(_, run)| run.state != State::Ok);
        let expected: BTreeMap<String, State> =
            firing.map(|(check, run)| ((*check).to_owned(), run.state)).collect();
        assert_eq!(round.receiver.firing, expected, "seed {seed}");
        // Of each alert that it heard of, an end came, or a later beginning in its place, or it fires.
        for (check, started_ms) in &round.receiver.begun {
            let later =
                round.receiver.begun.iter().any(|(other, later)| other == check && later > started_ms);
            let ended = round.receiver.ended.contains(&(check.clone(), *started_ms));
            assert!(later || ended || expected.contains_key(check), "seed {seed}: {check} {started_ms}");
        }
    }
}
