//! Whether a plugin is the distribution's own. A path may have somebody's wrapper, so only a file counts that is to the byte what the
//! package has installed.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use custos_native::Flavour;
use nix::sys::statfs::{
    BTRFS_SUPER_MAGIC, EXT4_SUPER_MAGIC, FsType, OVERLAYFS_SUPER_MAGIC, TMPFS_MAGIC, XFS_SUPER_MAGIC, statfs,
};
use openssl::hash::{MessageDigest, hash};

use crate::limits::{NATIVE_IDENTITIES_MAX, NATIVE_PLUGIN_MAX_BYTES};

/// The packages of Debian and its kin that have the plugins.
const PACKAGES: [&str; 2] = ["monitoring-plugins-basic", "monitoring-plugins-standard"];
/// File systems that need nobody else to answer.
const LOCAL: [FsType; 6] = [
    EXT4_SUPER_MAGIC,
    XFS_SUPER_MAGIC,
    BTRFS_SUPER_MAGIC,
    TMPFS_MAGIC,
    OVERLAYFS_SUPER_MAGIC,
    FsType(0x2fc1_2fc1), // ZFS, as its driver has it
];
/// Where they are listed.
const DPKG: &str = "/var/lib/dpkg";

/// What is known of plugins, by their files.
#[derive(Debug, Default)]
pub(super) struct Identities {
    known: HashMap<PathBuf, Known>,
}

#[derive(Debug)]
struct Known {
    stamp: Stamp,
    /// Whether the file is on a disk of this machine, which is always there.
    is_local: bool,
    flavour: Result<Flavour, String>,
}

/// What changes with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    inode: (u64, u64),
    size: u64,
    changed: (i64, i64),
}

impl Identities {
    /// In whose words a plugin speaks, if it is the distribution's own. A file is read once, and again when it changes.
    ///
    /// # Errors
    /// Why it does not count as that.
    pub(super) fn flavour(&mut self, plugin: &Path) -> Result<Flavour, String> {
        let stamp = Stamp::of(plugin).map_err(|error| format!("{}: {error}", plugin.display()))?;
        if let Some(known) = self.known.get(plugin).filter(|known| known.stamp == stamp) {
            return known.flavour.clone();
        }
        let flavour = flavour_of(plugin, Path::new(DPKG));
        if self.known.len() >= NATIVE_IDENTITIES_MAX {
            self.known.clear();
        }
        let known = Known { stamp, is_local: is_local(plugin), flavour: flavour.clone() };
        self.known.insert(plugin.to_owned(), known);
        flavour
    }

    /// The same if it is known already, and its file is where looking for it holds up nobody.
    pub(super) fn flavour_at_once(&self, plugin: &Path) -> Option<Flavour> {
        let known = self.known.get(plugin).filter(|known| known.is_local)?;
        let flavour = known.flavour.as_ref().ok()?;
        (Stamp::of(plugin).ok()? == known.stamp).then_some(*flavour)
    }
}

impl Stamp {
    fn of(plugin: &Path) -> io::Result<Stamp> {
        let found = fs::metadata(plugin)?;
        Ok(Stamp {
            inode: (found.dev(), found.ino()),
            size: found.size(),
            changed: (found.ctime(), found.ctime_nsec()),
        })
    }
}

/// Whether a file is in a file system of a kind that has its data on this machine.
fn is_local(file: &Path) -> bool {
    statfs(file).is_ok_and(|found| LOCAL.contains(&found.filesystem_type()))
}

fn flavour_of(plugin: &Path, dpkg: &Path) -> Result<Flavour, String> {
    let place = fs::canonicalize(plugin).map_err(|error| format!("{}: {error}", plugin.display()))?;
    let shown = place.display();
    let relative = place.strip_prefix("/").unwrap_or(&place).to_string_lossy();
    let listed = PACKAGES.iter().find_map(|package| {
        let list = fs::read_to_string(dpkg.join("info").join(format!("{package}.md5sums"))).ok()?;
        let sum = list
            .lines()
            .find_map(|line| line.split_once("  ").filter(|(_, path)| *path == relative))?
            .0
            .to_owned();
        Some((package, sum))
    });
    let (package, sum) =
        listed.ok_or_else(|| format!("{shown} is in no package of the Monitoring Plugins"))?;
    let own = md5(&place).map_err(|error| format!("failed to read {shown}: {error}"))?;
    if own != sum {
        return Err(format!("{shown} is not what the package {package} has installed"));
    }
    let version = version(package, dpkg).ok_or_else(|| format!("the package {package} has no version"))?;
    // The part before the first hyphen is that of the plugins.
    match version.split(['-', '+']).next().unwrap_or_default() {
        "2.3.3" => Ok(Flavour::V2_3),
        other => Err(format!("version {other} of the plugins is not known")),
    }
}

