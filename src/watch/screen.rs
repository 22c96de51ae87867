//! The picture as lines that fill a terminal.
//!
//! ```text
//! custos watch  2m  every 200ms                                    live
//! web1  offset +3.002 s ± 4 ms: drawn shifted, by this host's clock
//! load:load1  min 0.02  avg 0.31  max 4.12  last 0.28  warn 5
//!       4 ┤
//!       0 ┤
//!         └───┬───────┬───────┬───
//!           12:00   12:10   12:20
//!     load  ▁▁▁▁▁▁▁▄▄██▁▁▁▁
//! 2026-11-22 12:00 to 12:30 UTC  ▁ ok  ▄ warn  █ crit
//! q quit  space pause  + - window  ← → look back
//! ```

use std::ops::Range;

use custos_store::State;

use super::host::{Host, Link};
use super::model::Model;
use super::states::compact;
use crate::clock::Moment;
use crate::graph::{ChartParts, Glyphs, Ink, Line, TextOptions, cells, columns, parts, ribbon_lines};
use crate::text::human::duration_ms;
use crate::text::printable;
use crate::text::width::{pad, shorten, width};
use crate::text::wrap::wrap;

/// The narrowest and lowest terminal that something can be shown on.
const WIDTH_MIN: usize = 40;
const HEIGHT_MIN: usize = 12;
/// Lines that one thing that is said of a host takes at most.
const REMARK_LINES_MAX: usize = 3;
/// Columns of the names of hosts.
const LABEL_MAX: usize = 24;

/// A terminal to be filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Columns.
    pub width: usize,
    /// Lines.
    pub height: usize,
}

/// How it may look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Looks {
    /// Characters to use.
    pub glyphs: Glyphs,
    /// Whether curves of one kind may share a panel, since colours or characters tell them apart.
    pub overlay: bool,
}

impl Model {
    /// The lines that are shown now: as many as the terminal has, or fewer.
    /// Panels that were scrolled over beyond the last are taken back.
    pub fn screen(&mut self, now: Moment, size: Size, looks: Looks) -> Vec<Line> {
        if size.width < WIDTH_MIN || size.height < HEIGHT_MIN {
            return vec![line(
                Ink::Plain,
                &format!("too small: {WIDTH_MIN} x {HEIGHT_MIN} at least"),
                size.width,
            )];
        }
        let mut lines = vec![self.head(size)];
        lines.extend(self.about_hosts(now, size, looks));
        let rest = size.height - lines.len() - 1;
        lines.extend(match self.view.help {
            true => help(looks, size.width).into_iter().take(rest).collect(),
            false => self.charts(now, Size { height: rest, ..size }, looks),
        });
        lines.resize(size.height - 1, Line::default());
        lines.push(line(Ink::Dim, keys(looks.glyphs), size.width));
        lines
    }

    /// How many columns of time there are on a terminal so wide.
    pub fn columns(width: usize, looks: Looks) -> usize {
        columns(width, looks.glyphs)
    }

    fn head(&self, size: Size) -> Line {
        let every = match self.every_ms.and_then(|every_ms| i64::try_from(every_ms).ok()) {
            Some(every_ms) => format!("every {}", duration_ms(every_ms)),
            None => "as often as checks are run".to_owned(),
        };
        let left = format!("custos watch  {}  {every}", duration_ms(self.view.window_ms));
        let (ink, right) = match self.view.stands_at_ms {
            Some(_) => (Ink::State(State::Warning), "stands still, data goes on"),
            None => (Ink::Dim, "live"),
        };
        let mut line = line(Ink::Plain, &left, size.width);
        let free = size.width.saturating_sub(line.width());
        if free > width(right) {
            line.push(Ink::Plain, &" ".repeat(free - width(right)));
            line.push(ink, right);
        }
        line
    }

