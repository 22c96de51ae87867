//! All that is shown, and what keys, the mouse and news make of it. Pure.

use std::collections::BTreeSet;

use custos_store::State;
use jiff::Zoned;
use ratatui_core::layout::Rect;

use super::check::Check;

use super::keys::{Wish, wish};
use super::places::Places;
use super::prompt::{Prompt, Question, Typed};
use super::sort::SortBy;
use super::story::Story;
use crate::cli::notify::long;
use crate::config::Matchers;
use crate::control::{NotifyRequest, Request};
use crate::graph::Glyphs;
use crate::limits::TOP_REQUESTS_MAX;
use crate::notify::Silence;
use crate::terminal::{Event, Key, MouseKind};
use crate::text::printable;
use crate::text::width::width;

/// The times that a graph can show, in minutes.
const SPANS_MIN: [i64; 6] = [10, 60, 360, 1440, 7 * 1440, 30 * 1440];
const SPAN_FIRST: usize = 1;
/// For how long a check is silenced if nobody types another time.
const SILENCE_FOR: &str = "2h";
/// Lines that the wheel turns.
const WHEEL_LINES: i32 = 3;

/// What is on the page below the head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum View {
    /// All checks.
    List,
    /// One of them, from some line on.
    Check { name: String, scroll: usize },
    /// All silences; one of them is chosen.
    Silences { at: usize },
    /// The keys, over what was there before.
    Help(Box<View>),
}

/// What somebody wants done.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Deed {
    /// End.
    Quit,
    /// Ask the agent for this; the words say what it is.
    Ask(String, Request),
    /// Look for what else was unlike its past when this check got its problem.
    Search(String),
}

/// What came of something that the agent was asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answered {
    /// The words that say what it is.
    pub(super) what: String,
    /// What came of it, in a line.
    pub(super) said: String,
    /// Whether it was done.
    pub(super) done: bool,
}

/// What is known of what else was unlike its past when a check got its problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// It is looked for.
    Searched,
    /// It was found, or not, and why.
    Told(Result<String, String>),
}

/// The agent, as it was when it was asked last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum AgentView {
    /// It was not asked yet.
    Unknown,
    /// It runs: process, and since when (ms since the epoch).
    Runs { pid: u32, started_ms: i64 },
    /// It does not answer, and why.
    Gone(String),
}

/// All that is shown.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) host: String,
    /// Who acknowledges and silences.
    pub(super) author: String,
    pub(super) now: Zoned,
    pub(super) glyphs: Glyphs,
    /// The checks, by name.
    pub(super) checks: Vec<Check>,
    /// Those that are shown, in order.
    pub(super) order: Vec<usize>,
    pub(super) sort: SortBy,
    pub(super) reversed: bool,
    pub(super) filter: String,
    pub(super) problems: bool,
    /// The check that keys are for.
    selected: Option<String>,
    /// Whether somebody chose that; else it is the first.
    has_chosen: bool,
    /// Its line in the list.
    at: usize,
    /// The first line of the list that is shown.
    pub(super) first: usize,
    pub(super) view: View,
    pub(super) prompt: Option<Prompt>,
    pub(super) message: Option<String>,
    pub(super) agent: AgentView,
    /// What is wrong with the agent and the store.
    pub(super) trouble: Vec<String>,
    /// Why the store cannot be read.
    pub(super) store_trouble: Option<String>,
    /// Requests that are under way.
    pub(super) under_way: usize,
    /// Of those, what was typed for them: it is asked once more if the agent refuses.
    typed: Vec<(String, Prompt)>,
    /// What is known of the check that is open.
    pub(super) story: Option<Story>,
    /// What else was unlike its past, and the check that is asked about.
    pub(super) why: Option<(String, Why)>,
    /// The silences, those that have not begun among them, as the agent says; none if it does not.
    pub(super) silences: Option<Vec<Silence>>,
    span: usize,
}

