//! `custos doctor`: what will fail before it does.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use clap_complete::engine::ArgValueCompleter;
use custos_shim::Spec;
use custos_store::{Cursors, Error};

use super::completion;
use super::config_option::ConfigOption;
use super::nrpe_settings::nrpe_settings;
use super::read::{Failure, tell};
use super::style::printable;
use super::unknown::{Among, all_known};
use super::unreadable::unreadable;
use crate::config::{self, Config};
use crate::execute::{
    Account, EXECUTE, Finding, Line, PluginEnvironment, WRITE, examine, plugin_spec, why_cold, why_not,
};
use crate::exit_code::ExitCode;
use crate::feed::sink::note_name;
use crate::notify::{Noted, receiver_names};
use crate::nrpe::listener::{ServedTask, Settings};
use crate::text::human::counted;

/// Finds what will keep checks from working, without running them and without an agent.
///
/// Programs that are missing or may not be executed, directories that may not be entered, interpreters that do not exist,
/// sudo that would ask, files that others may change, certificates and keys that cannot be read, a store that cannot be
/// written, notes of the store that are damaged. Run it as the agent's user, or
/// name that with --user. The exit status is 1 if something will fail, 0 otherwise.
#[derive(Debug, clap::Args)]
pub(super) struct DoctorArgs {
    /// Only these checks
    #[arg(add = ArgValueCompleter::new(completion::defined_check))]
    names: Vec<String>,
    /// The user that the agent runs as [default: the one who runs this]
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    #[command(flatten)]
    config: ConfigOption,
}

/// Runs the command.
pub(super) fn run(args: &DoctorArgs) -> ExitCode {
    match diagnose(args) {
        Ok(diagnosis) => {
            // A reader that has gone away still wants the exit status.
            let _ = io::stdout().lock().write_all(diagnosis.page().as_bytes());
            if diagnosis.fatal > 0 { ExitCode::Failure } else { ExitCode::Success }
        }
        Err(failure) => {
            tell(&failure.message);
            failure.code
        }
    }
}

/// What was found, as lines.
#[derive(Debug, Default)]
struct Diagnosis {
    lines: String,
    examined: usize,
    fatal: usize,
    risks: usize,
    /// The checks whose plugin's work is done without a process.
    native: Vec<String>,
    /// Those for which it could be, and why it is not.
    not_native: Vec<(String, String)>,
    /// The checks whose plugin a fork of a warm interpreter runs.
    warm: Vec<String>,
    /// Those for which that is wanted, and why it is not so.
    cold: Vec<(String, String)>,
}

impl Diagnosis {
    fn add(&mut self, name: &str, findings: &[Finding]) {
        self.examined += 1;
        for finding in findings {
            self.note(name, finding.is_fatal(), &finding.to_string());
        }
    }

    fn note(&mut self, name: &str, fatal: bool, what: &str) {
        let (word, count) = if fatal { ("fails", &mut self.fatal) } else { ("risk", &mut self.risks) };
        *count += 1;
        // Writing to a string does not fail.
        let _ = writeln!(self.lines, "{}: {word}: {}", printable(name), printable(what));
    }

    /// Notes whether the work of a standard plugin is done in its place.
    fn note_native(&mut self, name: &str, native: Option<Result<(), String>>) {
        match native {
            Some(Ok(())) => self.native.push(name.to_owned()),
            Some(Err(why)) => self.not_native.push((name.to_owned(), why)),
            None => {}
        }
    }

    /// Notes whether a fork of a warm interpreter runs a plugin.
    fn note_warm(&mut self, name: &str, warm: Option<Result<(), String>>) {
        match warm {
            Some(Ok(())) => self.warm.push(name.to_owned()),
            Some(Err(why)) => self.cold.push((name.to_owned(), why)),
            None => {}
        }
    }

    fn page(&self) -> String {
        let Diagnosis { lines, examined, fatal, risks, native, not_native, warm, cold } = self;
        let mut lines = lines.clone();
        for (name, why) in not_native {
            let _ = writeln!(lines, "{}: its plugin is run: {}", printable(name), printable(why));
        }
        for (name, why) in cold {
            let _ = writeln!(lines, "{}: its plugin is run cold: {}", printable(name), printable(why));
        }
        if !warm.is_empty() {
            let names: Vec<_> = warm.iter().map(|name| printable(name)).collect();
            let _ = writeln!(lines, "by a warm interpreter: {}", names.join(", "));
        }
        if !native.is_empty() {
            let names: Vec<_> = native.iter().map(|name| printable(name)).collect();
            let _ = writeln!(lines, "without a process: {}", names.join(", "));
        }
        let [examined, fatal, risks] = [(examined, "command"), (fatal, "reason"), (risks, "risk")]
            .map(|(n, noun)| counted(*n as u64, noun));
        format!("{lines}{examined} examined: {fatal} to fail, {risks}\n")
    }
}

