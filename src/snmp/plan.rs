//! From what a check wants to what its device is asked.
//!
//! A 32-bit counter of IF-MIB that has a 64-bit twin is asked for together with it: at 10 Gbit/s the short one wraps in
//! three seconds. The twin's value is taken where the device has one.

use custos_compat::snmp::Oid;

use super::question::Question;
use crate::config::{SnmpPoll, SnmpWanted, TablePoll};
use crate::limits::SNMP_ROWS_MAX;

/// ifEntry.
const IF_ENTRY: [u32; 9] = [1, 3, 6, 1, 2, 1, 2, 2, 1];
/// ifXEntry, which holds the twins.
const IF_X_ENTRY: [u32; 10] = [1, 3, 6, 1, 2, 1, 31, 1, 1, 1];
/// Columns of ifEntry with the columns of their twins.
const IF_TWINS: [(u32, u32); 4] = [(10, 6), (11, 7), (16, 10), (17, 11)];
/// Columns of ifXEntry with the columns of their twins.
const IF_X_TWINS: [(u32, u32); 4] = [(2, 8), (3, 9), (4, 12), (5, 13)];

/// What to ask, and where in the answer each wish is met.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Plan {
    /// The variables or roots, in the order of the question.
    oids: Vec<Oid>,
    /// For each wish: its place, and that of its 64-bit twin.
    places: Vec<(usize, Option<usize>)>,
    walks: bool,
}

impl Plan {
    /// The plan for a check. The wishes of a table are its index, then its columns, then its conditions.
    pub(super) fn of(poll: &SnmpPoll) -> Plan {
        let wishes: Vec<&Oid> = match &poll.wanted {
            SnmpWanted::Native(native) => native.oids.iter().collect(),
            SnmpWanted::Get(variables) => variables.iter().map(|variable| &variable.oid).collect(),
            SnmpWanted::Table(TablePoll { index, columns, conditions, .. }) => {
                let conditions = conditions.iter().map(|condition| &condition.variable);
                index.iter().chain(columns).chain(conditions).map(|variable| &variable.oid).collect()
            }
        };
        let mut oids: Vec<Oid> = Vec::with_capacity(wishes.len());
        let mut place_of = |oid: Oid| match oids.iter().position(|known| *known == oid) {
            Some(place) => place,
            None => {
                oids.push(oid);
                oids.len() - 1
            }
        };
        // A plugin shows what it was asked for.
        let twins = !matches!(poll.wanted, SnmpWanted::Native(_));
        let places = wishes.into_iter().map(|oid| {
            let place = place_of(oid.clone());
            (place, twins.then(|| twin(oid)).flatten().map(&mut place_of))
        });
        let places = places.collect();
        Plan { oids, places, walks: matches!(poll.wanted, SnmpWanted::Table(_)) }
    }

    /// The question to the device.
    pub(super) fn question(&self) -> Question {
        if self.walks {
            Question::Walk { roots: self.oids.clone(), rows_max: SNMP_ROWS_MAX }
        } else {
            Question::Get(self.oids.clone())
        }
    }

    /// Where in the answer a wish is met, and its twin.
    pub(super) fn place(&self, wish: usize) -> (usize, Option<usize>) {
        self.places[wish]
    }

    /// What was asked at a place.
    pub(super) fn oid(&self, place: usize) -> &Oid {
        &self.oids[place]
    }
}

/// The 64-bit counter that counts the same.
fn twin(oid: &Oid) -> Option<Oid> {
    let of = |entry: &[u32], twins: &[(u32, u32)]| {
        let (column, index) = oid.ids().strip_prefix(entry)?.split_first()?;
        let (_, twin) = twins.iter().find(|(short, _)| short == column)?;
        Oid::new(&IF_X_ENTRY)?.join(&[*twin])?.join(index)
    };
    of(&IF_ENTRY, &IF_TWINS).or_else(|| of(&IF_X_ENTRY, &IF_X_TWINS))
}

#[cfg(test)]
mod tests {
    #[test]
    fn short_counters_have_twins() {
        let twin = |text: &str| super::twin(&text.parse().unwrap()).map(|oid| oid.to_string());
        assert_eq!(twin("1.3.6.1.2.1.2.2.1.10").as_deref(), Some("1.3.6.1.2.1.31.1.1.1.6"));
        assert_eq!(twin("1.3.6.1.2.1.2.2.1.17.3").as_deref(), Some("1.3.6.1.2.1.31.1.1.1.11.3"));
        assert_eq!(twin("1.3.6.1.2.1.31.1.1.1.4.3").as_deref(), Some("1.3.6.1.2.1.31.1.1.1.12.3"));
        assert_eq!(twin("1.3.6.1.2.1.2.2.1.14.3"), None);
        assert_eq!(twin("1.3.6.1.2.1.31.1.1.1.6.3"), None);
        assert_eq!(twin("1.3.6.1.2.1.2.2.1"), None);
    }
}
