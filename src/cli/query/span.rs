//! The moments that a query is answered for.

/// Which moments are asked for (ms since the epoch).
#[derive(Clone, Copy, Debug)]
pub(super) enum Span {
    At(i64),
    /// Start, end, step.
    Range(i64, i64, i64),
}
