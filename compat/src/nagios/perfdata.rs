//! Perfdata, `'label'=value[unit];[warn];[crit];[min];[max]` (`docs/plugin-output.md#values`; tokens and labels are found in
//! `token`).
//!
//! Invariants: no input makes the parser fail, a bad token is dropped alone, and whatever is dropped or guessed is in
//! [`Warnings`]. Every metric has a label of 1 to [`LABEL_MAX_BYTES`] bytes. Metrics come in the order of the text, with
//! equal labels; time is linear in the length of the text.

use super::limits::{LABEL_MAX_BYTES, TOKENS_MAX, UNIT_MAX_BYTES};
use super::number::{Decimal, Number, Point, Scale};
use super::range::{Range, RangeError};
use super::token::{Scanner, Token};
use super::unit::{ByteUnits, Unit};
use super::warning::{Field, Problem, Warnings};

/// Options of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// The meaning of `KB`, `MB` and so on.
    pub byte_units: ByteUnits,
    /// Whether the `prefix::` of a label applies to the labels after it (`docs/plugin-output.md#check_multi`).
    pub check_multi: bool,
    /// Whether the text may end within a token, which is then dropped (`docs/plugin-output.md#when-perfdata-counts`).
    pub cut_off: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options { byte_units: ByteUnits::Si, check_multi: true, cut_off: false }
    }
}

/// One metric, in base units.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// The label without its quotes, with the prefix of check_multi.
    pub label: String,
    /// The value in the base unit; `None` if it is undetermined or ambiguous.
    pub value: Option<Number>,
    /// The base unit, or an unknown unit as printed; empty if there is none.
    pub unit: String,
    /// The unit as printed.
    pub printed_unit: String,
    /// The warning range.
    pub warn: Option<Range>,
    /// The critical range.
    pub crit: Option<Range>,
    /// The least possible value.
    pub min: Option<f64>,
    /// The greatest possible value.
    pub max: Option<f64>,
}

/// The metrics of a text, and the warnings about it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Perfdata {
    /// The metrics in the order of the text, with duplicates.
    pub metrics: Vec<Metric>,
    /// What was dropped or guessed.
    pub warnings: Warnings,
}

impl Perfdata {
    /// Parses the perfdata of one run.
    pub fn parse(text: &str, options: &Options) -> Perfdata {
        let mut scanner = Scanner::new(text);
        let mut result = Perfdata::default();
        let mut prefix = String::new();
        let mut token_count = 0;
        while let Some(mut token) = scanner.next_token(&mut result.warnings) {
            let ends_text = scanner.at_end();
            token.grouped = is_grouped(token.value, scanner.rest());
            token_count += 1;
            let parsed = if options.cut_off && ends_text {
                Err(Problem::CutOff)
            } else if token_count > TOKENS_MAX {
                Err(Problem::TooMany)
            } else {
                full_label(std::mem::take(&mut token.label), &mut prefix, options.check_multi)
                    .and_then(|label| metric(label, &token, options.byte_units, &mut result.warnings))
            };
            match parsed {
                Ok(metric) => result.metrics.push(metric),
                Err(problem) => result.warnings.add(problem, token.text),
            }
        }
        result
    }
}

/// Whether a value may go on behind a blank, as `1 234` does where thousands are grouped: up to three digits, and behind one
/// blank exactly three more that are no label.
fn is_grouped(value: &str, rest: &str) -> bool {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let whole = value.trim_start_matches(['-', '+']);
    let Some(next) = rest.strip_prefix(' ').filter(|next| digits(next) == 3) else { return false };
    let word = next.split(char::is_whitespace).next().unwrap_or_default();
    !whole.starts_with('0')
        && (1..=3).contains(&whole.len())
        && digits(whole) == whole.len()
        && !word.contains('=')
}

/// The label with the prefix of check_multi, which a label may set for those after it.
fn full_label(label: String, prefix: &mut String, check_multi: bool) -> Result<String, Problem> {
    if label.is_empty() {
        return Err(Problem::NoLabel);
    }
    let separator = if check_multi { label.rfind("::") } else { None };
    if let Some(end) = separator {
        prefix.clear();
        prefix.push_str(&label[..end]);
    }
    let prefixed = check_multi && separator.is_none() && !prefix.is_empty();
    let len = label.len() + if prefixed { prefix.len() + 2 } else { 0 };
    if len > LABEL_MAX_BYTES {
        return Err(Problem::LongLabel);
    }
    Ok(if prefixed { format!("{prefix}::{label}") } else { label })
}

