//! A host of a cache, of which services are carried over, and what of them is not.

use custos_compat::nagios::Object;

/// What is to be carried over.
pub struct NagiosHost<'a> {
    /// The definitions of the cache.
    pub objects: &'a [Object],
    /// The host.
    pub host: &'a str,
    /// Nagios' `interval_length`: the seconds that its intervals count.
    pub interval_length_s: f64,
    /// Nagios' `service_check_timeout`, in seconds.
    pub timeout_s: u64,
}

/// Something that is not carried over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Note {
    /// Its line in the cache.
    pub(super) line: usize,
    pub(super) what: String,
}

impl<'a> NagiosHost<'a> {
    /// The definitions of a kind.
    pub(super) fn of_kind(&self, kind: &str) -> Vec<&'a Object> {
        self.objects.iter().filter(|object| object.kind == kind).collect()
    }
}
