//! Operators between two vectors: which element meets which.

use std::collections::HashMap;

use super::elementwise::element;
use super::evaluator::Evaluator;
use super::value::Row;
use crate::ast::{Binary, Group, Matching};
use crate::error::{Error, Result};
use crate::labels::Labels;
use crate::source::is_ended;

/// Two vectors and how their elements match. Of a pair of sides, "many" may have several elements for one of "one".
pub(super) struct Matcher<'a, 'e> {
    evaluator: &'a Evaluator<'e>,
    binary: &'a Binary,
    many: Vec<Row>,
    one: Vec<Row>,
    /// At which steps each side has any element.
    present: [Vec<bool>; 2],
    /// The left side is "one".
    swapped: bool,
    steps: usize,
    out: Vec<Row>,
    by_labels: HashMap<Labels, usize>,
}

/// At which steps any of these rows has a value.
fn present_in(rows: &[Row], steps: usize) -> Vec<bool> {
    let mut present = vec![false; steps];
    for row in rows {
        for (present, value) in present.iter_mut().zip(&row.values) {
            *present |= !is_ended(*value);
        }
    }
    present
}

/// The rows of both sides with the same signature.
#[derive(Default)]
struct Meeting {
    many: Vec<usize>,
    one: Vec<usize>,
}

impl<'a, 'e> Matcher<'a, 'e> {
    pub(super) fn new(
        evaluator: &'a Evaluator<'e>,
        binary: &'a Binary,
        left: Vec<Row>,
        right: Vec<Row>,
        steps: usize,
    ) -> Matcher<'a, 'e> {
        let swapped = binary.matching.group == Group::Right;
        let (many, one) = if swapped { (right, left) } else { (left, right) };
        let present = [present_in(&many, steps), present_in(&one, steps)];
        Matcher {
            evaluator,
            binary,
            many,
            one,
            present,
            swapped,
            steps,
            out: Vec::new(),
            by_labels: HashMap::new(),
        }
    }

