//! Random calls of functions, and what they are called with.

use crate::grammar::Grammar;

const MATH: [&str; 23] = [
    "abs", "ceil", "floor", "exp", "ln", "log2", "log10", "sqrt", "sgn", "sin", "cos", "tan", "asin", "acos",
    "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "deg", "rad",
];
const DATES: [&str; 8] =
    ["minute", "hour", "day_of_week", "day_of_month", "day_of_year", "days_in_month", "month", "year"];
/// Functions of a stretch of time without a further argument.
const WINDOWS: [&str; 16] = [
    "avg_over_time",
    "min_over_time",
    "max_over_time",
    "sum_over_time",
    "count_over_time",
    "stddev_over_time",
    "stdvar_over_time",
    "last_over_time",
    "present_over_time",
    "changes",
    "resets",
    "delta",
    "idelta",
    "deriv",
    "irate",
    "absent_over_time",
];

impl Grammar {
    /// A function of a range vector.
    pub(crate) fn window(&mut self, depth: u32) -> String {
        match self.below(12) {
            0 | 1 => {
                let function = self.pick(&["rate", "increase"]);
                format!("{function}({})", self.range_of_counters())
            }
            2 => {
                let quantile = self.pick(&["0", "0.5", "0.99", "1", "-1", "2", "NaN"]);
                format!("quantile_over_time({quantile}, {})", self.range(depth))
            }
            3 => {
                let ahead = self.pick(&["0", "60", "-90", "3600"]);
                format!("predict_linear({}, {ahead})", self.range(depth))
            }
            4 => {
                let smoothing = self.pick(&["0.5", "0.1", "0.9"]);
                let trend = self.pick(&["0.5", "0.3", "1.5"]);
                format!("double_exponential_smoothing({}, {smoothing}, {trend})", self.range(depth))
            }
            _ => {
                let function = self.pick(&WINDOWS);
                format!("{function}({})", self.range(depth))
            }
        }
    }

    /// A function of an instant vector.
    pub(crate) fn function(&mut self, depth: u32) -> String {
        match self.below(14) {
            0..=4 => {
                let function = self.pick(&MATH);
                format!("{function}({})", self.vector(depth))
            }
            5 => {
                let function = self.pick(&DATES);
                let argument = match self.below(3) {
                    0 => String::new(),
                    1 => format!("vector({})", self.scalar(1)),
                    _ => self.vector(depth),
                };
                format!("{function}({argument})")
            }
            6 => self.clamped(depth),
            7 => {
                let to = self.pick(&["", ", 0.5", ", 10", ", 0.1", ", 0", ", -2"]);
                format!("round({}{to})", self.vector(depth))
            }
            8 => self.relabelled(depth),
            9 => format!("absent({})", self.vector(depth)),
            10 => format!("timestamp({})", self.vector(depth.min(1))),
            11 => format!("vector({})", self.scalar(depth)),
            _ => self.histogram_quantile(depth),
        }
    }

    fn clamped(&mut self, depth: u32) -> String {
        let vector = self.vector(depth);
        let (one, other) = (self.scalar(0), self.scalar(0));
        match self.below(3) {
            0 => format!("clamp({vector}, {one}, {other})"),
            1 => format!("clamp_min({vector}, {one})"),
            _ => format!("clamp_max({vector}, {one})"),
        }
    }

    fn relabelled(&mut self, depth: u32) -> String {
        let vector = self.vector(depth);
        if self.chance(35) {
            let separator = self.pick(&["-", "", "::"]);
            let sources = self.pick(&["", ", \"job\"", ", \"job\", \"instance\"", ", \"missing\", \"code\""]);
            let target = self.pick(&["joined", "job", "group"]);
            return format!("label_join({vector}, \"{target}\", \"{separator}\"{sources})");
        }
        let target = self.pick(&["new", "job", "instance", "0bad"]);
        let replacement = self.pick(&["$1", "x", "", "$1-$2", "${1}y", "$name", "a$$b"]);
        let source = self.pick(&["job", "instance", "code", "missing"]);
        let pattern =
            self.pick(&["(.*)", "(a)(.*)", "(.*):(\\\\d+)", "", "no", "(?P<name>.)(.*)", "(", "x|(b.*)"]);
        format!("label_replace({vector}, \"{target}\", \"{replacement}\", \"{source}\", \"{pattern}\")")
    }

    fn histogram_quantile(&mut self, depth: u32) -> String {
        let quantile = self.pick(&["0", "0.5", "0.9", "1", "0.999", "-1", "2", "NaN", "0.01"]);
        let buckets = match self.below(5) {
            0 => "latency_bucket".to_owned(),
            1 => format!("rate(latency_bucket[{}])", self.length()),
            2 => format!("sum by (le, job) (rate(latency_bucket[{}]))", self.length()),
            3 => format!(
                "sum by (le) (latency_bucket{{{}}})",
                self.pick(&["le!=\"+Inf\"", "job=\"api\"", "le=~\"0.*|.Inf\""])
            ),
            _ => self.vector(depth),
        };
        format!("histogram_quantile({quantile}, {buckets})")
    }

    /// A range vector.
    pub(crate) fn range(&mut self, depth: u32) -> String {
        if depth > 0 && self.nested < 2 && self.chance(30) {
            return self.subquery(depth, Grammar::vector);
        }
        let selector = self.plain();
        let (length, time) = (self.length(), self.time());
        format!("{selector}[{length}]{time}")
    }

    /// A range vector of counters.
    fn range_of_counters(&mut self) -> String {
        let selector = self.counters();
        let (length, time) = (self.length(), self.time());
        format!("{selector}[{length}]{time}")
    }

    /// A subquery. Those within others lie an eighth of a second beside their steps, which are whole seconds: a window that
    /// begins at a step has it in 2.42, and not in 3.x.
    fn subquery(&mut self, depth: u32, inner: impl Fn(&mut Grammar, u32) -> String) -> String {
        self.nested += 1;
        let vector = inner(self, depth.min(2) - 1);
        self.nested -= 1;
        let beside = if self.nested > 0 { "125ms" } else { "" };
        let length = self.pick(&["1m", "90s", "5m", "10m", "20m"]);
        let step = self.pick(&["", "1m", "13s", "30s", "7s", "2m"]);
        let time = self.time();
        let vector =
            if vector.contains(' ') && !vector.ends_with(')') { format!("({vector})") } else { vector };
        format!("{vector}[{length}{beside}:{step}]{time}")
    }
}
