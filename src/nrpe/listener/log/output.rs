//! NRPE's own log, to syslog or to `log_file`, in the words that log monitors and fail2ban match.
//!
//! Invariants: a slow or missing receiver never delays the listener; a flood of peers does not fill a disk; lines that
//! were not written are counted.

use std::fmt::Display;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::fchown;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use custos_compat::nrpe::{Config, LogFacility, Severity};
use custos_shim::Credentials;

use super::file;
use crate::clock;
use crate::limits::{NRPE_LOG_LINE_MAX_BYTES, NRPE_LOG_LINES_PER_SECOND};
use crate::lock::locked;
use crate::text::human::counted_were;
use crate::text::{is_unsafe, system_error};

/// Where syslog listens.
const SYSLOG_SOCKET: &str = "/dev/log";

/// Where the log goes, and how much is logged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogSettings {
    /// Facility of syslog.
    pub facility: LogFacility,
    /// The file to use instead of syslog.
    pub file: Option<PathBuf>,
    /// `false`: nothing goes to syslog.
    pub syslog: bool,
    /// `true`: debug lines as well.
    pub debug: bool,
}

impl LogSettings {
    /// The log settings of an `nrpe.cfg`.
    pub fn from_config(config: &Config) -> LogSettings {
        LogSettings {
            facility: config.log_facility,
            file: config.log_file.clone(),
            syslog: !config.disable_syslog,
            debug: config.debug,
        }
    }
}

/// An open log.
#[derive(Debug)]
pub struct Log {
    settings: LogSettings,
    target: Mutex<Target>,
    lost: AtomicU64,
    rate: Mutex<Rate>,
}

/// Bounds the lines of one second.
#[derive(Debug, Default)]
struct Rate {
    second: i64,
    lines: u32,
    left_out: u64,
}

impl Rate {
    /// `None` if this second has had its lines; otherwise how many lines were left out before this one.
    fn admit(&mut self, second: i64) -> Option<u64> {
        if second != self.second {
            (self.second, self.lines) = (second, 0);
        }
        if self.lines >= NRPE_LOG_LINES_PER_SECOND {
            self.left_out += 1;
            return None;
        }
        self.lines += 1;
        Some(std::mem::take(&mut self.left_out))
    }
}

#[derive(Debug)]
enum Target {
    File(File),
    Syslog(Option<UnixDatagram>),
    Nowhere,
}

impl Log {
    /// Opens the log. If the file cannot be used, a warning is logged to syslog, which is used instead.
    pub fn open(settings: LogSettings) -> Log {
        let opened = settings.file.as_deref().map(|path| (path, file::open(path)));
        let syslog = if settings.syslog { Target::Syslog(None) } else { Target::Nowhere };
        let (target, complaint) = match opened {
            Some((_, Ok(file))) => (Target::File(file), None),
            Some((path, Err(reason))) => {
                let path = path.display();
                (
                    syslog,
                    Some(format!(
                        "Warning: Cannot open log file '{path}' for writing: {}",
                        system_error::words(&reason)
                    )),
                )
            }
            None => (syslog, None),
        };
        let log =
            Log { settings, target: Mutex::new(target), lost: AtomicU64::new(0), rate: Mutex::default() };
        if let Some(complaint) = complaint {
            log.write(Severity::Warning, complaint);
        }
        log
    }

    /// Gives the log file to the user that this process is about to become, so that it can open the file again.
    pub fn give_to(&self, user: &Credentials) -> io::Result<()> {
        match &*locked(&self.target) {
            Target::File(file) => fchown(file, Some(user.uid), Some(user.gid)),
            Target::Syslog(_) | Target::Nowhere => Ok(()),
        }
    }

    /// Takes over the count of the log that this one replaces.
    pub(in crate::nrpe::listener) fn continue_count(&self, replaced: &Log) {
        self.lost.store(replaced.lost(), Ordering::Relaxed);
    }

    /// Number of lines that were left out or could not be written.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Writes one line. Characters that would end the line or control a terminal are replaced. Lines beyond the bound of
    /// a second are left out and counted, debug lines excepted.
    pub fn write(&self, severity: Severity, line: impl Display) {
        if severity == Severity::Debug {
            if self.settings.debug {
                self.put(severity, line);
            }
            return;
        }
        let admitted = locked(&self.rate).admit(clock::now_ms() / 1000);
        let Some(left_out) = admitted else {
            self.lost.fetch_add(1, Ordering::Relaxed);
            return;
        };
        if left_out > 0 {
            self.put(
                Severity::Warning,
                format_args!(
                    "{} left out: more than {NRPE_LOG_LINES_PER_SECOND} came in a second",
                    counted_were(left_out, "line")
                ),
            );
        }
        self.put(severity, line);
    }

