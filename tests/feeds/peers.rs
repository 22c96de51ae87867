//! Receivers, each with its data on the stage.

use std::process::Command;

use crate::series::get;
use crate::stage::{Daemon, Stage, free_port, wait_for};

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

/// An InfluxDB with the database `custos`.
pub(crate) fn influxdb(stage: &Stage, port: u16) -> Daemon {
    let root = stage.shown("influxdb");
    stage.write(
        "influxdb.toml",
        &format!(
            "bind-address = \"127.0.0.1:{}\"\nreporting-disabled = true\n[meta]\ndir = \"{root}/meta\"\n[data]\ndir = \"{root}/data\"\n\
             wal-dir = \"{root}/wal\"\n[monitor]\nstore-enabled = false\n[http]\nbind-address = \"127.0.0.1:{port}\"\n",
            free_port()
        ),
    );
    let mut command = Command::new("influxd");
    command.args(["-config", &stage.shown("influxdb.toml")]);
    let running = Daemon::start(&mut command, &stage.path("influxdb.log"));
    let url = format!("http://127.0.0.1:{port}/query");
    wait_for("InfluxDB", || {
        let mut command = Command::new("curl");
        command.args(["-s", "-f", "--data-urlencode", "q=CREATE DATABASE custos", &url]);
        command.output().unwrap().status.success().then_some(())
    });
    running
}

/// A carbon that writes what it gets at once, each second.
pub(crate) fn carbon(stage: &Stage, port: u16) -> Daemon {
    let root = stage.shown("carbon");
    std::fs::create_dir_all(format!("{root}/log")).unwrap();
    let (pickle, queries) = (free_port(), free_port());
    let config = stage.write(
        "carbon/carbon.conf",
        &format!(
            "[cache]\nSTORAGE_DIR = {root}\nLOCAL_DATA_DIR = {root}/whisper\nCONF_DIR = {root}\nLOG_DIR = {root}/log\nPID_DIR = {root}\nUSER =\n\
             LINE_RECEIVER_INTERFACE = 127.0.0.1\nLINE_RECEIVER_PORT = {port}\nPICKLE_RECEIVER_INTERFACE = 127.0.0.1\n\
             PICKLE_RECEIVER_PORT = {pickle}\nCACHE_QUERY_INTERFACE = 127.0.0.1\nCACHE_QUERY_PORT = {queries}\nENABLE_TAGS = False\n\
             MAX_CREATES_PER_MINUTE = inf\nMAX_UPDATES_PER_SECOND = inf\n"
        ),
    );
    stage.write("carbon/storage-schemas.conf", "[all]\npattern = .*\nretentions = 1s:1d\n");
    let mut command = Command::new("carbon-cache");
    command.arg(format!("--config={}", config.display())).args(["--nodaemon", "start"]);
    let running = Daemon::start(&mut command, &stage.path("carbon.log"));
    wait_for("carbon", || std::net::TcpStream::connect(("127.0.0.1", port)).ok());
    running
}
