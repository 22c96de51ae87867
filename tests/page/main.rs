//! The page in a real browser: Chromium of Debian, driven by `tests/page/scenes.mjs`.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::stage::{Daemon, Stage, free_port, text, wait_for};

#[path = "../stage/mod.rs"]
mod stage;

/// Checks of which one is in trouble, one prints what would be harmful as HTML and what turns text around, one goes up and down, one counts,
/// and one has the largest values that there are.
const CHECKS: &str = r#"  wave: { command: "/bin/sh -c 'echo \"OK - wave | x=$(( $(date +%s) % 7 ));5;6 y=1\"'", check_interval: 1s, max_check_attempts: 1 }
  broken: { command: "/bin/sh -c 'echo \"CRITICAL - it is broken | z=9\"; exit 2'", check_interval: 1s, max_check_attempts: 1 }
  limited: { command: "/bin/sh -c 'echo \"OK | v=1\"'", check_interval: 1s, thresholds: [{ metric: v, warning: 2, for: 5s }] }
  hostile: { command: "/bin/sh -c 'echo \"OK <img src=x onerror=pwned=1>\"; echo \"<script>pwned=1</script>\"'", check_interval: 1s }
  turned: { command: "/bin/sh -c 'printf \"OK - a\\342\\200\\256b\\342\\201\\246c | t=1\"'", check_interval: 1s }
  count: { command: "/bin/sh -c 'echo \"OK | n=$(( $(date +%s%N) / 1000000 ))c\"'", check_interval: 1s }
  far: { command: "/bin/sh -c 'echo \"OK | most=1e308 least=-1e308\"'", check_interval: 1s }
"#;

/// An agent with a page.
struct Agent {
    stage: Stage,
    daemon: Option<Daemon>,
    url: String,
}

impl Agent {
    fn start(more: &str) -> Agent {
        Agent::over(Stage::new(), more)
    }

    /// An agent over the store of a stage.
    fn over(stage: Stage, more: &str) -> Agent {
        let port = free_port();
        stage.write_secret("token", "0123456789abcdef-token\n");
        stage.configure(&format!("http: {{ listen: '127.0.0.1:{port}'{more} }}"), CHECKS);
        let daemon = Some(stage.start());
        let agent = Agent { stage, daemon, url: format!("http://127.0.0.1:{port}") };
        ["wave", "broken", "hostile"].iter().for_each(|check| agent.has_runs(check, 3));
        agent
    }

    fn has_runs(&self, check: &str, count: usize) {
        wait_for("runs", || {
            let runs = self.stage.custos(&["stream", check]).stdout;
            (text(&runs).lines().count() >= count).then_some(())
        });
    }

    fn restart(&mut self) {
        if let Some(daemon) = self.daemon.take() {
            assert!(daemon.end().success());
        }
        self.daemon = Some(self.stage.start());
    }

