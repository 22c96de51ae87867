//! A host, as far as it matters for what to check of it.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

/// What was found on a host. The default has nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Host {
    /// The family of its distribution, for the names of packages.
    pub(crate) family: Family,
    /// It shares its kernel with others: the clock and the physical interfaces are theirs.
    pub(crate) container: bool,
    /// systemd is its init.
    pub(crate) systemd: bool,
    /// CPUs; at least 1 where it is known.
    pub(crate) cpus: usize,
    /// Processes that run.
    pub(crate) processes: usize,
    /// Memory is swapped to something.
    pub(crate) swap: bool,
    /// Everything that is mounted, in the order of the kernel.
    pub(crate) mounts: Vec<Mount>,
    /// Interfaces of real hardware, and those made of such, that are up.
    pub(crate) interfaces: Vec<String>,
    /// Where something listens by TCP.
    pub(crate) listening: Vec<(IpAddr, u16)>,
    /// Something answers on the UDP port of SNMP.
    pub(crate) snmp: bool,
    /// Sockets in the file system on which something listens.
    pub(crate) sockets: Vec<String>,
    /// What sends its mail.
    pub(crate) mta: Option<Mta>,
    /// Software RAID of the kernel, by name.
    pub(crate) arrays: Vec<String>,
    /// Services that systemd starts at boot, without `.service`.
    pub(crate) units: Vec<String>,
    /// Its plugins.
    pub(crate) plugins: Plugins,
    /// The configuration of nrpe.
    pub(crate) nrpe: Option<NrpeFile>,
}

/// Distributions whose packages have the same names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Family {
    /// Debian and what is made of it.
    Debian,
    /// Red Hat and its kin, with EPEL.
    RedHat,
    /// Any other.
    #[default]
    Other,
}

/// A mounted file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mount {
    /// Where; a name of a file may be any bytes.
    pub(crate) point: Vec<u8>,
    /// `ext4`, `nfs4`, `fuse.sshfs` and so on.
    pub(crate) kind: String,
    /// Major and minor number of its device, or the pool of ZFS: the same for all mounts that share their space.
    pub(crate) device: String,
    /// It cannot be written.
    pub(crate) read_only: bool,
    /// The size of its block device.
    pub(crate) size_bytes: Option<u64>,
}

/// Programs that send mail and have a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mta {
    /// Postfix.
    Postfix,
    /// Exim 4.
    Exim,
}

/// The plugins of a host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Plugins {
    /// The directories that are there, in which a program without a slash is looked up.
    pub(crate) directories: Vec<PathBuf>,
    /// By name, the directory in which it is found first.
    pub(crate) found: BTreeMap<String, PathBuf>,
}

/// An `nrpe.cfg` with all that it includes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NrpeFile {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// Its commands: name and line.
    pub(crate) commands: Vec<(String, String)>,
    /// Where it has nrpe listen.
    pub(crate) port: u16,
    /// What of it was left out.
    pub(crate) left_out: Option<String>,
    /// Why it cannot be used, in the words of nrpe.
    pub(crate) fault: Option<String>,
}
