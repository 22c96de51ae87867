//! Which package has a plugin.

use crate::discover::host::Family;

/// Those that Debian keeps out of `monitoring-plugins-basic`, as they are scripts or need libraries.
const STANDARD: [&str; 3] = ["check_mailq", "check_mysql", "check_pgsql"];
/// Those of neither package.
const CONTRIB: [&str; 1] = ["check_raid"];

/// The package that has a plugin on hosts of this family, as a person would look for it.
pub(super) fn package_of(plugin: &str, family: Family) -> String {
    if plugin.ends_with(".sh") {
        return "custos".to_owned();
    }
    match family {
        Family::Debian if CONTRIB.contains(&plugin) => "monitoring-plugins-contrib".to_owned(),
        Family::Debian if STANDARD.contains(&plugin) => "monitoring-plugins-standard".to_owned(),
        Family::Debian => "monitoring-plugins-basic".to_owned(),
        Family::RedHat => format!("nagios-plugins-{} of EPEL", plugin.trim_start_matches("check_")),
        Family::Other => "the Monitoring Plugins".to_owned(),
    }
}
