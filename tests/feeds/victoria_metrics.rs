//! Everything that is stored is in VictoriaMetrics, once.

use custos_store::{Metric, Options, Run, Value, Writer};
use nix::sys::signal::Signal;

use crate::peers;
use crate::series::{Times, difference, exported, stored};
use crate::stage::{Daemon, Stage, free_port, text, wait_for};

/// A VictoriaMetrics that can be killed and started again.
struct VictoriaMetrics<'s> {
    stage: &'s Stage,
    port: u16,
    running: Option<Daemon>,
}

impl VictoriaMetrics<'_> {
    fn start(stage: &Stage) -> VictoriaMetrics<'_> {
        let mut peer = VictoriaMetrics { stage, port: free_port(), running: None };
        peer.start_again();
        peer
    }

    fn start_again(&mut self) {
        let more = ["-dedup.minScrapeInterval=1ms"];
        self.running = Some(peers::victoria_metrics(self.stage, self.port, &more));
    }

    fn kill(&mut self) {
        self.running.take().unwrap().kill();
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// All that it has up to a time.
    fn delivered(&self, until_ms: i64) -> Times {
        exported(&self.url(""), "{host=\"web1\"}", until_ms)
    }
}

/// Waits until a receiver has all that is stored up to a time, once.
fn wait_for_all(stage: &Stage, peer: &VictoriaMetrics<'_>, until_ms: i64) {
    let store = stage.path("store");
    let mut last = None;
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        wait_for("all to be delivered", || {
            last = difference(&stored(&store, "web1", until_ms), &peer.delivered(until_ms));
            last.is_none().then_some(())
        });
    }));
    let status = || text(&stage.custos(&["sink", "status"]).stdout);
    assert!(result.is_ok(), "{}\n{}", last.unwrap_or_default(), status());
}

fn newest_ms(stage: &Stage, check: &str) -> i64 {
    stage.history(check).last().unwrap()["time_ms"].as_i64().unwrap()
}

#[test]
fn what_the_agent_stores_is_there_once_whoever_is_killed() {
    let stage = Stage::new();
    let mut peer = VictoriaMetrics::start(&stage);
    stage.plugin(
        "counter",
        "echo \"OK | n=$(date +%N | sed 's/^0*//');;;; $(test $(($$ % 3)) = 0 && echo odd=1)\"\n",
    );
    stage.configure(
        &format!("host: web1\nsinks: {{ vm: {{ remote_write: '{}' }} }}", peer.url("/api/v1/write")),
        "  counter: { command: counter, check_interval: 200ms }\n  'disk /': { command: \"/bin/echo 'OK | used=7;;;; größe=5MB'\", \
         check_interval: 500ms }\n",
    );
    let agent = stage.start();
    stage.runs("counter", 20);
    wait_for_all(&stage, &peer, newest_ms(&stage, "counter") - 1000);
    // What it took in the last seconds is lost.
    peer.kill();
    let known = stage.history("counter").len();
    stage.runs("counter", known + 10);
    peer.start_again();
    let known = stage.history("counter").len();
    stage.runs("counter", known + 10);
    wait_for_all(&stage, &peer, newest_ms(&stage, "counter") - 1000);
    let status = || text(&stage.custos(&["sink", "status", "vm"]).stdout);
    wait_for("what it lost to be sent again", || status().contains("rewinds 1").then_some(()));
    // The process that delivers ends with the agent, and another one goes on.
    agent.signal(Signal::SIGKILL);
    drop(agent);
    let _agent = stage.start();
    let known = stage.history("counter").len();
    stage.runs("counter", known + 10);
    wait_for_all(&stage, &peer, newest_ms(&stage, "counter") - 1000);
    wait_for("the sink to be known", || status().starts_with("vm to VictoriaMetrics").then_some(()));
}

#[test]
fn what_was_stored_before_is_delivered_beside_what_is_new() {
    let stage = Stage::new();
    let peer = VictoriaMetrics::start(&stage);
    let store = stage.path("store");
    let mut writer = Writer::open(&store, Options::default()).unwrap();
    let start_ms = custos::clock::now_ms() - 40 * 86_400_000;
    for n in 0..20_000_i64 {
        let time_ms = start_ms + n * 10_000;
        let metrics =
            vec![Metric::new("a", Value::from(n as f64)), Metric::new("b", Value::Integer(n << 40))];
        let run = Run { time_ms, metrics, ..Run::default() };
        writer.append(&[("old", &run), ("older", &run)]).unwrap();
    }
    writer.sync().unwrap();
    drop(writer);
    stage.configure(
        &format!("host: web1\nsinks: {{ vm: {{ remote_write: '{}' }} }}", peer.url("/api/v1/write")),
        "  new: { command: \"/bin/echo 'OK | used=7'\", check_interval: 1s }\n",
    );
    let _agent = stage.start();
    stage.runs("new", 3);
    wait_for_all(&stage, &peer, newest_ms(&stage, "new") - 1000);
    assert!(peer.delivered(i64::MAX / 1_000_000).len() >= 4);
}

#[test]
fn what_is_wrong_with_a_receiver_stays_said_over_a_reload() {
    let stage = Stage::new();
    let port = free_port();
    // It keeps both of two equal samples, which is a warning.
    let _peer = peers::victoria_metrics(&stage, port, &[]);
    stage.plugin("counter", "echo \"OK | n=1\"\n");
    let configure = |site: &str| {
        let sink =
            format!("{{ remote_write: 'http://127.0.0.1:{port}/api/v1/write', labels: {{ site: {site} }} }}");
        let checks = "  counter: { command: counter, check_interval: 100ms }\n";
        stage.configure(&format!("host: web1\nsinks: {{ vm: {sink} }}"), checks);
    };
    configure("a");
    let agent = stage.start();
    let sink = || {
        let said = stage.custos(&["sink", "status", "vm", "--json"]);
        serde_json::from_slice::<serde_json::Value>(&said.stdout).ok()
    };
    let acknowledged = |sink: &serde_json::Value| sink["figures"]["acknowledged"].as_u64();
    let before = wait_for("the warning", || {
        sink().filter(|sink| sink["state"] == "WARNING" && acknowledged(sink) > Some(100))
    });
    let finding = &before["findings"][0];
    assert!(finding["text"].as_str().unwrap().starts_with("sink vm: it keeps both"), "{finding}");
    configure("b");
    agent.signal(Signal::SIGHUP);
    let still = || {
        let sink = sink()?;
        assert_eq!(sink["state"], "WARNING", "{sink}");
        Some(acknowledged(&sink))
    };
    wait_for("the next process to deliver", || {
        still()?;
        let there =
            exported(&format!("http://127.0.0.1:{port}"), "{site=\"b\"}", custos::clock::now_ms() + 60_000);
        (!there.is_empty()).then_some(())
    });
    // It says more of itself twice.
    for _ in 0..2 {
        let before = wait_for("the sink", still);
        wait_for("the sink to say more", || (still()? != before).then_some(()));
    }
}
