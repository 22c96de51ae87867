//! `check_mem`, which is this project's own: how much memory is in use.

use std::ffi::OsString;

use crate::arguments::{digits, options, valued};
use crate::not_native::NotNative;
use crate::printed::{Printed, State};
use crate::range::{Range, Thresholds};
use crate::system::System;

const KIB: u64 = 1024;
const GIB: f64 = (1024 * 1024 * 1024) as f64;

/// The options.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Mem {
    thresholds: Thresholds,
}

impl Mem {
    pub(crate) fn read(words: &[OsString]) -> Result<Mem, NotNative> {
        Ok(Mem { thresholds: percents(words, &[])?.0 })
    }

    pub(crate) fn run(&self, system: &dyn System) -> Printed {
        let meminfo = match system.read("/proc/meminfo") {
            Ok(meminfo) => meminfo,
            Err(error) => return State::Unknown.says(format!("MEM UNKNOWN - /proc/meminfo: {error}")),
        };
        self.judge(&String::from_utf8_lossy(&meminfo))
    }

    /// What is available can be had without swapping: what is free, and most of what is cached.
    fn judge(&self, meminfo: &str) -> Printed {
        let bytes = |name: &str| {
            let line = meminfo.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
            Some(line.split_whitespace().next().and_then(digits)?.saturating_mul(KIB))
        };
        let (Some(total), Some(available)) =
            (bytes("MemTotal").filter(|total| *total > 0), bytes("MemAvailable"))
        else {
            return State::Unknown.says("MEM UNKNOWN - /proc/meminfo does not say how much is available");
        };
        let used = total.saturating_sub(available);
        let percent = 100.0 * used as f64 / total as f64;
        let state = self.thresholds.judge(percent);
        let metric = |name: &str, bytes: Option<u64>| {
            bytes.map_or_else(String::new, |bytes| format!(" {name}={bytes}B;;;0;{total}"))
        };
        let further = [
            metric("used", Some(used)),
            metric("available", Some(available)),
            metric("free", bytes("MemFree")),
            metric("cached", bytes("Cached")),
            metric("buffers", bytes("Buffers")),
            metric("shared", bytes("Shmem")),
        ];
        state.says(format!(
            "MEM {} - {percent:.1}% used ({:.1} of {:.1} GiB)|{}{}",
            state.text(),
            used as f64 / GIB,
            total as f64 / GIB,
            self.thresholds.metric("used_percent", percent),
            further.concat()
        ))
    }
}

/// The thresholds of a plugin of this project, in percent, and its further options.
pub(crate) fn percents(
    words: &[OsString],
    further: &[custos_compat::getopt::Known],
) -> Result<(Thresholds, Vec<(u8, String)>), NotNative> {
    let known = [&[valued(b'w', "warning"), valued(b'c', "critical")], further].concat();
    let mut thresholds = Thresholds::default();
    let mut others = Vec::new();
    for (option, value) in options(words, &known)? {
        match option {
            b'w' => thresholds.warning = Some(Range::read("-w", value.trim_end_matches('%'))?),
            b'c' => thresholds.critical = Some(Range::read("-c", value.trim_end_matches('%'))?),
            _ => others.push((option, value)),
        }
    }
    Ok((thresholds, others))
}

impl Thresholds {
    /// A percentage with its thresholds, as performance data.
    pub(crate) fn metric(&self, name: &str, percent: f64) -> String {
        let text = |range: &Option<Range>| range.as_ref().map_or("", |range| range.text.as_str()).to_owned();
        format!("{name}={percent:.1}%;{};{};0;100", text(&self.warning), text(&self.critical))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mem(line: &str) -> Mem {
        Mem::read(&line.split_whitespace().map(OsString::from).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn what_is_not_available_is_used() {
        let meminfo =
            "MemTotal: 4194304 kB\nMemFree: 100 kB\nMemAvailable: 1048576 kB\nBuffers: 1 kB\nCached: 2 kB\n";
        let said = mem("-w 70% -c 80:90").judge(meminfo);
        assert_eq!(said.exit, 2);
        assert_eq!(
            String::from_utf8(said.stdout).unwrap(),
            "MEM CRITICAL - 75.0% used (3.0 of 4.0 GiB)|used_percent=75.0%;70;80:90;0;100 used=3221225472B;;;0;4294967296 \
             available=1073741824B;;;0;4294967296 free=102400B;;;0;4294967296 cached=2048B;;;0;4294967296 \
             buffers=1024B;;;0;4294967296\n"
        );
        assert_eq!(mem("-w 80 -c 90").judge(meminfo).exit, 0);
        assert_eq!(mem("").judge("MemTotal: 5 kB\n").exit, 3);
        assert!(Mem::read(&["-w".into(), "x".into()]).is_err());
    }
}