    /// What there is to say of connections and clocks: nothing of this host while all is well.
    fn about_hosts(&self, now: Moment, size: Size, looks: Looks) -> Vec<Line> {
        let labels =
            self.hosts.iter().map(|host| width(&printable(&host.label))).max().unwrap_or(0).min(LABEL_MAX);
        let mut lines = Vec::new();
        for host in &self.hosts {
            let label = pad(&shorten(&printable(&host.label), labels, looks.glyphs.ellipsis()), labels);
            for (ink, text) in self.about(host, now) {
                let text = if looks.glyphs == Glyphs::Ascii { text.replace('±', "+/-") } else { text };
                let columns = size.width.saturating_sub(labels + 2);
                for (row, part) in wrapped(&printable(&text), columns).iter().enumerate() {
                    let before = if row == 0 { label.clone() } else { " ".repeat(labels) };
                    lines.push(line(ink, &format!("{before}  {part}"), size.width));
                }
            }
        }
        let most = (size.height / 4).max(2);
        if lines.len() > most {
            let left_out = lines.len() - (most - 1);
            lines.truncate(most - 1);
            lines.push(line(Ink::Dim, &format!("{left_out} more of these have no room"), size.width));
        }
        lines
    }

    fn about(&self, host: &Host, now: Moment) -> Vec<(Ink, String)> {
        let mut about = Vec::new();
        match &host.link {
            Link::Connecting if !host.is_here() => about.push((Ink::Dim, "connecting".to_owned())),
            Link::Connecting => {}
            Link::Lost { why, again_us } => {
                let again_s = again_us.saturating_sub(now.mono_us).div_ceil(1_000_000);
                let text = format!("not connected, again in {again_s} s: {why}");
                about.push((Ink::State(State::Critical), text));
            }
            Link::Live if host.is_here() => {}
            Link::Live => about.push((Ink::Plain, self.about_clock(host))),
        }
        if host.dropped > 0 {
            let text = format!("{} lines were left out, since they were not taken in time", host.dropped);
            about.push((Ink::State(State::Warning), text));
        }
        if host.unreadable > 0 {
            let text = format!("{} lines cannot be read; is it another version?", host.unreadable);
            about.push((Ink::State(State::Warning), text));
        }
        let remarks = host.remarks();
        about.extend(
            remarks.iter().map(|(check, why)| (Ink::State(State::Warning), format!("{check}: {why}"))),
        );
        about
    }

    /// What the clock of another host says, and by which its curves are drawn.
    fn about_clock(&self, host: &Host) -> String {
        match host.offset() {
            None => "offset of its clock not known yet: drawn by its own clock".to_owned(),
            Some(offset) if !offset.is_certain() => {
                format!("offset {offset}: drawn by its own clock, which may be this one's")
            }
            Some(offset) if self.view.shifted => {
                format!("offset {offset}: drawn shifted, by this host's clock")
            }
            Some(offset) => format!("offset {offset}: drawn by its own clock, not shifted"),
        }
    }

    fn charts(&mut self, now: Moment, size: Size, looks: Looks) -> Vec<Line> {
        let Size { width, height } = size;
        let mut picture = self.picture(now, (columns(width, looks.glyphs), cells(width)));
        // Where the states over time have no room, how all checks stand has.
        let states_max = height / 3;
        let mut states = Vec::new();
        if ribbon_lines(&picture.ribbons) > states_max {
            picture.ribbons.clear();
            let mark = looks.glyphs.ellipsis();
            states = compact(&self.standings(picture.end_ms), width, states_max, mark);
        }
        let options = TextOptions {
            width,
            height: height - states.len(),
            glyphs: looks.glyphs,
            overlay: looks.overlay,
        };
        let ChartParts { panels, axis, ribbons, legend, .. } = parts(&picture, &options);
        states.extend(ribbons);
        let rest = height.saturating_sub(axis.len() + states.len() + 1);
        let (mut lines, range) = shown(&panels, self.view.scroll, rest, (width, looks.glyphs));
        self.view.shown(range);
        lines.extend(axis);
        lines.extend(states);
        lines.push(legend);
        lines.truncate(height);
        lines
    }
}

