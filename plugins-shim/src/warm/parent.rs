//! A warm interpreter: a process that is started as a plugin is, and forks for each run that it is asked for.
//!
//! It and the worker talk by messages over a socket that keeps them apart; fields end with a NUL, but for the last:
//!
//! ```text
//! parent   ready, files and directories it depends on …    once; or
//! parent   refused, why                                     once, and ends
//! worker   serial, name, directory, words before the script, words, limits, word …, resource soft hard …, NAME=VALUE …
//!          with the descriptors 0 to 2 of the run
//! fork     started, serial                                  before anything of the plugin has run; or
//! fork     cold, serial, why                                and ends; so says the parent if it cannot fork
//! ```
//!
//! The kernel says who has sent a message, so a process can speak of itself only. What a parent says is not trusted beyond that: it runs
//! plugins of its user, who may have changed it.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, IoSlice, IoSliceMut, Seek, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::Duration;

use nix::cmsg_space;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::signal::{Signal, kill};
use nix::sys::socket::{
    AddressFamily, ControlMessage, ControlMessageOwned, MsgFlags, SockFlag, SockType, UnixCredentials,
    recvmsg, sendmsg, setsockopt, socketpair, sockopt::PassCred,
};
use nix::unistd::Pid;

use super::script::Script;
use crate::child::{StartError, Starter, Stdio};
use crate::language::Language;
use crate::limits::{WARM_FILES_MAX, WARM_GROWTH_MAX_BYTES, WARM_LOOK, WARM_RUNS_MAX, WARM_START_MAX};
use crate::spec::{Credentials, IoPriority, Spec};

/// What interpreters are given to run.
const PERL: &str = include_str!("perl.pl");
const PYTHON: &str = include_str!("python.py");
/// What its frames say of their file.
const PYTHON_NAME: &str = "custos-warm";
/// Where they read it from. Perl takes `/dev/fd/0` for the descriptor itself and would not open it.
const PROGRAM: &str = "/proc/self/fd/0";
/// The descriptor that perl then has it on.
const PROGRAM_DESCRIPTOR: i64 = 3;
/// Variables that count when a process starts, or when it loads something, by the beginnings of their names.
const EARLY: [&str; 11] =
    ["PATH", "HOME", "USER", "LOGNAME", "LC_", "LANG", "TZ", "LD_", "LOCPATH", "MALLOC_", "GLIBC_"];
const SOCKET: &str = "failed to make a socket for a warm interpreter";

/// All that the runs of one parent have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kind {
    language: Language,
    interpreter: Vec<OsString>,
    early: Vec<(OsString, OsString)>,
    credentials: Option<Credentials>,
    nice: i8,
    io_priority: Option<IoPriority>,
    no_new_privileges: bool,
}

impl Kind {
    pub(super) fn of(spec: &Spec, script: &Script) -> Kind {
        let is_early = |name: &OsStr| EARLY.iter().any(|early| name.as_bytes().starts_with(early.as_bytes()));
        Kind {
            language: script.language,
            interpreter: script.interpreter.clone(),
            early: spec.env.iter().filter(|(name, _)| is_early(name)).cloned().collect(),
            credentials: spec.credentials.clone(),
            nice: spec.nice,
            io_priority: spec.io_priority,
            no_new_privileges: spec.no_new_privileges,
        }
    }

    /// What starts the parent.
    fn spec(&self, worker: i32) -> Spec {
        let program = [OsString::from(PROGRAM)];
        let numbers = numbers(worker).map(|(name, number)| OsString::from(format!("{name}={number}")));
        let argv = self.interpreter.iter().cloned().chain(program).chain(numbers).collect();
        Spec {
            env: self.early.clone(),
            credentials: self.credentials.clone(),
            nice: self.nice,
            io_priority: self.io_priority,
            no_new_privileges: self.no_new_privileges,
            ..Spec::new(argv, Duration::MAX)
        }
    }
}

