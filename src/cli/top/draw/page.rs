//! The page as a whole.
//!
//! Names and texts come from plugins: nothing of them gets here that is not printable.

use ratatui_core::buffer::Buffer;
use ratatui_core::style::Style;

use super::{detail, head, help, line, list, silences};
use crate::cli::top::model::{Model, View};

/// The smallest page that is drawn.
const WIDTH_MIN: u16 = 40;
const HEIGHT_MIN: u16 = 8;

/// Draws a page. What was scrolled too far is put right in the model.
pub(in crate::cli::top) fn draw(model: &mut Model, page: &mut Buffer) {
    let area = page.area;
    if area.is_empty() {
        return;
    }
    if area.width < WIDTH_MIN || area.height < HEIGHT_MIN {
        let why = format!("custos top needs {WIDTH_MIN} x {HEIGHT_MIN}");
        page.set_stringn(0, 0, why, usize::from(area.width), Style::new());
        return;
    }
    let places = model.places(area);
    head::draw(model, &places, page);
    match &model.view {
        View::List => list::draw(model, &places, page),
        View::Check { .. } => detail::draw(model, &places, page),
        View::Silences { at } => silences::draw(model, *at, &places, page),
        View::Help(_) => help::draw(&places, page),
    }
    line::draw(model, page);
}
