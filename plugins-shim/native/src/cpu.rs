//! `check_cpu`, which is this project's own: how busy the processors are, over a second or more.

use std::ffi::OsString;
use std::time::Duration;

use crate::arguments::{digits, unknown, valued};
use crate::mem::percents;
use crate::not_native::NotNative;
use crate::printed::{Printed, State};
use crate::range::Thresholds;
use crate::step::{Event, Step, out_of_turn};

/// Where the kernel counts.
const STAT: &str = "/proc/stat";
/// What it counts, in its order.
const KINDS: [&str; 8] = ["user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal"];
/// Those in which nothing is done.
const IDLE: [usize; 2] = [3, 4];
/// It may be measured for so long (s).
const SECONDS_MAX: u64 = 60;

/// The options.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Cpu {
    thresholds: Thresholds,
    seconds: u64,
}

impl Cpu {
    pub(crate) fn read(words: &[OsString]) -> Result<Cpu, NotNative> {
        let (thresholds, others) = percents(words, &[valued(b'i', "interval")])?;
        let mut seconds = 1;
        for (_, value) in others {
            let given = digits(&value).filter(|given| (1..=SECONDS_MAX).contains(given));
            seconds = given.ok_or_else(|| unknown("-i", &value))?;
        }
        Ok(Cpu { thresholds, seconds })
    }
}

/// The program, at one of its steps.
#[derive(Debug)]
pub(crate) struct CpuTalk {
    cpu: Cpu,
    before: Option<[u64; KINDS.len()]>,
}

impl CpuTalk {
    pub(crate) fn new(cpu: Cpu) -> CpuTalk {
        CpuTalk { cpu, before: None }
    }

    pub(crate) fn next(&mut self, event: Event<'_>) -> Result<Step, NotNative> {
        match event {
            Event::Begun | Event::Waited => Ok(Step::Read(STAT)),
            Event::Read(text) => {
                let Some(now) = times(text) else {
                    let line = format!("CPU UNKNOWN - {STAT} does not say how busy the processors are");
                    return Ok(Step::Done(State::Unknown.says(line)));
                };
                match self.before.replace(now) {
                    None => Ok(Step::Wait(Duration::from_secs(self.cpu.seconds))),
                    Some(before) => Ok(Step::Done(self.cpu.judge(&before, &now))),
                }
            }
            other => Err(out_of_turn(&other)),
        }
    }
}

impl Cpu {
    fn judge(&self, before: &[u64; KINDS.len()], now: &[u64; KINDS.len()]) -> Printed {
        // Some of it is known to go back.
        let passed: Vec<u64> =
            before.iter().zip(now).map(|(before, now)| now.saturating_sub(*before)).collect();
        let all = passed.iter().sum::<u64>();
        if all == 0 {
            return State::Unknown.says("CPU UNKNOWN - no time has passed");
        }
        let percent = |kind: usize| 100.0 * passed[kind] as f64 / all as f64;
        let busy = (0..KINDS.len()).filter(|kind| !IDLE.contains(kind)).map(percent).sum::<f64>();
        let state = self.thresholds.judge(busy);
        let shown = ["user", "system", "iowait", "steal"].map(|name| {
            let kind = KINDS.iter().position(|kind| *kind == name).unwrap_or(0);
            format!("{name} {:.1}%", percent(kind))
        });
        let metrics =
            KINDS.iter().enumerate().map(|(kind, name)| format!(" {name}={:.1}%;;;0;100", percent(kind)));
        state.says(format!(
            "CPU {} - {busy:.1}% busy ({})|{}{}",
            state.text(),
            shown.join(", "),
            self.thresholds.metric("busy", busy),
            metrics.collect::<String>()
        ))
    }
}

/// What all processors together have spent.
fn times(stat: &[u8]) -> Option<[u64; KINDS.len()]> {
    let text = String::from_utf8_lossy(stat);
    let line = text.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let numbers: Option<Vec<u64>> = line.split_whitespace().take(KINDS.len()).map(digits).collect();
    numbers?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_idle_is_busy() {
        let words: Vec<OsString> = ["-w", "20%", "-c", "90", "-i", "2"].map(OsString::from).to_vec();
        let mut talk = CpuTalk::new(Cpu::read(&words).unwrap());
        assert_eq!(talk.next(Event::Begun), Ok(Step::Read("/proc/stat")));
        let first = b"cpu  100 0 100 1000 50 0 0 0 7 0\ncpu0 1 2 3\n";
        assert_eq!(talk.next(Event::Read(first)), Ok(Step::Wait(Duration::from_secs(2))));
        assert_eq!(talk.next(Event::Waited), Ok(Step::Read("/proc/stat")));
        let Ok(Step::Done(said)) = talk.next(Event::Read(b"cpu  120 0 110 1060 40 5 5 0 7 0\n")) else {
            panic!("not done")
        };
        assert_eq!(said.exit, 1);
        assert_eq!(
            String::from_utf8(said.stdout).unwrap(),
            "CPU WARNING - 40.0% busy (user 20.0%, system 10.0%, iowait 0.0%, steal 0.0%)|busy=40.0%;20;90;0;100 \
             user=20.0%;;;0;100 nice=0.0%;;;0;100 system=10.0%;;;0;100 idle=60.0%;;;0;100 iowait=0.0%;;;0;100 irq=5.0%;;;0;100 \
             softirq=5.0%;;;0;100 steal=0.0%;;;0;100\n"
        );
        assert!(times(b"cpu 1 2\n").is_none() && Cpu::read(&["-i".into(), "0".into()]).is_err());
    }
}
