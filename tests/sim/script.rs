//! What comes of scripted jobs, plugins and polls: decided by the seed, the check and how often it has run.

use custos::execute::{Job, TableRows};
use custos::observe::{Ending, Observation, PluginEnd, Usage, observe_plugin};
use custos::snmp::{Absence, Answer, Failure, Found};
use custos_compat::snmp::Value;

/// SplitMix64: small, good enough, and the same everywhere.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to `below` - 1.
    pub fn below(&mut self, below: u64) -> u64 {
        self.roll() % below
    }
}

/// What comes of a job that is the nth run of a check.
pub fn result(seed: u64, check: &str, nth: u64, job: &Job) -> Observation {
    let (duration_us, ending) = act(seed, check, nth, job.timeout().as_micros() as u64);
    match job {
        Job::Plugin(job) => {
            let state = match ending {
                Ending::Exited(code) => code,
                _ => 3,
            };
            let stdout = format!("state {state} | value={}\n", nth % 100).into_bytes();
            let usage = Some(Usage { cpu_us: 500, max_rss_bytes: Some(1 << 20) });
            let end = PluginEnd { wall_us: duration_us, usage, ..PluginEnd::printed(ending, stdout) };
            observe_plugin(end, job.reading())
        }
        Job::Poll(job) => {
            let values = |value| Ok(Answer { found: Found::Values(vec![value]), ..Answer::default() });
            let outcome = match ending {
                Ending::Exited(0 | 1) => values(Ok(Value::Gauge32(nth as u32 % 100))),
                Ending::Exited(2 | 7) => values(Err(Absence::NoSuchInstance)),
                Ending::TimedOut => Err(Failure::NoAnswer { attempts: 2 }),
                _ => Err(Failure::Busy),
            };
            job.observe(&outcome, duration_us, &mut TableRows::default())
        }
    }
}

/// How long the job takes, and how a plugin would end. Problems last for a few runs, so that states get hard.
fn act(seed: u64, check: &str, nth: u64, timeout_us: u64) -> (u64, Ending) {
    let name = check.bytes().fold(seed, |hash, byte| hash.wrapping_mul(31).wrapping_add(u64::from(byte)));
    let mood = Dice::new(name ^ (nth / 5).wrapping_mul(0x5851_f42d_4c95_7f2d)).below(100);
    let mut dice = Dice::new(name ^ nth.wrapping_mul(0x1405_7b7e_f767_814f));
    let code = match mood {
        0..70 => 0,
        70..80 => 1,
        80..90 => 2,
        90..93 => 3,
        _ => dice.below(4) as u8,
    };
    let wished_us = match dice.below(1000) {
        0..5 => 3_600_000_000,
        5..50 => 1_000_000 + dice.below(20_000_000),
        _ => 500 + dice.below(200_000),
    };
    let hangs = wished_us > timeout_us;
    let ending = match (hangs, dice.below(200)) {
        (true, _) => Ending::TimedOut,
        (false, 0) => Ending::Signalled(11),
        (false, 1) => Ending::Exited(7),
        (false, _) => Ending::Exited(code),
    };
    (wished_us.min(timeout_us), ending)
}
