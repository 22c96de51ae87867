//! Ranges of thresholds as the library of the plugins reads and compares them.

use crate::arguments::{decimal, unknown};
use crate::not_native::NotNative;
use crate::printed::State;

/// A range: values outside of it alert, or with `@` those inside.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Range {
    /// As it was written.
    pub(crate) text: String,
    start: f64,
    /// None for infinity.
    pub(crate) end: Option<f64>,
    inside: bool,
    is_open_below: bool,
}

impl Range {
    /// Reads a range in one of the usual forms: `10`, `10:`, `~:10`, `10:20`, each perhaps behind `@`.
    ///
    /// # Errors
    /// It has another form, which the plugins may read as something or refuse.
    pub(crate) fn read(option: &str, text: &str) -> Result<Range, NotNative> {
        let rest = text.strip_prefix('@').unwrap_or(text);
        let (start, end) = rest.split_once(':').map_or((None, rest), |(start, end)| (Some(start), end));
        let is_open_below = start == Some("~");
        let number = |text: &str| decimal(text).ok_or_else(|| unknown(option, text));
        let start = match start {
            None | Some("~" | "") => 0.0,
            Some(start) => number(start)?,
        };
        let end = if end.is_empty() && rest.ends_with(':') { None } else { Some(number(end)?) };
        if !is_open_below && end.is_some_and(|end| end < start) {
            return Err(unknown(option, text));
        }
        Ok(Range { text: text.to_owned(), start, end, inside: text.starts_with('@'), is_open_below })
    }

    /// The same for a range whose end is printed, and so has to have one.
    ///
    /// # Errors
    /// It has none, or an immense one.
    pub(crate) fn with_end(option: &str, text: &str) -> Result<Range, NotNative> {
        let range = Range::read(option, text)?;
        if range.end.is_none_or(|end| end > 1e6) { Err(unknown(option, text)) } else { Ok(range) }
    }

    /// Whether a value alerts.
    fn alerts(&self, value: f64) -> bool {
        let is_inside =
            (self.is_open_below || self.start <= value) && self.end.is_none_or(|end| value <= end);
        is_inside == self.inside
    }
}

/// A pair of ranges.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Thresholds {
    pub(crate) warning: Option<Range>,
    pub(crate) critical: Option<Range>,
}

impl Thresholds {
    /// The state of a value.
    pub(crate) fn judge(&self, value: f64) -> State {
        let alerts = |range: &Option<Range>| range.as_ref().is_some_and(|range| range.alerts(value));
        match () {
            () if alerts(&self.critical) => State::Critical,
            () if alerts(&self.warning) => State::Warning,
            () => State::Ok,
        }
    }
}
