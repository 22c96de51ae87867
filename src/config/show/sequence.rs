//! Sequences of checks.

use std::fmt::{self, Write};
use std::time::Duration;

use super::word::{list, word};
use crate::document::duration;
use crate::rules::{Condition, Recovery, Sequence, Step, StepKind};

/// Writes a sequence. States of checks are written as the expressions that they mean.
pub(super) fn write(page: &mut String, sequence: &Sequence) -> fmt::Result {
    writeln!(page, "    sequence:")?;
    if !sequence.by.is_empty() {
        writeln!(page, "      by: {}", list(&sequence.by))?;
    }
    if let Some(within_ms) = sequence.within_ms {
        writeln!(page, "      within: {}", length(within_ms))?;
    }
    if let Some(until) = sequence.until {
        writeln!(page, "      until: {}", condition(&sequence.conditions[until]))?;
    }
    writeln!(page, "      recovery: {}", recovery(sequence.recovery))?;
    writeln!(page, "      steps:")?;
    sequence.steps.iter().try_for_each(|step| write_step(page, sequence, step))
}

fn write_step(page: &mut String, sequence: &Sequence, step: &Step) -> fmt::Result {
    for guard in &step.guards {
        writeln!(page, "        - not: {}", condition(&sequence.conditions[*guard]))?;
    }
    writeln!(page, "        - name: {}", word(&step.name))?;
    if let Some(within_ms) = step.within_ms {
        writeln!(page, "          within: {}", length(within_ms))?;
    }
    match &step.kind {
        StepKind::Times { condition, times } => {
            let Condition { query, for_ms, .. } = &sequence.conditions[*condition];
            writeln!(page, "          query: {}", word(query))?;
            if *for_ms > 0 {
                writeln!(page, "          for: {}", length(*for_ms))?;
            }
            writeln!(page, "          times: {times}")
        }
        StepKind::All(all) => {
            writeln!(page, "          all:")?;
            all.iter().try_for_each(|index| {
                writeln!(page, "            - {}", condition(&sequence.conditions[*index]))
            })
        }
        StepKind::Not(index) => writeln!(page, "          not: {}", condition(&sequence.conditions[*index])),
    }
}

fn condition(condition: &Condition) -> String {
    match condition.for_ms {
        0 => word(&condition.query),
        for_ms => format!("{{ query: {}, for: {} }}", word(&condition.query), length(for_ms)),
    }
}

fn length(ms: i64) -> String {
    duration::show(Duration::from_millis(ms.unsigned_abs()))
}

fn recovery(recovery: Recovery) -> &'static str {
    match recovery {
        Recovery::Last => "last",
        Recovery::All => "all",
        Recovery::Any => "any",
        Recovery::AtOnce => "at_once",
    }
}
