//! Starting one plugin: a child that shares our memory until its `execve`, so nothing is copied.
//!
//! Promises that the unsafe code here relies on:
//!
//! 1. `clone(CLONE_VM | CLONE_VFORK)` suspends the calling thread until the child has executed its program or
//!    ended. Until then the child alone uses the [`Plan`], the stack and the calling thread's `errno`.
//! 2. Everything that the child reads was built before the clone and outlives it. The child allocates nothing,
//!    takes no lock and runs no signal handler: all signals are blocked and none has a handler. SIGSTOP cannot be
//!    blocked, and whoever is its new user may send it: `start_watch.rs` ends a child that is stopped.
//! 3. User and groups are changed by bare system calls: the C library's own functions would change the threads
//!    of the shim.
//! 4. The holder of a process group returns at once. It alone uses its stack, until it is reaped.
#![expect(unsafe_code, reason = "creates processes, for which nix has no safe form")]

use std::ffi::{CStr, CString, OsStr, OsString};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;
use std::ptr;
use std::sync::Arc;

use libc::{c_char, c_int, c_long, c_void};
use nix::unistd::Pid;

use crate::limits::STOPPED_PENALTY;
use crate::spec::{Credentials, IoPriority, Limits, Spec};
use crate::start_watch::{StartWatch, starting_pid};

const STACK_BYTES: usize = 64 * 1024;
/// For a function that does nothing.
const HOLDER_STACK_BYTES: usize = 4 * 1024;
/// Says that the number beside it is a process; 0 is the caller.
const IOPRIO_WHO_PROCESS: c_int = 1;
/// Interprets a program that the kernel refuses with ENOEXEC: a script without its `#!` line.
const SHELL: &CStr = c"/bin/sh";

/// What could not be done to start a plugin.
#[derive(Debug)]
pub(crate) struct StartError {
    pub(crate) errno: i32,
    /// Continues "failed to …", with the cause.
    pub(crate) message: String,
}

/// A plugin that has been started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Started {
    pub(crate) pid: i32,
    /// Its process group, of this plugin alone. If the plugin leads it, this is its session, too.
    pub(crate) group: i32,
}

/// Starts plugins, one at a time.
#[derive(Debug)]
pub(crate) struct Starter {
    stack: Vec<u8>,
    holder_stack: Vec<u8>,
    own_pid: i32,
    is_root: bool,
    watch: Arc<StartWatch>,
}

/// What a plugin has for descriptors 0 to 2.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stdio<'a> {
    /// None if it is to inherit the shim's, which is /dev/null.
    pub(crate) stdin: Option<BorrowedFd<'a>>,
    pub(crate) stdout: BorrowedFd<'a>,
    pub(crate) stderr: BorrowedFd<'a>,
}

/// What the child is doing, as it writes it down for the parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Session,
    Group,
    Descriptors,
    Limits,
    Nice,
    IoPriority,
    Groups,
    User,
    Directory,
    Privileges,
    ParentWatch,
    Execute,
}

/// Everything that the child needs, as the kernel wants it.
struct Plan<'a> {
    argv: Vec<*const c_char>,
    /// `/bin/sh FILE ARGUMENT…`; the place of FILE is filled in by the child.
    shell_argv: Vec<*const c_char>,
    /// `sh -c LINE`, for when no file can be executed; empty without a line.
    line_argv: Vec<*const c_char>,
    env: Vec<*const c_char>,
    /// The files to try, in order.
    files: Vec<*const c_char>,
    /// Null if the shim's own, the root directory, is the one.
    cwd: *const c_char,
    /// For the descriptor 0, if that is not the shim's.
    input: Option<c_int>,
    /// For the descriptors 1 and 2.
    outputs: [c_int; 2],
    limits: Vec<(c_int, libc::rlimit)>,
    nice: i8,
    /// As `ioprio_set(2)` takes it.
    io_priority: Option<c_int>,
    credentials: Option<&'a Credentials>,
    no_new_privileges: bool,
    parent: i32,
    /// The process group to join; none if the plugin is to lead one, and a session.
    group: Option<i32>,
    /// Written by the child when it fails.
    failure: Option<(Step, i32)>,
}

impl Starter {
    /// A starter for plugins of this process; `watch` ends those that are stopped before they execute.
    pub(crate) fn new(watch: Arc<StartWatch>) -> Starter {
        let own_pid = nix::unistd::getpid().as_raw();
        Starter {
            stack: vec![0; STACK_BYTES],
            holder_stack: vec![0; HOLDER_STACK_BYTES],
            own_pid,
            is_root: nix::unistd::geteuid().is_root(),
            watch,
        }
    }

