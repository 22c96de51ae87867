//! The deepest expressions fit the stack that is promised, and deeper ones are refused.

use custos_promql::{Labels, Memory, Options, instant, limits, parse, range};

/// One series, whose value holds in all that is asked for.
fn one() -> Memory {
    let mut memory = Memory::default();
    memory.insert(&Labels::new([("__name__", "m")]), 1_000_000, 1.0);
    memory
}

/// Expressions that are about that deep, in all ways to be deep.
fn deep(levels: usize) -> Vec<String> {
    vec![
        format!("{}m{}", "(".repeat(levels), ")".repeat(levels)),
        format!("{}m{}", "abs(".repeat(levels), ")".repeat(levels)),
        format!("{}m{}", "sum(".repeat(levels), ")".repeat(levels)),
        format!("m{}", " + m".repeat(levels)),
        format!("m{}", " or m".repeat(levels)),
        format!("{}m", "m ^ ".repeat(levels)),
        format!("{}m", "- + ".repeat(levels / 2)),
        format!("{}m{}", "last_over_time((".repeat(levels / 4), ")[1s:1s])".repeat(levels / 4)),
    ]
}

fn in_promised_stack(test: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(limits::STACK_BYTES).spawn(test);
    assert!(thread.is_ok_and(|thread| thread.join().is_ok()));
}

#[test]
fn the_deepest_expressions_fit_the_stack() {
    in_promised_stack(|| {
        let source = one();
        for query in deep(limits::EXPRESSION_DEPTH_MAX as usize - 4) {
            let expr = parse(&query).unwrap_or_else(|error| panic!("{query}: {error}"));
            let again = parse(&expr.to_string()).map(|expr| expr.to_string());
            assert_eq!(again.ok(), Some(expr.to_string()));
            let answer = instant(&query, &expr, &source, 1_000_000, &Options::default());
            assert!(answer.is_ok(), "{query}: {answer:?}");
        }
    });
}

#[test]
fn deeper_expressions_are_refused() {
    in_promised_stack(|| {
        for levels in [limits::EXPRESSION_DEPTH_MAX as usize + 4, 20_000] {
            for query in
                deep(levels).into_iter().take(6).filter(|query| query.len() <= limits::QUERY_BYTES_MAX)
            {
                let error = parse(&query).map(|expr| expr.to_string());
                assert!(error.is_err_and(|error| error.message.contains("levels deep")), "{query:.60}");
            }
        }
        // Chains within each other add up.
        let nested = format!("{}m{}", "(".repeat(4), format!("{})", " + m".repeat(100)).repeat(4));
        assert!(parse(&nested).is_err_and(|error| error.message.contains("levels deep")));
        let lengths = format!("m[1s{}]", " + 1s".repeat(5_000));
        assert!(parse(&lengths).is_err_and(|error| error.message.contains("operators")));
        let regexes = format!("{{{}}}", "a=~\"b.\",".repeat(limits::REGEXES_MAX + 1));
        assert!(parse(&regexes).is_err_and(|error| error.message.contains("regular expressions")));
        let matchers = format!("{{{}}}", "a=\"b\",".repeat(limits::MATCHERS_MAX + 1));
        assert!(parse(&matchers).is_err_and(|error| error.message.contains("conditions on labels")));
        let too_long = "a".repeat(limits::QUERY_BYTES_MAX + 1);
        assert!(parse(&too_long).is_err_and(|error| error.message.contains("bytes")));
    });
}

#[test]
fn what_is_held_at_once_is_bounded() {
    let source = one();
    let options = Options { values_max: 50, ..Options::default() };
    let span = (1_000_000, 1_019_000, 1_000);
    let ask = |query: &str| range(query, &parse(query)?, &source, span, &options);
    assert!(ask("m + m + m + m + m").is_ok());
    let nested = ask("m + (m + (m + (m + m)))").map(|answer| answer.samples);
    let message = nested.expect_err("it holds five vectors").message;
    assert!(message.contains("values at once"), "{message}");
}
