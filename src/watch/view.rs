//! What of the time is looked at, and what a key does to that.

use std::ops::Range;
use std::time::Duration;

use crate::limits::{WATCH_WINDOW_MAX, WATCH_WINDOW_MIN};

/// The windows that the keys go through, in ms.
const WINDOWS_MS: [i64; 16] = [
    5_000, 10_000, 30_000, 60_000, 120_000, 300_000, 600_000, 900_000, 1_800_000, 3_600_000, 7_200_000,
    10_800_000, 21_600_000, 43_200_000, 64_800_000, 86_400_000,
];

const _: () = assert!(WINDOWS_MS[0] == WATCH_WINDOW_MIN.as_millis() as i64);
const _: () = assert!(WINDOWS_MS[WINDOWS_MS.len() - 1] == WATCH_WINDOW_MAX.as_millis() as i64);

/// What a key means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Ends.
    Quit,
    /// Has the picture stand still, or go on.
    Pause,
    /// A longer window.
    Longer,
    /// A shorter one.
    Shorter,
    /// A quarter of a window back.
    Back,
    /// A quarter of a window on.
    Forward,
    /// To the newest, and on.
    Newest,
    /// A panel up.
    Up,
    /// A panel down.
    Down,
    /// As many panels up as are shown.
    PageUp,
    /// As many down.
    PageDown,
    /// To the first panel.
    Top,
    /// Draws by this host's clock, or by each its own.
    Clock,
    /// Shows the keys, or what they act on.
    Help,
}

/// What is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct View {
    pub(super) window_ms: i64,
    /// Where the picture ends, by this host's clock; absent where that is now.
    pub(super) stands_at_ms: Option<i64>,
    /// The first panel that is shown.
    pub(super) scroll: usize,
    /// How many panels were shown last.
    page: usize,
    pub(super) help: bool,
    /// Whether times of other hosts are drawn by this host's clock.
    pub(super) shifted: bool,
}

impl View {
    pub(super) fn new(window: Duration) -> View {
        let window_ms = i64::try_from(window.as_millis()).unwrap_or(i64::MAX);
        View { window_ms, stands_at_ms: None, scroll: 0, page: 1, help: false, shifted: true }
    }

    /// Does what a key means, now. `true` if it ends.
    pub(super) fn act(&mut self, act: Act, now_ms: i64) -> bool {
        match act {
            Act::Quit => return !std::mem::take(&mut self.help),
            Act::Help => self.help = !self.help,
            Act::Pause => self.stands_at_ms = self.stands_at_ms.is_none().then_some(now_ms),
            Act::Newest => self.stands_at_ms = None,
            Act::Back => self.move_by(-self.window_ms / 4, now_ms),
            Act::Forward => self.move_by(self.window_ms / 4, now_ms),
            Act::Longer => {
                let longer = WINDOWS_MS.into_iter().find(|window| *window > self.window_ms);
                self.window_ms = longer.unwrap_or(self.window_ms);
            }
            Act::Shorter => {
                let shorter = WINDOWS_MS.into_iter().rev().find(|window| *window < self.window_ms);
                self.window_ms = shorter.unwrap_or(self.window_ms);
            }
            Act::Up => self.scroll = self.scroll.saturating_sub(1),
            Act::Down => self.scroll = self.scroll.saturating_add(1),
            Act::PageUp => self.scroll = self.scroll.saturating_sub(self.page),
            Act::PageDown => self.scroll = self.scroll.saturating_add(self.page),
            Act::Top => self.scroll = 0,
            Act::Clock => self.shifted = !self.shifted,
        }
        false
    }

    /// These panels are shown.
    pub(super) fn shown(&mut self, panels: Range<usize>) {
        (self.scroll, self.page) = (panels.start, panels.len().max(1));
    }

    /// What is looked at stands still, until it is now again.
    fn move_by(&mut self, by_ms: i64, now_ms: i64) {
        let end_ms = self.stands_at_ms.unwrap_or(now_ms).saturating_add(by_ms);
        self.stands_at_ms = (end_ms < now_ms).then_some(end_ms);
    }

    /// The span that is drawn in so many columns. Its ends are whole columns, so that what is drawn stays in its column
    /// while the picture moves on.
    pub(super) fn span(&self, now_ms: i64, columns: usize) -> (i64, i64) {
        let columns = i64::try_from(columns.max(1)).unwrap_or(i64::MAX);
        let column_ms = (self.window_ms / columns).max(1);
        let end_ms = self
            .stands_at_ms
            .unwrap_or(now_ms)
            .div_euclid(column_ms)
            .saturating_add(1)
            .saturating_mul(column_ms);
        (end_ms.saturating_sub(column_ms.saturating_mul(columns)), end_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looking_back_stands_still_until_it_is_now_again() {
        let mut view = View::new(Duration::from_secs(120));
        view.act(Act::Back, 1_000_000);
        assert_eq!(view.stands_at_ms, Some(970_000));
        view.act(Act::Back, 1_010_000);
        assert_eq!(view.stands_at_ms, Some(940_000));
        view.act(Act::Forward, 1_020_000);
        view.act(Act::Forward, 1_020_000);
        assert_eq!(view.stands_at_ms, Some(1_000_000));
        view.act(Act::Forward, 1_020_000);
        assert_eq!(view.stands_at_ms, None);
        view.act(Act::Pause, 1_030_000);
        assert_eq!(view.stands_at_ms, Some(1_030_000));
        view.act(Act::Pause, 1_040_000);
        assert_eq!(view.stands_at_ms, None);
    }

    #[test]
    fn windows_have_ends() {
        let mut view = View::new(Duration::from_secs(100));
        view.act(Act::Longer, 0);
        assert_eq!(view.window_ms, 120_000);
        view.act(Act::Shorter, 0);
        assert_eq!(view.window_ms, 60_000);
        (0..50).for_each(|_| assert!(!view.act(Act::Longer, 0)));
        assert_eq!(view.window_ms, 86_400_000);
        (0..50).for_each(|_| assert!(!view.act(Act::Shorter, 0)));
        assert_eq!(view.window_ms, 5_000);
    }

    #[test]
    fn the_help_is_left_before_the_program() {
        let mut view = View::new(Duration::from_secs(100));
        view.act(Act::Help, 0);
        assert!(!view.act(Act::Quit, 0));
        assert!(view.act(Act::Quit, 0));
    }

    #[test]
    fn columns_stay_while_the_picture_moves() {
        let view = View::new(Duration::from_secs(120));
        let (start, end) = view.span(1_000_000_123, 140);
        assert_eq!((end - start) % 140, 0);
        let column_ms = (end - start) / 140;
        for now in 0..3 * column_ms {
            let (start, end) = view.span(1_000_000_123 + now, 140);
            assert_eq!((start % column_ms, end % column_ms), (0, 0));
            assert!(end > 1_000_000_123 + now && end - column_ms <= 1_000_000_123 + now);
        }
        view.span(i64::MAX, usize::MAX);
        view.span(i64::MIN, 1);
    }
}
