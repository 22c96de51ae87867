//! Receivers, each with its data on the stage.

use std::process::Command;

use crate::series::get;
use crate::stage::{Daemon, Stage, wait_for};

/// A Prometheus that takes remote write, set up by a file of this text.
pub(crate) fn prometheus(stage: &Stage, port: u16, config: &str) -> Daemon {
    stage.write("prometheus.yml", config);
    let mut command = Command::new("prometheus");
    command
        .arg(format!("--config.file={}", stage.shown("prometheus.yml")))
        .arg(format!("--storage.tsdb.path={}", stage.shown("tsdb")))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .args(["--web.enable-remote-write-receiver", "--log.level=error"]);
    let running = Daemon::start(&mut command, &stage.path("prometheus.log"));
    wait_for("Prometheus", || get(&format!("http://127.0.0.1:{port}/-/ready"), &[]));
    running
}

/// A VictoriaMetrics that keeps everything, with further options.
pub(crate) fn victoria_metrics(stage: &Stage, port: u16, more: &[&str]) -> Daemon {
    let mut command = Command::new("victoria-metrics");
    command
        .arg(format!("-storageDataPath={}", stage.shown("vm")))
        .arg(format!("-httpListenAddr=127.0.0.1:{port}"))
        .args(["-retentionPeriod=100y", "-memory.allowedBytes=100MB", "-loggerLevel=WARN"])
        .args(more);
    let running = Daemon::start(&mut command, &stage.path("vm.log"));
    wait_for("VictoriaMetrics", || get(&format!("http://127.0.0.1:{port}/health"), &[]));
    running
}
