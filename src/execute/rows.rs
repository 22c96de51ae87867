//! What is remembered of the rows of SNMP tables from poll to poll, and noted in the store.

use std::collections::HashMap;
use std::path::Path;

use custos_store::Notes;

use crate::config::{Check, Command, Config, SnmpWanted};
use crate::hash::fnv1a;
use crate::snmp::RowNames;

/// What is remembered of the rows of each check's table.
#[derive(Debug, Default)]
pub struct TableRows {
    by_check: HashMap<String, RowNames>,
}

impl TableRows {
    /// What was noted of these checks. The log says which notes cannot be read; their rows are taken for new ones.
    pub fn read<'c>(store: &Path, checks: impl Iterator<Item = &'c Check>) -> TableRows {
        let notes = Notes::new(store);
        let by_check = checks.filter(|check| asks_for_table(check)).filter_map(|check| {
            let text = match notes.read(&note_name(&check.name)) {
                Ok(text) => text?,
                Err(error) => {
                    tracing::warn!(
                        check = check.name,
                        "the rows of the table are taken for new ones: {error}"
                    );
                    return None;
                }
            };
            let names = RowNames::from_note(&check.name, &String::from_utf8_lossy(&text))?;
            Some((check.name.clone(), names))
        });
        TableRows { by_check: by_check.collect() }
    }

    /// Takes up what was noted of further checks.
    pub fn adopt(&mut self, others: TableRows) {
        for (check, names) in others.by_check {
            self.by_check.entry(check).or_insert(names);
        }
    }

    /// Forgets the tables that no check of this configuration asks for. Their notes stay.
    pub fn forget_others(&mut self, config: &Config) {
        self.by_check.retain(|name, _| config.checks.get(name).is_some_and(|check| asks_for_table(check)));
    }

    /// What is remembered of a check's table.
    pub(super) fn of(&mut self, check: &str) -> &mut RowNames {
        self.by_check.entry(check.to_owned()).or_default()
    }

    /// The notes that changed since they were asked for last: name and text.
    pub fn take_notes(&mut self) -> Vec<(String, String)> {
        let note =
            |(check, names): (&String, &mut RowNames)| Some((note_name(check), names.take_note(check)?));
        self.by_check.iter_mut().filter_map(note).collect()
    }
}

fn asks_for_table(check: &Check) -> bool {
    matches!(&check.command, Command::Snmp(poll) if matches!(poll.wanted, SnmpWanted::Table(_)))
}

/// `rows-` and a hash of the name of the check, which may have anything in it.
fn note_name(check: &str) -> String {
    format!("rows-{:016x}", fnv1a(check.bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_of_checks_that_are_gone_are_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("custos.yaml");
        let device = "{profile: p, target: router";
        let text = format!(
            "store: store\nsnmp:\n  profiles:\n    p: {{version: 2c, community: public}}\nchecks:\n\
             \x20 asked: {{snmp: {device}, table: {{index: ifName, columns: [ifInOctets]}}}}}}\n\
             \x20 changed: {{snmp: {device}, get: [sysUpTime.0]}}}}\n",
        );
        std::fs::write(&file, text).unwrap();
        let config = crate::config::load(&file).unwrap().config;
        let mut rows = TableRows::default();
        for name in ["asked", "changed", "gone"] {
            rows.of(name);
        }
        rows.forget_others(&config);
        assert_eq!(rows.by_check.keys().collect::<Vec<_>>(), ["asked"]);
    }
}
