//! The bounds of the agent, with their defaults. What exceeds one is counted and shown.

mod history;
mod import;
mod judge;
mod live;
mod native;
mod nats;
mod notify;
mod sink;
mod stream;
mod submit;
mod terminal;
mod traps;

pub use history::*;
pub use import::*;
pub use judge::*;
pub use live::*;
pub use native::*;
pub use nats::*;
pub use notify::*;
pub use sink::*;
pub use stream::*;
pub use submit::*;
pub use terminal::*;
pub use traps::*;

use std::time::Duration;

/// Bytes of a plugin's stdout that are kept (`docs/plugin-output.md#bounds`); the rest is read and dropped.
pub const STDOUT_MAX_BYTES: usize = 256 * 1024;
/// Bytes of a plugin's stderr that are kept.
pub const STDERR_MAX_BYTES: usize = 4 * 1024;
/// Reports that wait for the event loop; beyond it the shim waits, and with it the plugins' starts.
pub const REPORT_QUEUE_MAX: usize = 1024;
/// Reports that are handled before the event loop looks at anything else.
pub const REPORTS_PER_TURN_MAX: usize = 64;
/// Shims that may start plugins side by side on a machine of one CPU; otherwise one for each CPU, up to the most.
pub const SHIMS_MIN: usize = 2;
/// See [`SHIMS_MIN`].
pub const SHIMS_MAX: usize = 8;
/// Plugins that each shim must be holding before a further shim is started.
pub const SHIM_CROWD: usize = 4;
/// A shim that owes the report of a plugin whose deadline has passed and has sent nothing for so long is replaced.
pub const SHIM_SILENCE_MAX: Duration = Duration::from_secs(5);
/// Between two looks at whether a shim that owes a report is stopped or traced. Of a stop the kernel tells at once.
pub const SHIM_LOOK: Duration = Duration::from_millis(100);
/// A shim that is stopped more often than this within [`SHIM_STOPS_WINDOW`] is replaced.
pub const SHIM_STOPS_MAX: usize = 5;
/// See [`SHIM_STOPS_MAX`].
pub const SHIM_STOPS_WINDOW: Duration = Duration::from_secs(10);
/// Programs that are named as suspects when a shim was stopped.
pub const SHIM_SUSPECTS_MAX: usize = 8;
/// For so long after a shim was last stopped or replaced, the agent's check of itself says so.
pub const SHIM_INTERFERENCE_SHOWN: Duration = Duration::from_secs(600);
/// Pause before a shim that ended is replaced, doubled with each failure to do so.
pub const SHIM_BACKOFF: Duration = Duration::from_millis(20);
/// Longest such pause.
pub const SHIM_BACKOFF_MAX: Duration = Duration::from_secs(5);
/// Longest wait for the shim's end when the agent stops; then it is cut off, and ends by itself.
pub const SHIM_STOP_MAX: Duration = Duration::from_secs(5);
/// Commands that tell somebody, and event handlers, that wait for the event loop; whoever wants a further one run waits.
pub const COMMAND_QUEUE_MAX: usize = 64;
/// Bytes that are kept of either output of such a command, for the reason of its failure.
pub const COMMAND_OUTPUT_MAX_BYTES: usize = 4 * 1024;
/// Bytes of one answer of a mail server.
pub const SMTP_REPLY_MAX_BYTES: usize = 16 * 1024;
/// Bytes of a file of certificate authorities.
pub const AUTHORITIES_MAX_BYTES: u64 = 4 * 1024 * 1024;
/// Bytes of the subject of a mail.
pub const MAIL_SUBJECT_MAX_BYTES: usize = 400;
/// Alerts by which a mail is put into threads.
pub const MAIL_REFERENCES_MAX: usize = 20;
// The text of a message is a variable of a command, whole.
/// Between TERM and KILL for a plugin that ran too long.
pub const GRACE: Duration = Duration::from_secs(2);
/// Shortest interval between two runs of a check.
pub const CHECK_INTERVAL_MIN: Duration = Duration::from_millis(100);
/// Longest interval, timeout or `for`: a year.
pub const INTERVAL_MAX: Duration = Duration::from_secs(366 * 86_400);
/// Most attempts before a state is hard.
pub const CHECK_ATTEMPTS_MAX: u32 = 1000;
/// Longest name of a check, in bytes.
pub const CHECK_NAME_MAX_BYTES: usize = 255;
/// Largest configuration file, in bytes.
pub const CONFIG_MAX_BYTES: u64 = 16 * 1024 * 1024;
/// How long a configuration, a rule file or a test file that is a pipe is read.
pub const CONFIG_PIPE_PATIENCE: Duration = Duration::from_secs(10);
/// Most files that one configuration may include.
pub const CONFIG_FILES_MAX: usize = 10_000;
/// Deepest nesting of lists and mappings in a configuration file.
pub const CONFIG_DEPTH_MAX: usize = 64;
/// Most values in a configuration file, those that aliases repeat included.
pub const CONFIG_NODES_MAX: usize = 1_000_000;
/// Most files that include one another in a chain.
pub const CONFIG_INCLUDE_DEPTH_MAX: usize = 32;
/// Mistakes in a configuration that are listed; further ones are counted.
pub const CONFIG_MISTAKES_MAX: usize = 1000;
/// How late the first run of a check may be before `status --exit-code` no longer takes it for well.
pub const STATUS_LATE_MAX: Duration = Duration::from_secs(60);
/// Known words that unknown ones of a configuration are compared with, all mistakes together, before no further
/// suggestion is made.
pub const CONFIG_COMPARISONS_MAX: usize = 250_000;
/// Names of checks in a message about a ring of dependencies; further ones are counted.
pub const CONFIG_RING_NAMED_MAX: usize = 20;
/// Names that a message lists as the possible ones; of more it tells the number.
pub const CONFIG_CHOICES_NAMED_MAX: usize = 20;
/// Longest message about a mistake, in characters; the rest is cut.
pub const CONFIG_MESSAGE_MAX_CHARS: usize = 1000;
/// Periods that exclude one another in a row.
pub const PERIOD_EXCLUDE_DEPTH_MAX: usize = 8;
/// Days within which it is looked for when a period opens or closes; beyond them it counts as never.
pub const PERIOD_LOOKAHEAD_DAYS: i64 = 400;
/// Changes of the clocks that are passed on the way there; four a year where there is Ramadan, a few more in history.
pub const PERIOD_TRANSITIONS_MAX: usize = 16;
/// Openings of a period that are passed when slots are counted after a long standstill; slots beyond them count as
/// not due.
pub const PERIOD_CHANGES_MAX: usize = 100_000;
/// Shortest timeout of a plugin.
pub const TIMEOUT_MIN: Duration = Duration::from_millis(100);
/// Shortest and longest interval between two syncs of the store.
pub const SYNC_INTERVAL_MIN: Duration = Duration::from_millis(10);
/// See [`SYNC_INTERVAL_MIN`].
pub const SYNC_INTERVAL_MAX: Duration = Duration::from_secs(3600);
/// Most plugins that may be allowed to run at once.
pub const CONCURRENT_CHECKS_MAX: usize = 10_000;
/// Plugins that run at once on each CPU unless the configuration says otherwise: most of them only wait.
pub const CONCURRENT_CHECKS_PER_CPU: usize = 16;
/// Longest name of the host, in bytes.
pub const HOST_NAME_MAX_BYTES: usize = 255;
/// Requests that may wait for one check, or for a slot to run a command line in; further ones are refused.
pub const ASK_QUEUE_MAX: usize = 1024;
/// Checks without a definition, such as commands of `nrpe.cfg`, whose state is kept in memory. Beyond it a quarter of the
/// idle ones is forgotten, those first that ran longest ago; they start anew when they are asked for again.
pub const ON_DEMAND_CHECKS_MAX: usize = 20_000;
/// Runs that wait for the store while it is slow or cannot be written; further ones are dropped and counted.
pub const RECORD_QUEUE_MAX_RUNS: usize = 65_536;
/// Bytes of runs that wait for the store, whatever their number.
pub const RECORD_QUEUE_MAX_BYTES: usize = 32 * 1024 * 1024;
/// How long what a counter showed is remembered for the next rate; after a longer time without it, it begins anew.
pub const RATE_MEMORY: Duration = Duration::from_secs(7 * 24 * 3600);
/// Notes that wait for the store; further ones are lost, and the log names them.
pub const RECORD_NOTES_MAX: usize = 10_000;
/// Notes that could not be written which the agent's own check counts; the log names all.
pub const RECORD_NOTES_LOST_MAX: usize = 64;
/// Runs that the store is given in one write.
pub const RECORD_BATCH_MAX_RUNS: usize = 1024;
/// Bytes of runs in one write, near enough: a small part of a log, so that little room is enough to go on.
pub const RECORD_BATCH_MAX_BYTES: usize = 1024 * 1024;
/// Between two writes of runs, unless somebody waits for what one of them says.
pub const RECORD_GATHER: Duration = Duration::from_millis(20);
/// Between two attempts at a store that refuses.
pub const RECORD_RETRY: Duration = Duration::from_secs(1);
/// Between two looks whether the store that is written is still the one at its path.
pub const RECORD_LOOK: Duration = Duration::from_secs(1);
/// How long the agent's own check is WARNING after the store was taken away and recording went on in another.
pub const RECORD_REPLACED_SHOWN: Duration = Duration::from_secs(24 * 3600);
/// How long `custos check` waits for a store that another process is writing to, such as another `custos check`.
pub const CHECK_LOCK_WAIT: Duration = Duration::from_secs(2);
/// Between two looks whether that process is done.
pub const CHECK_LOCK_LOOK: Duration = Duration::from_millis(20);
/// A forecast goes by the runs of so long before now.
pub const FORECAST_SPAN: Duration = Duration::from_secs(14 * 86_400);
/// With a shorter history nothing is forecast: the same few runs could be any number a day.
pub const FORECAST_HISTORY_MIN: Duration = Duration::from_secs(3600);
/// Figures of a store with a shorter history are said to be young.
pub const STORE_YOUNG: Duration = Duration::from_secs(86_400);
/// A run may be so far ahead of now before the clock is taken to have been wrong.
pub const RUNS_AHEAD_MIN: Duration = Duration::from_secs(60);
/// When more runs than this wait to be stored, they are written at once rather than gathered.
pub const RECORD_HURRY_RUNS: usize = 2048;
/// A write of runs that takes longer than this counts as a fault: the disk stalls.
pub const RECORD_STALL: Duration = Duration::from_secs(10);
/// How long the end of the agent waits for the last runs to be stored.
pub const RECORD_FINISH_MAX: Duration = Duration::from_secs(20);
/// How long the start of the agent waits for the store to be opened for writing; then it goes on without.
pub const RECORD_OPEN_MAX: Duration = Duration::from_secs(5);
/// Commands that may wait for the agent's answer at once; further ones are refused. Also connections that may wait to send
/// their request; when one more comes, the one that waits longest is refused.
pub const CONTROL_CONNECTIONS_MAX: usize = 64;
/// Longest request of a command to the agent; of a result that is submitted each byte may take six.
pub const CONTROL_REQUEST_MAX_BYTES: u64 = 512 * 1024;
/// Time for a command to send its request.
pub const CONTROL_REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// Time for a command to take its answer.
pub const CONTROL_ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// Requests of commands on their way to the agent.
pub const CONTROL_QUEUE_MAX: usize = 64;
/// How often the agent gives a sign of life to whoever waits for an answer.
pub const CONTROL_SIGN_OF_LIFE: Duration = Duration::from_millis(200);
/// How long the agent may give none before a command says that it does not answer.
pub const CONTROL_SILENCE_MAX: Duration = Duration::from_millis(900);
/// The longest answer that a command reads from an agent.
pub const CONTROL_ANSWER_MAX_BYTES: u64 = 64 * 1024 * 1024;
const _: () = assert!(CONTROL_SIGN_OF_LIFE.as_millis() * 4 <= CONTROL_SILENCE_MAX.as_millis());
/// Intervals that a check of low priority waits behind all others before it counts as one of them.
pub const LOW_PRIORITY_PATIENCE_INTERVALS: u32 = 8;
/// From this on, starts that are late on the average are an overload.
pub const OVERLOAD_LATENESS: Duration = Duration::from_secs(1);
/// Checks that are named for taking the most time when there is an overload.
pub const OVERLOAD_CHECKS_NAMED: usize = 3;
/// Between two looks at how the parts of the agent are doing, each of which also writes the notes that changed.
pub const HEALTH_LOOK: Duration = Duration::from_secs(1);
/// Between two entries of the agent's check of itself, unless its state changes.
pub const AGENT_CHECK_INTERVAL: Duration = Duration::from_secs(10);
/// The oldest report on itself by which the agent, or the store without it, answers a request for it.
pub const AGENT_CHECK_AGE_MAX: Duration = Duration::from_secs(30);
const _: () = assert!(AGENT_CHECK_AGE_MAX.as_secs() >= 2 * AGENT_CHECK_INTERVAL.as_secs());
/// Between two attempts to start a listener of the agent, for NRPE or for traps, that could not be started.
pub const LISTENER_RETRY: Duration = Duration::from_secs(5);
/// A reload that reads for longer than this is a warning.
pub const RELOAD_LONG: Duration = Duration::from_secs(30);
/// How long plugins may go on after SIGTERM before they are ended.
pub const DRAIN: Duration = Duration::from_secs(10);
/// Lines of the agent's log that wait for the journal or stderr; further ones are dropped and counted.
pub const LOG_QUEUE_MAX_LINES: usize = 4096;
/// How long the end of the agent waits for the last of them to be written.
pub const LOG_FLUSH_MAX: Duration = Duration::from_secs(1);
/// Runs of one check that are read back at the start to go on where it stood.
pub const HISTORY_MAX_RUNS: usize = 10_000;
/// Problems with the output of one run that its record names; further ones are counted there.
pub const REMARKS_MAX: usize = 4;
/// Damaged parts of the store that a command tells one by one; further ones are counted.
pub const DAMAGE_TOLD_MAX: u64 = 10;
/// Columns of the text of a check in `custos status`, however wide the terminal is; what is longer is cut.
pub const STATUS_TEXT_MAX_COLUMNS: usize = 300;
/// Series that one graph shows; it says how many more there are.
pub const GRAPH_SERIES_MAX: usize = 16;
const _: () = assert!(STDERR_MAX_BYTES <= STDOUT_MAX_BYTES);
const _: () =
    assert!(RECORD_BATCH_MAX_RUNS <= RECORD_HURRY_RUNS && RECORD_HURRY_RUNS < RECORD_QUEUE_MAX_RUNS);
