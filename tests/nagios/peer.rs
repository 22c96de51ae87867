//! A Nagios of its own: configured for the sequences, given all results in one spool file, and read.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::sequence::Sequence;

const NAGIOS: &str = "/usr/sbin/nagios4";
/// Bound on the wait for its results; it takes a few seconds.
const PATIENCE: Duration = Duration::from_secs(120);

/// What was said of a service after one result.
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

/// A running Nagios, ended when dropped.
pub struct Nagios {
    child: Child,
}

impl Nagios {
    /// What Nagios says after each result of each sequence.
    pub fn judge(sequences: &[Sequence]) -> Vec<Vec<Said>> {
        assert!(Path::new(NAGIOS).exists(), "{NAGIOS} is missing: install nagios4-core");
        let directory = tempfile::Builder::new().prefix("custos-nagios").tempdir().unwrap();
        let place = directory.path();
        // Nagios drops the privileges of root.
        fs::set_permissions(place, fs::Permissions::from_mode(0o777)).unwrap();
        let results = place.join("results");
        fs::create_dir(&results).unwrap();
        fs::set_permissions(&results, fs::Permissions::from_mode(0o777)).unwrap();
        fs::write(place.join("objects.cfg"), objects(sequences)).unwrap();
        fs::write(place.join("nagios.cfg"), main_file(place)).unwrap();
        // The name that Nagios looks for, and the mark that the file is complete.
        fs::write(results.join("cabcdef"), spool(sequences)).unwrap();
        fs::write(results.join("cabcdef.ok"), "").unwrap();
        for name in ["cabcdef", "cabcdef.ok"] {
            fs::set_permissions(results.join(name), fs::Permissions::from_mode(0o666)).unwrap();
        }
        let nagios = Nagios::start(place);
        let expected = sequences.iter().map(|sequence| sequence.results.len()).sum();
        nagios.wait_for(&place.join("perfdata"), expected, &place.join("nagios.log"));
        drop(nagios);
        let said = read_performance(&fs::read_to_string(place.join("perfdata")).unwrap(), sequences.len());
        add_log(said, &fs::read_to_string(place.join("nagios.log")).unwrap())
    }

    fn start(place: &Path) -> Nagios {
        let output = fs::File::create(place.join("output")).unwrap();
        let mut command = Command::new(NAGIOS);
        command.arg(place.join("nagios.cfg")).stdin(Stdio::null()).stdout(output).stderr(Stdio::null());
        Nagios { child: command.spawn().unwrap() }
    }

    /// Waits until so many lines are written: one a result.
    #[allow(clippy::disallowed_methods)]
    fn wait_for(&self, path: &Path, lines: usize, log: &Path) {
        let begun = Instant::now();
        let (mut file, mut seen) = (None, 0);
        let mut buffer = Vec::new();
        while seen < lines {
            let tail = || fs::read_to_string(log).unwrap_or_default();
            assert!(
                begun.elapsed() < PATIENCE,
                "Nagios took {seen} of {lines} results; its log:\n{}",
                tail()
            );
            file = file.or_else(|| fs::File::open(path).ok());
            if let Some(file) = &mut file {
                buffer.clear();
                file.read_to_end(&mut buffer).unwrap();
                seen += buffer.iter().filter(|byte| **byte == b'\n').count();
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Nagios {
    fn drop(&mut self) {
        // TERM, so that it ends its workers, too.
        let _ = kill(Pid::from_raw(self.child.id() as i32), Signal::SIGTERM);
        let _ = self.child.wait();
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

fn main_file(place: &Path) -> String {
    let place = place.display();
    format!(
        "cfg_file={place}/objects.cfg\nlog_file={place}/nagios.log\nstatus_file={place}/status.dat\n\
         object_cache_file={place}/objects.cache\nprecached_object_file={place}/objects.precache\n\
         lock_file={place}/nagios.lock\ntemp_file={place}/nagios.tmp\ntemp_path={place}\n\
         check_result_path={place}/results\nquery_socket={place}/nagios.qh\ncommand_file={place}/nagios.cmd\n\
         use_syslog=0\nretain_state_information=0\nenable_notifications=0\nexecute_service_checks=0\n\
         execute_host_checks=0\ncheck_result_reaper_frequency=1\nlog_passive_checks=1\nlog_service_retries=1\n\
         enable_flap_detection=1\nprocess_performance_data=1\nservice_perfdata_file={place}/perfdata\n\
         service_perfdata_file_mode=w\nservice_perfdata_file_template=$SERVICEDESC$ $SERVICEPERFDATA$ \
         $SERVICESTATEID$ $SERVICESTATETYPE$ $SERVICEATTEMPT$ $SERVICEPERCENTCHANGE$\n"
    )
}

/// The first results of all services, then the second ones, and so on, as Nagios' spool directory has them. Perfdata
/// carries the number of the result back.
fn spool(sequences: &[Sequence]) -> String {
    #[allow(clippy::disallowed_methods)]
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
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
