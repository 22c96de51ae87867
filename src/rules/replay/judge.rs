//! The rules of a group at many times, one after the other over what those before wrote.

use std::collections::BTreeMap;

use custos_promql::{ENDED, Labels, Memory, Options, Source, TimedRow, at, is_ended, reach_ms};

use super::alike::{alike, compared};
use super::dependence::Dependence;
use super::fold::{Elements, Folding, Outcome, Stretch};
use super::overlay::Overlay;
use super::past::Recorded;
use super::peak::{Peak, Worse};
use super::side_by_side::side_by_side;
use super::steps::{Returned, Steps};
use super::told::{Judged, Told};
use super::unseen::Unseen;
use super::written::writes;
use crate::limits::{REPLAY_STEPS_MAX, SIDE_BY_SIDE_STEPS_MIN};
use crate::rules::alert::{Alerts, Failure};
use crate::rules::definition::{Judge, RuleCheck, RuleGroup, When};
use crate::rules::evaluate::{elements, matched_elements, recorded, series_of_alerts};
use crate::rules::file::RuleKind;
use crate::rules::running::{results_max, timing};
use crate::rules::sequence::SequenceState;
use crate::rules::template::{Context, External, Judgement, QueryFunction};

/// What the templates of labels can refer to.
pub struct Surroundings<'a> {
    /// What templates can say of this host.
    pub external: External,
    /// What answers the queries of templates at a time (ms since the epoch).
    pub queries_at: &'a (dyn Fn(i64) -> QueryFunction + Sync),
    /// When to give up.
    pub judgement: Judgement,
}

/// Called with a rule by its number in its group, a time (ms since the epoch) and what the rule came to.
pub type Watch<'w> = dyn FnMut(usize, i64, Judged<'_>) + 'w;

/// The rules of a group, judged at past times.
pub struct Replay<'g> {
    group: &'g RuleGroup,
    dependence: Dependence,
    /// The rules by their numbers, together those that compare the same.
    alike: Vec<Vec<usize>>,
    /// What rules wrote that others read.
    written: Memory,
    rules: Vec<State>,
    /// How far back any rule reads what was written (ms), if that is known.
    reach_ms: Option<i64>,
    /// Of which times it is known when they were judged.
    recorded: Recorded,
}

/// What a rule has come to.
#[derive(Default)]
struct State {
    /// The alerts, of an alerting rule.
    folding: Option<Folding>,
    /// The series that it wrote last.
    wrote: Vec<Labels>,
    /// What its sequence has come to, if it judges by one.
    sequence: SequenceState,
}

