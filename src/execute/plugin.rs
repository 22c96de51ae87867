//! A job that runs a plugin, and the plugin's environment: fixed, documented, and the same for every request.

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use custos_shim::{Launch, Outcome, Report, Spec};
use nix::errno::Errno;
use nix::unistd::{Uid, User};

use super::native::NativeWork;
use crate::config::{Check, Command, Native};
use crate::limits::{GRACE, STDERR_MAX_BYTES};
use crate::observe::{Ending, Observation, PluginEnd, Reading, Usage, observe_plugin};

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

    /// These variables, and further ones in the place of those of the same name.
    pub(super) fn with(&self, further: Vec<(String, String)>) -> Vec<(OsString, OsString)> {
        let own = |name: &OsString| further.iter().any(|(other, _)| name == other.as_str());
        let mut all: Vec<_> = self.variables.iter().filter(|(name, _)| !own(name)).cloned().collect();
        all.extend(further.into_iter().map(|(name, value)| (name.into(), value.into())));
        all
    }
}

/// A plugin with all that it takes to run it, and how its output is read.
#[derive(Clone, Debug)]
pub struct PluginJob {
    spec: Box<Spec>,
    reading: Reading,
    native: Option<NativeWork>,
    /// The directories that a program without one was looked up in.
    searched: Option<Arc<str>>,
}

impl PluginJob {
    /// Runs this plugin, and reads what it prints so.
    pub fn new(spec: Spec, reading: Reading) -> PluginJob {
        PluginJob { spec: Box::new(spec), reading, native: None, searched: None }
    }

    /// The same, but where it is a standard plugin whose work is known in full that is done in its place.
    #[must_use]
    pub fn native_if_known(self, native: Native) -> PluginJob {
        let native = (native != Native::Never).then(|| NativeWork::of(&self.spec).ok()).flatten();
        PluginJob { native, ..self }
    }

    /// What the plugin would do, if that is to be done in its place.
    pub(super) fn take_native(&mut self) -> Option<NativeWork> {
        self.native.take()
    }

    /// The same, with the directories of plugins, in which a program that is called by its mere name was not found when the
    /// configuration was read.
    #[must_use]
    pub(super) fn not_found_in(self, plugins: &[PathBuf]) -> PluginJob {
        let is_mere_name = self.spec.argv.first().is_some_and(|program| !program.as_bytes().contains(&b'/'));
        let searched = is_mere_name.then(|| {
            let shown: Vec<String> = plugins.iter().map(|path| path.display().to_string()).collect();
            shown.join(", ").into()
        });
        PluginJob { searched, ..self }
    }

    /// The directories that it was not found in, if that is so.
    pub(super) fn searched(&self) -> Option<Arc<str>> {
        self.searched.clone()
    }

    /// The plugin.
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// How what it leaves behind is read.
    pub fn reading(&self) -> &Reading {
        &self.reading
    }

    /// How long it may run.
    pub fn timeout(&self) -> Duration {
        self.spec.timeout
    }

    pub(super) fn run_once(self) -> io::Result<Observation> {
        let report = custos_shim::run_once(&Launch::default(), &self.spec).map_err(io::Error::other)?;
        Ok(observe_plugin(end_of_plugin(report, self.searched.as_deref()), &self.reading))
    }
}

/// What a plugin left behind; one that was not found in these directories either says so.
pub(super) fn end_of_plugin(report: Report, searched: Option<&str>) -> PluginEnd {
    const MISSING: i32 = Errno::ENOENT as i32;
    let is_missing = matches!(report.outcome, Outcome::NotStarted { errno: MISSING, .. });
    let mut end = end_of(report);
    if let (true, Some(searched), Ending::NotStarted(message)) = (is_missing, searched, &mut end.ending) {
        message.push_str(&match searched {
            "" => "; `plugins` names no directories".to_owned(),
            searched => format!("; it was not in `plugins` either: {searched}"),
        });
    }
    end
}

/// What a program left behind, by the report of its shim.
pub(super) fn end_of(report: Report) -> PluginEnd {
    let ending = match report.outcome {
        Outcome::Exited(code) => Ending::Exited(code),
        Outcome::Signalled(signal) => Ending::Signalled(signal),
        Outcome::TimedOut => Ending::TimedOut,
        Outcome::Stuck => Ending::Stuck,
        Outcome::NotStarted { message, .. } => Ending::NotStarted(message),
        Outcome::NotFinished => Ending::NotFinished,
    };
    let usage = Usage { cpu_us: report.cpu_us, max_rss_bytes: Some(report.max_rss_bytes) };
    PluginEnd {
        usage: (!matches!(ending, Ending::NotStarted(_))).then_some(usage),
        ending,
        stdout: report.stdout,
        stdout_bytes: report.stdout_bytes,
        stderr: report.stderr,
        wait_us: report.wait_us,
        wall_us: report.wall_us,
        left_behind: report.left_behind,
    }
}

/// The plugin of a check, ready to be started; `None` if the check runs no program. `environment` is that of the agent's
/// user, for a check without one of its own.
pub fn plugin_spec(check: &Check, environment: &PluginEnvironment) -> Option<Spec> {
    let process = &check.process;
    let others = process
        .run_as
        .as_ref()
        .map(|run_as| PluginEnvironment::new(&run_as.name, run_as.home.clone().into_os_string()));
    let environment = others.as_ref().unwrap_or(environment);
    let argv: Vec<OsString> = match &check.command {
        Command::Program(words) => words.iter().map(OsString::from).collect(),
        Command::Shell(line) => ["/bin/sh", "-c", line].map(OsString::from).to_vec(),
        Command::Snmp(_) | Command::Trap(_) | Command::Submitted(_) | Command::Rule(_) => return None,
    };
    let own = |name: &OsString| name.to_str().is_some_and(|name| check.environment.contains_key(name));
    let mut env: Vec<(OsString, OsString)> =
        environment.variables.iter().filter(|(name, _)| !own(name)).cloned().collect();
    env.extend(check.environment.iter().map(|(name, value)| (name.into(), value.into())));
    Some(Spec {
        argv,
        shell_line: None,
        env,
        stdin: Vec::new(),
        cwd: process.directory.clone(),
        credentials: process.run_as.as_ref().map(|run_as| run_as.credentials.clone()),
        nice: process.nice,
        io_priority: process.io_priority,
        limits: process.limits.clone(),
        no_new_privileges: process.no_new_privileges,
        warm: check.warm,
        leave_background: false,
        await_background: false,
        timeout: check.timeout,
        grace: GRACE,
        stdout_max_bytes: process.stdout_max_bytes,
        stderr_max_bytes: STDERR_MAX_BYTES,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_missing_names_where_it_was_looked_up() {
        let missing = |errno: i32| {
            Report::without_run(Outcome::NotStarted {
                errno,
                message: "failed to execute check_x".to_owned(),
            })
        };
        let said = |errno: i32, searched: Option<&str>| match end_of_plugin(missing(errno), searched).ending {
            Ending::NotStarted(message) => message,
            other => panic!("{other:?}"),
        };
        let either = "failed to execute check_x; it was not in `plugins` either: /a, /b";
        assert_eq!(said(Errno::ENOENT as i32, Some("/a, /b")), either);
        let none = "failed to execute check_x; `plugins` names no directories";
        assert_eq!(said(Errno::ENOENT as i32, Some("")), none);
        assert_eq!(said(Errno::ENOENT as i32, None), "failed to execute check_x");
        assert_eq!(said(Errno::EAGAIN as i32, Some("/a")), "failed to execute check_x");
    }
}
