//! Some runs after a position, for a consumer that keeps its position itself.

use custos_store::{Identity, Position, Snapshot};

use super::error::FeedError;
use super::live::Live;
use super::piece::{Budget, Piece};
use super::place::Place;
use super::selection::{Selection, Wanted};

/// Some runs after a position.
#[derive(Clone, Debug)]
pub struct Excerpt {
    /// The runs, in order of arrival; none if there are none.
    pub piece: Option<Piece>,
    /// The position behind them, where to go on.
    pub position: Position,
    /// There are more runs behind it already.
    pub more: bool,
}

/// Some acknowledged runs after a position. Where none of those that are looked at is wanted, it has none and goes on behind them.
///
/// # Errors
/// If the store cannot be read.
pub fn excerpt(
    snapshot: &Snapshot,
    from: Position,
    selection: &Selection,
    budget: Budget,
) -> Result<Excerpt, FeedError> {
    let store = snapshot.identity().unwrap_or(Identity([0; 16]));
    let mut place = Place::at(store, from, snapshot.amendments().count());
    let piece = Live::default().next(&mut place, Wanted { snapshot, selection, budget })?;
    let (position, end) = (place.position, snapshot.acknowledged());
    Ok(Excerpt { piece, position, more: position < end })
}
