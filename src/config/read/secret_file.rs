//! Secrets in files that no other user may read or change.
//!
//! A file is refused if others may read or write it, if its group may write it, or if it belongs to somebody else than
//! root or the user of this process. For root it is only a warning that a file is somebody else's, who may be the agent. A
//! file that this process may not read is a warning only, so that ordinary users can use the commands that need no secret;
//! the agent then says of each poll why it cannot be made.

use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::unistd::Uid;

use crate::config::keys::snmp::{FILE, SECRET};
use crate::config::model::snmp::Secret;
use crate::document::diagnostic::Findings;
use crate::document::fields::{Fields, printable, text};
use crate::document::yaml::{Content, Node};
use crate::limits::{CREDENTIALS_MAX_BYTES, SECRET_MAX_BYTES};
use crate::whole_file;

/// A community that everybody knows.
const NO_SECRET: &str = "public";

/// Reads `{ file: PATH }`; with `inline`, also a text in its place, with a warning unless it is no secret at all.
pub(crate) fn read(
    node: &Node,
    owner: &str,
    inline: bool,
    base: &Path,
    findings: &mut Findings,
) -> Option<Secret> {
    if inline && !matches!(node.content, Content::Map(_)) {
        let community = text(node, "a mapping such as `{ file: /etc/custos/community }`", findings)?;
        if !printable(community, &node.place, findings) {
            return None;
        }
        if community != NO_SECRET {
            findings.warning(
                &node.place,
                format!("{owner} stands in the configuration itself; write it to a file and `{{ file: PATH }}` here"),
            );
        }
        return Some(Secret::inline(community));
    }
    if !matches!(node.content, Content::Map(_)) {
        // What stands here may be the secret, which no message repeats.
        let message = format!("{owner} is to stand in a file, expected `{{ file: PATH }}`");
        findings.error(&node.place, message);
        return None;
    }
    let fields = Fields::of(node, owner, &SECRET, findings)?;
    let file = fields.need(&FILE, &node.place, owner, "the path of one", findings)?;
    from_file(file, owner, base, findings)
}

/// Reads the secret in the file that a node names.
pub(crate) fn from_file(node: &Node, owner: &str, base: &Path, findings: &mut Findings) -> Option<Secret> {
    from_file_by(read_line, node, owner, base, findings)
}

/// Reads all of the file that a node names, as it is.
pub(crate) fn whole_from_file(
    node: &Node,
    owner: &str,
    base: &Path,
    findings: &mut Findings,
) -> Option<Secret> {
    from_file_by(|path| read_file(path, CREDENTIALS_MAX_BYTES), node, owner, base, findings)
}

fn from_file_by(
    read: impl Fn(&Path) -> Result<File, Fault>,
    node: &Node,
    owner: &str,
    base: &Path,
    findings: &mut Findings,
) -> Option<Secret> {
    let path = text(node, "the path of a file", findings)?;
    if !printable(path, &node.place, findings) {
        return None;
    }
    let path = base.join(path);
    let bytes = match read(&path) {
        Ok(File { bytes, foreign_owner }) => {
            if let Some(user) = foreign_owner {
                let shown = path.display();
                let why = format!("{shown} belongs to the user {user}, who may change {owner}");
                findings.warning(&node.place, why);
            }
            Ok(bytes.into())
        }
        Err(Fault::Io(error)) if error.kind() == io::ErrorKind::PermissionDenied => {
            let why = format!("failed to read {owner} from {}: {error}", path.display());
            findings.warning(&node.place, why.clone());
            Err(why)
        }
        Err(fault) => {
            findings.error(&node.place, format!("failed to read {owner} from {}: {fault}", path.display()));
            return None;
        }
    };
    Some(Secret { file: Some(path), bytes })
}

enum Fault {
    Io(io::Error),
    Refused(String),
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Fault::Io(error) => error.fmt(f),
            Fault::Refused(why) => f.write_str(why),
        }
    }
}

/// What was in a file.
struct File {
    bytes: Vec<u8>,
    /// Another user than root, whose file it is, where root reads it.
    foreign_owner: Option<u32>,
}

