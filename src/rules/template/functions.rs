//! The functions that Prometheus adds to Go's templates (`template/template.go` of Prometheus 3).

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use custos_promql::parse_duration;
use gotmpl::{FuncMap, TemplateError, Value, ValueFunc};

use super::budget::{self, bounded, take_call, too_long};
use super::context::Context;
use super::judgement::{Judgement, QueryFunction};
use super::value::{number, text, wrong};
use super::{humanize, links, printed, title, tree};
use crate::limits::TEMPLATE_TEXT_MAX_BYTES;

/// Functions whose result depends on their arguments alone.
pub(super) fn fixed() -> FuncMap {
    static FIXED: LazyLock<FuncMap> = LazyLock::new(|| {
        let mut all = FuncMap::new();
        let mut add = |name: &str, function: ValueFunc| {
            all.insert(name.to_owned(), bounded(function, PICKING.contains(&name)))
        };
        add(tree::ROUND, Arc::new(|_| Ok("".into_value())));
        for name in printed::PRINTED {
            add(name, printed::function(name));
        }
        add(tree::FIELD, Arc::new(tree::field));
        add("index", Arc::new(index));
        add("first", Arc::new(first));
        add("value", Arc::new(|args| part_of(args, "Value")));
        add("label", Arc::new(label));
        add(
            "strvalue",
            Arc::new(|args| {
                tree::field(&[
                    one(args, "strvalue")?.clone(),
                    "Labels".into_value(),
                    "__value__".into_value(),
                ])
            }),
        );
        add("args", Arc::new(numbered));
        add("sortByLabel", Arc::new(sort_by_label));
        add("match", Arc::new(matches));
        add("reReplaceAll", Arc::new(replace_all));
        add("toTime", Arc::new(|args| humanize::time(number(one(args, "toTime")?)?).map(into_value)));
        add(
            "humanizeTimestamp",
            Arc::new(|args| humanize::timestamp(number(one(args, "humanizeTimestamp")?)?).map(into_value)),
        );
        add("parseDuration", Arc::new(duration));
        for (name, function) in TEXTS {
            add(name, Arc::new(move |args| Ok(into_value(function(text(one(args, name)?)?)))));
        }
        for (name, function) in NUMBERS {
            add(name, Arc::new(move |args| Ok(into_value(function(number(one(args, name)?)?)))));
        }
        all
    });
    FIXED.clone()
}

/// Whether Go or Prometheus has a function of this name.
pub(super) fn is_known(name: &str) -> bool {
    GO.contains(&name) || contextual_names().any(|known| known == name) || fixed().contains_key(name)
}

/// Functions that take a part out of what they are given, or put it into a map, and make no text of it.
const PICKING: [&str; 8] =
    [tree::FIELD, "index", "first", "value", "label", "strvalue", "args", "sortByLabel"];

/// The functions of Go's templates.
const GO: [&str; 19] = [
    "and", "call", "eq", "ge", "gt", "html", "index", "js", "le", "len", "lt", "ne", "not", "or", "print",
    "printf", "println", "slice", "urlquery",
];

