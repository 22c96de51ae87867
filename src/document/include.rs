//! The files of a configuration: the main one, and those that it and they include.
//!
//! Paths and globs are relative to the file they stand in; each glob is read in lexical order. A file is read
//! once, however often it is named, and a file that includes itself, directly or not, is a mistake.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::document::diagnostic::Findings;
use crate::document::fields::{one_or_more, text};
use crate::document::glob::{self, GlobError};
use crate::document::json;
use crate::document::place::{Place, SourceFile};
use crate::document::yaml::{self, Content, Node};
use crate::limits::{CONFIG_FILES_MAX, CONFIG_INCLUDE_DEPTH_MAX, CONFIG_MAX_BYTES, CONFIG_PIPE_PATIENCE};
use crate::text::system_error::words;
use crate::whole_file;

/// A glob with the other of the two endings that YAML has, if it ends in one.
fn other_ending(pattern: &str) -> Option<String> {
    let other = |from: &str, to: &str| pattern.strip_suffix(from).map(|stem| format!("{stem}{to}"));
    other(".yaml", ".yml").or_else(|| other(".yml", ".yaml"))
}

/// One file as a tree.
pub(crate) struct Document {
    pub(crate) file: Arc<SourceFile>,
    /// The mapping at the top; `None` if the file is empty or could not be read.
    pub(crate) root: Option<Node>,
    /// The index of the document that includes this one.
    pub(crate) parent: Option<usize>,
    /// The directory in which this file's relative paths begin. It is absolute, as plugins run elsewhere.
    base: PathBuf,
}

impl Document {
    /// The value of a key at the top of the file.
    pub(crate) fn get(&self, key: &str) -> Option<&crate::document::yaml::Entry> {
        match &self.root.as_ref()?.content {
            Content::Map(entries) => entries.iter().find(|entry| entry.key == key),
            _ => None,
        }
    }

    /// The directory in which this file's relative paths begin.
    pub(crate) fn base(&self) -> &Path {
        &self.base
    }

    /// The same directory as it was written, for the names of included files in messages.
    fn written_base(&self) -> &Path {
        self.file.path().parent().unwrap_or(Path::new(""))
    }
}

/// Reads the file at `main` and all that it includes, the main one first.
pub(crate) fn read_all(main: &Path, findings: &mut Findings) -> Vec<Document> {
    let (documents, seen, chain, beside) = Default::default();
    let mut reading = Reading { documents, seen, chain, beside, findings };
    reading.file(main, None);
    reading.warn_of_those_beside();
    reading.documents
}

struct Reading<'f> {
    documents: Vec<Document>,
    /// The index of each file read so far, by its resolved path.
    seen: HashMap<PathBuf, usize>,
    /// Indices of the files that led to the current one.
    chain: Vec<usize>,
    /// Files that a glob of `*.yaml` does not name, since they end in `.yml`, or the other way round, and where it stands.
    beside: Vec<(PathBuf, Place)>,
    findings: &'f mut Findings,
}

