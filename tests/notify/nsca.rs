//! Passive results to the real NSCA.

use std::process::{Command, Stdio};

use crate::bench::{Bench, later, listening, notification, refused, resolved};
use crate::stage::{Running, free_port, wait_for};

const NSCA: &str = "/usr/sbin/nsca";

/// An NSCA that writes what it gets into a file.
fn start(bench: &Bench, port: u16, method: u8) -> Running {
    let commands = bench.stage.path(&format!("commands-{method}"));
    std::fs::write(&commands, "").unwrap();
    bench.stage.write(
        "nsca.cfg",
        &format!(
            "server_address=127.0.0.1\nserver_port={port}\ndecryption_method={method}\npassword=secret\n\
             command_file={}\nalternate_dump_file={}\nappend_to_file=1\nmax_packet_age=30\ndebug=1\n",
            commands.display(),
            bench.stage.shown("dump")
        ),
    );
    let mut command = Command::new(NSCA);
    command.arg("-c").arg(bench.stage.path("nsca.cfg")).arg("-f").stdin(Stdio::null());
    listening(Running::start(&mut command), port)
}

#[tokio::test]
async fn nsca_reads_what_it_is_sent_by_each_method() {
    let mut bench = Bench::set();
    let password = bench.secret("password", "secret");
    for method in [0, 1, 3, 14] {
        let port = free_port();
        let _server = start(&bench, port, method);
        let target = format!(
            "{{ nsca: {{ server: '127.0.0.1:{port}', password: {password}, encryption: {method} }} }}"
        );
        assert!(bench.send(&target, &notification(&["disk", "load"])).await.is_delivered());
        let expected = [
            ";disk;2;CRITICAL - 97% <b>\"full\"</b>|/=97%;90;95\n",
            ";load;2;CRITICAL - 97% <b>\"full\"</b>|/=97%;90;95\n",
            ";disk;0;OK|/=97%;90;95\n",
        ];
        assert!(bench.send(&target, &resolved(notification(&["disk"]))).await.is_delivered());
        let commands = bench.stage.path(&format!("commands-{method}"));
        let written = wait_for(&format!("NSCA to write three results ({method})"), || {
            let written = std::fs::read_to_string(&commands).unwrap();
            (written.lines().count() >= 3).then_some(written)
        });
        for line in expected {
            assert!(
                written.contains(&format!("PROCESS_SERVICE_CHECK_RESULT;web{line}")),
                "{method}: {written}"
            );
        }
    }
}

#[tokio::test]
async fn a_method_that_is_unknown_is_named_and_a_server_that_is_down_waited_for() {
    let (mut bench, port) = (Bench::set(), free_port());
    let target = |method| format!("{{ nsca: {{ server: '127.0.0.1:{port}', encryption: {method} }} }}");
    let unknown = bench.send(&target(8), &notification(&["disk"])).await;
    assert!(refused(&unknown).starts_with("the encryption method 8 of NSCA is not supported"), "{unknown:?}");
    let down = bench.send(&target(1), &notification(&["disk"])).await;
    assert!(later(&down).ends_with("Connection refused"), "{down:?}");
}