    /// Starts the plugin. `open_files` is its limit of open files if neither the spec has one nor that of this process
    /// is right.
    pub(crate) fn start(
        &mut self,
        spec: &Spec,
        mark: Option<&str>,
        stdio: Stdio<'_>,
        open_files: Option<libc::rlimit>,
    ) -> Result<Started, StartError> {
        let other_user = spec.credentials.as_ref().map(|credentials| credentials.uid);
        if let Some(uid) = other_user.filter(|uid| self.watch.is_barred(*uid)) {
            let seconds = STOPPED_PENALTY.as_secs();
            let why = format!(
                "failed to start a plugin: one of user {uid} was stopped before it could execute, so none of them is \
                 started for {seconds} s"
            );
            return Err(refused(libc::EAGAIN, &why));
        }
        let argv = c_strings(spec.argv.iter().map(OsString::as_os_str))?;
        let env = environment(spec, mark)?;
        let cwd = c_string(spec.cwd.as_os_str())?;
        let files = match spec.argv.first() {
            Some(program) => files(program, spec)?,
            None if spec.shell_line.is_some() => Vec::new(),
            None => return Err(refused(libc::EINVAL, "failed to start a plugin: no program is named")),
        };
        let line = spec.shell_line.as_deref().map(c_string).transpose()?;
        let line_argv =
            line.iter().flat_map(|line| [c"sh".as_ptr(), c"-c".as_ptr(), line.as_ptr(), ptr::null()]);
        let mut plan = Plan {
            argv: pointers(&argv),
            shell_argv: [SHELL.as_ptr(), ptr::null()]
                .into_iter()
                .chain(pointers(argv.get(1..).unwrap_or_default()))
                .collect(),
            line_argv: line_argv.collect(),
            env: pointers(&env),
            files: files.iter().map(|file| file.as_ptr()).collect(),
            cwd: if cwd.as_bytes() == b"/" { ptr::null() } else { cwd.as_ptr() },
            input: stdio.stdin.map(|fd| fd.as_raw_fd()),
            outputs: [stdio.stdout, stdio.stderr].map(|fd| fd.as_raw_fd()),
            limits: resource_limits(&spec.limits, open_files),
            nice: spec.nice,
            io_priority: spec.io_priority.map(io_priority),
            credentials: spec.credentials.as_ref(),
            no_new_privileges: spec.no_new_privileges,
            parent: self.own_pid,
            group: spec.shell_line.is_some().then(|| self.hold_group()).transpose()?,
            failure: None,
        };
        // As root, those of the worker's own user are safe from signals of all others.
        let watched = other_user.is_some() || !self.is_root;
        if watched {
            self.watch.begin();
        }
        let cloned = self.clone_child(&mut plan, watched);
        let stopped = watched && self.watch.end(*cloned.as_ref().unwrap_or(&0), other_user);
        if let Some(group) = plan.group {
            // The plugin is in the group now, so it remains without the holder.
            crate::sys::reap_one(group);
        }
        let pid = cloned?;
        match plan.failure {
            None if stopped => {
                crate::sys::reap_one(pid);
                let why =
                    "failed to start the plugin: a signal of its own user stopped it before it could execute";
                Err(refused(libc::EAGAIN, why))
            }
            None => Ok(Started { pid, group: plan.group.unwrap_or(pid) }),
            Some((step, errno)) => {
                crate::sys::reap_one(pid);
                Err(StartError { errno, message: describe(step, errno, spec, &files) })
            }
        }
    }

    /// Makes a process group that a plugin can join. A command that a shell starts leads neither session nor process
    /// group, so it may begin one of its own, which the kernel denies to those that do.
    ///
    /// A group needs a process. This one ends at once, and counts until it is reaped, under the number returned.
    fn hold_group(&mut self) -> Result<i32, StartError> {
        let top = stack_top(&mut self.holder_stack);
        // Everything is shared, as that is the least work, and nobody is told of its end.
        let flags = libc::CLONE_VM | libc::CLONE_FS | libc::CLONE_FILES | libc::CLONE_SIGHAND;
        // SAFETY: promise 4.
        let mut pid = unsafe { libc::clone(holder, top, flags, ptr::null_mut()) };
        if pid < 0 && io::Error::last_os_error().raw_os_error() == Some(libc::EINVAL) {
            // An emulator of another processor knows threads and forks, and nothing between them.
            let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
            // SAFETY: promise 4.
            pid = unsafe { libc::clone(holder, top, flags, ptr::null_mut()) };
        }
        if pid < 0 {
            return Err(no_process());
        }
        // It is an unreaped child that has executed nothing, so this cannot fail.
        let _ = nix::unistd::setpgid(Pid::from_raw(pid), Pid::from_raw(pid));
        Ok(pid)
    }

