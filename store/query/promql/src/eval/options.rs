//! What may be set for a query.

use crate::error::{Error, ErrorKind, Result};
use crate::limits::{STEPS_PER_LOOK, VALUES_MAX};

/// How long the newest value of a series counts where nothing else is given: five minutes.
pub(super) const LOOKBACK_MS: i64 = 300_000;

/// Step of a subquery that has none: a minute.
const SUBQUERY_STEP_MS: i64 = 60_000;

/// What may be set for a query.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// How long the newest value of a series counts (ms). `None` for five minutes, or longer where a series says so.
    pub lookback_ms: Option<i64>,
    /// Most values that one part of the query may have: series times steps, or samples of one read.
    pub values_max: usize,
    /// Step of a subquery that has none (ms).
    pub subquery_step_ms: i64,
    /// What `step()` means in an instant query (ms).
    pub instant_step_ms: i64,
    /// Threads that may read series at once, the caller's among them.
    pub threads: usize,
    /// A clock (µs) by which parts of the query are timed, if that is wanted.
    pub clock: Option<&'a (dyn Fn() -> u64 + Sync)>,
    /// Asked again and again: whether to give up, and why.
    pub interrupt: &'a (dyn Fn() -> Option<ErrorKind> + Sync),
}

impl Default for Options<'_> {
    fn default() -> Self {
        Options {
            lookback_ms: None,
            values_max: VALUES_MAX,
            subquery_step_ms: SUBQUERY_STEP_MS,
            instant_step_ms: 0,
            threads: 1,
            clock: None,
            interrupt: &|| None,
        }
    }
}

impl Options<'_> {
    /// Gives up if the query is not wanted any more.
    pub(super) fn check_interrupt(&self) -> Result<()> {
        match (self.interrupt)() {
            None => Ok(()),
            Some(kind) => {
                let message = match kind {
                    ErrorKind::Timeout => "query timed out in expression evaluation",
                    _ => "query was canceled in expression evaluation",
                };
                Err(Error { kind, span: None, message: message.to_owned() })
            }
        }
    }

    /// The same at some of the steps.
    pub(super) fn check_at(&self, step: usize) -> Result<()> {
        if step.is_multiple_of(STEPS_PER_LOOK) { self.check_interrupt() } else { Ok(()) }
    }
}