fn diagnose(args: &DoctorArgs) -> Result<Diagnosis, Failure> {
    let loaded = config::load(&args.config.path()).map_err(|mistakes| Failure {
        message: super::config::report(&mistakes, false).trim_end().to_owned(),
        code: ExitCode::Usage,
    })?;
    let config = loaded.config;
    all_known(&args.names, &config.checks.keys().cloned().collect::<Vec<_>>(), Among::Defined)?;
    let account = match &args.user {
        None => Account::of_this_process(),
        Some(name) => {
            Account::named(name).ok_or_else(|| Failure::usage(format!("there is no user {name}")))?
        }
    };
    let mut diagnosis = Diagnosis::default();
    for warning in loaded.warnings.list.iter().filter(|_| args.names.is_empty()) {
        diagnosis.note("configuration", false, &warning.to_string());
    }
    let environment = PluginEnvironment::of_this_process();
    for (name, check) in &config.checks {
        if args.names.is_empty() || args.names.contains(name) {
            let other = check.process.run_as.as_ref().map(|run_as| Account::from(&run_as.credentials));
            let account_of_check = other.as_ref().unwrap_or(&account);
            let spec = plugin_spec(check, &environment);
            let findings = spec.as_ref().map(|spec| examine(spec, account_of_check)).unwrap_or_default();
            diagnosis.add(name, &findings);
            let native = spec.as_ref().and_then(|spec| why_not(check.native, spec));
            if !matches!(native, Some(Ok(()))) {
                diagnosis.note_warm(name, spec.as_ref().and_then(why_cold));
            }
            diagnosis.note_native(name, native);
            if other.is_some() && !account.is_root() {
                diagnosis.note(
                    name,
                    true,
                    "only an agent that runs as root may change the user or its groups",
                );
            }
        }
    }
    if args.names.is_empty() {
        let nrpe = examine_nrpe(&config, &account, &mut diagnosis);
        for (section, file) in unreadable(&config, nrpe.as_ref(), &account) {
            diagnosis.note(section, true, &format!("the user may not read {}", file.display()));
        }
        examine_store(&config.store, &account, &mut diagnosis);
        examine_cursors(&config, &mut diagnosis);
        if config.notify.is_some() {
            let noted = Noted::read(&config.store, &receiver_names(&config));
            noted.faults().values().for_each(|why| diagnosis.note("notify", false, why));
        }
    }
    Ok(diagnosis)
}

/// The commands of `nrpe.cfg`, as the user that they run as. Returns the settings of the listener, if they can be used.
fn examine_nrpe(config: &Config, account: &Account, diagnosis: &mut Diagnosis) -> Option<Settings> {
    let settings = match nrpe_settings(config, account.is_root()) {
        Ok(settings) => settings?,
        Err(error) => {
            diagnosis.note("nrpe", true, &error.to_string());
            return None;
        }
    };
    let own = settings.credentials.as_ref().map(Account::from);
    for (name, command) in &settings.commands {
        if let ServedTask::Line(line) = &command.task {
            let text = String::from_utf8_lossy(line).into_owned();
            let findings = examine(&shell_spec(text.clone(), &settings), own.as_ref().unwrap_or(account));
            let name = format!("nrpe command {}", String::from_utf8_lossy(name));
            diagnosis.add(&name, &findings);
            // What stands in the place of arguments is known with a request only.
            if !text.contains("$ARG") {
                let line = Line::new(
                    OsStr::from_bytes(line).to_owned(),
                    settings.environment.clone(),
                    settings.credentials.clone(),
                    settings.command_timeout,
                );
                diagnosis.note_native(&name, why_not(config.native, line.spec()));
            }
        }
    }
    Some(settings)
}

/// How far each sink is, by its cursor in the store.
fn examine_cursors(config: &Config, diagnosis: &mut Diagnosis) {
    let cursors = Cursors::new(&config.store);
    for sink in &config.sinks {
        if let Err(error @ Error::Damaged { .. }) = cursors.read(&note_name(&sink.name)) {
            let why = format!(
                "the place of the sink {} is lost: failed to {error}; it delivers nothing until `custos store repair` was run with the agent stopped",
                sink.name
            );
            diagnosis.note("sinks", true, &why);
        }
    }
}

fn shell_spec(line: String, settings: &Settings) -> Spec {
    let argv = vec!["/bin/sh".into(), "-c".into(), line.into()];
    Spec {
        env: settings.environment.clone(),
        credentials: settings.credentials.clone(),
        ..Spec::new(argv, settings.command_timeout)
    }
}

/// The store, or the nearest directory above it in which it would be made.
fn examine_store(store: &Path, account: &Account, diagnosis: &mut Diagnosis) {
    let existing = store.ancestors().find_map(|place| Some((place, fs::metadata(place).ok()?)));
    let Some((place, metadata)) = existing else { return };
    if !metadata.is_dir() {
        diagnosis.note("store", true, &format!("{} is not a directory", place.display()));
    } else if !account.may(WRITE | EXECUTE, &metadata) {
        diagnosis.note("store", true, &format!("the user may not write to {}", place.display()));
    }
}
