//! Bounds of notifications.

use std::time::Duration;

use custos_store::limits::NOTE_BYTES_MAX;

use super::{DRAIN, RECORD_RETRY};

/// How long a receiver of notifications over HTTP or NSCA has, from the first packet to its answer.
pub const NOTIFY_SEND_TIMEOUT: Duration = Duration::from_secs(30);
/// The same of a mail server, which may look for spam before it takes a mail.
pub const NOTIFY_MAIL_TIMEOUT: Duration = Duration::from_secs(120);
/// How long a command that tells somebody may run, once for each check.
pub const NOTIFY_COMMAND_TIMEOUT: Duration = Duration::from_secs(60);
/// Bytes of an answer of a receiver that are read.
pub const NOTIFY_REPLY_MAX_BYTES: usize = 64 * 1024;
/// Characters of what a receiver or a command said that are kept as the reason of a failure.
pub const NOTIFY_REASON_MAX_CHARS: usize = 200;
/// Bytes of a variable in the environment of a command that tells somebody; the kernel takes 128 KiB.
pub const NOTIFY_MACRO_MAX_BYTES: usize = 64 * 1024;
/// Characters of the subject of a message.
pub const NOTIFY_SUBJECT_MAX_CHARS: usize = 150;
/// Alerts that the text of a message describes; further ones are counted.
pub const NOTIFY_TOLD_MAX: usize = 20;
/// Graphs in the text of a message.
pub const NOTIFY_GRAPHS_MAX: usize = 3;
/// Bytes of the text of a message; what is left out is said.
pub const NOTIFY_TEXT_MAX_BYTES: usize = 48 * 1024;
/// Further lines of what a plugin printed, or of an annotation, in a message; of more their number is told.
pub const NOTIFY_LONG_TEXT_MAX_LINES: usize = 20;
/// Checks that a message names as having changed with an alert: the newest.
pub const NOTIFY_TOGETHER_MAX: usize = 8;
/// Looks at a read of the store for a message, each after 1024 runs, before it is given up.
pub const NOTIFY_LOOKS_MAX: u32 = 1024;
/// How long the past is read for one message, and for all messages of a command that is run for each check, before it goes without the
/// rest of it, which it says.
pub const NOTIFY_PAST_READ_MAX: Duration = Duration::from_secs(1);
/// How long the first alert of a group waits for others, unless the configuration says otherwise.
pub const NOTIFY_GROUP_WAIT: Duration = Duration::from_secs(30);
/// Between two messages with news about a group, unless the configuration says otherwise.
pub const NOTIFY_GROUP_INTERVAL: Duration = Duration::from_secs(5 * 60);
/// Between two messages about a group without news, unless the configuration says otherwise.
pub const NOTIFY_REPEAT_INTERVAL: Duration = Duration::from_secs(4 * 3600);
/// Between two messages of what fires to a medium that keeps states, unless the configuration says otherwise.
pub const NOTIFY_RESEND: Duration = Duration::from_secs(60);
/// Shortest of the intervals in which a target is told again.
pub const NOTIFY_INTERVAL_MIN: Duration = Duration::from_secs(1);
/// Targets of notifications.
pub const NOTIFY_TARGETS_MAX: usize = 64;
/// Conditions that are given together: of a target, an inhibition, a silence.
pub const NOTIFY_MATCHERS_MAX: usize = 16;
/// Bytes of a condition on a label.
pub const NOTIFY_MATCHER_MAX_BYTES: usize = 512;
/// Alerts that the notifier follows at once; further ones are told when others are over, and counted meanwhile.
pub const NOTIFY_ALERTS_MAX: usize = 5000;
/// Bytes that all alerts that are followed may take in the note of a target, without their texts; further ones are told when others are
/// over, and counted meanwhile.
pub const NOTIFY_NOTED_BYTES_MAX: usize = NOTE_BYTES_MAX - 1024;
/// Alerts of one message; further ones that are owed go into the next.
pub const NOTIFY_MESSAGE_ALERTS_MAX: usize = 100;
/// Messages that are sent at once; further ones wait.
pub const NOTIFY_DELIVERIES_MAX: usize = 32;
/// How long a message counts among these at most: one to a receiver that hangs makes way for others, while it goes on. All that there
/// can be are one for each target, each event handler and each trial.
pub const NOTIFY_SLOT_MAX: Duration = Duration::from_secs(3);
const _: () = assert!(NOTIFY_SLOT_MAX.as_secs() < NOTIFY_DELIVERY_TIMEOUT.as_secs());
/// Messages that were sent and whose end the agent has not looked at.
pub const NOTIFY_DELIVERIES_QUEUE_MAX: usize = 256;
/// How long the delivery of a message may take, whatever the medium, before it counts as failed.
pub const NOTIFY_DELIVERY_TIMEOUT: Duration = Duration::from_secs(120);
/// How long the end of the agent waits for deliveries under way.
pub const NOTIFY_DRAIN: Duration = Duration::from_secs(3);
const _: () = assert!(NOTIFY_DRAIN.as_secs() < DRAIN.as_secs());
/// How long a target that failed is left alone at first; twice as long each time.
pub const NOTIFY_RETRY_MIN: Duration = Duration::from_secs(1);
/// The same at most. It is tried again for ever.
pub const NOTIFY_RETRY_MAX: Duration = Duration::from_secs(60);
/// A target that fails for longer than this is a warning.
pub const NOTIFY_FAILING_LONG: Duration = Duration::from_secs(300);
/// An alert that is owed to a target for longer than this is a warning, where it is not muted, and its group need not wait.
pub const NOTIFY_OVERDUE: Duration = Duration::from_secs(300);
/// Silences that are kept at once; further ones are refused.
pub const NOTIFY_SILENCES_MAX: usize = 500;
/// Bytes of the comment on a silence or an acknowledgement; longer ones are refused.
pub const NOTIFY_COMMENT_MAX_BYTES: usize = 256;
/// Bytes of the name of its author; longer ones are refused.
pub const NOTIFY_AUTHOR_MAX_BYTES: usize = 64;
/// Between two notes of what is owed to a target, unless a delivery begins or ends.
pub const NOTIFY_NOTE_GATHER: Duration = Duration::from_secs(1);
/// The same after a delivery that told a target that keeps states what it knew.
pub const NOTIFY_NOTE_RESENT: Duration = Duration::from_secs(10);
/// How long a message, or the answer to an acknowledgement or a silence, waits until the store has what belongs to it. After
/// that a message is sent all the same.
pub const NOTIFY_NOTE_WAIT_MAX: Duration = Duration::from_secs(2);
const _: () = assert!(RECORD_RETRY.as_millis() < NOTIFY_NOTE_WAIT_MAX.as_millis());
/// Bytes of the texts of an alert that are noted, each.
pub const NOTIFY_NOTE_TEXT_MAX_BYTES: usize = 256;
/// Targets that are tried by hand at once; further trials are refused.
pub const NOTIFY_TRIALS_MAX: usize = 8;
/// Event handlers that run at once; further ones are not run, and counted.
pub const NOTIFY_HANDLERS_MAX: usize = 64;
/// Alerts of a target that `custos notify status` names; it says how many more there are.
pub const NOTIFY_REPORTED_MAX: usize = 100;
const _: () = assert!(NOTIFY_TEXT_MAX_BYTES < NOTIFY_MACRO_MAX_BYTES);
