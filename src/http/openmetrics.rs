//! Families of metrics as text: in OpenMetrics, or in the older format of Prometheus where a client takes only that.
//!
//! Names that are no identifiers are in quotes for clients that take those, and else have `_` in place of what is not allowed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use custos_promql::format_number;

/// How a client wants metrics to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Format {
    /// OpenMetrics 1.0.0; else the text format 0.0.4.
    is_open: bool,
    /// Names may be any UTF-8; nothing if the client says nothing of it.
    any_names: Option<bool>,
}

impl Format {
    /// What the header `Accept` asks for.
    pub(super) fn of(accept: &str) -> Format {
        let mut format = Format { is_open: false, any_names: None };
        let mut best = 0.0;
        for item in accept.split(',') {
            let mut parts = item.split(';').map(str::trim);
            let kind = parts.next().unwrap_or("");
            let parameter = |name: &str| {
                let of_name =
                    |part: &str| Some(part.strip_prefix(name)?.strip_prefix('=')?.trim().to_owned());
                item.split(';').skip(1).find_map(|part| of_name(part.trim()))
            };
            let version = parameter("version");
            let is_open = match (kind, version.as_deref()) {
                ("application/openmetrics-text", Some("1.0.0" | "0.0.1") | None) => true,
                ("text/plain" | "text/*" | "*/*", _) => false,
                _ => continue,
            };
            let weight = parameter("q").and_then(|weight| weight.parse::<f32>().ok()).unwrap_or(1.0);
            // Of several that are as welcome, the first is meant.
            if weight > best {
                best = weight;
                let any_names = parameter("escaping").map(|escaping| escaping == "allow-utf-8");
                format = Format { is_open, any_names };
            }
        }
        format
    }

    /// The type of what is written.
    pub(super) fn content_type(self) -> &'static str {
        match (self.is_open, self.any_names) {
            (true, None) => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            (true, Some(true)) => {
                "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8"
            }
            (true, Some(false)) => {
                "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores"
            }
            (false, None) => "text/plain; version=0.0.4; charset=utf-8",
            (false, Some(true)) => "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8",
            (false, Some(false)) => "text/plain; version=0.0.4; charset=utf-8; escaping=underscores",
        }
    }
}

/// What kind of metric a family is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
    Info,
    Unknown,
}

/// A family: metrics of one name.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Family {
    kind: Kind,
    help: String,
    samples: Vec<Sample>,
}

#[derive(Clone, Debug, PartialEq)]
struct Sample {
    suffix: &'static str,
    labels: Vec<(String, String)>,
    value: f64,
    time_ms: Option<i64>,
}

impl Family {
    pub(super) fn new(kind: Kind, help: &str) -> Family {
        Family { kind, help: help.to_owned(), samples: Vec::new() }
    }

    /// One more value, with its labels.
    #[must_use]
    pub(super) fn with(mut self, labels: &[(&str, &str)], value: f64) -> Family {
        let suffix = match self.kind {
            Kind::Counter => "_total",
            Kind::Info => "_info",
            _ => "",
        };
        self.add(suffix, labels, value);
        self
    }

    /// A value with a suffix of its own, as histograms have them.
    pub(super) fn add(&mut self, suffix: &'static str, labels: &[(&str, &str)], value: f64) {
        let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        self.samples.push(Sample { suffix, labels: labels.collect(), value, time_ms: None });
    }

    /// A value of some time.
    pub(super) fn add_at(&mut self, labels: Vec<(String, String)>, value: f64, time_ms: i64) {
        self.samples.push(Sample { suffix: "", labels, value, time_ms: Some(time_ms) });
    }
}

/// Families by name. Of two of one name, the first counts.
#[derive(Clone, Debug, Default)]
pub(super) struct Families(BTreeMap<String, Family>);

impl Families {
    /// Adds a family; a unit is the end of its name, as in `a_seconds`.
    pub(super) fn add(&mut self, name: &str, family: Family) {
        self.0.entry(name.to_owned()).or_insert(family);
    }

    /// The family of that name, or a new one.
    pub(super) fn family(&mut self, name: &str, new: impl FnOnce() -> Family) -> &mut Family {
        self.0.entry(name.to_owned()).or_insert_with(new)
    }

