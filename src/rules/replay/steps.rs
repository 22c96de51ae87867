//! A rule with a sequence over many times: its queries are evaluated over all of them, then followed one time after the other.

use std::collections::BTreeMap;

use custos_promql::{Labels, Options, Source, at, is_ended};

use crate::rules::evaluate::vector;
use crate::rules::sequence::Sequence;

/// What the queries of a sequence return at times of which it is known.
pub(super) struct Steps<'a> {
    pub(super) sequence: &'a Sequence,
    pub(super) source: &'a dyn Source,
    pub(super) options: &'a Options<'a>,
}

/// What they return at a time, in the order of the sequence's expressions, or why one failed.
pub(super) type Returned = Result<Vec<Vec<(Labels, f64)>>, String>;

impl Steps<'_> {
    /// At each of these times (ms since the epoch).
    ///
    /// # Errors
    /// An expression has no value at each time, or the work is no longer wanted.
    pub(super) fn over(&self, times: &[i64]) -> Result<Vec<Returned>, String> {
        let count = self.sequence.conditions.len();
        let index: BTreeMap<i64, usize> =
            times.iter().enumerate().map(|(index, time)| (*time, index)).collect();
        let mut all: Vec<Returned> = vec![Ok(vec![Vec::new(); count]); times.len()];
        for (number, condition) in self.sequence.conditions.iter().enumerate() {
            let done = at(&condition.expr, self.source, times, self.options, &mut |asked, rows| {
                let rows = rows.map_err(|error| error.one_line(&condition.query));
                for (step, time) in asked.iter().enumerate() {
                    let Some(returned) = index.get(time).and_then(|index| all.get_mut(*index)) else {
                        continue;
                    };
                    match &rows {
                        Ok(rows) => {
                            let present = rows.iter().filter(|row| !is_ended(row.values[step]));
                            if let Ok(conditions) = returned {
                                conditions[number]
                                    .extend(present.map(|row| (row.labels.clone(), row.values[step])));
                            }
                        }
                        Err(reason) => *returned = Err(reason.clone()),
                    }
                }
                true
            });
            done.map_err(|error| error.one_line(&condition.query))?;
        }
        Ok(all)
    }

    /// At a time by itself (ms since the epoch).
    pub(super) fn at(&self, at_ms: i64) -> Returned {
        let conditions = self.sequence.conditions.iter();
        conditions
            .map(|condition| vector(&condition.query, &condition.expr, self.source, at_ms, self.options))
            .collect()
    }
}
