//! Counters of the listener since its start, for `custos status` and the log.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// The counters, none of which ever decreases.
        #[derive(Debug, Default)]
        pub(super) struct Counters {
            $($(#[$doc])* pub(super) $name: Counter,)*
        }

        impl Counters {
            /// Every count by name.
            pub(super) fn snapshot(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($name), self.$name.get()),)*]
            }
        }
    };
}

/// One count.
#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    /// Adds one.
    pub(super) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// The count so far.
    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

counters! {
    /// Connections accepted from the kernel.
    accepted,
    /// Failures to accept a connection, mostly because the process has no file descriptor left.
    accept_failures,
    /// Peers that `allowed_hosts` does not allow.
    refused_by_allowed_hosts,
    /// Peers that `hosts.deny` refuses.
    refused_by_tcp_wrappers,
    /// Requests refused by the access list of their command.
    refused_by_command_access,
    /// Connections closed for newer ones at the limit on connections without a request.
    crowded_out,
    /// Requests refused because unfinished ones took all of the memory that is set aside for them.
    refused_for_memory,
    /// TLS handshakes that failed.
    tls_failures,
    /// TLS connections without any certificate.
    anonymous,
    /// Connections that sent no whole request in time.
    timed_out_before_request,
    /// Connections that ended before the request did.
    cut_short,
    /// Packets of an unknown version, such as TLS sent to a port without it.
    bad_version,
    /// Packets with an impossible length.
    bad_length,
    /// Packets with a wrong CRC.
    bad_crc,
    /// Packets that are not queries.
    bad_type,
    /// Queries without any text.
    empty_queries,
    /// Queries with forbidden characters.
    illegal_metachars,
    /// Queries with arguments where none are allowed.
    refused_arguments,
    /// Queries with a command substitution.
    refused_substitutions,
    /// Queries for the version.
    version_queries,
    /// Queries for commands that do not exist.
    unknown_commands,
    /// Requests handed to the agent.
    requests,
    /// Requests answered by an execution that another request had begun.
    coalesced,
    /// Requests answered with UNKNOWN because too many were waiting.
    over_limit,
    /// Answers that could not be delivered, mostly because the client had closed.
    undelivered,
    /// Answers delivered.
    answered,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_names_every_count() {
        let counters = Counters::default();
        counters.bad_crc.add();
        counters.bad_crc.add();
        let snapshot = counters.snapshot();
        assert!(snapshot.contains(&("bad_crc", 2)));
        assert!(snapshot.contains(&("answered", 0)));
    }
}
