//! Numbers that look like chance and are the same each time: the same question has the same answer.

/// SplitMix64, from a fixed start.
pub(crate) struct Dice(u64);

impl Dice {
    /// Begins anew.
    pub(crate) fn new() -> Dice {
        Dice(0x005e_ed0f_c057)
    }

    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// One of so many, from 0; 0 of none.
    pub(crate) fn one_of(&mut self, count: usize) -> usize {
        ((u128::from(self.roll()) * count as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_side_comes_up_about_as_often() {
        let (mut dice, mut sides) = (Dice::new(), [0; 6]);
        (0..6000).for_each(|_| sides[dice.one_of(6)] += 1);
        assert!(sides.iter().all(|count| (900..1100).contains(count)), "{sides:?}");
        assert_eq!(dice.one_of(0), 0);
    }
}
