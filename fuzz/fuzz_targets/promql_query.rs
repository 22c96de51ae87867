//! Any text gives an expression that is the same once it was printed, or a mistake that lies within the text.
#![no_main]

use custos_promql::parse;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|query: &str| {
    match parse(query) {
        Ok(expr) => {
            let printed = expr.to_string();
            let again = parse(&printed).expect("what was printed can be read");
            assert_eq!(again.to_string(), printed);
            assert_eq!(again.value_type(), expr.value_type());
            assert!(expr.span().end as usize <= query.len());
        }
        Err(error) => {
            assert!(!error.one_line(query).is_empty());
            assert!(error.span.is_none_or(|span| span.start <= span.end && span.end as usize <= query.len()));
        }
    }
});
