//! Nagios polls a host through check_nrpe, and does not notice the swap.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use custos::clock::now_ms;
use nix::sys::signal::Signal;

use crate::server::{REAL_CLIENT, Server, Which};
use crate::stage::{Daemon, Stage, free_port, wait_for};

const NAGIOS: &str = "/usr/sbin/nagios4";
pub(crate) const COMMANDS: &str = "command_timeout=1\n\
    command[fine]=echo 'DISK OK - free space | /=2643MB;5948;5958;0;5968'\n\
    command[warn]=echo 'LOAD WARNING | load1=6.1;5;10;0'; exit 1\n\
    command[broken]=echo 'down'; echo 'second line'; exit 2\n\
    command[long]=printf 'one | a=1\\ntwo | b=2\\n'; exit 3\n\
    command[lines]=printf 'first | a=1;2;3;0;10\\nsecond\\nthird | b=2\\nc=3 d=4\\n'; exit 1\n\
    command[words]=printf 'Grün „x“ 21°C | \\047ö ä\\047=21 \\047a=b\\047=1%%;;;0;100\\n'\n\
    command[quotes]=printf 'it\\047s \"quoted\" <b>&amp; $USER1$ 100%%; \\\\\\\\ | x=1\\n'; exit 1\n\
    command[blanks]=printf '  a  \\n\\n\\nb\\r\\n\\n'\n\
    command[empty]=echo; exit 1\n\
    command[perfdata]=echo '|only=1'\n\
    command[eight]=echo eight; exit 8\n\
    command[slow]=sleep 20\n\
    command[four_k]=head -c 4500 /dev/zero | tr '\\0' y; exit 2\n\
    command[twelve_k]=i=0; while [ $$i -lt 400 ]; do echo \"line $$i | m$$i=$$i\"; i=$$((i+1)); done\n";
pub(crate) const SERVICES: [&str; 14] = [
    "fine", "warn", "broken", "long", "lines", "words", "quotes", "blanks", "empty", "perfdata", "eight",
    "slow", "four_k", "twelve_k",
];
/// What a poller shows of a service.
const SHOWN: [&str; 4] = ["current_state=", "plugin_output=", "long_plugin_output=", "performance_data="];

/// A Nagios of its own.
struct Nagios {
    daemon: Daemon,
    status: PathBuf,
}

impl Nagios {
    fn start(stage: &Stage, port: u16) -> Nagios {
        let shown = stage.root().display();
        let mut objects = format!(
            "define timeperiod {{\n timeperiod_name always\n alias always\n sunday 00:00-24:00\n monday 00:00-24:00\n \
             tuesday 00:00-24:00\n wednesday 00:00-24:00\n thursday 00:00-24:00\n friday 00:00-24:00\n \
             saturday 00:00-24:00\n}}\n\
             define command {{\n command_name nrpe\n command_line {REAL_CLIENT} -H 127.0.0.1 -p {port} -c $ARG1$\n}}\n\
             define command {{\n command_name alive\n command_line /bin/true\n}}\n\
             define contact {{\n contact_name nobody\n host_notifications_enabled 0\n service_notifications_enabled 0\n \
             host_notification_period always\n service_notification_period always\n \
             host_notification_commands alive\n service_notification_commands alive\n}}\n\
             define host {{\n host_name h\n address 127.0.0.1\n check_command alive\n max_check_attempts 1\n \
             check_period always\n contacts nobody\n notification_period always\n}}\n"
        );
        for service in SERVICES {
            objects.push_str(&format!(
                "define service {{\n host_name h\n service_description {service}\n check_command nrpe!{service}\n \
                 max_check_attempts 1\n check_interval 1\n retry_interval 1\n check_period always\n \
                 contacts nobody\n notification_period always\n}}\n"
            ));
        }
        stage.write("objects.cfg", &objects);
        let main = format!(
            "cfg_file={shown}/objects.cfg\nlog_file={shown}/nagios.log\nstatus_file={shown}/status.dat\n\
             object_cache_file={shown}/objects.cache\nprecached_object_file={shown}/objects.precache\n\
             lock_file={shown}/nagios.lock\ntemp_file={shown}/nagios.tmp\ntemp_path={shown}\n\
             check_result_path={shown}/results\nquery_socket={shown}/nagios.qh\ncommand_file={shown}/nagios.cmd\n\
             status_update_interval=1\ninterval_length=1\n"
        );
        let results = stage.path("results");
        fs::create_dir(&results).unwrap();
        // Nagios drops its privileges.
        fs::set_permissions(&results, fs::Permissions::from_mode(0o777)).unwrap();
        stage.write("nagios.cfg", &main);
        let mut command = Command::new(NAGIOS);
        let daemon = Daemon::start(command.arg(stage.path("nagios.cfg")), &stage.path("stderr"));
        Nagios { daemon, status: stage.path("status.dat") }
    }

    /// What is shown of each service, once all were checked after this time.
    fn shown_after(&self, time_s: i64) -> BTreeMap<String, Vec<String>> {
        wait_for("Nagios to check all services", || {
            let content = fs::read_to_string(&self.status).ok()?;
            let mut services = BTreeMap::new();
            for block in content.split("servicestatus {").skip(1) {
                let block = block.split('}').next()?;
                let lines: Vec<&str> = block.lines().map(str::trim).collect();
                let value = |key: &str| lines.iter().find_map(|line| line.strip_prefix(key));
                if value("last_check=")?.parse::<i64>().ok()? <= time_s {
                    return None;
                }
                let shown = lines.iter().filter(|line| SHOWN.iter().any(|key| line.starts_with(key)));
                services.insert(
                    value("service_description=")?.to_owned(),
                    shown.map(|line| (*line).to_owned()).collect(),
                );
            }
            (services.len() == SERVICES.len()).then_some(services)
        })
    }
}

impl Nagios {
    /// What it shows twice in a row: of a long output its workers at times take the first piece for all of it.
    fn settled_after(&self, time_s: i64) -> BTreeMap<String, Vec<String>> {
        wait_for("Nagios to show the same twice", || {
            let shown = self.shown_after(time_s);
            (shown == self.shown_after(now_ms() / 1000 + 1)).then_some(shown)
        })
    }
}

impl Drop for Nagios {
    fn drop(&mut self) {
        // So that it ends its workers, too.
        self.daemon.signal(Signal::SIGTERM);
        self.daemon.wait();
    }
}

#[test]
fn states_and_performance_data_are_the_same_before_and_after() {
    let (directory, port) = (Stage::writable_by_all(), free_port());
    let real = Server::start_on(port, Which::Real, COMMANDS, &[]);
    let nagios = Nagios::start(&directory, port);
    let before = nagios.settled_after(0);
    assert!(before["fine"].contains(&"current_state=0".to_owned()), "{before:?}");
    assert!(before["broken"].contains(&"long_plugin_output=second line".to_owned()), "{before:?}");
    drop(real);
    let custos = Server::start_on(port, Which::Custos, COMMANDS, &[]);
    // Checks that met neither daemon have passed when a later second has begun.
    let after = nagios.settled_after(now_ms() / 1000 + 1);
    assert_eq!(before, after);
    assert!(custos.log().contains("anonymous TLS"));
}
