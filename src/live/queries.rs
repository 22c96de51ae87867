//! Expressions that are answered anew with each run of the checks that they select.
//!
//! Answers are those of rules at the time of that run: over the runs that come, those that are made because somebody watches
//! among them, and over what the store has of the time before.
//!
//! Invariants: of runs that came faster than they are answered, only the newest is answered, over all of them; answering takes half of a
//! processor at most.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use custos_query::{LiveSource, Look, NewestRuns, Pick, ReadContext, watched_check, watched_name};
use custos_store::{Provenance, Run, Snapshot};

use super::line::{AnsweredSeries, LiveAnswer, LiveLine};
use super::query::{Query, Values};
use crate::clock;
use crate::limits::{
    WATCH_ANSWER_SERIES_MAX, WATCH_CHECKS_MAX, WATCH_PAST_ANSWERS_TIME_MAX, WATCH_PAST_MAX_BYTES,
    WATCH_PAST_RUNS_MAX, WATCH_QUERIES_MAX, WATCH_QUERY_SAMPLES_MAX,
};

/// Expressions that are watched.
pub struct Queries {
    live: LiveSource,
    asked: Vec<Asked>,
    /// The checks that are watched by name, too.
    named: Vec<String>,
    /// Until then nothing is answered (µs).
    rests_until_us: u64,
}

/// An expression, and what of it is due.
struct Asked {
    query: Query,
    /// The newest run that it is not answered with.
    due: Option<At>,
    /// Why the last answer failed.
    failed: Option<String>,
}

/// A time at which something is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct At {
    time_ms: i64,
    watched: bool,
}

impl At {
    fn of(run: &Run) -> Option<At> {
        let watched = run.provenance == Provenance::Watched;
        (!run.reason.is_unobserved()).then_some(At { time_ms: run.time_ms, watched })
    }
}

impl Queries {
    /// Begins with expressions over a store, of which `snapshot` is what it has now, and the lines that say so; the checks in
    /// `named` are watched by name besides.
    pub fn begin(
        texts: &[String],
        named: Vec<String>,
        look: Look,
        snapshot: &Snapshot,
    ) -> (Queries, Vec<Arc<str>>) {
        let live = LiveSource::holding(look, WATCH_QUERY_SAMPLES_MAX);
        let mut queries = Queries { live, asked: Vec::new(), named, rests_until_us: 0 };
        let mut lines = Vec::new();
        for text in texts {
            if queries.asked.iter().any(|asked| asked.query.text == *text) {
                continue;
            }
            let said = queries.add(text, snapshot);
            lines.push(said.unwrap_or_else(|why| refused(text, &why)));
        }
        (queries, lines)
    }

    /// Takes an expression on, and returns the line that says so.
    fn add(&mut self, text: &str, snapshot: &Snapshot) -> Result<Arc<str>, String> {
        if self.asked.len() >= WATCH_QUERIES_MAX {
            return Err(format!("at most {WATCH_QUERIES_MAX} expressions can be watched at once"));
        }
        let mut query = Query::read(text)?;
        let now_ms = clock::now_ms();
        self.live.as_of(now_ms);
        query.select(&self.live, now_ms);
        if query.checks.is_empty() {
            return Err("it selects no series of the last day".to_owned());
        }
        if let Some(watched) = query.checks.iter().find(|check| watched_check(check).is_some()) {
            return Err(format!(
                "it selects {watched:?}, which is what was watched before; select the check itself"
            ));
        }
        let all: BTreeSet<&String> = self.selected().chain(&query.checks).chain(&self.named).collect();
        if all.len() > WATCH_CHECKS_MAX {
            return Err(format!(
                "it selects {} checks, and at most {WATCH_CHECKS_MAX} can be watched at once",
                query.checks.len()
            ));
        }
        let line = asking(&query, snapshot);
        self.asked.push(Asked { query, due: None, failed: None });
        Ok(line)
    }

    fn selected(&self) -> impl Iterator<Item = &String> {
        self.asked.iter().flat_map(|asked| &asked.query.checks)
    }

    /// The checks that have to be watched: those by name first.
    pub fn checks(&self) -> Vec<String> {
        let mut checks = self.named.clone();
        let more: BTreeSet<&String> = self.selected().filter(|check| !self.named.contains(check)).collect();
        checks.extend(more.into_iter().cloned());
        checks
    }

