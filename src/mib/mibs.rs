//! Names of the user's own MIB files, read when a configuration is.
//!
//! Files are read with `mib-rs`, which goes on after a fault, so that a vendor's sloppy file still gives its names. How
//! many files there are, and how large, is bounded before any of them is parsed.

use std::fs;
use std::path::{Path, PathBuf};

use custos_compat::snmp::Oid;
use mib_rs::mib::OidRef;
use mib_rs::{BaseType, DiagCode, Diagnostic, DiagnosticConfig, Kind, LoadError, Loader, Mib, Severity};

use super::depth::{TooDeep, too_deep};
use super::object::{Object, Syntax};
use super::table::Names;
use crate::limits::{
    MIB_DEPTH_MAX, MIB_FAULTS_TOLD_MAX, MIB_FILE_MAX_BYTES, MIB_FILES_MAX, MIB_TOTAL_MAX_BYTES,
};

/// Something that is wrong with MIB files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MibFault {
    /// A file cannot be read at all, and why.
    Unreadable(String),
    /// A file says something that is not understood, with its line.
    Content(String),
}

/// Adds the names of files, and of the files in directories, to a table.
pub fn read_mibs(paths: &[PathBuf], names: &mut Names) -> Vec<MibFault> {
    let mut faults = Vec::new();
    let mut files = match list(paths) {
        Ok(files) => files,
        Err(why) => return vec![MibFault::Unreadable(why)],
    };
    if files.is_empty() {
        return vec![MibFault::Content("`mibs` names no file".to_owned())];
    }
    leave_out_deep(&mut files, names, &mut faults);
    if files.is_empty() {
        return faults;
    }
    let source = match mib_rs::source::files(&files) {
        Ok(source) => source,
        Err(error) => {
            faults.push(MibFault::Unreadable(format!("failed to read the MIB files: {error}")));
            return faults;
        }
    };
    let collect = DiagnosticConfig { fail_at: Severity::Fatal, ..DiagnosticConfig::quiet() };
    match Loader::new().source(source).diagnostic_config(collect).parallelism(1).load() {
        Ok(mib) => {
            tell(&mib, &mut faults);
            add(&mib, names);
        }
        Err(LoadError::DiagnosticThreshold { report }) => {
            let lines = report.iter().filter_map(|entry| entry.render().ok());
            faults.extend(lines.take(MIB_FAULTS_TOLD_MAX).map(MibFault::Unreadable));
        }
        Err(error) => faults.push(MibFault::Unreadable(format!("failed to read the MIB files: {error}"))),
    }
    faults
}

/// The files, those of a directory in the order of their names; hidden ones are left out.
fn list(paths: &[PathBuf]) -> Result<Vec<PathBuf>, String> {
    let mut files = Vec::new();
    let mut bytes = 0;
    let failed = |path: &Path, error: std::io::Error| format!("failed to read {}: {error}", path.display());
    for path in paths {
        let about = fs::metadata(path).map_err(|error| failed(path, error))?;
        if !about.is_dir() {
            bytes += sized(path, &about)?;
            files.push(path.clone());
            continue;
        }
        let mut found = Vec::new();
        for entry in fs::read_dir(path).map_err(|error| failed(path, error))? {
            let file = entry.map_err(|error| failed(path, error))?.path();
            let hidden = file.file_name().is_none_or(|name| name.to_string_lossy().starts_with('.'));
            // A link that leads nowhere is nobody's MIB.
            let Ok(about) = fs::metadata(&file) else { continue };
            if about.is_file() && !hidden {
                bytes += sized(&file, &about)?;
                found.push(file);
            }
            if files.len() + found.len() > MIB_FILES_MAX {
                return Err(format!("there are more than {MIB_FILES_MAX} MIB files in {}", path.display()));
            }
        }
        found.sort();
        files.append(&mut found);
    }
    if bytes > MIB_TOTAL_MAX_BYTES {
        return Err(format!("the MIB files have {bytes} bytes, expected at most {MIB_TOTAL_MAX_BYTES}"));
    }
    Ok(files)
}

