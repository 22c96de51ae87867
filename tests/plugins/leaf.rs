//! Where a control group is delegated, nothing that a plugin started outlives the shim's processes, whatever it hides.
//! Needs root, control groups of version 2 and python3.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use custos::execute::ShimSettings;
use custos_shim::{Launch, Outcome, Spec};
use nix::sys::signal::Signal;

use crate::bench::{Bench, launch, text};
use crate::stage::{PATIENCE, as_root, python, send, wait_until};

/// A control group that is marked as systemd marks one that it delegates.
struct Group {
    path: PathBuf,
}

impl Group {
    /// `None`, which stderr tells, where the machine lends no control groups: that is not a thing to install.
    fn delegated() -> Option<Group> {
        static MADE: AtomicU32 = AtomicU32::new(0);
        as_root();
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
        let mount = mounts.lines().find(|line| line.contains(" - cgroup2 "));
        let path = mount
            .and_then(|mount| mount.split(' ').nth(4))
            .map(|mount| Path::new(mount).join(format!("custos-test-{}-{number}", std::process::id())));
        let Some(path) = path.filter(|path| std::fs::create_dir(path).is_ok()) else {
            // Past the capture of output: what is not tested is always told.
            let told = "not tested: no control group of version 2 can be made here\n";
            std::io::stderr().write_all(told.as_bytes()).unwrap();
            return None;
        };
        let group = Group { path };
        let mark = "import os, sys; os.setxattr(sys.argv[1], 'trusted.delegate', b'1')";
        let marked = Command::new(python()).args(["-c", mark]).arg(&group.path).status().unwrap();
        assert!(marked.success(), "this test marks a control group as delegated, which is not possible here");
        Some(group)
    }

    /// The shim, started within the group.
    fn launch(&self) -> Launch {
        let shim = launch();
        let line = format!(
            "echo $$ >{}/cgroup.procs; exec {} {}",
            self.path.display(),
            shim.program.display(),
            shim.args[0].display()
        );
        Launch { program: "/bin/sh".into(), args: vec!["-c".into(), line.into()] }
    }

    /// The groups below it.
    fn leaves(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.path).unwrap().filter_map(Result::ok);
        let groups = entries.filter(|entry| entry.path().is_dir());
        groups.filter_map(|entry| entry.file_name().into_string().ok()).collect()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        for leaf in self.leaves() {
            let _ = std::fs::remove_dir(self.path.join(leaf));
        }
        let _ = std::fs::remove_dir(&self.path);
    }
}

#[tokio::test]
async fn what_hides_ends_with_the_shim_and_its_guard() {
    let Some(group) = Group::delegated() else { return };
    let mut bench = Bench::with(ShimSettings { launch: group.launch(), shims_max: 1, silence_max: PATIENCE });
    let worker = bench.worker().await;
    let guard = bench.shims.shim_pids()[0] as i32;
    let file = bench.stage.path("hidden");
    std::fs::write(&file, "").unwrap();
    let line = format!("setsid env -i /usr/bin/tail -f {} & sleep 1000; :", file.display());
    bench.submit(bench.shell(&line));
    bench.peopled(3).await;
    let entered = std::fs::read_to_string(format!("/proc/{worker}/cgroup")).unwrap();
    assert!(entered.contains(&format!("/custos-shim-{guard}\n")), "{entered}");

    // Both at once: nobody is left but what hides.
    send(guard, Signal::SIGKILL);
    send(worker, Signal::SIGKILL);
    assert_eq!(bench.next().await.1.outcome, Outcome::NotFinished);
    assert_eq!(bench.run(bench.shell("exit 0")).await.outcome, Outcome::Exited(0));
    wait_until("the hidden process to end", || bench.processes().is_empty().then_some(())).await;
    assert!(!group.leaves().contains(&format!("custos-shim-{guard}")));

    bench.shims.stop().await;
    wait_until("the last group to be removed", || group.leaves().is_empty().then_some(())).await;
}

#[tokio::test]
async fn what_a_command_left_in_the_background_outlives_every_end_of_the_shim() {
    let Some(group) = Group::delegated() else { return };
    let settings = || ShimSettings { launch: group.launch(), shims_max: 1, silence_max: PATIENCE };
    let mut bench = Bench::with(settings());
    // One in the group of the command, one in a session of its own, each with a process below it.
    let pids = bench.stage.path("pids");
    let service = format!("sh -c \"sleep 1000 & echo \\$! \\$\\$ >>{}; wait\"", pids.display());
    let line = format!("({service} >/dev/null 2>&1 &); setsid {service} >/dev/null 2>&1 & echo x");
    let spec = Spec { leave_background: true, ..bench.shell(&line) };
    assert_eq!(text(&bench.run(spec).await), "x\n");
    let left: Vec<i32> = wait_until("what it left", || {
        let listed = std::fs::read_to_string(&pids).ok()?;
        let listed: Vec<i32> = listed.split_whitespace().map(|pid| pid.parse().unwrap()).collect();
        (listed.len() == 4).then_some(listed)
    })
    .await;
    let alive = |what: &str| {
        for pid in &left {
            assert!(Path::new(&format!("/proc/{pid}/cwd")).exists(), "{pid} of {left:?} is ended by {what}");
        }
    };

    let (worker, guard) = (bench.worker().await, bench.shims.shim_pids()[0] as i32);
    send(worker, Signal::SIGKILL);
    wait_until("the end of the guard", || gone(guard).then_some(())).await;
    assert_eq!(bench.run(bench.shell("exit 0")).await.outcome, Outcome::Exited(0));
    alive("the end of the worker");

    let (worker, guard) = (bench.worker().await, bench.shims.shim_pids()[0] as i32);
    send(guard, Signal::SIGKILL);
    send(worker, Signal::SIGKILL);
    wait_until("the end of both", || (gone(guard) && gone(worker)).then_some(())).await;
    assert_eq!(bench.run(bench.shell("exit 0")).await.outcome, Outcome::Exited(0));
    alive("the shim after a crash");

    bench.shims.stop().await;
    let mut next = Bench::with(settings());
    assert_eq!(next.run(next.shell("exit 0")).await.outcome, Outcome::Exited(0));
    alive("the shim after a stop");
    next.shims.stop().await;
    left.iter().for_each(|pid| send(*pid, Signal::SIGKILL));
    wait_until("the last group to be removed", || group.leaves().is_empty().then_some(())).await;
}

fn gone(pid: i32) -> bool {
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), None).is_err()
}
