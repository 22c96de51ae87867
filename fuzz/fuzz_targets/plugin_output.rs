//! Any bytes that a plugin may print give an output and sound metrics.
#![no_main]

use custos_compat::nagios::{ByteUnits, LABEL_MAX_BYTES, Options, Output, Perfdata, Range, TOKENS_MAX, UnitRange};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((flags, stdout)) = data.split_first() else { return };
    let output = Output::parse(stdout, flags & 1 != 0);
    let options = Options {
        byte_units: if flags & 2 != 0 { ByteUnits::Iec } else { ByteUnits::Si },
        check_multi: flags & 4 != 0,
        cut_off: output.perf_cut_off,
    };
    let perfdata = Perfdata::parse(&output.perf, &options);
    assert!(perfdata.metrics.len() <= TOKENS_MAX);
    for metric in &perfdata.metrics {
        assert!(!metric.label.is_empty() && metric.label.len() <= LABEL_MAX_BYTES);
        assert!(metric.value.is_none_or(|value| value.to_f64().is_finite()));
        for range in [metric.warn, metric.crit].into_iter().flatten() {
            assert_eq!(Range::parse(&range.to_string()), Ok(range));
        }
    }
    let _ = UnitRange::parse(&output.summary, options.byte_units);
});
