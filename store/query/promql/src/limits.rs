//! Bounds of a query.

/// Longest query, in bytes.
pub const QUERY_BYTES_MAX: usize = 100_000;

/// Deepest nesting of an expression; a chain of operators is as deep as it is long. Each level costs stack when it is
/// parsed, evaluated and dropped.
pub const EXPRESSION_DEPTH_MAX: u32 = 250;

/// Operators between lengths of time in one query.
pub const LENGTH_OPERATORS_MAX: u32 = 100;

/// Stack that a thread needs to parse and evaluate the deepest expression, in bytes.
pub const STACK_BYTES: usize = 8 << 20;

/// Size of the compiled regular expression of one matcher, in bytes.
pub const REGEX_BYTES_MAX: usize = 1 << 20;

/// Regular expressions in one query: each is compiled, and is matched against labels by memory of its own.
pub const REGEXES_MAX: usize = 64;

/// Size of the states that one regular expression keeps while it is matched, in bytes.
pub const REGEX_STATES_MAX_BYTES: usize = 256 << 10;

/// Conditions on labels in one query.
pub const MATCHERS_MAX: usize = 1000;

/// Steps of a range query, as in Prometheus: 11,000 points a series.
pub const STEPS_MAX: usize = 11_000;

/// Times at which an expression is evaluated at once at least, where as many are given: their rows stay in a processor's cache.
pub const SLAB_STEPS_MIN: usize = 8192;

/// Slabs of times that are evaluated before the first of them is given, for each thread: few threads are started for how much they do.
pub const SLABS_PER_THREAD: usize = 2;

/// How many times as long as an expression looks back the times are at least that it is evaluated at at once, up to
/// [`SLAB_STEPS_MAX`].
pub const REACHES_PER_SLAB: i64 = 8;

/// Times at which an expression is evaluated at once, where more are given; its rows for them are held together.
pub const SLAB_STEPS_MAX: usize = 65_536;

/// Values that a query may hold at once (8 bytes each), where its caller sets no other bound.
pub const VALUES_MAX: usize = 6_000_000;

/// Warnings and infos that an answer carries of each; further ones are counted.
pub const ANNOTATIONS_MAX: usize = 10;

/// Samples that a stretch of time has at least, on average, before it is summed up by a source's statistics.
pub const SUMMARY_SAMPLES_MIN: i64 = 64;

/// Stretches of time that the windows of one query are put together from, all steps together.
pub const SUMMARY_PARTS_MAX: usize = 2_000_000;

/// Series of a group that are read at once; their samples are held together.
pub const READ_SERIES_MAX: usize = 16;

/// Samples of a group that are read at once, as far as can be told before; more only of a single series.
pub const READ_SAMPLES_MAX: u64 = 1 << 20;

/// Samples of a series in a stretch of time that is worked on before the next one, so that they stay in a processor's cache.
pub const STRETCH_SAMPLES_MAX: i64 = 32_768;

/// Samples that a selector has at least if more than one thread reads them: a thread costs as much as 10,000 samples.
pub const PARALLEL_SAMPLES_MIN: u64 = 1 << 17;

/// Bytes of one label's value that a query makes.
pub const LABEL_BYTES_MAX: usize = 64 << 10;

/// Bytes of all values of labels that one query makes.
pub const LABELS_BYTES_MAX: usize = 32 << 20;

/// Steps, or series, between two questions whether a query is still wanted.
pub const STEPS_PER_LOOK: usize = 64;
