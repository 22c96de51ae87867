//! When judging is broken off: after a time, and when the agent ends.

use std::sync::Arc;
use std::time::Duration;

use super::queue::Queue;
use crate::clock;
use crate::rules::Judgement;

/// A judgement that begins now: it may take so long, and ends with the agent.
pub(super) fn judgement(max: Duration, queue: &Arc<Queue>) -> Judgement {
    let until_us = clock::mono_us().saturating_add(clock::micros(max));
    let queue = Arc::clone(queue);
    Judgement::until(Arc::new(move || {
        if queue.is_ended() {
            return Some("the agent ends".to_owned());
        }
        (clock::mono_us() > until_us).then(|| format!("the rule took longer than {} s", max.as_secs()))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_ends_after_its_time_or_with_the_agent() {
        let queue = Arc::<Queue>::default();
        let [long, none] = [Duration::MAX, Duration::ZERO].map(|max| judgement(max, &queue));
        assert_eq!(long.stopped(), None);
        while none.stopped().is_none() {}
        assert_eq!(none.stopped().unwrap(), "the rule took longer than 0 s");
        queue.end();
        assert_eq!(long.stopped().unwrap(), "the agent ends");
        assert_eq!(long.next().stopped().unwrap(), "the agent ends");
    }
}
