//! Where a control group is delegated, nothing that a plugin started outlives the shim's processes, whatever it hides.
//! Needs root, control groups of version 2 and python3.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use custos::execute::ShimSettings;
use custos_shim::{Launch, Outcome};
use nix::sys::signal::Signal;

use crate::bench::{Bench, launch};
use crate::stage::{PATIENCE, as_root, python, send, wait_until};

/// A control group that is marked as systemd marks one that it delegates.
struct Group {
    path: PathBuf,
}

impl Group {
    /// `None`, which stderr tells, where the machine lends no control groups: that is not a thing to install.
    fn delegated() -> Option<Group> {
        as_root();
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
        let mount = mounts.lines().find(|line| line.contains(" - cgroup2 "));
        let path = mount
            .and_then(|mount| mount.split(' ').nth(4))
            .map(|mount| Path::new(mount).join(format!("custos-test-{}", std::process::id())));
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