    fn matching(&self) -> &'a Matching {
        &self.binary.matching
    }

    /// All results.
    pub(super) fn eval(mut self) -> Result<Vec<Row>> {
        for (signature, meeting) in self.meetings() {
            self.meet(&signature, &meeting)?;
        }
        self.out.retain(|row| !row.is_empty());
        Ok(self.out)
    }

    /// Signatures in the order in which "many" has them, then those that only "one" has.
    fn meetings(&self) -> Vec<(Labels, Meeting)> {
        let mut meetings: Vec<(Labels, Meeting)> = Vec::new();
        let mut known: HashMap<Labels, usize> = HashMap::new();
        let matching = self.matching();
        for (rows, is_many) in [(&self.many, true), (&self.one, false)] {
            for (index, row) in rows.iter().enumerate() {
                let signature = row.labels.signature(matching.on, &matching.labels);
                let at = *known.entry(signature).or_insert_with_key(|signature| {
                    meetings.push((signature.clone(), Meeting::default()));
                    meetings.len() - 1
                });
                let meeting = &mut meetings[at].1;
                if is_many { meeting.many.push(index) } else { meeting.one.push(index) }
            }
        }
        meetings
    }

    /// The rows of one signature at all steps.
    fn meet(&mut self, signature: &Labels, meeting: &Meeting) -> Result<()> {
        // As in Prometheus, `fill_left` is that of "many" even where "many" is on the right.
        let (fill_many, fill_one) = (self.matching().fill_left, self.matching().fill_right);
        let fills = fill_many.is_some() || fill_one.is_some();
        // The result of a pair has the same labels at every step.
        let mut results: HashMap<(Option<usize>, Option<usize>), usize> = HashMap::new();
        for step in 0..self.steps {
            self.evaluator.check_at(step)?;
            // Where a whole side has no element nothing matches, and the other may have any.
            let [any_many, any_one] = [self.present[0][step], self.present[1][step]];
            if !fills && (!any_many || !any_one) {
                continue;
            }
            let one = self.single(&meeting.one, step, signature)?;
            let one_value = one.map(|(_, value)| value).or(fill_one);
            let one_row = one.map(|(row, _)| row);
            let mut matched = false;
            let mut seen: Vec<usize> = Vec::new();
            for many_row in &meeting.many {
                let Some(many_value) = self.many[*many_row].get(step) else { continue };
                let Some(one_value) = one_value else { continue };
                let result = self.result(&mut results, Some(*many_row), one_row, signature);
                self.check_unique(result, &seen, matched)?;
                matched = true;
                seen.push(result);
                self.put(result, step, many_value, one_value);
            }
            if let (false, Some(many_value), Some((row, value))) = (matched, fill_many, one) {
                let result = self.result(&mut results, None, Some(row), signature);
                self.put(result, step, many_value, value);
            }
        }
        Ok(())
    }

    /// The only row of the "one" side that has a value at a step.
    fn single(&self, rows: &[usize], step: usize, signature: &Labels) -> Result<Option<(usize, f64)>> {
        let mut present = rows.iter().filter_map(|row| Some((*row, self.one[*row].get(step)?)));
        let first = present.next();
        let (Some((one, _)), Some((other, _))) = (first, present.next()) else { return Ok(first) };
        let mut both = [self.one[one].labels.in_braces(), self.one[other].labels.in_braces()];
        both.sort();
        let side = if self.swapped { "left" } else { "right" };
        let message = format!(
            "found duplicate series for the match group {signature} on the {side} hand-side of the operation: [{}];\
             many-to-many matching not allowed: matching labels must be unique on one side",
            both.join(", ")
        );
        Err(Error::execution(self.binary.operator_span, message))
    }

    fn check_unique(&self, result: usize, seen: &[usize], matched: bool) -> Result<()> {
        let message = match self.matching().group {
            Group::OneToOne if matched => {
                "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)"
            }
            Group::Left | Group::Right if seen.contains(&result) => {
                "multiple matches for labels: grouping labels must ensure unique matches"
            }
            _ => return Ok(()),
        };
        Err(Error::execution(self.binary.operator_span, message))
    }

    /// Which row the result of a pair belongs to.
    fn result(
        &mut self,
        results: &mut HashMap<(Option<usize>, Option<usize>), usize>,
        many: Option<usize>,
        one: Option<usize>,
        signature: &Labels,
    ) -> usize {
        if let Some(known) = results.get(&(many, one)) {
            return *known;
        }
        let many_labels = many.map_or(signature, |row| &self.many[row].labels);
        let one_labels = one.map_or(signature, |row| &self.one[row].labels);
        let labels = self.result_labels(many_labels, one_labels);
        let next = self.out.len();
        let index = *self.by_labels.entry(labels).or_insert(next);
        if index == next {
            let labels = self.result_labels(many_labels, one_labels);
            let mut row = Row::empty(labels, self.steps);
            row.drops_name = self.binary.returns_bool || many.is_some_and(|row| self.many[row].drops_name);
            self.out.push(row);
        }
        results.insert((many, one), index);
        index
    }

    fn result_labels(&self, many: &Labels, one: &Labels) -> Labels {
        let matching = self.matching();
        let mut labels = match self.binary.operator.is_comparison() {
            true => many.clone(),
            false => many.without_name(),
        };
        if matching.group == Group::OneToOne {
            labels = match matching.on {
                true => labels.only(&matching.labels),
                false => labels.all_but(&matching.labels),
            };
        }
        for name in &matching.include {
            labels = labels.with(name, one.get(name));
        }
        labels
    }

    fn put(&mut self, result: usize, step: usize, many: f64, one: f64) {
        let (left, right) = if self.swapped { (one, many) } else { (many, one) };
        let value = element(self.binary.operator, self.binary.returns_bool, left, right);
        if !is_ended(value) {
            self.out[result].values[step] = value;
        }
    }
}
