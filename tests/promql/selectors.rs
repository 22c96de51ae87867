//! Random selectors.

use crate::data::{END, START};
use crate::grammar::Grammar;

const NAMES: [&str; 10] = [
    "temp",
    "size",
    "load",
    "requests_total",
    "latency_bucket",
    "latency_sum",
    "latency_count",
    "up",
    "odd",
    "young_total",
];
/// Names and values of labels; the last of each matches nothing.
const VALUES: [(&str, &[&str]); 7] = [
    ("job", &["api", "db", "web", "nobody"]),
    ("instance", &["a:80", "b:80", "a:81", "c:82"]),
    ("group", &["a", "b", ""]),
    ("code", &["200", "404", "500", ""]),
    ("le", &["0.125", "+Inf", "1"]),
    ("kind", &["mixed", "some", "large"]),
    ("missing", &["", "x"]),
];
/// Patterns of RE2, some of which mean something else, or nothing, to other libraries; the last ones of `job` are refused.
const PATTERNS: [(&str, &[&str]); 5] = [
    (
        "job",
        &[
            "api|db",
            ".*",
            ".+",
            "a.*|w[a-f]b",
            "(?i:API)",
            "(?i)WEB|",
            "[[:alpha:]]+",
            "\\\\pL{3}",
            "\\\\Qapi\\\\E",
            "d{1}b",
            "()api",
            "a{,3}pi",
            "(?=api)",
            "a**",
            "[z-a]",
        ],
    ),
    (
        "instance",
        &[
            "a:8\\\\d",
            ".*:80",
            "[^a].*",
            "",
            "\\\\w:\\\\d+",
            "a:8(0|1)?",
            "^a:80$",
            "\\\\x61:80",
            ".:8[^0]",
            "(?P<x>a).*",
        ],
    ),
    ("group", &["a|b", ".+", "", "a?", "a*?b??", "\\\\b.\\\\b"]),
    ("code", &["[45]..", "2.*", "|404", "4{1}0?4", "\\\\d{3}", "(2|4)0{2}"]),
    ("le", &["0\\\\..*", "1|2.5", "\\\\+Inf", "[+]Inf|1", "\\\\D.*"]),
];

impl Grammar {
    /// An instant vector selector.
    pub(crate) fn selector(&mut self) -> String {
        let selector = self.plain();
        let time = self.time();
        format!("{selector}{time}")
    }

    /// A selector without any time.
    pub(crate) fn plain(&mut self) -> String {
        let name = self.pick(&NAMES);
        self.with_matchers(name)
    }

    /// Counters.
    pub(crate) fn counters(&mut self) -> String {
        let name = self.pick(&[
            "requests_total",
            "requests_total",
            "young_total",
            "latency_bucket",
            "latency_count",
        ]);
        self.with_matchers(name)
    }

    fn with_matchers(&mut self, name: &str) -> String {
        let mut matchers: Vec<String> = (0..self.below(3)).map(|_| self.matcher()).collect();
        match self.below(12) {
            0 => matchers.push(format!("__name__=\"{name}\"")),
            1 if name == "temp" || name == "load" => matchers.insert(0, "__name__=~\"temp|load\"".to_owned()),
            2 if name == "requests_total" => matchers.push("__name__=~\".*_total\"".to_owned()),
            _ if matchers.is_empty() => return name.to_owned(),
            _ => return format!("{name}{{{}}}", matchers.join(",")),
        }
        let comma = self.pick(&["", ","]);
        format!("{{{}{comma}}}", matchers.join(", "))
    }

    fn matcher(&mut self) -> String {
        if self.chance(60) {
            let (label, values) = VALUES[self.below(VALUES.len() as u64) as usize];
            let operator = self.pick(&["=", "=", "!="]);
            return format!("{label}{operator}\"{}\"", self.pick(values));
        }
        let (label, patterns) = PATTERNS[self.below(PATTERNS.len() as u64) as usize];
        let operator = self.pick(&["=~", "=~", "!~"]);
        format!("{label}{operator}\"{}\"", self.pick(patterns))
    }

    /// `offset`, `@`, both, or mostly none.
    pub(crate) fn time(&mut self) -> String {
        match self.below(16) {
            0 => format!(" offset {}", self.length()),
            1 => format!(" offset -{}", self.length()),
            2 => format!(" @ {}", self.at()),
            3 => format!(" @ {} offset {}", self.at(), self.length()),
            4 => format!(" offset {} @ {}", self.length(), self.at()),
            _ => String::new(),
        }
    }

    /// A time a quarter after a second, or an end of the query.
    fn at(&mut self) -> String {
        match self.below(4) {
            0 => "start()".to_owned(),
            1 => "end()".to_owned(),
            _ => format!("{}.25", START + self.below((END - START) as u64) as i64),
        }
    }
}
