//! What the agent asks of the shim, and what the shim reports.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use crate::language::Warm;
use crate::limits::OUTPUT_MAX_BYTES;

/// The user that a plugin runs as. Only a shim running as root can change it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// User id.
    pub uid: u32,
    /// Primary group id.
    pub gid: u32,
    /// Supplementary group ids.
    pub groups: Vec<u32>,
}

/// Bounds that the kernel enforces on one plugin; none means the shim's own limit is inherited.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// RLIMIT_AS, in bytes.
    pub address_space_bytes: Option<u64>,
    /// RLIMIT_CPU, in seconds.
    pub cpu_s: Option<u64>,
    /// RLIMIT_NPROC: processes of that user, in all.
    pub processes: Option<u64>,
    /// RLIMIT_NOFILE.
    pub open_files: Option<u64>,
}

/// A class of input and output, as `ionice` has them, with a level within it from 0 (first) to 7.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IoPriority {
    /// Before all others; for root only.
    RealTime(u8),
    /// The ordinary class.
    BestEffort(u8),
    /// When nobody else wants the disk.
    Idle,
}

/// One plugin to be run: everything about it, nothing inherited from the agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// Program (an absolute path, or a name looked up in `PATH` of `env`) and its arguments. Empty only if
    /// `shell_line` is to be run by the shell.
    pub argv: Vec<OsString>,
    /// A line for `sh -c`. What runs it is in a process group of its own, but does not lead it, as what a shell starts
    /// does not and so may begin its own.
    ///
    /// If `argv` has words, they are those of the line, and the program is started in the place of the shell: where it
    /// cannot be executed, the shell is, and says why in the words that people know; where a signal ends it, it is
    /// reported to have exited with 128 and the signal's number, as the shell would.
    pub shell_line: Option<OsString>,
    /// The whole environment. The shim adds `CUSTOS_RUN`, by which it knows processes that escaped their session,
    /// unless `leave_background` is set.
    pub env: Vec<(OsString, OsString)>,
    /// What it finds at its stdin; if empty, that is /dev/null.
    pub stdin: Vec<u8>,
    /// Working directory.
    pub cwd: PathBuf,
    /// The user to run as, if another than the shim's own.
    pub credentials: Option<Credentials>,
    /// Niceness to add, -20 to 19; 0 leaves it.
    pub nice: i8,
    /// How the kernel ranks its reads and writes, if other than by its niceness.
    pub io_priority: Option<IoPriority>,
    /// Kernel limits.
    pub limits: Limits,
    /// Sets `no_new_privs`: setuid programs (such as `sudo` or `check_icmp`) then gain nothing.
    pub no_new_privileges: bool,
    /// Whose fork may run it, if it is a script; see [`Script`](crate::Script).
    pub warm: Warm,
    /// Leaves processes alone that outlive the plugin, as programs that start services in the background rely on. A
    /// timeout ends the plugin's process group all the same.
    pub leave_background: bool,
    /// Waits for the output of processes that are left alone. While they hold the plugin's stdout, what they print within
    /// a second of its end is output of the plugin; if it printed nothing, all is that comes before the timeout. Otherwise
    /// what the plugin's pipes hold at its end is its output.
    pub await_background: bool,
    /// How long the plugin may run before it is ended.
    pub timeout: Duration,
    /// How long after TERM the process group is given before KILL.
    pub grace: Duration,
    /// Bytes of stdout kept; what follows is read and dropped.
    pub stdout_max_bytes: usize,
    /// Bytes of stderr kept; what follows is read and dropped.
    pub stderr_max_bytes: usize,
}

impl Spec {
    /// A plugin that may run for so long, as the shim's own user in the directory `/`, with an empty environment, without
    /// grace and without further limits. As much of its output is kept as a shim keeps of any.
    pub fn new(argv: Vec<OsString>, timeout: Duration) -> Spec {
        Spec {
            argv,
            shell_line: None,
            env: Vec::new(),
            stdin: Vec::new(),
            cwd: PathBuf::from("/"),
            credentials: None,
            nice: 0,
            io_priority: None,
            limits: Limits::default(),
            no_new_privileges: false,
            warm: Warm::default(),
            leave_background: false,
            await_background: true,
            timeout,
            grace: Duration::ZERO,
            stdout_max_bytes: OUTPUT_MAX_BYTES,
            stderr_max_bytes: OUTPUT_MAX_BYTES,
        }
    }
}

/// How a plugin ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It exited with this status.
    Exited(u8),
    /// A signal that the shim did not send ended it.
    Signalled(u8),
    /// It ran longer than its timeout and was ended.
    TimedOut,
    /// It could not be started.
    NotStarted {
        /// The system's error number.
        errno: i32,
        /// What failed, with the path, such as `failed to execute /opt/x: Permission denied`.
        message: String,
    },
    /// The shim ended, or was told to end, before the plugin did.
    NotFinished,
    /// It ran longer than its timeout, and not even KILL ended it: it hangs in the kernel and was given up.
    Stuck,
}

/// What came of one plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// How it ended.
    pub outcome: Outcome,
    /// The head of its stdout.
    pub stdout: Vec<u8>,
    /// Bytes it wrote to stdout in all, kept or dropped.
    pub stdout_bytes: u64,
    /// The head of its stderr.
    pub stderr: Vec<u8>,
    /// Bytes it wrote to stderr in all, kept or dropped.
    pub stderr_bytes: u64,
    /// From when the agent asked for it to its start, in microseconds of monotonic time.
    pub wait_us: u64,
    /// From start to end, in microseconds of monotonic time.
    pub wall_us: u64,
    /// User and system time of the plugin and the children it waited for, in microseconds.
    pub cpu_us: u64,
    /// Peak resident memory, in bytes. Never less than the shim's own few megabytes: the kernel counts those as
    /// the plugin's, from the moment between its start and its `execve`.
    pub max_rss_bytes: u64,
    /// Processes that were found to have outlived the plugin, and were ended. What [`Spec::leave_background`] leaves alone
    /// does not count.
    pub left_behind: u32,
    /// Whether a fork of a warm interpreter ran it.
    pub warm: bool,
}

impl Report {
    /// The report of a plugin that never ran, or of which nothing is known.
    pub fn without_run(outcome: Outcome) -> Report {
        Report {
            outcome,
            stdout: Vec::new(),
            stdout_bytes: 0,
            stderr: Vec::new(),
            stderr_bytes: 0,
            wait_us: 0,
            wall_us: 0,
            cpu_us: 0,
            max_rss_bytes: 0,
            left_behind: 0,
            warm: false,
        }
    }
}
