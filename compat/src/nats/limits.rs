//! The bounds on what a server may send.

/// Longest line, in bytes. The server's own bound for lines of clients is 4 KiB; INFO of a large cluster is longer.
pub const LINE_MAX_BYTES: usize = 64 << 10;
/// Largest message with its headers, in bytes: the most that NATS recommends as `max_payload`; the default is 1 MiB.
pub const PAYLOAD_MAX_BYTES: usize = 8 << 20;