const _: () = assert!(RECORD_BATCH_MAX_BYTES < RECORD_QUEUE_MAX_BYTES);

/// Between TERM and KILL for a command of `nrpe.cfg` that ran too long: nrpe sends both at once, and pollers count on
/// the answer.
pub const NRPE_GRACE: Duration = Duration::ZERO;
/// Connections that may wait for a request to arrive. When one more comes, the one that waits longest is closed.
pub const NRPE_WAITING_MAX: usize = 8192;
/// Descriptors that the agent wants to be allowed when it serves NRPE.
pub const NRPE_DESCRIPTORS: u64 = 12_288;
/// Requests that may be in execution or waiting for it; further ones are answered with UNKNOWN at once.
pub const NRPE_REQUESTS_MAX: usize = 1024;
/// Requests on their way to the agent.
pub const NRPE_REQUEST_QUEUE_MAX: usize = 256;
/// Time for a TLS handshake and a whole request, unless `connection_timeout` says otherwise.
pub const NRPE_REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// Time for a client to take its answer.
pub const NRPE_ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// Time for the agent to report beyond the timeout of a command, before the listener gives up on it.
pub const NRPE_REPORT_GRACE: Duration = Duration::from_secs(10);
/// Connections that the kernel may hold until they are accepted, unless `listen_queue_size` asks for more.
pub const NRPE_BACKLOG_MIN: u32 = 1024;
/// Descriptors that a service manager may hand over; those beyond are not looked at.
pub const INHERITED_DESCRIPTORS_MAX: i32 = 64;
/// Sockets that one `server_address` may resolve to.
pub const NRPE_LISTENERS_MAX: usize = 16;
/// Bytes that are read of a request that has not begun, as most clients that are waited for never send any.
pub const NRPE_FIRST_READ_BYTES: usize = 16;
/// Bytes read at a time from a client.
pub const NRPE_READ_BYTES: usize = 4096;
/// Bytes that are read and dropped after a request, before the connection is closed.
pub const NRPE_DRAIN_MAX_BYTES: usize = 64 * 1024;
/// About as much of a request's arguments is kept with its run.
pub const NRPE_ARGUMENTS_KEPT_MAX_BYTES: usize = 256;
/// Longest reason put behind "Unable to read output".
pub const NRPE_REASON_MAX_BYTES: usize = 300;
/// An answer with a graph below it is no longer than that, which is what Nagios keeps of the output of a plugin.
pub const NAGIOS_OUTPUT_MAX_BYTES: usize = 8191;
/// Looks at a read of the store for a graph below an answer, each after 1024 runs, before the graph is given up.
pub const NRPE_GRAPH_LOOKS_MAX: u32 = 256;
/// How often it is looked whether the run of an answer is in the store, before its graph is drawn without it.
pub const NRPE_GRAPH_WAITS_MAX: usize = 15;
/// Between two of these looks.
pub const NRPE_GRAPH_WAIT: Duration = Duration::from_millis(20);
/// Newest runs in which the order of a plugin's metrics is looked for, for a graph.
pub const GRAPH_ORDER_RUNS_MAX: usize = 16;
/// Bytes of a pid file that are read.
pub const PID_FILE_MAX_BYTES: u64 = 64;
/// Bytes of unfinished NRPE requests that are kept over all connections, not counting the first
/// [`NRPE_WAITING_FREE_BYTES`] of each. A request that needs more of them than are left is refused, and counted.
pub const NRPE_WAITING_MAX_BYTES: usize = 16 * 1024 * 1024;
/// Bytes of an unfinished request that every connection may send: more than any that `check_nrpe` sends.
pub const NRPE_WAITING_FREE_BYTES: usize = 4096;
/// Lines of NRPE's log in a second; further ones are counted, and the count is logged. About as many as nrpe itself can cause.
pub const NRPE_LOG_LINES_PER_SECOND: u32 = 1000;
/// Longest line of NRPE's log, in bytes; the rest is cut.
pub const NRPE_LOG_LINE_MAX_BYTES: usize = 4096;
/// Peers whose anonymous TLS has been remarked on; further ones are not.
pub const NRPE_ANONYMOUS_PEERS_MAX: usize = 4096;
/// Memory of connections that ended is given back once there were so many waiting at once.
pub const NRPE_TRIM_WAITING_MIN: usize = 64;
/// ... and this share of them is left, as one part of so many.
pub const NRPE_TRIM_SHARE: usize = 8;
/// Between that and giving it back, so that floods do not cause it all the time.
pub const NRPE_TRIM_DELAY: Duration = Duration::from_secs(1);
/// Time to look up a name of `allowed_hosts` or of `hosts.allow`.
pub const NRPE_LOOKUP_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the addresses of a name are remembered.
pub const NRPE_LOOKUP_TTL: Duration = Duration::from_secs(10);
/// Names whose addresses are remembered.
pub const NRPE_NAMES_MAX: usize = 1024;
/// Lookups of names under way at once: of those that NRPE's lists have, and as many of those of devices.
pub const LOOKUPS_MAX: usize = 8;
/// Bytes of an `nrpe.cfg` or of `hosts.allow`.
pub const NRPE_CONFIG_MAX_BYTES: u64 = 16 * 1024 * 1024;
/// Bytes of a file for TLS: a certificate with its chain, a key, or authorities.
pub const TLS_FILE_MAX_BYTES: u64 = 1 << 20;
/// How long the first bytes of a peer that may not connect are waited for.
pub const NRPE_TURN_AWAY_TIMEOUT: Duration = Duration::from_millis(500);
/// Peers that may not connect whose first bytes are waited for at once; further ones are turned away without.
pub const NRPE_TURN_AWAY_MAX: usize = 64;
/// Pause after a failure to accept a connection, doubled with each further one.
pub const NRPE_ACCEPT_BACKOFF: Duration = Duration::from_millis(5);
/// Longest such pause.
pub const NRPE_ACCEPT_BACKOFF_MAX: Duration = Duration::from_secs(1);
/// Longest query of the client, in bytes, as of the real one.
pub const CHECK_NRPE_QUERY_MAX_BYTES: usize = 2047;
/// Largest text field of version 2 that an option of the client may ask for (`-P`).
pub const CHECK_NRPE_PAYLOAD_MAX_BYTES: usize = 1024 * 1024;
/// Most words in a file of the client's options, as with the real one.
pub const CHECK_NRPE_FILE_WORDS_MAX: usize = 48;
/// Characters of a host's name that the client shows when there is no such host, as the real one.
pub const CHECK_NRPE_HOST_SHOWN_CHARS: usize = 100;
/// Longest community or passphrase, in bytes.
pub const SECRET_MAX_BYTES: usize = 1024;
/// Shortest and longest wait for the answer of a device.
pub const SNMP_TIMEOUT_MIN: Duration = Duration::from_millis(10);
/// See [`SNMP_TIMEOUT_MIN`].
pub const SNMP_TIMEOUT_MAX: Duration = Duration::from_secs(300);
/// Most attempts after the first to get an answer of a device.
pub const SNMP_RETRIES_MAX: u32 = 20;
/// Most rows that one GETBULK may ask for.
pub const SNMP_REPETITIONS_MAX: u32 = 1000;
/// Most objects that one check may ask a device for, or columns of a table.
pub const SNMP_VARIABLES_MAX: usize = 1024;
/// Largest file of a MIB, in bytes.
pub const MIB_FILE_MAX_BYTES: u64 = 8 * 1024 * 1024;
/// Most files of MIBs.
pub const MIB_FILES_MAX: usize = 5000;
/// Most numbers of a name in a MIB file, as many as an object identifier may have (RFC 2578, section 3.5). A file with
/// longer ones is left out.
pub const MIB_DEPTH_MAX: usize = 128;
/// Bytes of all files of MIBs together.
pub const MIB_TOTAL_MAX_BYTES: u64 = 128 * 1024 * 1024;
/// Faults in files of MIBs that are reported one by one; further ones are counted.
pub const MIB_FAULTS_TOLD_MAX: usize = 20;
const _: () = assert!(NRPE_REQUEST_QUEUE_MAX <= NRPE_REQUESTS_MAX);
const _: () = assert!(NRPE_FIRST_READ_BYTES <= NRPE_READ_BYTES);
const _: () = assert!(GRACE.as_millis() < SHIM_STOP_MAX.as_millis());
const _: () = assert!(NRPE_WAITING_MAX + NRPE_REQUESTS_MAX < NRPE_DESCRIPTORS as usize);

