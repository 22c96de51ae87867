//! `custos init`, on hosts that are directories.

use std::fs;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::stage::{PROGRAM, Stage, custos, text};

const BASIC: [&str; 13] = [
    "check_disk",
    "check_ftp",
    "check_http",
    "check_imap",
    "check_load",
    "check_pop",
    "check_procs",
    "check_simap",
    "check_smtp",
    "check_ssh",
    "check_swap",
    "check_tcp",
    "check_users",
];
const STANDARD: [&str; 3] = ["check_mailq", "check_mysql", "check_pgsql"];
const OWN: [&str; 7] = ["clock.sh", "disk.sh", "link.sh", "load.sh", "memory.sh", "units.sh", "uptime.sh"];
const MOUNTS: &str = "\
    22 27 0:21 / /proc rw - proc proc rw\n\
    24 27 0:6 / /dev rw - devtmpfs devtmpfs rw\n\
    25 24 0:23 / /dev/shm rw - tmpfs tmpfs rw\n\
    27 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n";
const TCP_HEAD: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n";

/// A host: a directory with what is its own in `/etc`, `/proc` and `/sys`.
struct Host {
    stage: Stage,
}

impl Host {
    fn new(release: &str) -> Host {
        let host = Host { stage: Stage::new() };
        host.file("etc/os-release", release);
        host.file("proc/self/mountinfo", MOUNTS);
        host.file("sys/devices/system/cpu/online", "0-3\n");
        host.file("etc/custos/conf.d/README", "");
        for process in 1..=150 {
            fs::create_dir_all(host.root().join(format!("proc/{process}"))).unwrap();
        }
        host
    }

    fn debian() -> Host {
        Host::new("ID=debian\n")
            .with_plugins("usr/lib/nagios/plugins", &BASIC)
            .with_plugins("usr/lib/custos/plugins", &OWN)
    }

    fn root(&self) -> PathBuf {
        self.stage.path("root")
    }

