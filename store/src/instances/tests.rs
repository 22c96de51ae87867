//! Sets against plain maps.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;

use super::{History, Instance, Instances, Steps, get_changes, put_changes};
use crate::bytes::{Cursor, Short};
use crate::error::Error;
use crate::limits::{INSTANCE_LABELS_MAX, INSTANCE_TEXT_BYTES_MAX, INSTANCES_BYTES_MAX, INSTANCES_MAX};
use crate::state::State;
use crate::value::Value;

type Labels = Vec<(String, String)>;

fn labels(n: u32) -> Labels {
    vec![("row".to_owned(), format!("{n:05}"))]
}

fn instance(n: u32, state: u8) -> Instance {
    Instance { state: State::ALL[usize::from(state)], text: format!("{n}"), ..Instance::new(labels(n)) }
}

/// What a set must be like whatever was done to it.
fn check(set: &Instances, model: &BTreeMap<Labels, Instance>) {
    assert!(set.iter().map(|instance| &**instance).eq(model.values()));
    assert_eq!((set.len(), set.is_empty()), (model.len(), model.is_empty()));
    assert_eq!(set.bytes(), model.values().map(Instance::bytes).sum::<usize>());
    for state in State::ALL {
        let here = model.values().filter(|instance| instance.state == state).count();
        assert_eq!(set.count(state), here);
    }
    let worst = model.values().fold(State::Ok, |worst, instance| worst.worst(instance.state));
    assert_eq!(set.worst(), worst);
    for (labels, instance) in model {
        assert_eq!(set.get(labels).map(|found| &**found), Some(instance));
    }
    assert_eq!(set.get(&[("row".to_owned(), "none".to_owned())]), None);
}

fn differences(before: &Instances, after: &Instances) -> Vec<(Option<Instance>, Option<Instance>)> {
    let own = |instance: Option<&Arc<Instance>>| instance.map(|instance| (**instance).clone());
    after.changes_since(before).map(|change| (own(change.before), own(change.after))).collect()
}

fn expected(
    before: &BTreeMap<Labels, Instance>,
    after: &BTreeMap<Labels, Instance>,
) -> Vec<(Option<Instance>, Option<Instance>)> {
    let mut all: Vec<&Labels> = before.keys().chain(after.keys()).collect();
    all.sort();
    all.dedup();
    let pairs = all.into_iter().map(|labels| (before.get(labels).cloned(), after.get(labels).cloned()));
    pairs.filter(|(before, after)| before != after).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn a_set_is_like_a_map(
        first in prop::collection::vec((0..400_u32, 0..4_u8), 0..300),
        steps in prop::collection::vec((0..400_u32, 0..6_u8), 0..200),
    ) {
        let all: Vec<Instance> = first.iter().map(|(n, state)| instance(*n, *state)).collect();
        let mut model: BTreeMap<Labels, Instance> =
            all.iter().map(|instance| (instance.labels.clone(), instance.clone())).collect();
        let mut set = Instances::new(all).unwrap();
        check(&set, &model);
        let (first, first_model) = (set.clone(), model.clone());
        for (at, (n, action)) in steps.iter().enumerate() {
            let before = (set.clone(), model.clone());
            if let 0..4 = action {
                set.insert(instance(*n, *action)).unwrap();
                model.insert(labels(*n), instance(*n, *action));
            } else {
                let gone = set.remove(&labels(*n));
                prop_assert_eq!(gone.map(|gone| (*gone).clone()), model.remove(&labels(*n)));
            }
            if at % 20 == 0 {
                prop_assert_eq!(differences(&before.0, &set), expected(&before.1, &model));
                check(&set, &model);
            }
        }
        check(&set, &model);
        check(&first, &first_model);
        prop_assert_eq!(differences(&first, &set), expected(&first_model, &model));
        round_trip(&first, &set);
        round_trip(&set, &first);
        round_trip(&Instances::default(), &set);
        round_trip(&set, &Instances::default());
        let other = Instances::new(model.values().cloned()).unwrap();
        prop_assert_eq!(&other, &set);
        prop_assert_eq!(differences(&other, &set), Vec::new());
    }
}

