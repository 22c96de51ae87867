//! What the scripted plugins do: decided by the seed, the check and how often it has run.

use custos::observe::{Ending, PluginEnd, Usage};

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

/// One execution: how long it takes and what comes of it.
pub struct Act {
    pub duration_us: u64,
    pub end: PluginEnd,
}

/// The plugin of a check on its nth run. Problems last for a few runs, so that states get hard.
pub fn act(seed: u64, check: &str, nth: u64, timeout_us: u64) -> Act {
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
    let value = dice.below(100);
    let hangs = wished_us > timeout_us;
    let ending = match (hangs, dice.below(200)) {
        (true, _) => Ending::TimedOut,
        (false, 0) => Ending::Signalled(11),
        (false, 1) => Ending::Exited(7),
        (false, _) => Ending::Exited(code),
    };
    let duration_us = wished_us.min(timeout_us);
    let end = PluginEnd {
        wall_us: duration_us,
        usage: Some(Usage { cpu_us: 500, max_rss_bytes: 1 << 20 }),
        ..PluginEnd::printed(ending, format!("state {code} | value={value}\n").into_bytes())
    };
    Act { duration_us, end }
}
