//! How many traps a second are taken: from one source, and from all together.
//!
//! A bucket for each source fills at its rate and holds one second's worth. What finds it empty is counted by source,
//! and the counts are taken away to be told. The number of sources is bounded; those beyond share one bucket.

use std::collections::HashMap;
use std::net::IpAddr;

use crate::limits::TRAPS_SOURCES_MAX;

const SECOND_US: u64 = 1_000_000;

#[derive(Clone, Copy, Debug)]
struct Bucket {
    /// Millionths of a trap.
    level: u64,
    filled_us: u64,
}

impl Bucket {
    fn full(rate: u32, now_us: u64) -> Bucket {
        Bucket { level: u64::from(rate) * SECOND_US, filled_us: now_us }
    }

    fn fill(&mut self, rate: u32, now_us: u64) {
        let passed_us = now_us.saturating_sub(self.filled_us).min(SECOND_US);
        let most = u64::from(rate) * SECOND_US;
        self.level = most.min(self.level + passed_us * u64::from(rate));
        self.filled_us = now_us;
    }

    fn take(&mut self) -> bool {
        let has = self.level >= SECOND_US;
        self.level -= if has { SECOND_US } else { 0 };
        has
    }
}

/// The limits with what is left of them.
#[derive(Debug)]
pub(super) struct Rate {
    per_source: u32,
    total: u32,
    all: Bucket,
    sources: HashMap<IpAddr, (Bucket, u64)>,
    /// What sources beyond the bound share.
    others: (Bucket, u64),
}

impl Rate {
    /// Limits in traps a second.
    pub(super) fn new(per_source: u32, total: u32, now_us: u64) -> Rate {
        let (all, others) = (Bucket::full(total, now_us), (Bucket::full(per_source, now_us), 0));
        Rate { per_source, total, all, sources: HashMap::new(), others }
    }

    /// Whether one more is taken from this source; if not it has been counted.
    pub(super) fn admit(&mut self, source: IpAddr, now_us: u64) -> bool {
        let room = self.sources.len() < TRAPS_SOURCES_MAX;
        let fresh = || (Bucket::full(self.per_source, now_us), 0);
        let own = match self.sources.get_mut(&source) {
            Some(own) => own,
            None if room => self.sources.entry(source).or_insert_with(fresh),
            None => &mut self.others,
        };
        own.0.fill(self.per_source, now_us);
        self.all.fill(self.total, now_us);
        let admitted = self.all.level >= SECOND_US && own.0.take() && self.all.take();
        own.1 += u64::from(!admitted);
        admitted
    }

    /// What was not taken since the last call, by source, most first (none stands for the sources beyond the bound).
    /// Forgets the sources that were quiet for a second.
    pub(super) fn refused(&mut self, now_us: u64) -> Vec<(Option<IpAddr>, u64)> {
        let mut refused: Vec<(Option<IpAddr>, u64)> = self
            .sources
            .iter_mut()
            .filter(|(_, own)| own.1 > 0)
            .map(|(source, own)| (Some(*source), std::mem::take(&mut own.1)))
            .collect();
        if self.others.1 > 0 {
            refused.push((None, std::mem::take(&mut self.others.1)));
        }
        self.sources.retain(|_, own| now_us.saturating_sub(own.0.filled_us) < SECOND_US);
        refused.sort_by_key(|(source, count)| (std::cmp::Reverse(*count), *source));
        refused
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const TWO: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

    fn admitted(rate: &mut Rate, source: IpAddr, count: u32, now_us: u64) -> usize {
        (0..count).filter(|_| rate.admit(source, now_us)).count()
    }

    #[test]
    fn a_source_has_its_rate_and_no_more() {
        let mut rate = Rate::new(10, 1000, 0);
        assert_eq!(admitted(&mut rate, ONE, 25, 0), 10);
        assert_eq!(admitted(&mut rate, TWO, 5, 0), 5);
        assert_eq!(admitted(&mut rate, ONE, 25, SECOND_US / 2), 5);
        assert_eq!(rate.refused(SECOND_US / 2), [(Some(ONE), 35)]);
        assert_eq!(rate.refused(SECOND_US / 2), []);
        assert_eq!(admitted(&mut rate, ONE, 25, 60 * SECOND_US), 10);
    }

    #[test]
    fn all_together_have_theirs() {
        let mut rate = Rate::new(10, 12, 0);
        assert_eq!(admitted(&mut rate, ONE, 10, 0), 10);
        assert_eq!(admitted(&mut rate, TWO, 10, 0), 2);
        assert_eq!(rate.refused(0), [(Some(TWO), 8)]);
    }

    #[test]
    fn sources_are_bounded_and_quiet_ones_forgotten() {
        let mut rate = Rate::new(1, 10_000_000, 0);
        let source = |number: u32| IpAddr::V4(std::net::Ipv4Addr::from_bits(number));
        let count = u32::try_from(TRAPS_SOURCES_MAX).unwrap();
        for number in 0..count {
            assert!(rate.admit(source(number), 0));
        }
        assert!(rate.admit(source(count), 0) && !rate.admit(source(count + 1), 0));
        assert_eq!(rate.refused(SECOND_US * 2), [(None, 1)]);
        assert!(rate.sources.is_empty());
    }
}