fn md5(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(NATIVE_PLUGIN_MAX_BYTES).read_to_end(&mut bytes)?;
    let sum = hash(MessageDigest::md5(), &bytes).map_err(io::Error::other)?;
    Ok(sum.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The version of a package that is installed.
fn version(package: &str, dpkg: &Path) -> Option<String> {
    let status = fs::read_to_string(dpkg.join("status")).ok()?;
    let own = status.split("\n\n").find(|entry| {
        entry.lines().next().is_some_and(|line| line.strip_prefix("Package: ") == Some(package))
    })?;
    own.lines().find_map(|line| line.strip_prefix("Version: ")).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_package_of_a_known_version_has_installed_counts() {
        let place = tempfile::tempdir().unwrap();
        let (plugin, dpkg) = (place.path().join("check_x"), place.path().join("dpkg"));
        fs::create_dir_all(dpkg.join("info")).unwrap();
        fs::write(&plugin, "hello").unwrap();
        let why = || flavour_of(&plugin, &dpkg).unwrap_err();
        assert!(why().ends_with("is in no package of the Monitoring Plugins"), "{}", why());
        let relative = plugin.canonicalize().unwrap().display().to_string();
        let list = format!(
            "d41d8cd98f00b204e9800998ecf8427e  usr/bin/x\n5d41402abc4b2a76b9719d911017c592  {}\n",
            &relative[1..]
        );
        fs::write(dpkg.join("info/monitoring-plugins-basic.md5sums"), list).unwrap();
        let status = |version: &str| {
            let text = format!(
                "Package: a\nVersion: 1\n\nPackage: monitoring-plugins-basic\nStatus: install ok installed\nVersion: {version}\n\n"
            );
            fs::write(dpkg.join("status"), text).unwrap();
        };
        status("2.3.3-5+deb12u2");
        assert_eq!(flavour_of(&plugin, &dpkg), Ok(Flavour::V2_3));
        status("2.4.0-3");
        assert_eq!(why(), "version 2.4.0 of the plugins is not known");
        fs::write(&plugin, "#!/bin/sh\nexec wrapped\n").unwrap();
        assert!(
            why().ends_with("is not what the package monitoring-plugins-basic has installed"),
            "{}",
            why()
        );
    }

    #[test]
    fn a_file_that_changes_is_looked_at_again() {
        let place = tempfile::tempdir().unwrap();
        let plugin = place.path().join("check_x");
        let mut identities = Identities::default();
        assert!(identities.flavour(&plugin).unwrap_err().contains("No such file"));
        fs::write(&plugin, "one").unwrap();
        assert!(identities.flavour(&plugin).is_err());
        let before = identities.known[&plugin].stamp;
        fs::write(&plugin, "another").unwrap();
        assert!(identities.flavour(&plugin).is_err());
        assert_ne!(identities.known[&plugin].stamp, before);
    }

    #[test]
    fn only_what_is_known_and_on_a_disk_of_this_machine_is_answered_at_once() {
        let place = tempfile::tempdir().unwrap();
        let plugin = place.path().join("check_x");
        fs::write(&plugin, "one").unwrap();
        let mut identities = Identities::default();
        assert_eq!(identities.flavour_at_once(&plugin), None);
        let mut know = |is_local, flavour: Result<Flavour, String>| {
            let known = Known { stamp: Stamp::of(&plugin).unwrap(), is_local, flavour };
            identities.known.insert(plugin.clone(), known);
            identities.flavour_at_once(&plugin)
        };
        assert_eq!(know(true, Ok(Flavour::V2_3)), Some(Flavour::V2_3));
        assert_eq!(know(false, Ok(Flavour::V2_3)), None);
        assert_eq!(know(true, Err("a wrapper".to_owned())), None);
        know(true, Ok(Flavour::V2_3));
        fs::write(&plugin, "a wrapper").unwrap();
        assert_eq!(identities.flavour_at_once(&plugin), None);
        assert!(is_local(place.path()) && !is_local(Path::new("/proc/self/stat")));
    }
}
