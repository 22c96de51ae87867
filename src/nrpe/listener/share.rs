//! One budget for the bytes of requests that are not finished: peers that send most of a long request and keep back its
//! end, over thousands of connections, must not take the memory of the machine.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::limits::{NRPE_WAITING_FREE_BYTES, NRPE_WAITING_MAX_BYTES};

/// What one connection has of the budget; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Share<'a> {
    /// Bytes that all connections have taken.
    taken: &'a AtomicUsize,
    own: usize,
}

impl<'a> Share<'a> {
    /// A share of nothing yet.
    pub(super) fn of(taken: &'a AtomicUsize) -> Share<'a> {
        Share { taken, own: 0 }
    }

    /// Takes what a request of this many bytes needs; `false` if there is not so much left.
    pub(super) fn grow_to(&mut self, len: usize) -> bool {
        let wanted = len.saturating_sub(NRPE_WAITING_FREE_BYTES).saturating_sub(self.own);
        if wanted == 0 {
            return true;
        }
        let grown = |taken: usize| taken.checked_add(wanted).filter(|sum| *sum <= NRPE_WAITING_MAX_BYTES);
        let fits = self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, grown).is_ok();
        self.own += if fits { wanted } else { 0 };
        fits
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        self.taken.fetch_sub(self.own, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_requests_need_none_and_long_ones_share_the_budget() {
        let taken = AtomicUsize::new(0);
        let long = 64 * 1024;
        let mut shares: Vec<Share<'_>> = Vec::new();
        loop {
            let mut share = Share::of(&taken);
            let fits = share.grow_to(long / 2) && share.grow_to(long);
            shares.push(share);
            if !fits {
                break;
            }
        }
        assert!(taken.load(Ordering::Relaxed) <= NRPE_WAITING_MAX_BYTES);
        assert!(shares.len() > NRPE_WAITING_MAX_BYTES / long);
        let mut ordinary = Share::of(&taken);
        assert!(ordinary.grow_to(NRPE_WAITING_FREE_BYTES));
        assert!(!ordinary.grow_to(long));
        drop(shares);
        assert!(ordinary.grow_to(long));
        drop(ordinary);
        assert_eq!(taken.load(Ordering::Relaxed), 0);
    }
}
