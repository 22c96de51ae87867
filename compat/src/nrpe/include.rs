//! Reads an `nrpe.cfg` with everything it includes.
//!
//! No file is opened here: the caller answers an [`Ask`] with what it found. A mistake in the main file is an
//! error; one in an included file ends that file where it stands, and what it said before holds. Files that include
//! themselves are left out; the numbers of files and of nested includes are bounded.

use std::fmt;
use std::path::{Path, PathBuf};

use super::command_line::trim;
use super::config::{Config, Note, Severity};
use super::directive::{Effect, Place, apply};
use super::limits::{CONTENT_MAX_BYTES, DEPTH_MAX, DIRECTORIES_MAX, FILES_MAX};

/// What the reader wants to know of the file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask<'a> {
    /// The content of a file.
    File(&'a Path),
    /// The entries of a directory.
    Directory(&'a Path),
}

/// The answer to an [`Ask`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// A file.
    File {
        /// Its bytes.
        content: Vec<u8>,
        /// The same for the same file by whatever path, such as the canonical path.
        identity: PathBuf,
    },
    /// The entries of a directory, in any order.
    Directory(Vec<Entry>),
    /// Neither, with the reason.
    Nothing(String),
}

/// An entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Its name.
    pub name: Vec<u8>,
    /// What it is, after symbolic links.
    pub kind: EntryKind,
}

/// What an entry of a directory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// Anything else.
    Other,
}

/// The main file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadConfig {
    /// What is wrong, in the words of NRPE's log.
    pub message: String,
    /// What was read until then, such as where the log goes.
    pub config: Box<Config>,
}

impl fmt::Display for BadConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.message.fmt(f)
    }
}

impl std::error::Error for BadConfig {}

/// Reads the configuration that begins with this file.
pub fn load(main: &Path, ask: &mut dyn FnMut(Ask<'_>) -> Found) -> Result<Config, BadConfig> {
    let mut reader = Reader {
        config: Config::default(),
        open: Vec::new(),
        directories: 0,
        beyond: false,
        content_bytes: 0,
        ask,
    };
    match reader.file(main) {
        Ok(()) => Ok(reader.config),
        Err(message) => Err(BadConfig { message, config: Box::new(reader.config) }),
    }
}

struct Reader<'a> {
    config: Config,
    /// Identities of the files being read, outermost first.
    open: Vec<PathBuf>,
    /// Directories read so far.
    directories: usize,
    /// Directories were left out.
    beyond: bool,
    /// Bytes read so far.
    content_bytes: usize,
    ask: &'a mut dyn FnMut(Ask<'_>) -> Found,
}

