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
/// Bytes of one file of whisper.
pub const WHISPER_FILE_MAX_BYTES: u64 = 1 << 30;
/// Checks that a dry run of samples shows; runs of more are counted.
pub const IMPORT_TABLE_CHECKS_MAX: usize = 10_000;
/// Metrics of a check that a dry run of samples shows.
pub const IMPORT_TABLE_METRICS_MAX: usize = 50;
/// Bytes of an object cache of Nagios, and of a resource file.
pub const NAGIOS_FILE_MAX_BYTES: u64 = 1 << 30;
