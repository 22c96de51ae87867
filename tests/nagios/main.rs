//! Where a check stands after each result: Nagios Core's opinion and ours, over random sequences of results.
//!
//! The real Nagios is given the results as passive ones, and says of each what it made of it: state, type, attempt and
//! percentage of state change in its performance data, alerts and flapping in its log.
//! `CUSTOS_NAGIOS_SEED` chooses other sequences; a failure prints the seed.
#![expect(clippy::unwrap_used, unreachable_pub, reason = "a test may panic")]

mod peer;
mod sequence;

#[path = "../stage/mod.rs"]
mod stage;

use custos::evaluate::{Change, ChangeKind, Counting, PreviousState, advance, flap_percent};
use custos_store::{Standing, State};

use peer::{Nagios, Said};
use sequence::Sequence;

const SEQUENCES: u64 = 1200;
const RESULTS: usize = 60;

/// What we say after each result of a sequence, in Nagios' words.
fn ours(sequence: &Sequence) -> Vec<Said> {
    let counting = Counting {
        max_check_attempts: sequence.max_check_attempts,
        volatile: sequence.volatile,
        flap_limits: Some(sequence.flap_limits),
    };
    let mut before: Option<PreviousState> = None;
    let step = |(number, state): (usize, &State)| {
        let was = before.map(|before| before.standing);
        let (standing, change) = advance(before, *state, number as i64, counting);
        before = Some(PreviousState { state: *state, standing });
        Said {
            state: state.code(),
            hard: standing.hard,
            attempt: standing.attempt,
            percent: format!("{:.2}", flap_percent(standing.flap_history)),
            alert: alert(was, *state, &standing, change),
            flapping: match (was.is_some_and(|was| was.flapping), standing.flapping) {
                (false, true) => Some("STARTED".to_owned()),
                (true, false) => Some("STOPPED".to_owned()),
                _ => None,
            },
        }
    };
    sequence.results.iter().enumerate().map(step).collect()
}

/// The alert that Nagios logs. It logs every attempt, which is a change of ours only when the state changed with it,
/// and counts a recovery as one more attempt of the problem that it ends.
fn alert(was: Option<Standing>, state: State, standing: &Standing, change: Option<Change>) -> Option<String> {
    let attempt_of_recovery = |soft| was.map_or(1, |was| was.attempt + u32::from(soft));
    let (hard, attempt) = match change.map(|change| change.kind) {
        Some(ChangeKind::SoftRecovery) => (false, attempt_of_recovery(true)),
        Some(ChangeKind::HardRecovery) => (true, attempt_of_recovery(false)),
        Some(ChangeKind::Hard) => (true, standing.attempt),
        Some(ChangeKind::Soft) => (false, standing.attempt),
        None if state != State::Ok && !standing.hard => (false, standing.attempt),
        None => return None,
    };
    Some(format!("{};{};{attempt}", state.name(), if hard { "HARD" } else { "SOFT" }))
}

#[test]
fn nagios_and_we_agree_on_every_result_of_random_sequences() {
    let seed = std::env::var("CUSTOS_NAGIOS_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    println!("CUSTOS_NAGIOS_SEED={seed}");
    let sequences: Vec<Sequence> = (0..SEQUENCES).map(|nth| Sequence::random(seed, nth, RESULTS)).collect();
    let theirs = Nagios::judge(&sequences);
    let (mut alerts, mut flappings) = (0, 0);
    for (nth, sequence) in sequences.iter().enumerate() {
        let ours = ours(sequence);
        assert_eq!(theirs[nth].len(), ours.len(), "sequence {nth}");
        for (step, (theirs, ours)) in theirs[nth].iter().zip(&ours).enumerate() {
            assert_eq!(theirs, ours, "Nagios and we on result {step} of sequence {nth}: {sequence:?}");
        }
        alerts += ours.iter().filter(|said| said.alert.is_some()).count();
        flappings += ours.iter().filter(|said| said.flapping.is_some()).count();
    }
    // Sequences in which nothing happened would prove nothing.
    assert!(alerts > 10_000 && flappings > 1_000, "{alerts} alerts, {flappings} changes of flapping");
    println!("{SEQUENCES} sequences, {alerts} alerts, {flappings} changes of flapping");
}
