//! Checks of this host.

use crate::stage::{Daemon, Stage, text, wait_for};
use crate::terminal::Terminal;

/// What the check prints changes with its runs, so that there is something to see.
pub(crate) const WAVE: &str = r#"#!/bin/sh
read -r number 2>/dev/null < "$0.count" || number=0
echo $((number + 1)) > "$0.count"
echo "OK - run $number | wave=$((number % 7));5;6 runs=$number"
"#;

pub(crate) const UTF8: &[(&str, &str)] =
    &[("LC_ALL", "C.UTF-8"), ("TERM", "screen-256color"), ("TZ", "UTC"), ("NO_COLOR", "1")];
const ASCII: &[(&str, &str)] =
    &[("LC_ALL", "C"), ("TERM", "screen-256color"), ("TZ", "UTC"), ("NO_COLOR", "1")];

pub(crate) fn start(stage: &Stage) -> Daemon {
    stage.plugin("wave", WAVE);
    let command = stage.shown("plugins/wave");
    stage.configure("", &format!("  wave: {{ command: {command}, check_interval: 1h }}\n"));
    let agent = stage.start();
    wait_for("the agent", || stage.path("store/agent.socket").exists().then_some(()));
    agent
}

/// The last value of a curve, by its title.
pub(crate) fn last(screen: &str, curve: &str) -> Option<u64> {
    let title = screen.lines().find(|line| line.contains(curve))?;
    title.split("  last ").nth(1)?.split_whitespace().next()?.parse().ok()
}

fn watch(stage: &Stage, size: (u16, u16), variables: &[(&str, &str)], more: &[&str]) -> Terminal {
    let config = stage.shown("custos.yaml");
    let words = ["watch", "wave", "--config", &config, "--every", "100ms", "--window", "10s"];
    Terminal::start(stage, size, variables, &[&words, more].concat())
}

#[test]
fn the_states_of_many_checks_are_shown_in_any_size_and_locale() {
    for (size, variables) in [((80, 24), UTF8), ((200, 60), UTF8), ((80, 24), ASCII), ((200, 60), ASCII)] {
        let stage = Stage::new();
        let checks: String = (0..30)
            .map(|number| {
                let command = if number == 17 { "/bin/false" } else { "/bin/echo fine" };
                format!("  check{number:02}: {{ command: {command}, check_interval: 1h }}\n")
            })
            .collect();
        stage.configure("", &checks);
        let _agent = stage.start();
        wait_for("the agent", || stage.path("store/agent.socket").exists().then_some(()));
        let names: Vec<String> = (0..30).map(|number| format!("check{number:02}")).collect();
        for name in &names {
            stage.custos(&["check", name]);
        }
        let config = stage.shown("custos.yaml");
        let options = ["watch", "--own", "--config", &config, "--window", "1h"];
        let words: Vec<&str> = options.into_iter().chain(names.iter().map(String::as_str)).collect();
        let terminal = Terminal::start(&stage, size, variables, &words);
        let has_all = |screen: &str| names.iter().all(|name| screen.contains(name.as_str()));
        let screen = terminal.wait("all states", |screen| {
            has_all(screen) && screen.contains("1 WARNING  check17") && screen.contains("29 OK  check00")
        });
        assert!(
            screen.contains("more: scroll with ") && screen.is_ascii() == (variables == ASCII),
            "{screen}"
        );
        terminal.keys(&["NPage"]);
        terminal
            .wait("the next panels", |screen| screen.contains("panels ") && !screen.contains("panels 1 to"));
        terminal.keys(&["q"]);
        assert_eq!(terminal.ended(), "0");
    }
}

#[test]
fn a_check_is_drawn_while_it_runs_in_any_size_and_locale() {
    for (size, variables) in [((80, 24), UTF8), ((200, 60), UTF8), ((80, 24), ASCII), ((200, 60), ASCII)] {
        let stage = Stage::new();
        let agent = start(&stage);
        let terminal = watch(&stage, size, variables, &[]);
        let screen = terminal.wait("twelve runs", |screen| last(screen, "wave:runs") > Some(12));
        let lines: Vec<&str> = screen.lines().collect();
        assert_eq!(lines.len(), usize::from(size.1), "{screen}");
        assert!(
            lines[0].starts_with("custos watch  10s  every 100ms") && lines[0].ends_with("live"),
            "{screen}"
        );
        assert!(lines.last().unwrap().starts_with("q quit  space stand still"), "{screen}");
        let is_ascii = variables == ASCII;
        assert_eq!(screen.is_ascii(), is_ascii, "{screen}");
        for said in ["wave:wave  min 0  avg ", "  warn 5  crit 6", if is_ascii { " wave  " } else { "┤" }] {
            assert!(screen.contains(said), "{said}: {screen}");
        }
        let drawn =
            |c: char| if is_ascii { "*+".contains(c) } else { ('\u{2801}'..='\u{28ff}').contains(&c) };
        assert!(screen.chars().filter(|c| drawn(*c)).count() > 20, "{screen}");
        // It goes on.
        let now = last(&screen, "wave:runs");
        terminal.wait("more", |screen| last(screen, "wave:runs") > now);
        terminal.keys(&["q"]);
        assert_eq!(terminal.ended(), "0");
        assert!(agent.end().success());
    }
}

