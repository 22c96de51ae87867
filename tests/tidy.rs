//! The rules of the house, as tests: which room may import which, what may be unsafe, which calls are banned, how long
//! a file may be, and whether what the documents name exists.
//!
//! The tables are here; how they are checked is in `tests/tidy/`. A failure names the file and the line, the reason and
//! what to do instead. To change a rule, change its table, with the reason.
#![expect(clippy::unwrap_used, reason = "a file that cannot be read fails the test")]

#[path = "tidy/checks.rs"]
mod checks;
#[path = "tidy/cycles.rs"]
mod cycles;
#[path = "tidy/lexer.rs"]
mod lexer;
#[path = "tidy/links.rs"]
mod links;
#[path = "tidy/modules.rs"]
mod modules;
#[path = "tidy/names.rs"]
mod names;
#[path = "tidy/rooms.rs"]
mod rooms;
#[path = "tidy/tree.rs"]
mod tree;

use std::sync::LazyLock;

use checks::{Ban, Package, Room};
use rooms::ROOMS;
use tree::{Source, Tree};

static TREE: LazyLock<Tree> = LazyLock::new(Tree::of_repository);
static SOURCES: LazyLock<Vec<Source>> = LazyLock::new(|| TREE.sources());

/// The packages, and what of the world outside each may name: other packages of the project, crates, and `files`,
/// `sockets`, `processes`, `threads`, `env`, `clock` for what the standard library has of them.
const PACKAGES: &[Package] = &[
    Package {
        root: "store/src",
        what: "the bytes on disk; no async, no sockets, no clock",
        outside: &["files", "libc", "nix", "processes", "threads"],
    },
    Package {
        root: "store/query/src",
        what: "pure questions to a store",
        outside: &["custos_memory", "custos_promql", "custos_store", "threads"],
    },
    Package { root: "store/query/memory/src", what: "what history says, from plain numbers", outside: &[] },
    Package { root: "store/query/promql/src", what: "PromQL; knows no store", outside: &["threads"] },
    Package {
        root: "compat/src",
        what: "the bytes that others defined; no I/O, no clock",
        outside: &["openssl", "serde", "serde_json", "snap"],
    },
    Package {
        root: "plugins-shim/src",
        what: "the process boundary; no async, no configuration",
        outside: &["env", "files", "libc", "nix", "processes", "sockets", "threads", "clock"],
    },
    Package {
        root: "plugins-shim/native/src",
        what: "the work of standard plugins without a process; no async, no threads, no clock",
        outside: &["custos_compat", "files", "nix"],
    },
];

/// Words that no file of a directory may contain in code, tests included, with the reason.
const UNNAMED: &[(&str, &str, &str)] = &[
    ("src/agent/", "custos_shim", "the agent starts jobs and takes observations; processes are execute's"),
    ("src/agent/", "snmp", "a poll is a job and a trap a passive result; protocols are snmp's"),
];

/// The files that may contain unsafe code: where memory is mapped, where a process is created, and where the C library
/// has something that std and nix lack. Each is small and promises at its top what its SAFETY comments rely on.
const UNSAFE: &[&str] = &[
    "store/src/disk/map.rs",
    "plugins-shim/src/child.rs",
    "plugins-shim/src/sys.rs",
    "src/nrpe/listener/accept/inherited.rs",
    "src/nrpe/listener/access/reverse.rs",
    "src/trim.rs",
];

/// Packages without any unsafe code, whose root must forbid it.
const FORBID_UNSAFE: &[&str] = &[
    "compat/src/lib.rs",
    "plugins-shim/native/src/lib.rs",
    "store/query/src/lib.rs",
    "store/query/memory/src/lib.rs",
    "store/query/promql/src/lib.rs",
];

/// Calls that are banned, beside those of `clippy.toml`.
const BANS: &[Ban] = &[
    Ban {
        calls: &["set_var", "remove_var"],
        reason: "it changes the environment of every thread; give the child its environment instead",
    },
    Ban { calls: &["dbg!"], reason: "it is for a moment's look, not for the repository" },
    Ban { calls: &["todo!", "unimplemented!"], reason: "what is not finished is not committed" },
    Ban {
        calls: &["println!"],
        reason: "it panics when stdout is closed; write to the locked stdout and handle the error",
    },
    Ban {
        calls: &["process::exit"],
        reason: "it skips the end of everything that is running; return an ExitCode",
    },
];

/// Lines that a file may have before its tests. Beyond that it holds a second idea.
const LINES_MAX: usize = 600;

