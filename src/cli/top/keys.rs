//! What keys mean where nothing is typed.

use super::sort::SortBy;
use crate::terminal::Key;

/// What a key wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Quit,
    /// Out of what was opened.
    Back,
    Open,
    Help,
    /// So many lines down, or up.
    Lines(i32),
    /// So many pages down, or up.
    Pages(i32),
    First,
    Last,
    Filter,
    Sort(SortBy),
    /// Another column: the next, or the one before.
    Turn(bool),
    Reverse,
    Problems,
    Ack,
    Unack,
    Silence,
    RunNow,
    /// What else was unlike its past.
    Why,
    /// All silences.
    Silences,
    /// The end of the one that is chosen.
    Expire,
    /// A longer time in the graph, or a shorter one.
    Zoom(bool),
    /// The check after this one in the list, or before.
    Neighbour(bool),
}

/// The keys with what they are for, in the order of the help.
pub(super) const HELP: [(&str, &str); 20] = [
    ("Up Down  k j", "one line; also the wheel"),
    ("PgUp PgDn", "one page; also Ctrl-B and Ctrl-F"),
    ("Home End  g G", "to the beginning, to the end"),
    ("Enter  Right  l", "open the check; also a second click"),
    ("Esc  Left  h", "back"),
    ("/  F4", "only checks with this in name, state or text; Esc ends it"),
    ("p", "only checks that are not OK, or all"),
    ("F6  < >", "sort by another column; also a click on its head"),
    ("S A T C N", "sort by state, age, time, processor time, name"),
    ("R", "reverse the order"),
    ("a  u", "acknowledge, so that nobody is told again; take that back"),
    ("s", "silence for a time"),
    ("z", "all silences; x or Delete there ends the one that is chosen"),
    ("r", "run it now"),
    ("w", "in a check: what else was unlike its past; again gives up"),
    ("Tab  Shift-Tab", "in a check: the next one of the list, or the one before"),
    ("+ -", "in a check: a longer time in the graph, or a shorter one"),
    ("?  F1", "this page"),
    ("q", "back, and out of the list to the shell"),
    ("F10  Ctrl-C", "to the shell"),
];

/// What a key means.
pub(super) fn wish(key: Key) -> Option<Wish> {
    Some(match key {
        Key::Ctrl('c') | Key::F(10) => Wish::Quit,
        Key::Char('q' | 'h') | Key::Esc | Key::Left | Key::Backspace => Wish::Back,
        Key::Enter | Key::Right | Key::Char('l') => Wish::Open,
        Key::Char('?') | Key::F(1) => Wish::Help,
        Key::Down | Key::Char('j') | Key::Ctrl('n') => Wish::Lines(1),
        Key::Up | Key::Char('k') | Key::Ctrl('p') => Wish::Lines(-1),
        Key::PageDown | Key::Char(' ') | Key::Ctrl('f' | 'd') => Wish::Pages(1),
        Key::PageUp | Key::Ctrl('b' | 'u') => Wish::Pages(-1),
        Key::Home | Key::Char('g') => Wish::First,
        Key::End | Key::Char('G') => Wish::Last,
        Key::Char('/') | Key::F(3 | 4) => Wish::Filter,
        Key::Char('S') => Wish::Sort(SortBy::State),
        Key::Char('A') => Wish::Sort(SortBy::Age),
        Key::Char('T') => Wish::Sort(SortBy::Time),
        Key::Char('C') => Wish::Sort(SortBy::Cpu),
        Key::Char('N') => Wish::Sort(SortBy::Name),
        Key::Char('>') | Key::F(6) => Wish::Turn(true),
        Key::Char('<') => Wish::Turn(false),
        Key::Char('R' | 'I') => Wish::Reverse,
        Key::Char('p') => Wish::Problems,
        Key::Char('a') => Wish::Ack,
        Key::Char('u') => Wish::Unack,
        Key::Char('s') => Wish::Silence,
        Key::Char('r') => Wish::RunNow,
        Key::Char('w') => Wish::Why,
        Key::Char('z') => Wish::Silences,
        Key::Char('x') | Key::Delete => Wish::Expire,
        Key::Char('+' | '=') => Wish::Zoom(true),
        Key::Char('-') => Wish::Zoom(false),
        Key::Tab => Wish::Neighbour(true),
        Key::BackTab => Wish::Neighbour(false),
        _ => return None,
    })
}
