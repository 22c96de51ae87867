//! Every bound of the store, with how they depend on each other.

/// Size of an active log file in bytes, unless its definitions need a larger one. It is preallocated, so appends to it
/// cannot run out of disk.
pub const LOG_BYTES: u64 = 16 << 20;

/// The smallest log that is made where the disk has no room for a whole one.
pub const LOG_BYTES_MIN: u64 = 1 << 20;

/// The largest run in encoded bytes: far above what a plugin may print.
pub const RUN_BYTES_MAX: usize = 32 << 20;

/// Rows are cut into frames of about this many payload bytes, so that damage costs no more than one of them.
pub const FRAME_BYTES: usize = 64 << 10;

/// The largest frame payload that a reader accepts: one frame may overshoot [`FRAME_BYTES`] by one run.
pub const FRAME_BYTES_MAX: usize = FRAME_BYTES + RUN_BYTES_MAX + (1 << 20);

/// Definitions are repeated after this many bytes of log, so that a damaged definition costs no more than that.
pub const DICTIONARY_BYTES: u64 = 1 << 20;

/// ... and not before the log is this many times the size of the definitions.
pub const DICTIONARY_FACTOR: u64 = 16;

/// A log has room for this many times the definitions of the log before, as every log repeats them ...
pub const LOG_DEFINITIONS_FACTOR: u64 = 4;

/// ... but does not grow beyond this many bytes for that.
pub const LOG_BYTES_GROWN_MAX: u64 = 256 << 20;

/// Shapes of one check that the writer remembers; one more and the least recently defined is written again.
pub const SCHEMAS_PER_CHECK_MAX: usize = 16;

/// Run numbers skipped when a writer opens a store, so that a number handed out by a writer that died before it
/// synced is never given to another run.
pub const SEQ_GAP_ON_OPEN: u64 = 1 << 24;

/// Run numbers end here. A store takes no run that would be numbered past it, and a file whose name claims numbers past it is
/// none of the store. At a million runs a second that is after 146,000 years.
pub const SEQ_MAX: u64 = 1 << 62;

/// A file that cannot be read keeps the numbers that its name claims from being given out, up to so many after the last
/// one that can be read: its name proves nothing.
pub const SEQ_CLAIM_MAX: u64 = 1 << 40;

/// Files of one name that are set aside, beside copies of them.
pub const ASIDE_NAMES_MAX: usize = 1 << 10;

/// How many names that are taken a new log passes over.
pub const LOG_NAMES_TAKEN_MAX: u64 = 1 << 10;

/// How often a reader lists a directory that changes underneath before it gives up.
pub const LISTINGS_MAX: usize = 64;

const _: () = assert!(FRAME_BYTES_MAX < u32::MAX as usize);
const _: () = assert!(FRAME_BYTES as u64 * 4 <= LOG_BYTES);
const _: () = assert!(DICTIONARY_BYTES * 4 <= LOG_BYTES);

/// Rows in a chunk that is full.
pub const CHUNK_ROWS: usize = 16 << 10;

/// Rows × series in a chunk that is full: bounds the memory that decoding a chunk takes.
pub const CHUNK_CELLS: usize = 512 << 10;

/// A chunk is never larger than this many rows.
pub const CHUNK_ROWS_MAX: usize = 64 << 10;

/// Bytes of text in a chunk that is full.
pub const CHUNK_TEXT_BYTES: usize = 4 << 20;

/// The largest dictionary of texts that a reader accepts.
pub const TEXTS_BYTES_MAX: usize = 128 << 20;

const _: () = assert!(CHUNK_ROWS * 2 <= CHUNK_ROWS_MAX);
const _: () = assert!(2 * CHUNK_TEXT_BYTES + 2 * RUN_BYTES_MAX <= TEXTS_BYTES_MAX);

/// Instances of one run.
pub const INSTANCES_MAX: usize = 32 << 10;

/// Bytes that the instances of one run are charged for: 64 for each, 16 for each of its labels, and those of names, values
/// and texts.
pub const INSTANCES_BYTES_MAX: usize = 8 << 20;

/// Labels of one instance.
pub const INSTANCE_LABELS_MAX: usize = 64;

/// Bytes in the names and values of the labels of one instance.
pub const INSTANCE_LABELS_BYTES_MAX: usize = 8 << 10;

/// Bytes in the text of one instance; what is beyond is cut off.
pub const INSTANCE_TEXT_BYTES_MAX: usize = 4 << 10;

const _: () = assert!(INSTANCES_BYTES_MAX * 2 <= RUN_BYTES_MAX);

/// Sets of instances that a reader of a log or a chunk remembers, so that going back one run need not begin afresh.
pub const INSTANCE_SETS_RECENT: usize = 256;

/// A list of changed instances of this size or more is compressed in a log.
pub const INSTANCES_PACKED_MIN: usize = 1 << 10;

/// All instances are written again in a log after this many bytes of changes to them, so that reading one run costs
/// no more than that ...
pub const INSTANCES_CHANGES_BYTES: usize = 4 << 10;

