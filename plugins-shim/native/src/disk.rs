//! `check_disk`: how full file systems are.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt as _;

use crate::arguments::{check_timeout, flag, options, unknown, valued};
use crate::mounts::{self, Mount, is_below};
use crate::not_native::NotNative;
use crate::printed::{Printed, State, does_not_answer};
use crate::range::{Range, Thresholds};
use crate::system::{FileSystemUsage, System};

/// How the plugin calls itself.
pub(crate) const WORD: &str = "DISK";

/// The options.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Disk {
    /// What was chosen with `-p`, each with the limits that were in force there; all file systems if there is nothing.
    paths: Vec<Chosen>,
    /// The limits at the end, for all file systems.
    limits: Limits,
    unit: Unit,
    /// Devices and mount points that are left out.
    without: Vec<String>,
    without_kinds: Vec<String>,
    only_kinds: Vec<String>,
    only_local: bool,
    only_errors: bool,
    by_device: bool,
    exact: bool,
    ignores_reserved: bool,
    inodes_too: bool,
}

#[derive(Clone, Debug, PartialEq)]
struct Chosen {
    path: OsString,
    limits: Limits,
}

/// What is too little.
#[derive(Clone, Debug, Default, PartialEq)]
struct Limits {
    /// In units.
    units: Thresholds,
    percent: Thresholds,
    inodes: Thresholds,
}