/// Variables that are asked for by name in one message. With names of usual length that stays below 1,500 bytes.
pub const SNMP_GET_BATCH_MAX: usize = 40;
/// Variables that one bulk request may bring.
pub const SNMP_BULK_VARBINDS_MAX: usize = 100;
/// Columns of a table that are walked side by side.
pub const SNMP_COLUMNS_AT_ONCE_MAX: usize = 16;
/// Variables that one walk may bring in all.
pub const SNMP_VARBINDS_MAX: usize = 200_000;
/// Rows of one table; further ones are not read, and the run says so.
pub const SNMP_ROWS_MAX: usize = 10_000;
/// Names of the rows of one table that are remembered; of those beyond, the lowest row goes by the name.
pub const SNMP_ROW_NAMES_MAX: usize = 20_000;
/// Rows of one name that are remembered beside the one that goes by it.
pub const SNMP_ROW_TWINS_MAX: usize = 64;
const _: () = assert!(SNMP_ROWS_MAX <= SNMP_ROW_NAMES_MAX);
/// Polls under way at one device at once; further ones wait.
pub const SNMP_DEVICE_POLLS_MAX: usize = 2;
/// Polls that wait for one device; further ones are refused.
pub const SNMP_DEVICE_QUEUE_MAX: usize = 64;
/// Polls that are under way or wait at once; further ones are refused.
pub const SNMP_POLLS_MAX: usize = 8192;
/// Devices of which something is remembered. When there are more, those that are not being asked are forgotten.
pub const SNMP_DEVICES_MAX: usize = 65_536;
/// Ids of requests that ended, which distinguish late answers from strange ones.
pub const SNMP_ENDED_IDS_MAX: usize = 4096;
/// How often one request is sent again because the device reported another engine id or clock.
pub const SNMP_RELEARN_MAX: u32 = 3;
/// Bytes of datagrams that the kernel may hold for the poller.
pub const SNMP_RECEIVE_BUFFER_BYTES: usize = 4 * 1024 * 1024;
/// Datagrams that are read before anything else is looked at.
pub const SNMP_READ_BURST_MAX: usize = 128;
/// How long the address of a device's name is used.
pub const SNMP_LOOKUP_TTL: Duration = Duration::from_secs(60);
/// Names of devices whose addresses are remembered.
pub const SNMP_NAMES_MAX: usize = 10_000;
/// Values in the first line of a poll's text; it says how many more there are.
pub const POLL_TEXT_VALUES_MAX: usize = 6;
/// Further lines of a poll's text: enumerations and texts.
pub const POLL_TEXT_LINES_MAX: usize = 200;
const _: () = assert!(SNMP_COLUMNS_AT_ONCE_MAX <= SNMP_BULK_VARBINDS_MAX);
const _: () = assert!(SNMP_DEVICE_QUEUE_MAX <= SNMP_POLLS_MAX);

