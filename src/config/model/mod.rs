//! What a configuration means: checks, thresholds, listeners and devices as plain data.

pub(crate) mod check;
pub(crate) mod check_name;
pub(crate) mod http;
mod implicit;
mod judged;
pub(crate) mod matchers;
pub(crate) mod notify;
pub(crate) mod reserved;
pub(crate) mod sink;
pub(crate) mod snmp;

pub use check::{
    ByteUnits, Check, Command, Config, Native, NrpeConfig, NrpeKeys, OnMissing, OutsideNormal, Priority,
    Process, RunAs, Serving, Stale, SyncPolicy, Threshold, Tolerance, UnitRange,
};
pub use check_name::CheckNameFault;
pub use http::{HttpConfig, Listening};
pub use implicit::implicit_check;
pub use judged::{JudgedCheck, JudgedRange, JudgedThreshold, label_matcher};
pub use matchers::Matchers;
pub use notify::{
    Access, Alertmanager, CheckNotify, Email, GraphStyle, GroupBy, Heartbeat, Icinga, Inhibition, MailTls,
    Medium, NotifyConfig, Nrdp, Nsca, Target, Webhook,
};
pub use reserved::{AGENT_CHECK, UNMATCHED_CHECK};
pub use sink::{HttpReceiver, NameGlob, NatsReceiver, Protocol, Receiver, Signal, Sink, SinkStart};
pub use snmp::{
    Condition, KeyPart, Limit, NativeCheck, Network, Part, Secret, SnmpAccess, SnmpConfig, SnmpPoll,
    SnmpProfile, SnmpUser, SnmpWanted, TablePoll, Template, TrapRule, TrapsConfig, Variable, Wanted,
};
