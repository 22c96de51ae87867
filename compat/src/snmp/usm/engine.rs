//! What is known of the clock of another engine, and whether a message from it is timely (RFC 3414, section 3.2, 7b).

/// Seconds by which a message may be old.
pub const TIME_WINDOW_S: u32 = 150;
/// Where a count of starts stands still.
const BOOTS_MAX: u32 = i32::MAX as u32;

/// The clock of another engine as it was last heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Engine {
    boots: u32,
    time: u32,
    /// Latest time that an authenticated message had since its start.
    latest: u32,
    heard_at_s: u64,
}

impl Engine {
    /// A clock that was heard of at this second of our own.
    pub fn heard(boots: u32, time: u32, now_s: u64) -> Engine {
        Engine { boots, time, latest: time, heard_at_s: now_s }
    }

    /// How often the engine was started, and the seconds since then, as they should be now.
    pub fn now(&self, now_s: u64) -> (u32, u32) {
        let passed = u32::try_from(now_s.saturating_sub(self.heard_at_s)).unwrap_or(u32::MAX);
        (self.boots, self.time.saturating_add(passed).min(BOOTS_MAX))
    }

    /// Takes the clock of a message whose digest was verified. Returns whether the message is timely.
    pub fn accept(&mut self, boots: u32, time: u32, now_s: u64) -> bool {
        if boots > self.boots || boots == self.boots && time > self.latest {
            *self = Engine::heard(boots, time, now_s);
        }
        let (_, expected) = self.now(now_s);
        boots == self.boots && boots < BOOTS_MAX && time.saturating_add(TIME_WINDOW_S) >= expected
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_goes_on_and_is_corrected_forward_only() {
        let mut engine = Engine::heard(4, 100, 1000);
        assert_eq!(engine.now(1010), (4, 110));
        assert!(engine.accept(4, 115, 1010));
        assert_eq!(engine.now(1010), (4, 115));
        assert!(engine.accept(4, 90, 1010));
        assert_eq!(engine.now(1010), (4, 115));
    }

    #[test]
    fn messages_from_before_are_refused() {
        let mut engine = Engine::heard(4, 1000, 0);
        assert!(engine.accept(4, 850, 0));
        assert!(!engine.accept(4, 849, 0));
        assert!(!engine.accept(3, 1000, 0));
        assert!(engine.accept(5, 1, 0));
        assert!(!engine.accept(4, 1001, 0));
        assert!(!Engine::heard(BOOTS_MAX, 0, 0).accept(BOOTS_MAX, 0, 0));
    }
}
