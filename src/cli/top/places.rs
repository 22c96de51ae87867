//! Where on the page what is: for drawing it, and for what the mouse points at. Pure.

use custos_store::State;
use ratatui_core::layout::Rect;

use super::sort::SortBy;
use crate::text::wrap::wrap;

/// Lines of the head that are always there.
const HEAD_LINES: u16 = 2;
/// Lines of trouble on a page of this height, and on a lower one.
const TROUBLE_LINES: usize = 3;
const HEIGHT_FOR_TROUBLE: u16 = 16;
/// Columns of names.
const NAME_MIN: u16 = 12;
const NAME_MAX: u16 = 32;
/// Columns of text that are left beside a long name.
const TEXT_MIN: u16 = 30;
/// Pages that are as wide have room for the last minutes.
const WIDTH_FOR_RECENT: u16 = 60;
/// Pages that are as wide have room for the time that a run took, and for what it took of processors.
const WIDTH_FOR_TIME: u16 = 100;
const WIDTH_FOR_CPU: u16 = 110;

/// A column of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    State,
    Note,
    Age,
    Recent,
    Time,
    Cpu,
    Check,
    Text,
}

impl Column {
    /// What stands above it.
    pub(super) fn title(self) -> &'static str {
        match self {
            Column::State => "STATE",
            Column::Note => "NOTE",
            Column::Age => "AGE",
            Column::Recent => "10 MIN",
            Column::Time => "TIME",
            Column::Cpu => "CPU",
            Column::Check => "CHECK",
            Column::Text => "TEXT",
        }
    }

    pub(super) fn sort(self) -> Option<SortBy> {
        Some(match self {
            Column::State | Column::Note => SortBy::State,
            Column::Age => SortBy::Age,
            Column::Time => SortBy::Time,
            Column::Cpu => SortBy::Cpu,
            Column::Check => SortBy::Name,
            Column::Recent | Column::Text => return None,
        })
    }

    /// Whether numbers stand at its right.
    pub(super) fn is_number(self) -> bool {
        matches!(self, Column::Age | Column::Time | Column::Cpu)
    }
}

/// Where what is.
#[derive(Clone, Debug)]
pub(super) struct Places {
    pub(super) width: u16,
    /// Lines of trouble that are shown, from line 2 on.
    pub(super) trouble: Vec<String>,
    /// The line of the titles.
    pub(super) titles: u16,
    /// The lines below it, end excluded.
    pub(super) body: (u16, u16),
    /// The columns of the list: what, where, how wide.
    pub(super) columns: Vec<(Column, u16, u16)>,
}

impl Places {
    /// A page on which these lines of trouble are to be shown, and names that are so wide. By what is sorted is shown.
    pub(super) fn of(area: Rect, trouble: &[String], longest_name: usize, sort: SortBy) -> Places {
        let most = if area.height < HEIGHT_FOR_TROUBLE { 1 } else { TROUBLE_LINES };
        let trouble = fitted(trouble, usize::from(area.width), most);
        let titles = HEAD_LINES + trouble.len() as u16;
        let end = area.height.saturating_sub(1);
        let body = ((titles + 1).min(end), end);
        Places { width: area.width, trouble, titles, body, columns: columns(area.width, longest_name, sort) }
    }

    /// Lines of the list.
    pub(super) fn rows(&self) -> usize {
        usize::from(self.body.1 - self.body.0)
    }

    /// By what a click at this place sorts.
    pub(super) fn head_at(&self, x: u16, y: u16) -> Option<SortBy> {
        let hit = |(_, at, columns): &&(Column, u16, u16)| (*at..at + columns).contains(&x);
        self.columns.iter().filter(|_| y == self.titles).find(hit)?.0.sort()
    }

    /// Which line of the list is at this line of the page.
    pub(super) fn row_at(&self, y: u16) -> Option<usize> {
        (self.body.0..self.body.1).contains(&y).then(|| usize::from(y - self.body.0))
    }
}

/// What is wrong in whole if that takes no more than so many lines, else a line each.
fn fitted(trouble: &[String], columns: usize, most: usize) -> Vec<String> {
    let pieces = trouble.iter().flat_map(|line| wrap(line, columns));
    let whole: Vec<String> = pieces.map(str::to_owned).collect();
    if whole.len() <= most { whole } else { shortened(trouble, most) }
}

/// So many lines of trouble, the last with how many there are beyond.
fn shortened(trouble: &[String], most: usize) -> Vec<String> {
    let mut lines: Vec<String> = trouble.iter().take(most).cloned().collect();
    if let Some(last) = lines.last_mut().filter(|_| trouble.len() > most) {
        *last = format!("(and {} more, see custos status) {last}", trouble.len() - most);
    }
    lines
}

fn columns(page: u16, longest_name: usize, sort: SortBy) -> Vec<(Column, u16, u16)> {
    let state = State::Critical.name().len() as u16;
    let recent = match page {
        0..WIDTH_FOR_RECENT => 0,
        WIDTH_FOR_RECENT..100 => 10,
        100..160 => 20,
        _ => 40,
    };
    let mut fixed = vec![(Column::State, state), (Column::Note, 4), (Column::Age, 6)];
    if recent > 0 {
        fixed.push((Column::Recent, recent));
    }
    let is_sorted_by = |column: Column| column.sort() == Some(sort) && page >= WIDTH_FOR_RECENT;
    if page >= WIDTH_FOR_TIME || is_sorted_by(Column::Time) {
        fixed.push((Column::Time, 6));
    }
    if page >= WIDTH_FOR_CPU || is_sorted_by(Column::Cpu) {
        fixed.push((Column::Cpu, 6));
    }
    let mut at = 0;
    let mut columns = Vec::new();
    for (column, wide) in fixed {
        columns.push((column, at, wide));
        at += wide + 1;
    }
    let room = page.saturating_sub(at + 1 + TEXT_MIN).clamp(NAME_MIN, NAME_MAX);
    let name = room.min(u16::try_from(longest_name).unwrap_or(u16::MAX)).max(5).min(page.saturating_sub(at));
    columns.push((Column::Check, at, name));
    at += name + 1;
    if at < page {
        columns.push((Column::Text, at, page - at));
    }
    columns
}