impl Limits {
    fn are_none(&self) -> bool {
        *self == Limits::default()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Unit {
    bytes: u64,
    name: &'static str,
}

const KIB: Unit = Unit { bytes: 1 << 10, name: "kiB" };
const MIB: Unit = Unit { bytes: 1 << 20, name: "MiB" };
const UNITS: [(&str, Unit); 10] = [
    ("kB", KIB),
    ("KiB", KIB),
    ("MB", MIB),
    ("MiB", MIB),
    ("GB", Unit { bytes: 1 << 30, name: "GiB" }),
    ("GiB", Unit { bytes: 1 << 30, name: "GiB" }),
    ("TB", Unit { bytes: 1 << 40, name: "TiB" }),
    ("TiB", Unit { bytes: 1 << 40, name: "TiB" }),
    ("PB", Unit { bytes: 1 << 50, name: "PiB" }),
    ("PiB", Unit { bytes: 1 << 50, name: "PiB" }),
];

impl Disk {
    pub(crate) fn read(words: &[OsString]) -> Result<Disk, NotNative> {
        let known = [
            valued(b't', "timeout"),
            valued(b'w', "warning"),
            valued(b'c', "critical"),
            valued(b'W', "iwarning"),
            valued(b'K', "icritical"),
            flag(b'k', "kilobytes"),
            flag(b'm', "megabytes"),
            valued(b'u', "units"),
            valued(b'p', "path"),
            valued(b'p', "partition"),
            valued(b'x', "exclude_device"),
            valued(b'X', "exclude-type"),
            valued(b'N', "include-type"),
            flag(b'f', "freespace-ignore-reserved"),
            flag(b'l', "local"),
            flag(b'P', "iperfdata"),
            flag(b'M', "mountpoint"),
            flag(b'e', "errors-only"),
            flag(b'E', "exact-match"),
        ];
        let mut disk = Disk {
            paths: Vec::new(),
            limits: Limits::default(),
            unit: MIB,
            without: Vec::new(),
            without_kinds: vec!["iso9660".to_owned()],
            only_kinds: Vec::new(),
            only_local: false,
            only_errors: false,
            by_device: false,
            exact: false,
            ignores_reserved: false,
            inodes_too: false,
        };
        let given = options(words, &known)?;
        if given.is_empty() {
            return Err(NotNative("no options".to_owned()));
        }
        for (option, value) in given {
            match option {
                b't' => check_timeout(&value)?,
                b'w' | b'c' => {
                    let of_kind = match value.contains('%') {
                        true => &mut disk.limits.percent,
                        false => &mut disk.limits.units,
                    };
                    set(of_kind, option == b'w', "-w or -c", &value)?;
                }
                b'W' | b'K' => set(&mut disk.limits.inodes, option == b'W', "-W or -K", &value)?,
                b'k' => disk.unit = KIB,
                b'm' => disk.unit = MIB,
                b'u' => disk.unit = unit(&value)?,
                b'p' if disk.limits.are_none() => {
                    return Err(NotNative("-p before any threshold".to_owned()));
                }
                b'p' => disk.choose(value)?,
                b'x' => disk.without.push(value),
                b'X' => disk.without_kinds.push(value),
                b'N' => disk.only_kinds.push(value),
                b'f' => disk.ignores_reserved = true,
                b'l' => disk.only_local = true,
                b'P' => disk.inodes_too = true,
                b'M' => disk.by_device = true,
                b'e' => disk.only_errors = true,
                _ if disk.paths.is_empty() => disk.exact = true,
                _ => return Err(NotNative("-E behind -p".to_owned())),
            }
        }
        Ok(disk)
    }

    /// One that is chosen again gets the limits that are in force now.
    fn choose(&mut self, path: String) -> Result<(), NotNative> {
        // What has no slash or is empty is a relative path, which depends on where the plugin runs.
        if !path.starts_with('/') {
            return Err(unknown("-p", &path));
        }
        let (path, limits) = (OsString::from(path), self.limits.clone());
        match self.paths.iter_mut().find(|chosen| chosen.path == path) {
            Some(chosen) => chosen.limits = limits,
            None => self.paths.push(Chosen { path, limits }),
        }
        Ok(())
    }

    pub(crate) fn run(&self, system: &dyn System) -> Result<Printed, NotNative> {
        for chosen in &self.paths {
            if let Err(error) = system.reach(&chosen.path) {
                return Ok(not_accessible(&chosen.path, &error));
            }
        }
        let text = system.read("/proc/self/mounts").map_err(|error| NotNative(error.to_string()))?;
        let mounts = mounts::read(&text);
        let mut wanted: Vec<(&OsStr, &Mount, &Limits)> = Vec::new();
        if self.paths.is_empty() {
            // Of several at one place the last is the one that is seen, and stands where the first stood.
            for mount in &mounts {
                match wanted.iter_mut().find(|(name, ..)| *name == mount.point) {
                    Some(known) => known.1 = mount,
                    None => wanted.push((&mount.point, mount, &self.limits)),
                }
            }
        }
        for chosen in &self.paths {
            match self.mount_of(&chosen.path, &mounts, system) {
                Ok(Some(mount)) => wanted.push((&chosen.path, mount, &chosen.limits)),
                Ok(None) => {
                    let path = chosen.path.to_string_lossy();
                    return Ok(State::Critical.says(format!("DISK CRITICAL: {path} not found")));
                }
                Err(silent) => return Ok(does_not_answer(WORD, &silent.point)),
            }
        }
        let mut answer = Answer::default();
        for (name, mount, limits) in wanted {
            if answer.seen.contains(&mount.point) {
                continue;
            }
            answer.seen.push(mount.point.clone());
            if self.is_left_out(mount) {
                continue;
            }
            if let Err(error) = system.reach(name) {
                return Ok(not_accessible(name, &error));
            }
            let usage = match system.usage(&mount.point) {
                Ok(usage) => usage,
                Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                    return Ok(does_not_answer(WORD, &mount.point));
                }
                Err(error) => return Err(NotNative(error.to_string())),
            };
            if usage.blocks > 0 && mount.point != "none" {
                self.judge(mount, limits, &usage, &mut answer);
            }
        }
        Ok(self.say(&answer))
    }

    /// The file system of a path: the last whose device is called so, or else the last of the longest mount points that the path
    /// begins with. One that does not say how full it is does not count.
    ///
    /// # Errors
    /// The one that is in question does not answer at all.
    fn mount_of<'m>(
        &self,
        path: &OsStr,
        mounts: &'m [Mount],
        system: &dyn System,
    ) -> Result<Option<&'m Mount>, &'m Mount> {
        let fits = |mount: &&Mount| match self.exact {
            true => mount.point == path,
            false => is_below(path, &mount.point),
        };
        let mut fitting: Vec<&Mount> = mounts.iter().filter(fits).collect();
        if !self.exact {
            fitting.sort_by_key(|mount| mount.point.len());
        }
        let of_device = mounts.iter().filter(|mount| mount.device == path);
        for mount in fitting.into_iter().chain(of_device).rev() {
            match system.usage(&mount.point) {
                Ok(_) => return Ok(Some(mount)),
                Err(error) if error.kind() == io::ErrorKind::TimedOut => return Err(mount),
                Err(_) => {}
            }
        }
        Ok(None)
    }