impl Reading<'_> {
    /// Reads one file; `named_at` is the place that includes it.
    fn file(&mut self, path: &Path, named_at: Option<&Place>) {
        let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        if let (Some(place), Some(index)) = (named_at, self.seen.get(&real).copied()) {
            return self.seen_before(index, place);
        }
        if let Some(place) = named_at.filter(|_| self.documents.len() >= CONFIG_FILES_MAX) {
            return self
                .findings
                .error(place, format!("more than {CONFIG_FILES_MAX} files in one configuration"));
        }
        let index = self.documents.len();
        let (file, readable) = match read_text(path, named_at.is_some()) {
            Ok(text) => (SourceFile::new(path.to_owned(), json::in_yaml(text)), true),
            Err(Fault::Unreadable(why)) => {
                let file = SourceFile::new(path.to_owned(), String::new());
                match named_at {
                    Some(place) => {
                        self.findings.error(place, format!("failed to read {}: {why}", path.display()));
                    }
                    // The place already names the file.
                    None => self.findings.error(&Place::whole(&file), why),
                }
                (file, false)
            }
            Err(Fault::Unusable { before, message }) => {
                let file = SourceFile::new(path.to_owned(), before);
                self.findings.error(&Place::at_byte(&file, file.text().len()), message);
                (file, false)
            }
        };
        let parent = self.chain.last().copied();
        let root = if readable { self.root(&file, parent.is_none()) } else { None };
        // Where there is no working directory, nothing relative could be read anyway.
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let base = absolute.parent().unwrap_or(Path::new("/")).to_owned();
        self.documents.push(Document { file, root, parent, base });
        self.seen.insert(real, index);
        self.includes(index);
    }

    fn root(&mut self, file: &Arc<SourceFile>, main: bool) -> Option<Node> {
        let before = self.findings.len();
        let root = yaml::parse(file, self.findings);
        match root {
            Some(Node { content: Content::Map(_), .. }) => root,
            Some(node) => {
                let message =
                    format!("found {}, expected a mapping with keys such as `checks`", node.describe());
                self.findings.error(&node.place, message);
                None
            }
            None => {
                // An included file may well be empty: all of it commented out, say.
                if main && self.findings.len() == before {
                    self.findings
                        .error(&Place::whole(file), "the file is empty, expected keys such as `checks`");
                }
                None
            }
        }
    }

    fn includes(&mut self, index: usize) {
        let Some(include) = self.documents[index].get("include").map(|entry| entry.value.clone()) else {
            return;
        };
        let base = self.documents[index].written_base().to_owned();
        if self.chain.len() >= CONFIG_INCLUDE_DEPTH_MAX {
            let message = format!("more than {CONFIG_INCLUDE_DEPTH_MAX} files include one another");
            return self.findings.error(&include.place, message);
        }
        self.chain.push(index);
        for item in one_or_more(&include) {
            let Some(pattern) = text(item, "the path of a file or a glob", self.findings) else { continue };
            let path = base.join(pattern);
            if !glob::is_glob(pattern) {
                self.file(&path, Some(&item.place));
                continue;
            }
            match glob::files(&path) {
                Ok(files) => {
                    files.iter().for_each(|file| self.file(file, Some(&item.place)));
                    let beside = other_ending(pattern).and_then(|other| glob::files(&base.join(other)).ok());
                    let beside = beside.into_iter().flatten().map(|file| (file, item.place.clone()));
                    self.beside.extend(beside);
                }
                Err(GlobError::Pattern(reason)) => {
                    self.findings.error(&item.place, format!("the glob `{pattern}` is not valid: {reason}"));
                }
                Err(GlobError::Read(directory, error)) => {
                    let message = format!("failed to list {}: {error}", directory.display());
                    self.findings.error(&item.place, message);
                }
            }
        }
        self.chain.pop();
    }

    /// A file that nothing includes, but whose name differs from what is included by its ending alone, was probably meant.
    fn warn_of_those_beside(&mut self) {
        for (file, place) in std::mem::take(&mut self.beside) {
            let real = file.canonicalize().unwrap_or_else(|_| file.clone());
            if !self.seen.contains_key(&real) {
                self.findings.warning(&place, format!("{} is not included, by its ending", file.display()));
            }
        }
    }

    fn seen_before(&mut self, index: usize, place: &Place) {
        if !self.chain.contains(&index) {
            let path = self.documents[index].file.path().display();
            return self
                .findings
                .warning(place, format!("{path} is included a second time; it is read once"));
        }
        let chain = self.chain.iter().skip_while(|link| **link != index);
        let names: Vec<String> =
            chain.map(|link| self.documents[*link].file.path().display().to_string()).collect();
        let message = format!("{} includes itself: {} → {}", names[0], names.join(" → "), names[0]);
        self.findings.error(place, message);
    }
}

/// One file by itself, which may be a pipe unless another file names it; what keeps it from being read is noted.
pub(crate) fn source_file(path: &Path, named: bool, findings: &mut Findings) -> Option<Arc<SourceFile>> {
    file_named_at(path, named, None, findings)
}

/// The same of a file that is named at a place, which is to blame if the file cannot be read.
pub(crate) fn file_named_at(
    path: &Path,
    named: bool,
    place: Option<&Place>,
    findings: &mut Findings,
) -> Option<Arc<SourceFile>> {
    match read_text(path, named) {
        Ok(text) => Some(SourceFile::new(path.to_owned(), text)),
        Err(Fault::Unreadable(why)) => {
            match place {
                Some(place) => findings.error(place, format!("failed to read {}: {why}", path.display())),
                None => findings.error(&Place::whole(&SourceFile::new(path.to_owned(), String::new())), why),
            }
            None
        }
        Err(Fault::Unusable { before, message }) => {
            let file = SourceFile::new(path.to_owned(), before);
            findings.error(&Place::at_byte(&file, file.text().len()), message);
            None
        }
    }
}

/// Why a file has no text.
enum Fault {
    /// It could not be read, for this reason; the place that names it is to blame.
    Unreadable(String),
    /// It holds something that cannot be used, after the text `before`.
    Unusable { before: String, message: String },
}

/// Reads a file as text. An included one must be a regular file. The main one may be a pipe, as in
/// `custos config check <(…)`, whose writer is waited for, but not for ever.
fn read_text(path: &Path, included: bool) -> Result<String, Fault> {
    let unreadable = |error: std::io::Error| Fault::Unreadable(words(&error));
    let file = if included { whole_file::open(path) } else { whole_file::open_at_once(path) };
    let bytes = file.and_then(|file| whole_file::up_to(file, CONFIG_MAX_BYTES + 1, CONFIG_PIPE_PATIENCE));
    let bytes = bytes.map_err(unreadable)?;
    if bytes.len() as u64 > CONFIG_MAX_BYTES {
        let message = format!("the file is larger than {CONFIG_MAX_BYTES} bytes");
        return Err(Fault::Unusable { before: String::new(), message });
    }
    let bytes = match bytes.strip_prefix("\u{feff}".as_bytes()) {
        Some(rest) => rest.to_vec(),
        None => bytes,
    };
    String::from_utf8(bytes).map_err(|error| {
        let (before, after) = error.as_bytes().split_at(error.utf8_error().valid_up_to());
        let byte = after.first().copied().unwrap_or_default();
        let before = String::from_utf8_lossy(before).into_owned();
        Fault::Unusable { before, message: format!("found the byte 0x{byte:02x}, expected UTF-8") }
    })
}
