//! `check_swap`: how much swap space is free.

use std::ffi::OsString;

use crate::arguments::{digits, flag, options, unknown, valued};
use crate::not_native::NotNative;
use crate::printed::{Printed, State};
use crate::system::System;

const MIB: u64 = 1024 * 1024;

/// The options.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Swap {
    warning: Limit,
    critical: Limit,
    /// The state of a host that has none.
    without: State,
}

/// What must be free at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Limit {
    Bytes(u64),
    Percent(u64),
}

impl Limit {
    fn read(option: &str, text: &str) -> Result<Limit, NotNative> {
        let limit = match text.strip_suffix('%') {
            Some(percent) => digits(percent).filter(|percent| *percent <= 100).map(Limit::Percent),
            None => digits(text).map(Limit::Bytes),
        };
        limit.ok_or_else(|| unknown(option, text))
    }

    fn value(self) -> u64 {
        match self {
            Limit::Bytes(value) | Limit::Percent(value) => value,
        }
    }

    /// In bytes, of so many MiB.
    fn bytes(self, total_mib: u64) -> u64 {
        match self {
            Limit::Bytes(bytes) => bytes,
            Limit::Percent(percent) => percent.wrapping_mul(total_mib.wrapping_mul(MIB) / 100),
        }
    }
}

impl Swap {
    pub(crate) fn read(words: &[OsString]) -> Result<Swap, NotNative> {
        let known = [
            valued(b'w', "warning"),
            valued(b'c', "critical"),
            // Without an effect where /proc/meminfo has the sums.
            flag(b'a', "allswaps"),
            valued(b'n', "no-swap"),
        ];
        let none = Limit::Bytes(0);
        let mut swap = Swap { warning: none, critical: none, without: State::Critical };
        for (option, value) in options(words, &known)? {
            match option {
                b'w' => swap.warning = Limit::read("-w", &value)?,
                b'c' => swap.critical = Limit::read("-c", &value)?,
                b'n' => swap.without = state(&value)?,
                _ => {}
            }
        }
        let same_unit = matches!(swap.warning, Limit::Bytes(_)) == matches!(swap.critical, Limit::Bytes(_));
        let (warning, critical) = (swap.warning.value(), swap.critical.value());
        match () {
            () if warning == 0 && critical == 0 => Err(NotNative("no threshold".to_owned())),
            () if same_unit && warning < critical => {
                Err(NotNative("a warning threshold below the critical one".to_owned()))
            }
            () => Ok(swap),
        }
    }

    pub(crate) fn run(&self, system: &dyn System) -> Printed {
        let meminfo = system.read("/proc/meminfo").unwrap_or_default();
        let (free_mib, total_mib) = space(&String::from_utf8_lossy(&meminfo));
        self.judge(free_mib, total_mib)
    }

    fn judge(&self, free_mib: u64, total_mib: u64) -> Printed {
        let used_mib = total_mib.wrapping_sub(free_mib);
        let (used_percent, remark) = match total_mib {
            0 => (100, "- Swap is either disabled, not present, or of zero size. "),
            _ => ((100.0 * used_mib as f64 / total_mib as f64) as u32, ""),
        };
        let state = self.state(free_mib, total_mib);
        state.says(format!(
            "SWAP {} - {}% free ({free_mib}MB out of {total_mib}MB) {remark}|swap={}B;{};{};0;{}",
            state.text(),
            100_i64 - i64::from(used_percent),
            free_mib * MIB,
            self.warning.bytes(total_mib),
            self.critical.bytes(total_mib),
            total_mib * MIB
        ))
    }

    fn state(&self, free_mib: u64, total_mib: u64) -> State {
        if total_mib == 0 {
            return self.without;
        }
        // The plugin compares in single precision.
        let (free, total) = (free_mib as f32, total_mib as f32);
        let free_bytes = (free * MIB as f32) as u64;
        let used_percent = ((total - free) / total * 100.0) as u64;
        let too_little = |limit: Limit| matches!(limit, Limit::Bytes(bytes) if bytes >= free_bytes);
        let too_much = |limit: Limit| matches!(limit, Limit::Percent(percent) if percent != 0 && used_percent >= 100 - percent);
        match () {
            () if too_little(self.critical) => State::Critical,
            () if too_little(self.warning) => State::Warning,
            () if too_much(self.critical) => State::Critical,
            () if too_much(self.warning) => State::Warning,
            () => State::Ok,
        }
    }
}

fn state(text: &str) -> Result<State, NotNative> {
    match text.to_ascii_uppercase().as_str() {
        "OK" | "0" => Ok(State::Ok),
        "WARNING" | "1" => Ok(State::Warning),
        "CRITICAL" | "2" => Ok(State::Critical),
        "UNKNOWN" | "3" => Ok(State::Unknown),
        _ => Err(unknown("-n", text)),
    }
}

/// What is free and what there is (MiB). Each line is cut to whole MiB by itself, and what is cached counts as free.
fn space(meminfo: &str) -> (u64, u64) {
    let (mut free, mut total) = (0, 0);
    for line in meminfo.lines() {
        let Some((name, rest)) = line.split_once(':') else { continue };
        let kib = || rest.split_whitespace().next().and_then(digits).unwrap_or(0);
        match name {
            "SwapTotal" => total = kib() / 1024,
            "SwapFree" | "SwapCached" => free += kib() / 1024,
            _ => {}
        }
    }
    (free, total)
}
