//! The health of a part of the agent: the store, the NRPE listener, the trap receiver, reloads.
//!
//! Each part yields one [`Part`]. The agent's check of itself, the control socket and `custos status` go over all of
//! them alike, so that a further part is added in one place: the list in `daemon/parts.rs`.

use custos_store::State;
use serde::{Deserialize, Serialize};

/// The health of a part of the agent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// What it is called, in a word or two: `NRPE`, `traps`.
    pub name: String,
    /// Where it listens.
    pub addresses: Vec<String>,
    /// What it counts, each a metric of the agent's own check.
    pub counters: Vec<Counter>,
    /// What is wrong with it.
    pub findings: Vec<Finding>,
    /// Remarks that are shown while nothing is wrong anywhere.
    pub summary: Option<String>,
}

/// Something that a part counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counter {
    /// Name of its metric, which begins with what is counted or by whom: `nrpe_requests`.
    pub metric: String,
    /// The count.
    pub value: u64,
    /// Whether it only grows, from the start of the agent on; otherwise it is how many there are now.
    pub total: bool,
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// The part does not do what it is for.
    Critical(String),
    /// It does, but something was lost, or will be.
    Warning(String),
}

impl Finding {
    /// The state that it means for the agent's check of itself.
    pub fn state(&self) -> State {
        match self {
            Finding::Critical(_) => State::Critical,
            Finding::Warning(_) => State::Warning,
        }
    }

    /// What is wrong, in a clause.
    pub fn text(&self) -> &str {
        match self {
            Finding::Critical(text) | Finding::Warning(text) => text,
        }
    }
}

impl Part {
    /// A part of that name of which nothing else is known.
    pub fn new(name: &str) -> Part {
        Part { name: name.to_owned(), ..Part::default() }
    }

    /// Adds totals, each by a name that the part's own metrics begin with.
    pub fn with_totals<'a>(mut self, prefix: &str, counts: impl IntoIterator<Item = (&'a str, u64)>) -> Part {
        let counter = |(name, value)| Counter { metric: format!("{prefix}_{name}"), value, total: true };
        self.counters.extend(counts.into_iter().map(counter));
        self
    }

    /// Adds a number of what there is now.
    pub fn with_level(mut self, metric: &str, value: u64) -> Part {
        self.counters.push(Counter { metric: metric.to_owned(), value, total: false });
        self
    }

    /// Adds the addresses on which it listens.
    pub fn with_addresses(mut self, addresses: impl IntoIterator<Item = impl ToString>) -> Part {
        self.addresses.extend(addresses.into_iter().map(|address| address.to_string()));
        self
    }

    /// Notes that it does not do what it is for.
    pub fn critical(&mut self, text: impl Into<String>) {
        self.findings.push(Finding::Critical(text.into()));
    }

    /// Notes that something was lost, or will be.
    pub fn warning(&mut self, text: impl Into<String>) {
        self.findings.push(Finding::Warning(text.into()));
    }

    /// The worst of what is wrong with it.
    pub fn state(&self) -> State {
        self.findings.iter().fold(State::Ok, |worst, finding| worst.worst(finding.state()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_as_bad_as_the_worst_that_is_wrong_with_it() {
        let mut part = Part::new("traps").with_totals("traps", [("lost", 3)]).with_level("queue", 1);
        assert_eq!((part.state(), part.counters[0].metric.as_str()), (State::Ok, "traps_lost"));
        part.warning("3 were lost");
        part.critical("the thread that reads them ended");
        part.warning("something else");
        assert_eq!(part.state(), State::Critical);
        let sent = serde_json::to_string(&part).unwrap();
        assert_eq!(serde_json::from_str::<Part>(&sent).unwrap(), part);
    }
}
