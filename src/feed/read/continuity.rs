//! Whether what a feed goes on reading is the continuation of what it has delivered, and what is delivered again where not.

use std::fmt;

use custos_store::{Continuity, Cursor, Position, Snapshot};

use super::error::FeedError;
use super::owed::Owed;
use super::place::Place;

/// What a feed found about its store that somebody should know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The run that was delivered last is damaged. It goes on.
    Unproven,
    /// Another store is in the place of the one that was delivered. All of it is delivered.
    OtherStore,
    /// The store ends before what was delivered: it was restored from an older backup, or a power cut took runs that had been
    /// delivered. All is delivered from where it is known to be the same.
    WentBack {
        /// So far had been delivered.
        from: Position,
        /// From here on runs are delivered, some of them perhaps again.
        to: Position,
    },
    /// The run that was delivered last is not there, or another in its place: the store was restored from a backup and has gone on
    /// since. All is delivered from where it is known to be the same.
    Parted {
        /// From here on runs are delivered, some of them perhaps again.
        from: Position,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Notice::Unproven => write!(
                f,
                "the run that was delivered last is damaged, so that it cannot be said whether the store is the same; going on"
            ),
            Notice::OtherStore => {
                write!(f, "another store is in the place of the one that was delivered; delivering all of it")
            }
            Notice::WentBack { from, to } => write!(
                f,
                "{from} was delivered, and the store ends before: it was restored from an older backup or lost runs in a power cut; delivering from {to} on, some of it perhaps again"
            ),
            Notice::Parted { from } => write!(
                f,
                "the store was restored from a backup and has gone on since; delivering from {from} on, some of it perhaps again"
            ),
        }
    }
}

/// Makes a place one from which a feed can go on in this store; says what does not hold.
///
/// # Errors
/// If the store cannot be read.
pub(super) fn settle(place: &mut Place, snapshot: &Snapshot) -> Result<Option<Notice>, FeedError> {
    let Some(store) = snapshot.identity() else { return Ok(None) };
    let notice = match snapshot.continuity(&place.cursor())? {
        Continuity::Holds => return Ok(None),
        Continuity::Unproven => Notice::Unproven,
        Continuity::OtherStore => {
            *place = Place::at(store, Position::START, snapshot.amendments().count());
            Notice::OtherStore
        }
        Continuity::WentBack { end } => {
            let from = place.position;
            let to = common(place, snapshot)?.min(end);
            go_back(place, to);
            Notice::WentBack { from, to }
        }
        Continuity::OtherRun | Continuity::RunMissing => {
            let from = common(place, snapshot)?;
            go_back(place, from);
            Notice::Parted { from }
        }
    };
    Ok(Some(notice))
}

/// The position up to which the store is the one that was delivered, as far as that is known.
fn common(place: &Place, snapshot: &Snapshot) -> Result<Position, FeedError> {
    for anchor in place.anchors.iter().rev() {
        let position = Position(anchor.number.saturating_add(1));
        let cursor = Cursor { position, last: Some(*anchor), ..Cursor::start(place.store) };
        if snapshot.continuity(&cursor)? == Continuity::Holds {
            return Ok(position);
        }
    }
    Ok(Position::START)
}

/// What is owed beyond a position is read in order of arrival again.
pub(super) fn go_back(place: &mut Place, to: Position) {
    place.position = place.position.min(to);
    place.newest_ms = None;
    place.anchors.retain(|anchor| anchor.number < to.0);
    place.last = place.anchors.last().copied();
    place.owed.retain(|owed| owed.from < to.0);
    place.owed.iter_mut().for_each(|owed: &mut Owed| owed.until = owed.until.min(to.0));
}
