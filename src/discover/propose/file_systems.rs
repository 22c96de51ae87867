//! File systems: which mounts are of disks of this host, and how much must be free.

use std::collections::{BTreeMap, BTreeSet};

use super::draft::Draft;
use super::subject::Subject;
use crate::discover::host::Mount;
use crate::limits::DISCOVERED_FILE_SYSTEMS_MAX;
use crate::text::printable;

/// File systems on disks, and whether they have a fixed number of inodes to run out of.
const ON_DISK: [(&str, bool); 13] = [
    ("ext2", true),
    ("ext3", true),
    ("ext4", true),
    ("xfs", true),
    ("jfs", true),
    ("reiserfs", false),
    ("btrfs", false),
    ("zfs", false),
    ("bcachefs", false),
    ("f2fs", false),
    ("vfat", false),
    ("ntfs3", false),
    ("ocfs2", false),
];
/// File systems of other hosts.
const REMOTE: [&str; 8] = ["nfs", "nfs4", "cifs", "smb3", "ceph", "9p", "glusterfs", "afs"];
/// Below these, a mount is the work of a program: images of containers, files lent to one.
const OF_PROGRAMS: [&str; 9] =
    ["/proc", "/sys", "/dev", "/run", "/etc", "/snap", "/var/snap", "/var/lib/docker", "/var/lib/containers"];

const GIB: u64 = 1 << 30;
/// Shares in per cent that must be free, and what is enough on a disk that is so big that the share is more than that.
const WARNING: (u64, u64) = (10, 50 * GIB);
const CRITICAL: (u64, u64) = (5, 20 * GIB);

/// The checks of the file systems, and what is said of those that have none.
pub(super) fn drafts(mounts: &[Mount]) -> (Vec<Draft>, Vec<String>) {
    let mut remarks = Vec::new();
    let mut remote = BTreeSet::new();
    // Of all mounts of a file system, that with the shortest path.
    let mut chosen: BTreeMap<&str, (usize, &Mount)> = BTreeMap::new();
    for (at, mount) in mounts.iter().enumerate() {
        let of_program = OF_PROGRAMS.iter().any(|place| is_below(&mount.point, place));
        if REMOTE.contains(&mount.kind.as_str()) && !of_program {
            remote.insert(shown(mount));
        }
        if of_program || mount.read_only || !ON_DISK.iter().any(|(kind, _)| *kind == mount.kind) {
            continue;
        }
        let best = chosen.entry(&mount.device).or_insert((at, mount));
        if mount.point.len() < best.1.point.len() {
            *best = (at, mount);
        }
    }
    let mut chosen: Vec<(usize, &Mount)> = chosen.into_values().collect();
    chosen.sort_by_key(|(at, _)| *at);
    let mut drafts = Vec::new();
    for (_, mount) in chosen {
        match readable(&mount.point) {
            Err(why) => remarks.push(format!("{} is not checked: {why}", shown(mount))),
            Ok(_) if drafts.len() == DISCOVERED_FILE_SYSTEMS_MAX => {
                remarks.push(format!(
                    "only the first {DISCOVERED_FILE_SYSTEMS_MAX} file systems are checked, not {} and what follows",
                    shown(mount)
                ));
                break;
            }
            Ok(point) => drafts.push(draft(mount, point)),
        }
    }
    if !remote.is_empty() {
        let all = remote.into_iter().collect::<Vec<_>>().join(", ");
        remarks.push(format!("file systems of other hosts are better checked there: {all}"));
    }
    (drafts, remarks)
}

fn is_below(point: &[u8], place: &str) -> bool {
    point.strip_prefix(place.as_bytes()).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
}

fn shown(mount: &Mount) -> String {
    printable(&String::from_utf8_lossy(&mount.point)).into_owned()
}

/// A mount point that can stand in a configuration and in the output of a plugin.
fn readable(point: &[u8]) -> Result<&str, &'static str> {
    let text = std::str::from_utf8(point).map_err(|_| "its name is not UTF-8")?;
    if printable(text) != text {
        return Err("its name has characters that cannot be shown");
    }
    if !text.starts_with('/') {
        return Err("its name does not begin with a slash, and might be taken for an option");
    }
    if has_macro(text) {
        return Err("its name looks like a macro of Nagios");
    }
    Ok(text)
}

/// Whether there is something like `$ARG1$` or `$HOSTNAME:x$`, which is refused in commands.
fn has_macro(text: &str) -> bool {
    let mut parts: Vec<&str> = text.split('$').skip(1).collect();
    // Behind the last there is no `$` to end it.
    parts.pop();
    parts.iter().any(|part| {
        let name = part.split(':').next().unwrap_or_default();
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
    })
}

fn draft(mount: &Mount, point: &str) -> Draft {
    let (warning, critical) = (free(WARNING, mount.size_bytes), free(CRITICAL, mount.size_bytes));
    let size = mount.size_bytes.map_or_else(String::new, |bytes| format!(", {} GiB", bytes.div_ceil(GIB)));
    let why = format!("{} on {point}{size}: {} free at least", mount.kind, warning.said());
    let inodes = ON_DISK.iter().any(|(kind, inodes)| *kind == mount.kind && *inodes);
    let (plugin_w, plugin_c) = (warning.free(), critical.free());
    let mut check_disk = vec!["check_disk", "-w", &plugin_w, "-c", &plugin_c];
    if inodes {
        check_disk.extend(["-W", "10%", "-K", "5%"]);
    }
    check_disk.extend(["-p", point]);
    let (used_w, used_c) = (warning.used(), critical.used());
    Draft::new(name(point), why)
        .command(check_disk)
        .command(["disk.sh", "-w", &used_w, "-c", &used_c, point])
        .settings(&[("check_interval", "1m")])
        .of(Subject::Mount(point.to_owned()))
}

