//! The proposal for a host.

use std::collections::BTreeSet;

use super::covered::covering;
use super::draft::Draft;
use super::package::package_of;
use super::proposal::{Covered, Missing, NrpePart, Proposal, Proposed};
use super::{file_systems, machine, network, services};
use crate::discover::host::Host;
use crate::limits::DISCOVERED_NAME_MAX_CHARS;

/// What the user wants beyond what is found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wish {
    /// The agent shall answer by the `nrpe.cfg` that is there. What its commands look at is then not proposed again.
    pub(crate) nrpe: bool,
}

/// What to check of a host.
pub(crate) fn propose(host: &Host, wish: Wish) -> Proposal {
    let (drafts, mut remarks) = drafts(host);
    let usable = host.nrpe.as_ref().filter(|nrpe| nrpe.fault.is_none());
    if let Some((nrpe, fault)) = host.nrpe.as_ref().and_then(|nrpe| Some((nrpe, nrpe.fault.as_ref()?))) {
        remarks.push(format!("{} cannot be used: {fault}", nrpe.path.display()));
    }
    if let Some((nrpe, left_out)) = usable.and_then(|nrpe| Some((nrpe, nrpe.left_out.as_ref()?))) {
        remarks.push(format!("of {} a part was left out: {left_out}", nrpe.path.display()));
    }
    let mut proposal = Proposal {
        plugins: host.plugins.directories.clone(),
        remarks,
        nrpe: usable.map(|nrpe| NrpePart {
            path: nrpe.path.clone(),
            commands: nrpe.commands.len(),
            taken: wish.nrpe,
            port_in_use: host.listening.iter().any(|(_, port)| *port == nrpe.port).then_some(nrpe.port),
        }),
        ..Proposal::default()
    };
    let mut names = BTreeSet::new();
    for draft in drafts {
        let also = usable.and_then(|nrpe| covering(&draft, nrpe));
        match also {
            Some(command) if wish.nrpe => proposal.covered.push(Covered { name: draft.name, command }),
            also => place(draft, also, host, &mut names, &mut proposal),
        }
    }
    proposal
}

fn drafts(host: &Host) -> (Vec<Draft>, Vec<String>) {
    let (mut drafts, mut remarks) = machine::drafts(host);
    let (of_disks, said) = file_systems::drafts(&host.mounts);
    drafts.extend(of_disks);
    remarks.extend(said);
    drafts.extend(services::units(host));
    let databases = services::databases(host);
    let had: Vec<String> = databases.iter().map(|draft| draft.name.clone()).collect();
    let had: Vec<&str> = had.iter().map(String::as_str).collect();
    let (of_network, said) = network::drafts(host, &had);
    drafts.extend(of_network);
    remarks.extend(said);
    drafts.extend(databases);
    drafts.extend(services::mail_queue(host));
    (drafts, remarks)
}

/// Takes the first command whose plugin is there, or says what is missing.
fn place(
    draft: Draft,
    also: Option<String>,
    host: &Host,
    names: &mut BTreeSet<String>,
    proposal: &mut Proposal,
) {
    let name = unique(&draft.name, names);
    let there = draft.commands.iter().find(|command| host.plugins.found.contains_key(&command[0]));
    match there {
        Some(command) => proposal.checks.push(Proposed {
            name,
            why: draft.why,
            command: command.clone(),
            settings: draft.settings,
            thresholds: draft.thresholds,
            also,
        }),
        None => {
            let plugin = draft.commands[0][0].clone();
            let package = package_of(&plugin, host.family);
            proposal.missing.push(Missing { name, why: draft.why, plugin, package });
        }
    }
}

/// A name that no other check has: what two mount points become may be the same.
fn unique(wanted: &str, names: &mut BTreeSet<String>) -> String {
    let short: String = wanted.chars().take(DISCOVERED_NAME_MAX_CHARS).collect();
    // There are no more names than numbers.
    let mut name = short.clone();
    let mut number = 1u64;
    while !names.insert(name.clone()) {
        number += 1;
        name = format!("{short}_{number}");
    }
    name
}
