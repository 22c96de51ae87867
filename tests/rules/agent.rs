//! A running agent and a running Prometheus, with the same rule file over the same values: at the end of each stage they have the
//! same alerts.
//!
//! A file dictates the values. The plugins of the agent print what it says, and Prometheus scrapes it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::connection::Connection;
use crate::peer::{Prometheus, exporter};
use crate::stage::{Daemon, Stage, free_port, wait_for};

/// Checks, each of which has the metrics that the file of values has of it.
pub(crate) const CHECKS: [&str; 4] = ["disk", "temperature", "heartbeat", "limit"];

/// What is dictated, as check, metric and value, and the alerts that come of it.
pub(crate) const STAGES: [(&str, &str, &str); 5] = [
    (
        "nothing is wrong",
        "disk root 50; disk var 60; temperature v 20; heartbeat v 1; limit v 70",
        "Watchdog firing",
    ),
    (
        "all is wrong but the heartbeat",
        "disk root 92; disk var 96; temperature v 97; heartbeat v 1; limit v 70",
        "DiskFull firing; DiskFull firing; DisksFull firing; FullBriefly firing; FullBriefly firing; FullFires firing; \
         FullFires firing; FullForLong pending; FullForLong pending; Hot firing; HotAndFull firing; Watchdog firing; \
         WasHot firing",
    ),
    (
        "the label of an alert changes with its value, and some are over",
        "disk root 97; disk var 60; temperature v 20; heartbeat v 1; limit v 70",
        "DiskFull firing; FullBriefly firing; FullFires firing; FullForLong pending; Watchdog firing; WasHot firing",
    ),
    (
        "series are gone",
        "disk root 97; temperature v 97; limit v 98",
        "DiskFull firing; FullBriefly firing; FullFires firing; Hot firing; HotAndFull firing; Silent firing; \
         Watchdog firing; WasHot firing",
    ),
    (
        "nothing is wrong any more",
        "disk root 50; disk var 60; temperature v 20; heartbeat v 1; limit v 70",
        "Watchdog firing; WasHot firing",
    ),
];

/// Alerts whose own beginning follows from when another one fires.
const OF_OTHERS: &str = "FullFires";

#[test]
fn an_agent_and_a_prometheus_that_run_come_to_the_same() {
    let compared = (0..3).find_map(|_| Both::start().over_stages());
    let Compared { since, most } =
        compared.expect("Prometheus is answered at each scrape of one of three attempts");
    assert!(since.len() > 20, "{} alerts", since.len());
    for (alert, since) in since {
        let most_ms =
            most.apart_ms() + if alert.contains(OF_OTHERS) { most.between_evaluations_ms } else { 0 };
        let apart_ms = (since.ours_ms - since.theirs_ms).abs();
        assert!(
            apart_ms <= most_ms,
            "{alert}: {since:?} are {apart_ms} ms apart, more than {most_ms} ms: {most:?}"
        );
    }
}

/// Since when an alert is active (ms since the epoch).
#[derive(Debug)]
struct Since {
    ours_ms: i64,
    theirs_ms: i64,
}

/// What lies between a value and what is made of it, at the most on either side.
#[derive(Debug)]
struct Most {
    between_samples_ms: i64,
    between_evaluations_ms: i64,
    /// How long it takes until a sample is there.
    of_sample_ms: i64,
}

impl Most {
    /// How far the beginnings of an alert can be apart.
    fn apart_ms(&self) -> i64 {
        self.between_samples_ms + self.between_evaluations_ms + self.of_sample_ms
    }
}

/// Since when alerts were active at the end of each stage.
struct Compared {
    since: Vec<(String, Since)>,
    most: Most,
}

/// All that is to be the same, once a stage has come to its end.
#[derive(Debug, PartialEq)]
struct Found {
    /// Labels, state, value and annotations of each alert.
    alerts: BTreeSet<String>,
    /// Labels of the series.
    series: BTreeSet<String>,
    /// By group: how each rule stands.
    rules: Vec<String>,
}

struct Both {
    ours: Connection,
    prometheus: Prometheus,
    _agent: Daemon,
    stage: Stage,
}

