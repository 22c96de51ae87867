//! The bounds of the client of NATS.

use std::time::Duration;

/// Time for connecting, TLS and the login together.
pub const NATS_CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Time for a request and its answer. A message that is not acknowledged by then counts as neither stored nor lost: the stream
/// is asked.
pub const NATS_REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes that are read of a connection at once.
pub const NATS_READ_BYTES: usize = 64 << 10;
/// How long a stream that is made here knows ids: a message that comes again within it is not stored again. Beyond, it is refused
/// for the sequence that it expects.
pub const NATS_DUPLICATE_WINDOW: Duration = Duration::from_secs(120);
/// For how long a server may lose what it acknowledged: 2.9 writes to the disk every minute, later ones every two.
pub const NATS_SETTLE: Duration = Duration::from_secs(150);
/// For how long a sink that has delivered everything gathers runs for a message, unless `gather` says otherwise.
pub const NATS_GATHER: Duration = Duration::from_millis(100);
/// A connection over which nothing was sent for so long is tried before something is: servers close idle ones.
pub const NATS_IDLE: Duration = Duration::from_secs(60);
/// Streams of hosts that are named where it has to be said which one is meant.
pub const NATS_SUBJECTS_SHOWN_MAX: usize = 10;
/// Runs that came out of order and wait until the rest is restored; beyond it they are taken in at once.
pub const RESTORE_LATE_RUNS_MAX: usize = 1 << 18;

const _: () = assert!(NATS_REQUEST_TIMEOUT.as_secs() * 2 < NATS_DUPLICATE_WINDOW.as_secs());
