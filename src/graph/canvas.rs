//! A grid of dots, several to a character.
//!
//! | glyphs | dots of a character |
//! |---|---|
//! | Braille | 2 × 4 |
//! | Blocks | 1 × 2 |
//! | ASCII | 1 × 1 |

/// The characters that graphs and tables may be made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Glyphs {
    /// Braille patterns and everything below.
    Braille,
    /// Block elements and line drawing, for consoles whose font has no more.
    Blocks,
    /// ASCII only.
    Ascii,
}

impl Glyphs {
    /// Dots side by side in a character.
    pub fn dots_x(self) -> usize {
        match self {
            Glyphs::Braille => 2,
            Glyphs::Blocks | Glyphs::Ascii => 1,
        }
    }

    /// Dots above each other in a character.
    pub fn dots_y(self) -> usize {
        match self {
            Glyphs::Braille => 4,
            Glyphs::Blocks => 2,
            Glyphs::Ascii => 1,
        }
    }

    /// What stands where something was left out.
    pub fn ellipsis(self) -> &'static str {
        if self == Glyphs::Ascii { "..." } else { "…" }
    }
}

/// Bits of a Braille pattern by row, then column.
const BRAILLE_BITS: [[u8; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];
const BLOCKS: [char; 4] = [' ', '▀', '▄', '█'];
/// The characters of the first series in ASCII.
pub(super) const ASCII_MARKS: [char; 4] = ['*', '+', 'o', 'x'];

/// A grid that series are drawn on.
#[derive(Clone, Debug)]
pub(super) struct Canvas {
    glyphs: Glyphs,
    cells_x: usize,
    cells_y: usize,
    /// Of each character: the dots set, and the series that set one last.
    cells: Vec<(u8, usize)>,
}

impl Canvas {
    pub(super) fn new(glyphs: Glyphs, cells_x: usize, cells_y: usize) -> Canvas {
        Canvas { glyphs, cells_x, cells_y, cells: vec![(0, 0); cells_x * cells_y] }
    }

    /// Dots above each other on the whole canvas.
    pub(super) fn height(&self) -> usize {
        self.cells_y * self.glyphs.dots_y()
    }

    /// Draws a vertical line between two heights, both included, counted from the bottom.
    pub(super) fn vertical(&mut self, x: usize, one: usize, other: usize, series: usize) {
        for y in one.min(other)..=one.max(other) {
            self.dot(x, y, series);
        }
    }

    fn dot(&mut self, x: usize, y: usize, series: usize) {
        let (dots_x, dots_y) = (self.glyphs.dots_x(), self.glyphs.dots_y());
        if x >= self.cells_x * dots_x || y >= self.height() {
            return;
        }
        let from_top = self.height() - 1 - y;
        let bit = match self.glyphs {
            Glyphs::Braille => BRAILLE_BITS[from_top % dots_y][x % dots_x],
            Glyphs::Blocks => 1 << (from_top % dots_y),
            Glyphs::Ascii => 1,
        };
        let cell = &mut self.cells[from_top / dots_y * self.cells_x + x / dots_x];
        *cell = (cell.0 | bit, series);
    }

    /// The characters of a row, counted from the top, with their series; none where nothing was drawn.
    pub(super) fn row(&self, row: usize) -> impl Iterator<Item = Option<(char, usize)>> + '_ {
        self.cells[row * self.cells_x..][..self.cells_x].iter().map(|&(bits, series)| {
            let character = match self.glyphs {
                _ if bits == 0 => return None,
                Glyphs::Braille => char::from_u32(0x2800 + u32::from(bits))?,
                Glyphs::Blocks => BLOCKS[usize::from(bits)],
                Glyphs::Ascii => ASCII_MARKS[series % ASCII_MARKS.len()],
            };
            Some((character, series))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(canvas: &Canvas) -> Vec<String> {
        (0..canvas.cells_y)
            .map(|row| canvas.row(row).map(|cell| cell.map_or(' ', |(c, _)| c)).collect())
            .collect()
    }

    #[test]
    fn dots_land_in_their_characters() {
        let mut canvas = Canvas::new(Glyphs::Braille, 2, 2);
        canvas.vertical(0, 0, 7, 0);
        canvas.vertical(3, 7, 6, 0);
        assert_eq!(rows(&canvas), ["⡇⠘", "⡇ "]);
        let mut canvas = Canvas::new(Glyphs::Blocks, 3, 2);
        canvas.vertical(0, 1, 2, 0);
        canvas.vertical(2, 0, 3, 0);
        assert_eq!(rows(&canvas), ["▄ █", "▀ █"]);
        let mut canvas = Canvas::new(Glyphs::Ascii, 3, 2);
        canvas.vertical(1, 1, 1, 0);
        canvas.vertical(2, 0, 0, 1);
        assert_eq!(rows(&canvas), [" * ", "  +"]);
    }

    #[test]
    fn what_is_outside_is_not_drawn() {
        let mut canvas = Canvas::new(Glyphs::Blocks, 1, 1);
        canvas.vertical(1, 0, 1, 0);
        canvas.vertical(0, 2, 9, 0);
        assert_eq!(rows(&canvas), [" "]);
    }
}
