//! `promtool query`, of Debian's Prometheus.

use std::process::Command;

use crate::server::Server;
use crate::stage::text;

/// What `promtool query` prints, which ends well.
fn promtool(server: &Server, arguments: &[&str], expression: &str) -> String {
    let mut command = Command::new("promtool");
    command.arg("query").args(arguments).arg(&server.url);
    if !expression.is_empty() {
        command.arg(expression);
    }
    let output = command.output().expect("promtool is there (scripts/test installs it)");
    assert!(output.status.success(), "{command:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

#[test]
fn promtool_asks_for_one_time() {
    let server = Server::start();
    let time = format!("--time={}", server.end_s);
    let instant = |expression: &str| promtool(&server, &["instant", &time], expression);
    let end = server.end_s;
    assert_eq!(
        instant("load{metric=\"load1\"}"),
        format!("load{{check=\"load\", metric=\"load1\"}} => 3.6 @[{end}]\n")
    );
    assert_eq!(instant("1 + 1"), format!("scalar: 2 @[{end}]\n"));
    assert_eq!(instant("count(check_state)"), format!("{{}} => 6 @[{end}]\n"));
    assert_eq!(instant("{\"über\"}"), format!("über{{check=\"über\", metric=\"time\"}} => 0.25 @[{end}]\n"));
    assert_eq!(instant("load > 100"), "\n");
    assert_eq!(instant("backup"), format!("backup{{check=\"backup\", metric=\"age\"}} => 18000 @[{end}]\n"));
    let json = promtool(&server, &["--format=json", "instant", &time], "load{metric=\"load5\"}[20s]");
    assert_eq!(
        json,
        format!(
            "[{{\"metric\":{{\"__name__\":\"load\",\"check\":\"load\",\"metric\":\"load5\"}},\"values\":[[{},\"1\"],[{end},\"1\"]]}}]\n",
            end - 10
        )
    );
}

#[test]
fn promtool_asks_for_many_times() {
    let server = Server::start();
    let end = server.end_s;
    let (from, to) = (format!("--start={}", end - 60), format!("--end={end}"));
    let printed = promtool(
        &server,
        &["range", &from, &to, "--step=30s"],
        "rate(net{if=\"eth0\"}[1m]) * on () group_left () vector(1)",
    );
    assert_eq!(
        printed,
        format!(
            "{{check=\"net\", if=\"eth0\", metric=\"in\"}} =>\n100 @[{}]\n100 @[{}]\n100 @[{end}]\n",
            end - 60,
            end - 30
        )
    );
}

#[test]
fn promtool_lists_series_and_values() {
    let server = Server::start();
    let matching = ["series", "--match={check=\"net\",metric!=\"\"}", "--match={__name__=~\"mem.*\"}"];
    assert_eq!(
        promtool(&server, &matching, ""),
        "{__name__=\"memory\", check=\"memory\", metric=\"used\"}\n\
         {__name__=\"memory\", check=\"memory\", metric=\"used_percent\"}\n\
         {__name__=\"net\", check=\"net\", if=\"Gigabit \\\"0\\\"\\\\1 é\", metric=\"in\"}\n\
         {__name__=\"net\", check=\"net\", if=\"eth0\", metric=\"in\"}\n"
    );
    assert_eq!(promtool(&server, &["labels"], "check"), "backup\nload\nmemory\nnet\nswitch.1\nüber\n");
    assert_eq!(promtool(&server, &["labels", "--match=load"], "metric"), "load1\nload5\n");
    // Nothing is known of before the first run.
    let before = format!("--end={}", server.end_s - 86_400);
    assert_eq!(promtool(&server, &["labels", "--start=0", &before], "check"), "");
}

#[test]
fn promtool_shows_what_was_wrong() {
    let server = Server::start();
    let mut command = Command::new("promtool");
    let output = command.args(["query", "instant", &server.url, "sum(load"]).output().unwrap();
    assert!(!output.status.success());
    let said = text(&output.stderr);
    assert!(said.contains("bad_data") && said.contains("parse error: unclosed left parenthesis"), "{said}");
}
