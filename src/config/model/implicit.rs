//! Checks without a definition: commands of `nrpe.cfg`, and the agent itself.

use std::collections::BTreeMap;
use std::time::Duration;

use custos_shim::Warm;
use custos_store::State;

use super::{ByteUnits, Check, CheckNotify, Command, Native, Priority, Process, Serving};

/// A check that runs only on request. A problem is hard at once, as there are no retries.
pub fn implicit_check(name: &str) -> Check {
    Check {
        name: name.to_owned(),
        command: Command::Shell(String::new()),
        environment: BTreeMap::new(),
        process: Process::default(),
        check_interval: Duration::from_secs(300),
        retry_interval: Duration::from_secs(60),
        max_check_attempts: 1,
        volatile: false,
        clone: false,
        native: Native::Auto,
        warm: Warm::default(),
        check_period: None,
        depends_on: Vec::new(),
        priority: Priority::Normal,
        timeout: Duration::from_secs(60),
        timeout_state: State::Unknown,
        byte_units: ByteUnits::Si,
        check_multi: true,
        silent: State::Unknown,
        evaluate_perfdata: false,
        flapping: Some((20.0, 30.0)),
        serving: Serving::Fresh,
        notify: CheckNotify::All,
        on_change: None,
        thresholds: Vec::new(),
        defined_at: String::new(),
    }
}