    fn clone_child(&mut self, plan: &mut Plan<'_>, watched: bool) -> Result<i32, StartError> {
        let top = stack_top(&mut self.stack);
        // The kernel writes the child's number before the child can be stopped.
        let told = if watched { libc::CLONE_PARENT_SETTID } else { 0 };
        let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD | told;
        let plan = ptr::from_mut(plan).cast::<c_void>();
        // SAFETY: promises 1 and 2: stack and plan outlive the child's use of them, and nobody else uses them. The number
        // is written to a static.
        let pid = unsafe { libc::clone(child, top, flags, plan, starting_pid()) };
        if pid > 0 { Ok(pid) } else { Err(no_process()) }
    }
}

fn no_process() -> StartError {
    let error = io::Error::last_os_error();
    refused(error.raw_os_error().unwrap_or(libc::EAGAIN), &format!("failed to create a process: {error}"))
}

/// Where a stack begins: it grows downwards, from an address that the ABI wants aligned.
fn stack_top(stack: &mut [u8]) -> *mut c_void {
    let top = stack.as_mut_ptr_range().end;
    top.wrapping_sub(top as usize % 16).cast::<c_void>()
}

extern "C" fn holder(_: *mut c_void) -> c_int {
    0
}

extern "C" fn child(plan: *mut c_void) -> c_int {
    // SAFETY: promise 1: the pointer is to the Plan of `clone_child`, which only this function uses now.
    let plan = unsafe { &mut *plan.cast::<Plan<'_>>() };
    let step = match become_plugin(plan) {
        Ok(()) => Step::Execute,
        Err(step) => step,
    };
    plan.failure = Some((step, last_errno()));
    127
}

/// One system call of the child; on failure returns the step, with the reason in `errno`.
macro_rules! attempt {
    ($step:expr, $call:expr) => {
        // SAFETY: promise 2: the arguments are valid for the kernel, and the call touches no lock of ours.
        if unsafe { $call } < 0 {
            return Err($step);
        }
    };
}

/// Everything between the clone and the plugin. Returns only if it failed, `Ok` meaning in `execve`.
fn become_plugin(plan: &mut Plan<'_>) -> Result<(), Step> {
    match plan.group {
        Some(group) => attempt!(Step::Group, libc::setpgid(0, group)),
        None => attempt!(Step::Session, libc::setsid()),
    }
    if let Some(input) = plan.input {
        attempt!(Step::Descriptors, libc::dup2(input, libc::STDIN_FILENO));
    }
    for (target, source) in (libc::STDOUT_FILENO..).zip(plan.outputs) {
        attempt!(Step::Descriptors, libc::dup2(source, target));
    }
    for (resource, limit) in &plan.limits {
        attempt!(Step::Limits, prlimit(*resource, limit));
    }
    if plan.nice != 0 {
        // SAFETY: promise 2. Its error is -1, which is a niceness as well; the sum is clamped by the kernel.
        let now = unsafe { libc::getpriority(libc::PRIO_PROCESS, 0) };
        let wanted = now.saturating_add(c_int::from(plan.nice));
        attempt!(Step::Nice, libc::setpriority(libc::PRIO_PROCESS, 0, wanted));
    }
    if let Some(priority) = plan.io_priority {
        attempt!(Step::IoPriority, libc::syscall(libc::SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, priority));
    }
    if let Some(credentials) = plan.credentials {
        let (count, groups) = (credentials.groups.len(), credentials.groups.as_ptr());
        attempt!(Step::Groups, libc::syscall(libc::SYS_setgroups, count, groups));
        let gid = credentials.gid;
        attempt!(Step::Groups, libc::syscall(libc::SYS_setresgid, gid, gid, gid));
        let uid = credentials.uid;
        attempt!(Step::User, libc::syscall(libc::SYS_setresuid, uid, uid, uid));
    }
    if !plan.cwd.is_null() {
        attempt!(Step::Directory, libc::chdir(plan.cwd));
    }
    if plan.no_new_privileges {
        attempt!(Step::Privileges, libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    }
    // After the change of user, which would clear it.
    attempt!(Step::ParentWatch, libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL));
    // SAFETY: promise 2. If the shim died before the watch was set, nobody would end this plugin.
    if unsafe { libc::getppid() } != plan.parent {
        return Err(Step::ParentWatch);
    }
    attempt!(Step::Session, unblock_signals());
    execute(plan);
    Ok(())
}

/// Executes the program, or has the shell say why it cannot be.
fn execute(plan: &mut Plan<'_>) {
    execute_files(plan);
    if !plan.line_argv.is_empty() {
        // SAFETY: promise 2: a path and two lists of strings, each ended by a null pointer.
        unsafe { libc::execve(SHELL.as_ptr(), plan.line_argv.as_ptr(), plan.env.as_ptr()) };
    }
}

/// Tries each file as the shell would: goes on where there is none, remembers one that may not be executed.
fn execute_files(plan: &mut Plan<'_>) {
    let mut kept = libc::ENOENT;
    for file in &plan.files {
        // SAFETY: promise 2: a path and two lists of strings, each ended by a null pointer.
        unsafe { libc::execve(*file, plan.argv.as_ptr(), plan.env.as_ptr()) };
        match last_errno() {
            libc::ENOENT | libc::ENOTDIR => {}
            libc::EACCES => kept = libc::EACCES,
            // Whether such a file is a script at all is decided by the shell that has the line.
            libc::ENOEXEC if !plan.line_argv.is_empty() => return,
            libc::ENOEXEC => {
                plan.shell_argv[1] = *file;
                // SAFETY: promise 2, as above.
                unsafe { libc::execve(SHELL.as_ptr(), plan.shell_argv.as_ptr(), plan.env.as_ptr()) };
                return;
            }
            _ => return,
        }
    }
    set_errno(kept);
}

/// # Safety
/// As for the system call; used by the child only.
unsafe fn prlimit(resource: c_int, limit: &libc::rlimit) -> c_long {
    let none = ptr::null_mut::<libc::rlimit>();
    // SAFETY: the limit is read, no old limit is written.
    unsafe { libc::syscall(libc::SYS_prlimit64, 0, resource, ptr::from_ref(limit), none) }
}

/// # Safety
/// Used by the child only.
unsafe fn unblock_signals() -> c_long {
    // One bit a signal, as the kernel has it.
    let none = 0_u64;
    let (set, old) = (ptr::from_ref(&none), ptr::null_mut::<u64>());
    // SAFETY: the set is read, no old set is written.
    unsafe { libc::syscall(libc::SYS_rt_sigprocmask, libc::SIG_SETMASK, set, old, size_of::<u64>()) }
}

fn last_errno() -> i32 {
    let errno = errno_location();
    // SAFETY: valid for as long as the thread.
    unsafe { *errno }
}

fn set_errno(value: i32) {
    let errno = errno_location();
    // SAFETY: valid for as long as the thread; promise 1 gives it to the child alone.
    unsafe { *errno = value };
}

fn errno_location() -> *mut i32 {
    // SAFETY: asks the C library for an address, nothing more.
    unsafe { libc::__errno_location() }
}

fn refused(errno: i32, message: &str) -> StartError {
    StartError { errno, message: message.to_owned() }
}

fn c_string(text: &OsStr) -> Result<CString, StartError> {
    CString::new(text.as_bytes()).map_err(|_| {
        refused(libc::EINVAL, "failed to start a plugin: its command or environment holds a NUL")
    })
}

fn c_strings<'a>(texts: impl Iterator<Item = &'a OsStr>) -> Result<Vec<CString>, StartError> {
    texts.map(c_string).collect()
}