/// The changes between two sets come back from their bytes, and nothing comes of a part of them.
fn round_trip(before: &Instances, after: &Instances) {
    for time_ms in [0, 1_700_000_000_000, i64::MIN, i64::MAX] {
        let mut bytes = Vec::new();
        let count = put_changes(&mut bytes, before, after, time_ms);
        assert_eq!(count, differences(before, after).len());
        if count == 0 {
            assert!(bytes.is_empty());
            continue;
        }
        let mut cursor = Cursor::new(&bytes);
        let read = get_changes(&mut cursor, before.clone(), time_ms).unwrap();
        assert!(cursor.is_at_end());
        assert_eq!(&read, after);
        // The same where nothing is shared, so that it is changed in place.
        let own = Instances::new(before.iter().map(|instance| (**instance).clone())).unwrap();
        assert_eq!(&get_changes(&mut Cursor::new(&bytes), own, time_ms).unwrap(), after);
        assert_eq!((read.len(), read.bytes()), (after.len(), after.bytes()));
        for end in (0..bytes.len()).step_by(1 + bytes.len() / 50) {
            assert_eq!(get_changes(&mut Cursor::new(&bytes[..end]), before.clone(), time_ms), Err(Short));
        }
    }
}

fn any_instance() -> impl Strategy<Value = Instance> {
    let value = prop_oneof![
        any::<i64>().prop_map(Value::from),
        (-1e300..1e300_f64).prop_map(Value::from),
        (-9_i64..9).prop_map(Value::from),
    ];
    let time = || prop_oneof![Just(0), 1_700_000_000_000..1_700_000_100_000_i64, any::<i64>()];
    let labels = prop::collection::vec(("[a-c]{0,2}", "\\PC{0,3}"), 0..3);
    let rest = (prop::option::of(time()), prop::option::of(time()), prop::option::of(value));
    (labels, 0..4_usize, time(), rest, "\\PC{0,9}").prop_map(
        |(labels, state, since_ms, (pending_since_ms, seen_ms, value), text)| Instance {
            state: State::ALL[state],
            since_ms,
            pending_since_ms,
            seen_ms,
            value,
            text,
            ..Instance::new(labels)
        },
    )
}

proptest! {
    #[test]
    fn any_changes_come_back(
        before in prop::collection::vec(any_instance(), 0..20),
        after in prop::collection::vec(any_instance(), 0..20),
        kept in prop::collection::vec(any_instance(), 0..20),
    ) {
        let set = |own: Vec<Instance>| Instances::new(own.into_iter().chain(kept.clone())).unwrap();
        round_trip(&set(before), &set(after));
    }

    #[test]
    fn any_bytes_are_harmless(bytes in prop::collection::vec(0..9_u8, 0..60), count in 0..100_u32) {
        let before = Instances::new((0..count).map(|n| instance(n, 0))).unwrap();
        let _ = get_changes(&mut Cursor::new(&bytes), before, 5);
    }
}

#[test]
fn a_change_costs_a_few_bytes() {
    let before = Instances::new((0..10_000).map(|n| instance(n, 0))).unwrap();
    let mut after = before.clone();
    let old = before.get(&labels(7777)).unwrap();
    after
        .insert(Instance { state: State::Critical, since_ms: 5_000, seen_ms: Some(5_000), ..(**old).clone() })
        .unwrap();
    let mut bytes = Vec::new();
    put_changes(&mut bytes, &before, &after, 5_000);
    assert!(bytes.len() <= 7, "{bytes:?}");
}

/// A full set comes at its limits, with one more before one less.
#[test]
fn a_set_at_its_limit_may_change() {
    let mut after = Instances::new((1..=INSTANCES_MAX as u32).map(|n| instance(n, 0))).unwrap();
    let before = after.clone();
    after.remove(&labels(9)).unwrap();
    after.insert(instance(0, 0)).unwrap();
    round_trip(&before, &after);
}

/// Steps that add an instance each, of which every thousandth begins anew.
struct Counting {
    applied: Cell<usize>,
}

impl Steps for Counting {
    fn base(&self, step: usize) -> usize {
        step / 1000 * 1000
    }

    fn apply(&self, step: usize, before: Instances) -> Result<Instances, Short> {
        self.applied.set(self.applied.get() + 1);
        let mut set = if step.is_multiple_of(1000) { Instances::default() } else { before };
        set.insert(instance(step as u32, 0)).unwrap();
        Ok(set)
    }
}