fn assert_none(what: &str, found: Vec<String>) {
    assert!(found.is_empty(), "{what}:\n  {}\n", found.join("\n  "));
}

#[test]
fn rooms_import_only_what_stands_below_them() {
    assert_none("the table itself", checks::table(ROOMS));
    assert_none("imports against the table of rooms", checks::rooms("src", ROOMS, &SOURCES));
    assert_none("the world outside", checks::outside("src", ROOMS, PACKAGES, &SOURCES));
    assert_none("what the table allows needlessly", checks::unused("src", ROOMS, &SOURCES));
    assert_none("words that a room must not contain", checks::unnamed(UNNAMED, &SOURCES));
}

#[test]
fn no_files_import_one_another_in_a_circle() {
    let roots = PACKAGES.iter().map(|package| package.root).chain(["src"]);
    assert_none("circles of imports", roots.flat_map(|root| checks::circles(root, &SOURCES)).collect());
}

#[test]
fn every_file_is_a_module() {
    let roots = PACKAGES.iter().map(|package| package.root).chain(["src"]);
    assert_none(
        "files that no `mod` declares",
        roots.flat_map(|root| checks::undeclared(root, &SOURCES)).collect(),
    );
}

#[test]
fn unsafe_code_is_where_it_may_be() {
    assert_none("unsafe code", checks::unsafe_code(UNSAFE, FORBID_UNSAFE, &SOURCES));
}

#[test]
fn banned_calls_are_not_made() {
    assert_none("banned calls", checks::bans(BANS, &SOURCES));
    assert_none("attributes", checks::attributes(&SOURCES));
}

#[test]
fn files_hold_one_idea() {
    assert_none("long files", checks::lengths(LINES_MAX, &SOURCES));
    assert_none("module roots with more than declarations", checks::module_roots(&SOURCES));
}

#[test]
fn documents_name_what_exists() {
    assert_none("links", links::broken(&TREE));
    assert_none("paths", links::missing_paths(&TREE));
    assert_none("rules by number", links::numbered_rules(&TREE, &SOURCES));
    assert_none("names in ARCHITECTURE.md", names::missing(&TREE, &SOURCES));
}

/// The checks find what they are for: each is given a source that breaks its rule.
mod themselves {
    use super::*;

    fn sources(files: &[(&str, &str)]) -> Vec<Source> {
        let mut tree = Tree::default();
        for (path, text) in files {
            tree.files.insert((*path).to_owned(), (*text).to_owned());
        }
        tree.sources()
    }

    fn refused(found: &[String], parts: &[&str]) {
        assert_eq!(found.len(), 1, "{found:?}");
        for part in parts {
            assert!(found[0].contains(part), "{part}: {found:?}");
        }
    }

    #[test]
    fn an_import_against_the_table_is_refused_with_the_reason() {
        let files = |import: &str| {
            sources(&[
                ("src/lib.rs", "mod agent;\nmod snmp;\n"),
                ("src/agent/mod.rs", "mod core;\n"),
                ("src/agent/core.rs", import),
                ("src/snmp/mod.rs", "mod traps;\npub use traps::Keys;\n"),
                ("src/snmp/traps.rs", "pub struct Keys;\n"),
            ])
        };
        let parts =
            ["src/agent/core.rs:2", "`agent` must not import `snmp`", "neither processes nor protocols"];
        for import in [
            "\nuse crate::snmp::Keys;\n",
            "\nuse crate::{clock, snmp::traps::Keys};\n",
            "\nuse crate::snmp as other;\n",
            "\nfn f(_: &crate::snmp::Keys) {}\n",
            "\nfn f(_: &super::super::snmp::Keys) {}\n",
        ] {
            refused(&checks::rooms("src", ROOMS, &files(import)), &parts);
        }
        for harmless in [
            "// use crate::snmp;\n",
            "#[cfg(test)]\nmod tests { use crate::snmp::Keys; }\n",
            "const A: &str = \"crate::snmp\";",
        ] {
            assert_eq!(checks::rooms("src", ROOMS, &files(harmless)), Vec::<String>::new(), "{harmless}");
        }
    }

    #[test]
    fn a_room_that_is_not_in_the_table_is_refused() {
        let files = sources(&[("src/lib.rs", "mod attic;\n"), ("src/attic.rs", "use crate::clock;\n")]);
        refused(&checks::rooms("src", ROOMS, &files), &["src/attic.rs", "not in the table"]);
    }

