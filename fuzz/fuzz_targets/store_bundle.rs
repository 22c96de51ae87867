//! Any bytes are a bundle or a fault, and what a bundle has can be put into one again.
#![no_main]

use custos_store::{Bundle, fuzzing, read_bundle};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = read_bundle(data);
    let Ok(runs) = read_bundle(&fuzzing::bundle_of(data)) else { return };
    let mut bundle = Bundle::default();
    runs.iter().for_each(|one| bundle.add(&one.check, one.number, &one.run));
    let Ok(bytes) = bundle.finish() else { return };
    let again = read_bundle(&bytes).expect("what was written is read");
    assert_eq!(again.len(), runs.len());
});