/// Steps of a query over a span that gives none, where the terminal has more columns.
pub const QUERY_STEPS_SHOWN: usize = 1000;
/// Bytes that `custos init` reads of one file of a host.
pub const DISCOVERED_FILE_MAX_BYTES: u64 = 8 << 20;
/// Entries that `custos init` reads of one directory of a host.
pub const DISCOVERED_ENTRIES_MAX: usize = 65_536;
/// File systems for which `custos init` proposes a check each.
pub const DISCOVERED_FILE_SYSTEMS_MAX: usize = 64;
/// Network interfaces for which `custos init` proposes a check each.
pub const DISCOVERED_INTERFACES_MAX: usize = 16;
/// Longest name that `custos init` gives a check, in characters, before a number that tells it from others.
pub const DISCOVERED_NAME_MAX_CHARS: usize = 60;
/// Configurations that `custos init --force` replaced and keeps beside the one that it wrote.
pub const CONFIGURATIONS_KEPT_MAX: usize = 100;

/// Times at which the rules of a group are judged over the past before the next of them begins; what they write for one another is
/// held for as many.
pub const REPLAY_STEPS_MAX: usize = 65_536;

/// Times at which rules of a group are judged over the past at least, at once, if several threads share the rules.
pub const SIDE_BY_SIDE_STEPS_MIN: usize = 512;

