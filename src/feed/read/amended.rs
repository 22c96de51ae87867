//! What became of runs behind the back of a consumer that had passed them.

use custos_store::{Amendment, AmendmentKind, Snapshot};

use super::owed::{Owed, Why};
use super::place::Place;

/// What a consumer that has got so far is owed by the amendments that it has not dealt with.
pub(super) fn owed_by(place: &Place, snapshot: &Snapshot) -> Vec<Owed> {
    let amendments = snapshot.amendments();
    amendments.after(place.amendments).iter().filter_map(|amendment| owed(place, amendment)).collect()
}

fn owed(place: &Place, amendment: &Amendment) -> Option<Owed> {
    let (end, why) = match amendment.kind {
        // What has not been passed comes in its turn.
        AmendmentKind::Restored => (amendment.end.min(place.position), Why::Restored),
        AmendmentKind::Lost => (amendment.end, Why::Lost),
    };
    let numbers = amendment.start..end;
    let comes = |owed: &Owed| owed.covers(&numbers);
    if numbers.is_empty() || (why == Why::Restored && place.owed.iter().any(comes)) {
        return None;
    }
    Some(Owed { check: amendment.check.clone(), ..Owed::new(numbers, why) })
}

/// Whether there is something to deal with.
pub(super) fn is_new(place: &Place, snapshot: &Snapshot) -> bool {
    place.amendments != snapshot.amendments().count()
}