#[test]
fn the_sets_of_a_history_are_made_when_asked_for() {
    let (history, steps) = (History::default(), Counting { applied: Cell::new(0) });
    let ask = |step: usize| {
        let set = history.at(&steps, step).unwrap();
        assert_eq!(set.len(), step % 1000 + 1);
        assert!(set.get(&labels(step as u32)).is_some() && set.get(&labels(step as u32 + 1)).is_none());
    };
    (0..2500).for_each(ask);
    assert_eq!(steps.applied.replace(0), 2500);
    (0..2500).rev().for_each(ask);
    assert!(steps.applied.replace(0) < 2500 * 4, "going back replays too much");
    [2499, 0, 1999, 2000, 1000, 5].into_iter().for_each(ask);
    assert!(steps.applied.get() < 500 + 1 + 1000 + 1 + 1 + 6 + 6);
}

#[test]
fn a_set_that_was_changed_a_little_shares_the_rest() {
    let before = Instances::new((0..10_000).map(|n| instance(n, 0))).unwrap();
    let mut after = before.clone();
    after.insert(instance(5000, 2)).unwrap();
    let shared = before.iter().zip(after.iter()).filter(|(old, new)| Arc::ptr_eq(old, new)).count();
    assert_eq!(shared, 9_999);
    assert_eq!(differences(&before, &after), [(Some(instance(5000, 0)), Some(instance(5000, 2)))]);
    // The same again is no change, not even in memory.
    let same = after.clone();
    after.insert(instance(5000, 2)).unwrap();
    assert!(after.is(&same));
    assert!(after.remove(&labels(77_777)).is_none() && after.is(&same));
}

#[test]
fn what_is_beyond_a_limit_is_refused_and_a_long_text_is_cut() {
    let mut set = Instances::new([instance(1, 0)]).unwrap();
    let many: Labels = (0..=INSTANCE_LABELS_MAX).map(|n| (n.to_string(), String::new())).collect();
    let before = set.clone();
    let error = set.insert(Instance::new(many)).unwrap_err();
    assert!(matches!(error, Error::InstanceRefused { found: 65, limit: 64, .. }), "{error}");
    let long = vec![("a".to_owned(), "x".repeat(10_000))];
    assert!(set.insert(Instance::new(long)).unwrap_err().to_string().contains("10001 bytes in the labels"));
    assert_eq!(set, before);

    let text = format!("x{}", "ü".repeat(INSTANCE_TEXT_BYTES_MAX));
    set.insert(Instance { text, ..instance(1, 1) }).unwrap();
    assert_eq!(set.get(&labels(1)).unwrap().text.len(), INSTANCE_TEXT_BYTES_MAX - 1);

    let large = |n| Instance { text: "x".repeat(INSTANCE_TEXT_BYTES_MAX), ..instance(n, 0) };
    let mut set = Instances::new((0..2000).map(large)).unwrap();
    let mut n = 2000;
    while set.insert(large(n)).is_ok() {
        n += 1;
    }
    assert!(set.len() as u32 == n && set.bytes() <= INSTANCES_BYTES_MAX);
    assert!(set.bytes() + large(n).bytes() > INSTANCES_BYTES_MAX);
    // One that grows is refused as well, and stays as it was.
    let small = Instance { text: String::new(), ..large(5) };
    set.insert(small.clone()).unwrap();
    let filler = |n| Instance { text: "x".repeat(500), ..instance(n, 0) };
    while set.insert(filler(n)).is_ok() {
        n += 1;
    }
    set.insert(large(5)).unwrap_err();
    assert_eq!(**set.get(&labels(5)).unwrap(), small);

    let full = Instances::new((0..INSTANCES_MAX as u32).map(|n| instance(n, 0)));
    let mut full = full.unwrap();
    full.insert(instance(99_999, 0)).unwrap_err();
    full.insert(instance(9, 3)).unwrap();
    assert_eq!((full.len(), full.worst()), (INSTANCES_MAX, State::Unknown));
    assert!(Instances::new((0..=INSTANCES_MAX as u32).map(|n| instance(n, 0))).is_err());
}

#[test]
fn labels_are_sorted_and_of_two_the_later_counts() {
    let pair = |name: &str| (name.to_owned(), "1".to_owned());
    let set = Instances::new([
        Instance { labels: vec![pair("b"), pair("a")], text: "first".to_owned(), ..Instance::default() },
        Instance { labels: vec![pair("a"), pair("b")], text: "second".to_owned(), ..Instance::default() },
    ])
    .unwrap();
    assert_eq!(set.len(), 1);
    assert_eq!(set.get(&[pair("a"), pair("b")]).unwrap().text, "second");
}
