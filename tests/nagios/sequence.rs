//! Random results of a service, and how they are to be counted.

use custos_store::State;

/// One service: its settings, and the results that it is given.
#[derive(Debug)]
pub struct Sequence {
    pub max_check_attempts: u32,
    pub volatile: bool,
    /// Low and high, in per cent. Nagios reads 0 as "the global limit", so they begin at 1.
    pub flap_limits: (f64, f64),
    pub results: Vec<State>,
}

impl Sequence {
    /// The nth sequence of a seed. Some change with every result, some hardly ever, so that flapping starts and stops.
    pub fn random(seed: u64, nth: u64, length: usize) -> Sequence {
        let mut dice =
            Dice(seed.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ nth.wrapping_mul(0x5851_f42d_4c95_7f2d));
        let low = [1.0, 5.0, 12.5, 20.0, 25.0][dice.below(5) as usize];
        let high = low + [0.0, 5.0, 10.0, 30.0][dice.below(4) as usize];
        let max_check_attempts = 1 + dice.below(5) as u32;
        let volatile = dice.below(3) == 0;
        let restless = [10, 30, 60, 95];
        let mut state = State::Ok;
        let mut mood = 0;
        let results = (0..length).map(|step| {
            if step % 10 == 0 {
                mood = restless[dice.below(4) as usize];
            }
            if dice.below(100) < mood {
                // As often to OK as to all the others together.
                state = State::ALL[[0, 0, 0, 1, 2, 3][dice.below(6) as usize]];
            }
            state
        });
        let results = results.collect();
        Sequence { max_check_attempts, volatile, flap_limits: (low, high), results }
    }
}

/// SplitMix64.
struct Dice(u64);

impl Dice {
    /// From 0 to `below` - 1.
    fn below(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % below
    }
}
