//! What a graph shows of a check: its series as the store has them, with the limits of its plugin and of its definition.

mod check;
mod glyphs;
mod store_reader;
mod titled;

pub use check::CheckPicture;
pub use glyphs::glyphs;
pub use store_reader::StoreReader;
pub use titled::{configured, titled};
