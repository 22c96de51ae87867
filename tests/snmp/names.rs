//! Names of MIB files beside `snmptranslate`.

use std::process::{Command, Stdio};

use custos::mib::{Names, read_mibs};

use crate::stage::{Stage, text};

/// A module that names one place and what is below it in its own words. Its roots are spelled out, because the modules of
/// SNMPv2 are no part of Debian's packages.
fn module(name: &str, ours: &str) -> String {
    format!(
        "{name} DEFINITIONS ::= BEGIN\n\
         IMPORTS OBJECT-TYPE, NOTIFICATION-TYPE FROM SNMPv2-SMI OBJECT-GROUP FROM SNMPv2-CONF;\n\
         {ours} OBJECT IDENTIFIER ::= {{ iso org(3) dod(6) internet(1) private(4) enterprises(1) 99901 }}\n\
         {ours}Temp OBJECT-TYPE SYNTAX INTEGER {{ {ours}Fine(1) }} MAX-ACCESS read-only STATUS current \
         DESCRIPTION \"a\" ::= {{ {ours} 1 }}\n\
         {ours}Trap NOTIFICATION-TYPE STATUS current DESCRIPTION \"a\" ::= {{ {ours} 0 7 }}\n\
         {ours}Group OBJECT-GROUP OBJECTS {{ {ours}Temp }} STATUS current DESCRIPTION \"a\" ::= {{ {ours} 3 }}\n\
         {ours}Deep OBJECT IDENTIFIER ::= {{ {ours} {ours}Within(2) {ours}Under(5) 6 }}\n\
         END\n"
    )
}

#[test]
fn both_names_of_one_place_are_those_of_snmptranslate() {
    let stage = Stage::new();
    std::fs::create_dir(stage.path("mibs")).unwrap();
    for (name, ours) in [("A-MIB", "alpha"), ("B-MIB", "beta")] {
        stage.write(&format!("mibs/{name}"), &module(name, ours));
    }
    let mut names = (**Names::builtin()).clone();
    assert_eq!(read_mibs(&[stage.path("mibs")], &mut names), []);
    for (module, ours) in [("A-MIB", "alpha"), ("B-MIB", "beta")] {
        for what in ["", "Temp", "Temp.0", "Temp.4.2", "Trap", "Group", "Within", "Under", "Deep"] {
            let name = format!("{module}::{ours}{what}");
            let output = Command::new("snmptranslate")
                .args(["-m", "ALL", "-On", "-M"])
                .arg(stage.path("mibs"))
                .arg(&name)
                .env("SNMP_PERSISTENT_DIR", stage.root())
                .stderr(Stdio::null())
                .output()
                .unwrap();
            assert!(output.status.success(), "{name}");
            let theirs = text(&output.stdout);
            for name in [&name, &format!("{ours}{what}")] {
                let own = names.resolve(name).map(|place| format!(".{place}\n"));
                assert_eq!(own.as_ref(), Ok(&theirs), "{name}");
            }
        }
    }
}
