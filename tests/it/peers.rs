//! The Monitoring Plugins of Debian, run for real: same state, same text, every metric.

use std::process::Command;

use crate::stage::{Stage, text};

const PLUGINS: &str = "/usr/lib/nagios/plugins";

/// Plugins with the metrics that they print.
const MEASURING: [(&str, &[&str], &str); 5] = [
    ("check_load -w 1000,1000,1000 -c 1000,1000,1000", &["load1", "load5", "load15"], ""),
    ("check_disk -w 1 -c 1 -p /", &["/"], "B"),
    ("check_procs -w 100000 -c 100000", &["procs"], ""),
    ("check_swap -w 1% -c 1% -n ok", &["swap"], "B"),
    ("check_users -w 1000 -c 1000", &["users"], ""),
];

fn stage(checks: &str) -> Stage {
    let stage = Stage::new();
    stage.write("custos.yaml", &format!("store: store\nplugins: {PLUGINS}\nchecks:\n{checks}"));
    let report = text(&stage.custos(&["config", "check"]).stderr);
    assert_eq!(report, "", "the plugins of Debian's monitoring-plugins-basic are installed");
    stage
}

#[test]
fn each_exit_status_is_its_state() {
    let checks: String =
        (0..4).map(|n| format!("  d{n}: {{ command: check_dummy {n} 'as told' }}\n")).collect();
    let stage = stage(&checks);
    for (n, state) in ["OK", "WARNING", "CRITICAL", "UNKNOWN"].iter().enumerate() {
        let name = format!("d{n}");
        let direct = Command::new(format!("{PLUGINS}/check_dummy"))
            .args([&n.to_string(), "as told"])
            .output()
            .unwrap();
        let through = stage.custos(&["check", &name]);
        assert_eq!(through.status.code(), direct.status.code());
        assert_eq!(text(&through.stdout), text(&direct.stdout));
        let run = &stage.history(&name)[0];
        assert_eq!(run["state"], *state, "{run}");
        assert_eq!(run["text"], text(&direct.stdout).trim_end(), "{run}");
    }
}

#[test]
fn every_metric_that_a_plugin_prints_is_kept() {
    let checks: String = MEASURING
        .iter()
        .enumerate()
        .map(|(n, (command, _, _))| format!("  m{n}: {{ command: \"{command}\" }}\n"))
        .collect();
    let stage = stage(&checks);
    for (n, (command, labels, unit)) in MEASURING.iter().enumerate() {
        let name = format!("m{n}");
        let output = stage.custos(&["check", &name]);
        assert_eq!(output.status.code(), Some(0), "{command}: {}", text(&output.stdout));
        let run = &stage.history(&name)[0];
        let metrics = run["metrics"].as_array().unwrap();
        let found: Vec<&str> = metrics.iter().map(|metric| metric["label"].as_str().unwrap()).collect();
        assert_eq!(found, *labels, "{command}: {run}");
        assert!(metrics.iter().all(|metric| metric["unit"] == *unit && metric["value"].is_number()), "{run}");
        assert!(metrics.iter().all(|metric| metric["warn"].is_object()), "{command}: {run}");
    }
}
