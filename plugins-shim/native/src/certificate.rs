//! What is said of the certificate of a server.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::not_native::NotNative;
use crate::printed::State;

/// Seconds of a day.
const DAY_S: f32 = 86_400.0;

/// What matters of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// The first common name of whom it is for.
    pub common_name: Option<Vec<u8>>,
    /// Until when it is valid (seconds since the epoch).
    pub until_s: i64,
    /// The same from now on (s); negative if it was.
    pub left_s: i64,
}

/// For how many days it has to be valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Days {
    pub(crate) warning: i64,
    pub(crate) critical: i64,
}

/// The state of a certificate, and the line about it.
///
/// # Errors
/// Its end is no time that can be shown.
pub(crate) fn judge(certificate: Option<&Certificate>, days: Days) -> Result<(State, Vec<u8>), NotNative> {
    let Some(certificate) = certificate else {
        return Ok((State::Critical, b"CRITICAL - Cannot retrieve server certificate.\n".to_vec()));
    };
    let until = Timestamp::from_second(certificate.until_s)
        .map_err(|error| NotNative(error.to_string()))?
        .to_zoned(TimeZone::UTC)
        .strftime("%a %b %e %H:%M:%S %Y +0000")
        .to_string();
    // The plugin counts in single precision.
    let left_s = certificate.left_s as f32;
    let left_days = (left_s / DAY_S) as i64;
    let bad = if left_days > days.critical { State::Warning } else { State::Critical };
    let (state, end) = match () {
        () if left_days > 0 && left_days <= days.warning => {
            (bad, format!("expires in {left_days} day(s) ({until})."))
        }
        () if left_days == 0 && left_s >= 3600.0 => {
            (bad, format!("expires in {} hours ({until})", left_s as i64 / 3600))
        }
        () if left_days == 0 && left_s > 0.0 => {
            (bad, format!("expires in {} minutes ({until})", left_s as i64 / 60))
        }
        () if left_s < 0.0 => (State::Critical, format!("expired on {until}.")),
        () if left_days == 0 => (bad, format!("just expired ({until}).")),
        () => (State::Ok, format!("will expire on {until}.")),
    };
    let name = certificate.common_name.as_deref().unwrap_or(b"Unknown CN");
    let mut line = format!("{} - Certificate '", state.text()).into_bytes();
    line.extend_from_slice(name);
    line.extend_from_slice(format!("' {end}\n").as_bytes());
    Ok((state, line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_hours_before_the_end_are_told() {
        let says = |left_s: i64| {
            let certificate =
                Certificate { common_name: Some(b"x".to_vec()), until_s: 1_796_000_000, left_s };
            let (state, line) = judge(Some(&certificate), Days { warning: 20, critical: 5 }).unwrap();
            (state, String::from_utf8(line).unwrap())
        };
        let (state, line) = says(30 * 86_400);
        assert_eq!(state, State::Ok);
        assert_eq!(line, "OK - Certificate 'x' will expire on Mon Nov 30 00:53:20 2026 +0000.\n");
        assert_eq!(says(20 * 86_400).0, State::Warning);
        assert!(says(5 * 86_400 + 10).1.starts_with("CRITICAL - Certificate 'x' expires in 5 day(s) ("));
        assert!(says(7200).1.contains("expires in 2 hours ("));
        assert!(says(120).1.contains("expires in 2 minutes ("));
        assert!(says(-1).1.contains("CRITICAL - Certificate 'x' expired on "));
    }
}