/// The metric of a token: the fields behind the `=`.
fn metric(
    label: String,
    token: &Token<'_>,
    byte_units: ByteUnits,
    warnings: &mut Warnings,
) -> Result<Metric, Problem> {
    let mut fields = token.value.split(';').map(|field| field.trim_end_matches(','));
    let (decimal, printed_unit) = value(fields.next().unwrap_or_default(), byte_units)?;
    let known = Unit::find(printed_unit, byte_units);
    let scale = known.map_or(Scale::ONE, Unit::scale);
    let mut commas = Commas::of(token.value, known);
    let value = match decimal {
        Some(decimal) if commas.is_ambiguous(decimal) || token.grouped => None,
        Some(decimal) => Some(decimal.to_number(scale).ok_or(Problem::BadValue)?),
        None => None,
    };
    let mut number = |text: &str| {
        let (decimal, rest) = Decimal::scan(text, Point::Lenient).ok_or(RangeError::NotANumber)?;
        if (!rest.is_empty() && rest != printed_unit) || commas.is_ambiguous(decimal) {
            return Err(RangeError::NotANumber);
        }
        decimal.to_f64(scale).ok_or(RangeError::NotFinite)
    };
    // A field that is missing, empty, `U` or malformed is `None`.
    let mut field = || fields.next().filter(|text| !matches!(*text, "" | "U"));
    let warn = field().map(|text| Range::parse_bounds(text, &mut number)).transpose();
    let crit = field().map(|text| Range::parse_bounds(text, &mut number)).transpose();
    let min = field().map(&mut number).transpose();
    let max = field().map(&mut number).transpose();
    for (field, bad) in [
        (Field::Warn, warn.is_err()),
        (Field::Crit, crit.is_err()),
        (Field::Min, min.is_err()),
        (Field::Max, max.is_err()),
    ] {
        if bad {
            warnings.add(Problem::BadField(field), token.text);
        }
    }
    if token.value.contains(",;") {
        warnings.add(Problem::Separator, token.text);
    }
    if token.grouped {
        warnings.add(Problem::AmbiguousBlank, token.text);
    }
    if commas.ambiguous {
        warnings.add(Problem::AmbiguousComma, token.text);
    }
    if commas.points {
        warnings.add(Problem::Comma, token.text);
    }
    Ok(Metric {
        label,
        value,
        unit: known.map_or(printed_unit, |unit| unit.base()).to_owned(),
        printed_unit: printed_unit.to_owned(),
        warn: warn.unwrap_or_default(),
        crit: crit.unwrap_or_default(),
        min: min.unwrap_or_default(),
        max: max.unwrap_or_default(),
    })
}

/// How the commas within the numbers of one token are read.
struct Commas {
    /// Whether the token shows that its commas are decimal points.
    decimal: bool,
    /// Whether a number was dropped because its comma is ambiguous.
    ambiguous: bool,
    /// Whether a comma was read as a decimal point.
    points: bool,
}

impl Commas {
    /// Commas are decimal points in times, which are never grouped by thousands (`1,391ms`), and in a token with a comma that
    /// can only be one (`1,250;1,5`).
    fn of(text: &str, unit: Option<Unit>) -> Commas {
        let numbers = text.split([';', ':']).map(|part| part.trim_start_matches('@'));
        let mut decimals = numbers.filter_map(|part| Decimal::scan(part, Point::Lenient));
        let clear = decimals
            .any(|(decimal, rest)| decimal.comma && !decimal.is_ambiguous() && !rest.starts_with([',', '.']));
        let decimal = clear || unit.is_some_and(|unit| unit.base() == "s");
        Commas { decimal, ambiguous: false, points: false }
    }

    /// Notes how a number's comma is read; `true` if it is ambiguous.
    fn is_ambiguous(&mut self, decimal: Decimal<'_>) -> bool {
        let ambiguous = decimal.is_ambiguous() && !self.decimal;
        self.ambiguous |= ambiguous;
        self.points |= decimal.comma && !ambiguous;
        ambiguous
    }
}