/// The panels that fit into so many lines from one of them on, and which these are. What is left out is said.
fn shown(
    panels: &[Vec<Line>],
    scroll: usize,
    height: usize,
    (width, glyphs): (usize, Glyphs),
) -> (Vec<Line>, Range<usize>) {
    if panels.iter().map(Vec::len).sum::<usize>() <= height {
        return (panels.concat(), 0..panels.len());
    }
    let free = height.saturating_sub(1);
    // The last panels fill the lines; none further down is the first.
    let mut filled = 0;
    let from_below = panels.iter().rev().take_while(|panel| {
        filled += panel.len();
        filled <= free
    });
    let first = scroll.min(panels.len() - from_below.count().max(1));
    let mut lines: Vec<Line> = Vec::new();
    let mut count = 0;
    for panel in &panels[first..] {
        if count > 0 && lines.len() + panel.len() > free {
            break;
        }
        lines.extend(panel.iter().cloned());
        count += 1;
    }
    lines.truncate(free);
    let keys = if glyphs == Glyphs::Ascii { "up down PgUp PgDn" } else { "↑ ↓ PgUp PgDn" };
    let all = panels.len();
    let text = format!(
        "panels {} to {} of {all}; {} more: scroll with {keys}",
        first + 1,
        first + count,
        all - count
    );
    lines.push(line(Ink::Dim, &text, width));
    (lines, first..first + count)
}

/// A text in lines of so many columns; of more than [`REMARK_LINES_MAX`] the last has all the rest, and is cut.
fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let pieces = wrap(text, columns);
    let last = pieces.len().min(REMARK_LINES_MAX) - 1;
    let mut lines: Vec<String> = pieces[..last].iter().map(|piece| (*piece).to_owned()).collect();
    lines.push(pieces[last..].join(" "));
    lines
}

fn line(ink: Ink, text: &str, columns: usize) -> Line {
    let mut line = Line::default();
    line.push(ink, &shorten(text, columns, "..."));
    line
}

fn keys(glyphs: Glyphs) -> &'static str {
    match glyphs {
        Glyphs::Ascii => "q quit  space stand still  + - window  left right look back  ? help",
        _ => "q quit  space stand still  + - window  ← → look back  ↑ ↓ panels  ? help",
    }
}

/// The keys, as they are called in ASCII and else, and what they do.
const HELP: [(&str, &str, &str); 9] = [
    ("space", "space", "the picture stands still, or goes on; what comes is held meanwhile"),
    ("+ -", "+ -", "a longer window, a shorter one"),
    ("left right", "← →", "a quarter of the window back, and on"),
    ("End", "End", "to the newest, and on"),
    ("up down", "↑ ↓", "other panels, where they do not all fit; PgUp and PgDn as many as are shown"),
    ("Home", "Home", "the first panels"),
    ("c", "c", "draws other hosts by this host's clock, or each by its own"),
    ("?", "?", "this, or the curves"),
    ("q", "q", "ends; the clones end with it"),
];

const HELP_NOTES: [&str; 4] = [
    "A column goes from its least to its greatest sample. Blank means that there",
    "is no value. The offset is by how much the clock of another host is ahead of",
    "this one's; it is known within the bound behind the ±, which is half of the",
    "time that an answer took.",
];

fn help(looks: Looks, columns: usize) -> Vec<Line> {
    let is_ascii = looks.glyphs == Glyphs::Ascii;
    let keys = HELP.map(|(ascii, other, does)| {
        let key = if is_ascii { ascii } else { other };
        format!("  {}  {does}", pad(key, 10))
    });
    let notes = HELP_NOTES.map(|note| if is_ascii { note.replace('±', "+/-") } else { note.to_owned() });
    let all = [String::new()].into_iter().chain(keys).chain([String::new()]).chain(notes);
    all.map(|text| line(Ink::Plain, &text, columns)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_broken_between_words_and_a_word_that_is_too_long_within_itself() {
        assert_eq!(wrapped("not so long", 8), ["not so", "long"]);
        assert_eq!(
            wrapped("lost: abcdefghijklmnop and so on", 8),
            ["lost:", "abcdefgh", "ijklmnop and so on"]
        );
        assert_eq!(wrapped("日本語日本語", 5), ["日本", "語日", "本語"]);
        // Where there is no room at all, there is an end nevertheless.
        assert_eq!(wrapped("abc", 0), ["a", "b", "c"]);
        assert_eq!(wrapped("", 5), [""]);
    }
}
