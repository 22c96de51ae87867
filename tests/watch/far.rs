//! A host at the other end of a slow link that loses packets: what is drawn, never when.

use crate::link::Link;
use crate::own::{UTF8, WAVE, last};
use crate::stage::{Daemon, Stage, free_port, text, wait_for};
use crate::terminal::Terminal;

/// Runs of the clone that are stored.
fn runs(stage: &Stage) -> u64 {
    text(&stage.custos(&["stream", "wave@watched"]).stdout).lines().count() as u64
}

fn start(stage: &Stage, port: u16) -> Daemon {
    stage.plugin("wave", WAVE);
    let command = stage.shown("plugins/wave");
    stage.configure(
        &format!("http: {{ listen: '127.0.0.1:{port}', open_watch: true }}"),
        &format!("  wave: {{ command: {command}, check_interval: 1h }}\n"),
    );
    let agent = stage.start();
    wait_for("the agent", || std::net::TcpStream::connect(("127.0.0.1", port)).ok());
    agent
}

#[test]
fn the_newest_is_drawn_in_order_and_a_cut_is_a_gap() {
    let (stage, port) = (Stage::new(), free_port());
    let agent = start(&stage, port);
    let link = Link::to(port);
    let host = format!("127.0.0.1:{}", link.port);
    let config = stage.shown("custos.yaml");
    let terminal = Terminal::start(
        &stage,
        (100, 30),
        UTF8,
        &[
            "watch",
            &format!("http://{host}/wave:runs"),
            "--every",
            "100ms",
            "--window",
            "30s",
            "--config",
            &config,
        ],
    );
    let curve = format!("{host}/wave:runs");
    // What comes over it comes in its order, and what is drawn is never older than what was drawn before.
    let newest_drawn = std::cell::Cell::new(0);
    let screen = terminal.wait("a hundred runs", |screen| {
        let now = last(screen, &curve).unwrap_or(0);
        let before = newest_drawn.replace(now);
        assert!(now >= before, "run {now} after run {before}: {screen}");
        now > 100
    });
    // All of the link is in the bound of the clock: half of the way there and back.
    let about = screen.lines().find(|line| line.starts_with(&host) && line.contains("offset ")).unwrap();
    let bound = about.split("± ").nth(1).unwrap().split(' ').next().unwrap();
    assert!(bound.parse::<u32>().unwrap() >= 80, "{about}");
    assert!(!screen.contains("cannot be read"), "{screen}");
    // There is no queue: what was stored before somebody looks is drawn when later runs are.
    let newest = runs(&stage);
    terminal.wait("the newest", |screen| last(screen, &curve) > Some(newest));
    link.connect(false);
    terminal.wait("that it is lost", |screen| screen.contains("not connected, again in "));
    // Nothing is run any more while nobody watches.
    let mut before = u64::MAX;
    wait_for("the end of the clone", || {
        let now = runs(&stage);
        std::mem::replace(&mut before, now).eq(&now).then_some(())
    });
    link.connect(true);
    let screen = terminal.wait("runs of afterwards", |screen| {
        !screen.contains("not connected") && last(screen, &curve) > Some(before + 10)
    });
    let ribbon = screen.lines().skip_while(|line| line.trim() != format!("{host}/wave")).nth(1).unwrap();
    assert!(ribbon.trim().contains("▁ "), "no gap: {screen}");
    terminal.keys(&["q"]);
    assert_eq!(terminal.ended(), "0");
    assert!(agent.end().success());
}
