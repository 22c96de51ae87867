//! Random expressions, typed, from a seed.
//!
//! Everything that they say of time is a multiple of an eighth of a second, and so arranged that no window begins where a
//! step of a subquery lies (`functions.rs`, `Grammar::subquery`).

use crate::stage::Random;

/// What makes expressions.
pub(crate) struct Grammar {
    random: Random,
    /// In how many subqueries the expression stands that is made.
    pub(crate) nested: u32,
}

/// The bodies of binary operators.
const ARITHMETIC: [&str; 7] = ["+", "-", "*", "/", "%", "^", "atan2"];
const COMPARISON: [&str; 6] = ["==", "!=", ">", "<", ">=", "<="];
const SETS: [&str; 3] = ["and", "or", "unless"];

impl Grammar {
    /// The expressions of a seed, one after the other.
    pub(crate) fn new(seed: u64) -> Grammar {
        Grammar { random: Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(1)), nested: 0 }
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.random.below(bound)
    }

    /// Whether something happens that happens so many times of a hundred.
    pub(crate) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn pick<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.below(words.len() as u64) as usize]
    }

    /// A query of any type that an instant query may have.
    pub(crate) fn query(&mut self) -> String {
        match self.below(40) {
            0 => self.range(0),
            1 => self.scalar(2),
            2 => self.pick(&["\"text\"", "'a\\tb'", "`raw\\`", "\"\\u00e9\""]).to_owned(),
            3 | 4 => {
                let function = self.pick(&["sort", "sort_desc"]);
                format!("{function}({})", self.vector(1))
            }
            _ => {
                let depth = 1 + self.below(3) as u32;
                self.vector(depth)
            }
        }
    }

    /// An instant vector.
    pub(crate) fn vector(&mut self, depth: u32) -> String {
        if depth == 0 {
            return self.selector();
        }
        match self.below(20) {
            0 | 1 => self.selector(),
            2..=5 => self.window(depth - 1),
            6..=8 => self.function(depth - 1),
            9..=12 => self.aggregation(depth - 1),
            13 | 14 => self.joined(depth - 1),
            15 => self.set(depth - 1),
            16 | 17 => self.with_scalar(depth - 1),
            18 => {
                let sign = self.pick(&["-", "+"]);
                format!("{sign}{}", self.vector(depth - 1))
            }
            _ => format!("({})", self.vector(depth - 1)),
        }
    }

    /// A number.
    pub(crate) fn scalar(&mut self, depth: u32) -> String {
        match self.below(if depth == 0 { 6 } else { 12 }) {
            0..=3 => self.number(),
            4 => self.pick(&["time()", "pi()"]).to_owned(),
            5 => {
                let name = self.pick(&["up", "young_total", "odd", "latency_count"]);
                format!("scalar({name}{{job=\"api\"}})")
            }
            6 => format!("scalar({})", self.vector(depth - 1)),
            7 => format!("-{}", self.scalar(depth - 1)),
            8 => format!("({})", self.scalar(depth - 1)),
            9 => {
                let operator = self.pick(&COMPARISON);
                format!("{} {operator} bool {}", self.scalar(depth - 1), self.scalar(depth - 1))
            }
            _ => {
                let operator = self.pick(&ARITHMETIC);
                format!("{} {operator} {}", self.scalar(depth - 1), self.scalar(depth - 1))
            }
        }
    }

    fn number(&mut self) -> String {
        let written = self.pick(&[
            "0", "1", "2", "3.5", "-1", "0.25", "1e3", "0x1F", "17", "100", "NaN", "Inf", "-Inf", ".5",
            "017", "08", "1e-3", "0x1e2", "2.",
        ]);
        written.to_owned()
    }

    /// An aggregation.
    fn aggregation(&mut self, depth: u32) -> String {
        let operator = self.pick(&[
            "sum",
            "avg",
            "min",
            "max",
            "count",
            "group",
            "stddev",
            "stdvar",
            "topk",
            "bottomk",
            "quantile",
            "count_values",
        ]);
        let param = match operator {
            "topk" | "bottomk" => format!("{}, ", self.pick(&["1", "2", "3", "5", "0", "-1", "100", "1.9"])),
            "quantile" => {
                format!(
                    "{}, ",
                    self.pick(&[
                        "0",
                        "0.5",
                        "0.9",
                        "1",
                        "0.25",
                        "-0.5",
                        "1.5",
                        "NaN",
                        "scalar(up{instance=\"a:80\"})"
                    ])
                )
            }
            "count_values" => format!("\"{}\", ", self.pick(&["value", "job", "v_1"])),
            _ => String::new(),
        };
        let expr = self.vector(depth);
        let grouping = self.grouping();
        match (grouping, self.chance(50)) {
            (None, _) => format!("{operator}({param}{expr})"),
            (Some(grouping), true) => format!("{operator} {grouping} ({param}{expr})"),
            (Some(grouping), false) => format!("{operator}({param}{expr}) {grouping}"),
        }
    }

    fn grouping(&mut self) -> Option<String> {
        let word = match self.below(5) {
            0 => return None,
            1 | 2 => "without",
            _ => "by",
        };
        Some(format!("{word} ({})", self.labels(3)))
    }

    /// Up to so many names of labels.
    fn labels(&mut self, most: u64) -> String {
        let count = self.below(most + 1);
        let mut labels: Vec<&str> = (0..count)
            .map(|_| self.pick(&["job", "instance", "group", "code", "le", "kind", "missing"]))
            .collect();
        labels.sort_unstable();
        labels.dedup();
        labels.join(", ")
    }

    /// Two vectors, in pairs.
    fn joined(&mut self, depth: u32) -> String {
        let (operator, is_bool) = match self.below(3) {
            0 => (self.pick(&COMPARISON), self.chance(50)),
            _ => (self.pick(&ARITHMETIC), false),
        };
        let bool = if is_bool { " bool" } else { "" };
        match self.below(6) {
            // The same series at two times.
            0 | 1 => {
                let one = self.vector(depth);
                let other = self.shifted(&one);
                format!("{} {operator}{bool} {}", enclosed(&one), other)
            }
            2 | 3 => {
                let many = self.pick(&["requests_total", "latency_bucket", "temp", "load"]);
                let many = self.of(many, depth);
                let one = self.pick(&["up", "latency_count", "size", "latency_sum"]);
                let one = self.of(one, 0);
                let on = self.pick(&["on (job, instance)", "on (instance)", "ignoring (code, le, group)"]);
                let include = self.pick(&["", "()", "(group)", "(missing)", " (job)"]);
                match self.chance(50) {
                    true => format!("{many} {operator}{bool} {on} group_left{include} {one}"),
                    false => format!("{one} {operator}{bool} {on} group_right{include} {many}"),
                }
            }
            _ => {
                let matching = self.matching();
                format!("{} {operator}{bool}{matching} {}", self.operand(depth), self.operand(depth))
            }
        }
    }

    fn matching(&mut self) -> String {
        let word = match self.below(4) {
            0 => return String::new(),
            1 => "on",
            _ => "ignoring",
        };
        format!(" {word} ({})", self.labels(3))
    }

    /// A vector that stands beside an operator.
    fn operand(&mut self, depth: u32) -> String {
        let vector = self.vector(depth);
        enclosed(&vector)
    }

    /// The series of a metric, or something computed of them.
    fn of(&mut self, name: &str, depth: u32) -> String {
        match (depth, self.below(3)) {
            (0, _) | (_, 0) => name.to_owned(),
            (_, 1) => format!("sum_over_time({name}[{}])", self.length()),
            _ => format!("abs({name})"),
        }
    }

    /// The same vector, as it was before, if it is a plain selector.
    fn shifted(&mut self, vector: &str) -> String {
        let is_plain = !vector.contains([' ', '(']);
        if is_plain { format!("{vector} offset {}", self.length()) } else { enclosed(vector) }
    }

    fn set(&mut self, depth: u32) -> String {
        let operator = self.pick(&SETS);
        let matching = self.matching();
        format!("{} {operator}{matching} {}", self.operand(depth), self.operand(depth))
    }

    fn with_scalar(&mut self, depth: u32) -> String {
        let (operator, bool) = match self.below(3) {
            0 => (self.pick(&COMPARISON), self.pick(&["", " bool"])),
            _ => (self.pick(&ARITHMETIC), ""),
        };
        let vector = self.operand(depth);
        let scalar = self.scalar(1);
        match self.chance(70) {
            true => format!("{vector} {operator}{bool} {scalar}"),
            false => format!("{scalar} {operator}{bool} {vector}"),
        }
    }

    /// A length of time.
    pub(crate) fn length(&mut self) -> String {
        self.pick(&["31s", "1m", "90s", "2m", "5m", "7m30s", "10m", "30m", "1h"]).to_owned()
    }
}

/// In parentheses, unless it is a plain selector.
fn enclosed(vector: &str) -> String {
    if vector.contains(' ') { format!("({vector})") } else { vector.to_owned() }
}
