//! Work on each of several items, which is done by a few threads.

use std::panic::resume_unwind;
use std::sync::{Mutex, PoisonError};
use std::thread;

/// What becomes of each item, by its index, in their order. So many threads share the work, this one among them; fewer, if the system
/// gives no more.
pub(super) fn side_by_side<T: Send, R: Send>(
    threads: usize,
    items: &mut [T],
    work: impl Fn(usize, &mut T) -> R + Sync,
) -> Vec<R> {
    let most = threads.min(items.len());
    let waiting = Mutex::new(items.iter_mut().enumerate());
    let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
    let share = || {
        let mut done = Vec::new();
        while let Some((index, item)) = next() {
            done.push((index, work(index, item)));
        }
        done
    };
    let mut all: Vec<(usize, R)> = thread::scope(|scope| {
        let others: Vec<_> =
            (1..most).map_while(|_| thread::Builder::new().spawn_scoped(scope, share).ok()).collect();
        let own = share();
        let joined =
            others.into_iter().flat_map(|other| other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        own.into_iter().chain(joined).collect()
    });
    all.sort_unstable_by_key(|(index, _)| *index);
    all.into_iter().map(|(_, done)| done).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_item_is_worked_on_once_and_results_are_in_their_order() {
        for threads in [0, 1, 3, 200] {
            let mut items: Vec<usize> = (0..100).collect();
            let done = side_by_side(threads, &mut items, |index, item| {
                *item += 1;
                (index, *item)
            });
            assert_eq!(done, (0..100).map(|index| (index, index + 1)).collect::<Vec<_>>());
            assert_eq!(items[99], 100);
        }
    }
}