/// The environment of a plugin, with the mark of its run; an error if it holds a NUL.
pub(crate) fn environment(spec: &Spec, mark: Option<&str>) -> Result<Vec<CString>, StartError> {
    let own = mark.into_iter().map(|mark| Ok(OsString::from(mark)));
    let given = spec.env.iter().map(|(name, value)| {
        let mut entry = Vec::with_capacity(name.len() + value.len() + 1);
        entry.extend_from_slice(name.as_bytes());
        entry.push(b'=');
        entry.extend_from_slice(value.as_bytes());
        Ok(OsString::from_vec(entry))
    });
    given.chain(own).map(|entry| entry.and_then(|entry| c_string(&entry))).collect()
}

/// The strings' addresses, ended by a null pointer.
fn pointers(strings: &[CString]) -> Vec<*const c_char> {
    strings.iter().map(|string| string.as_ptr()).chain([ptr::null()]).collect()
}

/// The files that the program's name may mean: itself if it has a slash, else one in each directory of `PATH`.
fn files(program: &OsStr, spec: &Spec) -> Result<Vec<CString>, StartError> {
    if program.as_bytes().contains(&b'/') {
        return Ok(vec![c_string(program)?]);
    }
    let path = spec.env.iter().find(|(name, _)| name == "PATH");
    let path = path.map_or(&b"/usr/bin:/bin"[..], |(_, value)| value.as_bytes());
    let directories = path.split(|byte| *byte == b':').filter(|directory| !directory.is_empty());
    directories
        .map(|directory| c_string(OsStr::from_bytes(&[directory, b"/", program.as_bytes()].concat())))
        .collect()
}

