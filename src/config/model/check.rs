//! A configuration after everything has been resolved: defaults applied, paths absolute, ranges parsed.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use custos_promql::Labels;
use custos_shim::{Credentials, IoPriority, Limits, Warm};
use custos_store::{Bounds, State};

use crate::config::model::http::HttpConfig;
use crate::config::model::notify::{CheckNotify, GraphStyle, NotifyConfig};
use crate::config::model::reserved::{AGENT_CHECK, UNMATCHED_CHECK};
use crate::config::model::sink::Sink;
use crate::config::model::snmp::{SnmpConfig, SnmpPoll, TrapRule};
use crate::limits::STDOUT_MAX_BYTES;
use crate::period::Period;
use crate::rules::{External, RuleCheck, RuleGroup, Severities};

/// The whole configuration of one agent.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Every file that was read, the main one first.
    pub files: Vec<PathBuf>,
    /// Directory of the store.
    pub store: PathBuf,
    /// How often the store's log is synced to the disk.
    pub sync: SyncPolicy,
    /// Directories in which a bare command name is looked up, in order.
    pub plugins: Vec<PathBuf>,
    /// The name of this host: with the check's name it fixes the phase of the schedule.
    pub host: String,
    /// Plugins that may run at once.
    pub max_concurrent_checks: usize,
    /// The NRPE listener, if there is one.
    pub nrpe: Option<NrpeConfig>,
    /// Queries over HTTP, if they are answered.
    pub http: Option<HttpConfig>,
    /// Where everything that is stored is delivered.
    pub sinks: Vec<Sink>,
    /// Devices that are polled, and traps.
    pub snmp: SnmpConfig,
    /// Every period by name.
    pub periods: BTreeMap<String, Arc<Period>>,
    /// Who is told about alerts, if anybody is.
    pub notify: Option<NotifyConfig>,
    /// The files with rules, in their order.
    pub rule_files: Vec<PathBuf>,
    /// What judges: the groups of those files, and each check with a query as a group of its own. Each rule is a check.
    pub groups: Vec<Arc<RuleGroup>>,
    /// What values of the label `severity` stand for.
    pub severities: Arc<Severities>,
    /// Where people find the page about this host; may be empty.
    pub external_url: String,
    /// Labels of this host, for templates.
    pub external_labels: BTreeMap<String, String>,
    /// Whether the work of standard plugins that commands of `nrpe.cfg` run is done without a process.
    pub native: Native,
    /// Every check by name, those of rules among them.
    pub checks: BTreeMap<String, Arc<Check>>,
}

impl Config {
    /// What templates can say of this host.
    pub fn external(&self) -> External {
        External { labels: Labels::new(&self.external_labels), url: self.external_url.clone() }
    }

    /// The checks that the agent reports under its own names: on itself, and on traps of no check where it receives traps.
    pub fn own_checks(&self) -> impl Iterator<Item = &'static str> {
        let unmatched = self.snmp.traps.is_some().then_some(UNMATCHED_CHECK);
        [AGENT_CHECK].into_iter().chain(unmatched)
    }
}

/// When appended runs are made safe from power loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncPolicy {
    /// After every batch of runs.
    Always,
    /// At most this long after they were written.
    Interval(Duration),
    /// Whenever the operating system likes.
    Never,
}

/// How NRPE is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NrpeConfig {
    /// The `nrpe.cfg` to read in place, if any.
    pub config: Option<PathBuf>,
    /// Keys of `nrpe` in the YAML, which override `config`.
    pub keys: NrpeKeys,
}