impl Model {
    pub(super) fn new(host: String, author: String, glyphs: Glyphs, now: Zoned) -> Model {
        Model {
            host,
            author,
            now,
            glyphs,
            checks: Vec::new(),
            order: Vec::new(),
            sort: SortBy::default(),
            reversed: false,
            filter: String::new(),
            problems: false,
            selected: None,
            has_chosen: false,
            at: 0,
            first: 0,
            view: View::List,
            prompt: None,
            message: None,
            agent: AgentView::Unknown,
            trouble: Vec::new(),
            store_trouble: None,
            under_way: 0,
            typed: Vec::new(),
            story: None,
            why: None,
            silences: None,
            span: SPAN_FIRST,
        }
    }

    /// The time now, in ms since the epoch.
    pub(super) fn now_ms(&self) -> i64 {
        self.now.timestamp().as_millisecond()
    }

    /// The check of a name.
    pub(super) fn check(&self, name: &str) -> Option<&Check> {
        self.index(name).map(|at| &self.checks[at])
    }

    /// The same, to change it.
    pub(super) fn check_mut(&mut self, name: &str) -> Option<&mut Check> {
        self.index(name).map(|at| &mut self.checks[at])
    }

    fn index(&self, name: &str) -> Option<usize> {
        self.checks.binary_search_by(|check| check.row.check.as_str().cmp(name)).ok()
    }

    /// Takes away the checks that are none any more, and tells which are missing.
    pub(super) fn keep(&mut self, names: &BTreeSet<String>) -> Vec<String> {
        self.checks.retain(|check| names.contains(&check.row.check));
        names.iter().filter(|name| self.index(name).is_none()).cloned().collect()
    }

    /// Adds a check that is not there.
    pub(super) fn add(&mut self, check: Check) {
        if let Err(at) = self.checks.binary_search_by(|one| one.row.check.cmp(&check.row.check)) {
            self.checks.insert(at, check);
        }
    }

    /// The check that is open, and the time that its graph shows (ms).
    pub(super) fn open(&self) -> Option<(&str, i64)> {
        let view = if let View::Help(before) = &self.view { before } else { &self.view };
        match view {
            View::Check { name, .. } => Some((name, SPANS_MIN[self.span] * 60_000)),
            _ => None,
        }
    }

    /// Whether the check that is open is due, or has run since: how it goes on only the agent knows.
    pub(super) fn awaits_schedule(&self) -> bool {
        let check = self.open().and_then(|(name, _)| self.check(name));
        matches!(self.agent, AgentView::Runs { .. })
            && check.is_some_and(|check| {
                check.has_run_since || check.row.next_run_ms.is_some_and(|next_ms| next_ms <= self.now_ms())
            })
    }

    /// The line of the list that keys are for.
    pub(super) fn cursor(&self) -> usize {
        self.at
    }

    /// Where on a page what is.
    pub(super) fn places(&self, area: Rect) -> Places {
        let longest = self.checks.iter().map(|check| width(&printable(&check.row.check))).max();
        Places::of(area, &self.all_trouble(), longest.unwrap_or(0), self.sort)
    }

    /// What is wrong, a line each, safe to show.
    fn all_trouble(&self) -> Vec<String> {
        let agent = match &self.agent {
            AgentView::Gone(why) => Some(format!("{why}; shown is what was stored")),
            _ => None,
        };
        let all = agent.iter().chain(&self.store_trouble).chain(&self.trouble);
        all.map(|line| printable(line).into_owned()).collect()
    }

    /// The names of the checks that are on a page.
    pub(super) fn shown(&self, area: Rect) -> Vec<String> {
        let shown = self.order.iter().skip(self.first).take(self.places(area).rows());
        shown.map(|at| self.checks[*at].row.check.clone()).collect()
    }

    /// How many checks are in which state, worst first; none is a check that has not run.
    pub(super) fn counts(&self) -> [(Option<State>, usize); 5] {
        [Some(State::Critical), Some(State::Unknown), Some(State::Warning), Some(State::Ok), None]
            .map(|state| (state, self.checks.iter().filter(|check| check.row.severity == state).count()))
    }