/// A function from a text to a text, by its name.
type OfText = (&'static str, fn(&str) -> String);
/// A function from a number to a text, by its name.
type OfNumber = (&'static str, fn(f64) -> String);

/// Functions from a text to a text.
const TEXTS: [OfText; 9] = [
    ("title", title::title),
    ("toUpper", str::to_uppercase),
    ("toLower", str::to_lowercase),
    ("stripPort", links::strip_port),
    ("stripDomain", links::strip_domain),
    ("graphLink", links::graph_link),
    ("tableLink", links::table_link),
    ("urlQueryEscape", links::query_escape),
    // Nothing is escaped here, so nothing has to be declared safe.
    ("safeHtml", str::to_owned),
];

/// Functions from a number to a text.
const NUMBERS: [OfNumber; 5] = [
    ("humanize", humanize::humanize),
    ("humanize1024", humanize::humanize_1024),
    ("humanizeDuration", humanize::duration),
    ("humanizePercentage", humanize::percentage),
    ("toDuration", humanize::go_duration),
];

/// What the functions of an evaluation refer to.
pub(super) struct Surroundings {
    now_ms: i64,
    external_url: Arc<str>,
    query: QueryFunction,
    judgement: Judgement,
}

impl Surroundings {
    pub(super) fn of(context: &Context) -> Surroundings {
        Surroundings {
            now_ms: context.now_ms,
            external_url: context.external.url.as_str().into(),
            query: Arc::clone(&context.query),
            judgement: context.judgement.clone(),
        }
    }

    /// For a template that is only read.
    pub(super) fn none() -> Surroundings {
        Surroundings {
            now_ms: 0,
            external_url: "".into(),
            query: Arc::new(|_| Ok(Vec::new())),
            judgement: Judgement::default(),
        }
    }
}

/// The names of the functions that [`contextual`] has.
pub(super) fn contextual_names() -> impl Iterator<Item = &'static str> {
    ["query", "now", "externalURL", "pathPrefix"].into_iter()
}

/// Functions that depend on the evaluation.
pub(super) fn contextual(surroundings: &Surroundings) -> FuncMap {
    let (query, judgement) = (Arc::clone(&surroundings.query), surroundings.judgement.clone());
    let seconds = surroundings.now_ms as f64 / 1000.0;
    let path = Value::String(links::path_of(&surroundings.external_url).into());
    let url = Value::String(Arc::clone(&surroundings.external_url));
    let functions: [ValueFunc; 4] = [
        Arc::new(move |args| {
            take_call()?;
            judgement.answer(text(one(args, "query")?)?, &query).map_err(TemplateError::Exec)
        }),
        Arc::new(move |_| Ok(Value::Float(seconds))),
        Arc::new(move |_| Ok(url.clone())),
        Arc::new(move |_| Ok(path.clone())),
    ];
    contextual_names().map(str::to_owned).zip(functions).collect()
}

trait IntoValue {
    fn into_value(self) -> Value;
}

impl IntoValue for &str {
    fn into_value(self) -> Value {
        Value::String(self.into())
    }
}

fn into_value(text: String) -> Value {
    Value::String(text.into())
}

/// The one argument of a function.
fn one<'a>(args: &'a [Value], name: &str) -> Result<&'a Value, TemplateError> {
    match args {
        [arg] => Ok(arg),
        _ => Err(count(name, 1, args)),
    }
}

fn count(name: &str, expected: usize, args: &[Value]) -> TemplateError {
    TemplateError::ArgCount { name: name.to_owned(), expected, got: args.len() }
}

fn first(args: &[Value]) -> Result<Value, TemplateError> {
    match one(args, "first")? {
        Value::List(samples) => samples
            .first()
            .cloned()
            .ok_or_else(|| TemplateError::Exec("first() called on vector with no elements".to_owned())),
        other => Err(wrong("list", other)),
    }
}

/// What stands at an index of a list or map, and in that at the next.
fn index(args: &[Value]) -> Result<Value, TemplateError> {
    let [value, keys @ ..] = args else { return Err(count("index", 1, args)) };
    keys.iter().try_fold(value.clone(), |value, key| match (&value, key) {
        (Value::Map(_), Value::String(_)) => tree::field(&[value, key.clone()]),
        _ => value.index(key),
    })
}

fn part_of(args: &[Value], name: &str) -> Result<Value, TemplateError> {
    match one(args, name)? {
        Value::Map(sample) => Ok(sample.get(name).cloned().unwrap_or(Value::Nil)),
        other => Err(wrong("map", other)),
    }
}

fn label(args: &[Value]) -> Result<Value, TemplateError> {
    let [name, of] = args else { return Err(count("label", 2, args)) };
    tree::field(&[of.clone(), "Labels".into_value(), name.clone()])
}

/// Arguments as a map of `arg0`, `arg1` and so on, for a template that takes several.
fn numbered(args: &[Value]) -> Result<Value, TemplateError> {
    let named = args.iter().enumerate().map(|(index, arg)| (format!("arg{index}").into(), arg.clone()));
    let map = Value::Map(Arc::new(named.collect::<BTreeMap<_, _>>()));
    budget::take_value(&map)?;
    Ok(map)
}

fn sort_by_label(args: &[Value]) -> Result<Value, TemplateError> {
    let [name, Value::List(samples)] = args else { return Err(count("sortByLabel", 2, args)) };
    let mut keyed = Vec::with_capacity(samples.len());
    for sample in samples.iter() {
        let key = label(&[name.clone(), sample.clone()])?;
        keyed.push((text(&key)?.to_owned(), sample.clone()));
    }
    keyed.sort_by(|left, right| left.0.cmp(&right.0));
    Ok(Value::List(keyed.into_iter().map(|(_, sample)| sample).collect()))
}

fn matches(args: &[Value]) -> Result<Value, TemplateError> {
    let [pattern, of] = args else { return Err(count("match", 2, args)) };
    let pattern = custos_promql::regex(text(pattern)?).map_err(TemplateError::Exec)?;
    Ok(Value::Bool(pattern.is_match(text(of)?)))
}

/// What a replacement may come to before it is looked at whether it is too long.
const REPLACEMENT_MAX_BYTES: usize = 16 * TEMPLATE_TEXT_MAX_BYTES;