/// The number and its unit; no number for `U`.
fn value(text: &str, byte_units: ByteUnits) -> Result<(Option<Decimal<'_>>, &str), Problem> {
    if text.is_empty() {
        return Err(Problem::NoValue);
    }
    if let Some(unit) = text.strip_prefix('U') {
        let known = unit.is_empty() || Unit::find(unit, byte_units).is_some();
        return if known { Ok((None, unit)) } else { Err(Problem::BadValue) };
    }
    let (decimal, unit) = Decimal::scan(text, Point::Lenient).ok_or(Problem::BadValue)?;
    let hexadecimal = decimal.lone_zero && unit.starts_with(['x', 'X']);
    if hexadecimal || !Unit::is_possible(unit) || unit.len() > UNIT_MAX_BYTES {
        return Err(Problem::BadUnit);
    }
    Ok((Some(decimal), unit))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::limits::WARNINGS_MAX;
    use super::*;

    fn parse(text: &str) -> Perfdata {
        Perfdata::parse(text, &Options::default())
    }

    fn labels(text: &str) -> Vec<String> {
        parse(text).metrics.into_iter().map(|metric| metric.label).collect()
    }

    fn problems(text: &str) -> Vec<Problem> {
        parse(text).warnings.kept().iter().map(|warning| warning.problem).collect()
    }

    #[test]
    fn each_problem_is_reported() {
        let bad = Problem::BadField;
        for (text, expected) in [
            ("a=1 b=2;3;4;5;6", vec![]),
            ("junk", vec![Problem::Junk]),
            ("junk | a=1", vec![Problem::Junk]),
            ("junk 'a'=1 more", vec![Problem::Junk, Problem::Junk]),
            ("a=1 ;2;3 b=4", vec![Problem::Junk]),
            ("=5", vec![Problem::NoLabel]),
            ("x a;b=5", vec![Problem::NoLabel]),
            ("a= 10", vec![Problem::NoValue]),
            ("a=;1", vec![Problem::NoValue]),
            ("a=foo", vec![Problem::BadValue]),
            ("a=1e400", vec![Problem::BadValue]),
            ("a=1e300YB", vec![Problem::BadValue]),
            ("a=Unknown", vec![Problem::BadValue]),
            ("a=1.2.3", vec![Problem::BadUnit]),
            ("a=0x1F", vec![Problem::BadUnit]),
            ("a=1;x;2;y;z", vec![bad(Field::Warn), bad(Field::Min), bad(Field::Max)]),
            ("a=1;;2:1", vec![bad(Field::Crit)]),
            ("a=1,5", vec![Problem::Comma]),
            ("a=1;2,5", vec![Problem::Comma]),
            ("a=2,000", vec![Problem::AmbiguousComma]),
            ("a=1;2,000", vec![bad(Field::Warn), Problem::AmbiguousComma]),
            ("a=1,391ms;100,200", vec![Problem::Comma]),
            ("a=5ms,", vec![Problem::Separator]),
            ("a=7,", vec![Problem::Separator]),
            ("a=7;8;9,", vec![Problem::Separator]),
            ("a=7,, b=8", vec![Problem::Separator]),
            ("a=5ms,;", vec![Problem::Separator]),
            ("a=3GB,;1;2,;0", vec![Problem::Separator]),
            ("a=1 234", vec![Problem::AmbiguousBlank, Problem::Junk]),
            ("a=1.234.567", vec![Problem::BadUnit]),
            ("a=1'234", vec![Problem::BadUnit]),
            ("a=1\u{a0}234", vec![Problem::BadUnit]),
            ("a=1\u{202f}234", vec![Problem::BadUnit]),
            ("a=١٢", vec![Problem::BadValue]),
            ("a=5%5", vec![Problem::BadUnit]),
            ("a=12:34", vec![Problem::BadUnit]),
            ("a=1；2；3", vec![Problem::BadUnit]),
        ] {
            assert_eq!(problems(text), expected, "{text}");
        }
    }

    #[test]
    fn labels_are_read_by_the_rules() {
        for (text, expected) in [
            ("'a'''=1", vec!["a'"]),
            ("'a' =1", vec!["a"]),
            ("a''b=1", vec!["a'b"]),
            ("a b =1", vec!["a b"]),
            ("' abc=5", vec!["abc"]),
            ("x 'abc=5 d=6", vec!["abc", "d"]),
            ("' a=1 'b'=2", vec![" a=1 'b"]),
            ("''abc=5", vec!["'abc"]),
            ("'a=1 ''b=2 ''''=3", vec!["a", "'b", "'"]),
            ("junk\nb=2", vec!["b"]),
            ("a=1 junk\r\n b=2", vec!["a", "b"]),
            ("a\tb=2", vec!["a\tb"]),
            ("a= b c=2", vec!["c"]),
            ("a= 'b c'=2", vec!["b c"]),
            ("d|e=2", vec!["e"]),
        ] {
            assert_eq!(labels(text), expected, "{text}");
        }
    }

    #[test]
    fn check_multi_can_be_switched_off() {
        assert_eq!(labels("a::b=1 c=2 ::d=3 e=4 f::=5 g=6"), ["a::b", "a::c", "::d", "e", "f::", "f::g"]);
        let options = Options { check_multi: false, ..Options::default() };
        let parsed = Perfdata::parse("a::b=1 c=2", &options);
        assert_eq!(parsed.metrics[1].label, "c");
    }

    #[test]
    fn a_rejected_token_still_sets_the_prefix() {
        assert_eq!(labels("a::b=foo c=2"), ["a::c"]);
    }

    #[test]
    fn the_last_token_of_cut_off_text_is_dropped() {
        let options = Options { cut_off: true, ..Options::default() };
        let parsed = Perfdata::parse("a=1 b=23", &options);
        assert_eq!(parsed.metrics.len(), 1);
        assert_eq!(parsed.warnings.kept()[0].problem, Problem::CutOff);
        assert_eq!(Perfdata::parse("a=1 b=23 ", &options).metrics.len(), 2);
    }

    #[test]
    fn counters_and_scaled_integers_stay_exact() {
        let metric = |text| parse(text).metrics[0].clone();
        assert_eq!(metric("a=9007199254740993c").value, Some(Number::Integer(9007199254740993)));
        assert_eq!(metric("a=9007199254740993B").value, Some(Number::Integer(9007199254740993)));
        assert_eq!(metric("a=18446744073709551615c").value, Some(Number::Float(18446744073709551615.0)));
        let megabytes = metric("a=2643MB;5948;;0");
        assert_eq!((megabytes.unit.as_str(), megabytes.printed_unit.as_str()), ("B", "MB"));
        assert_eq!(megabytes.value, Some(Number::Float(2643e6)));
    }

    #[test]
    fn a_number_that_may_be_either_is_no_value() {
        let value = |text| parse(text).metrics[0].value;
        for text in [
            "a=2,000",
            "a=-1,500",
            "a=12,345MB",
            "a=100,000c",
            "a=2,000;3;4",
            "a=1 234",
            "a=-12 345 678",
            "a=1 234MB;5;6",
            "a=1 234 b=5",
            "a=999 000,",
        ] {
            assert_eq!(value(text), None, "{text}");
        }
        for (text, expected) in [
            ("a=0,012888s;;;0,000000", 0.012888),
            ("a=6,04", 6.04),
            ("a=1,391ms", 0.001391),
            ("a=1,250;1,5", 1.25),
            ("a=1,250;~:2,75", 1.25),
            ("a=1234,567", 1234.567),
            ("a=1 234=5", 1.0),
            ("a=1 23", 1.0),
            ("a=1 2345", 1.0),
            ("a=1  234", 1.0),
            ("a=0 234", 0.0),
            ("a=1s 234", 1.0),
            ("a=1;2 345", 1.0),
            ("a=3,5,;4", 3.5),
        ] {
            assert_eq!(value(text), Some(Number::Float(expected)), "{text}");
        }
        let metric = parse("users=5;1,000;2000").metrics.remove(0);
        assert_eq!((metric.warn, metric.crit.map(Range::end)), (None, Some(2000.0)));
    }

    #[test]
    fn a_comma_behind_an_item_separates_it_from_the_next() {
        for text in [
            "a=5ms, b=3GB, c=7,",
            "a=5ms,b=3GB,c=7",
            "a=5ms,'b'=3GB , 'c'=7,,",
            "'a'=5ms,, b=3GB; ,c=7",
            "a=5ms , b=3GB,, , c=7 ,",
        ] {
            let metrics = parse(text).metrics;
            let found: Vec<_> = metrics
                .iter()
                .map(|m| (m.label.as_str(), m.value.unwrap().to_f64(), m.unit.as_str()))
                .collect();
            assert_eq!(found, [("a", 0.005, "s"), ("b", 3e9, "B"), ("c", 7.0, "")], "{text}");
        }
        let fields = parse("a=1;2;3,b=4,5,c=6").metrics;
        assert_eq!((fields[0].crit.map(Range::end), fields[1].value), (Some(3.0), Some(Number::Float(4.5))));
        assert_eq!(fields[2].label, "c");
    }

    #[test]
    fn byte_units_scale_the_limits_too() {
        let options = Options { byte_units: ByteUnits::Iec, ..Options::default() };
        let metric = &Perfdata::parse("a=2MB;3;4;0;5", &options).metrics[0];
        assert_eq!(metric.value, Some(Number::Float(2097152.0)));
        assert_eq!(metric.warn.map(Range::end), Some(3145728.0));
        assert_eq!(metric.max, Some(5242880.0));
    }

    #[test]
    fn sizes_are_bounded_and_counted() {
        let long = "x".repeat(LABEL_MAX_BYTES + 1);
        assert_eq!(problems(&format!("{long}=1")), [Problem::LongLabel]);
        assert_eq!(labels(&format!("{}=1", &long[1..])).len(), 1);
        assert_eq!(problems(&format!("{}::a=1 bbbb=2", &long[6..])), [Problem::LongLabel]);
        assert_eq!(problems(&format!("a=1{}", "u".repeat(UNIT_MAX_BYTES + 1))), [Problem::BadUnit]);

        let parsed = parse(&"a=1 ".repeat(TOKENS_MAX + 100));
        assert_eq!(parsed.metrics.len(), TOKENS_MAX);
        assert_eq!((parsed.warnings.count(), parsed.warnings.tokens_dropped()), (100, 100));
        assert_eq!(parsed.warnings.kept().len(), WARNINGS_MAX);
    }

    #[test]
    fn hostile_quotes_take_linear_time() {
        // Each of these would take minutes if every quote searched to the end of the text.
        for unit in ["' ", "'", "'a' ", "'' ", "'a=1 ", "a='", "|", "x'\n"] {
            let parsed = parse(&unit.repeat(256 * 1024 / unit.len()));
            assert!(!parsed.warnings.is_empty() || unit == "|", "{unit}");
        }
    }

    proptest! {
        #[test]
        fn any_text_gives_sound_metrics(text in "([-+a-z0-9.,;:='|@~%U \t\n\r]|µ|\\PC){0,80}", check_multi: bool) {
            let parsed = Perfdata::parse(&text, &Options { check_multi, ..Options::default() });
            for metric in &parsed.metrics {
                prop_assert!(!metric.label.is_empty() && metric.label.len() <= LABEL_MAX_BYTES);
                prop_assert!(metric.value.is_none_or(|value| value.to_f64().is_finite()));
                prop_assert!(metric.min.is_none_or(f64::is_finite) && metric.max.is_none_or(f64::is_finite));
            }
        }

        #[test]
        fn what_is_printed_by_the_guideline_is_read_back(
            rows in prop::collection::vec(("[^\\x00=:']{1,20}", -1e12..1e12_f64, "(|s|B|%|c|widgets)"), 0..8),
        ) {
            let mut text = String::new();
            for (label, value, unit) in &rows {
                text += &format!("'{label}''s'={value}{unit};~:5;@1:2;0;9 ");
            }
            let parsed = parse(&text);
            prop_assert!(parsed.warnings.is_empty(), "{:?}", parsed.warnings);
            prop_assert_eq!(parsed.metrics.len(), rows.len());
            for (metric, (label, value, unit)) in parsed.metrics.iter().zip(&rows) {
                prop_assert_eq!(&metric.label, &format!("{label}'s"));
                prop_assert_eq!(metric.value, Some(Number::Float(*value)));
                prop_assert_eq!(&metric.unit, unit);
                prop_assert_eq!(metric.warn, Range::new(f64::NEG_INFINITY, 5.0, false));
                prop_assert_eq!(metric.crit, Range::new(1.0, 2.0, true));
            }
        }
    }
}
