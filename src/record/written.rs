//! How far the store has got, announced to whoever goes on from there.

use custos_store::{Identity, Position, Writer};

/// The positions up to which runs are stored. A consumer waits for them to change, rather than asking again and again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Which store it is, which may be another one after the store was replaced; none until it could be opened.
    pub store: Option<Identity>,
    /// Runs before it are safe from the end of the process; none until the store could be opened.
    pub acknowledged: Option<Position>,
    /// Runs before it are safe from a power cut; none until the store could be opened.
    pub synced: Option<Position>,
}

impl Written {
    /// What a writer has written.
    pub(super) fn by(writer: &Writer) -> Written {
        Written {
            store: Some(writer.identity()),
            acknowledged: Some(writer.acknowledged()),
            synced: Some(writer.synced()),
        }
    }
}
