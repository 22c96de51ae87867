//! A proposal as YAML.

use std::fmt::Write as _;

use super::propose::{Missing, NrpePart, Proposal, Proposed};
use crate::text::printable;

const HEAD: &str = "\
# Written by custos init, by what it found on this host. docs/configuration.md describes every key; installed, it is
# /usr/share/doc/custos/configuration.md. After a change:
#
#     custos config check && systemctl reload custos
#
# This file has no secrets and may be read by everybody, the agent included. What is secret goes into files that only
# the agent's user may read, which `file:` names.

store: /var/lib/custos

# Where a program without a slash is looked up.
";

const MIDDLE: &str = "
# More checks, a file for each purpose.
include: [conf.d/*.yaml]

defaults:
  check_interval: 30s
  retry_interval: 10s
  max_check_attempts: 3
  timeout: 8s
";

/// The configuration that a proposal stands for.
pub(crate) fn document(proposal: &Proposal) -> String {
    let mut page = HEAD.to_owned();
    let directories: Vec<String> =
        proposal.plugins.iter().map(|directory| scalar(&directory.to_string_lossy())).collect();
    page += &format!("plugins: [{}]\n", directories.join(", "));
    page += MIDDLE;
    page += &proposal.nrpe.as_ref().map_or_else(String::new, nrpe);
    page += match proposal.checks.is_empty() {
        true => "\nchecks: {}\n",
        false => "\nchecks:",
    };
    for check in &proposal.checks {
        page += &of_check(check);
    }
    page + &rest(proposal)
}

/// The section by which the agent answers for nrpe: in force, or as a comment.
fn nrpe(nrpe: &NrpePart) -> String {
    let path = nrpe.path.to_string_lossy();
    let keys = ["nrpe:".to_owned(), format!("  config: {}", scalar(&path))];
    let (said, mark) = match nrpe.taken {
        true => (
            "check_nrpe is answered by these checks and by the commands of this file, which is read in place.",
            "",
        ),
        false => ("custos-nrpe take writes this to answer check_nrpe in place of nrpe:", "# "),
    };
    let keys: String = keys.iter().map(|line| format!("{mark}{line}\n")).collect();
    format!("\n# {said}\n{keys}")
}

fn of_check(check: &Proposed) -> String {
    let also = check.also.as_ref().map_or_else(String::new, |command| {
        format!(" (the command {} of nrpe looks at the same)", printable(command))
    });
    let words: Vec<String> = check.command.iter().map(|word| scalar(word)).collect();
    let mut text = format!("\n  # {}{also}\n  {}:\n", printable(&check.why), scalar(&check.name));
    // Writing to a string cannot fail.
    let _ = writeln!(text, "    command: [{}]", words.join(", "));
    for (key, value) in check.settings {
        let _ = writeln!(text, "    {key}: {value}");
    }
    if !check.thresholds.is_empty() {
        text += "    thresholds:\n";
    }
    for threshold in check.thresholds {
        let _ = writeln!(text, "      - {threshold}");
    }
    text
}

/// What is not checked, as comments at the end.
fn rest(proposal: &Proposal) -> String {
    let missing = proposal.missing.iter().map(|missing| {
        let Missing { name, why, plugin, package } = missing;
        format!("{name} needs {plugin}, which the package {package} has: {why}")
    });
    let covered = proposal.covered.iter().map(|covered| {
        format!("{} is left to the command {} of nrpe, run when a server asks", covered.name, covered.command)
    });
    let lines: Vec<String> = missing
        .chain(covered)
        .chain(proposal.remarks.iter().cloned())
        .map(|line| format!("# - {}\n", printable(&line)))
        .collect();
    if lines.is_empty() { String::new() } else { format!("\n# Not checked:\n#\n{}", lines.concat()) }
}

/// A text as YAML reads it back.
fn scalar(text: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '-' | '.');
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
        || text.strip_prefix('-').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic()));
    let word = ["true", "false", "null", "yes", "no", "on", "off", "y", "n", "inf", "nan"]
        .contains(&text.to_ascii_lowercase().as_str());
    if begins && !word && text.chars().all(bare) { text.to_owned() } else { quoted(text) }
}

/// A text between double quotes.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            ' '..='~' => out.push(character),
            _ if character.is_alphanumeric() => out.push(character),
            _ => {
                let _ = write!(out, "\\U{:08X}", u32::from(character));
            }
        }
    }
    out + "\""
}
