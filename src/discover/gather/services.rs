//! Services: what systemd starts at boot, what sends mail, what the kernel keeps together.

use std::collections::BTreeSet;

use super::read::Root;
use crate::discover::host::Mta;

/// Where systemd's administrators enable units.
const UNITS: &str = "/etc/systemd/system";

/// The services that are enabled, without `.service`. Instances of templates are named whole, templates not at all.
pub(super) fn units(root: Root<'_>) -> Vec<String> {
    let wanting = root.names(UNITS).into_iter().filter(|name| name.ends_with(".wants"));
    let found: BTreeSet<String> = wanting
        .flat_map(|directory| root.names(&format!("{UNITS}/{directory}")))
        .filter_map(|name| name.strip_suffix(".service").map(str::to_owned))
        .filter(|name| !name.ends_with('@'))
        .collect();
    found.into_iter().collect()
}

/// What sends mail.
pub(super) fn mta(root: Root<'_>) -> Option<Mta> {
    if root.has("/etc/postfix/main.cf") && root.has("/usr/sbin/postqueue") {
        return Some(Mta::Postfix);
    }
    let exim = ["/usr/sbin/exim4", "/usr/sbin/exim"].iter().any(|program| root.has(program));
    exim.then_some(Mta::Exim)
}

/// The software RAID of the kernel: `md0 : active raid1 …`.
pub(super) fn arrays(root: Root<'_>) -> Vec<String> {
    let table = root.text("/proc/mdstat");
    table
        .lines()
        .filter_map(|line| line.split_once(" : "))
        .filter(|(name, _)| name.starts_with("md") && name.bytes().all(|byte| byte.is_ascii_graphic()))
        .map(|(name, _)| name.to_owned())
        .collect()
}