    #[test]
    fn a_table_with_a_way_back_is_refused() {
        let low = Room { name: "low", what: "", imports: &["high"], outside: &[] };
        let high = Room { name: "high", what: "", imports: &["low"], outside: &[] };
        refused(&checks::table(&[low, high]), &["`low`", "`high`", "above"]);
    }

    #[test]
    fn what_the_table_allows_and_no_file_does_is_found() {
        let low = Room { name: "low", what: "", imports: &[], outside: &[] };
        let high = Room { name: "high", what: "", imports: &["low"], outside: &["files"] };
        let unused = |code: &str| {
            let files = sources(&[
                ("src/lib.rs", "mod low;\nmod high;\n"),
                ("src/low.rs", "pub struct Low;\n"),
                ("src/high.rs", code),
            ]);
            checks::unused("src", &[low, high], &files)
        };
        refused(&unused("use std::fs;\n"), &["`high`", "low", "take it out"]);
        refused(&unused("use crate::low::Low;\n"), &["`high`", "files", "take it out"]);
        assert!(unused("use std::fs;\nuse crate::low::Low;\n").is_empty());
    }

    #[test]
    fn the_world_outside_is_kept_out() {
        for (code, named) in [
            ("use tokio::sync::mpsc;", "tokio"),
            ("fn f() { std::fs::read(\"x\"); }", "files"),
            ("use std::{fs, io};", "files"),
            ("use std::net::{IpAddr, TcpStream};", "sockets"),
            ("fn f() { std::thread::spawn(|| ()); }", "threads"),
        ] {
            let files = sources(&[("src/lib.rs", "mod graph;\n"), ("src/graph.rs", code)]);
            refused(
                &checks::outside("src", ROOMS, PACKAGES, &files),
                &["src/graph.rs:1", named, "charts; pure"],
            );
        }
        let files = sources(&[("compat/src/lib.rs", "use std::fs;\n")]);
        refused(
            &checks::outside("src", ROOMS, PACKAGES, &files),
            &["compat/src/lib.rs:1", "files", "no I/O"],
        );
        let files = sources(&[("src/lib.rs", "mod graph;\n"), ("src/graph.rs", "use std::net::IpAddr;")]);
        assert!(checks::outside("src", ROOMS, PACKAGES, &files).is_empty());
    }

    #[test]
    fn a_word_that_a_room_must_not_contain_is_found_in_tests_too() {
        let code = "#[cfg(test)]\nmod tests { use custos_shim::Report; }\n";
        refused(
            &checks::unnamed(UNNAMED, &sources(&[("src/agent/core.rs", code)])),
            &["core.rs:2", "execute's"],
        );
        let code = "fn f() { let snmp_traps = 1; }";
        refused(
            &checks::unnamed(UNNAMED, &sources(&[("src/agent/core.rs", code)])),
            &["core.rs:1", "snmp's"],
        );
    }

    #[test]
    fn a_circle_is_found_through_re_exports() {
        let files = sources(&[
            ("src/lib.rs", "mod room;\n"),
            ("src/room/mod.rs", "mod low;\nmod high;\npub use high::High;\npub use low::Low;\n"),
            ("src/room/low.rs", "use crate::room::High;\npub struct Low;\n"),
            ("src/room/high.rs", "use super::low;\npub struct High(low::Low);\n"),
        ]);
        refused(&checks::circles("src", &files), &["src/room/high.rs", "src/room/low.rs"]);
    }

    #[test]
    fn a_file_that_nothing_declares_is_found() {
        let files = sources(&[("src/lib.rs", "mod a;\n"), ("src/a.rs", ""), ("src/dead.rs", "")]);
        refused(&checks::undeclared("src", &files), &["src/dead.rs"]);
    }

    #[test]
    fn unsafe_code_elsewhere_is_refused() {
        let check = |files: &[(&str, &str)]| checks::unsafe_code(UNSAFE, &[], &sources(files));
        refused(&check(&[("src/agent/core.rs", "fn f() { unsafe { g() } }")]), &["src/agent/core.rs:1"]);
        assert!(check(&[("plugins-shim/src/sys.rs", "fn f() { unsafe { g() } }")]).is_empty());
        let forbidden = checks::unsafe_code(UNSAFE, FORBID_UNSAFE, &sources(&[("compat/src/lib.rs", "")]));
        refused(&forbidden, &["compat/src/lib.rs", "#![forbid(unsafe_code)]"]);
    }

