//! Which key means what.

use crate::terminal::{Key, MouseKind};
use crate::watch::Act;

/// What a key means here; nothing, mostly.
pub(super) fn act(key: Key) -> Option<Act> {
    Some(match key {
        Key::Char('q') | Key::Esc | Key::F(10) | Key::Ctrl('c') => Act::Quit,
        Key::Char(' ' | 'p') => Act::Pause,
        Key::Char('+' | '=') => Act::Longer,
        Key::Char('-' | '_') => Act::Shorter,
        Key::Left | Key::Char('h') => Act::Back,
        Key::Right | Key::Char('l') => Act::Forward,
        Key::End | Key::Char('G') => Act::Newest,
        Key::Up | Key::Char('k') => Act::Up,
        Key::Down | Key::Char('j') => Act::Down,
        Key::PageUp => Act::PageUp,
        Key::PageDown => Act::PageDown,
        Key::Home | Key::Char('g') => Act::Top,
        Key::Char('c') => Act::Clock,
        Key::Char('?') | Key::F(1) => Act::Help,
        _ => return None,
    })
}

/// What the mouse means here.
pub(super) fn wheel(kind: MouseKind) -> Option<Act> {
    match kind {
        MouseKind::WheelUp => Some(Act::Up),
        MouseKind::WheelDown => Some(Act::Down),
        MouseKind::Press => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_those_of_other_programs() {
        for (key, means) in [
            (Key::Char('q'), Some(Act::Quit)),
            (Key::Ctrl('c'), Some(Act::Quit)),
            (Key::Char('='), Some(Act::Longer)),
            (Key::Char('k'), Some(Act::Up)),
            (Key::PageDown, Some(Act::PageDown)),
            (Key::F(1), Some(Act::Help)),
            (Key::Tab, None),
        ] {
            assert_eq!(act(key), means, "{key:?}");
        }
    }
}