/// Numbers of this system, by the names that the programs of the parents have for them.
fn numbers(worker: i32) -> impl Iterator<Item = (&'static str, i64)> {
    let clone_flags =
        libc::CLONE_PARENT | libc::CLONE_CHILD_SETTID | libc::CLONE_CHILD_CLEARTID | libc::SIGCHLD;
    // Where the address of the thread's number stands among the arguments of clone(2).
    let clone_ctid = if cfg!(target_arch = "x86_64") { 3 } else { 4 };
    [
        ("brk", libc::SYS_brk),
        ("clone", libc::SYS_clone),
        ("close", libc::SYS_close),
        ("close_range", libc::SYS_close_range),
        ("dup3", libc::SYS_dup3),
        ("exit_group", libc::SYS_exit_group),
        ("faccessat", libc::SYS_faccessat),
        ("lseek", libc::SYS_lseek),
        ("memfd_create", libc::SYS_memfd_create),
        ("openat", libc::SYS_openat),
        ("prctl", libc::SYS_prctl),
        ("prlimit64", libc::SYS_prlimit64),
        ("read", libc::SYS_read),
        ("recvmsg", libc::SYS_recvmsg),
        ("setsid", libc::SYS_setsid),
        ("write", libc::SYS_write),
        ("clone_flags", i64::from(clone_flags)),
        ("clone_ctid", clone_ctid),
        ("get_tid_address", i64::from(libc::PR_GET_TID_ADDRESS)),
        ("set_dumpable", i64::from(libc::PR_SET_DUMPABLE)),
        ("set_mm", i64::from(libc::PR_SET_MM)),
        ("set_mm_map", i64::from(libc::PR_SET_MM_MAP)),
        ("set_name", i64::from(libc::PR_SET_NAME)),
        ("set_pdeathsig", i64::from(libc::PR_SET_PDEATHSIG)),
        ("cloexec", i64::from(libc::O_CLOEXEC)),
        ("read_cloexec", i64::from(libc::O_RDONLY | libc::O_CLOEXEC)),
        ("memfd_cloexec", i64::from(libc::MFD_CLOEXEC)),
        ("cloexec_message", i64::from(libc::MSG_CMSG_CLOEXEC)),
        ("here", i64::from(libc::AT_FDCWD)),
        ("program", PROGRAM_DESCRIPTOR),
        ("word", size_of::<usize>() as i64),
        ("read_bytes", 8192),
        ("message_max", crate::limits::WARM_REQUEST_MAX_BYTES as i64),
        ("worker", i64::from(worker)),
    ]
    .into_iter()
}

/// What a parent or one of its forks says.
#[derive(Debug)]
pub(crate) enum Answer {
    /// The parent has loaded what it loads.
    Ready(Vec<PathBuf>),
    /// The fork for the run with this serial number is made, and is this process.
    Started { serial: u64, pid: i32 },
    /// There is no fork for it.
    Cold { serial: u64 },
    /// Nothing more will come.
    Ended,
}

/// One parent.
#[derive(Debug)]
pub(super) struct Parent {
    pub(super) kind: Kind,
    /// 0 once it was waited for.
    pub(super) pid: i32,
    socket: OwnedFd,
    /// The end of its stderr that nobody reads.
    _errors: OwnedFd,
    state: State,
    /// When something was last asked of it, or it was started.
    pub(super) used_us: u64,
}

#[derive(Debug)]
enum State {
    Starting { until_us: u64 },
    Ready(Ready),
}

#[derive(Debug)]
struct Ready {
    /// What it depends on, as it was.
    files: Vec<(PathBuf, Option<Stamp>)>,
    resident_bytes: u64,
    looked_us: u64,
    runs: u64,
}

/// By what a file is known not to have changed.
type Stamp = (u64, u64, i64, i64, u64);

