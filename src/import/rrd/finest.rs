//! Which rows of a file count: for each moment those of the finest archive that reaches back to it.

use custos_compat::rrd::{Archive, Function, Row};

/// A row that counts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counted<'a> {
    pub(super) row: Row<'a>,
    /// The seconds that it is of.
    pub(super) span_s: u64,
}

/// The rows of one function that count, by the end of their span, the earliest first; none of them without any value.
///
/// An archive reaches back to the beginning of its first row that has a value. A row of a coarser one counts if a part of its span is
/// before that, so nothing that is known of any moment is left out.
pub(super) fn finest<'a>(archives: &[Archive<'a>], function: Function) -> Vec<Counted<'a>> {
    let mut of_function: Vec<&Archive<'a>> =
        archives.iter().filter(|archive| archive.function == Some(function)).collect();
    of_function.sort_by_key(|archive| archive.span_s);
    let mut counted: Vec<Counted<'a>> = Vec::new();
    let mut reached_s = u64::MAX;
    for archive in of_function {
        let span_s = archive.span_s;
        let begin_s = |row: &Row<'_>| row.end_s.saturating_sub(span_s);
        let is_known = |row: &Row<'_>| row.values().any(|value| !value.is_nan());
        let mut rows = archive.rows().filter(is_known).peekable();
        let first_s = rows.peek().map(begin_s);
        let rows = rows.take_while(|row| begin_s(row) < reached_s);
        counted.extend(rows.map(|row| Counted { row, span_s }));
        reached_s = first_s.map_or(reached_s, |first_s| reached_s.min(first_s));
    }
    counted.sort_by_key(|one| (one.row.end_s, one.span_s));
    counted
}