/// The name of the check of a mount point: `disk`, `disk_srv_data`.
fn name(point: &str) -> String {
    let rest: String =
        point.chars().map(|c| if c.is_alphanumeric() || matches!(c, '-' | '.') { c } else { '_' }).collect();
    match rest.trim_matches('_') {
        "" => "disk".to_owned(),
        rest => format!("disk_{rest}"),
    }
}

/// How much must be free.
enum Free {
    /// So many per cent.
    Share(u64),
    /// So many bytes, of so many.
    Bytes(u64, u64),
}

fn free((percent, enough_bytes): (u64, u64), size_bytes: Option<u64>) -> Free {
    match size_bytes {
        Some(size) if size / 100 * percent > enough_bytes => Free::Bytes(enough_bytes, size),
        _ => Free::Share(percent),
    }
}

impl Free {
    /// As check_disk has it: per cent, or MiB.
    fn free(&self) -> String {
        match self {
            Free::Share(percent) => format!("{percent}%"),
            Free::Bytes(bytes, _) => (bytes >> 20).to_string(),
        }
    }

    /// As disk.sh has it: per cent in use.
    fn used(&self) -> String {
        match self {
            Free::Share(percent) => format!("{}%", 100 - percent),
            Free::Bytes(bytes, size) => format!("{:.2}%", 100.0 - 100.0 * *bytes as f64 / *size as f64),
        }
    }

    fn said(&self) -> String {
        match self {
            Free::Share(percent) => format!("{percent} %"),
            Free::Bytes(bytes, _) => format!("{} GiB", bytes / GIB),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mount(point: &str, kind: &str, device: &str, gib: u64) -> Mount {
        Mount {
            point: point.as_bytes().to_vec(),
            kind: kind.to_owned(),
            device: device.to_owned(),
            read_only: false,
            size_bytes: (gib > 0).then_some(gib * GIB),
        }
    }

    fn commands(mounts: &[Mount]) -> Vec<String> {
        drafts(mounts).0.iter().map(|draft| draft.commands[0].join(" ")).collect()
    }

    #[test]
    fn a_share_is_asked_for_until_it_is_more_than_enough() {
        let of = |gib| commands(&[mount("/srv", "ext4", "8:1", gib)]).remove(0);
        assert_eq!(of(0), "check_disk -w 10% -c 5% -W 10% -K 5% -p /srv");
        assert_eq!(of(399), "check_disk -w 10% -c 5% -W 10% -K 5% -p /srv");
        assert_eq!(of(450), "check_disk -w 10% -c 20480 -W 10% -K 5% -p /srv");
        assert_eq!(of(20_000), "check_disk -w 51200 -c 20480 -W 10% -K 5% -p /srv");
        let (drafts, _) = drafts(&[mount("/srv", "btrfs", "8:1", 1000)]);
        assert_eq!(drafts[0].commands[0].join(" "), "check_disk -w 51200 -c 20480 -p /srv");
        assert_eq!(drafts[0].commands[1].join(" "), "disk.sh -w 95.00% -c 98.00% /srv");
    }

    #[test]
    fn a_file_system_is_checked_once_and_only_if_it_is_of_this_host() {
        let read_only = Mount { read_only: true, ..mount("/cd", "ext4", "11:0", 1) };
        let mounts = [
            mount("/", "ext4", "8:1", 20),
            mount("/var/lib/docker/overlay2", "ext4", "8:7", 20),
            mount("/run/user/0", "tmpfs", "0:40", 0),
            mount("/bind/of/root", "ext4", "8:1", 20),
            mount("/home", "xfs", "8:2", 20),
            mount("/h", "xfs", "8:2", 20),
            mount("/mnt/nas", "nfs4", "0:50", 0),
            mount("/etc/hosts", "ext4", "8:9", 20),
            mount("/etcetera", "ext4", "8:10", 20),
            mount("/o", "overlay", "0:51", 0),
            read_only,
        ];
        let (drafts, remarks) = drafts(&mounts);
        let names: Vec<&str> = drafts.iter().map(|draft| draft.name.as_str()).collect();
        assert_eq!(names, ["disk", "disk_h", "disk_etcetera"]);
        assert_eq!(remarks, ["file systems of other hosts are better checked there: /mnt/nas"]);
    }

    #[test]
    fn a_name_that_cannot_be_written_is_said_instead() {
        for (point, why) in [
            (&b"/mnt/\xff"[..], "not UTF-8"),
            (b"/mnt/a\nb", "cannot be shown"),
            (b"/mnt/$ARG1$", "macro of Nagios"),
            (b"-oops", "taken for an option"),
        ] {
            let (drafts, remarks) = drafts(&[Mount { point: point.to_vec(), ..mount("", "ext4", "8:1", 1) }]);
            assert!(drafts.is_empty() && remarks[0].contains(why), "{remarks:?}");
            assert!(!remarks[0].contains('\n'));
        }
        let (drafts, _) = drafts(&[mount("/srv/it's \"a\" \\ $HOME: #ü", "ext4", "8:1", 1)]);
        assert_eq!(drafts[0].name, "disk_srv_it_s__a_____HOME___ü");
    }

    #[test]
    fn many_are_bounded() {
        let many: Vec<Mount> = (0..DISCOVERED_FILE_SYSTEMS_MAX + 2)
            .map(|at| mount(&format!("/m{at}"), "ext4", &format!("9:{at}"), 1))
            .collect();
        let (drafts, remarks) = drafts(&many);
        assert_eq!(drafts.len(), DISCOVERED_FILE_SYSTEMS_MAX);
        assert_eq!(remarks.len(), 1, "{remarks:?}");
    }
}
