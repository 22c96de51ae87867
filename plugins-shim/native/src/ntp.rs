//! `check_ntp_time`: how far the own clock is from that of a server of NTP, which has one address. The plugin asks four times, each time a
//! second passes without an answer once more, and takes the mean.

use std::ffi::OsString;
use std::time::Duration;

use custos_compat::getopt::Known;

use crate::arguments::{flag, options, valued};
use crate::not_native::NotNative;
use crate::printed::{Printed, State};
use crate::range::{Range, Thresholds};
use crate::step::{Event, Family, Now, Step, Target, out_of_turn};
use crate::tcp::{TIMEOUT_S, port, timeout_s};

/// Answers that are waited for.
const ANSWERS: usize = 4;
/// With less, the alarm of the plugin and its end come at the same time (s).
const TIMEOUT_MIN_S: u64 = 3;
/// Bytes of a message.
const MESSAGE_BYTES: usize = 48;
/// From the epoch of NTP to that of the system (s).
const EPOCH_S: u64 = 2_208_988_800;
/// Where the time is in a message that the answer was sent for, that of its arrival, and that of the answer.
const ORIGIN: usize = 24;
const ARRIVED: usize = 32;
const SENT: usize = 40;
/// What the server says of leap seconds, if it does not know the time.
const ALARM: u8 = 3;

const KNOWN: [Known; 12] = [
    flag(b'V', "version"),
    flag(b'h', "help"),
    flag(b'v', "verbose"),
    flag(b'4', "use-ipv4"),
    flag(b'6', "use-ipv6"),
    flag(b'q', "quiet"),
    // The long form takes no value in the plugin, and so is left to it.
    flag(1, "time-offset"),
    valued(b'w', "warning"),
    valued(b'c', "critical"),
    valued(b't', "timeout"),
    valued(b'H', "hostname"),
    valued(b'p', "port"),
];

/// The options.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ntp {
    target: Target,
    is_quiet: bool,
    thresholds: Thresholds,
    pub(crate) timeout_s: u64,
}

impl Ntp {
    pub(crate) fn read(words: &[OsString]) -> Result<Ntp, NotNative> {
        let (mut host, mut at, mut family, mut is_quiet) = (None, 123, None, false);
        let (mut warning, mut critical, mut gives_up_s) = ("60".to_owned(), "120".to_owned(), TIMEOUT_S);
        for (short, value) in options(words, &KNOWN)? {
            match short {
                b'H' => host = Some(value),
                b'p' => at = port(&value)?,
                b'4' => family = Some(Family::V4),
                b'6' => family = Some(Family::V6),
                b'q' => is_quiet = true,
                b'w' => warning = value,
                b'c' => critical = value,
                b't' => gives_up_s = timeout_s(&value)?,
                other => return Err(NotNative(format!("-{}", other as char))),
            }
        }
        if gives_up_s < TIMEOUT_MIN_S {
            return Err(NotNative("a timeout within which it may or may not be done".to_owned()));
        }
        let host = host.ok_or_else(|| NotNative("no host".to_owned()))?;
        let Target::Host { name, port, family, .. } = Target::host(&host, at, family, true)? else {
            return Err(NotNative("no host".to_owned()));
        };
        let thresholds = Thresholds {
            warning: Some(Range::with_end("-w", &warning)?),
            critical: Some(Range::with_end("-c", &critical)?),
        };
        let target = Target::Only { name, port, family };
        Ok(Ntp { target, is_quiet, thresholds, timeout_s: gives_up_s })
    }
}

/// The program, at one of its steps.
#[derive(Debug)]
pub(crate) struct NtpTalk {
    ntp: Ntp,
    /// When it began, in whole seconds of the wall clock, by which it also asks again.
    began_s: i64,
    asked_s: i64,
    offsets_s: Vec<f64>,
    /// What the last answer says of the server.
    stratum: u8,
    leap: u8,
}

impl NtpTalk {
    pub(crate) fn new(ntp: Ntp) -> NtpTalk {
        NtpTalk { ntp, began_s: 0, asked_s: 0, offsets_s: Vec::new(), stratum: 0, leap: 0 }
    }

    pub(crate) fn next(&mut self, event: Event<'_>, now: Now) -> Result<Step, NotNative> {
        let now_s = now.wall_us.div_euclid(1_000_000);
        match event {
            Event::Begun => {
                self.began_s = now_s;
                Ok(Step::Connect(self.ntp.target.clone()))
            }
            // The plugin goes on without a connection, and asks in vain.
            Event::NotConnected(_) => Err(NotNative("no way to the server".to_owned())),
            Event::Connected => Ok(self.ask(now)),
            Event::Sent => Ok(self.listen(now)),
            // Nobody is there, so that there is nothing to wait for before it is asked again.
            Event::Received([]) => Ok(Step::Wait(until_next_second(now))),
            Event::Received(message) => self.answered(message, now),
            Event::Silent | Event::Waited => Ok(self.again(now, now_s)),
            Event::Secured(_) | Event::Read(_) => Err(out_of_turn(&event)),
        }
    }

    fn ask(&mut self, now: Now) -> Step {
        self.asked_s = now.wall_us.div_euclid(1_000_000);
        Step::Send(request(now.wall_us))
    }

    fn listen(&self, now: Now) -> Step {
        Step::Receive { max: MESSAGE_BYTES, within: Some(until_next_second(now)) }
    }