impl Parent {
    /// Starts one. It is of use once it is ready.
    pub(super) fn start(
        kind: Kind,
        starter: &mut Starter,
        open_files: Option<libc::rlimit>,
        now_us: u64,
    ) -> Result<Parent, StartError> {
        let failed = |error: io::Error| StartError {
            errno: error.raw_os_error().unwrap_or(libc::EMFILE),
            message: format!("{SOCKET}: {error}"),
        };
        let (socket, far_end) =
            socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)
                .map_err(|error| failed(error.into()))?;
        setsockopt(&socket, PassCred, &true).map_err(|error| failed(error.into()))?;
        fcntl(&socket, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).map_err(|error| failed(error.into()))?;
        let program = program(kind.language).map_err(failed)?;
        let (errors, errors_end) =
            nix::unistd::pipe2(OFlag::O_CLOEXEC).map_err(|error| failed(error.into()))?;
        let stdio =
            Stdio { stdin: Some(program.as_fd()), stdout: far_end.as_fd(), stderr: errors_end.as_fd() };
        let spec = kind.spec(nix::unistd::getpid().as_raw());
        let started = starter.start(&spec, None, stdio, open_files)?;
        let state = State::Starting { until_us: now_us + WARM_START_MAX.as_micros() as u64 };
        Ok(Parent { kind, pid: started.pid, socket, _errors: errors, state, used_us: now_us })
    }

    /// It says that it is ready, with what it depends on. False if that is too much.
    pub(super) fn ready(&mut self, files: Vec<PathBuf>, now_us: u64) -> bool {
        if files.len() > WARM_FILES_MAX {
            return false;
        }
        let files = files.into_iter().map(|path| (path.clone(), stamp(&path))).collect();
        let resident_bytes = resident_bytes(self.pid);
        self.state = State::Ready(Ready { files, resident_bytes, looked_us: now_us, runs: 0 });
        true
    }

    pub(super) fn is_ready(&self) -> bool {
        matches!(self.state, State::Ready(_))
    }

    /// When its start has taken too long; none if it is ready.
    pub(super) fn start_due_us(&self) -> Option<u64> {
        match self.state {
            State::Starting { until_us } => Some(until_us),
            State::Ready(_) => None,
        }
    }

    /// Whether another has to take its place: it has run enough, has grown, or something that it depends on has changed.
    pub(super) fn is_worn(&mut self, now_us: u64) -> bool {
        let State::Ready(ready) = &mut self.state else { return false };
        if ready.runs >= WARM_RUNS_MAX {
            return true;
        }
        if now_us < ready.looked_us + WARM_LOOK.as_micros() as u64 {
            return false;
        }
        ready.looked_us = now_us;
        let has_grown = resident_bytes(self.pid) > ready.resident_bytes + WARM_GROWTH_MAX_BYTES;
        has_grown || ready.files.iter().any(|(path, then)| stamp(path) != *then)
    }

    /// Asks for a run.
    pub(super) fn ask(&mut self, request: &[u8], descriptors: [BorrowedFd<'_>; 3]) -> nix::Result<()> {
        let descriptors = descriptors.map(|descriptor| descriptor.as_raw_fd());
        let rights = [ControlMessage::ScmRights(&descriptors)];
        let flags = MsgFlags::MSG_NOSIGNAL | MsgFlags::MSG_DONTWAIT;
        sendmsg::<()>(self.socket.as_raw_fd(), &[IoSlice::new(request)], &rights, flags, None)?;
        if let State::Ready(ready) = &mut self.state {
            ready.runs += 1;
        }
        Ok(())
    }

    /// What has come from it, if something has.
    pub(super) fn receive(&self, buffer: &mut [u8]) -> Option<Answer> {
        // With no space for descriptors, the kernel closes those that somebody sends.
        let mut space = cmsg_space!(UnixCredentials);
        let mut into = [IoSliceMut::new(buffer)];
        let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_CMSG_CLOEXEC;
        let (len, pid) = loop {
            match recvmsg::<()>(self.socket.as_raw_fd(), &mut into, Some(&mut space), flags) {
                Ok(message) => break (message.bytes, sender(message.cmsgs().ok()?)),
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => return None,
                Err(_) => return Some(Answer::Ended),
            }
        };
        Some(answer(&buffer[..len], pid))
    }

    /// Ends it. What it has forked goes on.
    pub(super) fn end(&self) {
        if self.pid > 0 {
            let _ = kill(Pid::from_raw(self.pid), Signal::SIGKILL);
        }
    }
}