/// ... and not before the changes are this many times as large as all instances.
pub const INSTANCES_CHANGES_FACTOR: usize = 2;

/// Bytes of changes to instances in a chunk that is full, so that reading one run replays no more ...
pub const CHUNK_INSTANCES_BYTES: usize = 1 << 20;

/// ... and not before they are this many times as large as all instances of its first row that has some.
pub const CHUNK_INSTANCES_FACTOR: usize = 2;

/// The largest column of instances that a reader accepts. It begins with all instances of a run, and overshoots by those
/// of another at most.
pub const INSTANCES_COLUMN_BYTES_MAX: usize = 48 << 20;

const _: () = assert!(CHUNK_INSTANCES_BYTES <= INSTANCES_BYTES_MAX);
const _: () = assert!((CHUNK_INSTANCES_FACTOR + 3) * INSTANCES_BYTES_MAX <= INSTANCES_COLUMN_BYTES_MAX);

/// Adjacent segments of about one size that are worth merging.
pub const MERGE_MIN: usize = 8;

/// Segments merged at once at most: bounds memory, as each may have a decoded chunk.
pub const MERGE_MAX: usize = 16;

/// Size of the largest segment that merging makes, in bytes: bounds the room that merging needs on the disk.
pub const MERGE_BYTES_MAX: u64 = 512 << 20;

/// Room held back on the disk so that sealing goes on when the disk is full, in bytes.
pub const RESERVE_BYTES: u64 = 16 << 20;

const _: () = assert!(MERGE_MIN <= MERGE_MAX);

/// Bytes of decoded rows that a consumer in order of arrival has at hand, with a set of instances for each chunk, beside those
/// of the chunk that it decodes. One chunk may take more by itself.
pub const ARRIVALS_BYTES: usize = 40 << 20;

/// Where these are not enough for the chunks that are open at once, the fewest run numbers that are taken of each.
pub const ARRIVALS_WINDOW_MIN: u64 = 1 << 10;

/// Bytes that an import gathers before it appends them.
pub const IMPORT_BATCH_BYTES: usize = 256 << 10;

/// Checks whose history an import has at hand; each may hold a decoded chunk. One more, and it begins afresh.
pub const IMPORT_CURSORS_MAX: usize = 16;

/// How often the write lock is tried when the file is replaced between opening and locking it.
pub const LOCK_ATTEMPTS_MAX: usize = 8;

/// Bytes of `/proc/locks` that are searched for the writer.
pub const PROC_LOCKS_BYTES_MAX: u64 = 4 << 20;

/// Bytes of a file that is read and written as a whole: the identity, a cursor, a note, the amendments.
pub const SMALL_FILE_BYTES_MAX: usize = 4 << 20;

/// Amendments that are remembered; the oldest go.
pub const AMENDMENTS_MAX: usize = 2048;

/// Amendments that the repair of one file leaves: more than that become one for all of its runs.
pub const AMENDMENTS_OF_REPAIR_MAX: usize = 128;

/// Bytes of a check's name in an amendment; longer ones are left out.
pub const AMENDMENT_NAME_BYTES_MAX: usize = 1024;

const _: () = assert!(AMENDMENTS_MAX * (AMENDMENT_NAME_BYTES_MAX + 64) < SMALL_FILE_BYTES_MAX);
const _: () = assert!(AMENDMENTS_OF_REPAIR_MAX * 4 <= AMENDMENTS_MAX);

/// Bytes of the name of a cursor or a note.
pub const CURSOR_NAME_BYTES_MAX: usize = 100;

/// Bytes that a consumer may put into its cursor.
pub const CURSOR_STATE_BYTES_MAX: usize = 64 << 10;

/// Bytes of the content of a bundle, before it is compressed.
pub const BUNDLE_BYTES_MAX: usize = 64 << 20;

/// How hard bundles are compressed: a level of zstd.
pub const BUNDLE_EFFORT: i32 = 3;

const _: () = assert!(RUN_BYTES_MAX < BUNDLE_BYTES_MAX);

/// Bytes of a note.
pub const NOTE_BYTES_MAX: usize = 3 << 20;

const _: () = assert!(NOTE_BYTES_MAX + 4 * CURSOR_NAME_BYTES_MAX < SMALL_FILE_BYTES_MAX);
const _: () = assert!(CURSOR_STATE_BYTES_MAX + 4 * CURSOR_NAME_BYTES_MAX < SMALL_FILE_BYTES_MAX);

/// Logs of writers that were given up which the next writer takes over; of more, the oldest goes.
pub const LEFTOVER_LOGS_MAX: usize = 4;

/// Runs of such a log that are appended at once.
pub const RESCUE_BATCH_RUNS: usize = 256;

/// Bytes that a search for intact parts of a damaged file hashes without finding one, before it gives up the rest, ...
pub const SEARCH_BYTES: u64 = 64 << 20;

/// ... and as many more for each byte of the file.
pub const SEARCH_FACTOR: u64 = 4;

// The largest frame can be hashed.
const _: () = assert!(SEARCH_BYTES > FRAME_BYTES_MAX as u64);
