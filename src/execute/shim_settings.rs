//! The program of the shims, and how many there may be.

use std::time::Duration;

use custos_shim::Launch;

use crate::limits::{SHIM_SILENCE_MAX, SHIMS_MAX, SHIMS_MIN};

/// The program of the shims, and how many there may be.
#[derive(Clone, Debug)]
pub struct ShimSettings {
    /// The program of a shim.
    pub launch: Launch,
    /// The most that there may be.
    pub shims_max: usize,
    /// A shim with outstanding reports that sends nothing for so long is replaced.
    pub silence_max: Duration,
}

impl Default for ShimSettings {
    /// This program as the shim, one for each CPU within bounds.
    fn default() -> ShimSettings {
        let cpus = std::thread::available_parallelism().map_or(SHIMS_MIN, usize::from);
        ShimSettings {
            launch: Launch::default(),
            shims_max: cpus.clamp(SHIMS_MIN, SHIMS_MAX),
            silence_max: SHIM_SILENCE_MAX,
        }
    }
}
