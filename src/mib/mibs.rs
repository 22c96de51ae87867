//! Names of the user's own MIB files, read when a configuration is.
//!
//! Files are read with `mib-rs`, which goes on after a fault, so that a vendor's sloppy file still gives its names. How
//! many files there are, and how large, is bounded before any of them is parsed.

use std::fs;
use std::path::{Path, PathBuf};

use custos_compat::snmp::Oid;
use mib_rs::{BaseType, DiagnosticConfig, Kind, LoadError, Loader, Mib, Severity};

use super::object::{Object, Syntax};
use super::table::Names;
use crate::limits::{MIB_FAULTS_TOLD_MAX, MIB_FILE_MAX_BYTES, MIB_FILES_MAX, MIB_TOTAL_MAX_BYTES};

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
    let files = match list(paths) {
        Ok(files) => files,
        Err(why) => return vec![MibFault::Unreadable(why)],
    };
    if files.is_empty() {
        return vec![MibFault::Content("`mibs` names no file".to_owned())];
    }
    let source = match mib_rs::source::files(&files) {
        Ok(source) => source,
        Err(error) => return vec![MibFault::Unreadable(format!("failed to read the MIB files: {error}"))],
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
    let bad = || report.iter().filter(|entry| entry.diagnostic().severity <= Severity::Error);
    for line in bad().take(MIB_FAULTS_TOLD_MAX).filter_map(|entry| entry.render().ok()) {
        faults.push(MibFault::Content(format!("a MIB file is odd: {line}")));
    }
    let more = bad().count().saturating_sub(MIB_FAULTS_TOLD_MAX);
    if more > 0 {
        faults.push(MibFault::Content(format!("the MIB files are odd in {more} further places")));
    }
}

fn add(mib: &Mib, names: &mut Names) {
    for module in mib.user_modules() {
        for node in module.nodes() {
            let Some(oid) = Oid::new(node.oid()).filter(|oid| !oid.is_empty()) else { continue };
            if node.name().is_empty() {
                continue;
            }
            let object = node.object();
            let words = object.map(|object| object.effective_enums()).unwrap_or_default();
            let words = words.iter().map(|word| (word.value, &*word.label));
            names.add(Object {
                name: node.name().into(),
                module: module.name().into(),
                oid,
                syntax: syntax(node.kind(), object),
                words: words.map(|(number, word)| (number, word.into())).collect(),
                units: object.map_or("", |object| object.units()).into(),
            });
        }
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
    fn what_is_no_mib_is_refused() {
        let unreadable = |path: &str, files: &[(&str, &str)]| match &read(files, path).1[..] {
            [MibFault::Unreadable(why)] => why.clone(),
            other => panic!("{other:?}"),
        };
        assert!(unreadable("none.mib", &[]).contains("No such file"));
        assert!(unreadable("a.mib", &[("a.mib", "hello")]).contains("failed to read the MIB files"));
        assert_eq!(read(&[], ".").1, [MibFault::Content("`mibs` names no file".to_owned())]);
    }
}