impl<'g> Replay<'g> {
    /// Rules that nothing has been taken in of yet.
    pub fn new(group: &'g RuleGroup) -> Replay<'g> {
        let state = |rule: &std::sync::Arc<RuleCheck>| State { folding: folding(rule), ..State::default() };
        let mut reaches =
            group.rules.iter().flat_map(|rule| rule.judge.expressions()).map(|expr| reach_ms(expr, None));
        Replay {
            group,
            dependence: Dependence::of(group),
            alike: alike(group),
            written: Memory::default(),
            rules: group.rules.iter().map(state).collect(),
            reach_ms: reaches.try_fold(0, |most: i64, of| Some(most.max(of?))),
            recorded: Recorded::default(),
        }
    }

    /// Has nothing judged in these stretches, which follow those that are known (ms since the epoch, both ends included, ascending and
    /// apart), but at the times that are given: what is due there without a sample was judged then, or not at all.
    pub fn by_record(&mut self, recorded: Vec<(i64, i64)>) {
        self.recorded.follow(recorded);
    }

    /// Has a rule go on with alerts that it had.
    pub fn go_on(&mut self, rule: usize, alerts: Alerts) {
        if let Some(folding) = self.rules.get_mut(rule).and_then(|state| state.folding.as_mut()) {
            folding.go_on(alerts);
        }
    }

    /// Has a rule go on with what is under way of its sequence.
    pub fn go_on_sequence(&mut self, rule: usize, sequence: SequenceState) {
        if let Some(state) = self.rules.get_mut(rule) {
            state.sequence = sequence;
        }
    }

    /// Has a rule begin at a time at which nothing of its sequence is under way and no alert is there (ms since the epoch).
    pub fn settle(&mut self, rule: usize, source: &dyn Source, at_ms: i64, options: &Options<'_>) {
        let Some(Judge::Sequence(sequence)) = self.group.rules.get(rule).map(|rule| &rule.judge) else {
            return;
        };
        let asked_ms = at_ms.saturating_sub(self.group.query_offset_ms);
        let source = &Unseen::new(source, self.group, rule, asked_ms);
        let steps = Steps { sequence, source, options };
        if let Ok(returned) = steps.at(asked_ms) {
            self.go_on_sequence(rule, SequenceState::settled(at_ms, &returned));
        }
    }

    /// What the sequence of a rule has come to.
    pub fn sequence(&self, rule: usize) -> Option<&SequenceState> {
        Some(&self.rules.get(rule)?.sequence)
    }

    /// The alerts of a rule; none of one that records.
    pub fn alerts(&self, rule: usize) -> Option<&Alerts> {
        Some(&self.rules.get(rule)?.folding.as_ref()?.alerts)
    }

    /// The worst that an alert of a rule has been so far.
    pub fn peak(&self, rule: usize, alert: &Labels) -> Option<Peak> {
        self.rules.get(rule)?.folding.as_ref()?.peak(alert)
    }

    /// Judges all rules at times that ascend and are later than those before (ms since the epoch).
    ///
    /// # Errors
    /// An expression has no value at each time, or the work is no longer wanted.
    pub fn over(
        &mut self,
        source: &dyn Source,
        times: &[i64],
        surroundings: &Surroundings<'_>,
        options: &Options<'_>,
        watch: &mut Watch<'_>,
    ) -> Result<(), String> {
        let most = if self.dependence.is_stepwise { 1 } else { REPLAY_STEPS_MAX };
        let is_alone = !self.dependence.reads_runs && !self.dependence.is_read.contains(&true);
        for slab in times.chunks(most) {
            let task = Task { number: 0, source, surroundings, options, is_alone };
            let is_worth_threads = options.threads > 1 && slab.len() >= SIDE_BY_SIDE_STEPS_MIN;
            let is_shared = self.alike.len() < self.rules.len();
            if is_alone && self.rules.len() > 1 && (is_worth_threads || is_shared) {
                self.side_by_side(&task, slab, watch)?;
                continue;
            }
            for number in 0..self.rules.len() {
                self.rule_over(&Task { number, ..task }, slab, watch)?;
            }
            if let (Some(reach_ms), Some(last_ms), false) = (self.reach_ms, slab.last(), is_alone) {
                let offset_ms = self.group.query_offset_ms;
                self.written.forget_before(last_ms.saturating_sub(reach_ms).saturating_sub(offset_ms));
            }
        }
        Ok(())
    }

    fn rule_over(&mut self, task: &Task<'_>, times: &[i64], watch: &mut Watch<'_>) -> Result<(), String> {
        let around = Around {
            group: self.group,
            dependence: &self.dependence,
            written: &self.written,
            recorded: &self.recorded,
        };
        let (series, done) = around.judge(&mut self.rules[task.number], task, times, watch);
        for (labels, samples) in series {
            samples.into_iter().for_each(|(time_ms, value)| self.written.insert(&labels, time_ms, value));
        }
        done
    }

    /// Judges rules that read nothing of one another, several at once. `watch` is told rule by rule all the same.
    fn side_by_side(&mut self, task: &Task<'_>, times: &[i64], watch: &mut Watch<'_>) -> Result<(), String> {
        let around = Around {
            group: self.group,
            dependence: &self.dependence,
            written: &self.written,
            recorded: &self.recorded,
        };
        let options = &Options { threads: 1, ..*task.options };
        let mut of_rules: Vec<Option<&mut State>> = self.rules.iter_mut().map(Some).collect();
        let mut parts: Vec<Vec<(usize, &mut State)>> = Vec::new();
        for numbers in &self.alike {
            let states =
                numbers.iter().filter_map(|number| Some((*number, of_rules.get_mut(*number)?.take()?)));
            parts.push(states.collect());
        }
        let one = |_, part: &mut Vec<(usize, &mut State)>| {
            around.judge_alike(part, &Task { options, ..*task }, times)
        };
        let mut all: Vec<Heard> =
            side_by_side(task.options.threads, &mut parts, one).into_iter().flatten().collect();
        all.sort_unstable_by_key(|heard| heard.number);
        for Heard { number, told, done } in all {
            told.iter().for_each(|(at_ms, told)| watch(number, *at_ms, told.judged()));
            done?;
        }
        Ok(())
    }
}

/// What there is to tell of a rule after some times.
struct Heard {
    number: usize,
    told: Vec<(i64, Told)>,
    done: Result<(), String>,
}

/// The series that a rule wrote, with their samples (ms since the epoch, value).
type Written = BTreeMap<Labels, Vec<(i64, f64)>>;

/// What rules of a group are judged with.
struct Around<'a> {
    group: &'a RuleGroup,
    dependence: &'a Dependence,
    written: &'a Memory,
    recorded: &'a Recorded,
}

