//! A running agent, and vmalert with the same rule file over what the agent has delivered to VictoriaMetrics: at the end of each stage
//! they have the same alerts, but for what docs/fleet.md lists.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::agent::{CHECKS, STAGES, alerts, dictate};
use crate::connection::Connection;
use crate::stage::{Daemon, Stage, free_port, wait_for};

/// What vmalert 1.79.5 does not read. It refuses the whole file for it.
const UNKNOWN: &str = "keep_firing_for";
/// Labels that alerts have in the centre only.
const OF_CENTRE: [&str; 2] = ["host", "alertgroup"];

/// An agent that judges and delivers, and a centre that judges what was delivered.
struct Fleet {
    agent: Connection,
    centre: Connection,
    stage: Stage,
    _daemons: [Daemon; 3],
}

impl Fleet {
    fn start() -> Fleet {
        let stage = Stage::new();
        dictate(&stage, STAGES[0].1);
        let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rules/files/agent.rules.yml");
        let rules = std::fs::read_to_string(rules).unwrap();
        stage.write("host.rules.yml", &rules);
        let known: Vec<&str> = rules.lines().filter(|line| !line.contains(UNKNOWN)).collect();
        assert!(known.len() + 2 == rules.lines().count() && known.len() > 20);
        stage.write("centre.rules.yml", &(known.join("\n") + "\n"));
        let (http, metrics, alerting) = (free_port(), free_port(), free_port());
        let url = format!("http://127.0.0.1:{metrics}");
        let metrics = Daemon::start(
            Command::new("victoria-metrics").args([
                &format!("-storageDataPath={}", stage.shown("vm")),
                &format!("-httpListenAddr=127.0.0.1:{metrics}"),
                "-retentionPeriod=100y",
                "-dedup.minScrapeInterval=1ms",
                "-search.latencyOffset=1s",
                "-memory.allowedBytes=100MB",
                "-loggerLevel=ERROR",
            ]),
            &stage.path("vm.log"),
        );
        let values = stage.shown("values");
        let mut checks = String::new();
        for check in CHECKS {
            stage.plugin(
                check,
                &format!(
                    "exec awk '$1 == \"{check}\" {{ all = all \" \" $2 \"=\" $3 }} \
                     END {{ print \"OK |\" all }}' {values}\n"
                ),
            );
            checks += &format!("  {check}: {{ command: {check}, check_interval: 1s }}\n");
        }
        stage.configure(
            &format!(
                "host: web1\nrules: host.rules.yml\nhttp: {{ listen: '127.0.0.1:{http}' }}\n\
                 sinks: {{ vm: {{ remote_write: '{url}/api/v1/write', gather: 100ms }} }}"
            ),
            &checks,
        );
        let agent = stage.start();
        let centre = Daemon::start(
            Command::new("vmalert").args([
                &format!("-rule={}", stage.shown("centre.rules.yml")),
                &format!("-datasource.url={url}"),
                &format!("-remoteWrite.url={url}"),
                &format!("-notifier.url=http://127.0.0.1:{}", free_port()),
                &format!("-httpListenAddr=127.0.0.1:{alerting}"),
                "-evaluationInterval=1s",
                "-loggerLevel=FATAL",
            ]),
            &stage.path("vmalert.log"),
        );
        let connection = |port: u16| Connection::new(&format!("127.0.0.1:{port}"));
        Fleet {
            agent: connection(http),
            centre: connection(alerting),
            stage,
            _daemons: [agent, metrics, centre],
        }
    }
}

/// Labels and state of each alert of the rules that both have, without the labels of the centre.
fn found(connection: &Connection) -> Option<BTreeSet<String>> {
    let shown = |mut alert: Value| {
        let name = alert["labels"]["alertname"].take();
        let name = if name.is_null() { alert["name"].take() } else { name };
        let labels = alert["labels"].as_object_mut().unwrap();
        labels.retain(|label, _| label != "alertname" && !OF_CENTRE.contains(&&**label));
        let labels = Value::Object(labels.clone());
        format!("{} {} {labels}", name.as_str().unwrap(), alert["state"].as_str().unwrap())
    };
    let is_unknown = |shown: &String| shown.starts_with("FullBriefly ") || shown.starts_with("WasHot ");
    Some(alerts(connection)?.into_iter().map(shown).filter(|shown| !is_unknown(shown)).collect())
}

#[test]
fn vmalert_has_the_alerts_of_the_host_over_what_is_delivered() {
    let fleet = Fleet::start();
    for (name, values, of_stage) in STAGES {
        dictate(&fleet.stage, values);
        let wanted = of_stage
            .split("; ")
            .filter(|alert| !alert.starts_with("FullBriefly") && !alert.starts_with("WasHot"));
        let mut wanted: Vec<&str> = wanted.collect();
        wanted.sort_unstable();
        let mut seen = None;
        wait_for(name, || {
            let both = (found(&fleet.agent)?, found(&fleet.centre)?);
            let names: Vec<String> = both
                .0
                .iter()
                .map(|alert| alert.splitn(3, ' ').take(2).collect::<Vec<_>>().join(" "))
                .collect();
            let is_it = both.0 == both.1 && names == wanted;
            if seen.as_ref() != Some(&both) {
                eprintln!("{name}: {both:#?}");
            }
            seen = Some(both);
            is_it.then_some(())
        });
    }
}
