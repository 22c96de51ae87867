//! Random sequences over random samples, beside the reference.

use std::collections::BTreeSet;

use custos_promql::{Labels, parse};

use super::reference::{Moment, Reference};
use crate::rules::sequence::{Condition, Recovery, Sequence, SequenceState, Step, StepKind};

const ROUNDS: u64 = 4_000;
const KEYS: [&str; 2] = ["x", "y"];

/// A small generator, the same everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    fn one_in(&mut self, bound: u64) -> bool {
        self.below(bound) == 0
    }

    fn length(&mut self) -> i64 {
        [10_000, 20_000, 30_000, 50_000, 80_000][self.below(5) as usize]
    }
}

fn sequence(random: &mut Random) -> Sequence {
    let count = 2 + random.below(3) as usize;
    let condition = |random: &mut Random| Condition {
        query: "a".to_owned(),
        expr: parse("a").unwrap(),
        for_ms: if random.one_in(4) { random.length() / 2 } else { 0 },
    };
    let conditions: Vec<Condition> = (0..count).map(|_| condition(random)).collect();
    let any = |random: &mut Random| random.below(count as u64) as usize;
    let steps = (0..1 + random.below(4)).map(|index| {
        let kind = match random.below(6) {
            0 if index > 0 => StepKind::Not(any(random)),
            1 => StepKind::All(vec![0, 1]),
            2 => StepKind::Times { condition: any(random), times: 2 + random.below(2) as usize },
            _ => StepKind::Times { condition: any(random), times: 1 },
        };
        let is_wait = matches!(kind, StepKind::Not(_));
        Step {
            name: format!("s{index}").into(),
            within_ms: (is_wait || random.one_in(2)).then(|| random.length()),
            guards: if index > 0 && random.one_in(5) { vec![any(random)] } else { Vec::new() },
            kind,
        }
    });
    let steps = steps.collect();
    Sequence {
        by: vec!["k".to_owned()],
        within_ms: random.one_in(2).then(|| random.length() * 2),
        conditions,
        steps,
        until: random.one_in(4).then(|| any(random)),
        recovery: [Recovery::Last, Recovery::All, Recovery::Any, Recovery::AtOnce][random.below(4) as usize],
        checks: Vec::new(),
    }
}

/// What is returned at a time: for each key and condition some elements, and now and then one without the label of the key.
#[derive(Clone)]
struct Levels {
    keys: [Vec<BTreeSet<u8>>; 2],
    of_all: BTreeSet<usize>,
}

fn levels(random: &mut Random, conditions: usize) -> Levels {
    let one = |random: &mut Random| (0..2).filter(|_| random.one_in(4)).collect();
    let mut all = || (0..conditions).map(|_| one(random)).collect();
    let keys = [all(), all()];
    Levels { keys, of_all: (0..conditions).filter(|_| random.one_in(12)).collect() }
}

fn returned(levels: &Levels, conditions: usize) -> Vec<Vec<(Labels, f64)>> {
    let of = |condition: usize| {
        let of_key = |(key, levels): (&&str, &Vec<BTreeSet<u8>>)| {
            let labels = |element: &u8| Labels::new([("k", *key), ("e", &element.to_string())]);
            levels[condition].iter().map(|element| (labels(element), 1.0)).collect::<Vec<_>>()
        };
        let own = KEYS.iter().zip(&levels.keys).flat_map(of_key);
        let of_all = levels.of_all.contains(&condition).then(|| (Labels::new([("e", "all")]), 1.0));
        own.chain(of_all).collect()
    };
    (0..conditions).map(of).collect()
}

#[test]
fn random_sequences_come_to_what_all_matches_say() {
    let mut alerts = 0;
    for seed in 0..ROUNDS {
        let mut random = Random(seed);
        let sequence = sequence(&mut random);
        let conditions = sequence.conditions.len();
        let mut state = SequenceState::default();
        let mut judged: Vec<(i64, Levels)> = Vec::new();
        let mut got = Vec::new();
        let mut judge = |at_ms: i64, levels: &Levels, state: &mut SequenceState| {
            let matched = state.take(&sequence, at_ms, &returned(levels, conditions)).unwrap();
            judged.push((at_ms, levels.clone()));
            got.push(KEYS.map(|key| {
                let of_key = matched.iter().find(|matched| matched.labels.get("k") == key);
                let times =
                    |steps: &[crate::rules::HappenedStep]| steps.iter().map(|step| step.at_ms).collect();
                of_key.map(|matched| -> Vec<i64> { times(matched.happened.steps()) })
            }));
            if matched.is_empty() && state.under_way(&sequence) == 0 {
                assert_eq!(
                    *state,
                    SequenceState::settled(at_ms, &returned(levels, conditions)),
                    "seed {seed}"
                );
            }
        };
        let has_deadlines = !random.one_in(3);
        let mut at_ms = 0;
        let mut now = levels(&mut random, conditions);
        for _ in 0..7 {
            judge(at_ms, &now, &mut state);
            at_ms += if random.one_in(15) { 500_000 } else { 10_000 * (1 + random.below(3) as i64) };
            while let Some(due_ms) =
                state.next_deadline_ms(&sequence).filter(|due_ms| has_deadlines && *due_ms < at_ms)
            {
                judge(due_ms, &now, &mut state);
            }
            now = levels(&mut random, conditions);
        }
        for (index, key) in KEYS.iter().enumerate() {
            let moments: Vec<Moment> = judged
                .iter()
                .map(|(at_ms, levels)| Moment {
                    at_ms: *at_ms,
                    own: levels.keys[index].clone(),
                    of_all: levels.of_all.clone(),
                })
                .collect();
            let expected = Reference::new(&sequence, &moments).alerts();
            let got: Vec<_> = got.iter().map(|keys| keys[index].clone()).collect();
            assert_eq!(got, expected, "seed {seed}, key {key}\n{sequence:?}\n{moments:#?}");
            alerts += expected.iter().flatten().count();
        }
    }
    assert!(alerts > ROUNDS as usize, "{alerts} alerts are too few to say anything");
}
