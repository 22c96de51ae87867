//! The surroundings in which the plugin of a defined check runs: fixed, documented, and the same whoever asks.

use std::ffi::OsString;
use std::path::PathBuf;

use custos_shim::Spec;
use nix::unistd::{Uid, User};

use crate::config::{Check, Command};
use crate::limits::{GRACE, STDERR_MAX_BYTES};

/// Where plugins find programs.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What every plugin gets: `PATH`, `LC_ALL=C`, and `HOME`, `USER`, `LOGNAME` and `SHELL` of the agent's user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginEnvironment {
    variables: Vec<(OsString, OsString)>,
}

impl PluginEnvironment {
    /// The surroundings for plugins of this process' user.
    pub fn of_this_process() -> PluginEnvironment {
        let user = User::from_uid(Uid::effective()).ok().flatten();
        let (name, home) = match user {
            Some(user) => (user.name, user.dir),
            None => (Uid::effective().to_string(), PathBuf::from("/")),
        };
        PluginEnvironment::new(&name, home.into_os_string())
    }

    /// The surroundings for plugins of a user.
    pub fn new(user: &str, home: OsString) -> PluginEnvironment {
        let variables = [
            ("HOME", home),
            ("LC_ALL", "C".into()),
            ("LOGNAME", user.into()),
            ("PATH", PATH.into()),
            ("SHELL", "/bin/sh".into()),
            ("USER", user.into()),
        ];
        PluginEnvironment { variables: variables.map(|(name, value)| (name.into(), value)).to_vec() }
    }
}

/// The plugin of a check, ready to be started. `environment` is that of the daemon's user, for a check without one of
/// its own.
pub fn plugin_spec(check: &Check, environment: &PluginEnvironment) -> Spec {
    let process = &check.process;
    let others = process
        .run_as
        .as_ref()
        .map(|run_as| PluginEnvironment::new(&run_as.name, run_as.home.clone().into_os_string()));
    let environment = others.as_ref().unwrap_or(environment);
    let argv: Vec<OsString> = match &check.command {
        Command::Program(words) => words.iter().map(OsString::from).collect(),
        Command::Shell(line) => ["/bin/sh", "-c", line].map(OsString::from).to_vec(),
        // Neither has a program.
        Command::Snmp(_) | Command::Trap(_) => Vec::new(),
    };
    let own = |name: &OsString| name.to_str().is_some_and(|name| check.environment.contains_key(name));
    let mut env: Vec<(OsString, OsString)> =
        environment.variables.iter().filter(|(name, _)| !own(name)).cloned().collect();
    env.extend(check.environment.iter().map(|(name, value)| (name.into(), value.into())));
    Spec {
        argv,
        shell_line: None,
        env,
        cwd: process.directory.clone(),
        credentials: process.run_as.as_ref().map(|run_as| run_as.credentials.clone()),
        nice: process.nice,
        io_priority: process.io_priority,
        limits: process.limits.clone(),
        no_new_privileges: process.no_new_privileges,
        leave_background: false,
        timeout: check.timeout,
        grace: GRACE,
        stdout_max_bytes: process.stdout_max_bytes,
        stderr_max_bytes: STDERR_MAX_BYTES,
    }
}
