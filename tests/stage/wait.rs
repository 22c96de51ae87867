//! Waiting for an event, with a deadline.

use std::time::{Duration, Instant};

/// How long a test waits for an event. Far longer than any takes, so that no test fails on a slow machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);
/// Between two looks: short at first, because most events come at once, then longer, because a look may cost a process.
const PAUSE_FIRST: Duration = Duration::from_millis(2);
const PAUSE_LAST: Duration = Duration::from_millis(50);

/// The pauses between the looks for one event, until patience ends.
struct Pauses {
    deadline: Instant,
    next: Duration,
}

impl Pauses {
    #[expect(clippy::disallowed_methods, reason = "the deadline is of the test, not of what it tests")]
    fn new() -> Pauses {
        Pauses { deadline: Instant::now() + PATIENCE, next: PAUSE_FIRST }
    }

    /// How long to wait before the next look. Panics once patience has ended.
    #[expect(clippy::disallowed_methods, reason = "the deadline is of the test, not of what it tests")]
    fn next(&mut self, what: &str) -> Duration {
        assert!(Instant::now() < self.deadline, "waited {} s for {what}", PATIENCE.as_secs());
        let pause = self.next;
        self.next = (pause * 3 / 2).min(PAUSE_LAST);
        pause
    }
}

/// Looks again and again until there is something.
pub(crate) fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let mut pauses = Pauses::new();
    loop {
        if let Some(found) = look() {
            return found;
        }
        pause(pauses.next(what));
    }
}

/// The same for a test whose runtime has work to do meanwhile.
pub(crate) async fn wait_until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let mut pauses = Pauses::new();
    loop {
        if let Some(found) = look() {
            return found;
        }
        tokio::time::sleep(pauses.next(what)).await;
    }
}

/// Lets time pass: between two looks, or until a moment that a test has drawn at random. Never the wait for an event.
#[expect(clippy::disallowed_methods, reason = "the one place of the tests that sleeps")]
pub(crate) fn pause(time: Duration) {
    std::thread::sleep(time);
}
