//! The files of the repository that are written from the keys: tables in `docs/`, between `<!-- keys of SECTION -->` and
//! `<!-- end of keys -->`, and the schema that packages have. `scripts/docs-tables` has them written.

use std::path::Path;

use crate::config::keys::{
    check, http, notify, nrpe, passive, poll, process, rule, settings, sink, snmp, threshold, top, trap,
};
use crate::config::reference::schema::schema;
use crate::config::reference::words::{absence, meaning};
use crate::document::section::Section;

const START: &str = "<!-- keys of ";
const END: &str = "<!-- end of keys -->";

/// Where the tables are.
const PAGES: [&str; 6] = [
    "docs/configuration.md",
    "docs/snmp.md",
    "docs/submit.md",
    "docs/notify.md",
    "docs/rules.md",
    "docs/sinks.md",
];

/// The sections that have a table. Of periods a text tells.
const SECTIONS: [&Section; 25] = [
    &top::TOP,
    &check::CHECK,
    &rule::RULE,
    &settings::SETTINGS,
    &settings::FLAPPING,
    &process::PROCESS,
    &process::BOUNDS,
    &threshold::THRESHOLD,
    &nrpe::NRPE,
    &http::HTTP,
    &snmp::PROFILE,
    &snmp::RECEIVER,
    &poll::POLL,
    &poll::COLUMNS_OF,
    &trap::TRAP_RULE,
    &passive::PASSIVE,
    &notify::NOTIFY,
    &notify::TARGET,
    &notify::MAIL,
    &notify::NRDP_OF,
    &notify::ICINGA_OF,
    &notify::NSCA_OF,
    &notify::INHIBITION,
    &notify::HEARTBEAT_OF,
    &sink::SINK,
];

/// A page with its tables as they should be, and the sections that it has.
fn with_tables(page: &str) -> Result<(String, Vec<&'static str>), String> {
    let mut written = String::with_capacity(page.len());
    let mut sections = Vec::new();
    let mut rest = page;
    while let Some((before, after)) = rest.split_once(START) {
        let (name, _) = after.split_once(" -->").ok_or("a mark without its end")?;
        let (_, behind) = after.split_once(END).ok_or_else(|| format!("the table of {name} has no end"))?;
        let section = SECTIONS.iter().find(|section| section.name == name);
        let section = section.ok_or_else(|| format!("there is no section {name}"))?;
        sections.push(section.name);
        written.push_str(&format!("{before}{START}{name} -->\n\n{}\n{END}", table(section)));
        rest = behind;
    }
    written.push_str(rest);
    Ok((written, sections))
}

fn table(section: &Section) -> String {
    let mut table = "| key | value | default |\n| --- | --- | --- |\n".to_owned();
    for row in section.own() {
        let cell = |text: String| text.replace('|', "\\|");
        table.push_str(&format!("| `{}` | {} | {} |\n", row.name(), cell(meaning(row)), cell(absence(row))));
    }
    table
}

/// Fails if a file is not as it should be; with `CUSTOS_WRITE_TABLES` it is made so.
fn hold(path: &str, expected: &str) {
    let whole = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("CUSTOS_WRITE_TABLES").is_some() {
        std::fs::write(&whole, expected).unwrap();
        return;
    }
    let text = std::fs::read_to_string(&whole).unwrap_or_default();
    let differs = text.lines().zip(expected.lines()).find(|(is, should)| is != should);
    assert!(text == expected, "{path} is not current, run scripts/docs-tables: {differs:#?}");
}

#[test]
fn the_tables_of_the_documents_are_current() {
    let mut seen = Vec::new();
    for page in PAGES {
        let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(page)).unwrap();
        let (expected, sections) = with_tables(&text).unwrap_or_else(|fault| panic!("{page}: {fault}"));
        seen.extend(sections);
        hold(page, &expected);
    }
    let missing: Vec<&str> =
        SECTIONS.iter().map(|section| section.name).filter(|name| !seen.contains(name)).collect();
    assert_eq!(missing, [""; 0], "sections without a table");
}

#[test]
fn the_packaged_schema_is_current() {
    hold("packaging/custos.schema.json", &schema());
}

#[test]
fn what_stands_around_a_table_stays() {
    let page = format!("a\n\n{START}limits -->\nold\n{END}\nb\n");
    let (written, sections) = with_tables(&page).unwrap();
    assert!(written.starts_with("a\n\n<!-- keys of limits -->\n\n| key | value | default |\n"), "{written}");
    assert!(written.ends_with("|\n\n<!-- end of keys -->\nb\n") && !written.contains("old"), "{written}");
    assert_eq!((sections.as_slice(), with_tables(&written).unwrap().0), (&["limits"][..], written));
    assert!(with_tables("<!-- keys of nothing -->\n<!-- end of keys -->").is_err());
    assert!(with_tables("<!-- keys of limits -->\n").is_err());
}
