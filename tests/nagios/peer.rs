//! A Nagios of its own: configured for the sequences, given all results in one spool file, and read.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::sequence::Sequence;
use crate::stage::{Daemon, Stage, wait_for};

const NAGIOS: &str = "/usr/sbin/nagios4";

/// What a judge makes of a service after one result.
#[derive(Debug, PartialEq, Eq)]
pub struct Said {
    pub state: u8,
    pub hard: bool,
    pub attempt: u32,
    /// Percentage of state change, as it is printed.
    pub percent: String,
    /// State, type and attempt of the alert that was logged.
    pub alert: Option<String>,
    /// `STARTED` or `STOPPED`.
    pub flapping: Option<String>,
}

/// A running Nagios.
pub struct Nagios {
    daemon: Daemon,
}

impl Nagios {
    /// What Nagios says after each result of each sequence.
    pub fn judge(sequences: &[Sequence]) -> Vec<Vec<Said>> {
        assert!(Path::new(NAGIOS).exists(), "{NAGIOS} is missing: install nagios4-core");
        // Nagios drops the privileges of root.
        let stage = Stage::writable_by_all();
        let results = stage.path("results");
        fs::create_dir(&results).unwrap();
        fs::set_permissions(&results, fs::Permissions::from_mode(0o777)).unwrap();
        stage.write("objects.cfg", &objects(sequences));
        stage.write("nagios.cfg", &main_file(stage.root()));
        // The name that Nagios looks for, and the mark that the file is complete.
        fs::write(results.join("cabcdef"), spool(sequences)).unwrap();
        fs::write(results.join("cabcdef.ok"), "").unwrap();
        for name in ["cabcdef", "cabcdef.ok"] {
            fs::set_permissions(results.join(name), fs::Permissions::from_mode(0o666)).unwrap();
        }
        let nagios = Nagios::start(&stage);
        let expected = sequences.iter().map(|sequence| sequence.results.len()).sum();
        nagios.wait_for(&stage.path("perfdata"), expected);
        nagios.end();
        let judged = read_performance(&fs::read_to_string(stage.path("perfdata")).unwrap(), sequences.len());
        add_log(judged, &fs::read_to_string(stage.path("nagios.log")).unwrap())
    }

    fn start(stage: &Stage) -> Nagios {
        let mut command = Command::new(NAGIOS);
        Nagios { daemon: Daemon::start(command.arg(stage.path("nagios.cfg")), &stage.path("nagios.log")) }
    }

    /// Waits until so many lines are written: one a result.
    fn wait_for(&self, path: &Path, lines: usize) {
        let (mut file, mut seen) = (None, 0);
        let mut buffer = Vec::new();
        wait_for("all results in the performance data", || {
            file = file.take().or_else(|| fs::File::open(path).ok());
            if let Some(file) = &mut file {
                buffer.clear();
                file.read_to_end(&mut buffer).unwrap();
                seen += buffer.iter().filter(|byte| **byte == b'\n').count();
            }
            (seen >= lines).then_some(())
        });
    }

    /// TERM, so that it ends its workers, too.
    fn end(self) {
        self.daemon.end();
    }
}

fn objects(sequences: &[Sequence]) -> String {
    let mut objects = String::from(
        "define timeperiod {\n timeperiod_name never\n alias never\n}\n\
         define command {\n command_name none\n command_line /bin/true\n}\n\
         define contact {\n contact_name nobody\n host_notifications_enabled 0\n service_notifications_enabled 0\n \
         host_notification_period never\n service_notification_period never\n \
         host_notification_commands none\n service_notification_commands none\n}\n\
         define host {\n host_name h\n address 127.0.0.1\n max_check_attempts 1\n check_period never\n \
         contacts nobody\n notification_period never\n}\n",
    );
    for (nth, sequence) in sequences.iter().enumerate() {
        let (low, high) = sequence.flap_limits;
        write!(
            objects,
            "define service {{\n host_name h\n service_description {nth}\n check_command none\n \
             max_check_attempts {}\n is_volatile {}\n low_flap_threshold {low}\n high_flap_threshold {high}\n \
             check_interval 1\n retry_interval 1\n active_checks_enabled 0\n check_period never\n \
             contacts nobody\n notification_period never\n}}\n",
            sequence.max_check_attempts,
            u8::from(sequence.volatile),
        )
        .unwrap();
    }
    objects
}

