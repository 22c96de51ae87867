//! Every bound of the package.

/// Names that an error offers in the place of one that is not known.
pub const OFFERED_MAX: usize = 10;

/// Series of one check that one request for envelopes reads.
pub const ENVELOPE_SERIES_MAX: usize = 10_000;

/// Columns of an envelope, and cells of a state bar.
pub const ENVELOPE_COLUMNS_MAX: usize = 100_000;

/// Units of one series that are told apart within one request; those that were not seen for the longest time are only
/// counted beyond that.
pub const UNITS_MAX: usize = 4;

/// Events that one request keeps; a greater limit is lowered to it.
pub const EVENTS_MAX: usize = 1_000_000;

/// Runs without a result that are looked through for one that has one.
pub const STAND_RUNS_MAX: usize = 10_000;

/// Runs that one list has at hand.
pub const LISTED_RUNS_MAX: usize = 20_000;

/// Runs that are looked through for the beginning of a problem which began before the span that was asked for.
pub const PROBLEM_RUNS_MAX: usize = 100_000;

/// Runs between two questions whether a read is still wanted.
pub const RUNS_PER_LOOK: u64 = 1024;

/// How far back runs are kept in memory for what is asked again and again (ms); older ones are read from the store.
pub const LIVE_KEEP_MS_MAX: i64 = 3_600_000;

/// How long runs are kept in memory at least, if something may be asked of them (ms): as long as the newest value counts.
pub const LIVE_KEEP_MS_MIN: i64 = 300_000;

/// Samples in memory; where there are more, runs are kept for half as long.
pub const LIVE_SAMPLES_MAX: usize = 4_000_000;

/// Questions by which it is known which runs are kept in memory; what others ask is read from the store.
pub const LIVE_QUESTIONS_MAX: usize = 10_000;

/// The newest runs of all checks, which are taken in when something is asked about them for the first time.
pub const LIVE_RUNS_MAX: usize = 4096;

/// Bytes of memory of these runs.
pub const LIVE_RUNS_MAX_BYTES: usize = 8 << 20;

/// What an instance of these runs is reckoned with, in bytes: those that changed are not shared by runs.
pub const LIVE_INSTANCE_BYTES: usize = 1024;

/// How long a run takes at most to be in the store, as far as memory goes by that (ms).
pub const LIVE_UNWRITTEN_MS: i64 = 60_000;

/// Runs of a check that tell how far apart they usually are.
pub const INTERVAL_RUNS: usize = 32;

/// Threads that read the series of one query.
pub const QUERY_THREADS_MAX: usize = 4;

/// Samples of one series that are handed out at once where history leaves the store.
pub const OUTBOUND_PIECE_SAMPLES: usize = 8192;

/// Series that one search for what is alike goes through.
pub const SIMILAR_SERIES_MAX: usize = 10_000;

/// Runs in the stretch that is searched for.
pub const SIMILAR_SPAN_BUCKETS_MAX: usize = 4_000_000;

/// Buckets of history that a thread searches at once, beside those at the edges.
pub const SIMILAR_BUCKETS_MAX: usize = 32 << 10;

/// Series of a check that are read at once, so that what tells their times is read once. Each takes some 60 bytes a bucket.
pub const SIMILAR_GROUP_MAX: usize = 8;

/// Stretches of history by which it is known how much a series varies.
pub const SIMILAR_SPREAD_COLUMNS: usize = 256;

/// A part of a file whose runs are further apart than so many searches at once is looked through run by run for where they are.
pub const SIMILAR_UNITS_MARKED_MAX: i64 = 64;

/// Damaged parts that a search reports.
pub const SIMILAR_DAMAGES_MAX: usize = 1000;

/// Points into which the window is divided in which series are compared with their past, unless there are fewer samples.
pub const SHIFT_POINTS: i64 = 60;

/// Series of a check that are read at once for that.
pub const SHIFT_GROUP_MAX: usize = 16;

/// The past that they are compared with: so many times the window, ...
pub const SHIFT_HISTORY_WINDOWS: i64 = 40;

/// ... at least this (ms), ...
pub const SHIFT_HISTORY_MS_MIN: i64 = 14 * 86_400_000;

/// ... at most this.
pub const SHIFT_HISTORY_MS_MAX: i64 = 60 * 86_400_000;

/// The longest window in which series are compared with their past, in hours.
pub const SHIFT_SPAN_HOURS_MAX: usize = 90 * 24;

/// Width of the buckets in which changes are looked for (ms), unless a check runs less often.
pub const CHANGE_BUCKET_MS: i64 = 300_000;

/// The longest time in which changes are looked for, in days.
pub const CHANGE_SPAN_DAYS_MAX: usize = 400;

/// Runs of a check in which a new text is looked for.
pub const NEW_TEXT_RUNS_MAX: usize = 20_000;

/// Runs of a check before, in which a text that is new must not have been.
pub const NEW_TEXT_RUNS_BACK_MAX: usize = 50_000;

/// With fewer runs before nothing is new.
pub const NEW_TEXT_RUNS_MIN: usize = 100;

/// A check of which more than one in so many runs before had another wording says something new all the time.
pub const NEW_TEXT_ONE_IN: usize = 20;

/// New texts that are found at once, the earliest.
pub const NEW_TEXTS_MAX: usize = 1000;

/// Width of the buckets by which it is said what is normal (ms).
pub const NORMAL_BUCKET_MS: i64 = 300_000;

/// The newest of these that count: two years.
pub const NORMAL_BUCKETS_MAX: usize = 2 * 366 * 288;

/// The same where what was normal on each of many days is asked: ten years.
pub const NORMAL_HISTORY_BUCKETS_MAX: usize = 10 * 366 * 288;

/// Series of which what is normal is kept for the functions of PromQL; with more, it is read again.
pub const NORMAL_SERIES_KEPT: usize = 512;

/// Days of which what was normal is kept of each of these.
pub const NORMAL_DAYS_KEPT: usize = 8;

/// The longest span of a consolidated run that is looked for behind the end of what is drawn (ms): 31 days.
pub const CONSOLIDATED_SPAN_MS_MAX: i64 = 31 * 86_400_000;
