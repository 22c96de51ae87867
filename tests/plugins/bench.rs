//! Shims to try plugins with, and the certainty that nothing is left of them afterwards.

use std::ffi::OsString;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::Duration;

use custos::execute::{Reports, ShimSettings, Shims};
use custos_shim::{Launch, Outcome, Report, SUBCOMMAND, Spec};

use crate::stage::{PATIENCE, PROGRAM, Stage, all_processes, children, marked_by, wait_until};

/// The shim of the program under test.
pub(crate) fn launch() -> Launch {
    Launch { program: PathBuf::from(PROGRAM), args: vec![OsString::from(SUBCOMMAND)] }
}

/// Shims with plugins that carry a mark of their own, by which every process below them is found.
pub(crate) struct Bench {
    pub(crate) stage: Stage,
    pub(crate) shims: Shims,
    reports: Reports,
    next_ticket: u64,
}

impl Bench {
    pub(crate) fn set() -> Bench {
        Bench::with_shims(1)
    }

    pub(crate) fn with_shims(shims_max: usize) -> Bench {
        Bench::with(ShimSettings { launch: launch(), shims_max, silence_max: PATIENCE })
    }

    pub(crate) fn with(settings: ShimSettings) -> Bench {
        let (shims, reports) = Shims::start(&settings).unwrap();
        Bench { stage: Stage::new(), shims, reports, next_ticket: 0 }
    }

    /// A plugin with 20 s to run and a short grace.
    pub(crate) fn spec(&self, argv: &[&str]) -> Spec {
        let mark = ("STAGE".into(), self.stage.root().into());
        Spec {
            env: vec![("PATH".into(), "/usr/bin:/bin".into()), ("LC_ALL".into(), "C".into()), mark],
            grace: Duration::from_millis(200),
            stdout_max_bytes: 64 * 1024,
            stderr_max_bytes: 1024,
            ..Spec::new(argv.iter().map(OsString::from).collect(), Duration::from_secs(20))
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

    /// Every process that comes from a plugin of this bench, by its environment or its command line.
    pub(crate) fn processes(&self) -> Vec<i32> {
        marked_by(self.stage.root())
    }

    /// Drops the shims as if the agent had vanished.
    pub(crate) fn leave(self) -> Stage {
        self.stage
    }

    /// Waits until this many processes of the bench's plugins are there, or more.
    pub(crate) async fn peopled(&self, count: usize) {
        let what = format!("{count} processes of plugins");
        wait_until(&what, || (self.processes().len() >= count).then_some(())).await;
    }

    /// Waits until a user has this many processes, or more. Asks nothing of the processes themselves, which may
    /// be too busy to answer.
    pub(crate) async fn crowded(&self, uid: u32, count: usize) {
        let owned =
            |pid: &i32| std::fs::metadata(format!("/proc/{pid}")).is_ok_and(|entry| entry.uid() == uid);
        let what = format!("{count} processes of user {uid}");
        wait_until(&what, || (all_processes().filter(owned).count() >= count).then_some(())).await;
    }

    /// Waits until no process of this bench's plugins is left, zombies included.
    pub(crate) async fn cleared(&self) {
        wait_until("the end of every process of the plugins", || {
            let mut workers = self.shims.shim_pids().into_iter().filter_map(worker_of);
            (workers.all(|worker| children(worker).is_empty()) && self.processes().is_empty()).then_some(())
        })
        .await;
    }

    /// The process id of the shim's worker.
    pub(crate) async fn worker(&self) -> i32 {
        wait_until("a worker", || self.shims.shim_pids().first().and_then(|guard| worker_of(*guard))).await
    }
}

/// The worker below this guard.
pub(crate) fn worker_of(guard: u32) -> Option<i32> {
    children(guard as i32).into_iter().next()
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
