//! NRPE's own log: to syslog or to `log_file`, in the words that log monitors and fail2ban know.
//!
//! Invariant: a slow or missing receiver never holds up the listener, and a flood of peers does not fill a disk; what
//! was not written is counted.

use std::fmt::Display;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use custos_compat::nrpe::{Config, LogFacility, Severity};
use custos_shim::Credentials;
use nix::unistd::{Gid, Uid, setfsgid, setfsuid};

use crate::clock;
use crate::limits::{NRPE_LOG_LINE_MAX_BYTES, NRPE_LOG_LINES_PER_SECOND};
use crate::lock::locked;
use crate::text::system_error;

/// Where syslog listens.
const SYSLOG_SOCKET: &str = "/dev/log";

/// Where the log goes and how much of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogSettings {
    /// Facility of syslog.
    pub facility: LogFacility,
    /// The file that takes the place of syslog.
    pub file: Option<PathBuf>,
    /// `false`: nothing to syslog.
    pub syslog: bool,
    /// Debug lines as well.
    pub debug: bool,
}

impl LogSettings {
    /// What `nrpe.cfg` says of the log.
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
    pace: Mutex<Pace>,
}

/// How many lines the current second has seen.
#[derive(Debug, Default)]
struct Pace {
    second: i64,
    lines: u32,
    left_out: u64,
}

impl Pace {
    /// Whether a line may still be written in this second, and with it how many could not since the last that was.
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
    /// Opens the log. A file that cannot be used is remarked on, and syslog takes its place.
    pub fn open(settings: LogSettings) -> Log {
        let opened = settings.file.as_deref().map(|path| (path, open_file(path)));
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
            Log { settings, target: Mutex::new(target), lost: AtomicU64::new(0), pace: Mutex::default() };
        if let Some(complaint) = complaint {
            log.write(Severity::Warning, complaint);
        }
        log
    }

    /// Hands a log file to the user that this process is about to become, so that it can be opened again.
    pub fn give_to(&self, user: &Credentials) -> io::Result<()> {
        match &*locked(&self.target) {
            Target::File(file) => fchown(file, Some(user.uid), Some(user.gid)),
            Target::Syslog(_) | Target::Nowhere => Ok(()),
        }
    }

    /// Goes on counting where the log that this one replaces stopped.
    pub(super) fn continue_count(&self, replaced: &Log) {
        self.lost.store(replaced.lost(), Ordering::Relaxed);
    }

