//! A time as text.

use super::date;
use crate::functions::DatePart;

/// `2024-02-29T23:59:58Z`, with milliseconds where there are some.
pub(super) fn rfc3339(time_ms: i64) -> String {
    let seconds = time_ms.div_euclid(1_000);
    let part = |which| date::part(which, seconds as f64);
    let ms = time_ms.rem_euclid(1_000);
    let fraction = if ms == 0 { String::new() } else { format!(".{ms:03}").trim_end_matches('0').to_owned() };
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{fraction}Z",
        part(DatePart::Year),
        part(DatePart::Month),
        part(DatePart::DayOfMonth),
        part(DatePart::Hour),
        part(DatePart::Minute),
        seconds.rem_euclid(60),
    )
}
