//! The lines of a live stream, as JSON, each an object with one key that says what it is.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use custos_query::RunJson;
use custos_store::Run;
use serde::{Deserialize, Serialize};

/// A check that somebody wants to watch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wish {
    /// Its name.
    pub check: String,
    /// How often it shall be run, in ms; absent for as often as it is run anyway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every_ms: Option<u64>,
}

/// What an expression comes to at the time of a run of a check that it selects.
#[derive(Debug, Serialize, Deserialize)]
pub struct LiveAnswer<'a> {
    /// The expression, as it was asked.
    pub query: Cow<'a, str>,
    /// As of when (ms since the epoch).
    pub time_ms: i64,
    /// Whether that run was made because somebody watches.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub watched: bool,
    /// The series that have a value then.
    pub series: Vec<AnsweredSeries<'a>>,
    /// How many more have one, and are not among them.
    #[serde(default, skip_serializing_if = "is_none")]
    pub left_out: usize,
}

/// A series of an answer.
#[derive(Debug, Serialize, Deserialize)]
pub struct AnsweredSeries<'a> {
    /// Its labels, the name among them as `__name__`.
    pub labels: BTreeMap<Cow<'a, str>, Cow<'a, str>>,
    /// Its value; absent where that is no finite number.
    pub value: Option<f64>,
}

fn is_none(count: &usize) -> bool {
    *count == 0
}

/// A line of a live stream.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LiveLine<'a> {
    /// A check is watched from now on.
    Watching {
        /// Its name.
        check: Cow<'a, str>,
        /// How often it is run anyway, in ms; absent where no schedule runs it.
        interval_ms: Option<u64>,
        /// How often it is run because of this watcher, in ms; absent where that is not more often.
        every_ms: Option<u64>,
        /// Why that is not as often as was wished; empty otherwise.
        note: Cow<'a, str>,
    },
    /// A check cannot be watched, or not any longer.
    Ended {
        /// Its name.
        check: Cow<'a, str>,
        /// Why.
        why: Cow<'a, str>,
    },
    /// A run of a check that is watched. Its `provenance` is `watched` where it was made because somebody watches.
    Run(#[serde(borrow)] Box<RunJson<'a>>),
    /// The clock of the agent's host, every second and for each line that was said to the stream.
    Time {
        /// Milliseconds since the epoch.
        now_ms: i64,
        /// The line that this answers; absent where it comes by itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        echo: Option<Cow<'a, str>>,
    },
    /// An expression is watched from now on: it is answered with each run of the checks that it selects.
    Asking {
        /// The expression, as it was asked.
        query: Cow<'a, str>,
        /// The checks that it selects.
        checks: Vec<Cow<'a, str>>,
        /// The unit of its values; empty where there is none.
        unit: Cow<'a, str>,
    },
    /// An expression cannot be answered, or not now.
    Refused {
        /// The expression, as it was asked.
        query: Cow<'a, str>,
        /// Why.
        why: Cow<'a, str>,
    },
    /// What an expression comes to.
    Answer(#[serde(borrow)] LiveAnswer<'a>),
    /// So many lines were left out here, since whoever watches did not take them in time.
    Dropped(u64),
}

impl LiveLine<'_> {
    /// The line with its end.
    pub fn text(&self) -> Arc<str> {
        let mut text = serde_json::to_string(self).unwrap_or_default();
        text.push('\n');
        text.into()
    }

    /// The line with the time of this host, which answers a line if there is one.
    pub fn of_time(now_ms: i64, echo: Option<&str>) -> Arc<str> {
        LiveLine::Time { now_ms, echo: echo.map(Into::into) }.text()
    }

    /// The line of a run.
    pub fn of_run(check: &str, run: &Run) -> Arc<str> {
        LiveLine::Run(Box::new(RunJson::new(check, run))).text()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_they_were_written() {
        let run = Run { time_ms: 7, text: "a\n\u{1b}b".to_owned(), ..Run::default() };
        let lines = [
            LiveLine::of_run("load", &run),
            LiveLine::Dropped(3).text(),
            LiveLine::Ended { check: "load".into(), why: "gone".into() }.text(),
        ];
        for line in &lines {
            assert_eq!(line.matches('\n').count(), 1);
            let read: LiveLine<'_> = serde_json::from_str(line).unwrap();
            assert_eq!(read.text(), *line);
        }
        let read = serde_json::from_str(&lines[0]).unwrap();
        let LiveLine::Run(read) = read else { panic!("no run: {}", lines[0]) };
        assert_eq!(read.into_run().unwrap().1, run);
    }
}
