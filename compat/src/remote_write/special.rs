//! Values that remote write has a meaning for, and those that it cannot carry.

/// The value of a stale marker: bit for bit this, which is not a number. It says that a series has ended.
pub const STALE_MARKER: f64 = f64::from_bits(0x7ff0_0000_0000_0002);

/// The largest integer up to which every one is a float. Beyond, remote write rounds what the store has exactly.
pub const INTEGER_EXACT_MAX: i64 = 1 << 53;

/// Whether an integer is the same as a float, so that remote write changes nothing.
pub fn is_exact(integer: i64) -> bool {
    integer as f64 as i128 == i128::from(integer)
}
