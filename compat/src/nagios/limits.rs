//! The bounds on what one run of a plugin may report (`docs/plugin-output.md#bounds`).

/// Longest label of a metric, in bytes, with the prefix of check_multi. A token with a longer one is dropped and counted.
pub const LABEL_MAX_BYTES: usize = 255;
/// Longest unit of a metric, in bytes. A token with a longer one is dropped and counted.
pub const UNIT_MAX_BYTES: usize = 255;
/// Most `label=value` tokens of one run. Further ones are dropped and counted.
pub const TOKENS_MAX: usize = 4096;
/// Warnings of one run that are kept with their text. Further ones are only counted.
pub const WARNINGS_MAX: usize = 16;
/// Bytes of an offending token that a warning quotes.
pub const WARNING_TOKEN_MAX_BYTES: usize = 64;

const _: () = assert!(WARNINGS_MAX <= TOKENS_MAX);
const _: () = assert!(WARNING_TOKEN_MAX_BYTES <= LABEL_MAX_BYTES);
