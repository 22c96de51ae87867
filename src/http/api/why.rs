//! What decides the state of a check, since when, and what else was unlike its past then.

use custos_query::{ReadContext, Stand, check_names};
use custos_store::State;
use serde::Serialize;

use super::board::unreadable;
use super::envelope::failed;
use super::request::Request;
use super::times::time_or;
use crate::backtest::Incidents;
use crate::config::JudgedThreshold;
use crate::http::reply::Reply;
use crate::http::rules::ShownRule;
use crate::why::{ChangeLine, LikeLine, LikeRequest, Looked, SeriesLine, TextLine, lines, standing, window};

#[derive(Serialize)]
struct Answer<'a> {
    check: &'a str,
    /// How the check stood; none if it had not run.
    stood: Option<Stood<'a>>,
    /// The time that is compared with the past; none where that is not asked for.
    start_ms: Option<i64>,
    end_ms: Option<i64>,
    /// Metrics that are unlike their past, the most unlike first.
    series: Vec<SeriesLine>,
    /// How many metrics are as they were.
    others: usize,
    /// Metrics that have too little history, or no value then.
    not_compared: usize,
    changes: Vec<ChangeLine>,
    /// What plugins printed for the first time.
    texts: Vec<TextLine>,
    /// When it was like this before.
    like: Option<LikeLine>,
}

#[derive(Serialize)]
struct Stood<'a> {
    state: &'static str,
    /// When the state began that it had.
    since_ms: i64,
    time_ms: i64,
    hard: bool,
    attempt: u32,
    max_attempts: Option<u32>,
    /// What decided, a sentence each: of thresholds and rules, then the words of the plugin.
    decided: Vec<String>,
    /// The thresholds of its definition.
    thresholds: &'a [JudgedThreshold],
    /// The rule that the check is.
    rule: Option<&'a ShownRule>,
}

/// Why `check` stood as it did `at` a time, now if none is given; with `else`, also what else was unlike its past.
pub(super) fn why(request: &Request<'_>) -> Result<Reply, Reply> {
    let check = request.params.get("check");
    let at_ms = time_or(&request.params, "at", request.now_ms)?;
    let interrupt = || (request.interrupt)(None).is_some();
    let mut ignored = |error: &custos_store::Error| tracing::debug!("why passes over damage: {error}");
    let mut context = ReadContext::new(&mut ignored).cancellable(&interrupt);
    let stood = Stand::at(request.snapshot, check, at_ms).map_err(|error| unreadable(&error))?.judged;
    let mut answer = Answer {
        check,
        stood: None,
        start_ms: None,
        end_ms: None,
        series: Vec::new(),
        others: 0,
        not_compared: 0,
        changes: Vec::new(),
        texts: Vec::new(),
        like: None,
    };
    let judged = request.checks.iter().find(|known| known.name == check);
    let rule = request.rules.iter().flat_map(|group| &group.rules).find(|rule| rule.check == check);
    let is_defined = judged.is_some() || rule.is_some();
    if stood.is_none() && !is_defined && !check_names(request.snapshot).iter().any(|known| known == check) {
        return Err(Reply::invalid("check", "there is no such check"));
    }
    let with_else = match request.params.get("else") {
        "" | "0" => false,
        "1" => true,
        _ => return Err(Reply::invalid("else", "it is not 0 or 1")),
    };
    if with_else {
        let since = standing(request.snapshot, check, at_ms.saturating_add(1), &mut context);
        let span = window(since.as_ref(), at_ms);
        let looked =
            Looked::at(request.snapshot, span.clone(), &mut context).map_err(|error| failed(&error))?;
        (answer.series, answer.changes, answer.texts) = lines(&looked);
        let all = answer.series.len();
        answer.series.retain(|line| line.listed);
        answer.others = all - answer.series.len();
        answer.not_compared = looked.shifts.not_compared;
        if let Some(since) = &since {
            // What people marked is not read by the server.
            let (judgement, incidents) = (since.run.judgement.as_str(), &Incidents::default());
            let like = LikeRequest { check, judgement, span: &span, incidents };
            answer.like = like.read(request.snapshot, &looked, &mut context).map(|like| like.line());
        }
        (answer.start_ms, answer.end_ms) = (Some(span.start), Some(span.end));
    }
    answer.stood = stood.map(|run| {
        let judgement = run.judgement.lines().flat_map(|line| line.split("; "));
        let decided = judgement.chain([run.text.as_str()]).filter(|line| !line.is_empty());
        Stood {
            state: State::name(run.state),
            since_ms: run.standing.since_ms,
            time_ms: run.time_ms,
            hard: run.standing.hard,
            attempt: run.standing.attempt,
            max_attempts: judged.map(|judged| judged.max_check_attempts),
            decided: decided.map(str::to_owned).collect(),
            thresholds: judged.map(|judged| &judged.thresholds[..]).unwrap_or_default(),
            rule,
        }
    });
    Reply::json(&answer)
}
