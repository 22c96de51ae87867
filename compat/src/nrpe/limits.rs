//! The bounds on what is read of an `nrpe.cfg` with all that it includes.

/// Most files of an `nrpe.cfg` that are read.
pub const FILES_MAX: usize = 10_000;
/// Most directories that an `nrpe.cfg` includes, those below others counted.
pub const DIRECTORIES_MAX: usize = 1_000;
/// Most bytes that are read of all files of an `nrpe.cfg` together.
pub const CONTENT_MAX_BYTES: usize = 64 << 20;
/// Deepest nesting of what an `nrpe.cfg` includes.
pub const DEPTH_MAX: usize = 64;
