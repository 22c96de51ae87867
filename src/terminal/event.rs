//! What a program that fills the terminal is told.

use nix::sys::signal::Signal;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A key was pressed.
    Key(Key),
    /// The mouse was used.
    Mouse(Mouse),
    /// The terminal has another size, or was given back: everything is to be drawn anew.
    Redraw,
    /// Another thread has something, see [`Waker`](super::Waker).
    Woken,
    /// The program has to end.
    End(End),
}

/// Why the program has to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The terminal is gone.
    Vanished,
    /// Somebody wants that.
    Signal(Signal),
}

/// A key, with the modifiers that change what it means. Shift is in the character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// A character.
    Char(char),
    /// A letter with control.
    Ctrl(char),
    /// A character with alt.
    Alt(char),
    /// Return, or that of the keypad.
    Enter,
    /// Escape.
    Esc,
    /// The tabulator.
    Tab,
    /// The same with shift.
    BackTab,
    /// Deletes what is before.
    Backspace,
    /// Deletes what is after.
    Delete,
    /// Insert.
    Insert,
    /// An arrow.
    Up,
    /// An arrow.
    Down,
    /// An arrow.
    Left,
    /// An arrow.
    Right,
    /// To the beginning.
    Home,
    /// To the end.
    End,
    /// A page back.
    PageUp,
    /// A page on.
    PageDown,
    /// F1 to F12.
    F(u8),
}

/// The mouse at a place, counted from 0 at the top left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mouse {
    /// What was done.
    pub kind: MouseKind,
    /// The column.
    pub x: u16,
    /// The line.
    pub y: u16,
}

/// What was done with the mouse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MouseKind {
    /// The left button was pressed.
    Press,
    /// The wheel was turned away.
    WheelUp,
    /// The wheel was turned towards the hand.
    WheelDown,
}