    /// What the expressions came to with the last runs in a span (ms since the epoch), the newest last. Takes in what was
    /// made while somebody watched. Must be asked after the watching has begun, so that nothing is between the two.
    pub fn past(&mut self, snapshot: &Snapshot, span: Range<i64>) -> Vec<Arc<str>> {
        let mut checks: Vec<String> = self.selected().cloned().collect();
        checks.sort();
        checks.dedup();
        let all: Vec<String> = checks.iter().flat_map(|check| [check.clone(), watched_name(check)]).collect();
        let newest = NewestRuns { checks: &all, span, limit: WATCH_PAST_RUNS_MAX, pick: &|_| Pick::Take };
        let mut on_damage = |error: &custos_store::Error| tracing::debug!("failed to read the past: {error}");
        let runs = newest.read(snapshot, &mut ReadContext::new(&mut on_damage)).unwrap_or_default();
        let mut came: Vec<(String, At)> = Vec::new();
        for listed in &runs {
            let check = watched_check(&listed.check).unwrap_or(&listed.check);
            self.live.join(&check.into(), &listed.run);
            came.extend(At::of(&listed.run).map(|at| (check.to_owned(), at)));
        }
        let until_us = clock::mono_us().saturating_add(clock::micros(WATCH_PAST_ANSWERS_TIME_MAX));
        let mut lines: Vec<(At, Arc<str>)> = Vec::new();
        let mut bytes = 0;
        for asked in &self.asked {
            let of_query = came.iter().filter(|(check, _)| asked.query.checks.contains(check));
            let times: BTreeSet<At> = of_query.map(|(_, at)| *at).collect();
            for at in times.into_iter().rev() {
                if clock::mono_us() > until_us || bytes > WATCH_PAST_MAX_BYTES {
                    break;
                }
                let Ok(values) = asked.query.answer(&self.live, at.time_ms) else { break };
                let line = answer(&asked.query.text, at, values);
                bytes += line.len();
                lines.push((at, line));
            }
        }
        lines.sort_by_key(|(at, _)| *at);
        lines.into_iter().map(|(_, line)| line).collect()
    }

    /// Takes in a line of the agent. `true` if it is for whoever watches, too: if it is no run, or one of a check that is
    /// watched by name.
    pub(super) fn take(&mut self, line: &str) -> bool {
        if !line.starts_with("{\"run\"") {
            return true;
        }
        let Ok(LiveLine::Run(run)) = serde_json::from_str(line) else { return true };
        let Ok((check, run)) = run.into_run() else { return true };
        let mut is_selected = false;
        for asked in self.asked.iter_mut().filter(|asked| asked.query.checks.contains(&check)) {
            is_selected = true;
            asked.due = At::of(&run).or(asked.due);
        }
        let is_named = self.named.contains(&check);
        if is_selected {
            self.live.record(&check.into(), &Arc::new(run));
        }
        is_named
    }

    /// How long it is until something is to be answered, if anything is.
    pub(super) fn due_in(&self, now_us: u64) -> Option<Duration> {
        let is_due = self.asked.iter().any(|asked| asked.due.is_some());
        is_due.then(|| Duration::from_micros(self.rests_until_us.saturating_sub(now_us)))
    }

    /// Answers what is due.
    pub(super) fn answers(&mut self) -> Vec<Arc<str>> {
        let began_us = clock::mono_us();
        let mut lines = Vec::new();
        for asked in &mut self.asked {
            let Some(at) = asked.due.take() else { continue };
            self.live.as_of(at.time_ms);
            match asked.query.answer(&self.live, at.time_ms) {
                Ok(values) => {
                    asked.failed = None;
                    lines.push(answer(&asked.query.text, at, values));
                }
                Err(why) if asked.failed.as_ref() == Some(&why) => {}
                Err(why) => {
                    lines.push(refused(&asked.query.text, &why));
                    asked.failed = Some(why);
                }
            }
        }
        let now_us = clock::mono_us();
        self.rests_until_us = now_us.saturating_add(now_us.saturating_sub(began_us));
        lines
    }
}

fn asking(query: &Query, snapshot: &Snapshot) -> Arc<str> {
    let unit = query.unit(snapshot);
    let checks = query.checks.iter().map(Into::into).collect();
    LiveLine::Asking { query: (&query.text).into(), checks, unit: unit.into() }.text()
}

