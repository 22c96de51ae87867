//! A command line that a request names, such as one of `nrpe.cfg`.

use std::ffi::OsString;
use std::time::Duration;

use custos_shim::{Credentials, Spec};

use super::shell::ShellLine;
use crate::limits::{NRPE_GRACE, STDERR_MAX_BYTES, STDOUT_MAX_BYTES};

/// A line for `/bin/sh -c`, with all that it takes to run it.
#[derive(Debug)]
pub struct Line {
    spec: Spec,
}

impl Line {
    /// A line that runs for at most so long, in the directory `/`, with this whole environment, and as this user if it
    /// is another than the agent's own.
    pub fn new(
        line: OsString,
        env: Vec<(OsString, OsString)>,
        credentials: Option<Credentials>,
        timeout: Duration,
    ) -> Line {
        let ShellLine { argv, line, env } = ShellLine::new(line, env);
        let spec = Spec {
            shell_line: Some(line),
            env,
            credentials,
            // Lines with sudo are common, and so are those that restart a service.
            no_new_privileges: false,
            leave_background: true,
            grace: NRPE_GRACE,
            stdout_max_bytes: STDOUT_MAX_BYTES,
            stderr_max_bytes: STDERR_MAX_BYTES,
            ..Spec::new(argv, timeout)
        };
        Line { spec }
    }

    /// How long it may run.
    pub(super) fn timeout(&self) -> Duration {
        self.spec.timeout
    }

    /// All that it takes to run it.
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    pub(super) fn into_spec(self) -> Spec {
        self.spec
    }
}
