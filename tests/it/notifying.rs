//! Who is told by a real agent: over failures of the receiver and kills of the agent, and what people order.

use std::fs;

use serde_json::Value;

use crate::stage::{Daemon, Stage, text, wait_for};

/// An agent with a check `web` that is as the file `state` says, and a target that notes what it is told.
fn stage() -> Stage {
    let stage = telling("  web: { command: web }\n");
    stage.plugin("web", &format!("cat {0}; exit $(cat {0})", stage.shown("state")));
    stage.write("state", "0");
    stage
}

/// An agent with these checks, and a target that notes what it is told if the file `up` is there.
fn telling(checks: &str) -> Stage {
    let stage = Stage::new();
    let told = stage.shown("told");
    let receive = format!("test -e {} || exit 3; cat >> {told}; echo >> {told}", stage.shown("up"));
    let receiver = stage.plugin("receiver", &receive);
    let notify = format!(
        "notify:\n  group_wait: 0s\n  group_interval: 0s\n  targets: {{ t: {{ command: {} }} }}\n\
         defaults: {{ check_interval: 100ms, max_check_attempts: 1, flap_detection: false }}",
        receiver.display()
    );
    stage.configure(&notify, checks);
    stage.write("up", "");
    stage
}

/// What the target was told: the status of each message about `web`, in order.
fn told(stage: &Stage) -> Vec<String> {
    told_of(stage, "web")
}

fn told_of(stage: &Stage, check: &str) -> Vec<String> {
    let told = fs::read_to_string(stage.path("told")).unwrap_or_default();
    let messages = told.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let of_check = messages.filter(|message| message["alerts"][0]["labels"]["alertname"] == check);
    of_check.map(|message| message["alerts"][0]["status"].as_str().unwrap().to_owned()).collect()
}

fn wait_told(stage: &Stage, expected: &[&str]) {
    wait_for("the target to be told", || (told(stage) == expected).then_some(()));
}

fn wait_line(stage: &Stage, arguments: &[&str], part: &str) {
    wait_for(part, || text(&stage.custos(arguments).stdout).contains(part).then_some(()));
}

/// An agent that has told that a check is critical.
fn start_firing(stage: &Stage) -> Daemon {
    let agent = stage.start();
    stage.runs("web", 1);
    stage.write("state", "2");
    wait_told(stage, &["firing"]);
    wait_line(stage, &["notify", "status"], "nothing is owed, told ");
    stage.noted_as_told("t");
    agent
}

#[test]
fn what_is_owed_outlives_failures_and_kills_and_nothing_comes_twice() {
    let stage = stage();
    let agent = start_firing(&stage);
    agent.kill();
    let agent = stage.start();
    let runs = stage.history("web").len();
    stage.runs("web", runs + 2);
    assert_eq!(told(&stage), ["firing"]);
    // The receiver is away while it ends, and the agent is killed meanwhile.
    fs::remove_file(stage.path("up")).unwrap();
    stage.write("state", "0");
    wait_line(&stage, &["notify", "status"], "owed: web resolved since ");
    wait_line(&stage, &["notify", "status"], "last error, ");
    agent.kill();
    stage.write("up", "");
    let agent = stage.start();
    wait_told(&stage, &["firing", "resolved"]);
    wait_line(&stage, &["notify", "status"], "nothing is owed");
    assert!(agent.end().success());
}

#[test]
fn a_rule_is_told_once_when_it_fires_and_once_when_it_is_over_whenever_the_agent_is_killed() {
    let stage = telling("  m: { command: m }\n  hot: { query: m > 80 }\n");
    stage.plugin("m", &format!("echo \"OK | v=$(cat {})\"", stage.shown("value")));
    stage.write("value", "97");
    let wait_hot = |expected: &[&str]| {
        wait_for("the target to be told", || (told_of(&stage, "hot") == expected).then_some(()));
    };
    let judge_more = || stage.runs("hot", stage.history("hot").len() + 3);
    let agent = stage.start();
    wait_hot(&["firing"]);
    stage.noted_as_told("t");
    agent.kill();
    // It fires on in the next agent, which is killed as well.
    let agent = stage.start();
    judge_more();
    assert_eq!(told_of(&stage, "hot"), ["firing"]);
    agent.kill();
    stage.write("value", "5");
    let agent = stage.start();
    wait_hot(&["firing", "resolved"]);
    judge_more();
    assert!(agent.end().success());
    assert_eq!(told_of(&stage, "hot"), ["firing", "resolved"]);
}

