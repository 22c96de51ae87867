//! The fault matrix: the agent, a real receiver, the network between them and the disk fail at random moments and in any mix, and
//! the clock of the host jumps. After each round all that is stored is there once, by what the receiver says when it is asked.
//!
//! `CUSTOS_SOAK_ROUNDS` has more rounds, `CUSTOS_SOAK_SEED` others; `scripts/soak-feeds` runs a thousand.

mod disk;
mod fault;
mod peer;
mod proxy;
mod remote_write;
mod stream;
mod trial;

use std::path::PathBuf;

use crate::server::programs;
use peer::Peer;
use remote_write::{Prometheus, VictoriaMetrics};
use stream::JetStream;
use trial::Trial;

/// Rounds of faults, unless somebody wants more.
const ROUNDS: u64 = 4;

/// Puts a receiver and what delivers to it through the rounds.
fn endure(name: &str, peer: impl Peer) {
    let number = |name: &str, default: u64| std::env::var(name).map_or(default, |text| text.parse().unwrap());
    let (rounds, seed) =
        (number("CUSTOS_SOAK_ROUNDS", ROUNDS), number("CUSTOS_SOAK_SEED", u64::from(std::process::id())));
    let mut trial = Trial::begin(name, peer, seed);
    (1..=rounds).for_each(|round| trial.round(round));
    eprintln!("{}", trial.end());
}

#[test]
fn victoria_metrics_has_all_once() {
    endure("VictoriaMetrics", VictoriaMetrics::new());
}

#[test]
fn prometheus_with_a_window_has_all_once() {
    endure("Prometheus with a window", Prometheus::new(true));
}

#[test]
fn prometheus_without_a_window_has_all_once() {
    endure("Prometheus without a window", Prometheus::new(false));
}

fn jetstream(program: PathBuf) {
    endure(&format!("JetStream of {}", program.display()), JetStream::new(program));
}

#[test]
fn jetstream_2_9_has_all_once() {
    let [debian, _] = programs();
    jetstream(debian);
}

#[test]
fn jetstream_2_15_has_all_once() {
    let [_, newer] = programs();
    jetstream(newer);
}
