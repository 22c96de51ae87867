//! Delivered runs that a cursor remembers, the further back the fewer.
//!
//! Where the store was restored from a backup and has gone on since, they find how far it is still the store that was delivered.

use custos_store::Delivered;

use crate::limits::FEED_ANCHORS_MAX;

/// Adds the run that was delivered last, and forgets one that has others close by, for its age.
pub(super) fn add(anchors: &mut Vec<Delivered>, last: Delivered) {
    if anchors.last().is_some_and(|newest| newest.number >= last.number) {
        anchors.retain(|anchor| anchor.number < last.number);
    }
    anchors.push(last);
    while anchors.len() > FEED_ANCHORS_MAX {
        let close = |at: &usize| {
            let around = anchors[at + 1].number - anchors[at - 1].number;
            let age = last.number - anchors[at - 1].number;
            (u128::from(around) << 32) / u128::from(age.max(1))
        };
        let forget = (1..anchors.len() - 1).min_by_key(close).unwrap_or(0);
        anchors.remove(forget);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_further_back_the_fewer() {
        let mut anchors = Vec::new();
        for number in 0..100_000 {
            add(&mut anchors, Delivered { number, fingerprint: number });
        }
        assert_eq!(anchors.len(), FEED_ANCHORS_MAX);
        assert_eq!((anchors[0].number, anchors.last().unwrap().number), (0, 99_999));
        // Whatever run it is, there is one before it that is not much further back.
        for back in [10, 100, 1000, 10_000, 50_000] {
            let before = anchors.iter().rev().find(|anchor| anchor.number <= 99_999 - back).unwrap();
            assert!(99_999 - before.number <= back * 3 + 2, "{back}: {before:?}");
        }
        add(&mut anchors, Delivered { number: 500, fingerprint: 1 });
        assert_eq!(anchors.last().unwrap().number, 500);
        assert!(anchors.is_sorted_by_key(|anchor| anchor.number));
    }
}
