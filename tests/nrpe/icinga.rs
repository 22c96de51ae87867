//! Icinga 2 polls a host through check_nrpe, and does not notice the swap.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use custos::clock::now_ms;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::nagios::{COMMANDS, SERVICES};
use crate::server::{REAL_CLIENT, Server, Which};
use crate::stage::{Daemon, Stage, free_port, wait_for};

const ICINGA: &str = "/usr/sbin/icinga2";

/// An Icinga of its own.
struct Icinga {
    daemon: Daemon,
    records: PathBuf,
}

impl Icinga {
    fn start(stage: &Stage, port: u16) -> Icinga {
        let shown = stage.root().display();
        for part in ["records", "lib", "log", "run", "cache", "spool"] {
            fs::create_dir(stage.path(part)).unwrap();
            // Icinga drops its privileges.
            fs::set_permissions(stage.path(part), fs::Permissions::from_mode(0o777)).unwrap();
        }
        let plugins = Path::new(REAL_CLIENT).parent().unwrap();
        // What Icinga knows of a service is read from its writer of performance data: one record for each check.
        let mut config = format!(
            "library \"perfdata\"\n\
             object Endpoint \"here\" {{}}\nobject Zone \"here\" {{ endpoints = [ \"here\" ] }}\n\
             object CheckerComponent \"checker\" {{}}\n\
             object PerfdataWriter \"records\" {{\n  host_perfdata_path = \"{shown}/records/host\"\n  \
             service_perfdata_path = \"{shown}/records/service\"\n  host_temp_path = \"{shown}/spool/host\"\n  \
             service_temp_path = \"{shown}/spool/service\"\n  rotation_interval = 1s\n  \
             service_format_template = \"##$service.name$@$service.last_check$@$service.state$@$service.output$@\
             $service.long_output$@$service.perfdata$\"\n}}\n\
             const PluginDir = \"{}\"\ninclude <itl>\ninclude <plugins>\n\
             object Host \"h\" {{\n  check_command = \"nrpe\"\n  address = \"127.0.0.1\"\n  enable_active_checks = false\n}}\n",
            plugins.display()
        );
        for service in SERVICES {
            config.push_str(&format!(
                "object Service \"{service}\" {{\n  host_name = \"h\"\n  check_command = \"nrpe\"\n  \
                 vars.nrpe_command = \"{service}\"\n  vars.nrpe_port = {port}\n{}  \
                 check_interval = 1s\n  retry_interval = 1s\n  max_check_attempts = 1\n}}\n",
                options(service)
            ));
        }
        stage.write("icinga2.conf", &config);
        let mut command = Command::new(ICINGA);
        command.arg("daemon").arg("-c").arg(stage.path("icinga2.conf"));
        for (constant, part) in [
            ("DataDir", "lib"),
            ("LogDir", "log"),
            ("InitRunDir", "run"),
            ("CacheDir", "cache"),
            ("SpoolDir", "spool"),
        ] {
            command.arg(format!("-D{constant}={shown}/{part}"));
        }
        // It logs on stdout.
        let log = fs::File::create(stage.path("icinga2.log")).unwrap();
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).process_group(0);
        let daemon = Daemon::of(command.spawn().unwrap(), &stage.path("icinga2.log"));
        Icinga { daemon, records: stage.path("records") }
    }

    /// State, text and performance data of each service, once all were checked after this time.
    fn shown_after(&self, time_s: i64) -> BTreeMap<String, String> {
        wait_for("Icinga to check all services", || {
            let mut services = BTreeMap::new();
            for entry in fs::read_dir(&self.records).ok()? {
                let content = fs::read_to_string(entry.ok()?.path()).ok()?;
                for record in content.split("##").skip(1) {
                    let (name, rest) = record.trim_end().split_once('@')?;
                    let (checked, shown) = rest.split_once('@')?;
                    if checked.parse::<f64>().ok()? > time_s as f64 {
                        services.insert(name.to_owned(), shown.to_owned());
                    }
                }
            }
            (services.len() == SERVICES.len()).then_some(services)
        })
    }
}

/// Options of Icinga's own command for check_nrpe, so that each of them is used for some service.
fn options(service: &str) -> &'static str {
    match service {
        "warn" => "  vars.nrpe_version_2 = true\n",
        "broken" => "  vars.nrpe_timeout = \"7:WARNING\"\n  vars.nrpe_timeout_unknown = true\n",
        "eight" => "  vars.nrpe_ipv4 = true\n  vars.nrpe_dh_opt = \"2\"\n",
        "blanks" => "  vars.nrpe_ssl_version = \"TLSv1.2\"\n  vars.nrpe_cipher_list = \"AECDH@SECLEVEL=0\"\n",
        _ => "",
    }
}

impl Drop for Icinga {
    fn drop(&mut self) {
        // It is several processes, and takes its time if it is asked.
        let _ = killpg(Pid::from_raw(self.daemon.pid()), Signal::SIGKILL);
    }
}

#[test]
fn states_and_performance_data_are_the_same_before_and_after() {
    let (directory, port) = (Stage::writable_by_all(), free_port());
    let real = Server::start_on(port, Which::Real, COMMANDS, &[]);
    let icinga = Icinga::start(&directory, port);
    let before = icinga.shown_after(0);
    assert_eq!(before["fine"], "OK@DISK OK - free space @@/=2643MB;5948;5958;0;5968");
    assert!(before["broken"].starts_with("CRITICAL@down\nsecond line@"), "{before:?}");
    drop(real);
    let custos = Server::start_on(port, Which::Custos, COMMANDS, &[]);
    // Checks that met neither daemon have passed when a later second has begun.
    let after = icinga.shown_after(now_ms() / 1000 + 1);
    assert_eq!(before, after);
    assert!(custos.log().contains("anonymous TLS"));
}
