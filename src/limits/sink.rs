//! Bounds of sinks.

use std::time::Duration;

/// Sinks.
pub const SINKS_MAX: usize = 32;
/// Bytes of a file with a JWT and its nkey, or with the seed of an nkey.
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
/// Symbolic links that are followed on the way to such a file: as many as Linux follows.
pub const SINK_FILE_LINKS_MAX: usize = 40;
/// Samples that a piece has at first.
pub const SINK_BUDGET_FIRST: usize = 2_000;
/// Fewest of them: what follows failures.
pub const SINK_BUDGET_MIN: usize = 500;
/// Most of them. With 24 bytes for each, and the request made of them, a lane so has a few MiB.
pub const SINK_BUDGET_MAX: usize = 40_000;
/// How many more the next piece has, after one that was taken quickly.
pub const SINK_BUDGET_STEP: usize = 1_000;
/// A request that was taken in less is quick.
pub const SINK_LATENCY_LOW: Duration = Duration::from_millis(250);
/// One that took longer is slow: the next piece has half as many samples.
pub const SINK_LATENCY_HIGH: Duration = Duration::from_millis(1000);
/// Pause after a request that failed, doubled with each; between half and all of it is waited.
pub const SINK_RETRY_MIN: Duration = Duration::from_millis(500);
/// Longest such pause.
pub const SINK_RETRY_MAX: Duration = Duration::from_secs(60);
/// Longest pause that a receiver is granted by `Retry-After`.
pub const SINK_RETRY_AFTER_MAX: Duration = Duration::from_secs(3600);
/// Pause where somebody has to put something right: a receiver that lets nobody in, or is not there at its address.
pub const SINK_CLOSED_RETRY: Duration = Duration::from_secs(300);
/// Failures in a row, each of status 500, after which it is tried whether a part of what is sent is the cause.
pub const SINK_FAILURES_OURS: u32 = 5;
/// How often a piece is halved to find what a receiver refuses in it; what is left then is set aside as it is.
pub const SINK_SPLITS_MAX: usize = 4096;
/// Places of the feed that are remembered until they are safe.
pub const SINK_MARKS_MAX: usize = 32;
/// For how long a sink that has delivered everything gathers runs for a request, unless `gather` says otherwise; that of a stream
/// [`NATS_GATHER`](super::NATS_GATHER).
pub const SINK_GATHER: Duration = Duration::from_secs(1);
/// Shortest `gather`: each time the log of the store is looked at.
pub const SINK_GATHER_MIN: Duration = Duration::from_millis(10);
/// Longest `gather`.
pub const SINK_GATHER_MAX: Duration = Duration::from_secs(300);
/// How often a receiver is asked how it is, beside each time that it is connected to.
pub const SINK_LOOK: Duration = Duration::from_secs(600);
/// How soon a receiver that could not say how it is set up, as while it starts, is asked again.
pub const SINK_UNSURE_LOOK: Duration = Duration::from_secs(5);
/// For how long after what it refused a receiver without a window is asked for later samples, which tell that it takes no end of a series
/// before them. Where it has none that soon, halves are tried.
pub const SINK_LATER: Duration = Duration::from_secs(3600);
/// How soon a receiver is asked what time it has where something is held back since it is ahead of that.
pub const SINK_HELD_LOOK: Duration = Duration::from_secs(30);
/// How long after something could have become safe a receiver is asked whether it is, if nothing else is sent meanwhile.
pub const SINK_SETTLE_LOOK: Duration = Duration::from_secs(300);
/// The same for a stream of NATS, which is asked with what it ends whatever else is sent: so what it took is safe by nothing but that.
pub const SINK_SETTLE_ASK: Duration = Duration::from_secs(60);
/// For how long VictoriaMetrics may lose what it took when it is killed. Measured: 7 s, and at 10 s all was there.
pub const SINK_SETTLE: Duration = Duration::from_secs(20);
/// How long a sink waits for the answer to a request.
pub const SINK_SEND_TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes that are read of an answer to a request that carries samples.
pub const SINK_REPLY_MAX_BYTES: usize = 4 * 1024;
/// Bytes that are read of what a receiver says of itself.
pub const SINK_LOOK_MAX_BYTES: usize = 8 * 1024 * 1024;
/// Characters of an answer that are kept as the reason of a refusal.
pub const SINK_REASON_MAX_CHARS: usize = 300;
/// Bytes of the settings of all sinks, with the certificates that they take.
pub const FEED_SETTINGS_MAX_BYTES: usize = 16 * 1024 * 1024;
/// Bytes of memory that the runs of one piece take at most, about.
pub const SINK_PIECE_BYTES: usize = 1024 * 1024;
/// Runs of the first piece, before it is known how many samples a run has.
pub const SINK_RUNS_FIRST: usize = 100;
/// How often a sink looks whether something that was set aside is to be sent again.
pub const SINK_NOTE_LOOK: Duration = Duration::from_secs(5);
/// Longest pause of a sink that waits for nothing in particular.
pub const SINK_PAUSE_MAX: Duration = Duration::from_secs(1);
/// Bytes of the last lines of a `file` that are read when it is opened, so that none of them is written again: more than is delivered
/// between two writes of a cursor.
pub const SINK_FILE_TAIL_BYTES: u64 = 64 * 1024 * 1024;
/// For how long a Graphite may lose what it has read when it is killed: carbon has it in memory until it is written, series by series.
pub const GRAPHITE_SETTLE: Duration = Duration::from_secs(300);
/// Pause between two connections to a Graphite that are there to notice its end, where they end at once.
pub const GRAPHITE_WITNESS_PAUSE: Duration = Duration::from_secs(1);
/// Bytes that are read of what a Graphite says, which should be none.
pub const GRAPHITE_TALK_MAX_BYTES: u64 = 4096;
/// For how long it is a warning that a sink noticed that the store is another one or an older one.
pub const SINK_NOTICE_SHOWN: Duration = Duration::from_secs(3600);
/// Between two reports of a sink.
pub const SINK_REPORT_INTERVAL: Duration = Duration::from_secs(1);
/// Entries of what a sink has set aside; where there are more, those of one check become one that stands for more.
pub const SINK_ASIDE_MAX: usize = 1000;
/// What is set aside of a check within so long of each other is one entry.
pub const SINK_ASIDE_JOIN: Duration = Duration::from_secs(60);
/// Memory of the process that delivers, in bytes of its data.
pub const FEED_DATA_MAX_BYTES: u64 = 1 << 30;
/// How much the process that delivers stands back behind everything else for the processor, as `nice` counts.
pub const FEED_NICE: i32 = 10;
/// How long the process that delivers may take to end.
pub const FEED_DRAIN: Duration = Duration::from_secs(2);
/// Pause before a sink is opened again whose store or cursor cannot be read.
pub const SINK_OPEN_RETRY: Duration = Duration::from_secs(10);
/// Bytes that are read of a receiver's answer about what it has.
pub const PROOF_REPLY_MAX_BYTES: usize = 64 * 1024 * 1024;
/// Hours that are compared at once: so much of the counts of a store is in memory, 56 bytes for each series and hour.
pub const PROOF_HOURS_AT_ONCE: usize = 24;
/// Series and hours that a proof names; of further ones it says how many there are.
pub const PROOF_NAMED_MAX: usize = 10_000;
/// How long after it was delivered something is looked for at the receiver.
pub const PROOF_SETTLE: Duration = Duration::from_secs(60);
/// Pause between what was delivered again and each look whether it is there: VictoriaMetrics finds samples a second after it took
/// them.
pub const PROOF_PAUSE: Duration = Duration::from_secs(3);
/// How often that is looked at. New series are found after about 10 s where the receiver was asked for them before.
pub const PROOF_LOOKS_MAX: usize = 10;
/// How far a value that VictoriaMetrics has rounded may be from the one that was sent, relative to that.
pub const PROOF_TOLERANCE: f64 = 1e-12;
/// How long after the end of an hour a sink looks whether the receiver has it, at the least; up to as long again is added, by host.
pub const PROOF_AFTER_HOUR: Duration = Duration::from_secs(420);
/// Hours that are looked at again until they are right.
pub const PROOF_OPEN_HOURS_MAX: usize = 168;
