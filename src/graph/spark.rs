//! A curve in one line of characters.

use super::canvas::{Canvas, Glyphs};

/// Marks of a curve where only ASCII is there, from low to high.
const ASCII_HEIGHTS: [char; 4] = ['_', '.', '-', '\''];

/// A curve from left to right, each column from its least to its greatest value, as high as it is for itself. Blank where there is
/// nothing. There are [`Glyphs::dots_x`] columns to a character.
pub fn spark(columns: &[Option<(f64, f64)>], glyphs: Glyphs) -> String {
    let known =
        columns.iter().flatten().filter(|(least, greatest)| least.is_finite() && greatest.is_finite());
    let (low, high) = known.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), (least, greatest)| {
        (low.min(*least), high.max(*greatest))
    });
    let cells = columns.len().div_ceil(glyphs.dots_x());
    let dots = if glyphs == Glyphs::Ascii { ASCII_HEIGHTS.len() } else { glyphs.dots_y() };
    // A flat curve lies at the bottom.
    let scale = if high > low { (dots - 1) as f64 / (high - low) } else { 0.0 };
    let height = |value: f64| ((value - low) * scale).round() as usize;
    if glyphs == Glyphs::Ascii {
        let mark = |column: &Option<(f64, f64)>| {
            column.map_or(' ', |(_, greatest)| ASCII_HEIGHTS[height(greatest).min(dots - 1)])
        };
        return columns.iter().map(mark).collect();
    }
    let mut canvas = Canvas::new(glyphs, cells, 1);
    for (x, column) in columns.iter().enumerate() {
        if let Some((least, greatest)) = column {
            canvas.vertical(x, height(*least), height(*greatest), 0);
        }
    }
    canvas.row(0).map(|cell| cell.map_or(' ', |(character, _)| character)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_is_as_high_as_its_line() {
        let at = |value: f64| Some((value, value));
        let columns = [at(0.0), at(1.0), at(2.0), at(3.0), None, None, Some((0.0, 3.0)), at(0.0)];
        assert_eq!(spark(&columns, Glyphs::Braille), "⡠⠊ ⣇");
        assert_eq!(spark(&columns, Glyphs::Blocks), "▄▄▀▀  █▄");
        assert_eq!(spark(&columns, Glyphs::Ascii), "_.-'  '_");
        assert_eq!(spark(&[at(7.0); 4], Glyphs::Braille), "⣀⣀");
        assert_eq!(spark(&[], Glyphs::Braille), "");
    }
}
