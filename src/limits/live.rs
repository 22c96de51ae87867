//! The bounds of watching.

use std::time::Duration;

use super::CONTROL_SIGN_OF_LIFE;

/// The shortest period at which a check is run while somebody watches it.
pub const CLONE_PERIOD_MIN: Duration = Duration::from_millis(100);

/// The same for a check that asks an SNMP device.
pub const CLONE_PERIOD_SNMP_MIN: Duration = Duration::from_secs(1);

/// Checks that are run more often at once because somebody watches them.
pub const CLONES_MAX: usize = 64;

/// Runs of clones that may be under way at once, beside those of checks.
pub const CLONE_RUNS_MAX: usize = 16;

/// How much of one processor their runs may take in all, in percent, by what the last run of each took.
pub const CLONES_CPU_PERCENT_MAX: u64 = 50;

/// What starting a plugin is reckoned with beside what the plugin takes itself (µs of processor time).
pub const CLONE_START_US: u64 = 500;

/// Who may watch at once, all checks together.
pub const WATCHERS_MAX: usize = 256;

/// Lines that wait for one who watches; the oldest give way to the newest.
pub const WATCH_LINES_MAX: usize = 256;

/// Checks that one connection may watch.
pub const WATCH_CHECKS_MAX: usize = 64;

/// How long one who watches may take nothing of what there is for it, or give no sign of life; then it counts as gone.
pub const WATCH_LEASE: Duration = Duration::from_secs(4);

// Whoever watches answers each sign of life of the agent, and has time for it.
const _: () = assert!(CONTROL_SIGN_OF_LIFE.as_millis() * 2 < WATCH_LEASE.as_millis());

/// How long the agent may say nothing to one who watches before that counts as its end.
pub const WATCH_SILENCE_MAX: Duration = Duration::from_secs(5);

/// How often one who watches is told the time of the agent's host.
pub const WATCH_TIME_INTERVAL: Duration = Duration::from_secs(1);

/// Lines of a live stream, and lines said to it, that wait to be written.
pub const WATCH_OUT_MAX: usize = 64;

/// Who may watch over HTTP at once.
pub const HTTP_WATCHERS_MAX: usize = 64;
const _: () = assert!(HTTP_WATCHERS_MAX < WATCHERS_MAX && HTTP_WATCHERS_MAX < super::HTTP_CONNECTIONS_MAX);

/// Of these, how many with one token, or from one address without.
pub const HTTP_WATCHERS_PER_CLIENT_MAX: usize = 16;
const _: () = assert!(HTTP_WATCHERS_MAX.is_multiple_of(HTTP_WATCHERS_PER_CLIENT_MAX));

/// Bytes on their way over the network to one who watches over HTTP, as `SO_SNDBUF` counts. More would be old when they come.
pub const HTTP_WATCH_UNSENT_BYTES: usize = 32 << 10;

/// Columns of a series in one answer of `/api/envelope`.
pub const HTTP_ENVELOPE_COLUMNS_MAX: usize = 4096;

/// Series in one answer of `/api/envelope`.
pub const HTTP_ENVELOPE_SERIES_MAX: usize = 64;

/// Changes of state in one answer of `/api/events`.
pub const HTTP_EVENTS_MAX: usize = 1000;

/// Other agents that an address of the page may name.
pub const HTTP_PAGE_HOSTS_MAX: usize = 16;