#[test]
fn an_expression_is_answered_with_each_run_of_the_checks_that_it_selects() {
    let stage = Stage::new();
    let agent = start(&stage);
    assert!(stage.custos(&["check", "wave"]).status.success());
    let config = stage.shown("custos.yaml");
    let words = ["watch", "wave{metric=\"runs\"} * 2", "sum(nothing)", "--config", &config];
    let options = ["--every", "100ms", "--window", "10s"];
    let terminal = Terminal::start(&stage, (100, 30), UTF8, &[&words[..], &options].concat());
    let title = "wave{metric=\"runs\"} * 2";
    let screen = terminal.wait("a dozen runs", |screen| last(screen, title) > Some(24));
    assert_eq!(last(&screen, title).unwrap() % 2, 0, "{screen}");
    // What cannot be answered is said, and ends nothing.
    assert!(screen.contains("sum(nothing): it selects no series of the last day"), "{screen}");
    let count = || text(&stage.custos(&["stream", "wave@watched"]).stdout).lines().count() as u64;
    let runs = count();
    terminal.wait("newer runs", |screen| last(screen, title) > Some(2 * runs));
    terminal.keys(&["q"]);
    assert_eq!(terminal.ended(), "0");
    assert!(agent.end().success());
}

#[test]
fn keys_choose_what_of_the_time_is_drawn() {
    let stage = Stage::new();
    let _agent = start(&stage);
    let mut terminal = watch(&stage, (80, 24), UTF8, &[]);
    terminal.wait("some runs", |screen| last(screen, "wave:runs") > Some(3));
    terminal.keys(&["Space"]);
    terminal.wait("a picture that stands still", |screen| screen.contains("stands still, data goes on"));
    let count = || text(&stage.custos(&["stream", "wave@watched"]).stdout).lines().count();
    let more = || {
        let runs = count();
        wait_for("more runs", || (count() > runs + 10).then_some(runs))
    };
    // A run that was under way then has its place in it.
    more();
    let still = terminal.screen();
    let runs = more();
    assert_eq!(terminal.screen(), still);
    terminal.keys(&["Space"]);
    terminal.wait("what came meanwhile", |screen| last(screen, "wave:runs") > Some(runs as u64 + 9));
    terminal.keys(&["+"]);
    terminal.wait("a longer window", |screen| screen.contains("custos watch  30s"));
    terminal.keys(&["Left"]);
    terminal.wait("the time before", |screen| screen.contains("stands still"));
    terminal.keys(&["End", "?"]);
    terminal.wait("the keys", |screen| screen.contains("a longer window, a shorter one"));
    terminal.keys(&["q"]);
    terminal.resize((120, 30));
    terminal.wait("all of the terminal", |screen| {
        screen.lines().count() == 30 && screen.lines().next().is_some_and(|line| line.chars().count() == 120)
    });
    terminal.resize((30, 8));
    terminal.wait("that it is too small", |screen| screen.starts_with("too small: 40 x 12 at least"));
    terminal.keys(&["C-c"]);
    assert_eq!(terminal.ended(), "0");
}

#[test]
fn an_agent_that_comes_back_is_watched_again() {
    let stage = Stage::new();
    let agent = start(&stage);
    let terminal = watch(&stage, (80, 24), UTF8, &[]);
    let screen = terminal.wait("some runs", |screen| last(screen, "wave:runs") > Some(3));
    let before = last(&screen, "wave:runs");
    agent.kill();
    terminal.wait("that it is gone", |screen| screen.contains("this host  not connected, again in "));
    let agent = stage.start();
    terminal
        .wait("more runs", |screen| last(screen, "wave:runs") > before && !screen.contains("not connected"));
    terminal.keys(&["q"]);
    assert_eq!(terminal.ended(), "0");
    // The clone has ended with the command.
    let count = || text(&stage.custos(&["stream", "wave@watched"]).stdout).lines().count();
    let mut last = usize::MAX;
    wait_for("the end of the clone", || {
        let now = count();
        std::mem::replace(&mut last, now).eq(&now).then_some(())
    });
    assert!(agent.end().success());
}

#[test]
fn what_cannot_be_watched_is_said_before_the_screen_is_taken() {
    let stage = Stage::new();
    let agent = start(&stage);
    let said = |words: &[&str]| {
        let output = stage.custos(&[&["watch"], words].concat());
        (output.status.code(), text(&output.stderr))
    };
    let (code, why) = said(&["wave"]);
    assert_eq!(code, Some(2));
    assert!(why.contains("stdout is no terminal; custos stream --watch CHECK --every 1s writes"), "{why}");
    let (code, why) = said(&["ssh://-oProxyCommand=id/wave"]);
    assert!(code == Some(2) && why.contains("\"-oProxyCommand=id\" is no name of a host"), "{why}");
    let (code, why) = said(&["http://192.0.2.1/wave"]);
    assert!(code == Some(2) && why.contains("without https only this host may be asked"), "{why}");
    let terminal =
        Terminal::start(&stage, (80, 24), UTF8, &["watch", "waves", "--config", &stage.shown("custos.yaml")]);
    assert_eq!(terminal.ended(), "2");
    assert!(terminal.history().contains("did you mean wave?"), "{}", terminal.history());
    assert!(agent.end().success());
}
