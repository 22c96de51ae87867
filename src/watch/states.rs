//! The states of many checks in few lines: the worst first, each by its name while there is room, else counted. Pure.

use custos_store::State;

use crate::graph::{Ink, Line};
use crate::text::printable;
use crate::text::width::{shorten_name, width};

/// Columns that a name takes at most.
const NAME_MAX: usize = 24;

/// How a check stands: its name, with its host if that is another, and its state, if there was a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stands {
    pub(super) title: String,
    pub(super) state: Option<State>,
}

/// The checks of one state.
struct Group {
    state: Option<State>,
    names: Vec<String>,
    /// How many of the names are written.
    written: usize,
}

impl Group {
    /// What is written, a word each, which is not broken.
    fn words(&self) -> Vec<(Ink, String)> {
        let count = self.names.len();
        let head = match self.state {
            Some(state) => (Ink::State(state), format!("{count} {}", state.name())),
            None => (Ink::Dim, format!("{count} without a run")),
        };
        let mut words = vec![head];
        words.extend(self.names[..self.written].iter().map(|name| (Ink::Plain, name.clone())));
        if (1..count).contains(&self.written) {
            words.push((Ink::Dim, format!("and {} more", count - self.written)));
        }
        words
    }
}

/// The states in at most so many lines of so many columns. All are counted, whatever the room; names go where there is none,
/// those of checks that are well first.
pub(super) fn compact(all: &[Stands], columns: usize, lines_max: usize, mark: &str) -> Vec<Line> {
    let mut order: Vec<Option<State>> = State::ALL.into_iter().map(Some).collect();
    order.sort_by_key(|state| std::cmp::Reverse(state.map(State::severity)));
    order.insert(order.len() - 1, None);
    let mut groups: Vec<Group> = Vec::new();
    for state in order {
        let of_state = all.iter().filter(|one| one.state == state);
        let shown = |one: &Stands| shorten_name(&printable(&one.title), NAME_MAX, mark).into_owned();
        let names: Vec<String> = of_state.map(shown).collect();
        if !names.is_empty() {
            groups.push(Group { state, written: names.len(), names });
        }
    }
    for at in (0..groups.len()).rev() {
        while laid_out(&groups, columns).len() > lines_max && groups[at].written > 0 {
            groups[at].written -= 1;
        }
    }
    laid_out(&groups, columns)
}

fn laid_out(groups: &[Group], columns: usize) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for (ink, word, gap) in groups.iter().flat_map(|group| {
        let words = group.words().into_iter().enumerate();
        words.map(|(at, (ink, word))| (ink, word, if at == 0 { "   " } else { "  " }))
    }) {
        match lines.last_mut() {
            Some(line) if line.width() + gap.len() + width(&word) <= columns => {
                line.push(Ink::Plain, gap);
                line.push(ink, &word);
            }
            _ => {
                let mut line = Line::default();
                line.push(ink, &word);
                lines.push(line);
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(all: &[(&str, Option<State>)], columns: usize, lines_max: usize) -> Vec<String> {
        let stands: Vec<Stands> =
            all.iter().map(|(title, state)| Stands { title: (*title).to_owned(), state: *state }).collect();
        compact(&stands, columns, lines_max, "...").iter().map(Line::plain).collect()
    }

    #[test]
    fn names_go_where_there_is_no_room_and_counts_stay() {
        let all = [
            ("load", Some(State::Ok)),
            ("web1/disk", Some(State::Critical)),
            ("swap", Some(State::Ok)),
            ("door", Some(State::Unknown)),
            ("new", None),
            ("users", Some(State::Warning)),
            ("web2/a-name-that-is-longer-than-any", Some(State::Critical)),
        ];
        let whole = [
            "2 CRITICAL  web1/disk  web2/a-name-that-is-l...   1 UNKNOWN  door",
            "1 WARNING  users   1 without a run  new   2 OK  load  swap",
        ];
        assert_eq!(shown(&all, 68, 5), whole);
        assert_eq!(
            shown(&all, 40, 3),
            [
                "2 CRITICAL  web1/disk",
                "web2/a-name-that-is-l...   1 UNKNOWN",
                "1 WARNING   1 without a run   2 OK"
            ]
        );
        let many: Vec<String> = (0..9).map(|number| format!("check{number}")).collect();
        let many: Vec<_> = many.iter().map(|name| (name.as_str(), Some(State::Critical))).collect();
        assert_eq!(shown(&many, 40, 1), ["9 CRITICAL  check0  check1  and 7 more"]);
        assert_eq!(shown(&all, 80, 1), ["2 CRITICAL   1 UNKNOWN   1 WARNING   1 without a run   2 OK"]);
        assert!(shown(&[], 80, 3).is_empty());
    }
}
