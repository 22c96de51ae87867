//! What a report is made of, read from the store.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use custos_query::{
    ChangesRequest, Drawn, EnvelopeRequest, Event, ReadContext, SeriesChange, SimilarSeries, check_names,
    is_judged, own_check, told_name,
};
use custos_store::State;
use jiff::Zoned;

use super::block::{Block, Format, Report};
use super::problems::{Problem, problems};
use crate::cli::graph::is_reported;
use crate::cli::incident::incidents_or_none;
use crate::cli::note::notes_or_none;
use crate::cli::read::{Failure, Opened, local_time};
use crate::graph::NoteMark;
use crate::limits::{
    REPORT_CELLS, REPORT_EVENTS_MAX, REPORT_GRAPH_SERIES_MAX, REPORT_GRAPHS_MAX, REPORT_LEAD_MS,
    REPORT_LIKE_MAX, REPORT_RUNS_BACK_MAX, REPORT_TOLD_MAX,
};
use crate::notify::Noted;
use crate::picture::CheckPicture;
use crate::text::human::{Prefixes, counted, duration_ms, quantity};
use crate::timeline::{Marks, TimelineNote};
use crate::why::{LikeRequest, Looked, all_series, standing, turns, window};

/// What is asked.
pub(super) struct Gathering<'a> {
    pub(super) opened: &'a Opened,
    pub(super) now: &'a Zoned,
    pub(super) span: Range<i64>,
    pub(super) format: Format,
}

/// What a report of a time is called.
pub(super) fn titled(what: &str, span: &Range<i64>, now: &Zoned) -> String {
    let (since, until) = (local_time(span.start, now.time_zone()), local_time(span.end, now.time_zone()));
    let host = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok());
    let what = if what.is_empty() { String::new() } else { format!(" {what},") };
    format!("{}:{what} {since} to {until}", host.as_deref().unwrap_or("this host"))
}

/// A line of the timeline: when it was (ms since the epoch), of which check, and what.
type Line = (i64, String, String);

