//! A host, read whole.

use std::path::{Path, PathBuf};

use super::read::Root;
use super::{interfaces, mounts, nrpe_file, plugins, services, sockets};
use crate::discover::host::{Family, Host};

/// The UDP port of SNMP.
const SNMP_PORT: u16 = 161;

/// Reads the host whose root is this directory. `further` are directories with plugins, before the usual ones.
pub(crate) fn gather(root: &Path, further: &[PathBuf]) -> Host {
    let root = Root(root);
    Host {
        family: family(&root.text("/etc/os-release")),
        container: root.has("/.dockerenv")
            || root.has("/run/.containerenv")
            || root.has("/run/systemd/container"),
        systemd: root.has("/run/systemd/system"),
        cpus: cpus(&root.text("/sys/devices/system/cpu/online")).max(1),
        processes: root.names("/proc").iter().filter(|name| name.bytes().all(|b| b.is_ascii_digit())).count(),
        // The first line is a heading.
        swap: root.text("/proc/swaps").lines().nth(1).is_some(),
        mounts: mounts::gather(root),
        interfaces: interfaces::gather(root),
        listening: sockets::tcp(root),
        snmp: sockets::udp(root, SNMP_PORT),
        sockets: sockets::unix(root),
        mta: services::mta(root),
        arrays: services::arrays(root),
        units: services::units(root),
        plugins: plugins::gather(root, further),
        nrpe: nrpe_file::gather(root),
    }
}

/// The family that `/etc/os-release` tells of by `ID` and `ID_LIKE`.
fn family(release: &str) -> Family {
    let mut words = release
        .lines()
        .filter_map(|line| line.strip_prefix("ID=").or_else(|| line.strip_prefix("ID_LIKE=")))
        .flat_map(|value| value.trim_matches(['"', '\'']).split(' '));
    words
        .find_map(|word| match word {
            "debian" | "ubuntu" => Some(Family::Debian),
            "rhel" | "fedora" | "centos" => Some(Family::RedHat),
            _ => None,
        })
        .unwrap_or_default()
}

/// How many are in a list such as `0-3,6`.
fn cpus(list: &str) -> usize {
    list.trim()
        .split(',')
        .filter_map(|part| {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last): (usize, usize) = (first.parse().ok()?, last.parse().ok()?);
            Some(last.checked_sub(first)?.saturating_add(1))
        })
        .fold(0, usize::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpus_and_families_are_read() {
        assert_eq!(cpus("0-3,6\n"), 5);
        assert_eq!(cpus("0"), 1);
        assert_eq!(cpus("3-1,x,"), 0);
        assert_eq!(family("NAME=x\nID=debian\n"), Family::Debian);
        assert_eq!(family("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n"), Family::RedHat);
        assert_eq!(family("ID=arch\n"), Family::Other);
    }
}
