//! What runs then: the agent with no configuration but an `nrpe.cfg`, or the one command of `-i`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use custos_store::{Error, Options, Provenance, Run, Writer};

use super::launch::{Prepared, StandIn, prepare};
use crate::agent::restore_standing;
use crate::cli::log;
use crate::cli::read::chain;
use crate::clock;
use crate::config::implicit_check;
use crate::config::{Check, Config, Native, SnmpConfig, Surroundings, SyncPolicy};
use crate::daemon::{self, Setup, Source, requested_line};
use crate::evaluate::{Pending, Taken, evaluate};
use crate::execute::{Job, TableRows};
use crate::exit_code::ExitCode;
use crate::limits::NRPE_REQUESTS_MAX;
use crate::lock::locked;
use crate::nrpe::listener::{Answer, Origin, PidFile, Task, answer_stdin};
use crate::observe::Observation;

/// Runs the command; the words do not include its name.
pub(crate) fn run(words: &[OsString]) -> ExitCode {
    match prepare(words) {
        Prepared::Done(code) => code,
        Prepared::Serve(stand_in) => {
            let _log = log::start();
            serve(*stand_in)
        }
        Prepared::Stdin(stand_in) => {
            // nrpe ends with 0 whatever came of the request, and says why in its log.
            answer_stdin(&stand_in.settings, |name, task, origin| execute(&stand_in, name, task, origin));
            ExitCode::Success
        }
    }
}

fn serve(mut stand_in: StandIn) -> ExitCode {
    let config = Config {
        files: Vec::new(),
        store: stand_in.store.clone(),
        sync: SyncPolicy::Interval(Duration::from_secs(1)),
        plugins: Vec::new(),
        host: Surroundings::of_this_machine().host,
        // Nothing is scheduled, so all places are for requests.
        max_concurrent_checks: NRPE_REQUESTS_MAX,
        nrpe: None,
        http: None,
        sinks: Vec::new(),
        notify: None,
        periods: BTreeMap::new(),
        snmp: SnmpConfig::default(),
        rule_files: Vec::new(),
        groups: Vec::new(),
        severities: Default::default(),
        external_url: String::new(),
        external_labels: BTreeMap::new(),
        native: Native::Auto,
        checks: BTreeMap::new(),
    };
    // Apart from the rest, which a reload may be reading when the signal to end arrives.
    let pid_file = stand_in.take_pid_file();
    let stand_in = Mutex::new(stand_in);
    let read = move || locked(&stand_in).next_settings();
    daemon::run(Setup {
        config,
        source: Source { config_file: None, nrpe: Some(Arc::new(read)) },
        stopping: Some(Box::new(move || remove(pid_file))),
    })
}

fn remove(pid_file: Option<PidFile>) {
    if let Some(Err(error)) = pid_file.map(PidFile::remove) {
        tracing::warn!("failed to remove the pid file: {error}");
    }
}

/// Runs the one command of `-i`, and keeps the run if no other process writes to the store.
fn execute(stand_in: &StandIn, name: &str, task: Task, origin: &Origin) -> Answer {
    let timeout = stand_in.settings.command_timeout;
    let Some(line) = requested_line(task, timeout) else {
        return Answer::unknown(format!("NRPE: Command '{name}' not defined"));
    };
    let check = implicit_check(name);
    let started_ms = clock::now_ms();
    match Job::of_line(line, &check, Native::Never).run_once(&mut TableRows::default()) {
        Ok(Observation { run, printed, .. }) => {
            let answer = Answer::of_line(&run, &printed, timeout);
            let (origin, provenance) = (origin.to_string(), Provenance::Asked);
            keep(&stand_in.store, &check, Run { time_ms: started_ms, origin, provenance, ..run });
            answer
        }
        Err(error) => Answer::unknown(format!("NRPE: {error}")),
    }
}

fn keep(store: &Path, check: &Check, mut run: Run) {
    let name = check.name.as_str();
    let kept = Writer::open(store, Options::default()).and_then(|mut writer| {
        let history = custos_store::Reader::open(store)
            .and_then(|reader| daemon::read_history(&reader, name, None))
            .map(|history| history.runs)
            .unwrap_or_default();
        let now = clock::now();
        let before = restore_standing(check, &history, None, now).previous;
        evaluate(check, before, &mut Pending::default(), Taken::at(now.mono_us as i64), &mut run);
        writer.append(&[(name, &run)])?;
        writer.close()
    });
    match kept {
        Ok(()) | Err(Error::Locked { .. }) => {}
        // Whoever closed stderr does not want to know.
        Err(error) => {
            let _ = writeln!(io::stderr(), "nrpe: the run is not stored: {}", chain(&error));
        }
    }
}