    fn file(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn with_plugins(self, directory: &str, names: &[&str]) -> Host {
        for name in names {
            let path = format!("{directory}/{name}");
            self.file(&path, "#!/bin/sh\n");
            fs::set_permissions(self.root().join(path), fs::Permissions::from_mode(0o755)).unwrap();
        }
        self
    }

    /// systemd runs, with these services enabled.
    fn with_units(self, units: &[&str]) -> Host {
        fs::create_dir_all(self.root().join("run/systemd/system")).unwrap();
        for unit in units {
            self.file(&format!("etc/systemd/system/multi-user.target.wants/{unit}.service"), "");
        }
        self
    }

    /// These ports are listened on, at all addresses of IPv4.
    fn with_ports(self, ports: &[u16]) -> Host {
        let rows: String = ports
            .iter()
            .map(|port| {
                format!("   0: 00000000:{port:04X} 00000000:0000 0A 00000000:00000000 00:0 0 0 0 1 1\n")
            })
            .collect();
        self.file("proc/net/tcp", format!("{TCP_HEAD}{rows}"));
        self
    }

    fn with_interface(self, name: &str) -> Host {
        self.file(&format!("sys/class/net/{name}/operstate"), "up\n");
        self.file(&format!("sys/class/net/{name}/device/vendor"), "");
        self
    }

    fn init(&self, arguments: &[&str]) -> Output {
        custos(&["init", "--root", self.root().to_str().unwrap()]).args(arguments).output().unwrap()
    }

    /// What is proposed: the commands by name, and the whole text, which holds no mistake.
    fn proposed(&self, arguments: &[&str]) -> (Vec<String>, String) {
        let output = self.init(arguments);
        let page = text(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{page}{}", text(&output.stderr));
        let file = self.stage.write("proposed.yaml", &page);
        let shown = custos(&["config", "show", file.to_str().unwrap()]).output().unwrap();
        assert_eq!(shown.status.code(), Some(0), "{}{page}", text(&shown.stderr));
        let names = page
            .lines()
            .filter_map(|line| line.strip_prefix("  ")?.strip_suffix(':'))
            .filter(|name| !name.starts_with([' ', '#']))
            .map(|name| name.trim_matches('"').to_owned())
            .collect();
        (names, page)
    }

    fn output(&self) -> PathBuf {
        self.root().join("etc/custos/custos.yaml")
    }
}

fn assert_has(page: &str, parts: &[&str]) {
    for part in parts {
        assert!(page.contains(part), "`{part}` is not in\n{page}");
    }
}

#[test]
fn a_web_server_is_asked_for_what_it_serves() {
    let host = Host::debian()
        .with_units(&["ssh", "nginx", "cron", "chrony", "e2scrub_reap"])
        .with_ports(&[22, 80, 443, 9999])
        .with_interface("ens3");
    host.file("proc/swaps", "Filename Type Size Used Priority\n/swapfile file 1 0 -2\n");
    let (names, page) = host.proposed(&[]);
    let expected = [
        "load",
        "memory",
        "swap",
        "processes",
        "zombies",
        "uptime",
        "clock",
        "disk",
        "services",
        "link_ens3",
        "ssh",
        "http",
        "https",
    ];
    assert_eq!(names, expected, "{page}");
    assert_has(
        &page,
        &[
            "plugins: [/usr/lib/custos/plugins, /usr/lib/nagios/plugins]\n",
            "  # ext4 on /: 10 % free at least\n  disk:\n    command: [check_disk, -w, \"10%\", -c, \"5%\", -W, \"10%\", -K, \
             \"5%\", -p, /]\n    check_interval: 1m\n",
            "command: [units.sh, chrony, cron, nginx, ssh]\n",
            "command: [check_procs, -w, \"500\", -c, \"1000\"]\n",
            "command: [check_http, -I, \"127.0.0.1\", -p, \"443\", -S, -C, \"21,7\"]\n",
            "by whom is not known: 9999",
            "{ metric: rx_errors, warning: \"~:1\", rate: true, for: 5m }",
        ],
    );
    assert!(!page.contains("nrpe:"), "{page}");
}

#[test]
fn a_database_host_is_known_by_its_sockets_and_what_is_missing_is_named_with_its_package() {
    let host = Host::debian().with_ports(&[22, 3306, 5432, 6379]);
    host.file(
        "proc/net/unix",
        "Num       RefCount Protocol Flags    Type St Inode Path\n\
         00: 00000002 00000000 00010000 0001 01 1 /run/mysqld/mysqld.sock\n\
         00: 00000003 00000000 00000000 0001 03 2 /run/memcached/memcached.sock\n\
         00: 00000002 00000000 00010000 0001 01 3 /run/postgresql/.s.PGSQL.5432\n\
         00: 00000002 00000000 00010000 0001 01 4 @/abstract/mysql.sock\n",
    );
    host.file("proc/mdstat", "Personalities : [raid1]\nmd0 : active raid1 sdb1[1] sda1[0]\n      9 blocks\n");
    let (names, page) = host.proposed(&[]);
    assert!(names.ends_with(&["disk", "ssh", "redis", "postgresql"].map(str::to_owned)), "{names:?}");
    assert_has(
        &page,
        &[
            "command: [check_tcp, -H, /run/postgresql/.s.PGSQL.5432]",
            "command: [check_tcp, -H, \"127.0.0.1\", -p, \"6379\"]",
            "# - mysql needs check_mysql, which the package monitoring-plugins-standard has: MySQL or MariaDB listens on \
             /run/mysqld/mysqld.sock",
            "# - raid needs check_raid, which the package monitoring-plugins-contrib has: software RAID: md0\n",
        ],
    );
    let (names, page) = host.with_plugins("usr/lib/nagios/plugins", &STANDARD).proposed(&[]);
    assert!(names.contains(&"mysql".to_owned()), "{page}");
    assert_has(&page, &["command: [check_mysql, -n, -H, localhost, -s, /run/mysqld/mysqld.sock]"]);
}

#[test]
fn a_mail_server_has_a_queue_and_answers_in_its_protocols() {
    let host =
        Host::debian().with_ports(&[25, 143, 587, 993]).with_plugins("usr/lib/nagios/plugins", &STANDARD);
    host.file("etc/postfix/main.cf", "");
    host.file("usr/sbin/postqueue", "");
    let (names, page) = host.proposed(&[]);
    assert!(
        names.ends_with(&["smtp", "imap", "submission", "imaps", "mail_queue"].map(str::to_owned)),
        "{names:?}"
    );
    assert_has(&page, &["command: [check_mailq, -M, postfix, -w, \"20\", -c, \"200\"]"]);
}

#[test]
fn an_empty_container_has_little_and_is_told_why() {
    let host = Host::new("ID=alpine\n").with_interface("eth0");
    host.file(".dockerenv", "");
    host.file(
        "proc/self/mountinfo",
        "27 1 0:50 / / rw - overlay overlay rw\n28 27 8:1 /h /etc/hosts rw - ext4 /dev/sda1 rw\n",
    );
    let (names, page) = host.proposed(&[]);
    assert!(names.is_empty(), "{page}");
    assert_has(
        &page,
        &[
            "checks: {}\n",
            "# - load needs check_load, which the package the Monitoring Plugins has",
            "package custos has",
        ],
    );
    assert!(!page.contains("clock") && !page.contains("eth0") && !page.contains("disk"), "{page}");
    // Nothing at all.
    let nothing = Stage::new();
    let output = custos(&["init", "--root"]).arg(nothing.path("none")).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
}

const NRPE: &str = "server_port=5666\ninclude_dir=/etc/nrpe.d/\ncommand[check_load]=/usr/lib64/nagios/plugins/check_load -r -w 1 -c 2\n";

#[test]
fn the_commands_of_nrpe_are_read_in_place_and_cover_what_they_look_at() {
    let host = Host::new("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n")
        .with_plugins("usr/lib64/nagios/plugins", &BASIC)
        .with_ports(&[22, 5666]);
    host.file("etc/nagios/nrpe.cfg", NRPE);
    host.file(
        "etc/nrpe.d/disk.cfg",
        "command[root]=/usr/lib64/nagios/plugins/check_disk -w 20% -c 10% -p /\n",
    );
    let (names, page) = host.proposed(&[]);
    assert_eq!(names, ["load", "processes", "zombies", "disk", "ssh"], "{page}");
    assert_has(
        &page,
        &[
            "# custos-nrpe take writes this to answer check_nrpe in place of nrpe:\n# nrpe:\n\
             #   config: /etc/nagios/nrpe.cfg\n",
            "10 % free at least (the command root of nrpe looks at the same)\n  disk:\n",
            "# - memory needs memory.sh, which the package custos has",
        ],
    );
    assert_has(&text(&host.init(&[]).stderr), &["nrpe.cfg has 2 commands, of which 2 look at the same;"]);
    let output = host.init(&["--nrpe"]);
    let page = text(&output.stdout);
    assert_has(
        &page,
        &[
            "\nnrpe:\n  config: /etc/nagios/nrpe.cfg\n",
            "# - load is left to the command check_load of nrpe, run when a server asks\n",
            "# - disk is left to the command root of nrpe",
            "\n  ssh:\n",
        ],
    );
    assert!(!page.contains("\n  load:\n") && !page.contains("\n  disk:\n"), "{page}");
    assert_has(&text(&output.stderr), &["with its 2 commands; stop what listens on port 5666 first"]);
    // One that cannot be used is said to be.
    host.file("etc/nagios/nrpe.cfg", "server_port=x\n");
    assert_has(&host.proposed(&[]).1, &["# - /etc/nagios/nrpe.cfg cannot be used: "]);
    assert_eq!(host.init(&["--nrpe"]).status.code(), Some(1));
}

#[test]
fn files_without_end_pipes_and_loops_do_not_hold_it_up() {
    let host = Host::debian();
    let main = host.root().join("etc/nagios/nrpe.cfg");
    host.file("etc/nagios/nrpe.cfg", "include_dir=/etc/loop\ncommand[a]=x\n");
    fs::create_dir_all(host.root().join("etc/loop")).unwrap();
    for name in ["up", "again"] {
        std::os::unix::fs::symlink("..", host.root().join("etc/loop").join(name)).unwrap();
    }
    assert_has(
        &host.proposed(&[]).1,
        &["nrpe.cfg a part was left out: Config directory ", "beyond the limit of "],
    );
    fs::write(&main, vec![b'\n'; 17 << 20]).unwrap();
    assert_has(&host.proposed(&[]).1, &["nrpe.cfg cannot be used: ", "larger than 16 MiB"]);
    for path in ["etc/nagios/nrpe.cfg", "etc/os-release", "proc/mdstat"] {
        let path = host.root().join(path);
        let _ = fs::remove_file(&path);
        assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    }
    assert_has(&host.proposed(&[]).1, &["nrpe.cfg cannot be used: ", "not a regular file"]);
    fs::remove_file(&main).unwrap();
    std::os::unix::fs::symlink("/dev/zero", &main).unwrap();
    assert_has(&host.proposed(&[]).1, &["nrpe.cfg cannot be used: ", "a link that leaves "]);
}

#[test]
fn forty_mounts_with_odd_and_hostile_names_make_forty_checks_that_mean_them() {
    let host = Host::debian();
    let odd: [&[u8]; 10] = [
        b"/srv/a b",
        "/srv/größe 数".as_bytes(),
        b"/srv/it's",
        b"/srv/say \"x\"",
        b"/srv/back\\slash",
        b"/srv/#hash: {x}, [y]",
        b"/srv/$HOME `id` $(id); rm -rf x & | >y",
        b"/srv/- !tag &anchor *alias %d @x",
        b"/srv/'; checks: {evil: {command: x}}",
        b"/srv/a_b",
    ];
    let refused: [&[u8]; 4] =
        [b"/srv/new\nchecks:\n  evil:", b"/srv/esc\x1b[2J", b"/srv/\xff\xfe", b"/srv/$ARG1$"];
    let mut table = MOUNTS.as_bytes().to_vec();
    let plain: Vec<Vec<u8>> = (0..29).map(|number| format!("/data/{number}").into_bytes()).collect();
    let points = plain.iter().map(Vec::as_slice).chain(odd).chain(refused);
    for (number, point) in points.enumerate() {
        table.extend(format!("40 27 9:{number} / ").into_bytes());
        for byte in point {
            match byte {
                b' ' | b'\n' | b'\t' | b'\\' | b'#' => table.extend(format!("\\{byte:03o}").into_bytes()),
                byte => table.push(*byte),
            }
        }
        table.extend(b" rw - xfs /dev/md rw\n");
    }
    host.file("proc/self/mountinfo", table);
    let (names, page) = host.proposed(&[]);
    let disks: Vec<&String> = names.iter().filter(|name| name.starts_with("disk")).collect();
    assert_eq!(disks.len(), 40, "{page}");
    assert!(disks.iter().any(|name| *name == "disk_srv_a_b_2"), "{disks:?}");
    // What the reader understands are the mount points themselves.
    let config = custos::config::load(&host.stage.path("proposed.yaml")).unwrap().config;
    assert!(!config.checks.contains_key("evil"));
    let mut means: Vec<Vec<u8>> = config
        .checks
        .values()
        .filter_map(|check| match &check.command {
            custos::config::Command::Program(words) if words[0].contains("check_disk") => words.last(),
            _ => None,
        })
        .map(|word| word.clone().into_bytes())
        .collect();
    let mut expected: Vec<Vec<u8>> = plain.clone();
    expected.extend(odd.map(<[u8]>::to_vec));
    expected.push(b"/".to_vec());
    means.sort();
    expected.sort();
    assert_eq!(means, expected);
    assert_eq!(page.matches(" is not checked: its name ").count(), 4, "{page}");
    assert!(page.chars().all(|c| c == '\n' || !c.is_control()), "{page:?}");
}

#[test]
fn nothing_is_written_without_a_yes_and_nothing_of_others_without_force() {
    let host = Host::debian();
    let output = host.init(&[]);
    assert_has(
        &text(&output.stderr),
        &["nothing is written, as there is no terminal to ask at; --yes writes "],
    );
    assert!(!host.output().exists());
    // Where the package's own file is, and where nothing is.
    for before in [Some(include_str!("../../packaging/etc/custos.yaml")), None] {
        match before {
            Some(text) => fs::write(host.output(), text).unwrap(),
            None => fs::remove_file(host.output()).unwrap(),
        }
        let output = host.init(&["--yes"]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        assert_eq!(fs::read(host.output()).unwrap(), output.stdout);
    }
    assert_has(&text(&host.init(&["--yes"]).stderr), &["says just this already"]);
    fs::write(host.output(), "checks: {}\n").unwrap();
    let refused = host.init(&["--yes"]);
    assert_eq!(refused.status.code(), Some(1));
    assert_has(&text(&refused.stderr), &["nothing is written: ", "--force replaces it"]);
    assert_eq!(fs::read_to_string(host.output()).unwrap(), "checks: {}\n");
    let forced = host.init(&["--yes", "--force"]);
    assert_eq!(forced.status.code(), Some(0), "{}", text(&forced.stderr));
    assert_eq!(fs::read(host.output()).unwrap(), forced.stdout);
    let kept = host.root().join("etc/custos/custos.yaml.old");
    assert_eq!(fs::read_to_string(kept).unwrap(), "checks: {}\n");
    let names: Vec<_> =
        fs::read_dir(host.root().join("etc/custos")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(!names.iter().any(|name| name.as_bytes().starts_with(b".")), "{names:?}");
}

#[test]
fn what_clashes_with_a_file_of_conf_d_is_not_written() {
    let host = Host::debian();
    host.file("etc/custos/conf.d/mine.yaml", "checks: { load: { command: /bin/true } }\n");
    let output = host.init(&["--yes"]);
    assert_eq!(output.status.code(), Some(1));
    assert_has(&text(&output.stderr), &["the check `load` is defined twice", "nothing is written"]);
    assert!(!host.output().exists());
}

#[test]
fn each_check_is_tried_once_if_wanted() {
    let stage = Stage::new();
    for (name, script) in [
        ("memory.sh", "echo 'MEMORY OK - fine | used_percent=99%'\n"),
        ("load.sh", "echo 'LOAD CRITICAL - high'; exit 2\n"),
        ("uptime.sh", "echo 'UPTIME OK - long'\n"),
    ] {
        stage.plugin(name, script);
    }
    let output = stage.path("custos.yaml");
    let tried = custos(&["init", "--try", "--plugins", &stage.shown("plugins"), "--output"])
        .arg(&output)
        .output()
        .unwrap();
    let said = text(&tried.stderr);
    assert_eq!(tried.status.code(), Some(0), "{said}");
    assert_has(
        &said,
        &["  OK        memory: MEMORY OK - fine", "  OK        uptime: UPTIME OK - long", " not OK, run as "],
    );
    assert!(!Path::new(&output).exists());
}

#[test]
fn at_a_terminal_it_asks() {
    let host = Host::debian();
    for (answer, written) in [("n\n", false), ("\n", false), ("y\n", true)] {
        let line = format!("{PROGRAM} init --root {}", host.root().display());
        let mut process = Command::new("script")
            .args(["-qec", &line, "/dev/null"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        process.stdin.take().unwrap().write_all(answer.as_bytes()).unwrap();
        let output = process.wait_with_output().unwrap();
        let said = text(&output.stdout);
        assert_has(
            &said,
            &["custos.yaml? (y/N) ", if written { "is written" } else { "nothing is written" }],
        );
        assert_eq!(host.output().exists(), written, "{said}");
    }
}