fn refused(query: &str, why: &str) -> Arc<str> {
    LiveLine::Refused { query: query.into(), why: why.into() }.text()
}

fn answer(query: &str, at: At, values: Values) -> Arc<str> {
    let left_out = values.len().saturating_sub(WATCH_ANSWER_SERIES_MAX);
    let series = values.iter().take(WATCH_ANSWER_SERIES_MAX).map(|(labels, value)| AnsweredSeries {
        labels: labels.iter().map(|label| (label.name[..].into(), label.value[..].into())).collect(),
        value: value.is_finite().then_some(*value),
    });
    let At { time_ms, watched } = at;
    let series = series.collect();
    LiveLine::Answer(LiveAnswer { query: query.into(), time_ms, watched, series, left_out }).text()
}

#[cfg(test)]
mod tests {
    use custos_store::{Metric, Options, Reader, Value, Writer};

    use super::*;

    struct Bench {
        dir: tempfile::TempDir,
        writer: Writer,
    }

    /// A minute ago, so that what is selected is of today.
    fn then() -> i64 {
        clock::now_ms() - 60_000
    }

    fn run(time_ms: i64, value: f64, provenance: Provenance) -> Run {
        let metrics = vec![Metric { unit: "B".to_owned(), ..Metric::new("in", Value::from(value)) }];
        Run { time_ms, metrics, provenance, ..Run::default() }
    }

    fn own(time_ms: i64, value: f64) -> Run {
        run(time_ms, value, Provenance::Scheduled)
    }

    impl Bench {
        fn new() -> Bench {
            let dir = tempfile::tempdir().unwrap();
            let writer = Writer::open(dir.path(), Options::default()).unwrap();
            Bench { dir, writer }
        }

        fn append(&mut self, check: &str, run: &Run) {
            self.writer.append(&[(check, run)]).unwrap();
        }

        fn begin(&self, texts: &[&str], named: &[&str]) -> (Queries, Vec<String>) {
            let mut reader = Reader::open(self.dir.path()).unwrap();
            let snapshot = reader.snapshot();
            let look = Box::new(move || reader.refresh().ok().map(|()| reader.snapshot()));
            let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
            let named = named.iter().map(|name| (*name).to_owned()).collect();
            let (queries, lines) = Queries::begin(&texts, named, look, &snapshot);
            (queries, lines.iter().map(|line| line.trim_end().to_owned()).collect())
        }

        fn past(&self, queries: &mut Queries, span: Range<i64>) -> Vec<(i64, bool, Vec<Option<f64>>)> {
            let snapshot = Reader::open(self.dir.path()).unwrap().snapshot();
            queries.past(&snapshot, span).iter().map(|line| read(line)).collect()
        }
    }

    fn read(line: &str) -> (i64, bool, Vec<Option<f64>>) {
        let Ok(LiveLine::Answer(answer)) = serde_json::from_str(line) else { panic!("no answer: {line}") };
        let values = answer.series.iter().map(|series| series.value);
        (answer.time_ms, answer.watched, values.collect())
    }

    fn answers(queries: &mut Queries) -> Vec<(i64, bool, Vec<Option<f64>>)> {
        queries.answers().iter().map(|line| read(line)).collect()
    }

    fn take(queries: &mut Queries, check: &str, run: &Run) -> bool {
        queries.take(LiveLine::of_run(check, run).trim_end())
    }

