//! `check_procs`: how many processes there are of some kind.

use std::ffi::OsString;
use std::path::Path;

use crate::arguments::{check_timeout, digits, flag, options, unknown, valued};
use crate::not_native::NotNative;
use crate::printed::Printed;
use crate::range::{Range, Thresholds};
use crate::scan::{Process, Wants};
use crate::system::{System, is_same_file};

/// What the plugin runs to list processes, itself a process that it counts.
const PS: &[u8] = b"/bin/ps\0axwwo\0stat uid pid ppid vsz rss pcpu etime comm args\0";
/// The column of names is filled up to so many characters.
const NAME_WIDTH: usize = 15;

/// The options.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Procs {
    thresholds: Thresholds,
    /// In the order in which they were given, which is that of the text.
    filters: Vec<Filter>,
    no_kernel_threads: bool,
    by_pid: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum Filter {
    /// Letters that must stand in its state, in this order.
    Stat(String),
    Parent(u64),
    /// A user by number or name.
    User(String),
    Name(String),
    /// What its command line must have somewhere.
    Arguments(String),
}

impl Procs {
    pub(crate) fn read(words: &[OsString]) -> Result<Procs, NotNative> {
        let known = [
            valued(b'w', "warning"),
            valued(b'c', "critical"),
            valued(b'm', "metric"),
            valued(b't', "timeout"),
            valued(b's', "status"),
            valued(b'p', "ppid"),
            valued(b'u', "user"),
            valued(b'C', "command"),
            valued(b'a', "argument-array"),
            flag(b'k', ""),
            flag(b'T', "traditional-filter"),
        ];
        let mut procs = Procs {
            thresholds: Thresholds::default(),
            filters: Vec::new(),
            no_kernel_threads: false,
            by_pid: false,
        };
        for (option, value) in options(words, &known)? {
            let has = |kind: fn(&Filter) -> bool| procs.filters.iter().any(kind);
            match option {
                b'w' => procs.thresholds.warning = Some(Range::read("-w", &value)?),
                b'c' => procs.thresholds.critical = Some(Range::read("-c", &value)?),
                b'm' if value == "PROCS" => {}
                b'm' => return Err(unknown("-m", &value)),
                b't' => check_timeout(&value)?,
                // Of some options the first counts.
                b's' if has(|filter| matches!(filter, Filter::Stat(_))) => {}
                b'C' if has(|filter| matches!(filter, Filter::Name(_))) => {}
                b'a' if has(|filter| matches!(filter, Filter::Arguments(_))) => {}
                b'p' | b'u' if has(|filter| matches!(filter, Filter::Parent(_) | Filter::User(_))) => {
                    return Err(NotNative("several of -p and -u".to_owned()));
                }
                b's' => {
                    // Whether memory is locked is not looked at.
                    if value.contains('L') {
                        return Err(unknown("-s", &value));
                    }
                    procs.filters.push(Filter::Stat(value));
                }
                b'p' => {
                    procs.filters.push(Filter::Parent(
                        digits(&value).filter(|pid| *pid <= 1 << 30).ok_or_else(|| unknown("-p", &value))?,
                    ));
                }
                b'u' => procs.filters.push(Filter::User(value)),
                b'C' => procs.filters.push(Filter::Name(value)),
                b'a' => procs.filters.push(Filter::Arguments(value)),
                b'k' => procs.no_kernel_threads = true,
                _ => procs.by_pid = true,
            }
        }
        Ok(procs)
    }

    pub(crate) fn names_a_user(&self) -> bool {
        self.filters.iter().any(|filter| matches!(filter, Filter::User(_)))
    }

    fn wants(&self) -> Wants {
        let arguments = self.filters.iter().any(|filter| matches!(filter, Filter::Arguments(_)));
        Wants { arguments, users: self.names_a_user() }
    }

    pub(crate) fn run(&self, system: &dyn System) -> Result<Printed, NotNative> {
        let user = match self.filters.iter().find_map(|filter| match filter {
            Filter::User(by) => Some(by),
            _ => None,
        }) {
            Some(by) => Some(system.user(by).ok_or_else(|| NotNative(format!("there is no user {by}")))?),
            None => None,
        };
        let uid = user.as_ref().map(|(uid, _)| *uid);
        let scan = system.processes(self.wants()).map_err(|error| NotNative(error.to_string()))?;
        // `ps` is a child of the plugin, which leads the session.
        let ps = Process {
            state: b'R',
            name: b"ps".to_vec(),
            nice: system.own_nice(),
            arguments: PS.to_vec(),
            user: Some(system.own_uid()),
            parent: -1,
            ..Process::default()
        };
        // Children of `kthreadd` are threads of the kernel; until that is found, those without a parent.
        let mut of_kernel = 0;
        let mut count = 0;
        for process in scan.processes.iter().chain([&ps]) {
            if !self.by_pid && process.name == b"check_procs" && is_the_plugin(process.pid) {
                continue;
            }
            if of_kernel == 0 && process.name == b"kthreadd" {
                of_kernel = process.pid;
            }
            let is_left_out = self.no_kernel_threads && process.parent == of_kernel;
            count +=
                usize::from(!is_left_out && self.filters.iter().all(|filter| filter.takes(process, uid)));
        }
        Ok(self.judge(count, user.as_ref()))
    }

