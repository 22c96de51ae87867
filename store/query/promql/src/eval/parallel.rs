//! Work on many items by a few threads.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use crate::error::Result;

/// What becomes of each item, in their order. So many threads share the work, this one among them; fewer, if the system gives
/// no more.
///
/// # Errors
/// The first failure that was met; what has not been begun then is left.
pub(super) fn map<T: Sync, R: Send>(
    threads: usize,
    items: &[T],
    work: impl Fn(&T) -> Result<R> + Sync,
) -> Result<Vec<R>> {
    if threads < 2 || items.len() < 2 {
        return items.iter().map(work).collect();
    }
    let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
    let share = || {
        let mut done = Vec::new();
        while !failed.load(Ordering::Relaxed) {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else { break };
            let result = work(item);
            failed.fetch_or(result.is_err(), Ordering::Relaxed);
            done.push((index, result?));
        }
        Ok(done)
    };
    let shares: Vec<Result<Vec<(usize, R)>>> = thread::scope(|scope| {
        let others = (1..threads.min(items.len()))
            .map_while(|_| thread::Builder::new().spawn_scoped(scope, share).ok())
            .collect::<Vec<_>>();
        let own = share();
        let joined =
            others.into_iter().map(|other| other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        joined.chain([own]).collect()
    });
    let mut all = Vec::with_capacity(items.len());
    for share in shares {
        all.extend(share?);
    }
    all.sort_unstable_by_key(|(index, _)| *index);
    Ok(all.into_iter().map(|(_, result)| result).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use crate::span::Span;

    #[test]
    fn results_come_in_the_order_of_the_items() {
        let items: Vec<usize> = (0..100).collect();
        for threads in [0, 1, 3, 200] {
            assert_eq!(map(threads, &items, |item| Ok(item * 2)).unwrap()[..3], [0, 2, 4]);
            let failing = |item: &usize| match item {
                50 => Err(Error::execution(Span { start: 0, end: 0 }, "no")),
                item => Ok(*item),
            };
            assert_eq!(map(threads, &items, failing).unwrap_err().message, "no");
        }
    }
}