    #[test]
    fn an_expression_is_answered_with_the_runs_of_before_and_with_those_that_come() {
        let mut bench = Bench::new();
        let begin = then();
        bench.append("net", &own(begin, 100.0));
        bench.append("net", &own(begin + 10_000, 200.0));
        bench.append("net@watched", &run(begin + 15_000, 400.0, Provenance::Watched));
        bench.append("other", &own(begin, 1.0));
        let (mut queries, lines) = bench.begin(&["max_over_time(net{metric=\"in\"}[30s])"], &["load"]);
        assert!(lines[0].contains("\"checks\":[\"net\"],\"unit\":\"B\""), "{lines:?}");
        assert_eq!(queries.checks(), ["load", "net"]);
        // One comes between the beginning and the watching.
        bench.append("net", &own(begin + 20_000, 300.0));
        let past = bench.past(&mut queries, begin - 1..i64::MAX);
        let of = |ms, watched, value| (begin + ms, watched, vec![Some(value)]);
        assert_eq!(
            past,
            [
                of(0, false, 100.0),
                of(10_000, false, 200.0),
                of(15_000, true, 400.0),
                of(20_000, false, 400.0)
            ]
        );
        // Only the newest is answered, over all of them; runs of checks that are watched by name are handed on.
        assert!(!take(&mut queries, "net", &run(begin + 20_200, 900.0, Provenance::Watched)));
        assert!(!take(&mut queries, "net", &run(begin + 20_400, 5.0, Provenance::Watched)));
        assert!(take(&mut queries, "load", &own(begin, 5.0)));
        assert!(queries.take("{\"ended\":{\"check\":\"net\",\"why\":\"so\"}}"));
        assert_eq!(answers(&mut queries), [of(20_400, true, 900.0)]);
        assert_eq!(queries.due_in(u64::MAX), None);
        assert!(answers(&mut queries).is_empty());
    }

    #[test]
    fn the_clock_of_the_host_may_be_set_back_and_runs_that_were_missed_say_nothing() {
        let mut bench = Bench::new();
        let begin = then();
        bench.append("net", &own(begin, 1.0));
        let (mut queries, _) = bench.begin(&["net * 2"], &[]);
        take(&mut queries, "net", &own(begin + 30_000, 2.0));
        assert_eq!(answers(&mut queries), [(begin + 30_000, false, vec![Some(4.0)])]);
        take(&mut queries, "net", &own(begin + 10_000, 7.0));
        assert_eq!(answers(&mut queries), [(begin + 10_000, false, vec![Some(14.0)])]);
        let missed = Run { reason: custos_store::Reason::Missed, ..own(begin + 20_000, 0.0) };
        take(&mut queries, "net", &missed);
        assert!(answers(&mut queries).is_empty());
        for odd in [f64::NAN, f64::INFINITY, 1e308] {
            take(&mut queries, "net", &own(begin + 40_000, odd));
            assert_eq!(answers(&mut queries), [(begin + 40_000, false, vec![None])], "{odd}");
        }
    }

    #[test]
    fn what_cannot_be_answered_is_refused_with_the_reason() {
        let mut bench = Bench::new();
        for number in 0..=WATCH_CHECKS_MAX {
            bench.append(&format!("check{number}"), &own(then(), 1.0));
        }
        bench.append("net@watched", &own(then(), 1.0));
        bench.append("old", &own(then() - 3 * 86_400_000, 1.0));
        for (text, why) in [
            ("sum(", "1:4: "),
            ("old + 1", "it selects no series of the last day"),
            ("sum(check_state)", "it selects 66 checks"),
            ("{check=\"net@watched\"}", "it selects \"net@watched\", which is what was watched before"),
        ] {
            let (queries, lines) = bench.begin(&[text], &[]);
            let Ok(LiveLine::Refused { why: told, .. }) = serde_json::from_str(&lines[0]) else {
                panic!("{lines:?}")
            };
            assert!(told.starts_with(why) || text.contains("check_state"), "{text}: {told}");
            assert!(queries.checks().is_empty(), "{text}");
        }
        let many: Vec<String> = (0..=WATCH_QUERIES_MAX).map(|number| format!("check1 + {number}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let (queries, lines) = bench.begin(&many, &[]);
        assert!(lines.last().unwrap().contains("at most 8 expressions"), "{lines:?}");
        assert_eq!(queries.checks(), ["check1"]);
    }

    #[test]
    fn an_answer_has_a_bound() {
        let mut bench = Bench::new();
        let metrics = (0..WATCH_ANSWER_SERIES_MAX + 3)
            .map(|number| Metric::new(format!("m{number}"), Value::from(1.0)))
            .collect();
        bench.append("wide", &Run { time_ms: then(), metrics, ..Run::default() });
        let (mut queries, _) = bench.begin(&["wide"], &[]);
        let wide = Reader::open(bench.dir.path()).unwrap().snapshot();
        let lines = queries.past(&wide, 0..i64::MAX);
        let Ok(LiveLine::Answer(answer)) = serde_json::from_str(&lines[0]) else { panic!("{lines:?}") };
        assert_eq!((answer.series.len(), answer.left_out), (WATCH_ANSWER_SERIES_MAX, 3));
    }
}