impl Around<'_> {
    /// Judges rules that compare the same, and read nothing of one another, at some times: what they compare is evaluated once.
    fn judge_alike(&self, part: &mut [(usize, &mut State)], task: &Task<'_>, times: &[i64]) -> Vec<Heard> {
        let heard =
            |(number, _): &(usize, &mut State)| Heard { number: *number, told: Vec::new(), done: Ok(()) };
        let mut all: Vec<Heard> = part.iter().map(heard).collect();
        let offset_ms = self.group.query_offset_ms;
        let compared = |number: usize| compared(&self.group.rules[number]);
        let first = part.first().filter(|_| part.len() > 1).and_then(|(number, _)| compared(*number));
        // From that time on each by itself: what fails is said by each in its own words, and where in its own text.
        let mut rest = 0;
        if let Some(first) = first {
            let asked: Vec<i64> = times.iter().map(|time| time.saturating_sub(offset_ms)).collect();
            // It goes as far as it comes.
            let _ = at(first.vector, task.source, &asked, task.options, &mut |asked, rows| {
                let Ok(rows) = rows else { return false };
                rest += asked.len();
                for ((number, state), heard) in part.iter_mut().zip(&mut all) {
                    let Some(kept) = compared(*number).map(|compared| compared.keep(&rows)) else { continue };
                    let mut tell = |_, at_ms, judged: Judged<'_>| heard.told.push((at_ms, Told::of(&judged)));
                    let task = &Task { number: *number, ..*task };
                    let (rule, watch) = (&*self.group.rules[*number], &mut tell);
                    Writing { rule, task, offset_ms, state, series: None, watch }.take(asked, &kept);
                }
                true
            });
        }
        for ((number, state), heard) in part.iter_mut().zip(&mut all) {
            if rest < times.len() {
                let mut tell = |_, at_ms, judged: Judged<'_>| heard.told.push((at_ms, Told::of(&judged)));
                let task = &Task { number: *number, ..*task };
                heard.done = self.judge(state, task, &times[rest..], &mut tell).1;
            }
        }
        all
    }

    /// Judges a rule at some times. Returns what it wrote that others read, also where it failed.
    fn judge(
        &self,
        state: &mut State,
        task: &Task<'_>,
        times: &[i64],
        watch: &mut Watch<'_>,
    ) -> (Written, Result<(), String>) {
        let group = self.group;
        let rule = &*group.rules[task.number];
        let offset_ms = group.query_offset_ms;
        let shifted: Vec<i64>;
        let asked = if offset_ms == 0 {
            times
        } else {
            shifted = times.iter().map(|time| time.saturating_sub(offset_ms)).collect();
            &shifted
        };
        // What the rules before it wrote is not changed meanwhile; what this one writes is added at the end.
        let is_written = |labels: &Labels| writes_any(group, labels);
        let overlay = Overlay { stored: task.source, written: self.written, is_written: &is_written };
        let unseen = Unseen::new(&overlay, group, task.number, asked.first().copied().unwrap_or(i64::MAX));
        let source: &dyn Source = match (task.is_alone, self.dependence.reads_runs) {
            (true, _) => task.source,
            (false, false) => &overlay,
            (false, true) => &unseen,
        };
        let mut writing = Writing {
            rule,
            task,
            offset_ms,
            state,
            series: self.dependence.is_read[task.number].then(BTreeMap::new),
            watch,
        };
        let done = match &rule.judge {
            Judge::Query { query, expr } => at(expr, source, asked, task.options, &mut |asked, rows| {
                match rows {
                    Ok(rows) => writing.take(asked, &rows),
                    Err(error) => {
                        let reason = error.one_line(query);
                        let at_ms = asked.first().map_or(0, |time| time.saturating_add(offset_ms));
                        (writing.watch)(task.number, at_ms, Judged::Failed(&reason));
                    }
                }
                true
            })
            .map_err(|error| error.one_line(query)),
            Judge::Sequence(sequence) => {
                let steps = Steps { sequence, source, options: task.options };
                let has_deadlines = matches!(group.when, When::Samples { .. });
                let is_judged =
                    |due_ms: i64| has_deadlines && !self.recorded.has(due_ms) && group.is_open(due_ms);
                writing.follow(&steps, asked, &is_judged)
            }
        };
        (writing.series.take().unwrap_or_default(), done)
    }
}

