//! Where a control group is delegated, nothing that a plugin started outlives the shim's processes, whatever it hides.
//! Needs root, control groups of version 2 and python3; passes without having tried anything where one is missing.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use custos::execute::Lanes;
use custos_shim::{Launch, Outcome};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::stage::{PATIENCE, Stage, launch};

/// A control group that is marked as systemd marks one that it delegates.
struct Group {
    path: PathBuf,
}

impl Group {
    fn delegated() -> Option<Group> {
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").ok()?;
        let mount = mounts.lines().find(|line| line.contains(" - cgroup2 "))?.split(' ').nth(4)?.to_owned();
        let path = Path::new(&mount).join(format!("custos-test-{}", std::process::id()));
        std::fs::create_dir(&path).ok()?;
        let group = Group { path };
        let mark = "import os, sys; os.setxattr(sys.argv[1], 'trusted.delegate', b'1')";
        let marked = Command::new("python3").args(["-c", mark]).arg(&group.path).status();
        marked.is_ok_and(|status| status.success()).then_some(group)
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

/// Waits until something holds.
async fn until(what: &str, holds: impl Fn() -> bool) {
    let waited = tokio::time::timeout(PATIENCE, async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    assert!(waited.await.is_ok(), "waited in vain: {what}");
}

#[tokio::test]
async fn what_hides_ends_with_the_shim_and_its_guard() {
    let Some(group) = Group::delegated() else {
        eprintln!("no control group can be delegated here: nothing is tried");
        return;
    };
    let mut stage = Stage::with(Lanes { launch: group.launch(), shims_max: 1, silence_max: PATIENCE });
    let worker = stage.worker().await;
    let guard = stage.shims.shim_pids()[0] as i32;
    let file = stage.directory.path().join("hidden");
    std::fs::write(&file, "").unwrap();
    let line = format!("setsid env -i /usr/bin/tail -f {} & sleep 1000; :", file.display());
    stage.submit(stage.shell(&line));
    stage.peopled(3).await;
    let entered = std::fs::read_to_string(format!("/proc/{worker}/cgroup")).unwrap();
    assert!(entered.contains(&format!("/custos-shim-{guard}\n")), "{entered}");

    // Both at once: nobody is left but what hides.
    kill(Pid::from_raw(guard), Signal::SIGKILL).unwrap();
    kill(Pid::from_raw(worker), Signal::SIGKILL).unwrap();
    assert_eq!(stage.next().await.1.outcome, Outcome::NotFinished);
    assert_eq!(stage.run(stage.shell("exit 0")).await.outcome, Outcome::Exited(0));
    until("the hidden process to end", || stage.processes().is_empty()).await;
    assert!(!group.leaves().contains(&format!("custos-shim-{guard}")));

    stage.shims.stop().await;
    until("the last group to be removed", || group.leaves().is_empty()).await;
}
