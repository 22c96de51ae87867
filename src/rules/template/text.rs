//! A template, read once and expanded for each alert.

use std::sync::Arc;

use custos_promql::Labels;
use gotmpl::{MissingKey, Value};

use super::context::Context;
use super::functions::{self, Surroundings};
use super::{budget, tree, value};
use crate::limits::{TEMPLATE_ROUNDS_MAX, TEMPLATE_TEXT_MAX_BYTES};
use crate::rules::sequence::HappenedStep;

/// The variables that are there before a template begins, each with what it is of the data.
const VARIABLES: [(&str, &str); 4] = [
    ("$labels", ".Labels"),
    ("$externalLabels", ".ExternalLabels"),
    ("$externalURL", ".ExternalURL"),
    ("$value", ".Value"),
];
/// The one that a template of a sequence has beside them.
const STEPS: (&str, &str) = ("$steps", ".Steps");

/// A template that was read.
#[derive(Clone)]
pub struct Template {
    source: String,
    /// How long that is what stands before it, so that its variables are there.
    prelude_len: usize,
    /// What of the data it may refer to.
    reads: Vec<&'static str>,
    /// None for a text without actions.
    parsed: Option<Arc<gotmpl::Template>>,
    /// Whether a function is called that depends on the evaluation.
    is_contextual: bool,
}

impl Template {
    /// Reads a template; `name` is the one of its alert, for messages.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn parse(name: &str, source: &str) -> Result<Template, String> {
        Template::parse_with(&VARIABLES, name, source, None)
    }

    /// Reads a template of a sequence, which may refer to `$steps`: to those of these names, if they are known.
    ///
    /// # Errors
    /// As before.
    pub fn parse_of_sequence(
        name: &str,
        source: &str,
        steps: Option<&[Arc<str>]>,
    ) -> Result<Template, String> {
        Template::parse_with(&[&VARIABLES[..], &[STEPS]].concat(), name, source, steps)
    }

    fn parse_with(
        variables: &[(&str, &'static str)],
        name: &str,
        source: &str,
        steps: Option<&[Arc<str>]>,
    ) -> Result<Template, String> {
        if !source.contains("{{") {
            return Ok(Template::plain(source));
        }
        // What it does not name costs nothing in each expansion.
        let named = variables.iter().filter(|(variable, _)| source.contains(variable));
        let prelude: String =
            named.map(|(variable, field)| format!("{{{{{variable} := {field}}}}}")).collect();
        let prelude_len = prelude.len();
        let text = format!("{prelude}{source}{}", tree::END);
        let parsed = gotmpl::Template::new(&format!("__alert_{name}"))
            .missing_key(MissingKey::ZeroValue)
            .max_range_iters(TEMPLATE_ROUNDS_MAX)
            .funcs(functions::fixed())
            .funcs(functions::contextual(&Surroundings::none()))
            .parse(&text)
            .map_err(|error| place_in_source(prelude_len, &error))?;
        let parsed = tree::like_go(parsed, functions::is_known, steps).map_err(|fault| {
            let line_start = text[..fault.pos.offset].rfind('\n').map_or(0, |end| end + 1);
            let column = text[line_start..fault.pos.offset].chars().count() + 1;
            format!("{}: {}", written_at(prelude_len, fault.pos.line, column), fault.message)
        })?;
        Ok(Template {
            source: source.to_owned(),
            prelude_len,
            reads: reads(variables, source),
            is_contextual: functions::contextual_names().any(|name| source.contains(name)),
            parsed: Some(Arc::new(parsed)),
        })
    }

    /// A text in which nothing is an action.
    pub fn plain(text: &str) -> Template {
        Template {
            source: text.to_owned(),
            prelude_len: 0,
            reads: Vec::new(),
            parsed: None,
            is_contextual: false,
        }
    }

    /// The text as it is written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether the text is the same for each alert.
    pub fn is_fixed(&self) -> bool {
        self.parsed.is_none()
    }

    /// The text for an element: its labels, as the expression returned them, and its value. What goes wrong becomes the
    /// text, as in Prometheus.
    pub fn expand(&self, labels: &Labels, value: f64, context: &Context) -> String {
        self.expand_after(&[], labels, value, context)
    }

    /// The same for an element of a sequence, with the steps that led to it.
    pub fn expand_after(
        &self,
        steps: &[HappenedStep],
        labels: &Labels,
        value: f64,
        context: &Context,
    ) -> String {
        match &self.parsed {
            None => self.source.clone(),
            Some(parsed) => self
                .run(parsed, self.data(steps, labels, value, context), context)
                .unwrap_or_else(|error| format!("<error expanding template: {error}>")),
        }
    }

    /// What the template is expanded for.
    fn data(&self, steps: &[HappenedStep], labels: &Labels, value: f64, context: &Context) -> Value {
        let read = |field: &&'static str| {
            let read = match *field {
                ".Labels" => value::labels(labels),
                ".ExternalLabels" => value::labels(&context.external.labels),
                ".ExternalURL" => Value::String(context.external.url.as_str().into()),
                ".Value" => Value::Float(value),
                _ => value::steps(steps),
            };
            (Arc::from(&field[1..]), read)
        };
        Value::Map(Arc::new(self.reads.iter().map(read).collect()))
    }

    fn run(&self, parsed: &Arc<gotmpl::Template>, data: Value, context: &Context) -> Result<String, String> {
        let mut text = Bounded(String::new());
        let done = budget::within(&context.judgement, || match self.is_contextual {
            false => parsed.execute_template_fmt(&mut text, parsed.name(), &data),
            true => {
                let functions = functions::contextual(&Surroundings::of(context));
                let parsed = (**parsed).clone().funcs(functions);
                parsed.execute_template_fmt(&mut text, parsed.name(), &data)
            }
        });
        match done {
            Ok(()) => Ok(text.0),
            Err(_) if text.0.len() >= TEMPLATE_TEXT_MAX_BYTES => {
                Err(format!("the text has more than {TEMPLATE_TEXT_MAX_BYTES} bytes"))
            }
            Err(error) => Err(place_in_source(self.prelude_len, &error)),
        }
    }
}

