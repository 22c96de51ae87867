//! Where a run comes from, so that what was not measured is never taken for a sample.

use crate::bytes::Short;

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

    /// A byte of it and of two marks of the run, and the span of a consolidated value. The byte is 0 for most runs:
    /// partial | provenance << 1 | function << 4 | imported << 7.
    pub(crate) fn code(self, partial: bool, imported: bool) -> (u8, Option<u64>) {
        let (provenance, function, span_ms) = match self {
            Provenance::Scheduled => (0, 0, None),
            Provenance::Asked => (1, 0, None),
            Provenance::Submitted => (2, 0, None),
            Provenance::Watched => (3, 0, None),
            Provenance::Consolidated { span_ms, function } => (4, function as u8, Some(span_ms)),
        };
        (u8::from(partial) | provenance << 1 | function << 4 | u8::from(imported) << 7, span_ms)
    }

    /// The provenance in a byte of [`Provenance::code`], and whether the run is partial and imported. Asks for the span
    /// where there is one.
    pub(crate) fn decode(
        code: u8,
        span_ms: impl FnOnce() -> Result<u64, Short>,
    ) -> Result<(Provenance, bool, bool), Short> {
        let function = usize::from(code >> 4 & 7);
        let provenance = match code >> 1 & 7 {
            4 => Provenance::Consolidated {
                function: Consolidation::ALL.get(function).copied().ok_or(Short)?,
                span_ms: span_ms()?,
            },
            _ if function != 0 => return Err(Short),
            0 => Provenance::Scheduled,
            1 => Provenance::Asked,
            2 => Provenance::Submitted,
            3 => Provenance::Watched,
            _ => return Err(Short),
        };
        Ok((provenance, code & 1 != 0, code >> 7 != 0))
    }

    /// Whether a byte of [`Provenance::code`] is of a partial run.
    pub(crate) fn is_partial(code: u8) -> bool {
        code & 1 != 0
    }

    /// Whether a byte of [`Provenance::code`] has a span beside it.
    pub(crate) fn has_span(code: u8) -> bool {
        code >> 1 & 7 == 4
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
}
