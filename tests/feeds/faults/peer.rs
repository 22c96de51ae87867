//! What the matrix wants of a receiver.

use std::ops::Range;
use std::path::Path;

use nix::sys::signal::Signal;

use crate::stage::Stage;

/// A receiver that can be killed, started again, and asked what it has.
pub(super) trait Peer {
    /// Its port.
    fn port(&self) -> u16;
    /// The sink that delivers to it over another port.
    fn sink(&self, port: u16) -> String;
    /// Starts it where it was.
    fn start(&mut self, stage: &Stage);
    /// Sends it a signal, if it runs.
    fn signal(&self, signal: Signal);
    /// Has it end by a signal, and waits until it has.
    fn end(&mut self, signal: Signal);
    /// What differs between what is stored of a range of time (ms since the epoch) and what it has.
    fn difference(&mut self, store: &Path, times: Range<i64>) -> Option<String>;
    /// Whether it refuses samples that are older than others of their series: those of a clock that is set are set aside then, and no
    /// clock is set.
    fn is_strict(&self) -> bool {
        false
    }
    /// What else is to hold at the end.
    fn at_end(&mut self, _stage: &Stage, _store: &Path) {}
}
