//! Traps that say again what was said a moment ago.
//!
//! Invariant: only a trap equal to the latest of its check, source and key is a repeat; so down, up, down are three.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use crate::limits::TRAPS_WINDOWS_MAX;

/// What a trap is compared with: those of its check, its source and its key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Stream {
    pub(super) check: Arc<str>,
    pub(super) source: IpAddr,
    pub(super) key: Vec<(String, String)>,
}

/// The latest trap of a stream.
#[derive(Debug)]
struct Window {
    /// Of its name and its variables.
    hash: u64,
    until_us: u64,
    repeats: u64,
    text: String,
}

/// Repeats that were counted in a window that is over.
#[derive(Debug, PartialEq)]
pub(super) struct Repeats {
    pub(super) stream: Stream,
    /// How many, from 1.
    pub(super) count: u64,
    /// What they said.
    pub(super) text: String,
}

/// The windows that are open.
#[derive(Debug, Default)]
pub(super) struct Dedupe {
    windows: HashMap<Stream, Window>,
}

impl Dedupe {
    /// Whether a trap repeats the latest of its stream; then it has been counted. Otherwise it opens a window of that
    /// length, and what was counted in the one before is returned.
    pub(super) fn is_repeat(
        &mut self,
        stream: &Stream,
        hash: u64,
        text: &str,
        window_us: u64,
        now_us: u64,
    ) -> (bool, Option<Repeats>) {
        if window_us == 0 {
            return (false, None);
        }
        if let Some(window) = self.windows.get_mut(stream)
            && window.hash == hash
            && now_us < window.until_us
        {
            window.repeats += 1;
            return (true, None);
        }
        let before = self.windows.remove_entry(stream).and_then(|(stream, window)| told(stream, window));
        // Beyond the bound a trap is kept rather than counted.
        if self.windows.len() < TRAPS_WINDOWS_MAX {
            let window = Window { hash, until_us: now_us + window_us, repeats: 0, text: text.to_owned() };
            self.windows.insert(stream.clone(), window);
        }
        (false, before)
    }

    /// Closes the windows that are over. Returns those with repeats.
    pub(super) fn close(&mut self, now_us: u64) -> Vec<Repeats> {
        let over = self.windows.extract_if(|_, window| window.until_us <= now_us);
        over.filter_map(|(stream, window)| told(stream, window)).collect()
    }
}

fn told(stream: Stream, window: Window) -> Option<Repeats> {
    (window.repeats > 0).then_some(Repeats { stream, count: window.repeats, text: window.text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_latest_is_repeated() {
        let mut dedupe = Dedupe::default();
        let stream = Stream { check: "c".into(), source: IpAddr::from([192, 0, 2, 1]), key: Vec::new() };
        let mut ask = |hash, now_us| dedupe.is_repeat(&stream, hash, "t", 10, now_us);
        assert_eq!(ask(1, 0), (false, None));
        assert_eq!(ask(1, 5), (true, None));
        assert_eq!(ask(1, 9), (true, None));
        let two = Repeats { stream: stream.clone(), count: 2, text: "t".into() };
        assert_eq!(ask(2, 9), (false, Some(two)));
        assert_eq!(ask(1, 9), (false, None));
        assert_eq!(ask(1, 19), (false, None));
        assert_eq!(ask(1, 20), (true, None));
        assert_eq!(dedupe.close(28), []);
        assert_eq!(dedupe.close(29).len(), 1);
        assert!(dedupe.windows.is_empty());
        assert_eq!(dedupe.is_repeat(&stream, 1, "t", 0, 0), (false, None));
        assert_eq!(dedupe.is_repeat(&stream, 1, "t", 0, 0), (false, None));
    }
}
