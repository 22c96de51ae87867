//! `custos.yaml(5)`: the manual page of the configuration, in roff.

use crate::config::keys::{
    check, http, nrpe, period, poll, process, rule, settings, sink, snmp, threshold, top, trap,
};
use crate::config::reference::words::{default, meaning, without_links};
use crate::document::section::{Row, Section};

/// What stands before the keys.
const HEAD: &str = r#".SH NAME
custos.yaml \- configuration of the Custos agent
.SH SYNOPSIS
.I /etc/custos/custos.yaml
.SH DESCRIPTION
One file of YAML 1.2, and the files that it includes. A path that does not begin with / begins at the directory of the
file that it stands in. Unknown keys and keys that are given twice are mistakes, which
.B custos config check
reports with their places, all of them at once. The agent reads the files when it starts, and anew on SIGHUP; where there
is a mistake it goes on with what it has.
.PP
A duration is whole numbers with units, the longer ones first: 500ms, 10s, 1h30m, 7d, 2w. A size is a number of bytes, or
one with a unit: 512MiB, 64KB. Where a list may stand, one value may stand alone.
.PP
.B custos config schema
prints a JSON Schema, by which editors complete keys and mark mistakes:
.PP
.nf
# yaml\-language\-server: $schema=/usr/share/custos/custos.schema.json
.fi
"#;

/// What stands behind the keys.
const TAIL: &str = r#".SH EXAMPLES
.nf
defaults:
  check_interval: 1m
checks:
  root:
    command: check_disk \-w 10% \-c 5% \-p /
    thresholds:
      \- { metric: "/", warning: "~:8GB", for: 2m }
.fi
.SH FILES
.TP
.I /etc/custos/custos.yaml
The configuration, unless \fB\-\-config\fR or \fBCUSTOS_CONFIG\fR names another.
.TP
.I /usr/share/custos/custos.schema.json
The schema for editors.
.SH SEE ALSO
.BR custos (1),
.BR custos\-config (1)
.PP
.I /usr/share/doc/custos/configuration.md
"#;

/// The sections in the order of the page: a heading, where the keys stand, and the keys.
const PARTS: [(&str, &str, &Section); 17] = [
    (
        "KEYS AT THE TOP",
        "In any of the files, but each once in all of them; include, defaults, periods, rules and checks in every file.",
        &top::TOP,
    ),
    (
        "A CHECK",
        "Below its name in checks: one of command, snmp, trap and query, further keys of this list, and settings.",
        &check::CHECK,
    ),
    ("A QUERY", "In a check that has a query.", &rule::RULE),
    ("SETTINGS OF A CHECK", "In a check, or in defaults for all checks.", &settings::SETTINGS),
    ("THE PROCESS OF A PLUGIN", "Like the other settings, in a check or in defaults.", &process::PROCESS),
    ("LIMITS OF A PROCESS", "In limits.", &process::BOUNDS),
    ("FLAPPING", "In flap_detection.", &settings::FLAPPING),
    (
        "THRESHOLDS",
        "In each item of thresholds. A range is [@][start:][end]; what lies outside alerts, with @ what lies inside.",
        &threshold::THRESHOLD,
    ),
    (
        "PERIODS",
        "Below the name of each of periods: days, such as monday, monday - friday, monday 1 may, day -1, december 24 - january 2 or 2026-12-24, with times such as 08:00-18:00, and this key.",
        &period::PERIOD,
    ),
    ("NRPE", "In nrpe.", &nrpe::NRPE),
    ("HTTP", "In http.", &http::HTTP),
    ("SINKS", "Below the name of each of sinks.", &sink::SINK),
    ("SNMP: PROFILES", "Below the name of each of the profiles of snmp.", &snmp::PROFILE),
    ("SNMP: RECEIVING TRAPS", "In traps of snmp.", &snmp::RECEIVER),
    ("SNMP: A POLL", "In snmp of a check.", &poll::POLL),
    ("SNMP: A TABLE", "In table of a poll.", &poll::COLUMNS_OF),
    ("SNMP: THE TRAPS OF A CHECK", "In trap of a check.", &trap::TRAP_RULE),
];

/// The page.
pub fn manual() -> String {
    let mut page =
        format!(".TH custos.yaml 5 \"\" \"custos {}\" \"Configuration\"\n", env!("CARGO_PKG_VERSION"));
    page.push_str(HEAD);
    for (heading, place, section) in PARTS {
        page.push_str(&format!(".SH {heading}\n{}\n", roff(place)));
        section.own().for_each(|row| page.push_str(&entry(row)));
    }
    page.push_str(TAIL);
    page
}

fn entry(row: &dyn Row) -> String {
    let text = roff(&without_links(&meaning(row)));
    let default = roff(&without_links(&default(row)));
    format!(".TP\n.B {}\n{text}.\n{default}\n", roff(row.name()))
}

/// A line of Markdown in roff: what stands in backticks is bold.
fn roff(markdown: &str) -> String {
    let mut line = String::with_capacity(markdown.len());
    let mut bold = false;
    for c in markdown.chars() {
        match c {
            '`' => {
                bold = !bold;
                line.push_str(if bold { "\\fB" } else { "\\fR" });
            }
            '\\' => line.push_str("\\e"),
            '-' => line.push_str("\\-"),
            '\'' => line.push_str("\\(aq"),
            '…' => line.push_str("..."),
            _ => line.push(c),
        }
    }
    if line.starts_with('.') { format!("\\&{line}") } else { line }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_section_is_on_the_page() {
        let page = manual();
        for row in PARTS.iter().flat_map(|(_, _, section)| section.own()) {
            assert!(page.contains(&format!(".B {}\n", roff(row.name()))), "{}", row.name());
        }
        assert!(
            page.contains(
                ".B check_interval\ntime between two runs, 100 ms to 366 d.\nDefault: \\fB1m\\fR.\n"
            )
        );
    }

    #[test]
    fn nothing_is_a_request_by_mistake() {
        assert_eq!(roff("`a-b` isn't \\"), "\\fBa\\-b\\fR isn\\(aqt \\e");
        assert_eq!(roff(".x"), "\\&.x");
    }
}
