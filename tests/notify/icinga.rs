//! Passive results to the API of a real Icinga.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use serde_json::Value;

use crate::bench::{Bench, later, listening, notification, resolved};
use crate::stage::{Icinga, free_port, text};

/// An Icinga with the passive services `disk` and `load` of the host `web`.
fn icinga(bench: &Bench, port: u16, [certificate, key]: &[String; 2]) -> Icinga {
    let stage = &bench.stage;
    Icinga::directories(stage, &["lib/certs"]);
    // It reads them from there, as its own user, under the name of its endpoint.
    for (from, to) in [(certificate, "web.crt"), (key, "web.key"), (certificate, "ca.crt")] {
        let to = stage.path(&format!("lib/certs/{to}"));
        fs::copy(from, &to).unwrap();
        fs::set_permissions(to, fs::Permissions::from_mode(0o644)).unwrap();
    }
    let service = |name: &str| {
        format!(
            "object Service \"{name}\" {{\n  host_name = \"web\"\n  check_command = \"dummy\"\n  \
                 enable_active_checks = false\n  max_check_attempts = 1\n}}\n"
        )
    };
    let config = format!(
        "const NodeName = \"web\"\nobject Endpoint \"web\" {{}}\nobject Zone \"web\" {{ endpoints = [ \"web\" ] }}\n\
             object ApiListener \"api\" {{ bind_host = \"127.0.0.1\"\n  bind_port = {port} }}\n\
             object ApiUser \"web1\" {{ password = \"secret\"\n  permissions = [ \"*\" ] }}\n\
             object CheckerComponent \"checker\" {{}}\ninclude <itl>\n\
             object Host \"web\" {{ check_command = \"dummy\"\n  enable_active_checks = false }}\n{}{}",
        service("disk"),
        service("load")
    );
    stage.write("icinga2.conf", &config);
    listening(Icinga::start(stage), port)
}

/// State, output and performance data of a service.
fn known(port: u16, service: &str) -> [Value; 3] {
    let url = format!(
        "https://127.0.0.1:{port}/v1/objects/services/web!{service}?attrs=last_check_result&attrs=state"
    );
    let asked = Command::new("curl").args(["-sSk", "--fail", "-u", "web1:secret", &url]).output().unwrap();
    assert!(asked.status.success(), "{}", text(&asked.stderr));
    let answer: Value = serde_json::from_slice(&asked.stdout).unwrap();
    let attributes = &answer["results"][0]["attrs"];
    let result = &attributes["last_check_result"];
    [attributes["state"].clone(), result["output"].clone(), result["performance_data"].clone()]
}

#[tokio::test]
async fn icinga_takes_results_of_the_services_that_it_has() {
    let (mut bench, port) = (Bench::set(), free_port());
    let certificate = bench.certificate("IP:127.0.0.1");
    let password = bench.secret("password", "secret");
    let other = bench.secret("other", "wrong");
    let target = |password: &str| {
        format!(
            "{{ icinga: {{ url: 'https://127.0.0.1:{port}', user: web1, password: {password}, ca: {} }} }}",
            certificate[0]
        )
    };
    let disk = notification(&["disk"]);
    assert!(later(&bench.send(&target(&password), &disk).await).ends_with("Connection refused"));
    let _icinga = icinga(&bench, port, &certificate);
    let denied = bench.send(&target(&other), &disk).await;
    assert!(later(&denied).contains("401"), "{denied:?}");
    let some = bench.send(&target(&password), &notification(&["disk", "gone\" || true || \""])).await;
    assert!(some.alerts[0] == custos::notify::send::Taken::Delivered, "{some:?}");
    assert_eq!(some.why(), Some("Icinga has no service gone\" || true || \" of the host web"));
    let [state, output, perfdata] = known(port, "disk");
    assert_eq!(state, 2.0);
    assert_eq!(output, "CRITICAL - 97% <b>\"full\"</b>\nsecond line");
    assert_eq!(perfdata, serde_json::json!(["/=97%;90;95"]));
    assert!(bench.send(&target(&password), &resolved(disk)).await.is_delivered());
    assert_eq!(known(port, "disk")[0], 0.0);
    assert_eq!(known(port, "load")[0], 3.0);
}
