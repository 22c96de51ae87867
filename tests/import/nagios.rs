//! Files of Nagios: a real one runs, is told results, and writes its log and its perfdata.

use std::fs;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::keeping::Keeping;
use crate::stage::{lines, wait_for};

/// What Nagios needs to run by itself, with a host and a service that only has submitted results.
const OBJECTS: &str = "
define command {
  command_name ok
  command_line /bin/true
}
define timeperiod {
  timeperiod_name always
  alias always
  monday 00:00-24:00
  tuesday 00:00-24:00
  wednesday 00:00-24:00
  thursday 00:00-24:00
  friday 00:00-24:00
  saturday 00:00-24:00
  sunday 00:00-24:00
}
define contact {
  contact_name nobody
  host_notifications_enabled 0
  service_notifications_enabled 0
  host_notification_period always
  service_notification_period always
  host_notification_options n
  service_notification_options n
  host_notification_commands ok
  service_notification_commands ok
}
define host {
  host_name web1
  address 127.0.0.1
  max_check_attempts 1
  check_command ok
  active_checks_enabled 0
  contacts nobody
}
define service {
  host_name web1
  service_description disk /
  check_command ok
  max_check_attempts 3
  check_interval 60
  retry_interval 60
  active_checks_enabled 0
  contacts nobody
  flap_detection_enabled 0
}
";

struct Nagios(Child);