/// The NRPE listener's own keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NrpeKeys {
    /// Addresses with port to listen on.
    pub listen: Vec<String>,
    /// Who may connect, in the forms of nrpe's `allowed_hosts`.
    pub allowed_hosts: Vec<String>,
    /// `false`: no TLS at all, as nrpe's `-n`.
    pub tls: Option<bool>,
    /// PEM file with the certificate and its chain.
    pub tls_certificate: Option<PathBuf>,
    /// PEM file with the private key.
    pub tls_key: Option<PathBuf>,
    /// PEM file with the authorities that client certificates are verified against.
    pub tls_client_ca: Option<PathBuf>,
    /// What is asked of clients: `ignore`, `ask` or `require`.
    pub tls_client_certificates: Option<String>,
    /// Protocol versions in the form of nrpe's `ssl_version`, such as `TLSv1.2+`.
    pub tls_versions: Option<String>,
    /// OpenSSL's cipher list for TLS 1.2 and older.
    pub tls_ciphers: Option<String>,
    /// `false`: no suite in which neither side shows a certificate.
    pub tls_anonymous: Option<bool>,
    /// Whether commands of `config` may be given arguments (which it must allow as well).
    pub allow_arguments: bool,
    /// Whether commands of `config` may run as root, if the agent does and `config` names no `nrpe_user`.
    pub commands_as_root: bool,
    /// Whether `/etc/hosts.allow` and `/etc/hosts.deny` count.
    pub tcp_wrappers: Option<bool>,
    /// How long a command of `config` may run.
    pub command_timeout: Option<Duration>,
    /// Whether requests for the same command of `config` share an execution that is under way.
    pub coalesce: bool,
    /// How a graph is drawn below the answers of checks; `None`: not at all.
    pub graph: Option<GraphStyle>,
    /// Who may run which commands, by name or glob: addresses, networks, and `cert:SUBJECT`. Everybody who may
    /// connect, if empty.
    pub access: BTreeMap<String, Vec<String>>,
}

/// One check.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// Its name, unique in the configuration.
    pub name: String,
    /// What to run.
    pub command: Command,
    /// Environment variables added for this check.
    pub environment: BTreeMap<String, String>,
    /// As whom, where and within which bounds the plugin runs.
    pub process: Process,
    /// Time between two runs while the state is hard.
    pub check_interval: Duration,
    /// Time between two runs while the state is soft.
    pub retry_interval: Duration,
    /// Runs that must agree before a problem is hard.
    pub max_check_attempts: u32,
    /// Whether every result that is not OK is an event of its own once the state is hard.
    pub volatile: bool,
    /// Whether it is run more often while somebody watches it who wants that.
    pub clone: bool,
    /// Whether the agent does the work of a standard plugin itself.
    pub native: Native,
    /// Whether its plugin is run by a fork of a warm interpreter.
    pub warm: Warm,
    /// The period in which it runs; `None` for always.
    pub check_period: Option<Arc<Period>>,
    /// Checks that must not be in a hard problem for this one to be run.
    pub depends_on: Vec<String>,
    /// Whether other checks go first when the machine cannot keep up.
    pub priority: Priority,
    /// How long the plugin may run.
    pub timeout: Duration,
    /// The state of a run that timed out.
    pub timeout_state: State,
    /// Whether KB, MB, … printed by the plugin are powers of 1000 or of 1024.
    pub byte_units: ByteUnits,
    /// Whether a `prefix::` in a label carries over to the labels after it, as check_multi prints them.
    pub check_multi: bool,
    /// The state of a plugin that exits with 0 and prints nothing: UNKNOWN, or OK for one that is silent by design.
    pub silent: State,
    /// Judges each metric by the warning and critical ranges that the plugin printed beside it.
    pub evaluate_perfdata: bool,
    /// Whether flapping is watched, and its low and high limits in per cent.
    pub flapping: Option<(f64, f64)>,
    /// How a request for it over NRPE is answered.
    pub serving: Serving,
    /// Who is told about it.
    pub notify: CheckNotify,
    /// What is run at each change of its state: a program with its arguments.
    pub on_change: Option<Vec<String>>,
    /// Limits of our own on the metrics.
    pub thresholds: Vec<Threshold>,
    /// Where it was defined, as `file:line:column`.
    pub defined_at: String,
}

