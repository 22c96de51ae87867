//! Icinga 2 polls a host through check_nrpe, and does not notice the swap.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use custos::clock::now_ms;

use crate::nagios::{COMMANDS, SERVICES};
use crate::server::{REAL_CLIENT, Server, Which};
use crate::stage::{Icinga, Stage, free_port, wait_for};

/// An Icinga that writes down what it knows of the services.
struct Recorded {
    _icinga: Icinga,
    records: PathBuf,
}

impl Recorded {
    fn start(stage: &Stage, port: u16) -> Recorded {
        let shown = stage.root().display();
        Icinga::directories(stage, &["records"]);
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
        Recorded { _icinga: Icinga::start(stage), records: stage.path("records") }
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

#[test]
fn states_and_performance_data_are_the_same_before_and_after() {
    let (directory, port) = (Stage::writable_by_all(), free_port());
    let real = Server::start_on(port, Which::Real, COMMANDS, &[]);
    let icinga = Recorded::start(&directory, port);
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