/// Takes out the files with names that no object can have.
fn leave_out_deep(files: &mut Vec<PathBuf>, names: &Names, faults: &mut Vec<MibFault>) {
    let found = too_deep(files, names);
    for TooDeep { file, name, numbers, count } in found.iter().take(MIB_FAULTS_TOLD_MAX) {
        let what = match count {
            1 => "1 name of it has".to_owned(),
            count => format!("{count} names of it have"),
        };
        faults.push(MibFault::Content(format!(
            "{} is left out: {what} more than the {MIB_DEPTH_MAX} numbers of an object identifier, `{name}` {numbers}",
            files[*file].display()
        )));
    }
    let more = found.len().saturating_sub(MIB_FAULTS_TOLD_MAX);
    if more > 0 {
        faults.push(MibFault::Content(format!("{more} further MIB files are left out for the same reason")));
    }
    for TooDeep { file, .. } in found.iter().rev() {
        files.remove(*file);
    }
}

/// The size of a file that may be read.
fn sized(path: &Path, about: &fs::Metadata) -> Result<u64, String> {
    let shown = path.display();
    match about.len() {
        _ if !about.is_file() => Err(format!("found {shown}, expected a regular file")),
        bytes if bytes > MIB_FILE_MAX_BYTES => {
            Err(format!("{shown} has {bytes} bytes, expected at most {MIB_FILE_MAX_BYTES}"))
        }
        bytes => Ok(bytes),
    }
}

fn tell(mib: &Mib, faults: &mut Vec<MibFault>) {
    let report = mib.diagnostic_report();
    let bad = || report.iter().filter(|entry| is_fault(entry.diagnostic()));
    for line in bad().take(MIB_FAULTS_TOLD_MAX).filter_map(|entry| entry.render().ok()) {
        faults.push(MibFault::Content(format!("a MIB file is odd: {line}")));
    }
    let more = bad().count().saturating_sub(MIB_FAULTS_TOLD_MAX);
    if more > 0 {
        faults.push(MibFault::Content(format!("the MIB files are odd in {more} further places")));
    }
}

/// Whether something is worth telling. Two names for one OID both exist: vendors copy modules and rename what is in them.
fn is_fault(found: &Diagnostic) -> bool {
    found.severity <= Severity::Error && !matches!(found.code, DiagCode::OidRegistered | DiagCode::OidReuse)
}

/// Adds every name of every module. A node of the tree has only one of its names; the others are those of definitions,
/// and those that stand within the numbers of a definition, as in `{ enterprises acme(99999) 1 }`.
fn add(mib: &Mib, names: &mut Names) {
    for module in mib.user_modules() {
        let data = mib.raw().module(module.id());
        let mut adding = Adding { mib, module, names };
        for object in module.objects() {
            adding.definition(object.name(), object.node(), Some(object), object.oid_refs());
        }
        for trap in data.notifications().iter().map(|id| mib.notification_by_id(*id)) {
            adding.definition(trap.name(), trap.node(), None, trap.oid_refs());
        }
        for group in data.groups().iter().map(|id| mib.group_by_id(*id)) {
            adding.definition(group.name(), group.node(), None, group.oid_refs());
        }
        for compliance in data.compliances().iter().map(|id| mib.compliance_by_id(*id)) {
            adding.definition(compliance.name(), compliance.node(), None, compliance.oid_refs());
        }
        for capability in data.capabilities().iter().map(|id| mib.capability_by_id(*id)) {
            adding.definition(capability.name(), capability.node(), None, capability.oid_refs());
        }
        for identity in module.identities() {
            let node = mib.exact_node_by_oid(identity.oid());
            adding.definition(identity.name(), node, None, identity.oid_refs());
        }
    }
}

