//! The process of a check's plugin: as whom it runs, where, how nicely, and what it may use.
//!
//! Users and groups are looked up when the configuration is read. What only root may bring about is a warning to
//! anybody else, as the one who reads a configuration need not be the one who runs it.

use std::ffi::CString;
use std::path::PathBuf;

use custos_shim::{Credentials, IoPriority, Limits};
use nix::unistd::{Gid, Group, Uid, User, getgrouplist};

use crate::config::keys::process as keys;
use crate::config::model::check::{Process, RunAs};
use crate::document::diagnostic::Findings;
use crate::document::fields::{Fields, one_or_more, refuse, written};
use crate::document::section::Row;
use crate::document::yaml::Node;
use crate::limits::STDOUT_MAX_BYTES;
use crate::text::accounts::UNSEEN;

/// These settings, each of which may be absent.
#[derive(Clone, Debug, Default)]
pub(crate) struct ProcessSettings {
    user: Option<User>,
    group: Option<Gid>,
    groups: Option<Vec<Gid>>,
    directory: Option<PathBuf>,
    nice: Option<i8>,
    io_priority: Option<IoPriority>,
    limits: Limits,
    output_max_bytes: Option<usize>,
    no_new_privileges: Option<bool>,
}

/// Reports settings of processes of a check that is judged by the agent itself.
pub(crate) fn refuse_of_rule(fields: &Fields<'_>, owner: &str, findings: &mut Findings) {
    let user = [&keys::USER, &keys::GROUP, &keys::GROUPS];
    for entry in user.into_iter().filter_map(|key| fields.entry(key)) {
        findings.error(
            &entry.key_place,
            format!("{owner} has `{}`, but no process is run for a `query` or a `sequence`", entry.key),
        );
    }
}

impl ProcessSettings {
    /// Reads the settings among `fields`.
    pub(crate) fn read(fields: &Fields<'_>, owner: &str, findings: &mut Findings) -> ProcessSettings {
        let mut settings = ProcessSettings {
            user: fields.get(&keys::USER).and_then(|node| user(node, findings)),
            group: fields.get(&keys::GROUP).and_then(|node| group(node, findings)),
            groups: fields
                .get(&keys::GROUPS)
                .map(|node| one_or_more(node).iter().filter_map(|item| group(item, findings)).collect()),
            directory: fields.get(&keys::WORKING_DIRECTORY).and_then(|node| directory(node, findings)),
            nice: fields.read(&keys::NICE, findings),
            io_priority: fields.get(&keys::IOPRIO).and_then(|node| io_priority(node, findings)),
            no_new_privileges: fields.read(&keys::NO_NEW_PRIVILEGES, findings),
            ..ProcessSettings::default()
        };
        if let Some(node) = fields.get(&keys::LIMITS) {
            settings.read_limits(node, owner, findings);
        }
        settings.warn_of_privileges(fields, findings);
        settings
    }

    fn read_limits(&mut self, node: &Node, owner: &str, findings: &mut Findings) {
        let Some(fields) = Fields::of(node, &format!("`limits` of {owner}"), &keys::BOUNDS, findings) else {
            return;
        };
        let unsigned = |count: Option<i64>| count.and_then(|count| u64::try_from(count).ok());
        self.limits = Limits {
            address_space_bytes: fields.read(&keys::ADDRESS_SPACE, findings),
            // Whole seconds are what the kernel counts; a part of one is one.
            cpu_s: fields.read(&keys::CPU_TIME, findings).map(|time| time.as_millis().div_ceil(1000) as u64),
            processes: unsigned(fields.read(&keys::PROCESSES, findings)),
            open_files: unsigned(fields.read(&keys::OPEN_FILES, findings)),
        };
        self.output_max_bytes =
            fields.read(&keys::OUTPUT, findings).and_then(|bytes| usize::try_from(bytes).ok());
    }

    fn warn_of_privileges(&self, fields: &Fields<'_>, findings: &mut Findings) {
        let own = Uid::effective();
        if own.is_root() {
            return;
        }
        let privileged = [
            (
                &keys::USER as &dyn Row,
                self.user.as_ref().is_some_and(|user| user.uid != own),
                "change the user",
            ),
            (&keys::GROUP, self.group.is_some_and(|group| group != Gid::effective()), "change the group"),
            (&keys::GROUPS, self.groups.is_some(), "change groups"),
            (&keys::NICE, self.nice.is_some_and(|nice| nice < 0), "raise the priority"),
            (
                &keys::IOPRIO,
                matches!(self.io_priority, Some(IoPriority::RealTime(_))),
                "take real-time priority",
            ),
        ];
        for (key, wanted, what) in privileged {
            if let Some(node) = fields.get(key).filter(|_| wanted) {
                let key = key.name();
                let message =
                    format!("`{key}`: only an agent that runs as root may {what}; this is user {own}");
                findings.warning(&node.place, message);
            }
        }
    }

