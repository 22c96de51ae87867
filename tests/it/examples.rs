//! The examples that come with the program.

use std::path::Path;
use std::process::Command;

use crate::stage::{custos, text};

fn examples() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/examples"))
}

#[test]
fn the_example_configuration_has_no_mistakes() {
    let output = custos(&["config", "check"]).arg(examples().join("custos.yaml")).output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(0), ""));
    assert!(text(&output.stdout).starts_with("ok: "), "{}", text(&output.stdout));
}

/// Runs an example plugin; gives its status and output.
fn plugin(name: &str, arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(examples().join("plugins").join(name)).args(arguments).output().unwrap();
    assert_eq!(text(&output.stderr), "", "{name}");
    (output.status.code(), text(&output.stdout))
}

#[test]
fn the_example_plugins_report_metrics_and_judge_by_their_limits() {
    for (name, label, arguments_for) in [
        ("load.sh", "load1", ["-w-1", "-c-1"]),
        ("memory.sh", "used_percent", ["-w0", "-c0"]),
        ("disk.sh", "'/'", ["-w-1", "-c-1"]),
        ("uptime.sh", "uptime", ["-w99999999999", ""]),
    ] {
        let (status, output) = plugin(name, &[]);
        assert_eq!(status, Some(0), "{output}");
        assert!(output.contains(" | ") && output.contains(&format!("{label}=")), "{output}");
        let (status, output) = plugin(name, &arguments_for[..1]);
        assert_eq!(status, Some(1), "{output}");
        assert!(output.contains(" WARNING - "), "{output}");
        if !arguments_for[1].is_empty() {
            assert_eq!(plugin(name, &arguments_for[1..]).0, Some(2), "{name}");
        }
        assert_eq!(plugin(name, &["-x"]).0, Some(3), "{name}");
    }
}