    /// Asks once more when a second has passed, or gives up.
    fn again(&mut self, now: Now, now_s: i64) -> Step {
        let most_s = i64::try_from(self.ntp.timeout_s / 2).unwrap_or(i64::MAX);
        match () {
            () if now_s - self.began_s > most_s => self.end(),
            () if now_s > self.asked_s => self.ask(now),
            () => self.listen(now),
        }
    }

    fn answered(&mut self, message: &[u8], now: Now) -> Result<Step, NotNative> {
        let time = |at: usize| message.get(at..at + 8).and_then(|bytes| bytes.try_into().ok()).map(seconds);
        let (Some(origin), Some(arrived), Some(sent)) = (time(ORIGIN), time(ARRIVED), time(SENT)) else {
            return Err(NotNative("a message that is cut off".to_owned()));
        };
        let received =
            now.wall_us.div_euclid(1_000_000) as f64 + 0.000_001 * now.wall_us.rem_euclid(1_000_000) as f64;
        self.offsets_s.push(0.5 * ((sent - received) + (arrived - origin)));
        (self.stratum, self.leap) = (message[1], message[0] >> 6);
        Ok(if self.offsets_s.len() == ANSWERS { self.end() } else { self.ask(now) })
    }

    fn end(&self) -> Step {
        if self.offsets_s.is_empty() {
            return Step::Done(State::Critical.says("NTP CRITICAL: No response from NTP server"));
        }
        Step::Done(self.judge())
    }

    fn judge(&self) -> Printed {
        if self.stratum == 0 || self.leap == ALARM {
            let state = if self.ntp.is_quiet { State::Unknown } else { State::Critical };
            return state.says(format!("NTP {}: Offset unknown|", state.text()));
        }
        let offset_s =
            self.offsets_s.iter().fold(0.0, |sum, offset_s| sum + offset_s) / self.offsets_s.len() as f64;
        let state = self.ntp.thresholds.judge(offset_s.abs());
        let end = |range: &Option<Range>| range.as_ref().and_then(|range| range.end).unwrap_or(0.0);
        let (warning, critical) = (end(&self.ntp.thresholds.warning), end(&self.ntp.thresholds.critical));
        state.says(format!(
            "NTP {}: Offset {} secs|offset={offset_s:.6}s;{warning:.6};{critical:.6};",
            state.text(),
            general(offset_s)
        ))
    }
}

/// A second of the wall clock has passed after this.
fn until_next_second(now: Now) -> Duration {
    Duration::from_micros(1_000_000 - now.wall_us.rem_euclid(1_000_000).unsigned_abs())
}

/// What is sent at some time.
fn request(wall_us: i64) -> Vec<u8> {
    let mut message = vec![0; MESSAGE_BYTES];
    // A client of version 4 that does not know the time.
    message[0] = ALARM << 6 | 4 << 3 | 3;
    (message[2], message[3]) = (4, 0xfa);
    (message[5], message[9]) = (1, 1);
    let whole = wall_us.div_euclid(1_000_000) as u64 + EPOCH_S;
    let part = (4294.967296 * wall_us.rem_euclid(1_000_000) as f64 + 0.5) as u64;
    message[SENT..SENT + 4].copy_from_slice(&(whole as u32).to_be_bytes());
    message[SENT + 4..].copy_from_slice(&(part as u32).to_be_bytes());
    message
}

/// A time in a message, as seconds since the epoch of the system; as the plugin has it, with what is lost on the way.
fn seconds(bytes: [u8; 8]) -> f64 {
    let time = u64::from_be_bytes(bytes);
    let (whole, part) = ((time >> 32).wrapping_sub(EPOCH_S), time & 0xffff_ffff);
    match time {
        0 => 0.0,
        _ => whole as f64 + 0.000_000_01 * (0.5 + part as f64 / 42.94967296),
    }
}

/// A number in at most ten digits, as `%.10g` prints it.
fn general(value: f64) -> String {
    const DIGITS: i32 = 10;
    if value == 0.0 {
        return if value.is_sign_negative() { "-0" } else { "0" }.to_owned();
    }
    let exponent_form = format!("{value:.9e}");
    let (mantissa, exponent) = exponent_form.split_once('e').unwrap_or((&exponent_form, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let without_zeros = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    };
    if (-4..DIGITS).contains(&exponent) {
        let decimals = usize::try_from(DIGITS - 1 - exponent).unwrap_or(0);
        return without_zeros(&format!("{value:.decimals$}"));
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{}e{sign}{:02}", without_zeros(mantissa), exponent.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_ten_digits() {
        let shown = [0.0, 1.0, -0.5, 0.000_012_345_678_912, 12_345.678_912_345, 1e11, -0.000_123_456_789_01]
            .map(general);
        assert_eq!(shown, ["0", "1", "-0.5", "1.234567891e-05", "12345.67891", "1e+11", "-0.000123456789"]);
    }

    #[test]
    fn times_go_there_and_back() {
        let wall_us = 1_796_000_000_250_000;
        let message = request(wall_us);
        let back = seconds(message[SENT..].try_into().unwrap());
        assert!((back - 1_796_000_000.25).abs() < 1e-6, "{back}");
        assert_eq!((message[0], seconds([0; 8])), (0xe3, 0.0));
    }
}