#[test]
fn people_acknowledge_silence_and_try() {
    let stage = stage();
    let agent = stage.start();
    stage.runs("web", 1);
    let run = |arguments: &[&str]| {
        let output = stage.custos(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        text(&output.stdout)
    };
    let refused = |arguments: &[&str]| {
        let output = stage.custos(arguments);
        assert!(!output.status.success());
        text(&output.stderr)
    };
    assert_eq!(run(&["notify", "test", "t"]), "the target took the message\n");
    assert!(refused(&["notify", "test", "none"]).contains("there is no target none"));
    assert!(refused(&["ack", "web"]).contains("no alert that fires fulfils the conditions"));
    let silence = ["silence", "add", "web", "--for", "1h", "--comment", "upgrade", "--author", "me"];
    assert_eq!(run(&silence), "silence 1 holds\n");
    stage.write("state", "1");
    wait_line(&stage, &["notify", "status"], "not told: web WARNING (silence 1)");
    assert!(run(&["silence", "list"]).contains("silence 1: \"web\" from "));
    // The status says so, too: shortly of all checks, and of one that is named by whom, until when and why.
    wait_line(&stage, &["status"], "WARNING  silenced ");
    assert!(!run(&["status"]).contains("silenced until"));
    wait_line(&stage, &["status", "web"], "         silenced until ");
    let of_web = || -> Value { serde_json::from_str(&run(&["status", "web", "--json"])).unwrap() };
    let silenced = &of_web()["silenced"][0];
    assert_eq!(
        (&silenced["id"], &silenced["author"], &silenced["comment"]),
        (&1.into(), &"me".into(), &"upgrade".into())
    );
    assert!(silenced["until_ms"].is_i64() && of_web()["acknowledged"].is_null());
    assert_eq!(told(&stage), [""; 0]);
    assert_eq!(run(&["ack", "web"]), "acknowledged web\n");
    assert_eq!(run(&["silence", "expire", "1"]), "silence 1 is over\n");
    assert!(refused(&["silence", "expire", "1"]).contains("there is no silence 1"));
    wait_line(&stage, &["notify", "status"], "not told: web WARNING (acknowledged)");
    wait_line(&stage, &["status"], "WARNING  acked ");
    wait_line(&stage, &["status", "web"], "         acknowledged since ");
    assert!(of_web()["acknowledged"][0]["at_ms"].is_i64());
    wait_for("the silence to be over", || of_web()["silenced"].is_null().then_some(()));
    // Both are in the store.
    wait_line(&stage, &["notify", "status"], "acknowledged: web since ");
    let again = restarted(&stage, agent);
    // Without an agent, its notes would be shown.
    wait_line(&stage, &["status"], "agent: pid ");
    wait_line(&stage, &["notify", "status"], "not told: web WARNING (acknowledged)");
    assert_eq!(run(&["unack", "severity=warning"]), "no longer acknowledged web\n");
    wait_told(&stage, &["firing"]);
    let report: Value = serde_json::from_str(&run(&["notify", "status", "--json"])).unwrap();
    assert_eq!(report["targets"][0]["name"], "t");
    assert_eq!(run(&["silence", "add", "other", "--for", "1h"]), "silence 2 holds\n");
    assert!(again.end().success());
    assert!(refused(&["silence", "expire", "2"]).contains("no agent is running"));
}

#[test]
fn without_an_agent_its_notes_are_shown_and_damaged_ones_are_told_of_everywhere() {
    let stage = stage();
    stage.write("state", "2");
    let agent = stage.start();
    wait_told(&stage, &["firing"]);
    let silence = ["silence", "add", "other", "--for", "1h", "--comment", "upgrade", "--author", "me"];
    assert_eq!(text(&stage.custos(&silence).stdout), "silence 1 holds\n");
    wait_line(&stage, &["notify", "status"], "nothing is owed, told ");
    assert!(agent.end().success());
    let shown = |arguments: &[&str]| {
        let output = stage.custos(arguments);
        (text(&output.stdout).to_owned(), text(&output.stderr).to_owned())
    };
    let (silences, remark) = shown(&["silence", "list"]);
    assert!(silences.starts_with("silence 1: \"other\" from "), "{silences}");
    assert_eq!(remark, "custos: no agent is running; this is what the last one noted in the store\n");
    let (status, _) = shown(&["notify", "status"]);
    assert!(status.starts_with("t (command): nothing is owed, told "), "{status}");
    assert!(status.contains(", knows 1 alert that fires\nsilence 1: "), "{status}");

    stage.write("store/notify-silences.note", "nonsense");
    let why = "silences cannot be read, and those do not hold: ";
    assert!(shown(&["silence", "list"]).1.contains(why));
    assert!(shown(&["doctor"]).0.contains(&format!("notify: risk: {why}")));
    let agent = stage.start();
    wait_for(why, || agent.log().contains(why).then_some(()));
    wait_line(&stage, &["status"], why);
    wait_line(&stage, &["check", "custos"], why);
    assert!(shown(&["silence", "list"]).1.contains(why));
    // The next one is in a note that can be read.
    assert_eq!(text(&stage.custos(&silence).stdout), "silence 1 holds\n");
    assert_eq!(shown(&["silence", "list"]).1, "");
    assert!(agent.end().success());
}

fn restarted(stage: &Stage, agent: Daemon) -> Daemon {
    assert!(agent.end().success());
    stage.start()
}

#[test]
fn an_agent_tells_nobody_while_another_has_the_store_and_goes_on_from_its_notes_then() {
    let stage = stage();
    let agent = start_firing(&stage);
    assert_eq!(text(&stage.custos(&["ack", "web"]).stdout), "acknowledged web\n");
    let second = stage.start();
    wait_for("the reason in the log", || second.log().contains("nobody is told, and no event").then_some(()));
    stage.write("state", "1");
    stage.runs("web", stage.history("web").len() + 5);
    assert_eq!(told(&stage), ["firing"]);
    agent.kill();
    wait_for("the end of that", || second.log().contains("whoever is owed something is told").then_some(()));
    stage.runs("web", stage.history("web").len() + 3);
    assert_eq!(told(&stage), ["firing"]);
    stage.write("state", "0");
    wait_told(&stage, &["firing", "resolved"]);
    assert!(second.end().success());
}