    /// Puts the checks in order anew, and keeps what keys are for on the page. To be called after news and before drawing.
    pub(super) fn arrange(&mut self, area: Rect) {
        let wanted = self.filter.to_lowercase();
        let is_shown = |check: &Check| {
            let texts = [check.row.check.as_str(), check.row.state, check.row.text.as_str()];
            let is_problem = check.row.severity != Some(State::Ok);
            (!self.problems || is_problem)
                && (wanted.is_empty() || texts.iter().any(|text| text.to_lowercase().contains(&wanted)))
        };
        let mut order: Vec<usize> = (0..self.checks.len()).filter(|at| is_shown(&self.checks[*at])).collect();
        order.sort_by(|one, other| self.sort.compare(&self.checks[*one], &self.checks[*other]));
        if self.reversed {
            order.reverse();
        }
        self.order = order;
        let is_selected = |at: &usize| Some(&self.checks[*at].row.check) == self.selected.as_ref();
        match self.order.iter().position(is_selected) {
            Some(at) if self.has_chosen => self.at = at,
            _ if !self.has_chosen => self.select(0),
            _ => self.select(self.at),
        }
        let lines = self.places(area).rows();
        let at = self.at;
        // While nobody has chosen one, the worst stay in view.
        self.first = self.first.min(self.order.len().saturating_sub(lines)).min(at);
        if at >= self.first + lines {
            self.first = at + 1 - lines.max(1);
        }
    }

    fn choose(&mut self, at: usize) {
        self.has_chosen = true;
        self.select(at);
    }

    fn select(&mut self, at: usize) {
        self.at = at.min(self.order.len().saturating_sub(1));
        self.selected = self.order.get(self.at).map(|at| self.checks[*at].row.check.clone());
    }

    /// Takes what happened at the terminal. Returns what is to be done about it.
    pub(super) fn take(&mut self, event: Event, area: Rect) -> Option<Deed> {
        match event {
            Event::Key(Key::Ctrl('c')) => Some(Deed::Quit),
            Event::Key(key) if self.prompt.is_some() => self.type_key(key, area),
            Event::Key(key) => {
                self.message = None;
                wish(key).and_then(|wish| self.fulfil(wish, area))
            }
            Event::Mouse(mouse) => match mouse.kind {
                MouseKind::WheelUp => self.fulfil(Wish::Lines(-WHEEL_LINES), area),
                MouseKind::WheelDown => self.fulfil(Wish::Lines(WHEEL_LINES), area),
                MouseKind::Press => self.click(mouse.x, mouse.y, area),
            },
            Event::Redraw | Event::Woken | Event::End(_) => None,
        }
    }

    fn click(&mut self, x: u16, y: u16, area: Rect) -> Option<Deed> {
        if self.view != View::List || self.prompt.is_some() {
            return None;
        }
        let places = self.places(area);
        if let Some(sort) = places.head_at(x, y) {
            return self.fulfil(Wish::Sort(sort), area);
        }
        let line = self.first + places.row_at(y)?;
        let chosen = self.order.get(line).map(|at| self.checks[*at].row.check.clone())?;
        if self.selected.as_ref() == Some(&chosen) {
            return self.fulfil(Wish::Open, area);
        }
        self.choose(line);
        None
    }

    fn fulfil(&mut self, wish: Wish, area: Rect) -> Option<Deed> {
        let page = i32::try_from(self.places(area).rows()).unwrap_or(i32::MAX).max(1);
        match wish {
            Wish::Quit => return Some(Deed::Quit),
            Wish::Back => return self.back(),
            Wish::Open => self.open_selected(),
            Wish::Help => {
                let before = std::mem::replace(&mut self.view, View::List);
                self.view = match before {
                    View::Help(before) => *before,
                    before => View::Help(Box::new(before)),
                };
            }
            Wish::Lines(lines) => self.go(lines),
            Wish::Pages(pages) => self.go(pages * page),
            Wish::First => self.go(i32::MIN),
            Wish::Last => self.go(i32::MAX),
            Wish::Filter => {
                self.view = View::List;
                self.prompt = Some(Prompt::new(Question::Filter, &self.filter));
            }
            Wish::Sort(sort) if sort == self.sort => self.reversed = !self.reversed,
            Wish::Sort(sort) => (self.sort, self.reversed) = (sort, false),
            Wish::Turn(forward) => (self.sort, self.reversed) = (self.sort.turn(forward), false),
            Wish::Reverse => self.reversed = !self.reversed,
            Wish::Problems => self.problems = !self.problems,
            Wish::Zoom(longer) => {
                let span = if longer { self.span + 1 } else { self.span.saturating_sub(1) };
                self.span = span.min(SPANS_MIN.len() - 1);
            }
            Wish::Neighbour(forward) => self.neighbour(forward),
            Wish::Ack | Wish::Unack | Wish::Silence | Wish::RunNow => return self.act(wish),
            Wish::Why => return self.search(),
            Wish::Silences => {
                (self.story, self.why) = (None, None);
                self.view = View::Silences { at: 0 };
            }
            Wish::Expire => self.expire(),
        }
        None
    }

