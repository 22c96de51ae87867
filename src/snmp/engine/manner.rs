//! How a device is asked for columns: as quickly as standards allow, or as simply as it takes.

/// From the quickest manner to the simplest. What a device was found to need is remembered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Manner {
    /// Several columns in one request, and the uptime in front of them.
    #[default]
    Together,
    /// Several columns in one request, and the uptime by itself: there are agents that repeat it like the columns.
    Apart,
    /// One column after the other, as `snmpbulkwalk` does.
    Single,
}

impl Manner {
    /// The next simpler one; the simplest stays what it is.
    pub(super) fn simpler(self) -> Manner {
        match self {
            Manner::Together => Manner::Apart,
            Manner::Apart | Manner::Single => Manner::Single,
        }
    }
}
