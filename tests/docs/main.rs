//! The pages for users, tested: every command that a page shows is run on a machine made for it, and what it prints is
//! compared with what the page says; every configuration is checked.
//!
//! How a page marks what it shows is described in `page.rs`, what may stand for output that varies in `compare.rs`, and
//! the machines in `machine.sh`. With `CUSTOS_DOCS_WRITE=1` pages get what was printed in place of what they say.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod compare;
mod inline;
mod limits;
mod night;
mod page;
mod session;

#[path = "../stage/mod.rs"]
mod stage;

use page::{Item, Page};

/// One test for each page, and the list of them.
macro_rules! pages {
    ($($name:ident: $path:literal,)*) => {
        $(
            #[test]
            fn $name() {
                session::hold(&Page::read($path));
            }
        )*

        const PAGES: &[&str] = &[$($path),*];
    };
}

pages! {
    alerting: "docs/alerting.md",
    backtest: "docs/backtest.md",
    commands: "docs/commands.md",
    configuration: "docs/configuration.md",
    fleet: "docs/fleet.md",
    from_checkmk: "docs/from-checkmk.md",
    from_icinga: "docs/from-icinga.md",
    from_nagios: "docs/from-nagios.md",
    from_telegraf: "docs/from-telegraf.md",
    grafana: "docs/grafana.md",
    history_page: "docs/history.md",
    how_it_works: "docs/how-it-works.md",
    import_page: "docs/import.md",
    install: "docs/install.md",
    keeping: "docs/keeping.md",
    limits_page: "docs/limits.md",
    migrate_from_nrpe: "docs/migrate-from-nrpe.md",
    nagios_differences: "docs/nagios-differences.md",
    night_page: "docs/night.md",
    notify_page: "docs/notify.md",
    nrpe_differences: "docs/nrpe-differences.md",
    page_in_browsers: "docs/page.md",
    plugin_output: "docs/plugin-output.md",
    plugins: "docs/plugins.md",
    promql_differences: "docs/promql-differences.md",
    query: "docs/query.md",
    readme: "README.md",
    submit: "docs/submit.md",
    rules: "docs/rules.md",
    security: "docs/security.md",
    sequences: "docs/sequences.md",
    sinks: "docs/sinks.md",
    snmp: "docs/snmp.md",
    start: "docs/start.md",
    streams: "docs/streams.md",
    summary: "docs/SUMMARY.md",
    top_page: "docs/top.md",
    watch: "docs/watch.md",
}

/// Commands that go without a run in all pages together. Whoever needs more looks for a way to run them first.
const NOT_RUN_MAX: usize = 30;

#[test]
fn every_page_is_tested() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages: Vec<String> = std::fs::read_dir(root.join("docs"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".md"))
        .map(|name| format!("docs/{name}"))
        .collect();
    pages.push("README.md".to_owned());
    pages.sort();
    let mut tested = PAGES.to_vec();
    tested.sort_unstable();
    assert_eq!(tested, pages, "a page without a test, or a test without its page");
}

#[test]
fn the_site_has_every_page() {
    let summary = Page::read("docs/SUMMARY.md").text;
    let lacking = |page: &&&str| {
        let name = page.trim_start_matches("docs/");
        !["README.md", "SUMMARY.md"].contains(&name) && !summary.contains(&format!("]({name})"))
    };
    let lacking: Vec<_> = PAGES.iter().filter(lacking).collect();
    assert!(lacking.is_empty(), "docs/SUMMARY.md lacks {lacking:?}");
}

#[test]
fn every_question_of_the_night_is_answered_by_two_commands_at_most() {
    let page = Page::read("docs/night.md");
    let mut questions: Vec<(usize, &str, usize)> = Vec::new();
    for (at, line) in page.text.lines().enumerate().filter(|(_, line)| line.starts_with("## ")) {
        questions.push((at + 1, line, 0));
    }
    for item in &page.items {
        let Item::Shown(shown) = item else { continue };
        let asked = questions.iter_mut().rfind(|(line, ..)| *line < shown.line).unwrap();
        asked.2 += usize::from(shown.command != "echo $?");
    }
    let answered = |heading: &str| heading.ends_with('?') || heading.contains("ten lines");
    assert!(questions.iter().filter(|(_, heading, _)| answered(heading)).count() >= 15, "{questions:?}");
    for (line, heading, count) in questions.into_iter().filter(|(_, heading, _)| answered(heading)) {
        assert!((1..=2).contains(&count), "docs/night.md:{line}: {heading}: {count} commands");
    }
}

#[test]
fn few_commands_go_without_a_run() {
    let mut left_out = Vec::new();
    for page in PAGES.iter().copied().map(Page::read) {
        for item in &page.items {
            if let Item::NotRun { line, command } = item {
                left_out.push(format!("{}:{line}: {command}", page.name));
            }
        }
    }
    let count = left_out.len();
    assert!(count <= NOT_RUN_MAX, "{count} commands go without a run:\n{}", left_out.join("\n"));
}

#[test]
fn documents_link_to_each_other_where_they_are_installed() {
    let to = tempfile::tempdir().unwrap();
    let written = std::process::Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/documents"))
        .arg(to.path().join("doc"))
        .output()
        .unwrap();
    assert!(written.status.success(), "{}", String::from_utf8_lossy(&written.stderr));
    let readme = std::fs::read_to_string(to.path().join("doc/README.md")).unwrap();
    assert!(readme.contains("](start.md)") && !readme.contains("](docs/"), "{readme}");
}

#[test]
fn every_example_that_pages_name_is_in_the_packages() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
    let (deb, stage) = (read("Cargo.toml"), read("packaging/static/stage"));
    let mut named = 0;
    for page in PAGES {
        for rest in read(page).split("/usr/share/doc/custos/examples/").skip(1) {
            let end = rest.find(|c: char| !(c.is_alphanumeric() || "._-/".contains(c))).unwrap_or(rest.len());
            // Of a directory its first name: each file of it is below that.
            let name = rest[..end].trim_end_matches('.').split('/').next().unwrap();
            let installed = deb.lines().filter(|line| line.contains("usr/share/doc/custos/examples/"));
            assert!(
                installed.clone().any(|line| line.contains(&format!("/{name}"))),
                "{page}: {name}: Cargo.toml"
            );
            assert!(stage.contains(&format!("/{name}")), "{page}: {name}: packaging/static/stage");
            named += 1;
        }
    }
    assert!(named > 4, "{named}");
}
