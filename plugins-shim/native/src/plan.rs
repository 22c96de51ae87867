//! Which plugin a command line runs, and what of it is known.

use std::ffi::OsString;

use crate::disk::Disk;
use crate::load::Load;
use crate::not_native::NotNative;
use crate::printed::Printed;
use crate::procs::Procs;
use crate::swap::Swap;
use crate::system::System;
use crate::users::Users;

/// The plugins whose work can be done here.
pub const PLUGINS: [&str; 5] = ["check_disk", "check_load", "check_procs", "check_swap", "check_users"];

/// In whose words is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavour {
    /// The Monitoring Plugins 2.3, as in Debian 12.
    V2_3,
}

/// What a plan touches, and so how long it may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// A few small files of the kernel: it is done in some tens of microseconds.
    Figures,
    /// All processes, of which there may be thousands.
    Processes,
    /// The names of users, which a server may have: that may block for ever.
    Names,
    /// File systems, which may block for ever.
    FileSystems,
}

/// A command line that is understood in full.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan(Of);

#[derive(Clone, Debug, PartialEq)]
enum Of {
    Load(Load),
    Swap(Swap),
    Users(Users),
    Procs(Procs),
    Disk(Box<Disk>),
}

/// Reads a command line: the name of a plugin, and the words behind it.
///
/// # Errors
/// There is no such plugin here, or one of the words is not exactly known.
pub fn plan(plugin: &str, words: &[OsString], flavour: Flavour) -> Result<Plan, NotNative> {
    let Flavour::V2_3 = flavour;
    let of = match plugin {
        "check_load" => Of::Load(Load::read(words)?),
        "check_swap" => Of::Swap(Swap::read(words)?),
        "check_users" => Of::Users(Users::read(words)?),
        "check_procs" => Of::Procs(Procs::read(words)?),
        "check_disk" => Of::Disk(Box::new(Disk::read(words)?)),
        _ => return Err(NotNative(format!("there is no {plugin} without a process"))),
    };
    Ok(Plan(of))
}

impl Plan {
    /// What it touches.
    pub fn needs(&self) -> Needs {
        match &self.0 {
            Of::Load(_) | Of::Swap(_) | Of::Users(_) => Needs::Figures,
            Of::Procs(procs) if procs.names_a_user() => Needs::Names,
            Of::Procs(_) => Needs::Processes,
            Of::Disk(_) => Needs::FileSystems,
        }
    }

    /// Measures, and says what the plugin would.
    ///
    /// # Errors
    /// Only now it shows that the plugin itself has to be run.
    pub fn run(&self, system: &dyn System) -> Result<Printed, NotNative> {
        match &self.0 {
            Of::Load(load) => Ok(load.run(system)),
            Of::Swap(swap) => Ok(swap.run(system)),
            Of::Users(users) => Ok(users.run(system)),
            Of::Procs(procs) => procs.run(system),
            Of::Disk(disk) => disk.run(system),
        }
    }
}
