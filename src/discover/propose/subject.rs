//! What of a host a check looks at, to tell whether something else looks at the same.

/// What of a host a check looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// Something that there is once, such as the load: whatever a plugin of this kind is asked. These further plugins, of
    /// many makers, look at the same.
    Whole(&'static [&'static str]),
    /// The file system mounted there.
    Mount(String),
    /// All processes.
    Processes,
    /// Those that nobody waits for.
    Zombies,
    /// Something behind a port, which is the usual one of its plugin or not.
    Port(u16),
}