impl std::fmt::Debug for Template {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.source)
    }
}

impl PartialEq for Template {
    fn eq(&self, other: &Template) -> bool {
        self.source == other.source
    }
}

/// What of the data a template may refer to: by a variable, by its name, or by all of the data, which `.` and `$` alone mean.
fn reads(variables: &[(&str, &'static str)], source: &str) -> Vec<&'static str> {
    let is_all = |at: usize| !source[at + 1..].starts_with(|c: char| c.is_alphanumeric() || c == '_');
    let names_all = source.match_indices(['.', '$']).any(|(at, _)| is_all(at));
    let is_read = |(variable, field): &&(&str, &'static str)| {
        names_all || source.contains(variable) || source.contains(field)
    };
    variables.iter().filter(is_read).map(|(_, field)| *field).collect()
}

/// A text that does not grow beyond [`TEMPLATE_TEXT_MAX_BYTES`].
struct Bounded(String);

impl std::fmt::Write for Bounded {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let room = TEMPLATE_TEXT_MAX_BYTES - self.0.len();
        if text.len() > room {
            self.0.extend(std::iter::repeat_n(' ', room));
            return Err(std::fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
}

/// The message of an error, with the column in the template as it was written.
fn place_in_source(prelude_len: usize, error: &gotmpl::TemplateError) -> String {
    use gotmpl::TemplateError::{Lex, Parse};
    match error {
        Parse { line, col, message, .. } | Lex { line, col, message, .. } => {
            format!("{}: {message}", written_at(prelude_len, *line, *col))
        }
        other => other.to_string(),
    }
}

/// Line and column in the template as it was written.
fn written_at(prelude_len: usize, line: usize, column: usize) -> String {
    let before = if line == 1 { prelude_len } else { 0 };
    format!("{line}:{}", column.saturating_sub(before).max(1))
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::context::External;
    use super::super::judgement::{Judgement, QueryFunction};
    use super::*;

    /// The expansion for one element, or what is wrong with the template.
    pub(in crate::rules::template) fn expanded(source: &str) -> String {
        let labels = Labels::new([("instance", "web1.example.org:9100"), ("disk", "/var"), ("empty", "")]);
        let query: QueryFunction = Arc::new(|expression| match expression {
            "up" => {
                let series = |host: &str, value| (Labels::new([("__name__", "up"), ("host", host)]), value);
                Ok(vec![series("b", 2.0), series("a", 1.0)])
            }
            "none" => Ok(Vec::new()),
            other => Err(format!("no answer to {other}")),
        });
        let context = Context {
            now_ms: 1_435_065_584_128,
            external: External {
                labels: Labels::new([("site", "lab")]),
                url: "http://testhost:9090/path/prefix".to_owned(),
            },
            query,
            judgement: Judgement::default(),
        };
        match Template::parse("Hot", source) {
            Ok(template) => template.expand(&labels, 93.25, &context),
            Err(error) => error,
        }
    }

    #[test]
    fn a_template_has_the_labels_and_the_value_of_its_element() {
        for (source, text) in [
            ("no action } {", "no action } {"),
            ("{{ $labels.disk }} at {{ $value }}%", "/var at 93.25%"),
            ("{{ .Labels.disk }} of {{ $externalLabels.site }}", "/var of lab"),
            (
                "{{ $externalURL }}{{ pathPrefix }} {{ externalURL }}",
                "http://testhost:9090/path/prefix/path/prefix http://testhost:9090/path/prefix",
            ),
            ("{{ with $labels.disk }}on {{ . }}{{ else }}nowhere{{ end }}", "on /var"),
            ("{{ if gt $value 90.0 }}high{{ end }}", "high"),
            ("{{ printf \"%.1f\" $value }} {{ $value | printf \"%.0f\" }}", "93.2 93"),
            (
                "{{ range $name, $text := .Labels }}{{ $name }}={{ $text }};{{ end }}",
                "disk=/var;instance=web1.example.org:9100;",
            ),
            ("{{ define \"x\" }}[{{ .disk }}{{ .none }}]{{ end }}{{ template \"x\" $labels }}", "[/var]"),
        ] {
            assert_eq!(expanded(source), text, "{source}");
        }
    }

    #[test]
    fn a_label_that_is_not_there_is_empty_as_in_go() {
        for (source, text) in [
            ("a{{ $labels.none }}b", "ab"),
            ("a{{ .Labels.none }}b{{ index $labels \"none\" }}c", "abc"),
            ("{{ $labels.none | toUpper }}|", "|"),
            ("{{ if $labels.none }}there{{ else }}not there{{ end }}", "not there"),
            ("{{ if eq $labels.none \"\" }}empty{{ end }}", "empty"),
        ] {
            assert_eq!(expanded(source), text, "{source}");
        }
    }

    #[test]
    fn a_query_gives_elements_in_the_order_of_the_answer() {
        for (source, text) in [
            ("{{ query \"up\" | first | value }}", "2"),
            ("{{ query \"up\" | first | label \"host\" }}", "b"),
            (
                "{{ range query \"up\" | sortByLabel \"host\" }}{{ .Labels.host }}:{{ .Value }} {{ end }}",
                "a:1 b:2 ",
            ),
            ("{{ len (query \"none\") }}", "0"),
            ("{{ with query \"none\" }}{{ . | first | value }}{{ else }}nothing{{ end }}", "nothing"),
            ("{{ now | printf \"%.3f\" }}", "1435065584.128"),
        ] {
            assert_eq!(expanded(source), text, "{source}");
        }
        let failed = expanded("{{ query \"none\" | first }}");
        assert!(
            failed.starts_with("<error expanding template: ")
                && failed.contains("first() called on vector with no elements"),
            "{failed}"
        );
        assert!(expanded("{{ query \"what\" }}").contains("no answer to what"));
    }

    #[test]
    fn mistakes_have_their_place_in_the_template_as_it_is_written() {
        for (source, place) in [("{{ $labels.disk", "1:"), ("ab\n{{ nothing }}", "2:"), ("{{ end }}", "1:")] {
            let error = expanded(source);
            assert!(error.starts_with(place) && !error.contains("1:1:1"), "{source}: {error}");
        }
        let column = |error: &str| error.split(':').nth(1).and_then(|column| column.parse::<usize>().ok());
        assert!(column(&expanded("{{ $labels.disk")).is_some_and(|column| column < 20));
    }

    #[test]
    fn a_template_of_a_sequence_has_its_steps() {
        let step =
            |name: &str, value, labels| HappenedStep { name: name.into(), at_ms: 90_500, value, labels };
        let steps = [
            step("full", Some(0.97), Labels::new([("path", "/data")])),
            step("step2", None, Labels::default()),
        ];
        let query: QueryFunction = Arc::new(|_| Ok(Vec::new()));
        let judgement = Judgement::default();
        let context = Context { now_ms: 0, external: External::default(), query, judgement };
        for (source, text) in [
            ("{{ $steps.full.labels.path }} {{ $steps.full.value | humanizePercentage }}", "/data 97%"),
            ("{{ $steps.full.labels.none }}|", "|"),
            ("{{ $steps.step2.time }}", "90.5"),
            ("{{ $steps.step2.time | humanizeTimestamp }}", "1970-01-01 00:01:30.5 +0000 UTC"),
            ("{{ range $name, $step := $steps }}{{ $name }} {{ end }}", "full step2 "),
            ("{{ if $steps.step2.value }}came{{ else }}did not come{{ end }}", "did not come"),
        ] {
            let template = Template::parse_of_sequence("Hot", source, None).unwrap();
            assert_eq!(template.expand_after(&steps, &Labels::default(), 1.0, &context), text, "{source}");
            let error = Template::parse("Hot", source).unwrap_err();
            assert!(error.ends_with(": undefined variable \"$steps\""), "{error}");
        }
        let error = Template::parse_of_sequence("Hot", "{{ nothing }}", None).unwrap_err();
        assert_eq!(error, "1:4: function \"nothing\" not defined");
        let known: [Arc<str>; 2] = ["full".into(), "step2".into()];
        assert!(Template::parse_of_sequence("Hot", "{{ $steps.step2.time }}", Some(&known)).is_ok());
        let error =
            Template::parse_of_sequence("Hot", "at {{ $steps.step3.time }}", Some(&known)).unwrap_err();
        assert_eq!(error, "1:7: the sequence has no step \"step3\"");
    }

    #[test]
    fn expansions_of_one_judgement_share_answers_and_an_end() {
        use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
        let asked = Arc::new(AtomicU32::new(0));
        let (counted, of_stop) = (Arc::clone(&asked), Arc::clone(&asked));
        let query: QueryFunction = Arc::new(move |text| {
            counted.fetch_add(1, Relaxed);
            if text == "none" { Err("no answer".to_owned()) } else { Ok(vec![(Labels::default(), 1.0)]) }
        });
        let judgement = Judgement::until(Arc::new(move || {
            (of_stop.load(Relaxed) >= 3).then(|| "the rule took longer than 10 s".to_owned())
        }));
        let context = Context { now_ms: 0, external: External::default(), query, judgement };
        let expand =
            |source: &str| Template::parse("Hot", source).unwrap().expand(&Labels::default(), 1.0, &context);
        let same = "{{ query \"a\" | first | value }}";
        assert_eq!((expand(same), expand(same), asked.load(Relaxed)), ("1".into(), "1".into(), 1));
        let failing = "{{ query \"none\" | len }}";
        assert!(expand(failing).contains("no answer") && expand(failing).contains("no answer"));
        assert_eq!(asked.load(Relaxed), 2);
        let nested = "{{ range query \"c\" }}{{ end }}";
        assert!(expand(nested).ends_with("the rule took longer than 10 s>"), "{}", expand(nested));
        // Whatever a template is, it is not begun any more.
        for source in [same, "{{ $value }}", "{{ if true }}{{ end }}"] {
            assert!(expand(source).ends_with("the rule took longer than 10 s>"), "{source}");
        }
        assert!(expand("{{ $value }}").starts_with("<error expanding template: "));
        assert_eq!(expand("plain"), "plain");
    }

    #[test]
    fn a_judgement_asks_a_bounded_number_of_queries() {
        let query: QueryFunction = Arc::new(|_| Ok(Vec::new()));
        let judgement = Judgement::default();
        let answers = (0..crate::limits::TEMPLATE_QUERIES_MAX + 1)
            .map(|number| judgement.answer(&number.to_string(), &query).is_ok())
            .filter(|is_ok| *is_ok);
        assert_eq!(answers.count(), crate::limits::TEMPLATE_QUERIES_MAX);
        assert!(judgement.answer("0", &query).is_ok());
        assert!(judgement.next().answer("new", &query).is_ok());
    }

    #[test]
    fn what_has_no_end_is_cut_off() {
        let bomb = "{{ define \"x\" }}{{ range (query \"up\") }}{{ $.Labels }}0123456789012345678901234567890123456789{{ end }}{{ end }}";
        let many = "{{ template \"x\" . }}".repeat(2000);
        let text = expanded(&format!("{bomb}{many}"));
        assert!(text.contains("more than 65536 bytes"), "{}", &text[..text.len().min(100)]);
        assert!(
            expanded("{{ define \"x\" }}{{ template \"x\" }}{{ end }}{{ template \"x\" }}")
                .contains("recursion")
        );
    }
}
