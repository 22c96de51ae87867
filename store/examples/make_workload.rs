//! Makes samples as a host's checks would give them, for the `workload` example.
//!
//! `cargo run --release -p custos-store --example make_workload -- SEED CHECKS DAYS STEP_S DIR [START_S]` writes one `.runs`
//! file for each check, in the format that `workload.rs` describes. START_S is the first time, in seconds since the epoch. Runs lie on a grid with some lateness, one in two
//! thousand is missing, and a check has 1 to 20 metrics of several kinds, rounded as plugins print them. The same
//! arguments give the same bytes.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

/// The first time of all, unless another is given (seconds since the epoch).
const START_S: u64 = 1_760_000_000;

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to 1.
    fn part(&mut self) -> f64 {
        (self.roll() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Nearly normal: mean 0, deviation 1.
    fn bell(&mut self) -> f64 {
        (0..12).map(|_| self.part()).sum::<f64>() - 6.0
    }
}

/// One metric: what moves it, and how many decimals its plugin prints.
struct Series {
    kind: usize,
    value: f64,
    pace: f64,
}

const KINDS: [(&str, usize, u64); 8] = [
    ("load", 2, 13),
    ("percent", 2, 16),
    ("bytes in use", 0, 11),
    ("counter", 0, 20),
    ("latency", 6, 13),
    ("constant", 2, 11),
    ("small integer", 0, 11),
    ("temperature", 1, 5),
];

impl Series {
    fn new(dice: &mut Dice) -> Series {
        let mut ticket = dice.roll() % KINDS.iter().map(|kind| kind.2).sum::<u64>();
        let kind = KINDS
            .iter()
            .position(|kind| {
                let mine = ticket < kind.2;
                ticket = ticket.saturating_sub(kind.2);
                mine
            })
            .unwrap_or(0);
        let value = match kind {
            2 => (1e9 + dice.part() * 4e11).round(),
            3 => (dice.part() * 1e12).round(),
            5 => [0.0, 1.0, 100.0, 4096.0, 3600.0][(dice.roll() % 5) as usize],
            7 => 40.0,
            _ => 1.0,
        };
        Series { kind, value, pace: 10.0 + dice.part() * 1e5 }
    }

    fn next(&mut self, dice: &mut Dice, hour: f64) -> f64 {
        let day = (hour / 24.0 * std::f64::consts::TAU).sin();
        match self.kind {
            0 => self.value = (self.value * 0.97 + 0.03 * (1.0 + day) + 0.05 * dice.bell()).max(0.0),
            1 => self.value = (30.0 + 20.0 * day + 4.0 * dice.bell()).clamp(0.0, 100.0),
            2 if dice.roll().is_multiple_of(4) => self.value += 4096.0 * (dice.bell() * 200.0).round(),
            3 => self.value += (self.pace * (1.0 + 0.3 * day + 0.2 * dice.bell())).max(0.0).round(),
            4 => self.value = 0.001 * (1.0 + dice.bell().abs()) * (1.2 + day),
            6 if dice.roll().is_multiple_of(20) => self.value = (dice.roll() % 12) as f64,
            7 => self.value = (self.value * 0.99 + 0.45 + 0.1 * dice.bell()).clamp(10.0, 95.0),
            _ => {}
        }
        let scale = 10_f64.powi(KINDS[self.kind].1 as i32);
        (self.value * scale).round() / scale
    }
}

fn main() -> io::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (Some([seed, checks, days, step_s, dir]), 5..=6) = (words.first_chunk(), words.len()) else {
        return Err(io::Error::other("usage: make_workload SEED CHECKS DAYS STEP_S DIR [START_S]"));
    };
    let number = |word: &String| word.parse::<u64>().map_err(io::Error::other);
    let start_s = words.get(5).map_or(Ok(START_S), number)?;
    let (seed, checks, days, step_s) =
        (number(seed)?, number(checks)?, number(days)?, number(step_s)?.max(1));
    let dir = PathBuf::from(dir);
    fs::create_dir_all(&dir)?;
    for check in 0..checks {
        let mut dice = Dice(seed ^ check.wrapping_mul(0xd134_2543_de82_ef95));
        let grid = Grid { start_ms: start_s * 1000, step_ms: step_s * 1000, runs: days * 86_400 / step_s };
        write_check(&mut dice, grid, dir.join(format!("c{check:05}.runs")))?;
    }
    Ok(())
}

/// When a check runs, but for its phase and its lateness.
struct Grid {
    start_ms: u64,
    step_ms: u64,
    runs: u64,
}

fn write_check(dice: &mut Dice, grid: Grid, path: PathBuf) -> io::Result<()> {
    let count = [1, 1, 2, 3, 3, 4, 6, 8, 10, 12, 20][(dice.roll() % 11) as usize];
    let mut series: Vec<Series> = (0..count).map(|_| Series::new(dice)).collect();
    let phase_ms = dice.roll() % grid.step_ms;
    let mut body = Vec::new();
    let mut written = 0_u64;
    for run in 0..grid.runs {
        let missing = dice.roll().is_multiple_of(2000);
        let spike = if dice.roll().is_multiple_of(200) { dice.part() * 150.0 } else { 0.0 };
        let late_ms = (dice.bell().abs() * 2.0 + spike) as u64;
        let since_ms = run * grid.step_ms;
        let values: Vec<f64> = series.iter_mut().map(|s| s.next(dice, since_ms as f64 / 3.6e6)).collect();
        if !missing {
            written += 1;
            let time_ms = (grid.start_ms + since_ms + phase_ms + late_ms) as i64;
            body.extend_from_slice(&time_ms.to_le_bytes());
            values.iter().for_each(|value| body.extend_from_slice(&value.to_le_bytes()));
        }
    }
    let mut file = BufWriter::new(File::create(path)?);
    file.write_all(b"RUNS0001")?;
    file.write_all(&(count as u32).to_le_bytes())?;
    file.write_all(&0_u32.to_le_bytes())?;
    file.write_all(&written.to_le_bytes())?;
    file.write_all(&body)?;
    file.flush()
}