/// Samples that are kept while rules are judged over the past, 16 bytes each, so that each is read once; further ones are read as often
/// as they are needed.
pub const KEPT_SAMPLES_MAX: usize = 8 << 20;

/// Judgements of rules that are read of their record at once, as far as can be told before.
pub const RECORD_READ_MAX: i64 = 32_768;

/// Times at which the rules of a group are judged over the past, 8 bytes each; a longer time is refused.
pub const JUDGEMENT_TIMES_MAX: usize = 48 << 20;

/// Values of all series that a curve of thresholds is made of, 8 bytes each; a longer time, or more series, is refused.
pub const CURVE_VALUES_MAX: usize = 32 << 20;

/// Thresholds of a curve.
pub const CURVE_POINTS_MAX: usize = 1000;

/// Ways of judging that one backtest tries.
pub const BACKTEST_VARIANTS_MAX: usize = 100;

/// Incidents that are marked in one store.
pub const INCIDENTS_MAX: usize = 1000;

/// Bytes of the text of an incident.
pub const INCIDENT_TEXT_MAX_BYTES: usize = 400;

/// Steps between start and end of a query over HTTP, as in Prometheus.
pub const HTTP_QUERY_STEPS_MAX: i64 = 11_000;
/// Addresses, tokens, origins or names of one list of the `http` section.
pub const HTTP_LIST_MAX: usize = 64;
/// Bytes of a token for HTTP.
pub const HTTP_TOKEN_MIN_BYTES: usize = 16;
/// For how long a request over HTTP is answered from the files of the store that another one has listed. What is appended to
/// the last log is seen at once.
pub const HTTP_LISTING_AGE_MAX: Duration = Duration::from_millis(5);
/// Bytes of the parameters of a request over HTTP that may be answered by the thread that reads it. What such a request may
/// cost is bounded by the next limits.
pub const HTTP_QUICK_BYTES_MAX: usize = 1024;
/// Series that such a request may look through. They must be known already.
pub const HTTP_QUICK_SERIES_MAX: usize = 1000;
/// Samples that such a request may read, of which each series counts for at least a hundred.
pub const HTTP_QUICK_SAMPLES_MAX: u64 = 5000;
/// For how long after another request there may be such a request: what a busy store has got since is little.
pub const HTTP_QUICK_LOOK_AGE_MAX: Duration = Duration::from_secs(1);
/// Connections of HTTP at once; further ones wait to be accepted, and the one that has been idle for the longest gives way.
pub const HTTP_CONNECTIONS_MAX: usize = 512;
/// Connections of HTTP from one client at once: an address, all of this host, or all of a /64 of IPv6. Of further ones each takes the place of
/// the one that has been idle for the longest; where none is, it is closed.
pub const HTTP_CONNECTIONS_PER_CLIENT_MAX: usize = 128;
const _: () = assert!(HTTP_CONNECTIONS_PER_CLIENT_MAX < HTTP_CONNECTIONS_MAX);
/// How long a connection waits for the place of one that is idle, where none is free.
pub const HTTP_GIVE_WAY: Duration = Duration::from_secs(1);
/// Of so many minutes it is said that HTTP was overloaded.
pub const HTTP_STRAIN_MINUTES: usize = 5;
/// How long a handshake of TLS may take for HTTP.
pub const HTTP_HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes of the head of a request over HTTP.
pub const HTTP_HEAD_MAX_BYTES: usize = 64 << 10;
/// How long the head of a request over HTTP may take to come.
pub const HTTP_HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the body of a request over HTTP may take to come.
pub const HTTP_BODY_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of the body of a request over HTTP.
pub const HTTP_BODY_MAX_BYTES: usize = 512 << 10;
/// Queries over HTTP that are answered at once, each by a thread.
pub const HTTP_QUERIES_AT_ONCE: usize = 4;
/// Other requests over HTTP that are answered at once, each by a thread.
pub const HTTP_LISTS_AT_ONCE: usize = 2;
/// Requests over HTTP for the agent's own figures that are answered at once, each by a thread; they wait for no others.
pub const HTTP_FIGURES_AT_ONCE: usize = 1;
/// Bytes of an answer over HTTP.
pub const HTTP_ANSWER_MAX_BYTES: usize = 128 << 20;
/// Points of an answer of which a further thread is worth its start.
pub const HTTP_POINTS_PER_THREAD_MIN: usize = 16 << 10;
/// Bytes of all larger answers over HTTP that their clients have not read yet, but for one of any length; further ones wait.
pub const HTTP_ANSWERS_HELD_BYTES: usize = 128 << 20;
/// Bytes of an answer over HTTP up to which it counts against no bound but that of connections.
pub const HTTP_ANSWER_SMALL_BYTES: usize = 256 << 10;
/// How long an answer over HTTP waits until clients have read others, before it is dropped.
pub const HTTP_ANSWER_WAIT: Duration = Duration::from_secs(2);
/// How long a client may take to read an answer over HTTP.
pub const HTTP_SEND_TIMEOUT: Duration = Duration::from_secs(60);
/// Bytes from which on an answer over HTTP is compressed for clients that ask for it.
pub const HTTP_GZIP_MIN_BYTES: usize = 1024;
/// How long the agent may take to give its figures to its HTTP server.
pub const HTTP_AGENT_PATIENCE: Duration = Duration::from_secs(2);
/// Requests over HTTP that wait for their turn; further ones are refused.
pub const HTTP_QUERIES_WAITING_MAX: usize = 128;
/// How long a query over HTTP may take.
pub const HTTP_QUERY_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a query over HTTP may take while others wait for their turn.
pub const HTTP_QUERY_TIMEOUT_BUSY: Duration = Duration::from_secs(2);
const _: () = assert!(HTTP_QUERY_TIMEOUT_BUSY.as_secs() < HTTP_QUERY_TIMEOUT.as_secs());
/// How long a server over HTTP that ends goes on answering requests that it has.
pub const HTTP_DRAIN: Duration = Duration::from_secs(5);
/// How long the agent waits before it starts a helper process anew that ended, at first; twice as long each time.
pub const HELPER_RESTART_MIN: Duration = Duration::from_millis(500);
/// The same at most.
pub const HELPER_RESTART_MAX: Duration = Duration::from_secs(60);
/// A helper that ran for so long is started anew without a long wait.
pub const HELPER_RESTART_FORGOTTEN: Duration = Duration::from_secs(300);
/// Memory of the agent's HTTP server, in bytes of its data. A query that needs more ends it, and the agent starts another.
pub const HTTP_DATA_MAX_BYTES: u64 = 2 << 30;
/// How much the agent's HTTP server stands back behind everything else for the processor, as `nice` counts.
pub const HTTP_NICE: i32 = 10;
/// Bytes of the settings that the agent gives its HTTP server, the files for TLS and the rules among them.
pub const HTTP_SETTINGS_MAX_BYTES: usize = 32 << 20;
/// Runs of a rule's check that are looked at to find one in which the rule could be judged.
pub const HTTP_RULE_RUNS_MAX: usize = 1000;
/// Most rules that a reload names which are no longer there.
pub const LOST_RULES_NAMED_MAX: usize = 10;
/// How long the annotations of all alerts of a request for rules or alerts may take. Those for which no time is left say so.
pub const HTTP_ANNOTATIONS_MAX: Duration = Duration::from_secs(5);
/// Between two reports of a helper to the agent.
pub const HELPER_REPORT_INTERVAL: Duration = Duration::from_secs(1);
/// How long a helper says nothing to the agent before it is told to go on.
pub const HELPER_SILENCE: Duration = Duration::from_secs(10);
const _: () = assert!(HELPER_SILENCE.as_secs() > HELPER_REPORT_INTERVAL.as_secs());
/// The same span so many times in a row, and it is replaced.
pub const HELPER_SILENCES_MAX: u32 = 3;
/// How long the agent may wait to start a helper anew before that is CRITICAL.
pub const HELPER_MOMENT: Duration = Duration::from_secs(3);
/// Bytes of one report of a helper to the agent.
pub const HELPER_REPORT_MAX_BYTES: usize = 256 << 10;
/// Symbolic links that `custos init` follows to the file that it writes, as many as Linux follows.
pub const LINKS_MAX: usize = 40;
/// Most evaluations of the rules in one test of `custos rules test`.
pub const RULE_TEST_EVALUATIONS_MAX: i64 = 10_000_000;
/// Values of `match[]` in one request over HTTP.
pub const HTTP_MATCH_SETS_MAX: usize = 100;
/// How far behind the run before (ms) a run of the same check may be and still gets the millisecond after it, so that each has a
/// time of its own; further behind, the clock was set back.
pub const RUN_TIME_SHIFT_MAX_MS: i64 = 1000;
