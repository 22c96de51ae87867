//! From the bytes that a terminal sends to keys and the mouse. Pure.
//!
//! Sequences are those of xterm, which the terminals of today send, the Linux console and tmux among them. What is unknown is
//! left out whole, so that its parts are not taken for keys.

use super::event::{Event, Key, Mouse, MouseKind};
use crate::limits::TERMINAL_SEQUENCE_MAX_BYTES;

const ESC: u8 = 0x1b;

/// Bytes of which more may follow.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    rest: Vec<u8>,
}

/// What the first bytes are.
enum Step {
    /// So many bytes mean this, or nothing.
    Took(usize, Option<Event>),
    /// The end is missing.
    More,
}

impl Decoder {
    /// Takes bytes, and gives what they mean as far as it is certain.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Vec<Event> {
        self.rest.extend_from_slice(bytes);
        let mut events = Vec::new();
        while !self.rest.is_empty() {
            match step(&self.rest) {
                Step::Took(count, event) => {
                    self.rest.drain(..count);
                    events.extend(event);
                }
                Step::More if self.rest.len() > TERMINAL_SEQUENCE_MAX_BYTES => self.rest.clear(),
                Step::More => break,
            }
        }
        events
    }

    /// Whether bytes wait for those that complete them.
    pub(super) fn is_waiting(&self) -> bool {
        !self.rest.is_empty()
    }

    /// Nothing came after them: an ESC by itself is that key, and the rest is nothing.
    pub(super) fn give_up(&mut self) -> Option<Event> {
        let rest = std::mem::take(&mut self.rest);
        (rest == [ESC]).then_some(Event::Key(Key::Esc))
    }
}

fn step(bytes: &[u8]) -> Step {
    let key = |key| Step::Took(1, Some(Event::Key(key)));
    match bytes[0] {
        ESC => escaped(bytes),
        b'\r' | b'\n' => key(Key::Enter),
        b'\t' => key(Key::Tab),
        0x7f | 0x08 => key(Key::Backspace),
        control @ 0x01..=0x1a => key(Key::Ctrl(char::from(control - 1 + b'a'))),
        0x00 | 0x1c..=0x1f => Step::Took(1, None),
        _ => character(bytes, Key::Char),
    }
}

/// A character of UTF-8; a byte that begins none is left out.
fn character(bytes: &[u8], key: fn(char) -> Key) -> Step {
    let length = match bytes[0] {
        0xc0..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf7 => 4,
        _ => 1,
    };
    if bytes.len() < length {
        return if bytes[1..].iter().all(|byte| byte & 0xc0 == 0x80) {
            Step::More
        } else {
            Step::Took(1, None)
        };
    }
    let text = std::str::from_utf8(&bytes[..length]).ok();
    let character = text.and_then(|text| text.chars().next()).filter(|character| !character.is_control());
    match character {
        Some(character) => Step::Took(length, Some(Event::Key(key(character)))),
        None => Step::Took(1, None),
    }
}

/// What begins with ESC.
fn escaped(bytes: &[u8]) -> Step {
    match bytes.get(1) {
        None => Step::More,
        Some(b'[') => control_sequence(bytes),
        // SS3: one more character.
        Some(b'O') => match bytes.get(2) {
            None => Step::More,
            Some(last) => Step::Took(3, final_key(*last).map(Event::Key)),
        },
        Some(&ESC) => Step::Took(1, Some(Event::Key(Key::Esc))),
        Some(0x00..=0x1f | 0x7f) => Step::Took(2, None),
        Some(_) => match character(&bytes[1..], Key::Alt) {
            Step::Took(count, event) => Step::Took(count + 1, event),
            Step::More => Step::More,
        },
    }
}

/// `ESC [`, parameters, and a final character.
fn control_sequence(bytes: &[u8]) -> Step {
    // The Linux console's F1 to F5.
    if bytes.get(2) == Some(&b'[') {
        let function = bytes.get(3).map(|last| (b'A'..=b'E').contains(last).then(|| Key::F(last - b'A' + 1)));
        return function.map_or(Step::More, |key| Step::Took(4, key.map(Event::Key)));
    }
    let Some(length) = bytes[2..].iter().position(|byte| !(0x20..=0x3f).contains(byte)) else {
        return Step::More;
    };
    let (parameters, last) = (&bytes[2..2 + length], bytes[2 + length]);
    if !(0x40..=0x7e).contains(&last) {
        // Broken off by a control character or another sequence, which counts.
        return Step::Took(2 + length, None);
    }
    let event = match (parameters.first(), last) {
        (Some(b'<'), b'M') => mouse(&parameters[1..]).map(Event::Mouse),
        (Some(b'<' | b'?' | b'>'), _) => None,
        (_, b'~') => numbers(parameters).next().flatten().and_then(tilde_key).map(Event::Key),
        (_, b'Z') => Some(Event::Key(Key::BackTab)),
        _ => final_key(last).map(Event::Key),
    };
    Step::Took(3 + length, event)
}

fn numbers(parameters: &[u8]) -> impl Iterator<Item = Option<u16>> {
    parameters.split(|byte| *byte == b';').map(|part| std::str::from_utf8(part).ok()?.parse().ok())
}

