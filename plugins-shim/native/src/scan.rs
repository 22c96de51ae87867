//! The processes of a host, as `ps` shows them to `check_procs`.

use std::fs;
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// Bytes of a command line that are read; `ps` shows so much of one.
const ARGUMENTS_MAX_BYTES: u64 = 128 * 1024;

/// What of processes is wanted besides what each scan has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wants {
    /// Their command lines.
    pub arguments: bool,
    /// Their users.
    pub users: bool,
}

impl Wants {
    /// Whether a scan with these has what is wanted.
    pub fn covers(self, wanted: Wants) -> bool {
        (self.arguments || !wanted.arguments) && (self.users || !wanted.users)
    }
}

/// All processes.
#[derive(Clone, Debug, Default)]
pub struct Scan {
    /// They, in the order of the kernel.
    pub processes: Vec<Process>,
    /// What is known of them besides.
    pub wants: Wants,
}

/// A process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub pid: i32,
    /// That of its parent.
    pub parent: i32,
    /// The letter of its state.
    pub state: u8,
    /// Its name, of at most 15 bytes.
    pub name: Vec<u8>,
    /// How nice it is.
    pub nice: i32,
    /// Whether it leads its session.
    pub leads_session: bool,
    /// Whether it has several threads.
    pub has_threads: bool,
    /// Whether it is in the foreground of its terminal.
    pub is_foreground: bool,
    /// Its words, each with a NUL behind it; empty for a thread of the kernel, and where this was not wanted.
    pub arguments: Vec<u8>,
    /// As whom it runs; none where this was not wanted.
    pub user: Option<u32>,
}

impl Process {
    /// Reads `/proc/PID/stat`.
    pub fn read(text: &[u8]) -> Option<Process> {
        // A name may have any characters, parentheses too.
        let (open, close) =
            (text.iter().position(|byte| *byte == b'(')?, text.iter().rposition(|byte| *byte == b')')?);
        let pid = std::str::from_utf8(&text[..open]).ok()?.trim().parse().ok()?;
        let rest = std::str::from_utf8(text.get(close + 1..)?).ok()?;
        let mut fields = rest.split_ascii_whitespace();
        let state = *fields.next()?.as_bytes().first()?;
        let numbers: Vec<i64> = fields.take(17).map(str::parse).collect::<Result<_, _>>().ok()?;
        let [parent, group, session, _, foreground, _, _, _, _, _, _, _, _, _, _, nice, threads] =
            numbers[..]
        else {
            return None;
        };
        Some(Process {
            pid,
            parent: i32::try_from(parent).ok()?,
            state,
            name: text.get(open + 1..close)?.to_vec(),
            nice: i32::try_from(nice).ok()?,
            leads_session: session == i64::from(pid),
            has_threads: threads > 1,
            is_foreground: group == foreground,
            ..Process::default()
        })
    }

    /// Its state as `ps` shows it, but for the mark of locked memory.
    pub fn stat(&self) -> String {
        let marks = [
            (self.nice < 0, '<'),
            (self.nice > 0, 'N'),
            (self.leads_session, 's'),
            (self.has_threads, 'l'),
            (self.is_foreground, '+'),
        ];
        let marks = marks.into_iter().filter_map(|(has, mark)| has.then_some(mark));
        std::iter::once(char::from(self.state)).chain(marks).collect()
    }
}

/// Reads all processes. What ends meanwhile is left out, as is the one that would be the parent of a plugin.
pub(crate) fn scan(proc: &Path, wants: Wants, without: Option<i32>) -> io::Result<Scan> {
    let mut processes = Vec::new();
    let mut buffer = Vec::new();
    for entry in fs::read_dir(proc)? {
        let name = entry?.file_name();
        if !name.as_bytes().iter().all(u8::is_ascii_digit) {
            continue;
        }
        let place = proc.join(&name);
        let Some(mut process) = read(&place.join("stat"), 4096, &mut buffer).and_then(Process::read) else {
            continue;
        };
        if Some(process.pid) == without {
            continue;
        }
        if wants.arguments {
            process.arguments =
                read(&place.join("cmdline"), ARGUMENTS_MAX_BYTES, &mut buffer).unwrap_or_default().to_vec();
        }
        if wants.users {
            process.user = read(&place.join("status"), 4096, &mut buffer).and_then(effective_user);
        }
        processes.push(process);
    }
    Ok(Scan { processes, wants })
}

fn read<'b>(path: &Path, most: u64, buffer: &'b mut Vec<u8>) -> Option<&'b [u8]> {
    buffer.clear();
    fs::File::open(path).ok()?.take(most).read_to_end(buffer).ok()?;
    Some(buffer)
}

fn effective_user(status: &[u8]) -> Option<u32> {
    let line = status.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(b"Uid:"))?;
    std::str::from_utf8(line).ok()?.split_ascii_whitespace().nth(1)?.parse().ok()
}
