//! Times and lengths of time as requests write them.

use custos_promql::parse_duration;
use jiff::Timestamp;

use crate::http::params::Params;
use crate::http::reply::Reply;

/// The time of a parameter (ms since the epoch), or the default if there is none.
pub(super) fn time_or(params: &Params, name: &str, default_ms: i64) -> Result<i64, Reply> {
    match params.get(name) {
        "" => Ok(default_ms),
        text => time(text)
            .map_err(|what| Reply::invalid(name, &format!("invalid time value for '{name}': {what}"))),
    }
}

/// The time of a parameter that has to be there.
pub(super) fn required_time(params: &Params, name: &str) -> Result<i64, Reply> {
    time(params.get(name)).map_err(|what| Reply::invalid(name, &what))
}

/// Farther from the epoch than any time that 64 bits of milliseconds hold.
const SECONDS_MAX: f64 = 9e15;

/// Seconds since the epoch, with a fraction, or RFC 3339.
fn time(text: &str) -> Result<i64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if seconds.abs() < SECONDS_MAX => return Ok((seconds * 1e3).round() as i64),
        Ok(_) => return Err(format!("cannot parse {text:?} to a valid timestamp")),
        Err(_) => {}
    }
    let parsed: Result<Timestamp, _> = text.parse();
    parsed
        .map(|time| time.as_millisecond())
        .map_err(|_| format!("cannot parse {text:?} to a valid timestamp"))
}

/// The length of time of a parameter (ms).
pub(super) fn duration(params: &Params, name: &str) -> Result<i64, Reply> {
    let text = params.get(name);
    match parse_duration(text.strip_prefix('-').unwrap_or(text)) {
        Some(seconds) if seconds * 1e9 > i64::MAX as f64 => {
            let what = format!("cannot parse {text:?} to a valid duration. It overflows int64");
            Err(Reply::invalid(name, &what))
        }
        Some(seconds) if text.starts_with('-') => Ok((-seconds * 1e3) as i64),
        Some(seconds) => Ok((seconds * 1e3) as i64),
        None => Err(Reply::invalid(name, &format!("cannot parse {text:?} to a valid duration"))),
    }
}

/// The length of time of a parameter that may be absent.
pub(super) fn optional_duration(params: &Params, name: &str) -> Result<Option<i64>, Reply> {
    if params.get(name).is_empty() { Ok(None) } else { duration(params, name).map(Some) }
}

/// How many results are wanted at most; none for all.
pub(super) fn limit(params: &Params) -> Result<Option<usize>, Reply> {
    match params.get("limit") {
        "" | "0" => Ok(None),
        text => match text.parse::<i64>() {
            Ok(limit) if limit >= 0 => Ok(usize::try_from(limit).ok()),
            Ok(_) => Err(Reply::invalid("limit", "limit must be non-negative")),
            Err(_) => {
                Err(Reply::invalid("limit", &format!("strconv.Atoi: parsing {text:?}: invalid syntax")))
            }
        },
    }
}
