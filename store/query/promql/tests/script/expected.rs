//! What a query of a script should come to.

use custos_promql::{Expr, Labels, parse};

use super::notation::duration_ms;
use custos_promql::notation::{self, Item};

/// When a query is asked (ms).
#[derive(Clone, Copy, Debug)]
pub(super) enum When {
    Instant(i64),
    /// From, to, step.
    Range(i64, i64, i64),
}

/// What an `eval` says.
#[derive(Debug)]
pub(super) struct Expected {
    pub(super) query: String,
    pub(super) when: When,
    /// Series with their values.
    pub(super) series: Vec<(Labels, Vec<Item>)>,
    pub(super) scalar: Option<f64>,
    pub(super) string: Option<String>,
    pub(super) is_ordered: bool,
    /// That it fails, with what the message has to be or to contain.
    pub(super) fails: Option<Message>,
    /// Warnings that have to be there, or that there are none; `None` if nothing is said of them.
    pub(super) warns: Option<Notes>,
    pub(super) informs: Option<Notes>,
    /// Times of the values, where the answer to an instant query is a range vector.
    pub(super) matrix: Option<(i64, i64, i64)>,
    pub(super) has_histograms: bool,
}

/// Which warnings or infos there have to be.
#[derive(Debug)]
pub(super) enum Notes {
    None,
    Some(Vec<Message>),
}

/// What a message has to be.
#[derive(Debug)]
pub(super) enum Message {
    Any,
    Is(String),
    Like(String),
}

impl Expected {
    /// Reads an `eval` and the lines below it.
    pub(super) fn read(line: &str, block: &[&str]) -> Result<Expected, String> {
        let mut words = line.trim();
        let mut word = || {
            let (first, rest) = words.split_once(char::is_whitespace).unwrap_or((words, ""));
            words = rest.trim_start();
            first.to_owned()
        };
        let command = word();
        let when = match word().as_str() {
            "instant" => {
                word();
                When::Instant(duration_ms(&word())?)
            }
            "range" => {
                let mut time = || {
                    word();
                    duration_ms(&word())
                };
                When::Range(time()?, time()?, time()?)
            }
            other => return Err(format!("eval {other:?}")),
        };
        let mut expected = Expected {
            query: words.to_owned(),
            when,
            series: Vec::new(),
            scalar: None,
            string: None,
            is_ordered: command == "eval_ordered",
            fails: (command == "eval_fail").then_some(Message::Any),
            warns: (command == "eval_warn").then(|| Notes::Some(vec![Message::Any])),
            informs: (command == "eval_info").then(|| Notes::Some(vec![Message::Any])),
            matrix: None,
            has_histograms: block.iter().any(|line| line.contains("{{")),
        };
        if !expected.has_histograms {
            for line in block {
                expected.line(line)?;
            }
        }
        Ok(expected)
    }

    fn line(&mut self, line: &str) -> Result<(), String> {
        if let Some(rest) = line.strip_prefix("expected_fail_message ") {
            self.fails = Some(Message::Is(rest.trim().to_owned()));
            return Ok(());
        }
        if let Some(rest) = line.strip_prefix("expected_fail_regexp ") {
            self.fails = Some(Message::Like(rest.trim().to_owned()));
            return Ok(());
        }
        let Some(rest) = line.strip_prefix("expect ") else {
            return self.values(line);
        };
        let rest = rest.trim_start();
        let (what, more) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        match what {
            "fail" => self.fails = Some(message(more)),
            "warn" => note(&mut self.warns, message(more)),
            "no_warn" => self.warns = Some(Notes::None),
            "info" => note(&mut self.informs, message(more)),
            "no_info" => self.informs = Some(Notes::None),
            "ordered" => self.is_ordered = true,
            "string" => match parse(more.trim()) {
                Ok(Expr::Text(text)) => self.string = Some(text.value),
                _ => return Err(format!("{more:?} is no string")),
            },
            "range" => {
                let words: Vec<&str> = more.split_whitespace().collect();
                let ["vector", "from", start, "to", end, "step", step] = words[..] else {
                    return Err(format!("unknown expectation {line:?}"));
                };
                let time = duration_ms;
                self.matrix = Some((time(start)?, time(end)?, time(step)?));
            }
            _ => return Err(format!("unknown expectation {line:?}")),
        }
        Ok(())
    }

    fn values(&mut self, line: &str) -> Result<(), String> {
        let is_number = !line.contains(char::is_whitespace) && !line.contains('{');
        if let (true, Ok(items)) = (is_number, notation::items(line))
            && let [Item::Value(value)] = items[..]
        {
            self.scalar = Some(value);
            return Ok(());
        }
        let (labels, values) = notation::metric(line)?;
        self.series.push((labels, notation::items(values)?));
        Ok(())
    }

    pub(super) fn is_matrix(&self) -> bool {
        self.matrix.is_some()
    }

    /// A range query may not be of a text, and fails at its other steps, too.
    pub(super) fn may_run_as_range(&self) -> bool {
        let of_query = ["start()", "end()", "step()", "range()", "sort"];
        let differs = of_query.iter().any(|word| self.query.contains(word));
        self.string.is_none() && self.fails.is_none() && !self.is_ordered && !differs
    }

    /// Whether it is the same at any time once all selectors are fixed: not if it asks for the time.
    pub(super) fn may_be_fixed(&self) -> bool {
        let of_time = [
            "time()",
            "timestamp",
            "minute",
            "hour",
            "day",
            "month",
            "year",
            "predict_linear",
            "start()",
            "end()",
        ];
        self.fails.is_none() && !of_time.iter().any(|word| self.query.contains(word))
    }
}

/// `msg: TEXT`, `regex: PATTERN` or nothing.
fn message(text: &str) -> Message {
    match text.trim().split_once(':') {
        Some(("msg", text)) => Message::Is(text.trim().to_owned()),
        Some(("regex", text)) => Message::Like(text.trim().to_owned()),
        _ => Message::Any,
    }
}

fn note(notes: &mut Option<Notes>, message: Message) {
    match notes {
        Some(Notes::Some(messages)) => messages.push(message),
        _ => *notes = Some(Notes::Some(vec![message])),
    }
}
