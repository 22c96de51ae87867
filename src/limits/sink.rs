//! Bounds of sinks.

use std::time::Duration;

/// Sinks.
pub const SINKS_MAX: usize = 32;
/// Bytes of a file with a JWT and its nkey.
pub const CREDENTIALS_MAX_BYTES: usize = 16 * 1024;
/// Globs of a sink over checks, or over metrics.
pub const SINK_GLOBS_MAX: usize = 64;
/// Labels that a sink adds to each series.
pub const SINK_LABELS_MAX: usize = 16;
/// How far ahead of its receiver's clock a sample may be, unless `clock_lead` says otherwise. Prometheus 3 refuses more than 10 min.
pub const SINK_CLOCK_LEAD: Duration = Duration::from_secs(300);
/// Longest `clock_lead`. VictoriaMetrics drops what is more than two days ahead, and says that it took it.
pub const SINK_CLOCK_LEAD_MAX: Duration = Duration::from_secs(47 * 3600);
/// The lag of a sink that is a warning, unless `lag_warning` says otherwise.
pub const SINK_LAG_WARNING: Duration = Duration::from_secs(300);
/// The lag of a sink that is critical, unless `lag_critical` says otherwise.
pub const SINK_LAG_CRITICAL: Duration = Duration::from_secs(3600);
/// Bytes of a file that a sink writes, after which it begins another one.
pub const SINK_FILE_BYTES: u64 = 64 * 1024 * 1024;
/// Most bytes of such a file.
pub const SINK_FILE_BYTES_MAX: u64 = 1024 * 1024 * 1024 * 1024;
/// Full files that such a sink keeps, unless `keep` says otherwise.
pub const SINK_FILES_KEPT: u16 = 8;
/// Most of them.
pub const SINK_FILES_KEPT_MAX: u16 = 10_000;