    #[test]
    fn banned_calls_and_attributes_are_found() {
        let bans = |code: &str| checks::bans(BANS, &sources(&[("src/cli/x.rs", code)]));
        refused(&bans("fn f() { std::env::set_var(\"A\", \"b\"); }"), &["src/cli/x.rs:1", "every thread"]);
        refused(&bans("fn f() { std::env::remove_var(\"A\"); }"), &["remove_var", "every thread"]);
        refused(&bans("fn f() { std::process::exit(1); }"), &["ExitCode"]);
        refused(&bans("fn f() { println!(\"x\"); }"), &["stdout"]);
        for harmless in
            ["fn f() { writeln!(out, \"println!\"); }", "// println!(\"x\")", "fn f() { process::id(); }"]
        {
            assert!(bans(harmless).is_empty(), "{harmless}");
        }
        let attributes = |code: &str| checks::attributes(&sources(&[("src/cli/x.rs", code)]));
        refused(&attributes("#[allow(dead_code)]\nfn f() {}"), &["reason"]);
        refused(&attributes("#![allow(dead_code, reason = \"x\")]"), &["expect"]);
        assert!(attributes("#[expect(dead_code, reason = \"x\")]\nfn f() {}").is_empty());
    }

    #[test]
    fn long_files_and_busy_roots_are_found() {
        let long = "// line\n".repeat(700);
        refused(&checks::lengths(600, &sources(&[("src/cli/x.rs", &long)])), &["700 lines"]);
        let tests = format!("fn f() {{}}\n#[cfg(test)]\nmod tests {{\n{long}}}\n");
        assert!(checks::lengths(600, &sources(&[("src/cli/x.rs", &tests)])).is_empty());
        refused(
            &checks::module_roots(&sources(&[("src/cli/mod.rs", "mod x;\nfn f() {}\n")])),
            &["src/cli/mod.rs:2"],
        );
    }

    #[test]
    fn links_that_lead_nowhere_are_found() {
        let tree = |text: &str| {
            let mut tree = Tree::default();
            tree.files.insert("docs/a.md".to_owned(), text.to_owned());
            tree.files.insert("docs/b.md".to_owned(), "# Top\n\n## The `second` part\n".to_owned());
            tree
        };
        refused(&links::broken(&tree("see [b](c.md)")), &["docs/a.md:1", "c.md"]);
        refused(&links::broken(&tree("see [b](b.md#third)")), &["b.md#third"]);
        assert!(
            links::broken(&tree("see [b](b.md#the-second-part) and [x](https://example.org)")).is_empty()
        );
        refused(&links::missing_paths(&tree("in `src/gone.rs`")), &["src/gone.rs"]);
        refused(&links::numbered_rules(&tree("by rule R7"), &[]), &["docs/a.md:1", "plugin-output.md"]);
    }

    #[test]
    fn names_in_the_architecture_that_the_code_has_not_are_found() {
        let missing = |text: &str| {
            let mut tree = Tree::default();
            tree.files.insert("ARCHITECTURE.md".to_owned(), text.to_owned());
            tree.files.insert(
                "src/agent/core.rs".to_owned(),
                "enum Event { Asked }\nfn pass_slots() {}\n".to_owned(),
            );
            tree.files.insert("src/cli/tests/a.rs".to_owned(), String::new());
            let sources = tree.sources();
            names::missing(&tree, &sources)
        };
        let heading = "# Page\n\n";
        for (text, named) in [
            ("`src/agent/gone.rs`", "src/agent/gone.rs"),
            ("`core.rs`", "core.rs"),
            ("`src/cli/` and `core.rs`", "core.rs"),
            ("`src/agent/` and\n## Part\n`core.rs`", "core.rs"),
            ("`src/agent/tests/`", "src/agent/tests/"),
            ("`Event::Told`", "Event::Told"),
            ("`take_slots`", "take_slots"),
            ("`Effect`", "Effect"),
        ] {
            refused(&missing(&format!("{heading}{text}")), &["ARCHITECTURE.md:", named]);
        }
        for text in [
            "`src/agent/core.rs`, `Event::Asked`, `pass_slots`, `custos check` and `kill -9`",
            "`src/agent/` with its `core.rs`",
            "`core.rs` of `src/agent/core.rs`",
            "`src/cli/` has `tests/` and `tests/a.rs`",
        ] {
            assert_eq!(missing(&format!("{heading}{text}")), Vec::<String>::new(), "{text}");
        }
    }
}
