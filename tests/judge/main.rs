//! The thread that judges rules, started and ended at random moments over a store, beside the same rules judged one time after the
//! other over what is stored, without any interruption.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;
use std::sync::Arc;

use custos::config;
use custos::judge::{Judge, Settings};
use custos::rules::{
    ActiveAlert, Because, Context, External, JudgeOrder, JudgedAt, JudgedGroup, RuleGroup, RunningRule, When,
};
use custos_promql::{Labels, Options};
use custos_query::StoreSource;
use custos_store::{Metric, Reader, Reason, Run, State, Value, Writer};
use tokio::sync::mpsc;

const BEGIN_MS: i64 = 1_700_000_000_000;
const STEPS: i64 = 60;

const RULES: &str = r#"
groups:
  - name: plain
    rules:
      - { alert: High, expr: 'a{metric="m0"} > 3', for: 40s, keep_firing_for: 25s, labels: { severity: critical } }
      - { alert: Templated, expr: 'a > 2', for: 20s, labels: { level: '{{ if gt $value 4.0 }}high{{ else }}low{{ end }}' } }
      - { alert: Kept, expr: 'sum(a) > 9', keep_firing_for: 1m, annotations: { summary: 'all: {{ $value }}' } }
  - name: chained
    rules:
      - { record: "level:max", expr: 'max_over_time(a[1m])' }
      - { alert: Long, expr: 'level:max > 4', for: 30s }
      - { alert: OfAlerts, expr: 'count(ALERTS{alertname="Long", alertstate="firing"}) > 0', for: 20s }
  - name: gone
    rules:
      - { alert: Gone, expr: 'absent(a{metric="m1"})', for: 15s }
      - { alert: State, expr: 'check_state{check="a"} > 0', for: 30s }
"#;

/// A generator of numbers that is always the same for a seed (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// The groups of [`RULES`], which are judged at each sample.
fn groups(dir: &Path) -> Vec<Arc<RuleGroup>> {
    groups_of(dir, RULES)
}

fn groups_of(dir: &Path, rules: &str) -> Vec<Arc<RuleGroup>> {
    std::fs::write(dir.join("rules.yml"), rules).unwrap();
    std::fs::write(dir.join("custos.yaml"), "rules: rules.yml\nchecks: { a: { command: 'true' } }\n")
        .unwrap();
    let loaded = config::load(&dir.join("custos.yaml")).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let when = When::Samples { at_the_latest_ms: 3_600_000 };
    let at_samples = |group: Arc<RuleGroup>| Arc::new(RuleGroup { when, ..(*group).clone() });
    loaded.config.groups.into_iter().map(at_samples).collect()
}

/// What a rule came to: what tells its alerts apart, without texts.
fn told(alerts: &[ActiveAlert]) -> Vec<String> {
    let one = |alert: &ActiveAlert| {
        let since = (alert.active_since_ms, alert.firing_since_ms, alert.kept_since_ms);
        format!("{} {:?} {since:?} {} {}", alert.labels, alert.stage, alert.value, alert.annotations)
    };
    alerts.iter().map(one).collect()
}

/// The agent's part: the store, and the thread as long as it lives.
struct Agent {
    writer: Writer,
    judge: Option<(Judge, mpsc::Receiver<JudgedGroup>)>,
    groups: Vec<Arc<RuleGroup>>,
}

impl Agent {
    fn start(dir: &Path, groups: &[Arc<RuleGroup>]) -> Agent {
        let options = custos_store::Options { background: false, reserve_bytes: 0, ..Default::default() };
        let mut agent =
            Agent { writer: Writer::open(dir, options).unwrap(), judge: None, groups: groups.to_vec() };
        agent.start_judge(dir);
        agent
    }

    fn start_judge(&mut self, dir: &Path) {
        let (sender, answers) = mpsc::channel(16);
        let judge = Judge::start(Settings::at(dir.to_owned()), sender).unwrap();
        judge.define(self.groups.clone(), External::default());
        self.judge = Some((judge, answers));
    }

