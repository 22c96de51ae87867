//! Network interfaces, as sysfs has them.

use super::read::Root;

/// The interfaces that are of hardware or gather such (bonds, bridges of a host are made by people), and are up.
pub(super) fn gather(root: Root<'_>) -> Vec<String> {
    let mut names = root.names("/sys/class/net");
    names.retain(|name| {
        let of = |file: &str| format!("/sys/class/net/{name}/{file}");
        let real = root.has(&of("device")) || root.has(&of("bonding"));
        real && root.text(&of("operstate")).trim() == "up"
    });
    names
}
