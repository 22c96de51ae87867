//! How far the store has got, announced to whoever goes on from there.

use custos_store::Position;

/// The positions up to which runs are stored. A consumer waits for them to change, rather than asking again and again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Runs before it are safe from the end of the process; none until the first was stored by this process.
    pub acknowledged: Option<Position>,
    /// Runs before it are safe from a power cut; none until the first sync of this process.
    pub synced: Option<Position>,
}