/// The file, if nobody else can use it.
fn read_file(path: &Path, most_bytes: usize) -> Result<File, Fault> {
    let refused = |why: String| Err(Fault::Refused(why));
    let file = whole_file::open(path).map_err(Fault::Io)?;
    // What was opened is what is judged.
    let about = file.metadata().map_err(Fault::Io)?;
    let mode = about.mode() & 0o777;
    if mode & 0o027 != 0 {
        let who = if mode & 0o007 != 0 { "everybody" } else { "its group" };
        let may = if mode & 0o007 == 0 || mode & 0o002 != 0 { "change" } else { "read" };
        return refused(format!("{who} may {may} it (mode {mode:04o}); `chmod 600` it, or 640"));
    }
    let is_foreign = about.uid() != 0 && about.uid() != Uid::effective().as_raw();
    if is_foreign && !Uid::effective().is_root() {
        return refused(format!("it belongs to the user {}, who may change it", about.uid()));
    }
    let mut bytes = Vec::new();
    file.take(most_bytes as u64 + 1).read_to_end(&mut bytes).map_err(Fault::Io)?;
    if bytes.len() > most_bytes {
        return refused(format!("it has more than {most_bytes} bytes"));
    }
    if bytes.is_empty() {
        return refused("it is empty".to_owned());
    }
    Ok(File { bytes, foreign_owner: is_foreign.then(|| about.uid()) })
}

/// The first line of the file, which is all that it may have.
fn read_line(path: &Path) -> Result<File, Fault> {
    let refused = |why: &str| Err(Fault::Refused(why.to_owned()));
    let File { mut bytes, foreign_owner } = read_file(path, SECRET_MAX_BYTES)?;
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
    }
    if bytes.last() == Some(&b'\r') {
        bytes.pop();
    }
    if bytes.is_empty() {
        return refused("it is empty");
    }
    if bytes.contains(&b'\n') || bytes.contains(&0) {
        return refused("it has more than one line");
    }
    Ok(File { bytes, foreign_owner })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::document::place::SourceFile;
    use crate::document::yaml;

    fn read_yaml(yaml: &str, base: &Path) -> (Option<Secret>, String) {
        let file = SourceFile::new("f".into(), format!("v: {yaml}\n"));
        let mut findings = Findings::default();
        let root = yaml::parse(&file, &mut findings).unwrap();
        let Content::Map(entries) = &root.content else { panic!("no mapping") };
        let secret = read(&entries[0].value, "the community", true, base, &mut findings);
        (secret, findings.into_mistakes(&[]).to_string())
    }

    #[test]
    fn only_files_that_nobody_else_can_use_are_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("c");
        for (mode, expected) in [
            (0o600, ""),
            (0o640, ""),
            (0o400, ""),
            (0o644, "everybody may read it (mode 0644)"),
            (0o660, "its group may change it (mode 0660)"),
            (0o602, "everybody may change it (mode 0602)"),
        ] {
            fs::write(&path, "hush\n").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let (secret, mistakes) = read_yaml("{ file: c }", directory.path());
            assert!(mistakes.contains(expected), "{mode:o}: {mistakes}");
            assert!(!mistakes.contains("hush"));
            assert_eq!(secret.is_some(), expected.is_empty(), "{mode:o}");
            if let Some(secret) = secret {
                assert_eq!((secret.bytes(), secret.file()), (Ok(&b"hush"[..]), Some(&*path)));
            }
            fs::remove_file(&path).unwrap();
        }
    }

    #[test]
    fn to_root_a_file_of_another_is_odd() {
        if !Uid::effective().is_root() {
            return;
        }
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("c");
        fs::write(&path, "hush\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        std::os::unix::fs::chown(&path, Some(54_406), None).unwrap();
        let (secret, mistakes) = read_yaml("{ file: c }", directory.path());
        assert!(
            mistakes.contains("warning: ") && mistakes.contains("belongs to the user 54406"),
            "{mistakes}"
        );
        assert_eq!(secret.unwrap().bytes(), Ok(&b"hush"[..]));
    }

    #[test]
    fn files_that_are_no_secret_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("c");
        let long = "x".repeat(SECRET_MAX_BYTES + 1);
        for (text, expected) in [
            ("", "it is empty"),
            ("\n", "it is empty"),
            ("a\nb\n", "more than one line"),
            (&long, "more than 1024 bytes"),
        ] {
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            let mistakes = read_yaml("{ file: c }", directory.path()).1;
            assert!(mistakes.contains(expected), "{mistakes}");
        }
        assert!(read_yaml("{ file: none }", directory.path()).1.contains("No such file"));
        assert!(read_yaml("{ file: . }", directory.path()).1.contains("not a regular file"));
    }

    #[test]
    fn a_community_in_the_configuration_is_odd_unless_it_is_public() {
        let (secret, mistakes) = read_yaml("public", Path::new("/"));
        assert_eq!((secret.unwrap().bytes(), mistakes.as_str()), (Ok(&b"public"[..]), ""));
        let (secret, mistakes) = read_yaml("hush", Path::new("/"));
        assert!(secret.is_some() && mistakes.contains("warning: the community stands in the configuration"));
        assert!(!mistakes.contains("hush"), "{mistakes}");
        assert!(read_yaml("{}", Path::new("/")).1.contains("has no `file`"));
    }
}
