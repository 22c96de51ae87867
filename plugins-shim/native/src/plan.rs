//! Which plugin a command line runs, and what of it is known.

use std::ffi::{OsStr, OsString};

use crate::cpu::{Cpu, CpuTalk};
use crate::disk::{self, Disk};
use crate::file_age::{self, FileAge};
use crate::http::Http;
use crate::http_talk::HttpTalk;
use crate::load::Load;
use crate::mem::Mem;
use crate::not_native::NotNative;
use crate::ntp::{Ntp, NtpTalk};
use crate::printed::{self, Printed};
use crate::procs::Procs;
use crate::ssh::{Ssh, SshTalk};
use crate::swap::Swap;
use crate::system::System;
use crate::talk::Talk;
use crate::tcp::Tcp;
use crate::tcp_talk::TcpTalk;
use crate::users::Users;

/// The plugins whose work can be done here.
pub const PLUGINS: [&str; 21] = [
    "check_clamd",
    "check_disk",
    "check_file_age",
    "check_ftp",
    "check_http",
    "check_imap",
    "check_jabber",
    "check_load",
    "check_nntp",
    "check_nntps",
    "check_ntp_time",
    "check_pop",
    "check_procs",
    "check_simap",
    "check_spop",
    "check_ssh",
    "check_ssmtp",
    "check_swap",
    "check_tcp",
    "check_udp",
    "check_users",
];

/// The plugins of this project's own, of which none stands in for another one.
pub const OWN: [&str; 2] = ["check_cpu", "check_mem"];

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
    /// Others on the network: [`Plan::talk`] is what is done, and not [`Plan::run`].
    Network,
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
    Tcp(Box<Tcp>),
    Ssh(Box<Ssh>),
    Http(Box<Http>),
    FileAge(Box<FileAge>),
    Ntp(Box<Ntp>),
    Mem(Mem),
    Cpu(Cpu),
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
        "check_file_age" => Of::FileAge(Box::new(FileAge::read(words)?)),
        "check_http" => Of::Http(Box::new(Http::read(words)?)),
        "check_ntp_time" => Of::Ntp(Box::new(Ntp::read(words)?)),
        "check_ssh" => Of::Ssh(Box::new(Ssh::read(words)?)),
        _ if PLUGINS.contains(&plugin) => Of::Tcp(Box::new(Tcp::read(plugin, words)?)),
        _ => return Err(NotNative(format!("there is no {plugin} without a process"))),
    };
    Ok(Plan(of))
}

/// The same for one of the own plugins.
///
/// # Errors
/// There is no such plugin, or one of the words cannot be used.
pub fn own(plugin: &str, words: &[OsString]) -> Result<Plan, NotNative> {
    match plugin {
        "check_cpu" => Ok(Plan(Of::Cpu(Cpu::read(words)?))),
        "check_mem" => Ok(Plan(Of::Mem(Mem::read(words)?))),
        _ => Err(NotNative(format!("there is no own {plugin}"))),
    }
}

impl Plan {
    /// What it touches.
    pub fn needs(&self) -> Needs {
        match &self.0 {
            Of::Load(_) | Of::Swap(_) | Of::Users(_) | Of::Mem(_) => Needs::Figures,
            Of::Procs(procs) if procs.names_a_user() => Needs::Names,
            Of::Procs(_) => Needs::Processes,
            Of::Disk(_) | Of::FileAge(_) => Needs::FileSystems,
            Of::Tcp(_) | Of::Ssh(_) | Of::Http(_) | Of::Ntp(_) | Of::Cpu(_) => Needs::Network,
        }
    }

    /// What is done on the network, if it is anything.
    pub fn talk(&self) -> Option<Talk> {
        match &self.0 {
            Of::Tcp(tcp) => Some(Talk::of_tcp(TcpTalk::new(tcp.as_ref().clone()), tcp.timeout_s)),
            Of::Ssh(ssh) => Some(Talk::of_ssh(SshTalk::new(ssh.as_ref().clone()), ssh.timeout_s)),
            Of::Http(http) => Some(Talk::of_http(HttpTalk::new(http.as_ref().clone()), http.timeout_s)),
            Of::Ntp(ntp) => Some(Talk::of_ntp(NtpTalk::new(ntp.as_ref().clone()), ntp.timeout_s)),
            Of::Cpu(cpu) => Some(Talk::of_cpu(CpuTalk::new(cpu.clone()))),
            _ => None,
        }
    }

    /// Measures, and says what the plugin would. What is done on the network is not measured here.
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
            Of::FileAge(file) => Ok(file.run(system)),
            Of::Mem(mem) => Ok(mem.run(system)),
            Of::Tcp(_) | Of::Ssh(_) | Of::Http(_) | Of::Ntp(_) | Of::Cpu(_) => {
                Err(NotNative("it is done on the network".to_owned()))
            }
        }
    }

    /// What is said if it asked something of a file system that does not answer.
    pub fn does_not_answer(&self, path: &OsStr) -> Printed {
        let word = match &self.0 {
            Of::FileAge(_) => file_age::WORD,
            _ => disk::WORD,
        };
        printed::does_not_answer(word, path)
    }
}