    fn put(&self, severity: Severity, line: impl Display) {
        let line = printable(&line.to_string());
        let mut target = locked(&self.target);
        let written = match &mut *target {
            Target::File(file) => file.write_all(format!("[{}] {line}\n", clock::now_ms() / 1000).as_bytes()),
            Target::Syslog(socket) => send(socket, &self.syslog_message(severity, &line)),
            Target::Nowhere => Ok(()),
        };
        let by_syslog = matches!(*target, Target::Syslog(_)) && written.is_ok();
        drop(target);
        if written.is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        // Under systemd stderr and syslog end in the same journal, where each refusal would appear twice.
        if !by_syslog {
            trace(severity, &line);
        }
    }

    /// An error.
    pub fn error(&self, line: impl Display) {
        self.write(Severity::Error, line);
    }

    /// A line of information.
    pub fn info(&self, line: impl Display) {
        self.write(Severity::Info, line);
    }

    /// A debug line; built only if debug lines are logged.
    pub fn debug<T: Display>(&self, line: impl FnOnce() -> T) {
        if self.settings.debug {
            self.write(Severity::Debug, line());
        }
    }

    fn syslog_message(&self, severity: Severity, line: &str) -> String {
        let priority = u32::from(self.settings.facility.number()) * 8 + severity as u32;
        let time = jiff::Timestamp::from_millisecond(clock::now_ms()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        let time = time.to_zoned(jiff::tz::TimeZone::system()).strftime("%b %e %H:%M:%S").to_string();
        format!("<{priority}>{time} nrpe[{}]: {line}", std::process::id())
    }
}

/// Writes the line to the agent's own log.
fn trace(severity: Severity, line: &str) {
    match severity {
        Severity::Error => tracing::warn!(target: "nrpe", "{line}"),
        Severity::Warning | Severity::Notice | Severity::Info => tracing::info!(target: "nrpe", "{line}"),
        Severity::Debug => tracing::debug!(target: "nrpe", "{line}"),
    }
}

fn send(socket: &mut Option<UnixDatagram>, message: &str) -> io::Result<()> {
    if let Some(open) = socket
        && open.send(message.as_bytes()).is_ok()
    {
        return Ok(());
    }
    // Not connected yet, or syslog was restarted.
    let open = UnixDatagram::unbound()?;
    open.set_nonblocking(true)?;
    open.connect(SYSLOG_SOCKET)?;
    open.send(message.as_bytes())?;
    *socket = Some(open);
    Ok(())
}

fn printable(line: &str) -> String {
    let mut shown = String::with_capacity(line.len());
    for character in line.chars() {
        if shown.len() >= NRPE_LOG_LINE_MAX_BYTES {
            shown.push('…');
            break;
        }
        match character {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push('\t'),
            character if is_unsafe(character) => shown.push('?'),
            character => shown.push(character),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logged(settings: LogSettings, write: impl FnOnce(&Log)) -> String {
        let path = settings.file.clone().unwrap();
        let log = Log::open(settings);
        write(&log);
        std::fs::read_to_string(path).unwrap()
    }

    #[test]
    fn a_log_file_has_a_time_and_a_line() {
        let directory = tempfile::tempdir().unwrap();
        let settings =
            LogSettings { file: Some(directory.path().join("nrpe.log")), ..LogSettings::default() };
        let content = logged(settings, |log| {
            log.error("Host a\nb\x1b is not allowed to talk to us!");
            log.debug(|| "not wanted");
        });
        let (time, line) = content.split_once(' ').unwrap();
        assert!(time.starts_with('[') && time.ends_with(']'));
        assert_eq!(line, "Host a\\nb? is not allowed to talk to us!\n");
    }

    #[test]
    fn a_flood_of_lines_is_cut_and_counted() {
        let mut rate = Rate::default();
        for _ in 0..NRPE_LOG_LINES_PER_SECOND {
            assert_eq!(rate.admit(7), Some(0));
        }
        assert_eq!((rate.admit(7), rate.admit(7)), (None, None));
        assert_eq!((rate.admit(8), rate.admit(8)), (Some(2), Some(0)));
        // A clock that was put back begins a second as well.
        assert_eq!(rate.admit(3), Some(0));
    }

    #[test]
    fn links_are_not_written_to() {
        let directory = tempfile::tempdir().unwrap();
        let (target, link) = (directory.path().join("target"), directory.path().join("link"));
        std::fs::write(&target, "").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        let hard = directory.path().join("hard");
        std::fs::hard_link(&target, &hard).unwrap();
        for path in [link, hard] {
            let log = Log::open(LogSettings { file: Some(path), ..LogSettings::default() });
            log.error("x");
        }
        assert_eq!(std::fs::read_to_string(target).unwrap(), "");
    }

    #[test]
    fn a_pipe_without_a_reader_is_refused_without_blocking() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("pipe");
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let log = Log::open(LogSettings { file: Some(path), ..LogSettings::default() });
        log.error("x");
        assert_eq!(log.lost(), 0);
    }
}