/// The class in the upper bits, the level in the lower 13; levels beyond the last are refused by the kernel.
fn io_priority(priority: IoPriority) -> c_int {
    let (class, level) = match priority {
        IoPriority::RealTime(level) => (1, level),
        IoPriority::BestEffort(level) => (2, level),
        IoPriority::Idle => (3, 0),
    };
    class << 13 | c_int::from(level)
}

/// The limits of a plugin, as the kernel has them: what is set, and how.
pub(crate) fn resource_limits(
    limits: &Limits,
    open_files: Option<libc::rlimit>,
) -> Vec<(c_int, libc::rlimit)> {
    let mut set = vec![];
    let wanted = [
        (libc::RLIMIT_AS, limits.address_space_bytes),
        (libc::RLIMIT_CPU, limits.cpu_s),
        (libc::RLIMIT_NPROC, limits.processes),
    ];
    for (resource, limit) in wanted {
        if let Some(limit) = limit {
            set.push((resource as c_int, libc::rlimit { rlim_cur: limit, rlim_max: limit }));
        }
    }
    let own = limits.open_files.map(|limit| libc::rlimit { rlim_cur: limit, rlim_max: limit });
    if let Some(files) = own.or(open_files) {
        set.push((libc::RLIMIT_NOFILE as c_int, files));
    }
    set
}

/// The message for a person, with the cause that the kernel's number hides where it can be found.
fn describe(step: Step, errno: i32, spec: &Spec, files: &[CString]) -> String {
    let cause = io::Error::from_raw_os_error(errno).to_string();
    // The system's words, without the number that the standard library adds.
    let cause = cause.split(" (os error ").next().unwrap_or_default();
    let program = spec.argv.first().map_or("/bin/sh".into(), |program| program.to_string_lossy());
    let attempt = match step {
        Step::Session => "give the plugin a session".to_owned(),
        Step::Group => "give the plugin a process group".to_owned(),
        Step::Descriptors => "connect the plugin's input and output".to_owned(),
        Step::Limits => "set the plugin's limits".to_owned(),
        Step::Nice => format!("change the niceness by {}", spec.nice),
        Step::IoPriority => "set the priority of input and output".to_owned(),
        Step::Groups => format!("take the groups of {}", user(spec)),
        Step::User => format!("become {}", user(spec)),
        Step::Directory => format!("enter the directory {}", spec.cwd.display()),
        Step::Privileges => "give up further privileges".to_owned(),
        Step::ParentWatch => "tie the plugin to the shim".to_owned(),
        Step::Execute => match missing_interpreter(errno, files) {
            Some(interpreter) => {
                return format!("failed to execute {program}: its interpreter {interpreter} does not exist");
            }
            None if errno == libc::ENOENT && !program.contains('/') => {
                return format!(
                    "failed to execute {program}: there is no such program in {}",
                    directories(files)
                );
            }
            None => format!("execute {program}"),
        },
    };
    format!("failed to {attempt}: {cause}")
}

/// The directories of the files that were tried.
fn directories(files: &[CString]) -> String {
    let directories: Vec<String> = files
        .iter()
        .filter_map(|file| Path::new(OsStr::from_bytes(file.as_bytes())).parent())
        .map(|directory| directory.display().to_string())
        .collect();
    if directories.is_empty() { "any directory".to_owned() } else { directories.join(", ") }
}

fn user(spec: &Spec) -> String {
    spec.credentials.as_ref().map_or_else(String::new, |credentials| format!("user {}", credentials.uid))
}

/// The interpreter of the first of these scripts that exists, if "no such file" must have meant the interpreter.
fn missing_interpreter(errno: i32, files: &[CString]) -> Option<String> {
    if errno != libc::ENOENT {
        return None;
    }
    files.iter().find_map(|file| {
        use std::io::Read;
        let mut head = Vec::new();
        let file = std::fs::File::open(OsStr::from_bytes(file.as_bytes())).ok()?;
        file.take(256).read_to_end(&mut head).ok()?;
        let line = head.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
        let line = String::from_utf8_lossy(line);
        line.split_whitespace().next().map(str::to_owned)
    })
}
