//! NRPE: packets, queries, `nrpe.cfg`, host lists and command lines.

mod command_line;
mod config;
mod directive;
mod hosts;
mod include;
mod limits;
mod packet;
mod plain_words;
mod query;
mod ssl;
mod wrappers;

pub use command_line::{atoi, expand, with_prefix};
pub use config::{AddressFamily, CommandLine, Config, LogFacility, Note, Severity};
pub use hosts::{AllowedHosts, BadHost, HostEntry, Verdict};
pub use include::{Ask, BadConfig, Entry, EntryKind, Found, load};
pub use limits::{CONTENT_MAX_BYTES, DEPTH_MAX, DIRECTORIES_MAX, FILES_MAX};
pub use packet::{
    Assembler, COMMON_LEN, FIELD_MAX_LEN, Fault, Kind, Packet, TEXT_MAX_BYTES, V2_FIELD_LEN,
    V2_TEXT_MAX_BYTES, Version,
};
pub use plain_words::plain_words;
pub use query::{ARGUMENTS_MAX, METACHARS_DEFAULT, Policy, Query, Refusal, SEPARATOR, VERSION_COMMAND};
pub use ssl::{
    CIPHER_LIST_ADH_ONLY, CIPHER_LIST_DEFAULT, CIPHER_LIST_MAX_BYTES, CIPHER_LIST_QUICK, ClientCerts,
    SslConfig, SslLogging, SslProtocol, SslVersion, UseAdh,
};
pub use wrappers::{PeerName, WrapperFile, WrapperRules};
