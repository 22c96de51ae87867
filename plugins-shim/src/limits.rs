//! The bounds of the shim. What exceeds one is counted or refused with an error that names it.

use std::time::Duration;

/// Plugins that run at once; a further one is not started.
pub const RUNS_MAX: usize = 4096;
/// The most that may be kept of one output, whatever the agent asks for.
pub const OUTPUT_MAX_BYTES: usize = 8 * 1024 * 1024;
/// The longest frame between agent and shim, without its length field.
pub const FRAME_MAX_BYTES: usize = 18 * 1024 * 1024;
/// Bytes read from a pipe or a socket at once.
pub(crate) const READ_BYTES: usize = 64 * 1024;
/// Bytes drained from one pipe before other events are looked at. Also the most that is drained once the plugin
/// has ended, so that a grandchild that writes for ever delays nothing.
pub(crate) const DRAIN_MAX_BYTES: u64 = 1024 * 1024;
/// A plugin that is still there after this has its output read while it runs; until then its pipes hold it.
pub(crate) const WATCH_AFTER: Duration = Duration::from_millis(20);
/// How long the output of a plugin that has ended is waited for while others hold it open, if there is some already.
pub(crate) const OUTPUT_WAIT: Duration = Duration::from_secs(1);
/// Outputs that are read on because processes that plugins have left behind hold them; the oldest makes way.
pub(crate) const LEFT_OPEN_MAX: usize = 256;
/// What such a process may print to stdout before that is closed.
pub(crate) const LEFT_STDOUT_MAX_BYTES: u64 = 1024 * 1024;
/// Reports that wait for a slow agent; beyond it no further plugin is started.
pub(crate) const OUTBOUND_MAX_BYTES: usize = 4 * 1024 * 1024;
/// Between two writes of reports that nobody waits for.
pub(crate) const GATHER: Duration = Duration::from_millis(5);
/// Gathered reports are sent at once when they are more than this.
pub(crate) const GATHER_MAX_BYTES: usize = 16 * 1024;
/// Events taken off the kernel in one turn of the worker.
pub(crate) const EVENTS_PER_TURN_MAX: usize = 256;
/// Plugins started before other events are looked at.
pub(crate) const STARTS_PER_TURN_MAX: usize = 4;
/// After KILL, a process that is still there hangs in the kernel and is given up.
pub(crate) const KILL_WAIT: Duration = Duration::from_secs(1);
/// How long the shim waits at its end for what it killed.
pub(crate) const END_WAIT: Duration = Duration::from_secs(2);
/// How long the guard waits for the worker when the agent has ended; then it kills the worker.
pub(crate) const WORKER_END_WAIT: Duration = Duration::from_secs(4);
/// Between two looks at escaped processes that are being ended.
pub(crate) const STRAYS_LOOK: Duration = Duration::from_millis(5);
/// Processes left behind by one plugin that are counted for its report.
pub(crate) const LEFT_BEHIND_COUNTED_MAX: usize = 4096;
/// Groups that are remembered as spared before those without processes are forgotten.
pub(crate) const SPARED_GROUPS_MAX: usize = 4096;
/// Processes, left in the background by one command, that are moved out of the worker's control group.
pub(crate) const RELEASED_MAX: usize = 4096;
/// Looks at what is left in that group before it is given up to remove it.
pub(crate) const LEAVE_ROUNDS_MAX: usize = 100;
/// Bytes of a process's environment that are searched for the mark of a run.
pub(crate) const ENVIRON_MAX_BYTES: u64 = 256 * 1024;
/// Between two looks at a plugin of another user that has not executed its program yet.
pub(crate) const START_LOOK: Duration = Duration::from_millis(20);
/// After the last start of such a plugin, the thread that watches them sleeps.
pub(crate) const START_WATCH_LINGER: Duration = Duration::from_secs(1);
/// For so long no plugin of a user is started after one of them was stopped before it could execute its program.
pub(crate) const STOPPED_PENALTY: Duration = Duration::from_secs(1);
/// Users that are barred so at the same time.
pub(crate) const STOPPED_USERS_MAX: usize = 1024;
/// Looks through all processes for those that an earlier shim has left, at the start.
pub(crate) const ORPHAN_ROUNDS_MAX: usize = 100;
/// How long beyond its deadline the report of a plugin is waited for where there is no agent.
pub(crate) const SILENCE_MAX: Duration = Duration::from_secs(5);
/// The longest timeout or grace: a year. Longer ones are cut to it.
pub(crate) const WAIT_MAX: Duration = Duration::from_secs(366 * 86_400);

// A start that is stopped costs the others well below the 200 ms that they are promised.
const _: () = assert!(START_LOOK.as_millis() * 3 < 200);
const _: () = assert!(GATHER_MAX_BYTES < OUTBOUND_MAX_BYTES);
const _: () = assert!(2 * OUTPUT_MAX_BYTES + READ_BYTES < FRAME_MAX_BYTES);
const _: () = assert!(FRAME_MAX_BYTES < u32::MAX as usize);

/// Descriptors that a helper is given: its settings and sockets. The kernel takes 253 at a time.
pub(crate) const HELPER_DESCRIPTORS_MAX: usize = 65;

/// Warm interpreters of one worker; what would need a further one runs cold.
pub(crate) const WARM_PARENTS_MAX: usize = 8;
/// Forks of one warm interpreter before it is replaced.
pub(crate) const WARM_RUNS_MAX: u64 = 10_000;
/// What the memory of a warm interpreter may grow by before it is replaced.
pub(crate) const WARM_GROWTH_MAX_BYTES: u64 = 16 * 1024 * 1024;
/// Between two looks at whether a warm interpreter, or a file that it has loaded, has changed.
pub(crate) const WARM_LOOK: Duration = Duration::from_secs(1);
/// A warm interpreter that nothing was run by for so long is ended.
pub(crate) const WARM_IDLE_MAX: Duration = Duration::from_secs(15 * 60);
/// How long the start of a warm interpreter may take.
pub(crate) const WARM_START_MAX: Duration = Duration::from_secs(30);
/// A warm interpreter whose fork says nothing for so long is killed, and after as long again the fork.
pub(crate) const WARM_ANSWER_MAX: Duration = Duration::from_secs(3);
/// For so long no warm interpreter is started where one could not be.
pub(crate) const WARM_REFUSED: Duration = Duration::from_secs(5 * 60);
/// Words, variables and what else a warm run is given, in bytes; with more it runs cold.
pub(crate) const WARM_REQUEST_MAX_BYTES: usize = 64 * 1024;
/// Files that a warm interpreter is watched by; with more of them it is not used.
pub(crate) const WARM_FILES_MAX: usize = 4096;

const _: () = assert!(WARM_PARENTS_MAX < RUNS_MAX && WARM_REQUEST_MAX_BYTES < OUTPUT_MAX_BYTES);