impl Gathering<'_> {
    /// The report.
    ///
    /// # Errors
    /// The store cannot be read, or the time is too long.
    pub(super) fn report(&self, context: &mut ReadContext<'_>) -> Result<Report, Failure> {
        let reader = &self.opened.reader;
        let mut names = check_names(reader);
        names.retain(|name| own_check(name).is_none());
        let events = turns(reader, self.span.clone(), REPORT_EVENTS_MAX, context)?;
        let before =
            names.iter().filter_map(|name| Some((name.clone(), self.state_before(name, context)?))).collect();
        let problems = problems(before, &events);
        let (among, units) = all_series(reader);
        let changes = ChangesRequest { among: &among, span: self.span.clone() }.read(reader, context)?;
        let notes = notes_or_none(&self.opened.store);
        let title = titled("", &self.span, self.now);
        let mut blocks = vec![Block::Paragraph(format!(
            "{} of {}, {} of {}. Times are of {}.",
            counted(problems.len() as u64, "problem"),
            counted(names.len() as u64, "check"),
            counted(changes.len() as u64, "change"),
            counted(among.len() as u64, "metric"),
            self.now.time_zone().iana_name().unwrap_or("this machine"),
        ))];
        let heading = |text: &str| Block::Heading(text.to_owned());
        if !problems.is_empty() {
            blocks.extend([heading("Problems"), self.problems(&problems)]);
        }
        if let Some(like) = self.like(&problems, context)? {
            blocks.extend([heading("Like it before"), like]);
        }
        if !changes.is_empty() {
            blocks.extend([heading("What changed"), self.changes(&changes, &among, &units)]);
        }
        let told = self.told(&names, context);
        let timeline = self.timeline(&events, told, &notes)?;
        if let Block::Table { rows, .. } = &timeline
            && !rows.is_empty()
        {
            blocks.extend([heading("Timeline"), timeline]);
        }
        let graphs = self.graphs(&problems, &changes, &among, &notes, context);
        if !graphs.is_empty() {
            blocks.push(heading("Graphs"));
            blocks.extend(graphs);
        }
        blocks.extend([heading("Not observed"), self.gaps(&names, context)?]);
        Ok(Report { title, blocks })
    }

    fn time(&self, time_ms: i64) -> String {
        local_time(time_ms, self.now.time_zone())
    }

    /// State and words of a check when the time began; none if it had none.
    fn state_before(&self, check: &str, context: &mut ReadContext<'_>) -> Option<(State, String)> {
        for run in self.opened.reader.runs_rev(check, i64::MIN..self.span.start).take(REPORT_RUNS_BACK_MAX) {
            match run {
                Ok(run) if is_judged(run.reason) => return Some((run.state, run.text)),
                Ok(_) => {}
                Err(error) => context.damage(&error),
            }
        }
        None
    }

    fn problems(&self, problems: &[Problem]) -> Block {
        let row = |problem: &Problem| {
            let within = problem.within(&self.span);
            let lasted = duration_ms(within.end.saturating_sub(within.start));
            vec![
                problem.since_ms.map_or("before".to_owned(), |since_ms| self.time(since_ms)),
                problem.check.clone(),
                problem.worst.name().to_owned(),
                format!("{lasted}{}", if problem.until_ms.is_some() { "" } else { ", not over" }),
                problem.said.clone(),
            ]
        };
        let rows = problems.iter().map(row).collect();
        Block::Table { head: vec!["since", "check", "worst", "for", "what was said"], rows }
    }

    /// When it was before as it was in the first of these problems, and how that ended; none if nothing is like any.
    fn like(&self, problems: &[Problem], context: &mut ReadContext<'_>) -> Result<Option<Block>, Failure> {
        let reader = &self.opened.reader;
        let incidents = incidents_or_none(&self.opened.store);
        let mut rows = Vec::new();
        for problem in problems.iter().take(REPORT_LIKE_MAX) {
            let at_ms = problem.within(&self.span).end;
            let standing = standing(reader, &problem.check, at_ms, context);
            let span = window(standing.as_ref(), at_ms);
            let looked = Looked::at(reader, span.clone(), context)?;
            let judgement = standing.as_ref().map_or("", |standing| standing.run.judgement.as_str());
            let asked = LikeRequest { check: &problem.check, judgement, span: &span, incidents: &incidents };
            rows.extend(asked.read(reader, &looked, context).map(|like| {
                let of = format!("{}:{}", like.series.check, like.series.series.key);
                let marked =
                    like.after.incidents.iter().map(|one| format!("; incident {}: {}", one.number, one.text));
                let said = format!("{}{}", like.after.said(), marked.collect::<String>());
                vec![of, self.time(like.found.span.start), format!("x{:.2}", like.found.height), said]
            }));
        }
        let head = vec!["metric", "like it", "height", "what came of it"];
        Ok((!rows.is_empty()).then_some(Block::Table { head, rows }))
    }

    fn changes(&self, changes: &[SeriesChange], among: &[SimilarSeries], units: &[String]) -> Block {
        let row = |one: &SeriesChange| {
            let of = &among[one.series];
            let unit = if of.series.is_counter { "/s" } else { units[one.series].as_str() };
            let value = |value| quantity(value, unit, Prefixes::Si);
            let by_day = if one.change.by_day { ", at this time of the day" } else { "" };
            vec![
                self.time(one.span.start),
                format!("{}:{}", of.check, of.series.key),
                format!("{} -> {}{by_day}", value(one.change.before), value(one.change.now)),
                duration_ms(one.span.end.saturating_sub(one.span.start)),
            ]
        };
        let rows = changes.iter().map(row).collect();
        Block::Table { head: vec!["from", "metric", "before and then", "for"], rows }
    }

    /// Who was told of these checks, when, and of what.
    fn told(&self, checks: &[String], context: &mut ReadContext<'_>) -> Vec<Line> {
        let mut told = Vec::new();
        for check in checks {
            for run in self.opened.reader.runs(&told_name(check), self.span.clone()) {
                match run {
                    Ok(run) if told.len() < REPORT_TOLD_MAX => {
                        told.push((run.time_ms, check.clone(), run.text));
                    }
                    Ok(run) => {
                        let more =
                            format!("of more than {REPORT_TOLD_MAX} messages the others are not shown");
                        told.push((run.time_ms, check.clone(), more));
                        return told;
                    }
                    Err(error) => context.damage(&error),
                }
            }
        }
        told
    }

    /// Changes of state, who was told, and what people wrote, in one order.
    fn timeline(
        &self,
        events: &[Event],
        told: Vec<Line>,
        notes: &Marks<TimelineNote>,
    ) -> Result<Block, Failure> {
        let mut all = told;
        all.extend(events.iter().map(|event| {
            let said = format!("{} to {}: {}", event.from_name(), event.to.name(), event.said());
            (event.time_ms, event.check.clone(), said)
        }));
        let of = |check: &Option<String>| check.clone().unwrap_or_default();
        all.extend(
            notes.within(&[], &self.span).into_iter().map(|note| {
                (note.time_ms, of(&note.check), format!("note by {}: {}", note.author, note.text))
            }),
        );
        let incidents = incidents_or_none(&self.opened.store);
        let begun = |incident: &&crate::backtest::Incident| self.span.contains(&incident.since_ms);
        all.extend(incidents.all.iter().filter(begun).map(|incident| {
            let lasted = duration_ms(incident.span().length_ms());
            (incident.since_ms, of(&incident.check), format!("incident, for {lasted}: {}", incident.text))
        }));
        all.extend(
            Noted::read(&self.opened.store, [])
                .acks()
                .into_iter()
                .filter(|ack| self.span.contains(&ack.at_ms))
                .map(|ack| {
                    let said = format!("acknowledged by {}: {}", ack.remark.author, ack.remark.comment);
                    (ack.at_ms, ack.check, said)
                }),
        );
        all.sort_by_key(|(time_ms, ..)| *time_ms);
        let rows =
            all.into_iter().map(|(time_ms, check, said)| vec![self.time(time_ms), check, said]).collect();
        Ok(Block::Table { head: vec!["when", "check", "what"], rows })
    }

    /// The checks that had a problem, or of which a metric changed, in that order.
    fn graphs(
        &self,
        problems: &[Problem],
        changes: &[SeriesChange],
        among: &[SimilarSeries],
        notes: &Marks<TimelineNote>,
        context: &mut ReadContext<'_>,
    ) -> Vec<Block> {
        let changed = changes.iter().map(|one| &among[one.series].check);
        let mut known = BTreeSet::new();
        let affected = problems.iter().map(|problem| &problem.check).chain(changed);
        let affected: Vec<&String> = affected.filter(|check| known.insert(*check)).collect();
        let none = BTreeMap::new();
        let defined = self.opened.config.as_ref().map_or(&none, |config| &config.checks);
        let mut blocks = Vec::new();
        for check in affected.iter().take(REPORT_GRAPHS_MAX) {
            let wanted = CheckPicture {
                check,
                metric: None,
                checks: defined,
                span: self.span.clone(),
                series_max: REPORT_GRAPH_SERIES_MAX,
                zone: self.now.time_zone(),
            };
            let Some(mut picture) = wanted.read(&self.opened.reader, self.format.resolution(), context)
            else {
                continue;
            };
            let near = notes.within(&[(*check).clone()], &self.span);
            let mark = |note: &TimelineNote| NoteMark { time_ms: note.time_ms, text: note.said() };
            picture.notes = near.into_iter().map(mark).collect();
            blocks.push(Block::Graph(Box::new(picture)));
        }
        if affected.len() > REPORT_GRAPHS_MAX {
            let names: Vec<&str> = affected[REPORT_GRAPHS_MAX..].iter().map(|name| name.as_str()).collect();
            blocks.push(Block::Paragraph(format!("Not drawn: {}.", names.join(", "))));
        }
        blocks
    }

    /// The times at which checks had no run, as far as they are longer than a cell.
    fn gaps(&self, names: &[String], context: &mut ReadContext<'_>) -> Result<Block, Failure> {
        let reader = &self.opened.reader;
        // What ran before lasts into it.
        let start_ms = self.span.start.saturating_sub(REPORT_LEAD_MS);
        let length_ms = self.span.end.saturating_sub(start_ms);
        let at = |cell: usize| {
            start_ms.saturating_add((i128::from(length_ms) * cell as i128 / REPORT_CELLS as i128) as i64)
        };
        let mut rows = Vec::new();
        for check in names {
            let defined = self.opened.config.as_ref().and_then(|config| config.checks.get(check));
            if is_reported(reader, check, defined.map(|check| &**check)) {
                continue;
            }
            let request = EnvelopeRequest {
                check,
                series: Vec::new(),
                span: start_ms..self.span.end,
                columns: 1,
                cells: REPORT_CELLS,
                drawn: Drawn::Usual,
                holds_until_ms: None,
            };
            let states = request.read(reader, context)?.states;
            let mut cell = 0;
            let mut gaps = Vec::new();
            for part in states.cells().chunk_by(|one, other| one.is_some() == other.is_some()) {
                if part[0].is_none() {
                    gaps.push(at(cell).max(self.span.start)..at(cell + part.len()));
                }
                cell += part.len();
            }
            rows.extend(gaps.into_iter().filter(|gap| !gap.is_empty()).map(|gap| {
                vec![self.time(gap.start), check.clone(), duration_ms(gap.end.saturating_sub(gap.start))]
            }));
        }
        if rows.is_empty() {
            let cell = duration_ms(at(1).saturating_sub(start_ms).max(1));
            return Ok(Block::Paragraph(format!(
                "Every check ran throughout; gaps shorter than {cell} are not seen here."
            )));
        }
        rows.sort();
        Ok(Block::Table { head: vec!["from", "check", "no run for"], rows })
    }
}