    /// These settings, and what is absent from them out of `base`. A user of its own takes no groups from `base`.
    pub(crate) fn over(self, base: &ProcessSettings) -> ProcessSettings {
        let inherits = self.user.is_none();
        let base_groups = if inherits { (base.group, base.groups.clone()) } else { (None, None) };
        ProcessSettings {
            user: self.user.or_else(|| base.user.clone()),
            group: self.group.or(base_groups.0),
            groups: self.groups.or(base_groups.1),
            directory: self.directory.or_else(|| base.directory.clone()),
            nice: self.nice.or(base.nice),
            io_priority: self.io_priority.or(base.io_priority),
            limits: Limits {
                address_space_bytes: self.limits.address_space_bytes.or(base.limits.address_space_bytes),
                cpu_s: self.limits.cpu_s.or(base.limits.cpu_s),
                processes: self.limits.processes.or(base.limits.processes),
                open_files: self.limits.open_files.or(base.limits.open_files),
            },
            output_max_bytes: self.output_max_bytes.or(base.output_max_bytes),
            no_new_privileges: self.no_new_privileges.or(base.no_new_privileges),
        }
    }

    /// What they come to.
    pub(crate) fn resolve(&self) -> Process {
        Process {
            run_as: self.run_as(),
            directory: self
                .directory
                .clone()
                .unwrap_or_else(|| PathBuf::from(keys::WORKING_DIRECTORY.built_in())),
            nice: self.nice.unwrap_or(keys::NICE.built_in()),
            io_priority: self.io_priority,
            limits: self.limits.clone(),
            stdout_max_bytes: self.output_max_bytes.unwrap_or(STDOUT_MAX_BYTES),
            no_new_privileges: self.no_new_privileges.unwrap_or(keys::NO_NEW_PRIVILEGES.built_in()),
        }
    }

    /// None if nothing is to be changed.
    fn run_as(&self) -> Option<RunAs> {
        let own = Uid::effective();
        let changes = self.user.as_ref().is_some_and(|user| user.uid != own);
        if !changes && self.group.is_none() && self.groups.is_none() {
            return None;
        }
        let user = self.user.clone().or_else(|| User::from_uid(own).ok().flatten())?;
        let gid = self.group.unwrap_or(user.gid);
        let groups = match &self.groups {
            Some(groups) => groups.clone(),
            None => all_groups(&user, gid),
        };
        let groups = groups.into_iter().map(Gid::as_raw).collect();
        let credentials = Credentials { uid: user.uid.as_raw(), gid: gid.as_raw(), groups };
        Some(RunAs { name: user.name, home: user.dir, credentials })
    }
}

/// The groups that the system gives the user, with this one as the first.
fn all_groups(user: &User, gid: Gid) -> Vec<Gid> {
    let listed = CString::new(user.name.as_str()).ok().and_then(|name| getgrouplist(&name, gid).ok());
    listed.unwrap_or_else(|| vec![gid])
}

fn user(node: &Node, findings: &mut Findings) -> Option<User> {
    let name = written(node, "the name or number of a user", findings)?;
    let found = match name.parse() {
        Ok(uid) => User::from_uid(Uid::from_raw(uid)).ok().flatten().or_else(|| nameless(uid)),
        Err(_) => User::from_name(name).ok().flatten(),
    };
    if found.is_none() {
        refuse(node, &format!("a user of this machine{UNSEEN}"), findings);
    }
    found
}

/// A user that the system knows by its number only: in the group of the same number, at home in the root directory.
fn nameless(uid: u32) -> Option<User> {
    Some(User {
        name: uid.to_string(),
        passwd: CString::default(),
        uid: Uid::from_raw(uid),
        gid: Gid::from_raw(uid),
        gecos: CString::default(),
        dir: PathBuf::from("/"),
        shell: PathBuf::from("/bin/sh"),
    })
}

fn group(node: &Node, findings: &mut Findings) -> Option<Gid> {
    let name = written(node, "the name or number of a group", findings)?;
    if let Ok(gid) = name.parse() {
        return Some(Gid::from_raw(gid));
    }
    let found = Group::from_name(name).ok().flatten().map(|group| group.gid);
    if found.is_none() {
        refuse(node, &format!("a group of this machine{UNSEEN}"), findings);
    }
    found
}

fn directory(node: &Node, findings: &mut Findings) -> Option<PathBuf> {
    let path = PathBuf::from(written(node, "a directory", findings)?);
    if !path.is_absolute() {
        refuse(node, "an absolute path", findings);
        return None;
    }
    if !path.is_dir() {
        findings.warning(&node.place, format!("{} is no directory now", path.display()));
    }
    Some(path)
}

