//! Where a run comes from, so that what was not measured is never taken for a sample.

/// What made a run, or from what it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Provenance {
    /// The check's schedule.
    #[default]
    Scheduled,
    /// Somebody asked for it; `origin` says who.
    Asked,
    /// A result that was handed in from outside, such as a trap or a passive check.
    Submitted,
    /// A clone of the check ran more often while somebody watched.
    Watched,
    /// No run: one value for a span of time, as an older system kept it.
    Consolidated {
        /// The length of the span that ends at the run's time, in ms.
        span_ms: u64,
        /// How one value was made of many.
        function: Consolidation,
    },
}

/// How an older system made one value of those of a span of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Consolidation {
    /// The mean.
    #[default]
    Average = 0,
    /// The least.
    Minimum = 1,
    /// The greatest.
    Maximum = 2,
    /// The last one.
    Last = 3,
    /// The sum.
    Sum = 4,
}

impl Provenance {
    /// The name in JSON and on the command line: `scheduled`, `asked`, `submitted`, `watched` or `consolidated`.
    pub fn name(self) -> &'static str {
        match self {
            Provenance::Scheduled => "scheduled",
            Provenance::Asked => "asked",
            Provenance::Submitted => "submitted",
            Provenance::Watched => "watched",
            Provenance::Consolidated { .. } => "consolidated",
        }
    }

    /// The number that the store writes.
    pub(crate) fn code(self) -> u8 {
        match self {
            Provenance::Scheduled => 0,
            Provenance::Asked => 1,
            Provenance::Submitted => 2,
            Provenance::Watched => 3,
            Provenance::Consolidated { .. } => 4,
        }
    }
}

impl Consolidation {
    /// Every function, by number.
    pub const ALL: [Consolidation; 5] = [
        Consolidation::Average,
        Consolidation::Minimum,
        Consolidation::Maximum,
        Consolidation::Last,
        Consolidation::Sum,
    ];

    /// The name in JSON and on the command line, such as `average`.
    pub fn name(self) -> &'static str {
        match self {
            Consolidation::Average => "average",
            Consolidation::Minimum => "minimum",
            Consolidation::Maximum => "maximum",
            Consolidation::Last => "last",
            Consolidation::Sum => "sum",
        }
    }

    /// The number that the store writes.
    pub(crate) fn code(self) -> u8 {
        self as u8
    }
}