    /// Lines that were left out or could not be written.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Writes one line. Characters that would end the line or steer a terminal are replaced. Of too many in a second the
    /// rest is left out and counted, but for debug lines: whoever wants those wants all.
    pub fn write(&self, severity: Severity, line: impl Display) {
        if severity == Severity::Debug {
            if self.settings.debug {
                self.put(severity, line);
            }
            return;
        }
        let admitted = locked(&self.pace).admit(clock::now_ms() / 1000);
        let Some(left_out) = admitted else {
            self.lost.fetch_add(1, Ordering::Relaxed);
            return;
        };
        if left_out > 0 {
            self.put(
                Severity::Warning,
                format_args!(
                    "{left_out} lines were left out: more than {NRPE_LOG_LINES_PER_SECOND} came in a second"
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
        // Under systemd, stderr ends where syslog does, and whoever counts refusals would count each twice.
        if !by_syslog {
            trace(severity, &line);
        }
    }

    /// An error.
    pub fn error(&self, line: impl Display) {
        self.write(Severity::Error, line);
    }

    /// A line for the record.
    pub fn info(&self, line: impl Display) {
        self.write(Severity::Info, line);
    }

    /// A line for the curious; built only when it is wanted.
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

/// The line as one of the agent's own log.
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
    // Not yet connected, or syslog was restarted since.
    let open = UnixDatagram::unbound()?;
    open.set_nonblocking(true)?;
    open.connect(SYSLOG_SOCKET)?;
    open.send(message.as_bytes())?;
    *socket = Some(open);
    Ok(())
}

/// Opens a log file without following a link at its end; it must be a plain file of one name.
fn open_file(path: &Path) -> io::Result<File> {
    // Whoever owns a directory above the file can have root's own rights lead anywhere.
    let _acting = nix::unistd::geteuid().is_root().then(|| other_owner(path)).flatten().map(ActsAs::user);
    // Without waiting, or a pipe that nobody reads would hold up the start.
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let file = OpenOptions::new().append(true).create(true).mode(0o644).custom_flags(flags).open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_file() && metadata.nlink() == 1 {
        Ok(file)
    } else {
        Err(io::Error::other("log file has an invalid mode"))
    }
}

/// The user and group of the innermost directory or link above a path that is not root's, or in which others can put
/// something in the place of what is there; none if root alone decides what the path leads to.
fn other_owner(path: &Path) -> Option<(Uid, Gid)> {
    let loose = |path: &Path| {
        path.ancestors().skip(1).filter(|above| !above.as_os_str().is_empty()).find_map(|above| {
            let entry = std::fs::symlink_metadata(above).ok()?;
            let shared =
                !entry.is_symlink() && entry.mode() & 0o002 != 0 && entry.mode() & libc::S_ISVTX == 0;
            match (entry.uid(), shared) {
                (0, false) => None,
                // Of root, but writable for everybody: whoever that is has no more rights than nobody.
                (0, true) => Some((Uid::from_raw(NOBODY), Gid::from_raw(NOBODY))),
                (uid, _) => Some((Uid::from_raw(uid), Gid::from_raw(entry.gid()))),
            }
        })
    };
    let real = std::fs::canonicalize(path.parent()?).ok()?;
    loose(&real.join("file")).or_else(|| loose(path))
}

/// The kernel's own number for a user without rights.
const NOBODY: u32 = 65_534;

/// Opens files with the rights of another user until it is dropped; for the calling thread only.
struct ActsAs {
    back: (Uid, Gid),
}

impl ActsAs {
    fn user((uid, gid): (Uid, Gid)) -> ActsAs {
        // The group first: without root's rights it could not be changed.
        let group = setfsgid(gid);
        ActsAs { back: (setfsuid(uid), group) }
    }
}

impl Drop for ActsAs {
    fn drop(&mut self) {
        setfsuid(self.back.0);
        setfsgid(self.back.1);
    }
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
            character if character.is_control() => shown.push('?'),
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
    fn a_flood_of_lines_is_counted_and_told() {
        let mut pace = Pace::default();
        for _ in 0..NRPE_LOG_LINES_PER_SECOND {
            assert_eq!(pace.admit(7), Some(0));
        }
        assert_eq!((pace.admit(7), pace.admit(7)), (None, None));
        assert_eq!((pace.admit(8), pace.admit(8)), (Some(2), Some(0)));
        // A clock that was put back begins a second as well.
        assert_eq!(pace.admit(3), Some(0));
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
    fn a_pipe_that_nobody_reads_is_no_log_file_and_holds_up_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("pipe");
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let log = Log::open(LogSettings { file: Some(path), ..LogSettings::default() });
        log.error("x");
        assert_eq!(log.lost(), 0);
    }

    #[test]
    fn a_link_in_a_directory_of_another_leads_root_nowhere() {
        if !nix::unistd::geteuid().is_root() {
            return;
        }
        let directory = tempfile::tempdir().unwrap();
        std::fs::set_permissions(directory.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .unwrap();
        let (theirs, roots) = (directory.path().join("theirs"), directory.path().join("roots"));
        std::fs::create_dir(&theirs).unwrap();
        std::fs::create_dir(&roots).unwrap();
        std::os::unix::fs::symlink(&roots, theirs.join("logs")).unwrap();
        std::os::unix::fs::lchown(theirs.join("logs"), Some(54_321), Some(54_321)).unwrap();
        std::os::unix::fs::chown(&theirs, Some(54_321), Some(54_321)).unwrap();
        assert!(open_file(&theirs.join("logs/nrpe")).is_err());
        assert!(!roots.join("nrpe").exists());
        let own = open_file(&theirs.join("nrpe")).unwrap().metadata().unwrap();
        assert_eq!((own.uid(), own.gid()), (54_321, 54_321));
        assert_eq!(open_file(&roots.join("nrpe")).unwrap().metadata().unwrap().uid(), 0);
    }
}