fn main_file(directory: &Path) -> String {
    let directory = directory.display();
    format!(
        "cfg_file={directory}/objects.cfg\nlog_file={directory}/nagios.log\nstatus_file={directory}/status.dat\n\
         object_cache_file={directory}/objects.cache\nprecached_object_file={directory}/objects.precache\n\
         lock_file={directory}/nagios.lock\ntemp_file={directory}/nagios.tmp\ntemp_path={directory}\n\
         check_result_path={directory}/results\nquery_socket={directory}/nagios.qh\ncommand_file={directory}/nagios.cmd\n\
         use_syslog=0\nretain_state_information=0\nenable_notifications=0\nexecute_service_checks=0\n\
         execute_host_checks=0\ncheck_result_reaper_frequency=1\nlog_passive_checks=1\nlog_service_retries=1\n\
         enable_flap_detection=1\nprocess_performance_data=1\nservice_perfdata_file={directory}/perfdata\n\
         service_perfdata_file_mode=w\nservice_perfdata_file_template=$SERVICEDESC$ $SERVICEPERFDATA$ \
         $SERVICESTATEID$ $SERVICESTATETYPE$ $SERVICEATTEMPT$ $SERVICEPERCENTCHANGE$\n"
    )
}

/// The first results of all services, then the second ones, and so on, as Nagios' spool directory has them. Perfdata
/// carries the number of the result back.
fn spool(sequences: &[Sequence]) -> String {
    let now = custos::clock::now_ms() / 1000;
    let mut file = format!("file_time={now}\n");
    let steps = sequences.iter().map(|sequence| sequence.results.len()).max().unwrap_or(0);
    for step in 0..steps {
        for (nth, sequence) in sequences.iter().enumerate() {
            write!(
                file,
                "host_name=h\nservice_description={nth}\ncheck_type=1\nstart_time={now}.0\nfinish_time={now}.0\n\
                 early_timeout=0\nexited_ok=1\nreturn_code={}\noutput=t|step={step}\n\n",
                sequence.results[step].code(),
            )
            .unwrap();
        }
    }
    file
}

/// One line a result: service, `step=N`, state, type, attempt, percentage.
fn read_performance(text: &str, services: usize) -> Vec<Vec<Said>> {
    let mut said: Vec<Vec<Said>> = Vec::new();
    said.resize_with(services, Vec::new);
    for line in text.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let [service, step, state, kind, attempt, percent] = words[..] else { panic!("odd line: {line}") };
        let service = &mut said[service.parse::<usize>().unwrap()];
        assert_eq!(step, format!("step={}", service.len()), "results are in order: {line}");
        service.push(Said {
            state: state.parse().unwrap(),
            hard: kind == "HARD",
            attempt: attempt.parse().unwrap(),
            percent: percent.to_owned(),
            alert: None,
            flapping: None,
        });
    }
    said
}

/// The log has a line for each result that is taken (it tells of the service before it), then what came of it.
fn add_log(mut said: Vec<Vec<Said>>, log: &str) -> Vec<Vec<Said>> {
    let mut steps: HashMap<usize, usize> = HashMap::new();
    for line in log.lines() {
        let Some((_, entry)) = line.split_once("] ") else { continue };
        let Some((kind, rest)) = entry.split_once(": h;") else { continue };
        let (service, rest) = rest.split_once(';').unwrap();
        let service = service.parse::<usize>().unwrap();
        let step = steps.entry(service).or_default();
        // Of state, type, attempt and text, and of state and explanation.
        match kind {
            "SERVICE ALERT" => {
                said[service][*step - 1].alert = rest.rsplit_once(';').map(|(what, _)| what.to_owned());
            }
            "SERVICE FLAPPING ALERT" => {
                said[service][*step - 1].flapping = rest.split_once(';').map(|(what, _)| what.to_owned());
            }
            "PASSIVE SERVICE CHECK" => *step += 1,
            _ => panic!("an entry that nobody expected: {line}"),
        }
    }
    assert!(
        said.iter().enumerate().all(|(service, said)| steps.get(&service) == Some(&said.len())),
        "every result is in the log"
    );
    said
}