/// One rule over some times.
#[derive(Clone, Copy)]
struct Task<'a> {
    number: usize,
    source: &'a dyn Source,
    surroundings: &'a Surroundings<'a>,
    options: &'a Options<'a>,
    /// No rule of the group reads what another writes.
    is_alone: bool,
}

impl Task<'_> {
    /// What templates can refer to at a time.
    fn context(&self, at_ms: i64, offset_ms: i64) -> Context {
        let surroundings = self.surroundings;
        Context {
            now_ms: at_ms,
            external: surroundings.external.clone(),
            query: (surroundings.queries_at)(at_ms.saturating_sub(offset_ms)),
            judgement: surroundings.judgement.next(),
        }
    }
}

/// The results of a rule on their way.
struct Writing<'a, 'w> {
    rule: &'a RuleCheck,
    task: &'a Task<'a>,
    offset_ms: i64,
    state: &'a mut State,
    /// What it wrote, if any rule reads that.
    series: Option<Written>,
    watch: &'a mut Watch<'w>,
}

impl Writing<'_, '_> {
    /// Takes in what the expression came to at these times of its own.
    fn take(&mut self, asked: &[i64], rows: &[TimedRow]) {
        match &self.rule.kind {
            RuleKind::Record(_) => self.record(asked, rows),
            RuleKind::Alert(_) => self.alert(asked, rows),
        }
    }

    /// Follows a sequence over times of its queries. It is also judged when something of it is due, if it is then.
    fn follow(
        &mut self,
        steps: &Steps<'_>,
        asked: &[i64],
        is_judged: &dyn Fn(i64) -> bool,
    ) -> Result<(), String> {
        for (asked_ms, returned) in asked.iter().zip(steps.over(asked)?) {
            let at_ms = asked_ms.saturating_add(self.offset_ms);
            let due = |state: &State| state.sequence.next_deadline_ms(steps.sequence);
            let is_before = |due_ms: &i64| *due_ms < at_ms && is_judged(*due_ms);
            while let Some(due_ms) = due(self.state).filter(is_before) {
                if !self.step(steps, due_ms, steps.at(due_ms.saturating_sub(self.offset_ms))) {
                    // It stays due, and is decided with what is returned at the next time.
                    break;
                }
            }
            self.step(steps, at_ms, returned);
        }
        Ok(())
    }

    /// One time of a sequence; false if it could not be judged.
    fn step(&mut self, steps: &Steps<'_>, at_ms: i64, returned: Returned) -> bool {
        let state = &mut *self.state;
        let matched = returned.and_then(|returned| {
            state.sequence.take(steps.sequence, at_ms, &returned).map_err(|failure| failure.to_string())
        });
        let matched = match matched {
            Ok(matched) => matched,
            Err(reason) => {
                (self.watch)(self.task.number, at_ms, Judged::Failed(&reason));
                return false;
            }
        };
        let Some(mut folding) = state.folding.take() else { return true };
        let context = self.task.context(at_ms, self.offset_ms);
        let name = self.rule.kind.name();
        let elements = match matched_elements(name, &self.rule.labels, matched, &context) {
            Ok(elements) => elements,
            Err(reason) => {
                state.folding = Some(folding);
                (self.watch)(self.task.number, at_ms, Judged::Failed(&reason));
                return false;
            }
        };
        let mut has_failed = false;
        folding.take_elements(at_ms, elements, &mut |at_ms, _, outcome| {
            has_failed |= !matches!(outcome, Outcome::Changes(..));
            tell(self.watch, self.task.number, at_ms, &outcome);
        });
        if self.series.is_some() && !has_failed {
            let series = series_of_alerts(self.rule, folding.alerts.iter());
            self.write(at_ms.saturating_sub(self.offset_ms), series);
        }
        self.state.folding = Some(folding);
        true
    }

