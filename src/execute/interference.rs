//! Shims that somebody stopped, and those that were replaced: counted, and remembered for the agent's check of itself.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use custos_shim::Error;

use crate::clock;
use crate::limits::SHIM_INTERFERENCE_SHOWN;
use crate::lock::locked;
use crate::part::Part;

/// What happened to the shims since the agent started.
#[derive(Debug, Default)]
pub(super) struct Interference {
    stops: AtomicU64,
    replaced: AtomicU64,
    /// The last time (monotonic µs), with what it was.
    last: Mutex<Option<(u64, String)>>,
}

impl Interference {
    /// Notes that a process of a shim was stopped, while these plugins ran in it.
    pub(super) fn stopped(&self, suspects: &str) {
        self.stops.fetch_add(1, Ordering::Relaxed);
        let text = format!("somebody stopped a shim, which goes on; {suspects}");
        tracing::warn!("{text}");
        self.remember(text);
    }

    /// Notes that a shim is replaced because of this, while these plugins ran in it.
    pub(super) fn replaced(&self, error: &Error, suspects: &str) {
        self.replaced.fetch_add(1, Ordering::Relaxed);
        let text =
            format!("a shim was replaced, and what it ran counts as not finished: {error}; {suspects}");
        tracing::error!("{text}");
        self.remember(text);
    }

    fn remember(&self, text: String) {
        *locked(&self.last) = Some((clock::now().mono_us, text));
    }

    /// Adds the counts, and a warning for a while after the last time.
    pub(super) fn add_to(&self, part: Part) -> Part {
        let (stops, replaced) = (self.stops.load(Ordering::Relaxed), self.replaced.load(Ordering::Relaxed));
        let mut part = part.with_totals("plugins", [("shim_stops", stops), ("shims_replaced", replaced)]);
        let since_us = clock::now().mono_us.saturating_sub(clock::micros(SHIM_INTERFERENCE_SHOWN));
        if let Some((_, text)) = locked(&self.last).as_ref().filter(|(at_us, _)| *at_us >= since_us) {
            part.warning(text.clone());
        }
        part
    }
}

#[cfg(test)]
mod tests {
    use custos_store::State;

    use super::*;

    #[test]
    fn what_was_done_is_counted_and_named() {
        let interference = Interference::default();
        assert_eq!(interference.add_to(Part::new("plugins")).state(), State::Ok);
        interference.stopped("what ran in it: /bin/a, /bin/b");
        interference.replaced(&Error::Interfered { how: "it is traced" }, "what ran in it: /bin/a");
        let part = interference.add_to(Part::new("plugins"));
        assert_eq!(part.counters.iter().map(|counter| counter.value).collect::<Vec<_>>(), [1, 1]);
        assert_eq!(part.state(), State::Warning);
        assert!(part.findings[0].text().ends_with("it is traced; what ran in it: /bin/a"));
    }
}