impl Check {
    /// Whether a run of this check would come to the same by that definition: the same is run and judged alike.
    ///
    /// Every field is named here, so that a new one has to be put on one side or the other.
    pub fn runs_and_judges_like(&self, other: &Check) -> bool {
        let Check {
            command,
            environment,
            process,
            timeout,
            timeout_state,
            byte_units,
            check_multi,
            silent,
            evaluate_perfdata,
            thresholds,
            // When it runs, how its states count, and how it is served and named.
            name: _,
            check_interval: _,
            retry_interval: _,
            max_check_attempts: _,
            volatile: _,
            clone: _,
            // Without a process as with one it comes to the same.
            native: _,
            warm: _,
            check_period: _,
            depends_on: _,
            priority: _,
            flapping: _,
            serving: _,
            notify: _,
            on_change: _,
            defined_at: _,
        } = other;
        (&self.command, &self.environment, &self.process) == (command, environment, process)
            && (&self.timeout, &self.timeout_state) == (timeout, timeout_state)
            && (&self.byte_units, &self.check_multi, &self.silent) == (byte_units, check_multi, silent)
            && (&self.evaluate_perfdata, &self.thresholds) == (evaluate_perfdata, thresholds)
    }
}

/// The process of a check's plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// The user to become; `None` for that of the agent.
    pub run_as: Option<RunAs>,
    /// Working directory.
    pub directory: PathBuf,
    /// Niceness to add, -20 to 19.
    pub nice: i8,
    /// How the kernel ranks its reads and writes, if other than by its niceness.
    pub io_priority: Option<IoPriority>,
    /// Kernel limits.
    pub limits: Limits,
    /// Bytes of stdout that are kept.
    pub stdout_max_bytes: usize,
    /// Whether setuid programs gain nothing.
    pub no_new_privileges: bool,
}

impl Default for Process {
    /// As the agent runs, in the root directory.
    fn default() -> Process {
        Process {
            run_as: None,
            directory: PathBuf::from("/"),
            nice: 0,
            io_priority: None,
            limits: Limits::default(),
            stdout_max_bytes: STDOUT_MAX_BYTES,
            no_new_privileges: false,
        }
    }
}

/// A user that a plugin runs as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunAs {
    /// Its name.
    pub name: String,
    /// Its home directory.
    pub home: PathBuf,
    /// Its numbers.
    pub credentials: Credentials,
}

/// Whether the work of a standard plugin is done without a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Native {
    /// Where it is exactly known what the plugin would do.
    #[default]
    Auto,
    /// It must be known.
    Required,
    /// Never.
    Never,
}

impl Native {
    /// As it is written in a configuration.
    pub fn name(self) -> &'static str {
        match self {
            Native::Auto => "auto",
            Native::Required => "true",
            Native::Never => "false",
        }
    }
}

/// Which check goes first when more are due than may run at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Priority {
    /// In turn.
    #[default]
    Normal,
    /// Only when no other check waits, or after it has waited for very long.
    Low,
}

/// How a request for a check over NRPE is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Serving {
    /// By a run of its own.
    #[default]
    Fresh,
    /// By the last run while it is no older than this, and otherwise as [`Stale`] says.
    Cached {
        /// Oldest run that answers.
        max_age: Duration,
        /// What to do when there is none.
        stale: Stale,
    },
}

/// What becomes of a request when the last run is too old, or there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stale {
    /// It is answered by a run of its own.
    #[default]
    Run,
    /// It is answered with UNKNOWN at once.
    Unknown,
}

/// Where a check's results come from: what it runs, or what is reported to it.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// A program with its arguments; a bare name has been looked up in `plugins`, or was not found there.
    Program(Vec<String>),
    /// A line for `/bin/sh -c`.
    Shell(String),
    /// A device that is asked over SNMP.
    Snmp(Arc<SnmpPoll>),
    /// Traps that devices send. Nothing runs.
    Trap(Arc<TrapRule>),
    /// Results that programs elsewhere submit. Nothing runs.
    Submitted(Submitted),
    /// A rule that is judged over the history. Nothing runs.
    Rule(Arc<RuleCheck>),
}

/// What is expected of whoever submits the results of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Submitted {
    /// How long after a result the next one has come at the latest; none if it may take for ever.
    pub freshness: Option<Duration>,
    /// The state of the check once one has not.
    pub stale_state: State,
}