    /// Has what else was unlike its past looked for; once more gives that up.
    fn search(&mut self) -> Option<Deed> {
        let View::Check { name, .. } = &self.view else { return None };
        if self.why.take().is_some_and(|(of, why)| of == *name && why == Why::Searched) {
            return None;
        }
        self.why = Some((name.clone(), Why::Searched));
        Some(Deed::Search(name.clone()))
    }

    /// Whether something is still looked for that somebody wants.
    pub(super) fn is_searching(&self) -> bool {
        matches!(self.why, Some((_, Why::Searched)))
    }

    /// Takes what was found of a check, if that is still wanted.
    pub(super) fn told_why(&mut self, check: &str, told: Result<String, String>) {
        if let Some((_, why)) = self.why.as_mut().filter(|(of, _)| of == check) {
            *why = Why::Told(told);
        }
    }

    /// Takes in all silences that there are.
    pub(super) fn set_silences(&mut self, silences: Option<Vec<Silence>>) {
        if let View::Silences { at } = &mut self.view {
            // The one that is chosen stays it.
            let chosen = self.silences.iter().flatten().nth(*at).map(|silence| silence.id);
            let place = |id| silences.iter().flatten().position(|silence| silence.id == id);
            let last = silences.as_ref().map_or(0, Vec::len).saturating_sub(1);
            *at = chosen.and_then(place).unwrap_or((*at).min(last));
        }
        self.silences = silences;
    }

    /// Asks whether the silence that is chosen is to end.
    fn expire(&mut self) {
        let View::Silences { at } = self.view else { return };
        if let Some(silence) = self.silences.iter().flatten().nth(at) {
            let question = Question::Expire(silence.id, silence.matchers.join(", "));
            self.prompt = Some(Prompt::new(question, ""));
        }
    }

    /// Does something about the check that is open or chosen.
    fn act(&mut self, wish: Wish) -> Option<Deed> {
        let name = self.meant()?;
        match wish {
            Wish::Ack => self.prompt = Some(Prompt::new(Question::Ack(name), "")),
            Wish::Silence => {
                let question = Question::SilenceFor { check: name, because: String::new() };
                self.prompt = Some(Prompt::new(question, SILENCE_FOR));
            }
            Wish::Unack => {
                let matchers = Matchers::of_check(&name).written();
                return self.ask(format!("unack {name}"), Request::Notify(NotifyRequest::Unack { matchers }));
            }
            _ => return self.ask(format!("run {name}"), Request::Run(name)),
        }
        None
    }

    fn meant(&self) -> Option<String> {
        match &self.view {
            View::Check { name, .. } => Some(name.clone()),
            View::List => self.selected.clone(),
            View::Help(_) | View::Silences { .. } => None,
        }
    }

    fn back(&mut self) -> Option<Deed> {
        match std::mem::replace(&mut self.view, View::List) {
            View::Help(before) => self.view = *before,
            View::Check { .. } => (self.story, self.why) = (None, None),
            View::Silences { .. } => {}
            View::List if !self.filter.is_empty() => self.filter.clear(),
            View::List => return Some(Deed::Quit),
        }
        None
    }

    fn open_selected(&mut self) {
        self.has_chosen = true;
        if let (View::List, Some(name)) = (&self.view, &self.selected) {
            self.view = View::Check { name: name.clone(), scroll: 0 };
        }
    }

    fn neighbour(&mut self, forward: bool) {
        let View::Check { .. } = self.view else { return };
        let at = self.cursor();
        self.choose(if forward { at + 1 } else { at.saturating_sub(1) });
        if let Some(name) = self.selected.clone() {
            self.view = View::Check { name, scroll: 0 };
            self.why = None;
        }
    }