/// Where the names of a module go.
struct Adding<'m> {
    mib: &'m Mib,
    module: mib_rs::Module<'m>,
    names: &'m mut Names,
}

impl Adding<'_> {
    fn definition(
        &mut self,
        name: &str,
        node: Option<mib_rs::Node<'_>>,
        object: Option<mib_rs::Object<'_>>,
        parents: &[OidRef],
    ) {
        let own = |parent: &&OidRef| parent.module_id().is_none_or(|module| module == self.module.id());
        let parents: Vec<_> = parents
            .iter()
            .filter(own)
            .filter_map(|parent| Some((parent.name.as_str(), self.mib.exact_node_by_oid(parent.oid()?)?)))
            .collect();
        if let Some(node) = node {
            self.name(name, node, object);
        }
        for (name, node) in parents {
            // What has a definition of its own is added with what that says.
            let object = self.module.object(name);
            self.name(name, node, object);
        }
    }

    fn name(&mut self, name: &str, node: mib_rs::Node<'_>, object: Option<mib_rs::Object<'_>>) {
        let Some(oid) = Oid::new(node.oid()).filter(|oid| !oid.is_empty() && !name.is_empty()) else {
            return;
        };
        let words = object.map(|object| object.effective_enums()).unwrap_or_default();
        let words = words.iter().map(|word| (word.value, word.label.as_str().into()));
        let kind = object.map_or(node.kind(), |object| object.kind());
        self.names.add(Object {
            name: name.into(),
            module: self.module.name().into(),
            oid,
            syntax: syntax(kind, object),
            words: words.collect(),
            units: object.map_or("", |object| object.units()).into(),
        });
    }
}

fn syntax(kind: Kind, object: Option<mib_rs::Object<'_>>) -> Syntax {
    match kind {
        Kind::Table => return Syntax::Table,
        Kind::Row => return Syntax::Row,
        Kind::Notification => return Syntax::Trap,
        Kind::Scalar | Kind::Column => {}
        _ => return Syntax::Node,
    }
    let Some(ty) = object.and_then(|object| object.ty()) else { return Syntax::Bytes };
    match ty.effective_base() {
        BaseType::TimeTicks => Syntax::Ticks,
        BaseType::Counter32 | BaseType::Counter64 => Syntax::Counter,
        BaseType::IpAddress => Syntax::IpAddress,
        BaseType::ObjectIdentifier => Syntax::ObjectId,
        BaseType::OctetString => octets(ty.effective_display_hint()),
        BaseType::Bits | BaseType::Opaque => Syntax::Bytes,
        _ => Syntax::Number,
    }
}

