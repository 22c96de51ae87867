//! Connecting again and again, more slowly while it fails.

use std::time::Duration;

use super::inlet::Inlet;
use crate::clock;
use crate::limits::{WATCH_RETRY_MAX, WATCH_RETRY_MIN};
use crate::watch::host::Event;

/// Connects for ever. A connection returns why it failed, or nothing if it should be made anew at once.
pub(super) fn forever(inlet: &Inlet, mut connection: impl FnMut() -> Result<(), String>) {
    let mut wait = None;
    loop {
        inlet.tell(Event::Connecting);
        let began_us = clock::mono_us();
        if let Err(why) = connection() {
            let lasted = Duration::from_micros(clock::mono_us().saturating_sub(began_us));
            let next = next_wait(wait, lasted);
            wait = Some(next);
            let again_ms = u64::try_from(next.as_millis()).unwrap_or(u64::MAX);
            inlet.tell(Event::Failed { why, again_ms });
            clock::pause(next);
        }
    }
}

/// How long to wait after a connection that lasted so long, by the wait before it. One that lasted has been good.
fn next_wait(before: Option<Duration>, lasted: Duration) -> Duration {
    let again = before.filter(|_| lasted <= WATCH_RETRY_MAX);
    again.map_or(WATCH_RETRY_MIN, |before| (before * 2).min(WATCH_RETRY_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_waits_longer_while_it_fails_and_begins_anew_after_it_went_well() {
        let mut wait = next_wait(None, Duration::from_millis(5));
        assert_eq!(wait, WATCH_RETRY_MIN);
        for _ in 0..20 {
            let next = next_wait(Some(wait), Duration::from_millis(5));
            assert!(next > wait || next == WATCH_RETRY_MAX);
            wait = next;
        }
        assert_eq!(wait, WATCH_RETRY_MAX);
        assert_eq!(next_wait(Some(wait), Duration::from_secs(60)), WATCH_RETRY_MIN);
    }
}
