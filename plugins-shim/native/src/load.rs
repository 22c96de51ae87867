//! `check_load`: the load averages of the last 1, 5 and 15 minutes.

use std::ffi::OsString;
use std::fmt::Write as _;

use crate::arguments::{decimal, flag, options, unknown, valued};
use crate::not_native::NotNative;
use crate::printed::{Printed, State};
use crate::system::System;

const MINUTES: [u32; 3] = [1, 5, 15];

/// The options.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Load {
    warning: [f64; 3],
    critical: [f64; 3],
    /// Whether the averages are divided by the number of processors.
    per_processor: bool,
}

impl Load {
    pub(crate) fn read(words: &[OsString]) -> Result<Load, NotNative> {
        let known = [valued(b'w', "warning"), valued(b'c', "critical"), flag(b'r', "percpu")];
        let mut load = Load { warning: [0.0; 3], critical: [0.0; 3], per_processor: false };
        let given = options(words, &known)?;
        if given.is_empty() {
            return Err(NotNative("no options".to_owned()));
        }
        for (option, value) in given {
            match option {
                b'w' => load.warning = triplet("-w", &value)?,
                b'c' => load.critical = triplet("-c", &value)?,
                _ => load.per_processor = true,
            }
        }
        if load.warning.iter().zip(&load.critical).any(|(warning, critical)| warning > critical) {
            return Err(NotNative("a warning threshold above the critical one".to_owned()));
        }
        Ok(load)
    }

    pub(crate) fn run(&self, system: &dyn System) -> Printed {
        let averages = system.read("/proc/loadavg").ok().and_then(|text| averages(&text));
        let Some(averages) = averages else {
            return State::Unknown.says("could not parse load from uptime /usr/bin/uptime: -1");
        };
        self.judge(averages, system.processors())
    }

    fn judge(&self, averages: [f64; 3], processors: u64) -> Printed {
        let scaled = averages.map(|average| average / processors.max(1) as f64);
        let judged = if self.per_processor { scaled } else { averages };
        let above = |limits: &[f64; 3]| judged.iter().zip(limits).any(|(value, limit)| value > limit);
        let state = match () {
            () if above(&self.critical) => State::Critical,
            () if above(&self.warning) => State::Warning,
            () => State::Ok,
        };
        let shown =
            |[one, five, fifteen]: [f64; 3]| format!("load average: {one:.2}, {five:.2}, {fifteen:.2}");
        let mut line = format!("LOAD {} - ", state.text());
        if self.per_processor {
            let _ = write!(line, "scaled {} - ", shown(scaled));
        }
        let _ = write!(line, "total {}|", shown(averages));
        for (place, minutes) in MINUTES.into_iter().enumerate() {
            let (warning, critical) = (self.warning[place], self.critical[place]);
            let _ = match self.per_processor {
                true => write!(
                    line,
                    "load{minutes}={:.3};;;0; scaled_load{minutes}={:.3};{warning:.3};{critical:.3};0; ",
                    averages[place], scaled[place]
                ),
                false => write!(line, "load{minutes}={:.3};{warning:.3};{critical:.3};0; ", averages[place]),
            };
        }
        state.says(line)
    }
}

/// Up to three numbers; the last one stands for those that are missing.
fn triplet(option: &str, text: &str) -> Result<[f64; 3], NotNative> {
    let numbers: Option<Vec<f64>> = text.split(',').map(decimal).collect();
    match numbers.as_deref() {
        Some([one]) => Ok([*one; 3]),
        Some([one, five]) => Ok([*one, *five, *five]),
        Some([one, five, fifteen]) => Ok([*one, *five, *fifteen]),
        _ => Err(unknown(option, text)),
    }
}

fn averages(text: &[u8]) -> Option<[f64; 3]> {
    let mut words = std::str::from_utf8(text).ok()?.split(' ').map(decimal);
    Some([words.next()??, words.next()??, words.next()??])
}