    fn kill_judge(&mut self) {
        if let Some((judge, answers)) = self.judge.take() {
            judge.finish(answers);
        }
    }

    fn record(&mut self, check: &str, run: &Run) {
        self.writer.append(&[(check, run)]).unwrap();
        if let Some((judge, _)) = &self.judge {
            judge.record(&Arc::from(check), &Arc::new(run.clone()));
        }
    }

    fn judged(&mut self, group: &Arc<RuleGroup>, at_ms: i64, times: Vec<i64>) -> JudgedGroup {
        self.judged_because(group, at_ms, Because::Samples(times))
    }

    fn judged_because(&mut self, group: &Arc<RuleGroup>, at_ms: i64, because: Because) -> JudgedGroup {
        let (judge, answers) = self.judge.as_mut().unwrap();
        let group = Arc::clone(&group.name);
        judge.order(JudgeOrder { group, at_ms, because });
        answers.blocking_recv().unwrap()
    }
}

/// The sample of a step, if there is one.
fn sample(random: &mut Random, time_ms: i64, level: &mut f64) -> Run {
    *level = (*level + (random.below(5) as f64 - 2.0) * 0.9).clamp(0.0, 6.0);
    let mut run = Run { time_ms, ..Run::default() };
    if random.below(12) == 0 {
        run.reason = Reason::Timeout;
        run.state = State::Unknown;
        return run;
    }
    for at in 0..2 {
        if random.below(9) > 0 {
            let value = *level + at as f64 * 0.5;
            run.metrics.push(Metric::new(format!("m{at}"), Value::from((value * 8.0).round() / 8.0)));
        }
    }
    run
}

/// What a rule comes to over all that is stored, as if nothing had ever been interrupted.
fn undisturbed(rule: &mut RunningRule, reader: &mut Reader, at_ms: i64) -> Vec<String> {
    reader.refresh().unwrap();
    let snapshot = reader.snapshot();
    let source = StoreSource::for_rules(&snapshot);
    let context = Context::plain(at_ms);
    let at = JudgedAt { at_ms, query_ms: at_ms };
    rule.step(&source, at, &Options::default(), &context).unwrap();
    told(&rule.active(&context))
}

/// One round: samples, judged at each, by a thread that ends at random moments, at times before what it came to is stored.
fn round(seed: u64) {
    let directory = tempfile::tempdir().unwrap();
    let store = directory.path().join("store");
    std::fs::create_dir(&store).unwrap();
    let groups = groups(directory.path());
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut agent = Agent::start(&store, &groups);
    let rules =
        |group: &Arc<RuleGroup>| group.rules.iter().map(|rule| RunningRule::new(Arc::clone(rule))).collect();
    let mut reference: Vec<Vec<RunningRule>> = groups.iter().map(rules).collect();
    let mut reader = Reader::open(&store).unwrap();
    let mut level = 2.0;
    for step in 0..STEPS {
        let time_ms = BEGIN_MS + step * 10_000 + random.below(500) as i64;
        agent.record("a", &sample(&mut random, time_ms, &mut level));
        // What is judged when the agent is killed is not stored.
        let is_killed = random.below(8) == 0;
        for (group, reference) in groups.iter().zip(&mut reference) {
            let judged = agent.judged(group, time_ms, vec![time_ms]);
            for (rule, judged) in reference.iter_mut().zip(&judged.rules) {
                assert_eq!(judged.failure, None);
                let expected = undisturbed(rule, &mut reader, time_ms);
                assert_eq!(told(&judged.alerts), expected, "seed {seed}, step {step}, rule {}", judged.check);
                // Later rules of the group see it, whether or not the agent lives on.
                let run = &judged.run;
                if is_killed
                    && group.rules.iter().all(|rule| matches!(rule.kind, custos::rules::RuleKind::Alert(_)))
                {
                    continue;
                }
                agent.record(&judged.check, run);
            }
            // Where nothing that it selects has a sample or ends, a group is not judged.
            assert!([0, reference.len()].contains(&judged.rules.len()), "seed {seed}, step {step}");
        }
        if is_killed {
            agent.kill_judge();
            agent.start_judge(&store);
        }
    }
    agent.kill_judge();
}

