//! The bounds of programs that fill a terminal.

use std::time::Duration;

/// Columns of a terminal that are drawn.
pub const TERMINAL_COLUMNS_MAX: u16 = 1000;
/// Lines of a terminal that are drawn.
pub const TERMINAL_LINES_MAX: u16 = 500;
/// Bytes of a sequence that a terminal sends for one key; a longer one is left out.
pub const TERMINAL_SEQUENCE_MAX_BYTES: usize = 64;
/// Bytes that are read of what was typed before it is looked at.
pub const TERMINAL_READ_BYTES: usize = 1024;
/// What follows an ESC within this belongs to it; later it was the key.
pub const TERMINAL_ESCAPE_WAIT: Duration = Duration::from_millis(50);
/// How long a terminal that takes no output is waited for before it is left as it is.
pub const TERMINAL_RESTORE_MAX: Duration = Duration::from_millis(500);
/// The shortest time between two drawings of `custos top` by themselves.
pub const TOP_EVERY_MIN: Duration = Duration::from_millis(100);
/// What the small graph in a row of `custos top` shows.
pub const TOP_RECENT: Duration = Duration::from_secs(600);
/// Of that it keeps the greatest value in each such length of time.
pub const TOP_RECENT_SLOT: Duration = Duration::from_secs(5);
/// Runs of a check that are read for its small graph at first; an older part stays blank.
pub const TOP_RECENT_RUNS_MAX: usize = 600;
/// Checks whose small graph is read before `custos top` is drawn; those of others follow when it is drawn next.
pub const TOP_RECENT_READ_MAX: usize = 64;
/// How often `custos top` asks the agent for what is not in the store.
pub const TOP_AGENT_EVERY: Duration = Duration::from_secs(5);
/// Runs that `custos top` takes in one by one, after a pause. Of more it reads only the last.
pub const TOP_CATCH_UP_RUNS: u64 = 100_000;
/// Requests to the agent that `custos top` has under way at once.
pub const TOP_REQUESTS_MAX: usize = 4;
/// Runs and changes of state of one check that `custos top` shows.
pub const TOP_STORY_MAX: usize = 20;
/// How far back `custos top` looks for changes of state.
pub const TOP_CHANGES: Duration = Duration::from_secs(24 * 3600);
/// Lines of the story of one check in `custos top`.
pub const TOP_STORY_LINES_MAX: usize = 2000;
/// Characters of what is typed to `custos top`.
pub const TOP_TYPED_MAX: usize = 200;
