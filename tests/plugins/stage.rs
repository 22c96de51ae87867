//! A stage for plugins: shims, a directory for scripts, and the certainty that nothing is left afterwards.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use custos::execute::{Lanes, Reports, Shims};
use custos_shim::{Launch, Limits, Outcome, Report, SUBCOMMAND, Spec};

/// No test waits longer than this for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The shim of the program under test.
pub(crate) fn launch() -> Launch {
    Launch { program: PathBuf::from(env!("CARGO_BIN_EXE_custos")), args: vec![OsString::from(SUBCOMMAND)] }
}

/// Shims with plugins that carry a mark of their own, by which every process below them is found.
pub(crate) struct Stage {
    pub(crate) directory: tempfile::TempDir,
    pub(crate) shims: Shims,
    reports: Reports,
    next_ticket: u64,
}

impl Stage {
    pub(crate) fn set() -> Stage {
        Stage::with_shims(1)
    }

    pub(crate) fn with_shims(shims_max: usize) -> Stage {
        Stage::with(Lanes { launch: launch(), shims_max, silence_max: PATIENCE })
    }

    pub(crate) fn with(lanes: Lanes) -> Stage {
        let directory = tempfile::tempdir().unwrap();
        std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let (shims, reports) = Shims::start(&lanes).unwrap();
        Stage { directory, shims, reports, next_ticket: 0 }
    }

    /// A plugin with a second to run and a short grace.
    pub(crate) fn spec(&self, argv: &[&str]) -> Spec {
        let mark = ("STAGE".into(), self.directory.path().into());
        Spec {
            argv: argv.iter().map(OsString::from).collect(),
            shell_line: None,
            env: vec![("PATH".into(), "/usr/bin:/bin".into()), ("LC_ALL".into(), "C".into()), mark],
            cwd: "/".into(),
            credentials: None,
            nice: 0,
            io_priority: None,
            limits: Limits::default(),
            no_new_privileges: false,
            leave_background: false,
            timeout: Duration::from_secs(20),
            grace: Duration::from_millis(200),
            stdout_max_bytes: 64 * 1024,
            stderr_max_bytes: 1024,
        }
    }

    pub(crate) fn shell(&self, line: &str) -> Spec {
        self.spec(&["/bin/sh", "-c", line])
    }

    pub(crate) fn submit(&mut self, spec: Spec) -> u64 {
        self.next_ticket += 1;
        self.shims.submit(self.next_ticket, &spec, self.next_ticket.is_multiple_of(2));
        self.next_ticket
    }

    pub(crate) async fn next(&mut self) -> (u64, Report) {
        tokio::time::timeout(PATIENCE, self.reports.recv())
            .await
            .expect("a report in time")
            .expect("a report")
    }

    /// Runs one plugin alone.
    pub(crate) async fn run(&mut self, spec: Spec) -> Report {
        let ticket = self.submit(spec);
        let (reported, report) = self.next().await;
        assert_eq!(reported, ticket);
        report
    }

    /// Every process that comes from a plugin of this stage, by its environment or its command line.
    pub(crate) fn processes(&self) -> Vec<i32> {
        marked_by(self.directory.path())
    }

    /// Drops the shims as if the agent had vanished.
    pub(crate) fn leave(self) -> tempfile::TempDir {
        self.directory
    }

    /// Waits until this many processes of the stage's plugins are there, or more.
    pub(crate) async fn peopled(&self, count: usize) {
        let waited = tokio::time::timeout(PATIENCE, async {
            while self.processes().len() < count {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        assert!(waited.await.is_ok(), "only {:?} came", self.processes());
    }

    /// Waits until a user has this many processes, or more. Asks nothing of the processes themselves, which may
    /// be too busy to answer.
    pub(crate) async fn crowded(&self, uid: u32, count: usize) {
        let owned =
            |pid: &i32| std::fs::metadata(format!("/proc/{pid}")).is_ok_and(|entry| entry.uid() == uid);
        let waited = tokio::time::timeout(PATIENCE, async {
            while all_processes().filter(owned).count() < count {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        assert!(waited.await.is_ok(), "user {uid} has few processes");
    }

    /// Waits until no process of this stage's plugins is left, zombies included.
    pub(crate) async fn cleared(&self) {
        let left = || {
            let workers = self.shims.shim_pids().into_iter().filter_map(worker_of);
            workers.flat_map(children).chain(self.processes()).collect::<Vec<i32>>()
        };
        let waited = tokio::time::timeout(PATIENCE, async {
            while !left().is_empty() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        assert!(waited.await.is_ok(), "left over: {:?}", left());
    }

    /// The process id of the shim's worker.
    pub(crate) async fn worker(&self) -> i32 {
        let waited = tokio::time::timeout(PATIENCE, async {
            loop {
                if let Some(worker) = self.shims.shim_pids().first().and_then(|guard| worker_of(*guard)) {
                    return worker;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        });
        waited.await.expect("a worker in time")
    }
}

/// Every process that has this path in its environment or on its command line.
pub(crate) fn marked_by(path: &Path) -> Vec<i32> {
    let mark = path.as_os_str().as_bytes();
    let marked = |bytes: Vec<u8>| bytes.windows(mark.len()).any(|window| window == mark);
    let holds = |pid: i32, file| std::fs::read(format!("/proc/{pid}/{file}")).is_ok_and(marked);
    all_processes().filter(|pid| holds(*pid, "environ") || holds(*pid, "cmdline")).collect()
}

fn all_processes() -> impl Iterator<Item = i32> {
    std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

/// The worker below this guard.
pub(crate) fn worker_of(guard: u32) -> Option<i32> {
    children(guard as i32).into_iter().next()
}

/// The children of every thread of a process, zombies included.
pub(crate) fn children(pid: i32) -> Vec<i32> {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    let lists =
        threads.filter_map(|thread| std::fs::read_to_string(thread.ok()?.path().join("children")).ok());
    lists
        .flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<i32>>())
        .collect()
}

/// What a plugin printed.
pub(crate) fn text(report: &Report) -> String {
    String::from_utf8_lossy(&report.stdout).into_owned()
}

/// The message of a plugin that could not be started.
pub(crate) fn refusal(report: &Report) -> (i32, &str) {
    match &report.outcome {
        Outcome::NotStarted { errno, message } => (*errno, message),
        other => panic!("started: {other:?}"),
    }
}
