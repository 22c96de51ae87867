//! Bounds of what is taken in from other systems.

/// Bytes of one RRD file.
pub const RRD_FILE_MAX_BYTES: u64 = 1 << 30;
/// Bytes of a description that PNP4Nagios wrote.
pub const PNP_FILE_MAX_BYTES: u64 = 8 << 20;
/// Files of one import.
pub const IMPORT_FILES_MAX: usize = 1_000_000;
/// Directories within one another that are looked through for files.
pub const IMPORT_DEPTH_MAX: usize = 16;
/// Files that could not be taken in that are named; more are counted.
pub const IMPORT_FAULTS_SHOWN: usize = 20;