    /// Plays a scene in the browser.
    fn play(mut self, scene: &str) {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/page/scenes.mjs");
        let clients = std::env::var("CUSTOS_CLIENTS").expect("CUSTOS_CLIENTS is what scripts/clients prints");
        let mut child = Command::new(Path::new(&clients).join("python/bin/node"))
            .args([script, scene, &self.url, &self.stage.shown("profile")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the Node of scripts/clients can be started");
        let mut input = child.stdin.take().unwrap();
        for line in BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok) {
            assert_eq!(line, "restart");
            self.restart();
            input.write_all(b"done\n").unwrap();
        }
        assert!(child.wait().unwrap().success(), "{scene}");
    }
}

#[test]
fn the_board_is_there_at_once_and_its_address_reproduces_it() {
    Agent::start("").play("board");
}

#[test]
fn what_a_plugin_prints_is_text() {
    Agent::start("").play("hostile");
}

#[test]
fn live_values_are_drawn_also_after_the_agent_was_started_again() {
    Agent::start(", open_watch: true").play("live");
}

#[test]
fn what_is_live_goes_on_behind_the_past_and_stays() {
    let agent = Agent::start(", open_watch: true");
    agent.has_runs("wave", 10);
    agent.has_runs("count", 10);
    agent.play("going_on");
}

#[test]
fn what_grows_follows_the_rules_of_the_past_and_has_a_bound() {
    Agent::start("").play("growing");
}

#[test]
fn who_may_not_watch_so_often_is_told_so_and_asked_for_a_token() {
    Agent::start("").play("unwatched");
}

#[test]
fn what_an_older_system_consolidated_is_drawn_otherwise() {
    let stage = Stage::new();
    let now_ms = custos::clock::now_ms();
    let rows = (10..40).map(|minute| {
        let time_ms = now_ms - minute * 60_000;
        format!(
            r#"{{"check":"wave@average","time_ms":{time_ms},"state":"OK","reason":"imported","provenance":"consolidated","consolidation":{{"span_ms":60000,"function":"average"}},"metrics":[{{"label":"x","value":{}}}]}}"#,
            minute % 7
        ) + "\n"
    });
    stage.import(&rows.collect::<String>());
    Agent::over(stage, "").play("consolidated");
}

#[test]
fn the_largest_values_have_a_mean_and_an_axis() {
    Agent::start("").play("far");
}

#[test]
fn the_reasons_of_other_hosts_are_seen_whatever_they_say() {
    Agent::start("").play("reasons");
}

#[test]
fn graphs_are_zoomed_and_thresholds_dragged() {
    let agent = Agent::start("");
    // So many that its values were beyond the line twice.
    agent.has_runs("wave", 15);
    agent.play("graph");
}

#[test]
fn a_threshold_is_tried_by_dragging_its_line() {
    let agent = Agent::start("");
    // Twice all that its values come to.
    agent.has_runs("wave", 15);
    agent.play("backtest");
}

#[test]
fn what_people_marked_stands_on_the_axis_of_time() {
    let agent = Agent::start(" }\nnotify: { group_wait: 0s, targets: { t: { command: /bin/true } }");
    let done = |line: &[&str]| agent.stage.custos(line).status.success();
    assert!(done(&["incident", "add", "1min ago..now", "broken", "<img src=x onerror=pwned=1>"]));
    assert!(done(&["note", "<script>pwned=1</script>", "--check", "broken"]));
    wait_for("the alert", || done(&["ack", "broken", "-m", "it is known"]).then_some(()));
    wait_for("the acknowledgement in the store", || {
        let target = format!("{}/api/marks?start=0&end=9999999999", agent.url);
        let found = Command::new("curl").args(["-s", &target]).output().unwrap();
        text(&found.stdout).contains("it is known").then_some(())
    });
    let silence = ["silence", "add", "wave", "--for", "1h", "-m", "<img src=x> upgrade", "--author", "kim"];
    assert!(done(&silence));
    wait_for("the silence in the store", || {
        let found = Command::new("curl").args(["-s", &format!("{}/api/board", agent.url)]).output().unwrap();
        text(&found.stdout).contains("<img src=x> upgrade").then_some(())
    });
    agent.play("marks");
}

#[test]
fn what_history_says_is_asked_for_and_notes_are_written() {
    let agent = Agent::start(", open_watch: true");
    agent.has_runs("wave", 15);
    agent.play("past");
    Agent::start("").play("unwritten");
}

#[test]
fn it_is_for_everybody_light_and_dark_by_keyboard_and_screen_reader() {
    Agent::start("").play("access");
}

#[test]
fn it_fits_small_and_large_screens() {
    Agent::start("").play("layout");
}

#[test]
fn agents_stand_side_by_side_each_with_its_own_token() {
    let mut own = Agent::start(", open_watch: true");
    let other = Agent::start(&format!(", tokens: token, cors: '{}'", own.url));
    own.url = format!("{},{}", own.url, other.url);
    own.play("hosts");
}

#[test]
fn a_token_is_asked_for_and_stays_in_its_tab() {
    Agent::start(", tokens: token").play("token");
}