    fn is_left_out(&self, mount: &Mount) -> bool {
        let is_among = |names: &[String], name: &OsStr| names.iter().any(|own| name == own.as_str());
        mount.is_remote() && self.only_local
            || mount.is_dummy()
            || is_among(&self.without_kinds, &mount.kind)
            || is_among(&self.without, &mount.device)
            || is_among(&self.without, &mount.point)
            || !self.only_kinds.is_empty() && !is_among(&self.only_kinds, &mount.kind)
    }

    fn judge(&self, mount: &Mount, limits: &Limits, usage: &FileSystemUsage, answer: &mut Answer) {
        let unit = self.unit.bytes;
        let used = usage.blocks.wrapping_sub(usage.blocks_free);
        let total = match self.ignores_reserved {
            true => usage.blocks.wrapping_sub(usage.blocks_free).wrapping_add(usage.blocks_available),
            false => usage.blocks,
        };
        let in_units = |blocks: u64| blocks.wrapping_mul(usage.block_size) / unit;
        let (used_units, free_units, total_units) =
            (in_units(used), in_units(usage.blocks_available), in_units(total));
        let used_percent = percent(used, used.wrapping_add(usage.blocks_available));
        let free_percent = 100.0 - used_percent;
        let files_free = if usage.files_available > usage.files_free { 0 } else { usage.files_available };
        let files = match self.ignores_reserved {
            true => usage.files.wrapping_sub(usage.files_free).wrapping_add(files_free),
            false => usage.files,
        };
        let files_used_percent = percent(files.wrapping_sub(files_free), files);
        let files_free_percent = 100.0 - files_used_percent;
        let state = State::Unknown
            .max(limits.units.judge(free_units as f64))
            .max(limits.percent.judge(free_percent))
            .max(limits.inodes.judge(files_free_percent));
        answer.state = answer.state.max(state);
        let name = if self.by_device { &mount.device } else { &mount.point };
        // What is shown as limits is of used space, and of two kinds the lower.
        let space = |range: fn(&Thresholds) -> &Option<Range>| {
            let end =
                |thresholds: &Thresholds| range(thresholds).as_ref().map(|range| range.end.unwrap_or(0.0));
            let by_units = end(&limits.units).map(|end| saturated((total_units as f64 - end) * unit as f64));
            let by_percent = end(&limits.percent)
                .map(|end| saturated((1.0 - end / 100.0) * total_units.wrapping_mul(unit) as f64));
            by_units.into_iter().chain(by_percent).min()
        };
        answer.metric(
            name,
            used_units.wrapping_mul(unit),
            "B",
            [space(|limits| &limits.warning), space(|limits| &limits.critical)],
            total_units.wrapping_mul(unit),
        );
        if self.inodes_too {
            let inodes = |range: &Option<Range>| {
                let end = range.as_ref().map(|range| range.end.unwrap_or(0.0));
                end.map(|end| saturated(((1.0 - end / 100.0) * files as f64).min(u64::MAX as f64).abs()))
            };
            let mut label = name.clone();
            label.push(" (inodes)");
            answer.metric(
                &label,
                usage.files.wrapping_sub(usage.files_free),
                "",
                [inodes(&limits.inodes.warning), inodes(&limits.inodes.critical)],
                files,
            );
        }
        if state == State::Ok && self.only_errors {
            return;
        }
        answer.text.push(b' ');
        answer.text.extend(name.as_bytes());
        answer.text.extend(format!(" {free_units}{} ({free_percent:.0}%", self.unit.name).bytes());
        match files_used_percent < 0.0 {
            true => {
                answer.text.extend(format!(" inode=-){};", if state == State::Ok { "" } else { "]" }).bytes())
            }
            false => answer.text.extend(format!(" inode={files_free_percent:.0}%);").bytes()),
        }
    }

