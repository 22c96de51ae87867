//! What is remembered, from poll to poll, of the rows of the tables that checks read.
//!
//! Invariant: of checks that are gone no more is kept than of those that are there.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use crate::config::SnmpPoll;
use crate::snmp::RowNames;

/// By check.
#[derive(Debug, Default)]
pub(super) struct Tables {
    by_check: HashMap<String, Table>,
    /// At how many those of checks that are gone are looked for.
    look_at: usize,
}

#[derive(Debug)]
struct Table {
    /// What was asked last; nobody has it any more once the check is gone or another definition is in force.
    poll: Weak<SnmpPoll>,
    rows: RowNames,
}

impl Tables {
    /// The rows of a check that asks this.
    pub(super) fn rows(&mut self, check: &str, poll: &Arc<SnmpPoll>) -> &mut RowNames {
        if !self.by_check.contains_key(check) && self.by_check.len() >= self.look_at {
            self.by_check.retain(|_, table| table.poll.strong_count() > 0);
            self.look_at = self.by_check.len() * 2 + 1;
        }
        let new = || Table { poll: Weak::new(), rows: RowNames::default() };
        let table = self.by_check.entry(check.to_owned()).or_insert_with(new);
        table.poll = Arc::downgrade(poll);
        &mut table.rows
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use custos_compat::snmp::Version;

    use super::*;
    use crate::config::{Secret, SnmpAccess, SnmpProfile, SnmpWanted};

    fn poll() -> Arc<SnmpPoll> {
        let profile = SnmpProfile {
            name: "p".into(),
            access: SnmpAccess::Community { version: Version::V2c, community: Secret::inline("public") },
            port: 161,
            timeout: Duration::from_secs(1),
            retries: 1,
            max_repetitions: 25,
            answers_from_any: false,
            answers_any_community: false,
        };
        let wanted = SnmpWanted::Get(Vec::new());
        Arc::new(SnmpPoll { target: "router".into(), port: 161, profile: Arc::new(profile), wanted })
    }

    #[test]
    fn checks_that_are_gone_are_forgotten() {
        let mut tables = Tables::default();
        let kept: Vec<Arc<SnmpPoll>> = (0..5).map(|_| poll()).collect();
        for (number, poll) in kept.iter().enumerate() {
            tables.rows(&format!("kept{number}"), poll);
        }
        for number in 0..1000 {
            tables.rows(&format!("gone{number}"), &poll());
            assert!(tables.by_check.len() <= 12, "{}", tables.by_check.len());
        }
        for number in 0..kept.len() {
            assert!(tables.by_check.contains_key(&format!("kept{number}")));
        }
    }
}
