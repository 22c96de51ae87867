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

/// Of these, how many with one token, or from one client without: an address, all of this host, or all of a /64 of IPv6.
pub const HTTP_WATCHERS_PER_CLIENT_MAX: usize = 16;
const _: () = assert!(HTTP_WATCHERS_MAX.is_multiple_of(HTTP_WATCHERS_PER_CLIENT_MAX));

/// Of those who begin to watch over HTTP, how many are looked up in the store at once, each by a thread.
pub const HTTP_WATCHES_AT_ONCE: usize = 2;

/// Bytes on their way over the network to one who watches over HTTP, as `SO_SNDBUF` counts. More would be old when they come.
pub const HTTP_WATCH_UNSENT_BYTES: usize = 32 << 10;

/// Columns of a series in one answer of `/api/envelope`.
pub const HTTP_ENVELOPE_COLUMNS_MAX: usize = 4096;

/// Series in one answer of `/api/envelope`.
pub const HTTP_ENVELOPE_SERIES_MAX: usize = 64;

/// Changes of state in one answer of `/api/events`.
pub const HTTP_EVENTS_MAX: usize = 1000;

/// Alerts in one answer of `/api/backtest`, the newest of them.
pub const HTTP_BACKTEST_INTERVALS_MAX: usize = 1000;

/// Times in one state that a backtest of a check has at least, the newest of them; how long each state lasted is counted over all.
pub const BACKTEST_STOOD_MAX: usize = 4096;
/// Stretches of history that are like one that an answer has, unless the request says how many.
pub const HTTP_SIMILAR_DEFAULT: usize = 5;
/// Stretches of history that are like one that an answer has at most.
pub const HTTP_SIMILAR_MAX: usize = 50;
/// Hours of which an answer says what is normal: two months.
pub const HTTP_NORMAL_HOURS_MAX: i64 = 62 * 24;

/// Runs that a backtest over HTTP judges before it looks whether it is still wanted.
pub const HTTP_BACKTEST_RUNS_PER_LOOK: u64 = 1024;

/// Other agents that an address of the page may name.
pub const HTTP_PAGE_HOSTS_MAX: usize = 16;

/// Samples of one curve that `custos watch` holds.
pub const WATCH_POINTS_MAX: usize = 16_384;

/// Curves that `custos watch` draws.
pub const WATCH_CURVES_MAX: usize = 64;

/// Expressions that one connection may watch.
pub const WATCH_QUERIES_MAX: usize = 8;

/// Series of one answer to an expression that is watched; the others are counted.
pub const WATCH_ANSWER_SERIES_MAX: usize = 64;

/// How long answering an expression that is watched may take each time.
pub const WATCH_ANSWER_TIME_MAX: Duration = Duration::from_millis(500);

/// How long answering it for the past may take, with which whoever watches begins.
pub const WATCH_PAST_ANSWERS_TIME_MAX: Duration = Duration::from_secs(2);

/// Samples that are kept in memory to answer the expressions of one connection, about.
pub const WATCH_QUERY_SAMPLES_MAX: usize = 262_144;

/// Runs on their way to where expressions are answered.
pub const WATCH_QUERY_LINES_MAX: usize = 256;

/// How far back series may have ended that an expression selects when it begins to be watched (ms).
pub const WATCH_QUERY_SELECTS_MS: i64 = 24 * 3_600_000;

/// Runs of the past, of all checks of one connection together, with which whoever watches begins.
pub const WATCH_PAST_RUNS_MAX: usize = 1024;

/// How long the lines of these runs are at most, together.
pub const WATCH_PAST_MAX_BYTES: usize = 512 << 10;

/// How far back that goes at most.
pub const WATCH_PAST_MAX: Duration = Duration::from_secs(24 * 3600);

/// How many windows of its past `custos watch` begins with.
pub const WATCH_PAST_WINDOWS: u32 = 10;

/// The shortest window of `custos watch`.
pub const WATCH_WINDOW_MIN: Duration = Duration::from_secs(5);

/// The longest window of `custos watch`.
pub const WATCH_WINDOW_MAX: Duration = Duration::from_secs(24 * 3600);

/// Answers by which the clock of another host is compared with this one's.
pub const WATCH_OFFSETS_KEPT: usize = 16;

/// How often another host is asked for its time.
pub const WATCH_OFFSET_INTERVAL: Duration = Duration::from_secs(2);

/// Longest line that is read from another host.
pub const WATCH_LINE_MAX_BYTES: usize = 1 << 20;

/// Of what a host says why it refuses, so much is read.
pub const WATCH_REASON_MAX_BYTES: usize = 4096;

/// Hosts that one `custos watch` shows.
pub const WATCH_HOSTS_MAX: usize = 32;

/// How long `custos watch` waits before it connects again; twice as long after each failure that follows.
pub const WATCH_RETRY_MIN: Duration = Duration::from_secs(1);

/// How long that is at most.
pub const WATCH_RETRY_MAX: Duration = Duration::from_secs(15);

/// How long a connection to another host may take to be there.
pub const WATCH_CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Between two pictures of `custos watch` at least this passes.
pub const WATCH_FRAME_MIN: Duration = Duration::from_millis(33);