    /// All as text; nothing if that is longer than so many bytes.
    pub(super) fn text(&self, format: Format, bytes_max: usize) -> Option<String> {
        // Two names may become one: then their series are of one family.
        let mut named: BTreeMap<Name, Vec<&Family>> = BTreeMap::new();
        for (name, family) in &self.0 {
            named.entry(Name::of(name, format)).or_default().push(family);
        }
        let mut out = String::new();
        for (name, families) in &named {
            write_families(&mut out, name, families, format);
            if out.len() > bytes_max {
                return None;
            }
        }
        if format.is_open {
            out.push_str("# EOF\n");
        }
        Some(out)
    }
}

/// A name as a format writes it.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Name {
    bare: String,
    is_quoted: bool,
}

impl Name {
    fn of(name: &str, format: Format) -> Name {
        if is_identifier(name, true) {
            return Name { bare: name.to_owned(), is_quoted: false };
        }
        match format.any_names {
            Some(true) => Name { bare: escaped(name), is_quoted: true },
            _ => Name { bare: identifier(name, true), is_quoted: false },
        }
    }

    fn shown(&self, suffix: &str) -> String {
        let Name { bare, is_quoted } = self;
        if *is_quoted { format!("\"{bare}{suffix}\"") } else { format!("{bare}{suffix}") }
    }
}

/// Families of one name, of which the first says what they are.
fn write_families(out: &mut String, name: &Name, families: &[&Family], format: Format) {
    let Some(family) = families.first() else { return };
    let kind = match (family.kind, format.is_open) {
        (Kind::Counter, _) => "counter",
        (Kind::Gauge, _) | (Kind::Info, false) => "gauge",
        (Kind::Histogram, _) => "histogram",
        (Kind::Info, true) => "info",
        (Kind::Unknown, true) => "unknown",
        (Kind::Unknown, false) => "untyped",
    };
    // The older format has the name of the samples, OpenMetrics that of the family.
    let suffix = match family.kind {
        Kind::Counter if !format.is_open => "_total",
        Kind::Info if !format.is_open => "_info",
        _ => "",
    };
    let shown = name.shown(suffix);
    // Writing to a String does not fail.
    let _ = writeln!(out, "# HELP {shown} {}", family.help.replace('\\', "\\\\").replace('\n', "\\n"));
    let _ = writeln!(out, "# TYPE {shown} {kind}");
    let unit = ["seconds", "bytes"].into_iter().find(|unit| name.bare.ends_with(&format!("_{unit}")));
    if let Some(unit) = unit.filter(|_| format.is_open && family.kind != Kind::Unknown) {
        let _ = writeln!(out, "# UNIT {shown} {unit}");
    }
    let mut written = BTreeSet::new();
    for sample in families.iter().flat_map(|family| &family.samples) {
        let labels = labels(&sample.labels, format);
        let series = match name.is_quoted {
            true if labels.is_empty() => format!("{{{}}}", name.shown(sample.suffix)),
            true => format!("{{{},{labels}}}", name.shown(sample.suffix)),
            false if labels.is_empty() => name.shown(sample.suffix),
            false => format!("{}{{{labels}}}", name.shown(sample.suffix)),
        };
        // Two series may have become one.
        if !written.insert(series.clone()) {
            continue;
        }
        let _ = write!(out, "{series} {}", format_number(sample.value));
        match sample.time_ms {
            Some(time_ms) if format.is_open => {
                let sign = if time_ms < 0 { "-" } else { "" };
                let size = time_ms.unsigned_abs();
                let _ = write!(out, " {sign}{}.{:03}", size / 1000, size % 1000);
            }
            Some(time_ms) => {
                let _ = write!(out, " {time_ms}");
            }
            None => {}
        }
        out.push('\n');
    }
}