/// `idle`, `best-effort` or `real-time`, the latter two perhaps with a level: `best-effort 7`.
fn io_priority(node: &Node, findings: &mut Findings) -> Option<IoPriority> {
    const EXPECTED: &str =
        "`idle`, `best-effort` or `real-time`, the latter two with a level from 0 to 7 if one is wanted";
    /// The level that programs have unless they are given another.
    const USUAL: u8 = 4;
    let text = written(node, EXPECTED, findings)?;
    let (class, level) = text.split_once(' ').map_or((text, None), |(class, level)| (class, Some(level)));
    let level = match level.map(|level| level.trim().parse::<u8>()) {
        None => Some(USUAL),
        Some(level) => level.ok().filter(|level| *level <= 7),
    };
    let priority = match (class, level) {
        ("idle", _) if text == "idle" => Some(IoPriority::Idle),
        ("best-effort", Some(level)) => Some(IoPriority::BestEffort(level)),
        ("real-time", Some(level)) => Some(IoPriority::RealTime(level)),
        _ => None,
    };
    if priority.is_none() {
        refuse(node, EXPECTED, findings);
    }
    priority
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::place::SourceFile;
    use crate::document::yaml;

    fn read(text: &str) -> (ProcessSettings, String) {
        let file = SourceFile::new("f".into(), text.to_owned());
        let mut findings = Findings::default();
        let root = yaml::parse(&file, &mut findings).unwrap();
        let fields = Fields::of(&root, "check `x`", &keys::PROCESS, &mut findings).unwrap();
        let settings = ProcessSettings::read(&fields, "check `x`", &mut findings);
        (settings, findings.into_mistakes(&[]).to_string())
    }

    #[test]
    fn every_setting_is_read() {
        let (settings, mistakes) = read(
            "{working_directory: /tmp, nice: 5, ioprio: best-effort 7, no_new_privileges: true, limits: {address_space: \
             512MiB, cpu_time: 1500ms, processes: 50, open_files: 100, output: 64KB}}\n",
        );
        assert_eq!(mistakes, "");
        let process = settings.resolve();
        assert_eq!((process.run_as, process.directory), (None, PathBuf::from("/tmp")));
        assert_eq!((process.nice, process.io_priority), (5, Some(IoPriority::BestEffort(7))));
        assert_eq!((process.stdout_max_bytes, process.no_new_privileges), (64_000, true));
        let limits = Limits {
            address_space_bytes: Some(512 << 20),
            cpu_s: Some(2),
            processes: Some(50),
            open_files: Some(100),
        };
        assert_eq!(process.limits, limits);
    }

    #[test]
    fn a_user_brings_its_groups_unless_others_are_named() {
        let other = if Uid::effective().is_root() { "daemon" } else { "root" };
        let settings = read(&format!("user: {other}\n")).0;
        let known = User::from_name(other).unwrap().unwrap();
        let run_as = settings.resolve().run_as.unwrap();
        assert_eq!((run_as.name.as_str(), &run_as.home), (other, &known.dir));
        assert_eq!(
            (run_as.credentials.uid, run_as.credentials.gid),
            (known.uid.as_raw(), known.gid.as_raw())
        );
        assert!(run_as.credentials.groups.contains(&known.gid.as_raw()));
        let named = read(&format!("{{user: {other}, group: 7, groups: [8, 9]}}\n")).0;
        let credentials = named.clone().resolve().run_as.unwrap().credentials;
        assert_eq!((credentials.gid, credentials.groups), (7, vec![8, 9]));
        // Groups belong to the user that they were given with.
        let credentials = settings.over(&named).resolve().run_as.unwrap().credentials;
        assert_eq!(credentials.gid, known.gid.as_raw());
        assert_eq!(read(&format!("user: {}\n", Uid::effective())).0.resolve().run_as, None);
    }

    #[test]
    fn mistakes_are_all_reported_with_their_places() {
        let (_, mistakes) = read(
            "user: no-such-user\ngroups: [0, no-such-group]\nworking_directory: tmp\nnice: 20\nioprio: idle 3\n\
             limits: {address_space: 1XB, output: 9MiB, memory: 3}\nno_new_privileges: yes\n",
        );
        for expected in [
            "f:1:7: found `no-such-user`, expected a user of this machine",
            "f:2:13: found `no-such-group`, expected a group of this machine",
            "f:3:20: found `tmp`, expected an absolute path",
            "f:4:7: found the number `20`, expected a whole number from -20 to 19",
            "f:5:9: found `idle 3`, expected `idle`, `best-effort` or `real-time`",
            "f:6:25: found `1XB`, expected a size such as `512MiB`",
            "f:6:38: found `9MiB`, expected a size such as `512MiB`, from 1 to 8388608 bytes",
            "f:6:44: unknown key `memory` in `limits` of check `x`",
            "f:7:20: found `yes`, expected `true` or `false`",
        ] {
            assert!(mistakes.contains(expected), "{expected}\n{mistakes}");
        }
    }
}
