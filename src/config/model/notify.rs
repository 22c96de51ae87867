//! The `notify` section: who is told what, and how.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use custos_store::State;

use crate::config::model::matchers::Matchers;
use crate::config::model::snmp::Secret;
use crate::period::Period;

/// Who is told.
#[derive(Clone, Debug, PartialEq)]
pub struct NotifyConfig {
    /// The targets by name.
    pub targets: BTreeMap<String, Arc<Target>>,
    /// What alerts must have in common to be told together.
    pub group_by: GroupBy,
    /// How long the first alert of a group waits for others.
    pub group_wait: Duration,
    /// Between two messages with news about a group.
    pub group_interval: Duration,
    /// Between two messages about a group without news.
    pub repeat_interval: Duration,
    /// Which alerts need not be told while others fire.
    pub inhibit: Vec<Inhibition>,
    /// A message again and again, whose absence somebody notices.
    pub heartbeat: Option<Heartbeat>,
}

/// What alerts must have in common to be told together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupBy {
    /// Each alert alone.
    Everything,
    /// The values of these labels. Of none: all alerts together.
    Labels(Vec<String>),
}

/// Alerts that are not told while another one fires.
#[derive(Clone, Debug, PartialEq)]
pub struct Inhibition {
    /// The alerts that fire.
    pub source: Matchers,
    /// Those that are not told meanwhile.
    pub target: Matchers,
    /// Labels that must have the same values in both.
    pub equal: Vec<String>,
}

/// A message again and again, whose absence somebody notices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    /// The name of the target.
    pub target: String,
    /// How often.
    pub interval: Duration,
}

/// One target.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// Its name.
    pub name: String,
    /// By what it is told.
    pub medium: Medium,
    /// Which alerts are for it.
    pub matchers: Matchers,
    /// Of which states it is told.
    pub states: Vec<State>,
    /// Whether it is told that an alert is over.
    pub send_resolved: bool,
    /// When it may be told; `None` for always.
    pub hours: Option<Arc<Period>>,
    /// How graphs are drawn for it.
    pub graph: GraphStyle,
    /// How often a medium that keeps states is told the alerts that fire.
    pub resend: Duration,
}

/// How a graph is drawn in a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GraphStyle {
    /// In braille.
    #[default]
    Braille,
    /// In ASCII.
    Ascii,
    /// Not at all.
    None,
}

/// By what a target is told.
#[derive(Clone, Debug, PartialEq)]
pub enum Medium {
    /// A `POST` of JSON, with the body of Alertmanager's webhooks.
    Webhook(Webhook),
    /// Alertmanagers, each of which is told everything.
    Alertmanager(Alertmanager),
    /// Mail.
    Email(Email),
    /// A program with its arguments.
    Command(Vec<String>),
    /// Passive results to a Nagios, by NRDP.
    Nrdp(Nrdp),
    /// Passive results to an Icinga, by its API.
    Icinga(Icinga),
    /// Passive results to a Nagios, by NSCA.
    Nsca(Nsca),
}

impl Medium {
    /// Whether it keeps the state of each alert by itself, and groups and repeats on its own: it is told each change at once,
    /// and what fires again and again.
    pub fn keeps_states(&self) -> bool {
        matches!(self, Medium::Alertmanager(_) | Medium::Nrdp(_) | Medium::Icinga(_) | Medium::Nsca(_))
    }

    /// Whether it knows an alert by all of its labels, so that one whose labels change is another one.
    pub fn knows_by_labels(&self) -> bool {
        matches!(self, Medium::Webhook(_) | Medium::Alertmanager(_))
    }

    /// The key that chooses it.
    pub fn key(&self) -> &'static str {
        match self {
            Medium::Webhook(_) => "webhook",
            Medium::Alertmanager(_) => "alertmanager",
            Medium::Email(_) => "email",
            Medium::Command(_) => "command",
            Medium::Nrdp(_) => "nrdp",
            Medium::Icinga(_) => "icinga",
            Medium::Nsca(_) => "nsca",
        }
    }
}

/// How a receiver over HTTP lets this host in, and by what it is verified.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Access {
    /// As whom this host logs in, with the password for that.
    pub login: Option<(String, Secret)>,
    /// A token in the place of that.
    pub token: Option<Secret>,
    /// PEM file of the authorities that its certificate is verified against; `None` for those of the system.
    pub ca: Option<PathBuf>,
}

/// Where a webhook is.
#[derive(Clone, Debug, PartialEq)]
pub struct Webhook {
    /// Its address.
    pub url: String,
    /// How it lets this host in.
    pub access: Access,
}

/// Where Alertmanagers are.
#[derive(Clone, Debug, PartialEq)]
pub struct Alertmanager {
    /// Their addresses, at least one.
    pub urls: Vec<String>,
    /// How they let this host in.
    pub access: Access,
}

/// How mail is sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Email {
    /// Who gets it, at least one.
    pub to: Vec<String>,
    /// Who it is from; `None` for `custos` at this host.
    pub from: Option<String>,
    /// The server, `HOST:PORT`; `None` for `sendmail`.
    pub smtp: Option<String>,
    /// The program that takes mail where there is no server.
    pub sendmail: PathBuf,
    /// How the connection to the server is made safe.
    pub tls: MailTls,
    /// As whom this host logs in.
    pub user: Option<String>,
    /// The password for that.
    pub password: Option<Secret>,
    /// PEM file of the authorities that the server's certificate is verified against; `None` for those of the system.
    pub ca: Option<PathBuf>,
}

/// How a connection to a mail server is made safe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MailTls {
    /// By `STARTTLS`, which the server must offer.
    #[default]
    Starttls,
    /// From its first byte.
    Tls,
    /// Not at all.
    None,
}

/// Where NRDP is.
#[derive(Clone, Debug, PartialEq)]
pub struct Nrdp {
    /// Its address.
    pub url: String,
    /// What lets this host in.
    pub token: Secret,
    /// PEM file of the authorities that its certificate is verified against; `None` for those of the system.
    pub ca: Option<PathBuf>,
}

/// Where an Icinga's API is.
#[derive(Clone, Debug, PartialEq)]
pub struct Icinga {
    /// Its address, such as `https://icinga.example:5665`.
    pub url: String,
    /// As whom this host logs in.
    pub user: String,
    /// The password for that.
    pub password: Secret,
    /// PEM file of the authorities that its certificate is verified against; `None` for those of the system.
    pub ca: Option<PathBuf>,
}

/// Where NSCA is.
#[derive(Clone, Debug, PartialEq)]
pub struct Nsca {
    /// `HOST:PORT`.
    pub server: String,
    /// What messages are encrypted with.
    pub password: Option<Secret>,
    /// The number of the method of encryption, as in `send_nsca.cfg`.
    pub encryption: u8,
}

impl Nsca {
    /// The methods of encryption that are supported: none, XOR, 3DES and AES.
    pub const METHODS: [u8; 4] = [0, 1, 3, 14];
}

/// Who is told about one check.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CheckNotify {
    /// Every target that it fits.
    #[default]
    All,
    /// Nobody.
    Nobody,
    /// These targets, as far as it fits them.
    Only(Vec<String>),
}
