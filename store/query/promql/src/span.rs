//! Where in a query something stands.

/// A stretch of a query, in bytes: `start..end`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// The first byte.
    pub start: u32,
    /// The byte after the last.
    pub end: u32,
}

impl Span {
    /// The stretch from `start` to before `end`.
    pub fn new(start: usize, end: usize) -> Span {
        // A query is no longer than `limits::QUERY_BYTES_MAX`.
        Span { start: start as u32, end: end as u32 }
    }

    /// From the start of this one to the end of `other`.
    pub fn to(self, other: Span) -> Span {
        Span { start: self.start, end: other.end }
    }

    /// Line and column of the start, both from 1; columns count characters.
    pub fn line_column(self, query: &str) -> (usize, usize) {
        let before = query.get(..self.start as usize).unwrap_or(query);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
        (line, column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_begin_at_one_and_count_characters() {
        let query = "sum(\n  größe\n) + x";
        assert_eq!(Span::new(0, 3).line_column(query), (1, 1));
        assert_eq!(Span::new(7, 14).line_column(query), (2, 3));
        let plus = query.find('+').unwrap();
        assert_eq!(Span::new(plus, plus + 1).line_column(query), (3, 3));
        assert_eq!(Span::new(1_000, 1_000).line_column("x"), (1, 2));
    }
}