#[test]
fn a_restart_changes_nothing() {
    (1..=2).for_each(round);
}

const OUTAGE: &str = r#"
checks:
  a: { command: 'true' }
  d: { command: 'true' }
  r: { query: 'check_state{check="a"} == 2' }
  r for: { query: 'check_state{check="a"} == 2', for: 10s }
  opened: { sequence: { steps: [{ check: d, becomes: ok }], recovery: at_once } }
"#;

/// The agent is down between two runs of checks that find the same before and after, and judges before the first of these.
#[test]
fn an_outage_neither_ends_nor_begins_anything() {
    let directory = tempfile::tempdir().unwrap();
    let store = directory.path().join("store");
    std::fs::create_dir(&store).unwrap();
    let path = directory.path().join("custos.yaml");
    std::fs::write(&path, OUTAGE).unwrap();
    let groups = config::load(&path).unwrap_or_else(|mistakes| panic!("{mistakes}")).config.groups;
    let mut agent = Agent::start(&store, &groups);
    let run = |seconds: i64, reason, state| Run {
        time_ms: BEGIN_MS + seconds * 1000,
        reason,
        state,
        ..Run::default()
    };
    let judge = |agent: &mut Agent, seconds: i64| {
        let mut all = Vec::new();
        for group in &groups {
            let judged = agent.judged_because(group, BEGIN_MS + seconds * 1000, Because::Time);
            for rule in judged.rules {
                agent.record(&rule.check, &rule.run);
                all.extend(rule.alerts.iter().map(|alert| {
                    let since = alert.firing_since_ms.map(|time_ms| (time_ms - BEGIN_MS) / 1000);
                    format!("{} {since:?}", rule.check)
                }));
            }
        }
        all.sort();
        all
    };
    let mut told = Vec::new();
    for seconds in [0, 20, 40] {
        agent.record("a", &run(seconds, Reason::Exited, State::Critical));
        let door = if seconds == 0 { State::Warning } else { State::Ok };
        agent.record("d", &run(seconds, Reason::Exited, door));
        told = judge(&mut agent, seconds);
        assert_eq!(told.contains(&"opened Some(20)".to_owned()), seconds == 20, "{told:?}");
    }
    assert_eq!(told, ["r Some(0)", "r for Some(20)"]);
    agent.kill_judge();
    agent.start_judge(&store);
    for reason in [Reason::NotFinished, Reason::Missed, Reason::Skipped] {
        agent.record("a", &run(60, reason, State::Unknown));
        agent.record("d", &run(60, reason, State::Unknown));
    }
    for seconds in [65, 72] {
        assert_eq!(judge(&mut agent, seconds), told, "after {seconds} s");
    }
    for seconds in [80, 100] {
        agent.record("a", &run(seconds, Reason::Exited, State::Critical));
        agent.record("d", &run(seconds, Reason::Exited, State::Ok));
        assert_eq!(judge(&mut agent, seconds), told, "after {seconds} s");
    }
    agent.kill_judge();
}

#[test]
fn a_sample_that_no_rule_selects_judges_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let store = directory.path().join("store");
    std::fs::create_dir(&store).unwrap();
    let groups = groups(directory.path());
    let mut agent = Agent::start(&store, &groups);
    agent.record("other", &Run { time_ms: BEGIN_MS, ..Run::default() });
    let judged = agent.judged(&groups[0], BEGIN_MS, vec![BEGIN_MS]);
    assert!(judged.rules.is_empty());
    agent.record(
        "a",
        &Run { time_ms: BEGIN_MS + 1, metrics: vec![Metric::new("m0", Value::from(5.0))], ..Run::default() },
    );
    let judged = agent.judged(&groups[0], BEGIN_MS + 1, vec![BEGIN_MS + 1]);
    assert_eq!(judged.rules.len(), 3);
    agent.kill_judge();
}

