//! Programs that are run for another end than to check: those that tell somebody, and event handlers.
//!
//! They go through the same shims as plugins, with the same bounds, and end as what they left behind, which nobody judges.

use std::ffi::OsString;
use std::time::Duration;

use custos_shim::Spec;
use tokio::sync::{mpsc, oneshot};

use super::plugin::PluginEnvironment;
use crate::limits::{COMMAND_OUTPUT_MAX_BYTES, COMMAND_QUEUE_MAX, GRACE};
use crate::observe::{Ending, PluginEnd, Usage};

/// A program, and all that it is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Itself and its arguments. At least one word.
    pub argv: Vec<String>,
    /// Variables beside those that every plugin has.
    pub variables: Vec<(String, String)>,
    /// What it finds at its stdin.
    pub stdin: Vec<u8>,
    /// How long it may run.
    pub timeout: Duration,
}

/// Runs such programs. Clones share the shims.
#[derive(Clone, Debug)]
pub struct Commands {
    environment: PluginEnvironment,
    orders: mpsc::Sender<CommandOrder>,
}

/// A program that somebody waits for.
#[derive(Debug)]
pub(super) struct CommandOrder {
    pub(super) spec: Spec,
    pub(super) reply: oneshot::Sender<PluginEnd>,
}

impl Commands {
    /// The handle for those who want programs run, and what the executor takes them from.
    pub(super) fn new() -> (Commands, mpsc::Receiver<CommandOrder>) {
        let (orders, receiver) = mpsc::channel(COMMAND_QUEUE_MAX);
        (Commands { environment: PluginEnvironment::of_this_process(), orders }, receiver)
    }

    /// Runs a program and waits for its end. [`Ending::NotFinished`] if the agent stops first.
    pub async fn run(&self, program: Program) -> PluginEnd {
        let (reply, end) = oneshot::channel();
        let order = CommandOrder { spec: self.spec(program), reply };
        if self.orders.send(order).await.is_err() {
            return not_finished();
        }
        end.await.unwrap_or_else(|_| not_finished())
    }

    fn spec(&self, program: Program) -> Spec {
        let argv = program.argv.into_iter().map(OsString::from).collect();
        Spec {
            env: self.environment.with(program.variables),
            stdin: program.stdin,
            // Many a handler restarts a service.
            leave_background: true,
            // It has ended when its process has, whoever still holds its output.
            await_background: false,
            grace: GRACE,
            stdout_max_bytes: COMMAND_OUTPUT_MAX_BYTES,
            stderr_max_bytes: COMMAND_OUTPUT_MAX_BYTES,
            ..Spec::new(argv, program.timeout)
        }
    }
}

fn not_finished() -> PluginEnd {
    PluginEnd {
        ending: Ending::NotFinished,
        stdout: Vec::new(),
        stdout_bytes: 0,
        stderr: Vec::new(),
        usage: None::<Usage>,
        wait_us: 0,
        wall_us: 0,
        left_behind: 0,
    }
}
