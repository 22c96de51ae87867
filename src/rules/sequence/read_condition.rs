//! What steps wait for, as it is read: an expression, or a check and its states.

use custos_promql::{ValueType, parse};
use custos_store::State;

use super::keys::{BECOMES, CHECK, CONDITION, FOR, HARD, PROBLEM, QUERY};
use super::model::Condition;
use crate::document::diagnostic::Findings;
use crate::document::fields::{Fields, choice, one_or_more, text, written};
use crate::document::section::Row;
use crate::document::yaml::{Content, Node};

/// The words of `becomes`; none is for all but OK.
const STATES: &[(&str, Option<State>)] = &[
    ("ok", Some(State::Ok)),
    ("warning", Some(State::Warning)),
    ("critical", Some(State::Critical)),
    ("unknown", Some(State::Unknown)),
    (PROBLEM, None),
];

/// The conditions of a sequence that were read so far. Of those that are equal there is one.
#[derive(Default)]
pub(super) struct Conditions {
    list: Vec<Condition>,
    checks: Vec<String>,
}

impl Conditions {
    /// The keys of a condition.
    pub(super) fn keys() -> [&'static dyn Row; 5] {
        [&QUERY, &CHECK, &BECOMES, &HARD, &FOR]
    }

    /// The conditions, and the checks that they name.
    pub(super) fn into_lists(self) -> (Vec<Condition>, Vec<String>) {
        (self.list, self.checks)
    }

    /// An expression by itself, or a mapping.
    pub(super) fn condition(&mut self, node: &Node, findings: &mut Findings) -> Option<usize> {
        match &node.content {
            Content::Map(_) => {
                let fields = Fields::of(node, "a condition", &CONDITION, findings)?;
                self.of_fields(&fields, node, findings)
            }
            _ => self.of_query(node, 0, findings),
        }
    }

    /// The condition that some fields say.
    pub(super) fn of_fields(
        &mut self,
        fields: &Fields<'_>,
        node: &Node,
        findings: &mut Findings,
    ) -> Option<usize> {
        let for_ms = fields
            .read(&FOR, findings)
            .map_or(0, |length| i64::try_from(length.as_millis()).unwrap_or(i64::MAX));
        let is_hard = fields.value(&HARD, findings).unwrap_or(false);
        match (fields.get(&QUERY), fields.get(&CHECK)) {
            (Some(query), None) => {
                for key in [&BECOMES as &dyn Row, &HARD] {
                    if let Some(entry) = fields.entry(key) {
                        findings.error(&entry.key_place, format!("`{}` is for a `check`", key.name()));
                    }
                }
                self.of_query(query, for_ms, findings)
            }
            (None, Some(check)) => {
                let name = text(check, "the name of a check", findings);
                let states = fields.need(&BECOMES, &node.place, "the condition", "a state", findings)?;
                let states = comparison(states, findings);
                let metric = if is_hard { "check_hard_state" } else { "check_state" };
                self.checks.push(name?.to_owned());
                let query = of_check(metric, name?, &states?);
                let expr = parse(&query).ok()?;
                Some(self.add(Condition { query, expr, for_ms }))
            }
            (Some(query), Some(_)) => {
                findings.error(&query.place, "found `query` and `check` together, expected one of them");
                None
            }
            (None, None) => {
                if fields.lacks(&QUERY) && fields.lacks(&CHECK) {
                    findings.error(&node.place, "found neither `query` nor `check`, expected one of them");
                }
                None
            }
        }
    }

    fn of_query(&mut self, node: &Node, for_ms: i64, findings: &mut Findings) -> Option<usize> {
        let query = written(node, "an expression", findings)?;
        let error = match parse(query) {
            Ok(expr) if expr.value_type() == ValueType::Vector => {
                return Some(self.add(Condition { query: query.to_owned(), expr, for_ms }));
            }
            Ok(expr) => {
                let found = expr.value_type().name();
                findings.error(
                    &node.place,
                    format!("a condition needs an expression that returns an instant vector, and this is a {found}"),
                );
                return None;
            }
            Err(error) => error,
        };
        let place = match error.span.and_then(|span| query.get(..span.start as usize)) {
            Some(before) => node.place.within(query, before.chars().count()),
            None => node.place.clone(),
        };
        // Where the text spans several lines the place is that of its beginning.
        let message = if place == node.place { error.one_line(query) } else { error.message };
        findings.error(&place, format!("the expression cannot be used: {message}"));
        None
    }

    fn add(&mut self, condition: Condition) -> usize {
        let known = self.list.iter().position(|known| *known == condition);
        known.unwrap_or_else(|| {
            self.list.push(condition);
            self.list.len() - 1
        })
    }
}

/// What an expression for the state of a check ends with, one for each way to be so.
fn comparison(node: &Node, findings: &mut Findings) -> Option<Vec<String>> {
    let mut all = Vec::new();
    for node in one_or_more(node) {
        all.push(match choice(node, STATES, findings)? {
            Some(state) => format!("== {}", state.code()),
            None => "!= 0".to_owned(),
        });
    }
    if all.is_empty() {
        crate::document::fields::refuse(node, "a state", findings);
        return None;
    }
    Some(all)
}

fn of_check(metric: &str, check: &str, states: &[String]) -> String {
    let series = format!("{metric}{{check={check:?}}}");
    states.iter().map(|state| format!("{series} {state}")).collect::<Vec<_>>().join(" or ")
}
