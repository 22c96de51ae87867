//! How messages are written for a target.

use jiff::tz::TimeZone;

use crate::graph::Glyphs;

/// How messages are written for a target.
#[derive(Clone, Debug)]
pub struct MessageStyle {
    /// The name of this host.
    pub host: String,
    /// The zone that times are shown in.
    pub zone: TimeZone,
    /// What graphs in the text are drawn with; `None` for no graphs there.
    pub glyphs: Option<Glyphs>,
    /// Whether a graph is drawn as an image beside the text.
    pub svg: bool,
}
