//! The bounds of whatever reads a store as a stream.

use std::time::Duration;

/// Between two looks of a feed at the log, when it has nothing to deliver.
pub const FEED_POLL: Duration = Duration::from_millis(50);
/// Between two looks of a feed at all files of a store: for what was lost or restored, and for another store in its place.
pub const FEED_LOOK: Duration = Duration::from_secs(1);
/// Between two writes of the cursor of a feed, each of which takes two syncs of the disk.
pub const FEED_SAVE: Duration = Duration::from_secs(1);
/// A feed that delivers its backlog beside the newest runs, and is further behind than this many runs, takes them for backlog.
pub const FEED_LIVE_RUNS_MAX: u64 = 32 * 1024;
/// Stretches of runs that a feed owes its consumer at once; of more, neighbours are joined.
pub const FEED_OWED_MAX: usize = 128;
/// Bytes that the stretches take in a cursor.
pub const FEED_OWED_MAX_BYTES: usize = 48 * 1024;
/// Delivered runs that a cursor remembers, the further back the fewer, to find where a restored store parted from the one that
/// was delivered.
pub const FEED_ANCHORS_MAX: usize = 24;
/// Bytes of decoded runs that a feed has at hand while it reads runs of all checks in order of arrival from sealed files.
pub const FEED_ARRIVALS_BYTES: usize = 8 * 1024 * 1024;

// An anchor takes up to 50 bytes.
const _: () = assert!(
    FEED_OWED_MAX_BYTES + 64 * FEED_ANCHORS_MAX + 4096 < custos_store::limits::CURSOR_STATE_BYTES_MAX
);

/// Runs that `custos stream` reads at once.
pub const STREAM_PIECE_RUNS: usize = 1024;
/// Bytes of memory that it reads at once, about.
pub const STREAM_PIECE_BYTES: usize = 1024 * 1024;
/// Lines that `custos stream --ack` writes before one of them has to be acknowledged.
pub const STREAM_UNACKED_MAX: usize = 64 * 1024;
/// Acknowledgements that are read ahead.
pub const STREAM_ACK_QUEUE_MAX: usize = 4096;
/// Bytes of a line with an acknowledgement, which is a number: of one that is longer nothing is kept.
pub const STREAM_ACK_LINE_MAX_BYTES: usize = 64;
/// Bytes of a line that is said to `custos stream --watch`, and that it repeats; a longer one is passed over.
pub const WATCH_ECHO_MAX_BYTES: usize = 128;
/// Bytes of a line that `custos store import` reads: far more than a run of a plugin has, whatever has to be escaped in it.
pub const IMPORT_LINE_MAX_BYTES: usize = 64 * 1024 * 1024;
const _: () = assert!(IMPORT_LINE_MAX_BYTES > 6 * (super::STDOUT_MAX_BYTES + super::STDERR_MAX_BYTES));
/// Bytes of the lines that are read ahead of what `custos store import --follow` has taken in, and that it takes in at once; a line that is
/// longer is alone.
pub const IMPORT_FOLLOW_BYTES: usize = 16 * 1024 * 1024;
/// Bytes of what is said of a line of an input, the part of it that is repeated included.
pub const INPUT_ECHO_MAX_BYTES: usize = 400;
/// Runs that `custos store import --follow` takes in before it makes them durable and acknowledges them.
pub const IMPORT_FOLLOW_RUNS: usize = 4096;
/// Bytes of a glob in `match[]` of `/api/stream`.
pub const STREAM_GLOB_MAX_BYTES: usize = 1024;
/// Runs in one answer of `/api/stream`.
pub const STREAM_ANSWER_RUNS: usize = 8 * 1024;
/// Bytes of memory that its runs take, about.
pub const STREAM_ANSWER_BYTES: usize = 4 * 1024 * 1024;
/// Clients over HTTP that follow the store, each with a connection that stays.
pub const HTTP_FOLLOWERS_MAX: usize = 16;
const _: () = assert!(HTTP_FOLLOWERS_MAX < super::HTTP_CONNECTIONS_MAX);
/// Threads that read the store for those at once.
pub const HTTP_FOLLOWS_AT_ONCE: usize = 1;
/// Between two looks at the store for a client that follows it and has everything.
pub const HTTP_FOLLOW_POLL: Duration = Duration::from_millis(500);
/// Longest pause between two lines for a client that follows the store and asks for none that is longer.
pub const HTTP_FOLLOW_HEARTBEAT_MAX: Duration = Duration::from_secs(60);
/// Runs in one piece for a client that follows the store.
pub const HTTP_FOLLOW_RUNS: usize = 1024;
/// Bytes of memory that its runs take, about.
pub const HTTP_FOLLOW_BYTES: usize = 512 * 1024;
