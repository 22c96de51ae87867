//! Any text gives a sequence that can be followed, or mistakes.
#![no_main]

use custos::rules::{SequenceState, read_sequence};
use custos_promql::Labels;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match read_sequence(text) {
        Ok(sequence) => {
            assert!(!sequence.steps.is_empty());
            let count = sequence.expressions().len();
            let mut state = SequenceState::default();
            for (at_ms, of_each) in [(0, 0), (1, 1), (60_000, 0), (60_001, 1), (3_600_000, 0)] {
                let returned = vec![vec![(Labels::default(), 1.0); of_each]; count];
                let alerts = state.take(&sequence, at_ms, &returned).expect("one key is not too many");
                assert!(alerts.len() <= 1);
                assert!(state.next_deadline_ms(&sequence).is_none() || state.under_way(&sequence) > 0);
            }
        }
        Err(mistakes) => assert!(mistakes.has_errors() && !mistakes.to_string().is_empty()),
    }
});
