//! Built-in series: values that every run has, whatever its plugin printed.

use custos_store::{Figure, Reason, Run, Value};

/// A value that every run has, as a series of its check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BuiltIn {
    /// The verdict by number, 0 to 3.
    State,
    /// The last confirmed verdict by number, 0 to 3.
    HardState,
    /// How long the run took, in seconds.
    Duration,
    /// How long after its slot it started, in seconds.
    Lateness,
    /// Processor time of the plugin, in seconds.
    Cpu,
    /// Its peak memory, in bytes.
    MaxRss,
}

impl BuiltIn {
    /// Every built-in series.
    pub const ALL: [BuiltIn; 6] = [
        BuiltIn::State,
        BuiltIn::HardState,
        BuiltIn::Duration,
        BuiltIn::Lateness,
        BuiltIn::Cpu,
        BuiltIn::MaxRss,
    ];

    /// The series of that name.
    pub fn named(name: &str) -> Option<BuiltIn> {
        BuiltIn::ALL.into_iter().find(|one| one.name() == name)
    }

    /// The name, as that of a metric.
    pub fn name(self) -> &'static str {
        match self {
            BuiltIn::State => "check_state",
            BuiltIn::HardState => "check_hard_state",
            BuiltIn::Duration => "check_duration_seconds",
            BuiltIn::Lateness => "check_lateness_seconds",
            BuiltIn::Cpu => "check_cpu_seconds",
            BuiltIn::MaxRss => "check_max_rss_bytes",
        }
    }

    /// The base unit; empty for states.
    pub fn unit(self) -> &'static str {
        match self {
            BuiltIn::State | BuiltIn::HardState => "",
            BuiltIn::Duration | BuiltIn::Lateness | BuiltIn::Cpu => "s",
            BuiltIn::MaxRss => "B",
        }
    }

    /// What it is, in a sentence.
    pub fn help(self) -> &'static str {
        match self {
            BuiltIn::State => "State of the check: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.",
            BuiltIn::HardState => {
                "Last confirmed state of the check: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN."
            }
            BuiltIn::Duration => "How long the run took.",
            BuiltIn::Lateness => "How long after its time the run started.",
            BuiltIn::Cpu => "Processor time that the plugin took.",
            BuiltIn::MaxRss => "Memory that the plugin had resident at most.",
        }
    }

    /// The value of a run, in the series' unit; none where nothing was executed, or it is not known.
    pub fn value(self, run: &Run) -> Option<Value> {
        self.value_of(run.reason, self.figure().of(run))
    }

    /// The same by what the store has of a run.
    pub(crate) fn value_of(self, reason: Reason, number: Option<u64>) -> Option<Value> {
        let number = number.filter(|_| was_run(reason))? as f64;
        Some(Value::from(if self.unit() == "s" { number / 1e6 } else { number }))
    }

    /// The number of a run that it is made of.
    pub(crate) fn figure(self) -> Figure {
        match self {
            BuiltIn::State => Figure::State,
            BuiltIn::HardState => Figure::HardState,
            BuiltIn::Duration => Figure::Duration,
            BuiltIn::Lateness => Figure::Lateness,
            BuiltIn::Cpu => Figure::Cpu,
            BuiltIn::MaxRss => Figure::MaxRss,
        }
    }
}

/// Whether something was executed, rather than noted as not being so.
pub fn was_run(reason: Reason) -> bool {
    !matches!(reason, Reason::Missed | Reason::Skipped | Reason::Imported)
}

#[cfg(test)]
mod tests {
    use custos_store::State;

    use super::*;

    #[test]
    fn every_run_has_them_unless_nothing_was_executed() {
        let run = Run {
            state: State::Warning,
            duration_us: 1_500_000,
            cpu_us: Some(2000),
            max_rss_bytes: Some(4096),
            ..Run::default()
        };
        let values = |run: &Run| BuiltIn::ALL.map(|one| one.value(run).map(Value::to_f64));
        assert_eq!(values(&run), [Some(1.0), Some(0.0), Some(1.5), None, Some(0.002), Some(4096.0)]);
        for reason in [Reason::Missed, Reason::Skipped, Reason::Imported] {
            assert_eq!(values(&Run { reason, ..run.clone() }), [None; 6]);
        }
        assert_eq!(values(&Run { reason: Reason::Timeout, ..run })[0], Some(1.0));
    }

    #[test]
    fn names_lead_back() {
        for one in BuiltIn::ALL {
            assert_eq!(BuiltIn::named(one.name()), Some(one));
        }
        assert_eq!(BuiltIn::named("load1"), None);
    }
}
