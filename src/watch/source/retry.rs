//! Connecting again and again, more slowly while it fails.

use std::time::Duration;

use super::inlet::Inlet;
use crate::clock;
use crate::limits::{WATCH_RETRY_MAX, WATCH_RETRY_MIN};
use crate::watch::host::Event;

/// Connects for ever. A connection returns why it failed, or nothing if it should be made anew at once.
pub(super) fn forever(inlet: &Inlet, mut connection: impl FnMut() -> Result<(), String>) {
    let mut wait = WATCH_RETRY_MIN;
    loop {
        inlet.tell(Event::Connecting);
        let began_us = clock::mono_us();
        if let Err(why) = connection() {
            let lasted = Duration::from_micros(clock::mono_us().saturating_sub(began_us));
            wait = next_wait(wait, lasted);
            let again_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
            inlet.tell(Event::Failed { why, again_ms });
            clock::pause(wait);
        }
    }
}

/// How long to wait after a connection that lasted so long. One that lasted has been good.
fn next_wait(before: Duration, lasted: Duration) -> Duration {
    if lasted > WATCH_RETRY_MAX { WATCH_RETRY_MIN } else { (before * 2).min(WATCH_RETRY_MAX) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_waits_longer_while_it_fails_and_begins_anew_after_it_went_well() {
        let mut wait = WATCH_RETRY_MIN;
        for _ in 0..20 {
            let next = next_wait(wait, Duration::from_millis(5));
            assert!(next > wait || next == WATCH_RETRY_MAX);
            wait = next;
        }
        assert_eq!(wait, WATCH_RETRY_MAX);
        assert_eq!(next_wait(wait, Duration::from_secs(60)), WATCH_RETRY_MIN);
    }
}