impl Reader<'_> {
    fn file(&mut self, path: &Path) -> Result<(), String> {
        if self.open.len() >= DEPTH_MAX
            || self.config.files.len() >= FILES_MAX
            || self.content_bytes >= CONTENT_MAX_BYTES
        {
            return Err(format!(
                "Config file '{}' is beyond the limit of {DEPTH_MAX} nested or {FILES_MAX} included files, or of \
                 {} MiB in all",
                path.display(),
                CONTENT_MAX_BYTES >> 20
            ));
        }
        let (content, identity) = match (self.ask)(Ask::File(path)) {
            Found::File { content, identity } => (content, identity),
            Found::Directory(_) => {
                return Err(format!(
                    "Unable to open config file '{}' for reading: a directory",
                    path.display()
                ));
            }
            Found::Nothing(reason) => {
                return Err(format!("Unable to open config file '{}' for reading: {reason}", path.display()));
            }
        };
        if self.open.contains(&identity) {
            return Err(format!("Config file '{}' includes itself", path.display()));
        }
        self.content_bytes += content.len();
        self.open.push(identity);
        self.config.files.push(path.to_owned());
        let read = self.lines(path, &content);
        self.open.pop();
        read
    }

    fn lines(&mut self, path: &Path, content: &[u8]) -> Result<(), String> {
        for (index, line) in content.split(|&byte| byte == b'\n').enumerate() {
            let place = Place { file: path, line_number: index + 1 };
            // C's fgets stops at a NUL as far as the parser is concerned.
            let line = trim(line.split(|&byte| byte == 0).next().unwrap_or_default());
            if line.is_empty() || line[0] == b'#' {
                continue;
            }
            let effect = self.line(line, place).map_err(|wrong| {
                format!("{wrong} specified in config file '{}' - Line {}", path.display(), index + 1)
            })?;
            let included = match effect {
                Effect::None => continue,
                Effect::IncludeFile(file) => self.file(&file),
                Effect::IncludeDir(directory) => {
                    self.directory(&directory, 0);
                    continue;
                }
            };
            if let Err(message) = included {
                self.go_on(message);
            }
        }
        Ok(())
    }

    fn line(&mut self, line: &[u8], place: Place<'_>) -> Result<Effect, &'static str> {
        // Equals signs before the name are passed over.
        let name_at = line.iter().position(|&byte| byte != b'=').ok_or("No variable name")?;
        let mut parts = line[name_at..].splitn(2, |&byte| byte == b'=');
        let name = parts.next().unwrap_or_default();
        let value = parts.next().filter(|value| !value.is_empty()).ok_or("No variable value")?;
        apply(&mut self.config, name, value, place)
    }

    /// Reads the `.cfg` files of a directory and of those below it, in the order of their names.
    fn directory(&mut self, directory: &Path, depth: usize) {
        if depth >= DEPTH_MAX || self.directories >= DIRECTORIES_MAX {
            // Said once of the many that a link to a directory above would make.
            if !std::mem::replace(&mut self.beyond, true) {
                self.go_on(format!(
                    "Config directory '{}' is beyond the limit of {DEPTH_MAX} nested or {DIRECTORIES_MAX} included \
                     directories, and left out with those that follow",
                    directory.display()
                ));
            }
            return;
        }
        self.directories += 1;
        let mut entries = match (self.ask)(Ask::Directory(directory)) {
            Found::Directory(entries) => entries,
            Found::Nothing(reason) => {
                let path = directory.display();
                self.go_on(format!("Could not open config directory '{path}' for reading. ({reason})"));
                return;
            }
            Found::File { .. } => {
                self.go_on(format!("Could not open config directory '{}' for reading.", directory.display()));
                return;
            }
        };
        entries.sort();
        for entry in entries {
            let path = directory.join(std::ffi::OsStr::new(
                <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(&entry.name),
            ));
            match entry.kind {
                EntryKind::File if entry.name.len() > 4 && entry.name.ends_with(b".cfg") => {
                    if let Err(message) = self.file(&path) {
                        self.go_on(message);
                    }
                }
                EntryKind::Directory if !entry.name.starts_with(b".") => self.directory(&path, depth + 1),
                EntryKind::File | EntryKind::Directory | EntryKind::Other => {}
            }
        }
    }

    /// Remarks on what was included in vain.
    fn go_on(&mut self, text: String) {
        for text in [text, "Continuing with errors...".into()] {
            self.config.notes.push(Note { severity: Severity::Error, text });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Files by path; directories follow from them.
    fn loaded(files: &[(&str, &str)]) -> Result<Config, BadConfig> {
        let files: BTreeMap<PathBuf, &str> =
            files.iter().map(|(path, content)| (PathBuf::from(path), *content)).collect();
        let mut ask = |ask: Ask<'_>| match ask {
            Ask::File(path) => match files.get(path) {
                Some(content) => {
                    Found::File { content: content.as_bytes().to_vec(), identity: path.to_owned() }
                }
                None => Found::Nothing("No such file or directory".into()),
            },
            Ask::Directory(directory) => {
                let mut entries: Vec<Entry> = Vec::new();
                for below in files.keys().filter_map(|path| path.strip_prefix(directory).ok()) {
                    let mut parts = below.components();
                    let name = parts.next().unwrap().as_os_str().as_encoded_bytes().to_vec();
                    let kind = if parts.next().is_some() { EntryKind::Directory } else { EntryKind::File };
                    entries.push(Entry { name, kind });
                }
                entries.dedup();
                entries.reverse();
                if entries.is_empty() { Found::Nothing("none".into()) } else { Found::Directory(entries) }
            }
        };
        load(Path::new("/n.cfg"), &mut ask)
    }

    fn names(config: &Config) -> Vec<String> {
        config.commands.keys().map(|name| String::from_utf8_lossy(name).into_owned()).collect()
    }

    fn message(content: &str) -> String {
        loaded(&[("/n.cfg", content)]).unwrap_err().message
    }

    #[test]
    fn blanks_comments_and_line_ends() {
        let content = "\r\n  # x\n\t command[a]=b c # kept \t\r\n#command[z]=z\n  \ncommand[q]=\"quoted\"";
        let config = loaded(&[("/n.cfg", content)]).unwrap();
        assert_eq!(names(&config), ["a", "q"]);
        assert_eq!(config.commands[&b"a"[..]].line, b"b c # kept");
        assert_eq!(config.commands[&b"a"[..]].line_number, 3);
        assert_eq!(config.commands[&b"q"[..]].line, b"\"quoted\"");
    }

    #[test]
    fn blanks_around_the_equals_sign_stay() {
        let config = loaded(&[("/n.cfg", "command_prefix = x\ncommand[a]= y\n")]).unwrap();
        assert_eq!(config.command_prefix, None);
        assert_eq!(config.notes.len(), 1);
        assert_eq!(config.commands[&b"a"[..]].line, b" y");
    }

    #[test]
    fn what_is_not_name_and_value_is_fatal() {
        assert_eq!(message("debug=1\n;x"), "No variable value specified in config file '/n.cfg' - Line 2");
        assert_eq!(message("allowed_hosts="), "No variable value specified in config file '/n.cfg' - Line 1");
        assert_eq!(message("=x"), "No variable value specified in config file '/n.cfg' - Line 1");
        assert_eq!(message("=="), "No variable name specified in config file '/n.cfg' - Line 1");
        assert_eq!(
            message("server_port=80"),
            "Invalid port number specified in config file '/n.cfg' - Line 1"
        );
        let missing = loaded(&[]).unwrap_err().message;
        assert_eq!(missing, "Unable to open config file '/n.cfg' for reading: No such file or directory");
    }

    #[test]
    fn lines_of_any_length() {
        let content = format!("command[a]={}\n", "x".repeat(10_000));
        assert_eq!(loaded(&[("/n.cfg", &content)]).unwrap().commands[&b"a"[..]].line.len(), 10_000);
    }

    #[test]
    fn a_mistake_in_an_included_file_ends_only_that_file() {
        let config = loaded(&[
            ("/n.cfg", "include=/i.cfg\ninclude_file=/missing.cfg\ncommand[after]=x"),
            ("/i.cfg", "command[before]=x\nnonsense\ncommand[never]=x"),
        ])
        .unwrap();
        assert_eq!(names(&config), ["after", "before"]);
        let texts: Vec<&str> = config.notes.iter().map(|note| note.text.as_str()).collect();
        assert_eq!(
            texts,
            [
                "No variable value specified in config file '/i.cfg' - Line 2",
                "Continuing with errors...",
                "Unable to open config file '/missing.cfg' for reading: No such file or directory",
                "Continuing with errors...",
            ]
        );
    }

    #[test]
    fn directories_in_order() {
        let config = loaded(&[
            ("/n.cfg", "include_dir=/d/\ninclude_dir=/none"),
            ("/d/10.cfg", "command[x]=10"),
            ("/d/9.cfg", "command[x]=9\ncommand[nine]=9"),
            ("/d/.dot.cfg", "command[dot]=x"),
            ("/d/5/a.cfg", "command[x]=5\ncommand[five]=5"),
            ("/d/.hidden/a.cfg", "command[hidden]=x"),
            ("/d/a.conf", "nonsense"),
            ("/d/b.cfg~", "nonsense"),
            ("/d/.cfg", "nonsense"),
        ])
        .unwrap();
        assert_eq!(names(&config), ["dot", "five", "nine", "x"]);
        assert_eq!(config.commands[&b"x"[..]].line, b"9");
        assert_eq!(config.notes.last().unwrap().severity, Severity::Error);
    }

    #[test]
    fn files_that_include_themselves_are_left_out() {
        let config = loaded(&[
            ("/n.cfg", "command[a]=x\ninclude=/n.cfg\ninclude=/m.cfg\ninclude=/m.cfg\ncommand[b]=x"),
            ("/m.cfg", "include=/n.cfg\ncommand[c]=x"),
        ])
        .unwrap();
        assert_eq!(names(&config), ["a", "b", "c"]);
        assert_eq!(config.files.len(), 3);
    }

    #[test]
    fn directories_without_end_are_left_out_and_said_to_be() {
        let mut asked = 0;
        let mut ask = |ask: Ask<'_>| match ask {
            Ask::File(path) => {
                Found::File { content: b"include_dir=/d\ncommand[a]=x\n".to_vec(), identity: path.to_owned() }
            }
            Ask::Directory(_) => {
                asked += 1;
                let entry = |name: &[u8]| Entry { name: name.to_vec(), kind: EntryKind::Directory };
                Found::Directory(vec![entry(b"up"), entry(b"down")])
            }
        };
        let config = load(Path::new("/n.cfg"), &mut ask).unwrap();
        assert_eq!(asked, DIRECTORIES_MAX);
        assert_eq!(names(&config), ["a"]);
        let said = config.notes.iter().filter(|note| note.text.contains("beyond the limit")).count();
        assert_eq!((said, config.notes.len()), (1, 2));
    }

    #[test]
    fn all_files_together_are_bounded_before_they_are_read() {
        let mut asked = 0;
        let mut ask = |ask: Ask<'_>| match ask {
            Ask::File(path) => {
                asked += 1;
                let mut content = "include=/m.cfg\n".repeat(100).into_bytes();
                content.resize(CONTENT_MAX_BYTES / 2, b'\n');
                Found::File { content, identity: format!("{}{asked}", path.display()).into() }
            }
            Ask::Directory(_) => Found::Nothing("none".into()),
        };
        load(Path::new("/n.cfg"), &mut ask).unwrap();
        assert_eq!(asked, 2);
    }

    #[test]
    fn debians_file_is_read_without_remarks() {
        let content = "log_facility=daemon\ndebug=0\npid_file=/run/nagios/nrpe.pid\nserver_port=5666\n\
            nrpe_user=nagios\nnrpe_group=nagios\nallowed_hosts=127.0.0.1,::1\ndont_blame_nrpe=0\n\
            allow_bash_command_substitution=0\ncommand_timeout=60\nconnection_timeout=300\ndisable_syslog=0\n\
            command[check_load]=/usr/lib/nagios/plugins/check_load -r -w .15,.10,.05 -c .30,.25,.20\n";
        let config = loaded(&[("/n.cfg", content)]).unwrap();
        assert_eq!(config.notes, []);
        assert_eq!(config.connection_timeout_s, Some(300));
        assert_eq!(config.nrpe_user.as_deref(), Some("nagios"));
    }
}
