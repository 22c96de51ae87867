//! The configuration: what its files say, read whole and checked, as plain data.
//!
//! Nothing here touches a process, a socket or a clock; reading files is the only effect. `document` (a room of its own) makes each
//! file a tree with positions, `keys` has a table of keys for each section, `read` walks the tree by them (a file per noun) and
//! notes every mistake, `model` is what comes of it, `show` writes that down again, and `reference` describes the keys to
//! editors and people.

mod keys;
mod model;
mod read;
mod reference;
mod show;

pub use keys::top::{DEFAULT_PLUGINS, DEFAULT_STORE};
pub use model::{
    AGENT_CHECK, Access, Alertmanager, ByteUnits, Check, CheckNameFault, CheckNotify, Command, Condition,
    Config, Email, GraphStyle, GroupBy, Heartbeat, HttpConfig, HttpReceiver, Icinga, Inhibition, JudgedCheck,
    JudgedRange, JudgedThreshold, KeyPart, Limit, Listening, MailTls, Matchers, Medium, NameGlob, Native,
    NativeCheck, NatsReceiver, Network, NotifyConfig, Nrdp, NrpeConfig, NrpeKeys, Nsca, OnMissing,
    OutsideNormal, Part, Priority, Process, Protocol, Receiver, RunAs, Secret, Serving, Signal, Sink,
    SinkStart, SnmpAccess, SnmpConfig, SnmpPoll, SnmpProfile, SnmpUser, SnmpWanted, Stale, SyncPolicy,
    TablePoll, Target, Template, Threshold, Tolerance, TrapRule, TrapsConfig, UNMATCHED_CHECK, UnitRange,
    Variable, Wanted, Webhook, implicit_check, label_matcher,
};
pub use read::{DEFAULT_PATH, Loaded, Surroundings, load, load_with, rules_not_checks, store_named};
pub use reference::{manual, schema};
pub use show::show;
pub(crate) use show::word as yaml_word;