impl Both {
    fn start() -> Both {
        let (stage, port) = (Stage::new(), free_port());
        dictate(&stage, STAGES[0].1);
        let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rules/files/agent.rules.yml");
        std::fs::copy(rules, stage.path("agent.rules.yml")).unwrap();
        let mut checks = String::new();
        for check in CHECKS {
            let values = stage.shown("values");
            stage.plugin(
                check,
                &format!(
                    "exec awk '$1 == \"{check}\" {{ all = all \" \" $2 \"=\" $3 }} \
                     END {{ print \"OK |\" all }}' {values}\n"
                ),
            );
            checks += &format!("  {check}: {{ command: {check}, check_interval: 1s }}\n");
        }
        stage.configure(&format!("rules: agent.rules.yml\nhttp: {{ listen: '127.0.0.1:{port}' }}"), &checks);
        let values = stage.path("values");
        let scrape = format!(
            "{{ job_name: same, scrape_interval: 2s, scrape_timeout: 2s, static_configs: [{{ targets: ['{}'] }}], \
             metric_relabel_configs: [{{ action: labeldrop, regex: 'job|instance' }}] }}",
            exporter(move |_| Some(page(&values)))
        );
        let prometheus = Prometheus::start(&stage, "agent.rules.yml", &scrape);
        let agent = stage.start();
        Both { ours: Connection::new(&format!("127.0.0.1:{port}")), prometheus, _agent: agent, stage }
    }

    /// Goes through the stages; nothing if a scrape was not answered, so that Prometheus had other samples.
    fn over_stages(self) -> Option<Compared> {
        let mut since = Vec::new();
        for (name, values, expected) in STAGES {
            dictate(&self.stage, values);
            let wanted = sorted(expected.split("; ").map(str::to_owned));
            let seen = RefCell::new(None);
            // All that is said of alerts is of one answer of each: a moment later they can be others.
            let (ours, theirs) = wait_for(name, || {
                let (ours, theirs) = (alerts(&self.ours)?, alerts(self.prometheus.connection())?);
                let both = [found(&self.ours, &ours), found(self.prometheus.connection(), &theirs)];
                let is_it = both[0].is_some() && both[0] == both[1] && names(&ours) == wanted;
                if seen.borrow().as_ref() != Some(&both) {
                    eprintln!("{name}: {both:#?}");
                }
                seen.replace(Some(both));
                is_it.then(|| (actives(&ours), actives(&theirs)))
            });
            for (alert, ours_ms) in ours {
                let theirs_ms = *theirs.get(&alert).unwrap_or_else(|| panic!("{name}: {alert}"));
                since.push((format!("{name}: {alert}"), Since { ours_ms, theirs_ms }));
            }
        }
        self.chooses_by_labels();
        let samples = self.prometheus.samples("up");
        let is_complete = samples.values().flat_map(BTreeMap::values).all(|up| *up == 1.0);
        is_complete.then(|| Compared { since, most: self.most() })
    }

