//! What the agent stores is in the stream once, whoever is killed; a store made of the stream exports the same bytes.

use std::collections::BTreeSet;
use std::time::Duration;

use custos::feed::nats::{Address, Chain, Reading};
use custos_compat::nats::Login;
use custos_store::read_bundle;
use nix::sys::signal::Signal;

use crate::server::{Server, programs, runtime};
use crate::stage::{Daemon, Random, Stage, pause, text, wait_for};

const TEXTS: &str = "n=$(date +%N | sed 's/^0*//'); echo \"OK - $n µs of $$ | time=${n}us;;;; odd=$((n % 2))\"; \
                     test $((n % 3)) = 0 && echo \"more $n\"; test $((n % 5)) = 0 && { echo warned >&2; exit 1; }; exit 0\n";

fn configure(stage: &Stage, server: &Server, interval: &str) {
    let sink = format!("host: web.1\nsinks: {{ js: {{ nats: '{}', site: lab }} }}", server.url(""));
    let checks = format!(
        "  timed: {{ command: timed, check_interval: {interval} }}\n  'disk /': {{ command: \"/bin/echo 'OK | used=7;;;; größe=5MB'\", \
         check_interval: {interval} }}\n"
    );
    stage.configure(&sink, &checks);
}

/// The numbers of the runs in the stream, each with its check. Fails if one is there twice or the chain is broken.
fn delivered(server: &Server) -> BTreeSet<(String, u64)> {
    let address = Address::read(&server.url("CUSTOS")).unwrap();
    let mut reading = Reading::open(&address, (&Login::None, None), (None, None)).unwrap();
    let (mut all, mut chain) = (BTreeSet::new(), Chain::default());
    while let Some(message) = reading.message().unwrap() {
        chain.follow(&message.headers, &message.payload).unwrap();
        for one in read_bundle(&message.payload).unwrap() {
            let what = (one.check.to_string(), one.number);
            assert!(all.insert(what.clone()), "{what:?} is there twice");
        }
    }
    assert!(!chain.begins_late());
    all
}

/// Waits until a store made of the stream exports what the agent's does.
fn wait_until_equal(stage: &Stage, server: &Server) {
    let restored = stage.path("restored");
    let url = server.url("CUSTOS");
    let export = |name: &str| stage.custos(&["store", "export", &stage.shown(name)]).stdout;
    wait_for("the stream to have all", || {
        let imported = stage.custos(&["store", "import", &stage.shown("restored"), "--from", &url]);
        assert!(imported.status.success(), "{}", text(&imported.stderr));
        let same = export("store") == export("restored");
        if !same {
            std::fs::remove_dir_all(&restored).unwrap();
        }
        same.then_some(())
    });
}

fn kill_in_turn(stage: &Stage, server: &mut Server, seed: u64) -> Daemon {
    let mut random = Random(seed);
    let mut agent = stage.start();
    for round in 0..9 {
        pause(Duration::from_millis(200 + random.below(900)));
        if round % 3 != 1 {
            agent.signal(Signal::SIGKILL);
            drop(agent);
            agent = stage.start();
        }
        if round % 3 != 0 {
            server.kill();
            pause(Duration::from_millis(random.below(900)));
            server.start_again();
        }
    }
    agent
}

#[test]
fn what_the_agent_stores_is_in_the_stream_once_whoever_is_killed() {
    for program in programs() {
        let mut server = Server::start(&program, "");
        let stage = Stage::new();
        stage.plugin("timed", TEXTS);
        configure(&stage, &server, "100ms");
        let agent = kill_in_turn(&stage, &mut server, 7);
        let known = stage.history("timed").len();
        stage.runs("timed", known + 10);
        agent.kill();
        configure(&stage, &server, "24h");
        let _agent = stage.start();
        wait_until_equal(&stage, &server);
        let before = delivered(&server);
        assert!(before.len() > 40, "{}", before.len());
        wait_for("the sink to be known", || {
            let status = text(&stage.custos(&["sink", "status", "js"]).stdout);
            (status.starts_with("js to NATS 2") && status.contains("stream CUSTOS")).then_some(())
        });
        // A stream that has lost everything gets everything again.
        runtime().block_on(async {
            let mut client = server.client().await;
            client.request("$JS.API.STREAM.PURGE.CUSTOS", &[], b"").await.unwrap();
        });
        let checked = stage.custos(&["check", "timed"]);
        assert!(text(&checked.stdout).contains("OK") || text(&checked.stdout).contains("WARNING"));
        wait_for("all to be sent again", || (count(&server) > before.len()).then_some(()));
        let again = delivered(&server);
        assert!(again.is_superset(&before), "{} of {}", again.len(), before.len());
        std::fs::remove_dir_all(stage.path("restored")).unwrap();
        wait_until_equal(&stage, &server);
    }
}

/// How many runs the stream has; none while it has no message.
fn count(server: &Server) -> usize {
    let address = Address::read(&server.url("CUSTOS")).unwrap();
    match Reading::open(&address, (&Login::None, None), (None, None)) {
        Ok(_) => delivered(server).len(),
        Err(_) => 0,
    }
}

#[test]
fn a_second_store_of_a_name_does_not_mix_with_the_first() {
    let server = Server::start(&programs()[0], "");
    let (one, other) = (Stage::new(), Stage::new());
    for stage in [&one, &other] {
        stage.plugin("timed", TEXTS);
        configure(stage, &server, "200ms");
    }
    let _first = one.start();
    one.runs("timed", 5);
    wait_for("the first to deliver", || (count(&server) > 5).then_some(()));
    let _second = other.start();
    other.runs("timed", 5);
    // The one that finds itself no longer the last stops.
    wait_for("one of them to stop", || {
        let told = |stage: &Stage| {
            let status = text(&stage.custos(&["sink", "status", "js"]).stdout);
            status.contains("another store delivers as custos.lab.web%2E1").then_some(())
        };
        told(&one).or_else(|| told(&other))
    });
}