/// What bytes are, by the display hint of their type (RFC 2579, section 3.1).
fn octets(hint: &str) -> Syntax {
    match hint {
        "1x:" => Syntax::Mac,
        hint if hint.starts_with("2d-1d-1d,1d:1d:1d") => Syntax::Date,
        hint if hint.ends_with(['a', 't']) => Syntax::Text,
        _ => Syntax::Bytes,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MIB: &str = r#"ACME-MIB DEFINITIONS ::= BEGIN
IMPORTS MODULE-IDENTITY, OBJECT-TYPE, NOTIFICATION-TYPE, Integer32, TimeTicks, enterprises FROM SNMPv2-SMI
        DisplayString, MacAddress FROM SNMPv2-TC;
acme MODULE-IDENTITY LAST-UPDATED "202601010000Z" ORGANIZATION "a" CONTACT-INFO "a" DESCRIPTION "a"
    ::= { enterprises 99999 }
acmeState OBJECT-TYPE SYNTAX INTEGER { fine(1), broken(2) } MAX-ACCESS read-only STATUS current DESCRIPTION "a"
    ::= { acme 1 }
acmeName OBJECT-TYPE SYNTAX DisplayString MAX-ACCESS read-only STATUS current DESCRIPTION "a" ::= { acme 2 }
acmeMac OBJECT-TYPE SYNTAX MacAddress MAX-ACCESS read-only STATUS current DESCRIPTION "a" ::= { acme 3 }
acmeHeat OBJECT-TYPE SYNTAX Integer32 UNITS "degrees" MAX-ACCESS read-only STATUS current DESCRIPTION "a"
    ::= { acme 4 }
acmeBroke NOTIFICATION-TYPE OBJECTS { acmeState } STATUS current DESCRIPTION "a" ::= { acme 0 1 }
END
"#;

    fn read(files: &[(&str, &str)], path: &str) -> (Names, Vec<MibFault>) {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(directory.path().join(name), text).unwrap();
        }
        let mut names = (**Names::builtin()).clone();
        let faults = read_mibs(&[directory.path().join(path)], &mut names);
        (names, faults)
    }

    #[test]
    fn names_of_a_file_come_on_top_of_the_built_in_ones() {
        for path in ["acme.mib", "."] {
            let (names, faults) = read(&[("acme.mib", MIB)], path);
            assert_eq!(faults, []);
            assert_eq!(names.resolve("acmeState.0").unwrap().to_string(), "1.3.6.1.4.1.99999.1.0");
            assert_eq!(names.resolve("ACME-MIB::acmeBroke").unwrap().to_string(), "1.3.6.1.4.1.99999.0.1");
            let object = |name| names.by_name(name).unwrap();
            assert_eq!(
                (object("acmeState").word(2), &*object("acmeHeat").units),
                (Some("broken"), "degrees")
            );
            let syntax =
                ["acmeName", "acmeMac", "acmeHeat", "acmeBroke", "acme"].map(|name| object(name).syntax);
            let expected = [Syntax::Text, Syntax::Mac, Syntax::Number, Syntax::Trap, Syntax::Node];
            assert_eq!(syntax, expected);
            assert_eq!(names.resolve("sysUpTime.0").unwrap().to_string(), "1.3.6.1.2.1.1.3.0");
        }
    }

    #[test]
    fn both_names_of_a_place_exist() {
        let module = |name: &str, ours: &str, status: &str| {
            format!(
                "{name} DEFINITIONS ::= BEGIN\nIMPORTS OBJECT-TYPE, NOTIFICATION-TYPE, Integer32, enterprises \
                 FROM SNMPv2-SMI OBJECT-GROUP FROM SNMPv2-CONF;\n\
                 {ours} OBJECT IDENTIFIER ::= {{ enterprises 99901 }}\n\
                 {ours}Temp OBJECT-TYPE SYNTAX INTEGER {{ {status}(1) }} UNITS \"{ours}\" MAX-ACCESS read-only \
                 STATUS current DESCRIPTION \"a\" ::= {{ {ours} 1 }}\n\
                 {ours}Trap NOTIFICATION-TYPE STATUS current DESCRIPTION \"a\" ::= {{ {ours} 0 7 }}\n\
                 {ours}Group OBJECT-GROUP OBJECTS {{ {ours}Temp }} STATUS current DESCRIPTION \"a\" ::= {{ {ours} 3 }}\n\
                 {ours}Deep OBJECT IDENTIFIER ::= {{ enterprises {ours}Within(99902) {ours}Under(5) 6 }}\nEND\n"
            )
        };
        let (a, b) = (module("A-MIB", "alpha", "fine"), module("B-MIB", "beta", "good"));
        for files in [[("1", &*a), ("2", &*b)], [("1", &*b), ("2", &*a)]] {
            let (names, faults) = read(&files, ".");
            assert_eq!(faults, [], "two names for one place are no fault");
            for (module, ours) in [("A-MIB", "alpha"), ("B-MIB", "beta")] {
                for (name, place) in [
                    ("", "99901"),
                    ("Temp", "99901.1"),
                    ("Trap", "99901.0.7"),
                    ("Group", "99901.3"),
                    ("Within", "99902"),
                    ("Under", "99902.5"),
                    ("Deep", "99902.5.6"),
                ] {
                    for name in [format!("{ours}{name}"), format!("{module}::{ours}{name}")] {
                        let found = names.resolve(&name).map(|oid| oid.to_string());
                        assert_eq!(found, Ok(format!("1.3.6.1.4.1.{place}")), "{name}");
                    }
                }
                assert!(names.resolve(&format!("{module}::enterprises")).is_err());
                let object = names.by_name(&format!("{ours}Temp")).unwrap();
                let word = if ours == "alpha" { "fine" } else { "good" };
                assert_eq!(
                    (object.word(1), &*object.units, object.syntax),
                    (Some(word), ours, Syntax::Number)
                );
                assert_eq!(names.by_name(&format!("{ours}Trap")).unwrap().syntax, Syntax::Trap);
            }
        }
    }

    #[test]
    fn faults_are_told_with_file_and_line_and_the_rest_is_used() {
        let broken =
            MIB.replace("SYNTAX DisplayString", "SYNTAX NoSuchType").replace("{ acme 3 }", "{ nowhere 3 }");
        let (names, faults) = read(&[("acme.mib", &broken)], "acme.mib");
        assert!(names.by_name("acmeState").is_some());
        assert!(!faults.is_empty());
        for fault in &faults {
            assert!(matches!(fault, MibFault::Content(line) if line.contains("acme.mib:")), "{fault:?}");
        }
    }

    #[test]
    fn a_file_with_endless_names_is_left_out_and_the_others_are_used() {
        let links: String =
            (1..20_000).map(|n| format!("c{n} OBJECT IDENTIFIER ::= {{ c{} 1 }}\n", n - 1)).collect();
        let deep = format!(
            "DEEP-MIB DEFINITIONS ::= BEGIN\nIMPORTS enterprises FROM SNMPv2-SMI;\n\
             c0 OBJECT IDENTIFIER ::= {{ enterprises 99 }}\n{links}END\n"
        );
        let (names, faults) = read(&[("acme.mib", MIB), ("deep.mib", &deep)], ".");
        assert!(names.by_name("acmeState").is_some() && names.by_name("c0").is_none());
        let [MibFault::Content(told)] = &faults[..] else { panic!("{faults:?}") };
        let expected = "deep.mib is left out: 19878 names of it have more than the 128 numbers of an object \
                        identifier, `c122` 129";
        assert!(told.ends_with(expected), "{told}");
    }

    #[test]
    fn what_is_no_mib_is_refused() {
        let unreadable = |path: &str, files: &[(&str, &str)]| match &read(files, path).1[..] {
            [MibFault::Unreadable(why)] => why.clone(),
            other => panic!("{other:?}"),
        };
        assert!(unreadable("none.mib", &[]).contains("No such file"));
        assert!(unreadable("a.mib", &[("a.mib", "hello")]).contains("failed to read the MIB files"));
        assert_eq!(read(&[], ".").1, [MibFault::Content("`mibs` names no file".to_owned())]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn whatever_becomes_of_a_file_the_other_names_stay(
            changes in prop::collection::vec((any::<prop::sample::Index>(), "[{}:=\"()0-9a-zA-Z \\n]{0,6}", 0..9_usize), 1..5),
        ) {
            let mut text = MIB.to_owned();
            for (at, with, len) in changes {
                let at = at.index(text.len());
                text.replace_range(at..(at + len).min(text.len()), &with);
            }
            let (names, _) = read(&[("acme.mib", &text)], "acme.mib");
            prop_assert!(names.len() >= Names::builtin().len());
            for object in Names::builtin().objects() {
                prop_assert_eq!(names.by_name(&object.name), Names::builtin().by_name(&object.name));
            }
            for object in names.objects() {
                let full = format!("{}::{}", object.module, object.name);
                prop_assert_eq!(names.by_name(&full), Some(object));
            }
        }
    }
}
