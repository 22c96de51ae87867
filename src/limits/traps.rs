//! The bounds of traps, and of instances that are reported by name.

use std::time::Duration;

use super::HEALTH_LOOK;

/// Traps a second that are taken from one source, unless `per_source` says otherwise.
pub const TRAPS_PER_SOURCE_MAX: u32 = 1000;
/// Traps a second that are taken from all sources together, unless `total` says otherwise.
pub const TRAPS_TOTAL_MAX: u32 = 20_000;
/// The largest rate that may be configured.
pub const TRAPS_RATE_MAX: u32 = 10_000_000;
/// Sources whose rate is watched one by one; those beyond share one rate until others were quiet for a second.
pub const TRAPS_SOURCES_MAX: usize = 16_384;
/// Sources and reasons by which refused packets are counted in one second; those beyond are counted together.
pub const TRAPS_REFUSED_MAX: usize = 1024;
/// Reasons of one source among them; packets refused for further ones are counted together.
pub const TRAPS_REASONS_MAX: usize = 16;
/// Between two runs that tell of refused packets; the log tells every second.
pub const TRAPS_REFUSED_RUNS: Duration = Duration::from_secs(60);
/// Sources reported one by one in a second in which they sent too much, or packets that were refused.
pub const TRAPS_SOURCES_TOLD_MAX: usize = 10;
/// Streams of traps that are watched for repeats at once; in those beyond, repeats are kept.
pub const TRAPS_WINDOWS_MAX: usize = 65_536;
/// Engines of SNMP 3 whose keys and clocks are remembered.
pub const TRAPS_ENGINES_MAX: usize = 4096;
/// Digests of messages of SNMP 3 that are remembered; what is as old as one that had to be forgotten is refused.
pub const TRAPS_DIGESTS_MAX: usize = 131_072;
/// Seconds by which the last note of an agent that did not end in order may be behind what it took. Notes are written at
/// each [`HEALTH_LOOK`].
pub const TRAPS_NOTE_SLACK_S: u32 = 3;
const _: () = assert!(HEALTH_LOOK.as_secs() < TRAPS_NOTE_SLACK_S as u64);
/// Largest packet that a trap may come in; the largest of UDP over IPv4 or so.
pub const TRAP_PACKET_MAX_BYTES: usize = 64 * 1024;
/// Packets that are read at once.
pub const TRAPS_BATCH_PACKETS: usize = 64;
/// Bytes that the kernel may hold of a socket's packets until they are read, if it grants as much.
pub const TRAPS_BUFFER_BYTES: usize = 8 * 1024 * 1024;
/// ... and the least that is asked for.
pub const TRAPS_BUFFER_MIN_BYTES: usize = 64 * 1024;
/// Batches of traps on their way to the agent.
pub const TRAPS_QUEUE_MAX: usize = 16;
/// Between two looks at what the mere passing of time makes known of traps.
pub const TRAPS_LOOK: Duration = Duration::from_secs(1);
/// Variables of a trap that are kept as text; further ones are counted.
pub const TRAP_DETAILS_MAX: usize = 64;
/// Bytes of the value of one of them.
pub const TRAP_DETAIL_MAX_BYTES: usize = 1024;
/// Bytes of the text that a trap makes.
pub const TRAP_TEXT_MAX_BYTES: usize = 4096;
/// Bytes of one part of a trap's key.
pub const TRAP_KEY_MAX_BYTES: usize = 255;
/// Instances of one check that may be in trouble at once; when there is one more, the one that was quiet longest is given
/// up.
pub const CHECK_INSTANCES_MAX: usize = 10_000;
/// Bytes of the text that is kept with each of them.
pub const CHECK_INSTANCE_TEXT_MAX_BYTES: usize = 512;
/// Instances that the long text of a run lists; the run has all of them as data.
pub const INSTANCES_LISTED_MAX: usize = 10;
/// Characters of each of their texts.
pub const INSTANCE_LISTED_MAX_CHARS: usize = 160;
/// Instances whose end one run records when they were not reported for long.
pub const INSTANCES_EXPIRED_PER_RUN: usize = 100;
/// Traps that `custos traps` lists by default.
pub const TRAPS_LISTED: usize = 100;
const _: () = assert!(CHECK_INSTANCES_MAX <= custos_store::limits::INSTANCES_MAX);
const _: () = assert!(CHECK_INSTANCE_TEXT_MAX_BYTES <= custos_store::limits::INSTANCE_TEXT_BYTES_MAX);
const _: () = assert!(TRAPS_BUFFER_MIN_BYTES <= TRAPS_BUFFER_BYTES);
const _: () = assert!(TRAPS_PER_SOURCE_MAX <= TRAPS_TOTAL_MAX && TRAPS_TOTAL_MAX <= TRAPS_RATE_MAX);