    fn judge(&self, count: usize, user: Option<&(u32, String)>) -> Printed {
        let state = self.thresholds.judge(count as f64);
        let filters: Vec<String> = self.filters.iter().map(|filter| filter.text(user)).collect();
        let with = if filters.is_empty() { String::new() } else { format!(" with {}", filters.join(", ")) };
        let text =
            |range: &Option<Range>| range.as_ref().map_or_else(String::new, |range| range.text.clone());
        state.says(format!(
            "PROCS {}: {count} process{}{with} | procs={count};{};{};0;",
            state.text(),
            if count == 1 { "" } else { "es" },
            text(&self.thresholds.warning),
            text(&self.thresholds.critical)
        ))
    }
}

impl Filter {
    fn takes(&self, process: &Process, uid: Option<u32>) -> bool {
        match self {
            Filter::Stat(letters) => process.stat().contains(letters.as_str()),
            Filter::Parent(parent) => i64::from(process.parent) == *parent as i64,
            Filter::User(_) => process.user.is_some() && process.user == uid,
            Filter::Name(name) => shown_name(process) == name.as_bytes(),
            Filter::Arguments(part) => contains(&shown_arguments(process), part.as_bytes()),
        }
    }

    fn text(&self, user: Option<&(u32, String)>) -> String {
        match self {
            Filter::Stat(letters) => format!("STATE = {letters}"),
            Filter::Parent(parent) => format!("PPID = {parent}"),
            Filter::User(_) => user.map_or_else(String::new, |(uid, name)| format!("UID = {uid} ({name})")),
            Filter::Name(name) => format!("command name '{name}'"),
            Filter::Arguments(part) => format!("args '{part}'"),
        }
    }
}

/// Whether a process runs the plugin. Those of others who may not be looked at count.
fn is_the_plugin(pid: i32) -> bool {
    is_same_file(Path::new(&format!("/proc/{pid}/exe")), Path::new("/usr/lib/nagios/plugins/check_procs"))
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    part.is_empty() || text.windows(part.len()).any(|window| window == part)
}

/// The column of names: in the C locale `ps` shows what is not printable, or not ASCII, as question marks.
fn name_column(process: &Process) -> Vec<u8> {
    let mut name: Vec<u8> = process.name.iter().map(|byte| plain(*byte)).collect();
    if process.state == b'Z' {
        name.extend(b" <defunct>");
    }
    name
}

/// The name that the plugin reads: the first word of that column, behind its last slash.
fn shown_name(process: &Process) -> Vec<u8> {
    let column = name_column(process);
    let word = column.split(u8::is_ascii_whitespace).find(|word| !word.is_empty()).unwrap_or_default();
    word.rsplit(|byte| *byte == b'/').next().unwrap_or_default().to_vec()
}

/// The arguments that the plugin reads: all behind that word.
fn shown_arguments(process: &Process) -> Vec<u8> {
    let mut column = name_column(process);
    let missing = NAME_WIDTH.saturating_sub(column.len());
    column.extend(std::iter::repeat_n(b' ', missing));
    let first = column.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(0);
    let end = column[first..]
        .iter()
        .position(u8::is_ascii_whitespace)
        .map_or(column.len(), |length| first + length);
    let mut arguments = column[end..].to_vec();
    arguments.push(b' ');
    let words = process.arguments.strip_suffix(b"\0").unwrap_or(&process.arguments);
    if words.is_empty() {
        arguments.push(b'[');
        arguments.extend(process.name.iter().map(|byte| plain(*byte)));
        arguments.push(b']');
    } else {
        arguments.extend(words.iter().map(|byte| if *byte == 0 { b' ' } else { plain(*byte) }));
    }
    if process.state == b'Z' {
        arguments.extend(b" <defunct>");
    }
    arguments.trim_ascii().to_vec()
}

fn plain(byte: u8) -> u8 {
    if byte == b' ' || byte.is_ascii_graphic() { byte } else { b'?' }
}