#[test]
fn without_a_store_rules_are_judged_by_what_is_in_memory() {
    let directory = tempfile::tempdir().unwrap();
    let groups = groups(directory.path());
    let (sender, mut answers) = mpsc::channel(16);
    let judge = Judge::start(Settings::at(directory.path().join("nowhere")), sender).unwrap();
    judge.define(groups.clone(), External::default());
    let check: Arc<str> = Arc::from("a");
    let mut stages = Vec::new();
    for step in 0..6 {
        let at_ms = BEGIN_MS + step * 10_000;
        let metrics = vec![Metric::new("m0", Value::from(5.0))];
        judge.record(&check, &Arc::new(Run { time_ms: at_ms, metrics, ..Run::default() }));
        judge.order(JudgeOrder { group: Arc::clone(&groups[0].name), at_ms, because: Because::Time });
        let judged = answers.blocking_recv().unwrap();
        stages.extend(judged.rules[0].alerts.iter().map(|alert| alert.stage.name()));
    }
    assert_eq!(stages, ["pending", "pending", "pending", "pending", "firing", "firing"]);
    judge.finish(answers);
}

#[test]
fn templates_say_what_the_last_configuration_says_of_the_host() {
    let directory = tempfile::tempdir().unwrap();
    let rules = "groups:\n- name: g\n  rules:\n  - alert: Of\n    expr: a > 1\n    annotations: { at: '{{ externalURL }} \
                 {{ $externalLabels.site }}' }\n";
    let groups = groups_of(directory.path(), rules);
    let (sender, mut answers) = mpsc::channel(16);
    let judge = Judge::start(Settings::at(directory.path().join("nowhere")), sender).unwrap();
    let told = ["one", "two"].map(|name| {
        let labels = Labels::new([("site", name)]);
        judge.define(groups.clone(), External { labels, url: format!("http://{name}/") });
        let metrics = vec![Metric::new("m0", Value::from(5.0))];
        judge.record(&Arc::from("a"), &Arc::new(Run { time_ms: BEGIN_MS, metrics, ..Run::default() }));
        let group = Arc::clone(&groups[0].name);
        judge.order(JudgeOrder { group, at_ms: BEGIN_MS, because: Because::Time });
        let judged = answers.blocking_recv().unwrap();
        judged.rules[0].alerts[0].annotations.get("at").to_owned()
    });
    assert_eq!(told, ["http://one/ one", "http://two/ two"]);
    judge.finish(answers);
}

#[test]
fn an_alert_goes_on_where_the_clock_is_set_back_before_all_that_is_stored() {
    let directory = tempfile::tempdir().unwrap();
    let rules = "groups: [{ name: g, rules: [{ alert: High, expr: 'a{metric=\"m\"} > 3', for: 3s }] }]\n";
    let groups = groups_of(directory.path(), rules);
    let mut agent = Agent::start(&directory.path().join("store"), &groups);
    let mut high_at = |time_ms: i64| {
        let metrics = vec![Metric::new("m", Value::from(5.0))];
        agent.record("a", &Run { time_ms, metrics, ..Run::default() });
        let judged = agent.judged(&groups[0], time_ms, vec![time_ms]);
        format!("{:?}", judged.rules[0].alerts.iter().map(|alert| alert.stage).collect::<Vec<_>>())
    };
    for second in 0..20 {
        let expected = if second < 3 { "[Pending]" } else { "[Firing]" };
        assert_eq!(high_at(BEGIN_MS + second * 1000), expected, "{second}");
    }
    for back_ms in [3_600_000, 90_000, 365 * 86_400_000] {
        for second in 0..20 {
            let time_ms = BEGIN_MS + 20_000 - back_ms + second * 1000;
            assert_eq!(high_at(time_ms), "[Firing]", "{back_ms} back, {second} s later");
        }
    }
    agent.kill_judge();
}
