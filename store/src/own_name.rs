//! Series that are named otherwise than after their check.

/// The label with the whole name of a series that is not named after its check. Only what rules record has it: no plugin,
/// device or trap can make a metric with it.
pub const SERIES_NAME: &str = "__name__";

/// The name that labels give a series of its own.
pub(crate) fn own_name(labels: &[(String, String)]) -> Option<&str> {
    let named = labels.iter().find(|(name, _)| name == SERIES_NAME);
    named.map(|(_, name)| name.as_str()).filter(|name| !name.is_empty())
}
