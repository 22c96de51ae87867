//! `custos feed`: what delivers, as the agent starts it.

use crate::daemon::feed_for_agent;
use crate::exit_code::ExitCode;

/// How much sooner than others the kernel ends this where memory runs out: up to 1000.
const OOM_SCORE: &str = "500";

/// Delivers what is stored to sinks, as the agent has it do.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct FeedArgs {
    /// Go by what comes from the agent
    #[arg(long, required = true)]
    of_agent: bool,
}

/// Runs the command.
pub(super) fn run(args: &FeedArgs) -> ExitCode {
    debug_assert!(args.of_agent, "the parser requires it");
    // Where memory runs out, this goes before what watches the machine does. A container may forbid that.
    let _ = std::fs::write("/proc/self/oom_score_adj", OOM_SCORE);
    let _log = super::log::start();
    feed_for_agent()
}
