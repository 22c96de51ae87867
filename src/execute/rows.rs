//! What is remembered of the rows of tables that devices are asked for, and noted in the store.

use std::collections::HashMap;
use std::path::Path;

use custos_store::Notes;

use crate::config::{Check, Command, SnmpWanted};
use crate::snmp::RowNames;

/// By check: what is remembered of the rows of its table.
#[derive(Debug, Default)]
pub struct TableRows {
    by_check: HashMap<String, RowNames>,
}

impl TableRows {
    /// What was noted of these checks. A note that cannot be read is told in the log, and its rows are new.
    pub fn read<'c>(store: &Path, checks: impl Iterator<Item = &'c Check>) -> TableRows {
        let notes = Notes::new(store);
        let by_check = checks.filter(|check| asks_for_table(check)).filter_map(|check| {
            let text = match notes.read(&note_name(&check.name)) {
                Ok(text) => text?,
                Err(error) => {
                    tracing::warn!("the rows of {} are taken for new ones: {error}", check.name);
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

/// `rows-`, and FNV-1a of 64 bits over the name of the check, which may have anything in it.
fn note_name(check: &str) -> String {
    let hash = check.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("rows-{hash:016x}")
}