fn replace_all(args: &[Value]) -> Result<Value, TemplateError> {
    let [pattern, replacement, of] = args else { return Err(count("reReplaceAll", 3, args)) };
    let pattern = custos_promql::regex(text(pattern)?).map_err(TemplateError::Exec)?;
    let (replacement, of) = (text(replacement)?, text(of)?);
    let references = replacement.matches('$').count();
    let (mut replaced, mut done) = (String::new(), 0);
    for captures in pattern.captures_iter(of) {
        let Some(found) = captures.get(0) else { continue };
        replaced.push_str(&of[done..found.start()]);
        done = found.end();
        // No reference can stand for more than was found.
        let may_come = references.saturating_mul(found.len()).saturating_add(replacement.len());
        if may_come > REPLACEMENT_MAX_BYTES {
            return Err(too_long());
        }
        captures.expand(replacement, &mut replaced);
        if replaced.len() > TEMPLATE_TEXT_MAX_BYTES {
            return Err(too_long());
        }
    }
    replaced.push_str(&of[done..]);
    Ok(into_value(replaced))
}

/// Seconds of `1h30m`, of either sign.
fn duration(args: &[Value]) -> Result<Value, TemplateError> {
    let given = text(one(args, "parseDuration")?)?;
    let (sign, length) = given.strip_prefix('-').map_or((1.0, given), |rest| (-1.0, rest));
    let is_length = length == "0" || length.ends_with(|c: char| c.is_ascii_alphabetic());
    match parse_duration(length).filter(|_| is_length) {
        Some(seconds) => Ok(Value::Float(sign * seconds)),
        None => Err(TemplateError::Exec(format!("not a valid duration string: {given:?}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::text::tests::expanded;

    #[test]
    fn each_function_does_what_prometheus_does() {
        for (source, text) in [
            ("{{ \"aa bB CC\" | title }}", "Aa BB CC"),
            ("{{ \"aa bB CC\" | toUpper }} {{ \"aa bB CC\" | toLower }}", "AA BB CC aa bb cc"),
            (
                "{{ $labels.instance | stripPort }} {{ $labels.instance | stripDomain }}",
                "web1.example.org web1:9100",
            ),
            ("{{ match \"a+\" \"aa\" }} {{ match \"^a$\" \"b\" }}", "true false"),
            ("{{ reReplaceAll \"(a)b\" \"x$1\" \"ab\" }}", "xa"),
            ("{{ reReplaceAll \"(?P<all>.+)\" \"<${all}>\" \"ab\" }}", "<ab>"),
            ("{{ humanize $value }} {{ humanize \"1234567\" }}", "93.25 1.235M"),
            (
                "{{ humanize1024 2048.0 }} {{ humanizeDuration 3661 }} {{ humanizePercentage 0.5 }}",
                "2ki 1h 1m 1s 50%",
            ),
            ("{{ 1435065584.128 | humanizeTimestamp }}", "2015-06-23 13:19:44.128 +0000 UTC"),
            (
                "{{ (1435065584.128 | toTime) }} {{ toDuration 90 }}",
                "2015-06-23 13:19:44.128 +0000 UTC 1m30s",
            ),
            ("{{ parseDuration \"1h2m10ms\" }} {{ parseDuration \"-5m\" }}", "3720.01 -300"),
            ("{{ define \"x\" }}{{ .arg0 }}-{{ .arg1 }}{{ end }}{{ template \"x\" (args 1 \"b\") }}", "1-b"),
            (
                "{{ graphLink \"up\" }} {{ tableLink \"up\" }}",
                "/graph?g0.expr=up&g0.tab=0 /graph?g0.expr=up&g0.tab=1",
            ),
            ("{{ safeHtml \"<b>\" }} {{ urlQueryEscape \"a b/c\" }}", "<b> a+b%2Fc"),
            ("{{ query \"up\" | first | strvalue }}|", "|"),
        ] {
            assert_eq!(expanded(source), text, "{source}");
        }
    }

    #[test]
    fn what_a_function_cannot_take_is_an_error_of_the_template() {
        for source in [
            "{{ humanize \"many\" }}",
            "{{ match \"(\" \"a\" }}",
            "{{ first 1 }}",
            "{{ title }}",
            "{{ toUpper 1 }}",
            "{{ parseDuration \"soon\" }}",
            "{{ reReplaceAll \"x\" \"y\" }}",
            "{{ toTime \"NaN\" }}",
            "{{ $value.x }}",
        ] {
            let text = expanded(source);
            assert!(text.starts_with("<error expanding template: "), "{source}: {text}");
        }
    }
}
