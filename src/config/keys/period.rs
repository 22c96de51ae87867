//! `periods`: a mapping of days to times, with days of many forms as its keys.

use crate::document::key::{Key, Own, key, section};
use crate::document::section::Shape;
use crate::period::MONTHS;
use crate::text::weekday::WEEKDAYS;

/// Ranges of times with commas between them.
const HOURS: &str =
    r"^ *[0-9]{1,2}:[0-9]{2} *- *[0-9]{1,2}:[0-9]{2} *(, *[0-9]{1,2}:[0-9]{2} *- *[0-9]{1,2}:[0-9]{2} *)*$";

section! {
    /// A period, apart from its days.
    PERIOD = "period";
    EXCLUDE: Key<Own> = key("exclude", Own(|| Shape::Text.one_or_more()), "periods whose times are taken out");
}

/// A period: days with a range of times, several with commas between them, or a list of them.
pub(crate) fn period() -> Shape {
    Shape::Open { section: &PERIOD, names: days(), values: Box::new(Shape::Pattern(HOURS).one_or_more()) }
}

/// A regular expression that days match: `monday`, `monday - friday`, `monday 1 may`, `day -1`, `december 24 - january 2`,
/// `2026-12-24`. Letters are of any case.
fn days() -> String {
    let weekday = any_of(WEEKDAYS.iter().map(|(name, _)| *name));
    let month = any_of(MONTHS.iter().copied());
    let day = "[+-]?[0-9]{1,2}";
    let date = "[0-9]{4}-[0-9]{2}-[0-9]{2}";
    let forms = [
        format!("{date}( - +{date})?"),
        format!("{month} +{day}( - +({month} +)?{day})?"),
        format!("{} +{day}( - +{day})?", any_case("day")),
        format!("{weekday} +{day}( +{month})?"),
        format!("{weekday}( - +{weekday})?"),
    ];
    // A dash has blanks around it, of which the one before may be one of many.
    format!("^ *({}) *$", forms.join("|")).replace("( - +", "( +- +")
}

fn any_of<'n>(names: impl Iterator<Item = &'n str>) -> String {
    format!("({})", names.map(any_case).collect::<Vec<_>>().join("|"))
}

fn any_case(word: &str) -> String {
    word.chars().map(|c| format!("[{}{c}]", c.to_ascii_uppercase())).collect()
}