/// The keys that are told by the final character.
fn final_key(last: u8) -> Option<Key> {
    Some(match last {
        b'A' => Key::Up,
        b'B' => Key::Down,
        b'C' => Key::Right,
        b'D' => Key::Left,
        b'H' => Key::Home,
        b'F' => Key::End,
        b'M' => Key::Enter,
        b'P'..=b'S' => Key::F(last - b'P' + 1),
        _ => return None,
    })
}

/// The keys that are told by a number.
fn tilde_key(number: u16) -> Option<Key> {
    Some(match number {
        1 | 7 => Key::Home,
        2 => Key::Insert,
        3 => Key::Delete,
        4 | 8 => Key::End,
        5 => Key::PageUp,
        6 => Key::PageDown,
        11..=15 => Key::F((number - 10) as u8),
        17..=21 => Key::F((number - 11) as u8),
        23 | 24 => Key::F((number - 12) as u8),
        _ => return None,
    })
}

/// `button;column;line` of SGR mode, counted from 1. Shift, meta and control change nothing.
fn mouse(parameters: &[u8]) -> Option<Mouse> {
    let mut numbers = numbers(parameters);
    let (button, x, y) = (numbers.next()??, numbers.next()??, numbers.next()??);
    let kind = match button & !0x1c {
        0 => MouseKind::Press,
        64 => MouseKind::WheelUp,
        65 => MouseKind::WheelDown,
        _ => return None,
    };
    Some(Mouse { kind, x: x.checked_sub(1)?, y: y.checked_sub(1)? })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn events(bytes: &[u8]) -> Vec<Event> {
        let mut decoder = Decoder::default();
        let mut events = decoder.take(bytes);
        events.extend(decoder.give_up());
        events
    }

    #[test]
    fn keys_of_several_terminals_are_known() {
        for (bytes, key) in [
            (&b"q"[..], Key::Char('q')),
            ("é".as_bytes(), Key::Char('é')),
            (b"\r", Key::Enter),
            (b"\x1b", Key::Esc),
            (b"\x7f", Key::Backspace),
            (b"\x03", Key::Ctrl('c')),
            (b"\x1bx", Key::Alt('x')),
            (b"\x1b[A", Key::Up),
            (b"\x1bOA", Key::Up),
            (b"\x1b[1;5B", Key::Down),
            (b"\x1b[H", Key::Home),
            (b"\x1b[1~", Key::Home),
            (b"\x1b[8~", Key::End),
            (b"\x1b[5~", Key::PageUp),
            (b"\x1b[6;2~", Key::PageDown),
            (b"\x1b[Z", Key::BackTab),
            (b"\x1bOP", Key::F(1)),
            (b"\x1b[[E", Key::F(5)),
            (b"\x1b[15~", Key::F(5)),
            (b"\x1b[17~", Key::F(6)),
            (b"\x1b[21~", Key::F(10)),
            (b"\x1b[24~", Key::F(12)),
        ] {
            assert_eq!(events(bytes), [Event::Key(key)], "{bytes:?}");
        }
    }

    #[test]
    fn the_mouse_is_told_from_zero() {
        let mouse = |kind, x, y| Event::Mouse(Mouse { kind, x, y });
        assert_eq!(events(b"\x1b[<0;1;1M\x1b[<0;1;1m"), [mouse(MouseKind::Press, 0, 0)]);
        assert_eq!(events(b"\x1b[<65;80;24M"), [mouse(MouseKind::WheelDown, 79, 23)]);
        assert_eq!(events(b"\x1b[<80;3;4M"), [mouse(MouseKind::WheelUp, 2, 3)]);
        assert_eq!(events(b"\x1b[<0;0;1Mx"), [Event::Key(Key::Char('x'))]);
    }

    #[test]
    fn what_is_unknown_is_left_out_whole() {
        for bytes in
            [&b"\x1b[?62;c"[..], b"\x1b[99~", b"\x1b[200~", b"\x1bOz", b"\x1b[I", b"\xff", b"\xc3", b"\x00"]
        {
            assert_eq!(events(bytes), [], "{bytes:?}");
        }
        assert_eq!(events(b"\x1b[12\x1b[A"), [Event::Key(Key::Up)]);
        let mut decoder = Decoder::default();
        assert_eq!(decoder.take(&[b"\x1b[".as_slice(), &[b'1'; 1000]].concat()), []);
        assert_eq!(decoder.take(b"q"), [Event::Key(Key::Char('q'))]);
    }

    proptest! {
        #[test]
        fn it_does_not_matter_where_bytes_are_cut(bytes in proptest::collection::vec(
            prop_oneof![Just(ESC), Just(b'['), Just(b'<'), Just(b';'), Just(b'O'), any::<u8>()], 0..40), at in 0..40_usize)
        {
            let at = at.min(bytes.len());
            let mut whole = Decoder::default();
            let mut parts = Decoder::default();
            let once = whole.take(&bytes);
            let mut twice = parts.take(&bytes[..at]);
            twice.extend(parts.take(&bytes[at..]));
            prop_assert_eq!(once, twice);
        }
    }
}
