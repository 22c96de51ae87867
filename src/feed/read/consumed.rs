//! Where a feed goes on whose consumer says itself what it has last: a stream that is asked, and may have been restored.

use custos_store::{Continuity, Cursor, Delivered, Position, Snapshot};

use super::anchors;
use super::continuity::go_back;
use super::error::FeedError;
use super::place::Place;

/// Where the consumer is, against what it had acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Where it was.
    Same,
    /// Further: it has more than it was known to have.
    Later,
    /// Not as far: it has lost runs, or is another one.
    Earlier,
}

/// The place behind the run that the consumer has last; none if it is the same. `begins_late` is for feeds that do not begin with the
/// first run, so that a consumer which has nothing may have lost nothing.
pub(super) fn place_behind(
    acknowledged: &Place,
    last: Option<Delivered>,
    snapshot: &Snapshot,
    begins_late: bool,
) -> Result<Option<(Found, Place)>, FeedError> {
    let (ours, theirs) = (acknowledged.last, last);
    if ours == theirs || (theirs.is_none() && begins_late) {
        return Ok(None);
    }
    let position = theirs.map_or(Position::START, |last| Position(last.number.saturating_add(1)));
    if theirs.is_some() {
        let cursor = Cursor { position, last: theirs, ..Cursor::start(acknowledged.store) };
        if !matches!(snapshot.continuity(&cursor)?, Continuity::Holds | Continuity::Unproven) {
            // It is of a time before the store was restored: what the cursor says is all that is known.
            return Ok(None);
        }
    }
    let is_later = theirs.map(|last| last.number) > ours.map(|last| last.number);
    let mut place = acknowledged.clone();
    if is_later {
        place.position = position;
        place.pass_owed();
    } else {
        go_back(&mut place, position);
        // What a repair brought back is to come again, too.
        place.amendments = 0;
    }
    place.last = theirs;
    place.last_ms = None;
    if let Some(last) =
        theirs.filter(|last| place.anchors.last().is_none_or(|newest| newest.number < last.number))
    {
        anchors::add(&mut place.anchors, last);
    }
    let found = if is_later { Found::Later } else { Found::Earlier };
    Ok(Some((found, place)))
}

#[cfg(test)]
mod tests {
    use custos_store::{Options, Run, Writer};

    use super::*;
    use crate::clock;
    use crate::feed::read::{Budget, Feed, FeedOptions};

    fn numbers(feed: &mut Feed) -> Vec<u64> {
        let budget = Budget { runs: 100, bytes: 1 << 20 };
        let piece = feed.next(budget, clock::now()).unwrap();
        piece.map_or(Vec::new(), |piece| piece.runs.iter().map(|fed| fed.number).collect())
    }

    #[test]
    fn reading_goes_on_behind_what_the_consumer_has() {
        let directory = tempfile::tempdir().unwrap();
        let mut writer = Writer::open(directory.path(), Options::default()).unwrap();
        for time_ms in 0..6 {
            writer.append(&[("a", &Run { time_ms, ..Run::default() })]).unwrap();
        }
        let mut feed = Feed::open(directory.path(), FeedOptions::default()).unwrap();
        let budget = Budget { runs: 3, bytes: 1 << 20 };
        let first = feed.next(budget, clock::now()).unwrap().unwrap();
        let rest = feed.next(budget, clock::now()).unwrap().unwrap();
        let store = feed.reader().identity().unwrap();
        let at = |index: usize| {
            let fed = first.runs.iter().chain(&rest.runs).nth(index).unwrap();
            (store, fed.delivered())
        };
        let all: Vec<u64> = (0..6).map(|index| at(index).1.number).collect();
        let mut place = |last| feed.go_on_behind(last, clock::now()).unwrap().unwrap();
        assert_eq!(place(Some(at(3))), Found::Later);
        assert_eq!(place(None), Found::Same);
        // Another run of that number, and another store, say nothing of this one.
        let (_, mut other) = at(3);
        other.fingerprint ^= 1;
        assert_eq!(place(Some((store, other))), Found::Same);
        assert_eq!(place(Some((custos_store::Identity([9; 16]), at(3).1))), Found::Same);
        assert_eq!(place(Some(at(3))), Found::Later);
        assert_eq!(numbers(&mut feed), all[4..]);
        feed.acknowledged(&rest.progress, clock::now()).unwrap();
        assert_eq!(feed.go_on_behind(Some(at(5)), clock::now()).unwrap(), Some(Found::Same));
        assert!(numbers(&mut feed).is_empty());
        assert_eq!(feed.go_on_behind(Some(at(1)), clock::now()).unwrap(), Some(Found::Earlier));
        assert_eq!(numbers(&mut feed), all[2..]);
        assert_eq!(feed.go_on_behind(None, clock::now()).unwrap(), Some(Found::Earlier));
        assert_eq!(numbers(&mut feed), all);
    }
}
