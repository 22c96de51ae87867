//! Times by the clock on the wall.

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

/// A time to the second. In an hour that the clocks repeat, the offset from UTC tells which of the two it is.
pub fn local_time(time_ms: i64, zone: &TimeZone) -> String {
    let Ok(timestamp) = Timestamp::from_millisecond(time_ms) else { return format!("@{time_ms}ms") };
    let zoned = timestamp.to_zoned(zone.clone());
    let format = if is_repeated(&zoned) { "%Y-%m-%d %H:%M:%S%:z" } else { "%Y-%m-%d %H:%M:%S" };
    zoned.strftime(format).to_string()
}

/// Whether the clocks show this time twice.
pub fn is_repeated(zoned: &Zoned) -> bool {
    zoned.time_zone().to_ambiguous_zoned(zoned.datetime()).is_ambiguous()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_hour_has_its_offset() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let shown = |time: &str| local_time(time.parse::<Timestamp>().unwrap().as_millisecond(), &berlin);
        assert_eq!(shown("2026-10-24T23:59:59Z"), "2026-10-25 01:59:59");
        assert_eq!(shown("2026-10-25T00:00:00Z"), "2026-10-25 02:00:00+02:00");
        assert_eq!(shown("2026-10-25T01:59:59Z"), "2026-10-25 02:59:59+01:00");
        assert_eq!(shown("2026-10-25T02:00:00Z"), "2026-10-25 03:00:00");
        assert_eq!(shown("2026-03-29T01:00:00Z"), "2026-03-29 03:00:00");
        assert_eq!(local_time(i64::MIN, &berlin), format!("@{}ms", i64::MIN));
    }
}