    fn record(&mut self, asked: &[i64], rows: &[TimedRow]) {
        let named = (self.rule.kind.name(), &*self.rule.labels);
        for (step, asked_ms) in asked.iter().enumerate() {
            let present = rows.iter().filter(|row| !is_ended(row.values[step]));
            let returned = present.map(|row| (row.labels.clone(), row.values[step])).collect();
            match recorded(named.0, named.1, returned, results_max(self.rule)) {
                Ok(series) => self.write(*asked_ms, series),
                Err(reason) => {
                    let at_ms = asked_ms.saturating_add(self.offset_ms);
                    (self.watch)(self.task.number, at_ms, Judged::Failed(&reason));
                }
            }
            if self.series.is_none() && rows.len() < 2 {
                // One series that nobody reads cannot fail.
                break;
            }
        }
    }

    /// Adds series that were written, and ends those that no longer are.
    fn write(&mut self, asked_ms: i64, now: Vec<(Labels, f64)>) {
        let Some(series) = &mut self.series else { return };
        let gone = self.state.wrote.iter().filter(|known| now.iter().all(|(labels, _)| labels != *known));
        let gone = gone.map(|labels| (labels.clone(), ENDED)).collect::<Vec<_>>();
        self.state.wrote = now.iter().map(|(labels, _)| labels.clone()).collect();
        for (labels, value) in now.into_iter().chain(gone) {
            series.entry(labels).or_default().push((asked_ms, value));
        }
    }

    fn alert(&mut self, asked: &[i64], rows: &[TimedRow]) {
        let Some(mut folding) = self.state.folding.take() else { return };
        let (named, offset_ms, number) =
            ((self.rule.kind.name(), &*self.rule.labels), self.offset_ms, self.task.number);
        let task = self.task;
        let elements =
            |at_ms: i64, returned| elements(named.0, named.1, returned, &task.context(at_ms, offset_ms));
        let shifted: Vec<i64>;
        let times = if offset_ms == 0 {
            asked
        } else {
            shifted = asked.iter().map(|time| time.saturating_add(offset_ms)).collect();
            &shifted
        };
        if self.series.is_none() {
            let stretch = Stretch { times, rows, elements: &elements };
            folding.over(&stretch, &mut |at_ms, _, outcome| tell(self.watch, number, at_ms, &outcome));
        } else {
            self.alert_and_write(times, rows, &elements, &mut folding);
        }
        self.state.folding = Some(folding);
    }

    /// One time after the other: each has series that other rules read.
    fn alert_and_write(
        &mut self,
        times: &[i64],
        rows: &[TimedRow],
        elements: &Elements<'_>,
        folding: &mut Folding,
    ) {
        for (step, at_ms) in times.iter().enumerate() {
            let present = rows.iter().filter(|row| !is_ended(row.values[step]));
            let one =
                |row: &TimedRow| TimedRow { labels: row.labels.clone(), values: vec![row.values[step]] };
            let rows: Vec<TimedRow> = present.map(one).collect();
            let stretch = Stretch { times: &[*at_ms], rows: &rows, elements };
            let mut has_failed = false;
            folding.over(&stretch, &mut |at_ms, _, outcome| {
                has_failed |= !matches!(outcome, Outcome::Changes(..));
                tell(self.watch, self.task.number, at_ms, &outcome);
            });
            if !has_failed {
                let series = series_of_alerts(self.rule, folding.alerts.iter());
                self.write(at_ms.saturating_sub(self.offset_ms), series);
            }
        }
    }
}

fn tell(watch: &mut Watch<'_>, rule: usize, at_ms: i64, outcome: &Outcome) {
    match outcome {
        Outcome::Changes(changes, ended) => watch(rule, at_ms, Judged::Changed(changes, ended)),
        Outcome::NotJudged(why) => watch(rule, at_ms, Judged::Failed(why)),
        Outcome::Failure(failure @ Failure::Duplicate(_)) => {
            watch(rule, at_ms, Judged::Failed(&failure.to_string()));
        }
        Outcome::Failure(failure @ Failure::Limit { .. }) => {
            watch(rule, at_ms, Judged::Exceeded(&failure.to_string()));
        }
    }
}

fn folding(rule: &std::sync::Arc<RuleCheck>) -> Option<Folding> {
    let RuleKind::Alert(alert) = &rule.kind else { return None };
    let has_fixed_labels = rule.labels.iter().all(|(_, text)| text.is_fixed());
    Some(Folding::new(timing(alert, results_max(rule)), Worse::of(&rule.judge), has_fixed_labels))
}

/// Whether a rule of a group writes a series of these labels.
fn writes_any(group: &RuleGroup, labels: &Labels) -> bool {
    group.rules.iter().any(|rule| writes(rule, labels))
}