impl Command {
    /// Whether nothing is run for the check: its results are reported from outside.
    pub fn is_passive(&self) -> bool {
        matches!(self, Command::Trap(_) | Command::Submitted(_))
    }

    /// What is reported to the check, in one word, if nothing is run for it, and its state before the first: no trap is good news, while a
    /// result that never came says nothing.
    pub fn reports(&self) -> (&'static str, State) {
        if matches!(self, Command::Submitted(_)) { ("result", State::Unknown) } else { ("trap", State::Ok) }
    }

    /// Whether it is a rule that is judged over the history.
    pub fn is_rule(&self) -> bool {
        matches!(self, Command::Rule(_))
    }

    /// Whether a job of its own is run for the check.
    pub fn is_run(&self) -> bool {
        !self.is_passive() && !self.is_rule()
    }
}

/// The meaning of KB, MB, GB … in perfdata.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ByteUnits {
    /// Powers of 1000, as Icinga reads them.
    #[default]
    Si,
    /// Powers of 1024, as the classic C plugins mean them.
    Iec,
}

/// A limit on metrics of a check.
#[derive(Clone, Debug)]
pub struct Threshold {
    /// A label, or a glob over labels.
    pub metric: String,
    /// `metric`, compiled.
    pub matcher: globset::GlobMatcher,
    /// Outside this range (or inside, with `@`): WARNING.
    pub warning: Option<UnitRange>,
    /// Outside this range (or inside, with `@`): CRITICAL.
    pub critical: Option<UnitRange>,
    /// Outside of where the metric normally is at this hour of the week. The key `outside`.
    pub normal: Option<OutsideNormal>,
    /// How long it must be crossed without a break before it counts; zero counts at once. The key `for`.
    pub pending_for: Duration,
    /// Whether the metric is a counter that is judged by how fast it grows, per second. The key `rate`.
    pub rate: bool,
    /// What a run means in which no metric matched, or its value is undetermined.
    pub on_missing: OnMissing,
}

impl Threshold {
    /// Whether it judges metrics of this label.
    pub fn is_for(&self, label: &str) -> bool {
        // A label may have characters that mean something in a glob.
        self.metric == label || self.matcher.is_match(label)
    }
}

impl PartialEq for Threshold {
    fn eq(&self, other: &Threshold) -> bool {
        // The matcher follows from the pattern.
        self.metric == other.metric
            && self.warning == other.warning
            && self.critical == other.critical
            && self.normal == other.normal
            && self.pending_for == other.pending_for
            && self.rate == other.rate
            && self.on_missing == other.on_missing
    }
}

/// A threshold that follows what is normal.
#[derive(Clone, Debug, PartialEq)]
pub struct OutsideNormal {
    /// The state of the check while the metric is farther outside than is tolerated.
    pub state: State,
    /// How far outside is tolerated.
    pub tolerance: Tolerance,
}

/// How far outside of what is normal is tolerated.
#[derive(Clone, Debug, PartialEq)]
pub enum Tolerance {
    /// So many times as far as the band is wide.
    Bands(f64),
    /// So far.
    By {
        /// In the base unit.
        amount: f64,
        /// The base unit that was written, such as `B`; `None` if it was a plain number.
        unit: Option<String>,
        /// As written, for messages.
        written: String,
    },
}

impl Default for Tolerance {
    fn default() -> Tolerance {
        Tolerance::Bands(1.0)
    }
}

impl fmt::Display for Tolerance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Tolerance::Bands(times) => write!(f, "{times}x"),
            Tolerance::By { written, .. } => f.write_str(written),
        }
    }
}

/// A range whose bounds may have been written with a unit.
#[derive(Clone, Debug, PartialEq)]
pub struct UnitRange {
    /// The bounds in the base unit.
    pub bounds: Bounds,
    /// The base unit that was written, such as `B`; `None` if the bounds were plain numbers.
    pub unit: Option<String>,
    /// The range as written, for messages.
    pub written: String,
}

/// What a missing metric means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnMissing {
    /// This state; UNKNOWN unless the configuration says otherwise.
    State(State),
    /// The threshold's verdict on the last run.
    Keep,
}
