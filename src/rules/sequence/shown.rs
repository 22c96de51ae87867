//! A sequence on one line, for people.

use std::fmt::{self, Display, Formatter};
use std::time::Duration;

use super::model::{Condition, Recovery, Sequence, Step, StepKind};
use crate::document::duration;

impl Display for Sequence {
    /// Its steps, in their order, and then what holds for all of them.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (index, step) in self.steps.iter().enumerate() {
            for guard in &step.guards {
                write!(f, ", no {}", self.conditions[*guard])?;
            }
            f.write_str(if index == 0 { "" } else { ", then " })?;
            self.step(step, f)?;
        }
        if !self.by.is_empty() {
            write!(f, "; by {}", self.by.join(", "))?;
        }
        if let Some(within_ms) = self.within_ms {
            write!(f, "; within {}", length(within_ms))?;
        }
        if let Some(until) = self.until {
            write!(f, "; until {}", self.conditions[until])?;
        }
        match self.recovery {
            Recovery::Last => Ok(()),
            Recovery::All => f.write_str("; recovery all"),
            Recovery::Any => f.write_str("; recovery any"),
            Recovery::AtOnce => f.write_str("; recovery at_once"),
        }
    }
}

impl Sequence {
    fn step(&self, step: &Step, f: &mut Formatter<'_>) -> fmt::Result {
        match &step.kind {
            StepKind::Times { condition, times: 1 } => write!(f, "{}", self.conditions[*condition])?,
            StepKind::Times { condition, times } => {
                write!(f, "{times} times {}", self.conditions[*condition])?;
            }
            StepKind::All(all) => {
                let all: Vec<String> = all.iter().map(|index| self.conditions[*index].to_string()).collect();
                write!(f, "all of {}", all.join(" and "))?;
            }
            StepKind::Not(condition) => write!(f, "no {}", self.conditions[*condition])?,
        }
        step.within_ms.map_or(Ok(()), |within_ms| write!(f, " within {}", length(within_ms)))
    }
}

impl Display for Condition {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        // An expression may have several lines.
        let query: Vec<&str> = self.query.split_whitespace().collect();
        write!(f, "({})", query.join(" "))?;
        if self.for_ms > 0 {
            write!(f, " for {}", length(self.for_ms))?;
        }
        Ok(())
    }
}

fn length(ms: i64) -> String {
    duration::show(Duration::from_millis(ms.unsigned_abs()))
}

#[cfg(test)]
mod tests {
    use super::super::read_sequence;

    #[test]
    fn all_that_a_sequence_says_is_shown() {
        let text = "by: [host, dev]\nwithin: 1h\nuntil: off == 1\nrecovery: any\nsteps:\n- query: |\n    a >\n    1\n  for: 30s\n\
                    - not: b > 2\n- check: web\n  becomes: critical\n  times: 3\n  within: 5m\n\
                    - all: [c > 3, { query: d > 4, for: 1m }]\n- not: e > 5\n  within: 10m\n";
        let sequence = read_sequence(text).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        assert_eq!(
            sequence.to_string(),
            "(a > 1) for 30s, no (b > 2), then 3 times (check_state{check=\"web\"} == 2) within 5m, then all of (c > 3) and \
             (d > 4) for 1m, then no (e > 5) within 10m; by dev, host; within 1h; until (off == 1); recovery any"
        );
        let plain =
            read_sequence("steps: [{ query: a > 1 }]").unwrap_or_else(|mistakes| panic!("{mistakes}"));
        assert_eq!(plain.to_string(), "(a > 1)");
    }
}
