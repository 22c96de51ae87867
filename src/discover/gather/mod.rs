//! Reading a host.

mod interfaces;
mod mounts;
mod nrpe_file;
mod plugins;
mod read;
mod services;
mod sockets;
mod whole;

pub(crate) use whole::gather;
