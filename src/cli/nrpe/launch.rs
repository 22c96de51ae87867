//! Everything that happens before the listener starts: the configuration is read and judged, the process goes to the
//! background if asked to, writes its pid file and gives up root for good.

use std::ffi::OsString;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};

use custos_compat::nrpe::{Config, Severity};
use custos_shim::Credentials;
use nix::sys::prctl::set_dumpable;
use nix::unistd::{Gid, Uid, daemon, geteuid, setgid, setgroups, setuid};

use super::call::{Call, Mode};
use crate::cli::style::printable_lines;
use crate::cli::umask::narrow_umask;
use crate::exit_code::ExitCode;
use crate::nrpe::listener::{
    Error, Log, LogSettings, Overrides, PidFile, Settings, explain, other_owner, read_config,
};

/// Exit status for a call without a job, such as `-h`.
const NOTHING_TO_DO: ExitCode = ExitCode::Raw(3);

/// The owner writes to a store, and its group reads it.
const STORE_MODE: u32 = 0o750;

/// What is left to be done after the command line has been seen to.
#[derive(Debug)]
pub(super) enum Prepared {
    /// Nothing: the process ends with this status.
    Done(ExitCode),
    /// Run the agent with this listener.
    Serve(Box<StandIn>),
    /// Answer the one request on standard input.
    Stdin(Box<StandIn>),
}

/// A listener that stands in for nrpe, ready to be started.
#[derive(Debug)]
pub(super) struct StandIn {
    /// Its settings.
    pub(super) settings: Settings,
    /// Directory of the store. If it cannot be used, requests are answered all the same.
    pub(super) store: PathBuf,
    pid_file: Option<PidFile>,
    config: PathBuf,
    base: PathBuf,
    overrides: Overrides,
    taken: bool,
}

impl StandIn {
    /// The settings to serve by: at first those read at the start, when this process could still read what only root
    /// can; after that the configuration, read again on each SIGHUP. NRPE's log reports mistakes, too.
    pub(super) fn next_settings(&mut self) -> Result<Settings, Error> {
        if !std::mem::replace(&mut self.taken, true) {
            return Ok(self.settings.clone());
        }
        let settings = self.settings_now();
        if let Err(error) = &settings {
            let log = Log::open(self.settings.log.clone());
            log.error(error);
            log.error(format_args!(
                "Config file '{}' contained errors, so nothing is changed",
                self.config.display()
            ));
        }
        settings
    }

    fn settings_now(&self) -> Result<Settings, Error> {
        let config = read_config(&self.config, &self.base)?;
        let mut settings = Settings::from_config(&config, self.overrides)?;
        // The process already is that user, or never could become it.
        settings.credentials = None;
        settings.inherit_tls(&self.settings);
        Ok(settings)
    }

    /// Hands over the pid file, which is the first thing to remove when the agent ends.
    pub(super) fn take_pid_file(&mut self) -> Option<PidFile> {
        self.pid_file.take()
    }
}

/// Does everything that comes before serving. The words do not include the program's name.
pub(super) fn prepare(words: &[OsString]) -> Prepared {
    let call = match Call::parse(words) {
        Ok(call) => call,
        Err(page) => {
            // A closed stdout cannot be reported anywhere.
            let _ = io::stdout().write_all(page.as_bytes());
            return Prepared::Done(NOTHING_TO_DO);
        }
    };
    match launch(call) {
        Ok(prepared) => prepared,
        Err((message, code)) => {
            // nrpe says nothing on a terminal; the reason is worth a line there as well.
            let _ = writeln!(io::stderr(), "nrpe: {}", printable_lines(message.as_bytes()));
            Prepared::Done(code)
        }
    }
}

/// Why nothing is launched, and what the process ends with.
type Failed = (String, ExitCode);

fn launch(call: Call) -> Result<Prepared, Failed> {
    // Relative paths must still be right after the change of directory, for SIGHUP.
    let base = std::env::current_dir()
        .map_err(|error| (format!("failed to find the working directory: {error}"), ExitCode::Usage))?;
    let (path, store) = (base.join(&call.config), base.join(&call.store));
    let config = read(&path, &base, call.mode)?;
    if call.mode != Mode::Explain {
        narrow_umask();
    }
    let log = open_log(call.mode, &config);
    let fatal = |error: Error| {
        log.error(&error);
        (error.to_string(), ExitCode::Usage)
    };
    let mut settings = Settings::from_config(&config, call.overrides).map_err(fatal)?;
    if call.mode == Mode::Explain {
        return Ok(explained(settings));
    }
    settings.prepare().map_err(fatal)?;
    if call.mode == Mode::Stdin {
        settings.inherit_environment();
    }
    let user = take_user(&mut settings, call.mode).map_err(fatal)?;
    if call.mode == Mode::Background {
        daemon(false, false)
            .map_err(|error| (format!("failed to go to the background: {error}"), ExitCode::Failure))?;
    }
    // The agent keeps no file system busy. Whoever cannot even go there has other worries.
    let _ = std::env::set_current_dir("/");
    let mut pid_file = None;
    if call.mode != Mode::Stdin {
        pid_file = create_pid_file(&config, &log)?;
        make_store(&store, user.as_ref(), &log);
    }
    match &user {
        Some(user) => give_up_root(user, &log)?,
        None if call.mode != Mode::Stdin => remark_on_user(&config, &log),
        None => {}
    }
    let overrides = call.overrides;
    let stand_in =
        Box::new(StandIn { settings, store, pid_file, config: path, base, overrides, taken: false });
    Ok(match call.mode {
        Mode::Stdin => Prepared::Stdin(stand_in),
        Mode::Background | Mode::Foreground | Mode::Explain => Prepared::Serve(stand_in),
    })
}

