//! Which rows of a table go by their name alone, and which by name and number, where several have one name.
//!
//! A row's series must not change because another row comes or goes. So whichever row had a name first goes by it alone
//! for as long as it is there, and every other row that ever had the name beside it is told by its number as well, even
//! when it is the only one left. That has to be remembered from poll to poll. A row whose number is new takes over a name
//! that no row of the table has any more: devices number their rows anew when they start.
//!
//! Invariant: no two rows of one poll that have the same name go by it alone.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::limits::{SNMP_ROW_NAMES_MAX, SNMP_ROW_TWINS_MAX};

/// The numbers of a row.
type Index = Vec<u32>;
/// What names a row: the values of its labels.
type Name = Vec<String>;

/// A row: its numbers, and its labels.
pub(super) type Row<'a> = (&'a [u32], Vec<(String, String)>);

/// What is remembered of the rows of one table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowNames {
    names: BTreeMap<Name, Owners>,
    changed: bool,
}

/// The rows that had one name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Owners {
    /// The one that goes by it alone.
    holder: Index,
    /// Those that go by their numbers as well.
    twins: BTreeSet<Index>,
}

impl RowNames {
    /// Which of these rows, with their labels, go by their numbers as well as by their names.
    pub(super) fn numbered(&mut self, rows: &[Row<'_>]) -> Vec<bool> {
        let name =
            |labels: &[(String, String)]| labels.iter().map(|(_, value)| value.clone()).collect::<Name>();
        let mut by_name: HashMap<Name, Vec<usize>> = HashMap::new();
        for (place, (_, labels)) in rows.iter().enumerate() {
            by_name.entry(name(labels)).or_default().push(place);
        }
        let mut numbered = vec![false; rows.len()];
        if self.names.len() >= SNMP_ROW_NAMES_MAX {
            self.names.retain(|name, _| by_name.contains_key(name));
        }
        for (name, mut places) in by_name {
            places.sort_by_key(|place| rows[*place].0);
            let owners = self.names.get(&name);
            let is_twin = |place: &usize| owners.is_some_and(|owners| owners.twins.contains(rows[*place].0));
            let is_holder = |place: &usize| owners.is_some_and(|owners| owners.holder == rows[*place].0);
            let holder = places.iter().find(|place| is_holder(place));
            let holder = holder.or_else(|| places.iter().find(|place| !is_twin(place))).copied();
            for place in &places {
                numbered[*place] = Some(*place) != holder;
            }
            self.remember(name, holder.map(|holder| rows[holder].0), &places, rows);
        }
        numbered
    }

    fn remember(&mut self, name: Name, holder: Option<&[u32]>, places: &[usize], rows: &[Row<'_>]) {
        if self.names.len() >= SNMP_ROW_NAMES_MAX && !self.names.contains_key(&name) {
            return;
        }
        let owners = self.names.entry(name).or_default();
        if let Some(holder) = holder.filter(|holder| owners.holder != **holder) {
            owners.holder = holder.to_vec();
            self.changed = true;
        }
        for index in places.iter().map(|place| rows[*place].0).filter(|index| Some(*index) != holder) {
            if owners.twins.len() < SNMP_ROW_TWINS_MAX && owners.twins.insert(index.to_vec()) {
                self.changed = true;
            }
        }
    }

    /// What is to be noted of a check, if that changed since it was asked for last.
    pub fn take_note(&mut self, check: &str) -> Option<String> {
        std::mem::take(&mut self.changed).then(|| self.note(check))
    }

    /// The check's name, then a line for each name: the values of labels, the row that goes by it alone, the others.
    fn note(&self, check: &str) -> String {
        let mut note = format!("{check:?}\n");
        for (name, Owners { holder, twins }) in &self.names {
            // Lists of texts and numbers have no way to fail.
            note += &serde_json::to_string(&(name, holder, twins)).unwrap_or_default();
            note.push('\n');
        }
        note
    }

    /// Takes up what was noted of a check; none if it is of another. Lines that make no sense do not count.
    pub fn from_note(check: &str, note: &str) -> Option<RowNames> {
        let mut lines = note.lines();
        if lines.next() != Some(&format!("{check:?}")) {
            return None;
        }
        let read = |line| serde_json::from_str::<(Name, Index, BTreeSet<Index>)>(line).ok();
        let owners = |(name, holder, mut twins): (Name, Index, BTreeSet<Index>)| {
            while twins.len() > SNMP_ROW_TWINS_MAX {
                twins.pop_last();
            }
            (name, Owners { holder, twins })
        };
        let names = lines.filter_map(read).map(owners);
        Some(RowNames { names: names.take(SNMP_ROW_NAMES_MAX).collect(), changed: false })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Polls a table of these numbers and names; returns which of its rows are numbered.
    fn poll(names: &mut RowNames, rows: &[(u32, &str)]) -> Vec<bool> {
        let indexes: Vec<[u32; 1]> = rows.iter().map(|(index, _)| [*index]).collect();
        let rows: Vec<Row<'_>> = rows
            .iter()
            .zip(&indexes)
            .map(|((_, name), index)| (&index[..], vec![("ifName".to_owned(), (*name).to_owned())]))
            .collect();
        names.numbered(&rows)
    }

    #[test]
    fn whoever_had_a_name_first_keeps_it_alone() {
        for (first, twin) in [(1, 6), (6, 1)] {
            let mut names = RowNames::default();
            assert_eq!(poll(&mut names, &[(first, "port1"), (3, "lo")]), [false, false]);
            assert!(names.take_note("c").is_some());
            for _ in 0..2 {
                let both = [(first, "port1"), (twin, "port1")];
                assert_eq!(poll(&mut names, &both), [false, true], "the twin comes");
                assert_eq!(poll(&mut names, &[both[1], both[0]]), [true, false], "in another order");
                assert_eq!(poll(&mut names, &both[..1]), [false], "the twin goes");
                assert_eq!(poll(&mut names, &both[1..]), [true], "the first goes");
                assert_eq!(poll(&mut names, &[]), [false; 0]);
            }
            let note = names.take_note("c").unwrap();
            poll(&mut names, &[(first, "port1"), (twin, "port1")]);
            assert_eq!(names.take_note("c"), None, "nothing new became known");
            let mut again = RowNames::from_note("c", &note).unwrap();
            assert_eq!(again, names);
            assert_eq!(poll(&mut again, &[(first, "port1"), (twin, "port1")]), [false, true]);
            assert_eq!(RowNames::from_note("other", &note), None);
        }
    }

    #[test]
    fn of_rows_that_come_at_once_the_lowest_has_the_name() {
        let mut names = RowNames::default();
        assert_eq!(poll(&mut names, &[(9, "a"), (2, "a"), (5, "a")]), [true, false, true]);
        assert_eq!(poll(&mut names, &[(9, "a"), (5, "a"), (1, "a")]), [true, true, false]);
    }

    #[test]
    fn a_row_with_a_new_number_takes_its_name_along() {
        let mut names = RowNames::default();
        poll(&mut names, &[(1, "a"), (2, "b")]);
        assert_eq!(poll(&mut names, &[(11, "a"), (1, "b")]), [false, false]);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut names = RowNames::default();
        let many: Vec<String> = (0..SNMP_ROW_NAMES_MAX + 5).map(|number| format!("port{number}")).collect();
        let rows: Vec<(u32, &str)> = many.iter().map(|name| (1, &**name)).collect();
        assert!(poll(&mut names, &rows).iter().all(|numbered| !numbered));
        assert_eq!(names.names.len(), SNMP_ROW_NAMES_MAX);
        let twins: Vec<(u32, &str)> = (0..200).map(|index| (index, "twin")).collect();
        assert_eq!(poll(&mut names, &twins).iter().filter(|numbered| !**numbered).count(), 1);
        assert_eq!(names.names.len(), 1);
        assert!(names.names.values().all(|owners| owners.twins.len() == SNMP_ROW_TWINS_MAX));
    }

    #[test]
    fn odd_notes_say_nothing() {
        for note in ["", "c", "\"c\"\nx\n[1]\n[[\"a\"],[-1],[]]"] {
            assert!(RowNames::from_note("c", note).is_none_or(|names| names.names.is_empty()), "{note}");
        }
        let mut names = RowNames::default();
        poll(&mut names, &[(1, "a\nb\"\u{1b}"), (u32::MAX, "")]);
        assert_eq!(RowNames::from_note("c\nd", &names.take_note("c\nd").unwrap()), Some(names));
    }

    proptest! {
        #[test]
        fn no_row_changes_its_name_while_others_come_and_go(polls in prop::collection::vec(prop::collection::btree_set(0u32..12, 0..12), 1..20)) {
            let name = |index: u32| ["a", "b", "c"][index as usize % 3];
            let mut names = RowNames::default();
            let mut seen: HashMap<u32, bool> = HashMap::new();
            for present in polls {
                let rows: Vec<(u32, &str)> = present.iter().map(|index| (*index, name(*index))).collect();
                let numbered = poll(&mut names, &rows);
                let mut alone = BTreeSet::new();
                for ((index, name), numbered) in rows.into_iter().zip(numbered) {
                    prop_assert!(numbered || alone.insert(name), "two rows go by {}", name);
                    // While its holder is away a name may go to a row that never had it; that one never changes either.
                    let before = *seen.entry(index).or_insert(numbered);
                    if before {
                        prop_assert!(numbered, "row {} lost its number", index);
                    }
                }
            }
        }

        #[test]
        fn what_was_remembered_is_read_back(polls in prop::collection::vec(prop::collection::vec((0u32..9, ".{0,3}"), 0..9), 0..6), check in ".{0,9}") {
            let mut names = RowNames::default();
            for rows in &polls {
                let rows: BTreeMap<u32, &str> = rows.iter().map(|(index, name)| (*index, &**name)).collect();
                poll(&mut names, &rows.into_iter().collect::<Vec<_>>());
            }
            let note = names.note(&check);
            let again = RowNames::from_note(&check, &note);
            prop_assert_eq!(again.map(|again| again.note(&check)), Some(note));
        }

        #[test]
        fn whatever_a_note_says_no_two_rows_go_by_one_name(lines in prop::collection::vec(odd_line(), 0..6), rows in prop::collection::btree_map(0u32..6, "[ab]", 0..6)) {
            let note = format!("\"c\"\n{}", lines.join("\n"));
            let mut names = RowNames::from_note("c", &note).unwrap();
            prop_assert!(names.names.values().all(|owners| owners.twins.len() <= SNMP_ROW_TWINS_MAX));
            let rows: Vec<(u32, &str)> = rows.iter().map(|(index, name)| (*index, &**name)).collect();
            let numbered = poll(&mut names, &rows);
            let mut alone = BTreeSet::new();
            for ((_, name), numbered) in rows.into_iter().zip(numbered) {
                prop_assert!(numbered || alone.insert(name), "two rows go by {}", name);
            }
        }
    }

    /// A line of a note, perhaps one that nobody wrote.
    fn odd_line() -> impl Strategy<Value = String> {
        prop_oneof![
            3 => ("[ab]", 0u32..6, prop::collection::vec(0u32..6, 0..4))
                .prop_map(|(name, holder, twins)| {
                    let twins: Vec<[u32; 1]> = twins.into_iter().map(|twin| [twin]).collect();
                    format!("[[\"{name}\"],[{holder}],{twins:?}]")
                }),
            1 => Just(format!("[[\"a\"],[],{:?}]", (0..200u32).map(|twin| [twin]).collect::<Vec<_>>())),
            1 => "[\\[\\]\"a0-9,-]{0,20}",
            1 => ".{0,20}",
        ]
    }
}