    /// Rules are chosen by the labels that they give, each set of conditions by itself; Prometheus 2.42 takes no `match[]` yet. A label
    /// that is a template, as that of `DiskFull` is, is not known beforehand.
    fn chooses_by_labels(&self) {
        let chosen = |query: &str| {
            let groups = data(&self.ours, &format!("/api/v1/rules?{query}")).unwrap();
            let rules = groups["groups"]
                .as_array()
                .unwrap()
                .iter()
                .flat_map(|group| group["rules"].as_array().unwrap());
            rules.map(|rule| rule["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(chosen("match[]={severity=%22page%22}"), ["DisksFull"]);
        assert_eq!(chosen("match[]={severity=%22page%22,team!=%22storage%22}"), [""; 0]);
        let two = "match[]={origin=~%22rec.*%22}&match[]={severity=%22none%22}";
        assert_eq!(chosen(two), ["disk:used:ratio", "Watchdog"]);
        assert_eq!(chosen(&format!("{two}&type=alert")), ["Watchdog"]);
        assert_eq!(chosen("match[]={severity=%22critical%22}"), ["Hot"]);
        assert_eq!(self.ours.try_get("/api/v1/rules?match[]={severity=%22%22}").unwrap().0, 400);
    }

    /// What lay between values and what was made of them.
    fn most(&self) -> Most {
        // What was missed has no result.
        let history = |check: &str| {
            let runs = self.stage.history(check).into_iter();
            runs.filter(|run| run["exit_code"].is_i64()).collect::<Vec<_>>()
        };
        let runs: Vec<Vec<Value>> = CHECKS.iter().map(|check| history(check)).collect();
        let times =
            |runs: &[Value]| runs.iter().map(|run| run["time_ms"].as_i64().unwrap()).collect::<Vec<_>>();
        let durations =
            runs.iter().flatten().map(|run| run["duration_ms"].as_f64().unwrap_or_default() as i64 + 1);
        let scrapes = self.prometheus.samples("scrape_duration_seconds");
        let scrapes = scrapes.values().flat_map(BTreeMap::values).map(|seconds| (seconds * 1e3) as i64 + 1);
        let samples = runs.iter().map(|runs| widest(times(runs)));
        let evaluated = widest(times(&history("evaluated")));
        Most {
            between_samples_ms: samples.chain([widest(self.prometheus.times("up"))]).max().unwrap(),
            between_evaluations_ms: evaluated.max(widest(self.prometheus.times("evaluated"))),
            of_sample_ms: durations.chain(scrapes).max().unwrap(),
        }
    }
}

/// The widest distance of times that follow one another.
fn widest(times: Vec<i64>) -> i64 {
    times.windows(2).map(|pair| pair[1] - pair[0]).max().expect("there are several")
}

/// Writes the file that dictates values.
pub(crate) fn dictate(stage: &Stage, values: &str) -> PathBuf {
    stage.write("values", &values.replace("; ", "\n"))
}

/// The values as Prometheus scrapes them.
fn page(values: &Path) -> String {
    let values = std::fs::read_to_string(values).unwrap_or_default();
    let line = |line: &str| {
        let mut words = line.split(' ');
        let (check, metric, value) = (words.next()?, words.next()?, words.next()?);
        Some(format!("{check}{{check=\"{check}\",metric=\"{metric}\"}} {value}\n"))
    };
    values.lines().filter_map(line).collect()
}

fn data(connection: &Connection, target: &str) -> Option<Value> {
    let (status, body) = connection.try_get(target).filter(|(status, _)| *status == 200 || *status == 503)?;
    (status == 200).then(|| serde_json::from_str::<Value>(&body).unwrap()["data"].take())
}

fn sorted(all: impl Iterator<Item = String>) -> Vec<String> {
    let mut all: Vec<String> = all.collect();
    all.sort();
    all
}

pub(crate) fn alerts(connection: &Connection) -> Option<Vec<Value>> {
    Some(data(connection, "/api/v1/alerts")?["alerts"].as_array()?.clone())
}

/// Name and state of each alert.
fn names(alerts: &[Value]) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    sorted(alerts.iter().map(|alert| text(&alert["labels"]["alertname"]) + " " + &text(&alert["state"])))
}

/// Since when each alert is active (ms since the epoch), by its labels.
fn actives(alerts: &[Value]) -> BTreeMap<String, i64> {
    let active = |alert: &Value| {
        let since: jiff::Timestamp = alert["activeAt"].as_str().unwrap().parse().unwrap();
        (alert["labels"].to_string(), since.as_millisecond())
    };
    alerts.iter().map(active).collect()
}

/// How all stands, with the alerts that were answered.
fn found(connection: &Connection, alerts: &[Value]) -> Option<Found> {
    let alert = |alert: &Value| {
        ["labels", "state", "value", "annotations"].map(|key| alert[key].to_string()).join(" ")
    };
    let alerts = alerts.iter().map(alert).collect();
    let series = data(connection, "/api/v1/query?query=ALERTS")?;
    let series = series["result"].as_array()?.iter().map(|series| series["metric"].to_string()).collect();
    let groups = data(connection, "/api/v1/rules?exclude_alerts=true")?;
    let rules = groups["groups"].as_array()?.iter().flat_map(|group| {
        let keys = ["name", "type", "health", "state", "duration", "keepFiringFor", "labels", "annotations"];
        let rules = group["rules"].as_array().unwrap().iter();
        rules
            .map(move |rule| format!("{} {}", group["name"], keys.map(|key| rule[key].to_string()).join(" ")))
    });
    Some(Found { alerts, series, rules: rules.collect() })
}