fn labels(labels: &[(String, String)], format: Format) -> String {
    let mut names = BTreeSet::new();
    let mut out = String::new();
    for (name, value) in labels {
        let shown = match format.any_names {
            _ if is_identifier(name, false) => name.clone(),
            Some(true) => format!("\"{}\"", escaped(name)),
            _ => identifier(name, false),
        };
        if names.insert(shown.clone()) {
            let comma = if out.is_empty() { "" } else { "," };
            let _ = write!(out, "{comma}{shown}=\"{}\"", escaped(value));
        }
    }
    out
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn fits(c: char, at_start: bool, of_metric: bool) -> bool {
    c.is_ascii_alphabetic() || c == '_' || (c == ':' && of_metric) || (c.is_ascii_digit() && !at_start)
}

fn is_identifier(name: &str, of_metric: bool) -> bool {
    !name.is_empty() && name.char_indices().all(|(at, c)| fits(c, at == 0, of_metric))
}

fn identifier(name: &str, of_metric: bool) -> String {
    if name.is_empty() {
        return "_".to_owned();
    }
    name.char_indices().map(|(at, c)| if fits(c, at == 0, of_metric) { c } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn families() -> Families {
        let mut families = Families::default();
        families.add(
            "a_requests",
            Family::new(Kind::Counter, "How many\\ there\nwere").with(&[("code", "200")], 3.0),
        );
        families.add("a_requests", Family::new(Kind::Gauge, "another").with(&[], 1.0));
        families.add("a_size_bytes", Family::new(Kind::Gauge, "Size").with(&[], f64::INFINITY));
        families.add("a", Family::new(Kind::Info, "What it is").with(&[("version", "1\"\n")], 1.0));
        let mut odd = Family::new(Kind::Unknown, "Odd");
        odd.add_at(vec![("x.y".to_owned(), "1".to_owned()), ("x_y".to_owned(), "2".to_owned())], 0.5, 1500);
        odd.add_at(vec![], 1.0, -1);
        families.add("disk /", odd);
        families.add("disk_/", Family::new(Kind::Unknown, "Odd too").with(&[("n", "2")], 2.0));
        families
    }

    #[test]
    fn openmetrics_has_its_form() {
        let format = Format::of("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.2");
        assert_eq!(
            families().text(format, 10_000).unwrap(),
            "# HELP a What it is\n# TYPE a info\na_info{version=\"1\\\"\\n\"} 1\n\
             # HELP a_requests How many\\\\ there\\nwere\n# TYPE a_requests counter\na_requests_total{code=\"200\"} 3\n\
             # HELP a_size_bytes Size\n# TYPE a_size_bytes gauge\n# UNIT a_size_bytes bytes\na_size_bytes +Inf\n\
             # HELP disk__ Odd\n# TYPE disk__ unknown\ndisk__{x_y=\"1\"} 0.5 1.500\ndisk__ 1 -0.001\ndisk__{n=\"2\"} 2\n# EOF\n"
        );
        assert_eq!(families().text(format, 100), None);
    }

    #[test]
    fn the_older_format_has_its_form_and_names_may_be_quoted() {
        let text = families().text(Format::of("*/*"), 10_000).unwrap();
        assert!(
            text.contains("# TYPE a_requests_total counter\na_requests_total{code=\"200\"} 3\n"),
            "{text}"
        );
        assert!(text.contains("# TYPE a_info gauge\na_info{") && !text.contains("EOF"), "{text}");
        assert!(text.contains("# TYPE disk__ untyped\ndisk__{x_y=\"1\"} 0.5 1500\n"), "{text}");
        let format = Format::of("text/plain;version=1.0.0;escaping=allow-utf-8");
        let text = families().text(format, 10_000).unwrap();
        assert!(
            text.contains("# TYPE \"disk /\" untyped\n{\"disk /\",\"x.y\"=\"1\",x_y=\"2\"} 0.5 1500\n"),
            "{text}"
        );
        assert!(text.contains("{\"disk /\"} 1 -1\n") && text.contains("{\"disk_/\",n=\"2\"} 2\n"), "{text}");
    }

    #[test]
    fn a_client_gets_what_it_likes_best() {
        // What Prometheus 3 sends, and what 2.42 does.
        let three = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
                     application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,\
                     text/plain;version=0.0.4;q=0.2,*/*;q=0.1";
        let two = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
                   text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        for (accept, is_open, any_names) in [
            (three, true, Some(true)),
            (two, true, None),
            ("text/plain;version=0.0.4;escaping=underscores", false, Some(false)),
            ("text/html,*/*;q=0.1", false, None),
            ("application/openmetrics-text;q=0", false, None),
            ("", false, None),
        ] {
            assert_eq!(Format::of(accept), Format { is_open, any_names }, "{accept}");
        }
    }
}