impl AsFd for Parent {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Who has sent a message, by the kernel.
fn sender(parts: impl Iterator<Item = ControlMessageOwned>) -> i32 {
    let mut parts = parts;
    parts
        .find_map(|part| match part {
            ControlMessageOwned::ScmCredentials(credentials) => Some(credentials.pid()),
            _ => None,
        })
        .unwrap_or(0)
}

/// A message that this process has sent. One that makes no sense is the last one.
fn answer(message: &[u8], pid: i32) -> Answer {
    let mut fields = message.split(|byte| *byte == 0);
    let kind = fields.next().unwrap_or_default();
    let mut serial = || std::str::from_utf8(fields.next()?).ok()?.parse().ok();
    match kind {
        b"ready" => {
            let files = fields.map(|path| PathBuf::from(OsString::from_vec(path.to_vec())));
            Answer::Ready(files.collect())
        }
        b"started" => serial().map_or(Answer::Ended, |serial| Answer::Started { serial, pid }),
        b"cold" => serial().map_or(Answer::Ended, |serial| Answer::Cold { serial }),
        _ => Answer::Ended,
    }
}

/// The program of a parent, as a file in memory.
fn program(language: Language) -> io::Result<File> {
    let text = match language {
        Language::Perl => PERL.to_owned(),
        // What Python keeps of a program that it runs is freed when that ends, which a fork would pay for. Of a text it keeps nothing.
        Language::Python => {
            format!("_program = compile({PYTHON:?}, {PYTHON_NAME:?}, 'exec')\nexec(_program)\n")
        }
    };
    let mut file = File::from(memfd_create(c"custos-warm", MFdFlags::MFD_CLOEXEC)?);
    file.write_all(text.as_bytes())?;
    file.rewind()?;
    Ok(file)
}

fn stamp(path: &PathBuf) -> Option<Stamp> {
    let found = fs::metadata(path).ok()?;
    Some((found.dev(), found.ino(), found.mtime(), found.mtime_nsec(), found.size()))
}

/// What a process takes of the memory; 0 if it is no more.
fn resident_bytes(pid: i32) -> u64 {
    let pages = || {
        let statm = fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
        statm.split(' ').nth(1)?.parse::<u64>().ok()
    };
    let page = nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE).ok().flatten().unwrap_or(4096);
    pages().unwrap_or(0) * u64::try_from(page).unwrap_or(4096)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_no_sense_is_the_end() {
        for message in
            [&b""[..], b"started", b"started\0", b"started\0x", b"cold\0-1", b"what\x001", b"refused\0why"]
        {
            assert!(matches!(answer(message, 7), Answer::Ended), "{message:?}");
        }
        assert!(matches!(answer(b"started\x0012", 7), Answer::Started { serial: 12, pid: 7 }));
        assert!(matches!(answer(b"cold\x0012\0why", 7), Answer::Cold { serial: 12 }));
        let Answer::Ready(files) = answer(b"ready\0/a\0/b", 7) else { panic!("not ready") };
        assert_eq!(files, [PathBuf::from("/a"), PathBuf::from("/b")]);
    }

    #[test]
    fn the_program_for_python_is_quoted_as_both_languages_quote() {
        let is_plain = |byte: u8| matches!(byte, b'\n' | b' '..=b'~');
        assert!(PYTHON.bytes().all(is_plain), "python.py has other characters than those of ASCII");
    }

    #[test]
    fn runs_that_differ_in_what_counts_early_have_different_parents() {
        let script =
            Script { language: Language::Perl, interpreter: vec!["perl".into()], name: b"perl".to_vec() };
        let spec = |name: &str| Spec {
            env: vec![(name.into(), "x".into())],
            ..Spec::new(vec!["/p".into()], Duration::from_secs(1))
        };
        let kind = |spec: &Spec| Kind::of(spec, &script);
        assert_eq!(kind(&spec("OWN")), kind(&spec("OTHER")));
        assert_ne!(kind(&spec("OWN")), kind(&spec("LC_TIME")));
        assert_ne!(kind(&spec("OWN")), kind(&Spec { nice: 3, ..spec("OWN") }));
        assert_eq!(kind(&spec("OWN")), kind(&Spec { cwd: "/tmp".into(), ..spec("OWN") }));
    }
}