    fn say(&self, answer: &Answer) -> Printed {
        let preamble = if self.only_errors && answer.state == State::Ok { "" } else { " - free space:" };
        let mut line = format!("DISK {}{preamble}", answer.state.text()).into_bytes();
        line.extend(&answer.text);
        line.push(b'|');
        line.extend(&answer.metrics);
        answer.state.says(line)
    }
}

/// What is to be said, as far as it has got.
struct Answer {
    state: State,
    seen: Vec<OsString>,
    text: Vec<u8>,
    metrics: Vec<u8>,
}

impl Default for Answer {
    fn default() -> Answer {
        Answer { state: State::Unknown, seen: Vec::new(), text: Vec::new(), metrics: Vec::new() }
    }
}

impl Answer {
    fn metric(&mut self, label: &OsStr, value: u64, unit: &str, limits: [Option<u64>; 2], most: u64) {
        let label = label.as_bytes();
        let quote: &[u8] = if label.iter().any(|byte| b"'= ".contains(byte)) { b"'" } else { b"" };
        self.metrics.push(b' ');
        for part in [quote, label, quote] {
            self.metrics.extend(part);
        }
        let [warning, critical] =
            limits.map(|limit| limit.map_or_else(String::new, |limit| limit.to_string()));
        self.metrics.extend(format!("={value}{unit};{warning};{critical};0;{most}").bytes());
    }
}

fn not_accessible(path: &OsStr, error: &io::Error) -> Printed {
    if error.kind() == io::ErrorKind::TimedOut {
        return does_not_answer(WORD, path);
    }
    let why = error
        .raw_os_error()
        .map_or_else(|| error.to_string(), |number| nix::errno::Errno::from_raw(number).desc().to_owned());
    State::Critical.says(format!("DISK CRITICAL - {} is not accessible: {why}", path.to_string_lossy()))
}

/// Sets a limit of what is free: values within it alert, with or without `@`.
fn set(limits: &mut Thresholds, warning: bool, option: &str, text: &str) -> Result<(), NotNative> {
    let plain = text.strip_suffix('%').unwrap_or(text);
    if plain.contains('%') {
        return Err(unknown(option, text));
    }
    let plain = if plain.starts_with('@') { plain.to_owned() } else { format!("@{plain}") };
    let range = Some(Range::read(option, &plain)?);
    if warning {
        limits.warning = range;
    } else {
        limits.critical = range;
    }
    Ok(())
}

fn unit(text: &str) -> Result<Unit, NotNative> {
    if text.eq_ignore_ascii_case("bytes") {
        return Ok(Unit { bytes: 1, name: "B" });
    }
    UNITS.iter().find(|(name, _)| *name == text).map(|(_, unit)| *unit).ok_or_else(|| unknown("-u", text))
}

/// A percentage, rounded up as `df` does; -1 of nothing.
fn percent(value: u64, total: u64) -> f64 {
    if total == 0 {
        return -1.0;
    }
    match value.checked_mul(100) {
        Some(hundredfold) => (hundredfold / total + u64::from(hundredfold % total != 0)) as f64,
        None => {
            let share = value as f64 * 100.0 / total as f64;
            let whole = share.trunc();
            if whole - 1.0 < share && share <= whole + 1.0 {
                whole + f64::from(u8::from(whole < share))
            } else {
                share
            }
        }
    }
}

/// As C makes an unsigned number of one that fits; what is below zero wraps.
fn saturated(value: f64) -> u64 {
    if value < 0.0 { (value as i64) as u64 } else { value as u64 }
}