/// Reads the configuration. Mistakes go to the log that the configuration names.
fn read(path: &Path, base: &Path, mode: Mode) -> Result<Config, Failed> {
    read_config(path, base).map_err(|error| {
        if let Error::Config { source, .. } = &error {
            let log = open_log(mode, &source.config);
            for note in &source.config.notes {
                log.write(note.severity, note);
            }
            log.error(source);
            log.error(format_args!("Config file '{}' contained errors, aborting...", path.display()));
        }
        (error.to_string(), ExitCode::Usage)
    })
}

/// Prints what the settings mean.
fn explained(mut settings: Settings) -> Prepared {
    if let Err(error) = settings.prepare() {
        settings.remark(Severity::Error, format!("The agent does not start: {error}"));
    }
    // A closed stdout cannot be reported anywhere.
    let _ = io::stdout().write_all(printable_lines(explain(&settings).as_bytes()).as_bytes());
    Prepared::Done(ExitCode::Success)
}

/// The log of the configuration. Whoever only asks for an explanation writes none: a file made now, by root, would be
/// out of reach of the agent later.
fn open_log(mode: Mode, config: &Config) -> Log {
    Log::open(match mode {
        Mode::Explain => LogSettings::default(),
        Mode::Background | Mode::Foreground | Mode::Stdin => LogSettings::from_config(config),
    })
}

/// The user to become; `None` if this process is not root. The settings then need not name one any more.
fn take_user(settings: &mut Settings, mode: Mode) -> Result<Option<Credentials>, Error> {
    let user = settings.credentials.take();
    let root = geteuid().is_root();
    match (root, mode, user) {
        (true, Mode::Stdin, _) | (true, _, None) => {
            Err(Error::User("NRPE daemon cannot be run as user/group root!".into()))
        }
        (true, _, Some(user)) => Ok(Some(user)),
        (false, _, _) => Ok(None),
    }
}

fn create_pid_file(config: &Config, log: &Log) -> Result<Option<PidFile>, Failed> {
    let Some(path) = &config.pid_file else { return Ok(None) };
    PidFile::create(path).map(Some).map_err(|error| {
        let path = path.display();
        log.write(Severity::Notice, "Starting up daemon");
        match error.kind() {
            io::ErrorKind::AlreadyExists => log.error(&error),
            _ => {
                log.error(format_args!("Cannot write to pidfile '{path}' - check your privileges. ({error})"))
            }
        }
        (format!("failed to write the pid file {path}: {error}"), ExitCode::Usage)
    })
}

/// Makes the directory of the store while this process still may. A failure is not the end: requests are answered
/// without history.
fn make_store(path: &Path, user: Option<&Credentials>, log: &Log) {
    // Where another user decides what the path leads to, root makes nothing there and gives nothing away: the agent
    // makes the directory itself, as the user that it becomes, if that may.
    if path.exists() || (geteuid().is_root() && other_owner(path).is_some()) {
        return;
    }
    let made = make_directory(path, user);
    if let Err(error) = made {
        let path = path.display();
        log.write(Severity::Warning, format_args!("failed to make {path}, so no history is kept: {error}"));
    }
}

fn make_directory(path: &Path, user: Option<&Credentials>) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    std::fs::DirBuilder::new().mode(STORE_MODE).create(path)?;
    let Some(user) = user else { return Ok(()) };
    let flags = libc::O_DIRECTORY | libc::O_NOFOLLOW;
    let directory = std::fs::File::options().read(true).custom_flags(flags).open(path)?;
    fchown(&directory, Some(user.uid), Some(user.gid))
}

/// Becomes the user for good, who keeps the log.
fn give_up_root(user: &Credentials, log: &Log) -> Result<(), Failed> {
    if let Err(error) = log.give_to(user) {
        log.write(Severity::Warning, format_args!("failed to give the log file to the nrpe_user: {error}"));
    }
    become_user(user).map_err(|error| (format!("failed to become the nrpe_user: {error}"), ExitCode::Usage))
}

/// Takes real, effective and saved ids, and groups.
fn become_user(user: &Credentials) -> nix::Result<()> {
    let groups: Vec<Gid> = user.groups.iter().copied().map(Gid::from_raw).collect();
    setgroups(&groups)?;
    setgid(Gid::from_raw(user.gid))?;
    setuid(Uid::from_raw(user.uid))?;
    // The kernel has just made this process undumpable, and so it stays: its memory holds the key of TLS, which only
    // root may read, and every plugin runs as the same user.
    set_dumpable(false)
}

/// Warns if the configured user is another than the one that this process is and stays.
fn remark_on_user(config: &Config, log: &Log) {
    let Some(name) = &config.nrpe_user else { return };
    let wanted = nix::unistd::User::from_name(name).ok().flatten();
    if wanted.is_none_or(|wanted| wanted.uid != geteuid()) {
        log.write(
            Severity::Warning,
            format_args!("Warning: Not started as root, so this process cannot become {name}"),
        );
    }
}
