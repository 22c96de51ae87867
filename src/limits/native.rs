//! Limits of what is done in the place of standard plugins.

use std::time::Duration;

/// Threads that do the work of plugins that ask file systems or for names, side by side, beside those that hang.
pub const NATIVE_THREADS_MAX: usize = 4;
/// How often it is looked whether the time of some work is over.
pub const NATIVE_OVERDUE_LOOK: Duration = Duration::from_millis(100);
/// Work that waits for a thread; of more the plugins are run.
pub const NATIVE_QUEUE_MAX: usize = 10_000;
/// Threads that may hang, each held by a file system or a name service that does not answer. With so many the plugins that ask one are
/// run as processes.
pub const NATIVE_STUCK_MAX: usize = 64;
/// Files of plugins of which is remembered whether they are the distribution's own.
pub const NATIVE_IDENTITIES_MAX: usize = 1000;
/// Bytes of the file of a plugin that are read to find out whether it is the distribution's own.
pub const NATIVE_PLUGIN_MAX_BYTES: u64 = 16 << 20;
/// Plugins on the network whose work is done side by side, each with a connection; of more the plugins are run.
pub const NATIVE_TALKS_MAX: usize = 512;
/// Names that are looked up side by side for them, and files of plugins that are looked at; of more the plugins are run.
pub const NATIVE_LOOKUPS_MAX: usize = 16;
/// How long a name may take to be looked up before the plugin is run.
pub const NATIVE_LOOKUP_WAIT: Duration = Duration::from_secs(1);