    fn go(&mut self, lines: i32) {
        let moved = |from: usize| {
            let to = i64::try_from(from).unwrap_or(i64::MAX).saturating_add(i64::from(lines));
            usize::try_from(to.max(0)).unwrap_or(0)
        };
        match &mut self.view {
            View::List => self.choose(moved(self.at)),
            // Drawing knows how far that goes.
            View::Check { scroll, .. } => *scroll = moved(*scroll),
            View::Silences { at } => {
                let last = self.silences.as_ref().map_or(0, Vec::len).saturating_sub(1);
                *at = moved(*at).min(last);
            }
            View::Help(_) => {}
        }
    }

    fn type_key(&mut self, key: Key, area: Rect) -> Option<Deed> {
        let mut prompt = self.prompt.take()?;
        // The list can be looked through while a filter is typed.
        if prompt.question == Question::Filter
            && matches!(key, Key::Up | Key::Down | Key::PageUp | Key::PageDown)
        {
            self.prompt = Some(prompt);
            return wish(key).and_then(|wish| self.fulfil(wish, area));
        }
        prompt.error = None;
        let typed = prompt.take(key);
        if prompt.question == Question::Filter {
            self.filter = if typed == Typed::Cancelled { String::new() } else { prompt.typed.clone() };
        }
        match typed {
            Typed::More => {
                self.prompt = Some(prompt);
                None
            }
            Typed::Cancelled => None,
            Typed::Done => self.answer(prompt),
        }
    }

    fn answer(&mut self, prompt: Prompt) -> Option<Deed> {
        let (author, comment) = (self.author.clone(), prompt.typed.trim().to_owned());
        match prompt.question.clone() {
            Question::Filter => None,
            Question::Expire(id, _) => {
                self.ask(format!("silence expire {id}"), Request::Notify(NotifyRequest::Expire(id)))
            }
            Question::Ack(name) => {
                let matchers = Matchers::of_check(&name).written();
                let request = NotifyRequest::Ack { matchers, author, comment };
                self.ask_again_if_refused(format!("ack {name}"), Request::Notify(request), prompt)
            }
            Question::SilenceFor { check, because } => {
                self.prompt = Some(match long("for", prompt.typed.trim(), &self.now) {
                    Ok(span_ms) => {
                        let until_ms = self.now_ms().saturating_add(span_ms);
                        let span = prompt.typed.trim().to_owned();
                        Prompt::new(Question::SilenceWhy { check, until_ms, span }, &because)
                    }
                    Err(failure) => prompt.refused(failure.message),
                });
                None
            }
            Question::SilenceWhy { check, until_ms, span } => {
                let matchers = Matchers::of_check(&check).written();
                let what = format!("silence {check}");
                // The time may be what is refused.
                let again = Prompt::new(Question::SilenceFor { check, because: comment.clone() }, &span);
                let request = NotifyRequest::Silence { matchers, from_ms: None, until_ms, author, comment };
                self.ask_again_if_refused(what, Request::Notify(request), again)
            }
        }
    }

    fn ask_again_if_refused(&mut self, what: String, request: Request, again: Prompt) -> Option<Deed> {
        let deed = self.ask(what.clone(), request);
        match (&deed, self.message.take()) {
            (Some(_), message) => {
                self.message = message;
                self.typed.push((what, again));
            }
            (None, Some(why)) => self.prompt = Some(again.refused(why)),
            (None, None) => {}
        }
        deed
    }

    fn ask(&mut self, what: String, request: Request) -> Option<Deed> {
        if self.under_way >= TOP_REQUESTS_MAX {
            self.message = Some(format!("not done: {what}; others are still under way"));
            return None;
        }
        self.under_way += 1;
        self.message = Some(format!("{what}: asked the agent"));
        Some(Deed::Ask(what, request))
    }

    /// Takes what came of something that was asked. What was typed for it stays to be put right if it was not done.
    pub(super) fn answered(&mut self, Answered { what, said, done }: Answered) {
        self.under_way = self.under_way.saturating_sub(1);
        let typed = self.typed.iter().position(|(of, _)| *of == what).map(|at| self.typed.remove(at).1);
        let said = format!("{what}: {said}");
        match typed {
            Some(prompt) if !done && self.prompt.is_none() => {
                self.message = None;
                self.prompt = Some(prompt.refused(said));
            }
            _ => self.message = Some(said),
        }
    }
}