impl Drop for Nagios {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts Nagios with these objects.
fn started(keeping: &Keeping, objects: &str) -> Nagios {
    let path = |name: &str| keeping.path(name).display().to_string();
    fs::create_dir_all(keeping.path("results")).unwrap();
    keeping.write("objects.cfg", objects);
    keeping.write("resource.cfg", format!("$USER1$={}\n", path("")));
    let main = format!(
        "cfg_file={}\nlog_file={}\nstatus_file={}\nobject_cache_file={}\nprecached_object_file={}\nlock_file={}\n\
         temp_file={}\ntemp_path={}\ncheck_result_path={}\nresource_file={}\ncommand_file={}\nquery_socket={}\nstate_retention_file={}\n\
         log_initial_states=1\nlog_service_retries=1\nprocess_performance_data=1\nservice_perfdata_file={}\nservice_perfdata_file_mode=a\n\
         check_for_updates=0\ncheck_external_commands=1\nuse_syslog=0\nnagios_user=root\nnagios_group=root\n\
         debug_level=0\ninterval_length=1\ncheck_result_reaper_frequency=1\nlog_rotation_method=n\n",
        path("objects.cfg"),
        path("nagios.log"),
        path("status.dat"),
        path("objects.cache"),
        path("objects.precache"),
        path("nagios.lock"),
        path("nagios.tmp"),
        path(""),
        path("results"),
        path("resource.cfg"),
        path("nagios.cmd"),
        path("nagios.qh"),
        path("retention.dat"),
        path("perfdata"),
    );
    keeping.write("nagios.cfg", main);
    let child = Command::new("/usr/sbin/nagios4")
        .arg(path("nagios.cfg"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("nagios4, which scripts/test installs");
    Nagios(child)
}

/// Runs Nagios and hands it these results of `disk /`, one after the other.
fn told(keeping: &Keeping, results: &[(u8, &str)]) {
    let _nagios = started(keeping, OBJECTS);
    let log = keeping.path("nagios.log");
    wait_for("Nagios to take commands", || keeping.path("nagios.cmd").exists().then_some(()));
    wait_for("the initial state", || {
        lines(&log).iter().any(|line| line.contains("INITIAL SERVICE STATE")).then_some(())
    });
    for (at, (state, output)) in results.iter().enumerate() {
        // By the clock of the machine, which is Nagios' too.
        let now_s = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
        let command = format!("[{now_s}] PROCESS_SERVICE_CHECK_RESULT;web1;disk /;{state};{output}\n");
        fs::write(keeping.path("nagios.cmd"), command).unwrap();
        wait_for("the result to be taken", || (lines(&keeping.path("perfdata")).len() > at).then_some(()));
    }
}

#[test]
fn states_and_perfdata_are_those_of_nagios() {
    let keeping = Keeping::new();
    let results = [
        (0, "DISK OK - free | /=3GB;7;9;0;10"),
        (2, "DISK CRITICAL - full | /=9.5GB;7;9;0;10"),
        (2, "DISK CRITICAL - full | /=9.6GB;7;9;0;10"),
        (2, "DISK CRITICAL - still; full | /=9.7GB;7;9;0;10"),
        (0, "DISK OK - free | /=2GB;7;9;0;10"),
    ];
    told(&keeping, &results);
    // The log: changes of state alone, soft and hard.
    keeping.imported(&["nagios-log", "nagios.log"]);
    let runs = keeping.runs("disk /");
    let of = |run: &Value| {
        (
            run["state"].as_str().unwrap().to_owned(),
            run["hard"].as_bool().unwrap(),
            run["attempt"].as_u64().unwrap(),
        )
    };
    let state = |name: &str, hard, attempt| (name.to_owned(), hard, attempt);
    let alerts: Vec<_> = runs.iter().map(of).skip_while(|(state, ..)| state == "OK").collect();
    let expected = [
        state("CRITICAL", false, 1),
        state("CRITICAL", false, 2),
        state("CRITICAL", true, 3),
        state("OK", true, 3),
    ];
    assert_eq!(alerts, expected, "{runs:?}");
    assert!(runs.iter().any(|run| run["text"] == "DISK CRITICAL - still: full"), "{runs:?}");
    let events = keeping.custos(&["events", "disk /", "--since", "-1h", "--store", "store"]);
    assert!(events.contains("DISK CRITICAL - still: full"), "{events}");
    let again = keeping.imported(&["nagios-log", "nagios.log"]);
    assert!(again.starts_with("0 runs added"), "{again}");
    // The file of perfdata: every result, in another store, as these are the same runs.
    let other = Keeping::new();
    other.write("perfdata", fs::read(keeping.path("perfdata")).unwrap());
    other.imported(&["perfdata", "perfdata"]);
    let values: Vec<f64> = other
        .runs("disk /")
        .iter()
        .map(|run| {
            assert_eq!(run["metrics"][0]["warn"]["end"].as_f64(), Some(7e9));
            run["metrics"][0]["value"].as_f64().unwrap()
        })
        .collect();
    assert_eq!(values, [3e9, 9.5e9, 9.6e9, 9.7e9, 2e9]);
    assert!(other.imported(&["perfdata", "perfdata"]).starts_with("0 runs added, 5 there already"));
}

/// Services whose command writes its arguments into a file of its service, a line each.
fn recorded(directory: &str) -> String {
    let service = |name: &str, command: &str, more: &str| {
        format!(
            "define service {{\n  host_name web1\n  service_description {name}\n  check_command {command}\n  \
             max_check_attempts 3\n  check_interval 1\n  retry_interval 1\n  contacts nobody\n{more}\n}}\n"
        )
    };
    let command = |name: &str, line: &str| {
        format!(
            "define command {{\n  command_name {name}\n  command_line $USER1$/record {directory} {line}\n}}\n"
        )
    };
    let commands = [
        command("plain", "plain $ARG1$ -H $HOSTADDRESS$ $HOSTNAME$ $ARG2$ $ARG3$ end"),
        command(
            "quoted",
            "quoted '$ARG1$' \"$ARG2$\" x$ARG3$y $$HOME $_SERVICEMORE$ $_HOSTROOM$ '$SERVICEDESC$'",
        ),
    ];
    let services = [
        service("plain one", "plain!-w 5!a-b", "  check_period always"),
        service("quoted", r"quoted!a\\b c\xd!e\!f $HOSTNAME$ 100%!z", "  _MORE foo bar\n  is_volatile 1"),
        service("silent", "plain!1", "  notifications_enabled 0\n  check_interval 7"),
    ];
    let dependency = "define servicedependency {\n  host_name web1\n  service_description plain one\n  \
                      dependent_host_name web1\n  dependent_service_description silent\n  \
                      execution_failure_options w,u,c\n}\n";
    let objects = OBJECTS.replace("  address 127.0.0.1\n", "  address 127.0.0.1\n  _ROOM cellar 2\n");
    objects + &commands.concat() + &services.concat() + dependency
}

/// Writes its arguments into a file that the first two of them name, in one piece.
const RECORD: &str = "#!/bin/sh
file=$1/$2.args
shift 2
for word; do printf '%s\\n' \"$word\"; done >\"$file.$$\"
mv \"$file.$$\" \"$file\"
echo OK
";

#[test]
fn checks_are_the_services_of_nagios_and_run_the_same_command_lines() {
    use std::os::unix::fs::PermissionsExt;

    let keeping = Keeping::new();
    let record = keeping.write("record", RECORD);
    fs::set_permissions(&record, fs::Permissions::from_mode(0o755)).unwrap();
    let directory = keeping.path("").display().to_string();
    let nagios = started(&keeping, &recorded(directory.trim_end_matches('/')));
    let arguments = |name: &str| fs::read_to_string(keeping.path(&format!("{name}.args"))).ok();
    let by_nagios =
        ["plain", "quoted"].map(|name| wait_for("Nagios to run the commands", || arguments(name)));
    drop(nagios);
    // Both services with the command `plain` write into one file: only one of them ran last.
    let words = ["nagios", "objects.cache", "--resource", "resource.cfg", "--interval-length", "1"];
    let mut command = crate::stage::custos(&["import"]);
    let output = command.args(words).current_dir(&keeping).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let yaml = String::from_utf8(output.stdout).unwrap();
    keeping.write("custos.yaml", format!("store: {}\n{yaml}", keeping.path("store").display()));
    keeping.custos(&["config", "check", "custos.yaml"]);
    for name in ["plain", "quoted"] {
        fs::remove_file(keeping.path(&format!("{name}.args"))).unwrap();
    }
    keeping.custos(&["check", "quoted", "--dry-run", "--config", "custos.yaml"]);
    assert_eq!(arguments("quoted").unwrap(), by_nagios[1]);
    let by_custos = ["plain one", "silent"].map(|check| {
        keeping.custos(&["check", check, "--dry-run", "--config", "custos.yaml"]);
        arguments("plain").unwrap()
    });
    assert!(by_custos.contains(&by_nagios[0]), "{by_custos:?} {by_nagios:?}");
    assert_ne!(by_custos[0], by_custos[1]);
    for expected in [
        "  silent:\n",
        "    check_interval: 7s\n",
        "    notify: false\n    depends_on: [\"plain one\"]\n",
        "    volatile: true\n",
        "    passive: {}\n",
        ": plain one: contacts nobody\n",
    ] {
        assert!(yaml.contains(expected), "{expected}: {yaml}");
    }
}
