//! Items 34 to 41: `nrpe.cfg`.

use std::fs;
use std::process::Stdio;

use crate::reply::Answer;
use crate::server::{Pair, Which, write_config};
use crate::stage::{Stage, free_port, wait_for};

fn ask(pair: &Pair, name: &str) -> Answer {
    pair.same(name, |daemon| daemon.ask(&["-n", "-c", name]))
}

#[test]
fn lines_are_read_alike() {
    let lines = "\r\n  # comment\n\t command[tabbed]=echo tabbed \t\r\n#command[no]=echo no\n\
        command[hash]=echo a # b\ncommand[hash2]=echo 'a # b'\n\
        command[ x ]=echo blanks\ncommand[gap]  =echo gap\ncommand[late]= echo late\n\
        command[quoted]=\"echo\" quoted\n\u{feff}command[bom]=echo bom\nmy_command[loose]=echo loose\n\
        command[open=echo open\ncommand_prefix = echo\nCommand[case]=echo case\nunknown_option=1\n\
        command[twice]=echo 1\ncommand[twice]=echo 2\ncommand[eq]=echo a=b\n\
        \x0b\x0ccommand[feed]=echo feed\x0b\x0c\n";
    let pair = Pair::start(lines, &["-n"]);
    for name in [
        "tabbed", "no", "hash", "hash2", "x", " x ", "gap", "late", "quoted", "bom", "loose", "open", "case",
        "twice", "eq", "feed",
    ] {
        ask(&pair, name);
    }
    assert_eq!(ask(&pair, "twice").stdout, "2\n");
}

#[test]
fn a_prefix_is_before_every_command() {
    let pair = Pair::start("command[a]=one $ARG1$ | cat\ncommand_prefix=echo pre\n", &["-n"]);
    assert_eq!(ask(&pair, "a").stdout, "pre one\n");
    assert_eq!(ask(&pair, "_NRPE_CHECK").stdout, "NRPE v4.1.0\n");
}

#[test]
fn includes_are_read_alike() {
    let lines = "include=%d/one.cfg\ninclude_file=%d/two.cfg\ninclude=%d/missing.cfg\ninclude_dir=%d/dir/\n\
        include_dir=%d/none\ncommand[after]=echo after\n";
    let files = [
        ("one.cfg", "command[one]=echo one\nnonsense\ncommand[lost]=echo lost\n"),
        ("two.cfg", "command[two]=echo two\n"),
        ("dir/10.cfg", "command[order]=echo 10\n"),
        ("dir/9.cfg", "command[order]=echo 9\n"),
        ("dir/.dot.cfg", "command[dot]=echo dot\n"),
        ("dir/sub/a.cfg", "command[sub]=echo sub\ncommand[order]=echo sub\n"),
        ("dir/.hidden/a.cfg", "command[hidden]=echo hidden\n"),
        ("dir/a.conf", "command[conf]=echo conf\n"),
        ("dir/a.cfg~", "command[backup]=echo backup\n"),
        ("dir/.cfg", "command[bare]=echo bare\n"),
        ("linked", "command[linked]=echo linked\n"),
    ];
    let outside = Stage::writable_by_all();
    for (name, content) in files {
        let path = outside.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    std::os::unix::fs::symlink(outside.path("linked"), outside.path("dir/link.cfg")).unwrap();
    std::os::unix::fs::symlink("/no/such/file", outside.path("dir/broken.cfg")).unwrap();
    let pair = Pair::start(&lines.replace("%d", &outside.root().display().to_string()), &["-n"]);
    for name in
        ["one", "lost", "two", "after", "order", "dot", "sub", "hidden", "conf", "backup", "bare", "linked"]
    {
        ask(&pair, name);
    }
    assert_eq!(ask(&pair, "linked").stdout, "linked\n");
}

/// How a daemon ends that is started with this configuration, and whether it does at all.
fn start(which: Which, lines: &str) -> Option<i32> {
    let (directory, port) = (Stage::writable_by_all(), free_port());
    write_config(directory.root(), port, lines);
    let mut command = which.command(directory.root());
    command.args(["-n", "-f", "-c"]).arg(directory.path("nrpe.cfg"));
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let ended = wait_for("the start or the end", || {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status.code());
        }
        let log = fs::read_to_string(directory.path("log")).unwrap_or_default();
        log.contains("Listening for connections").then_some(None)
    });
    let _ = child.kill();
    let _ = child.wait();
    ended
}

#[test]
fn mistakes_end_the_start_alike() {
    for (lines, code) in [
        (";comment", Some(2)),
        ("no equals sign", Some(2)),
        ("allowed_hosts=", Some(2)),
        ("command[x]=", Some(2)),
        ("command[]=x", Some(2)),
        ("=x", Some(2)),
        ("server_port=1023", Some(2)),
        ("command_timeout=0", Some(2)),
        ("command_timeout=x", Some(2)),
        ("connection_timeout=0", Some(2)),
        ("listen_queue_size=0", Some(2)),
        ("ssl_version=SSLv2+", Some(2)),
        ("ssl_version=TLSv9", Some(2)),
        ("ssl_use_adh=3", Some(2)),
        ("ssl_client_certs=3", Some(2)),
        ("ssl_shutdown_timeout=0", Some(2)),
        ("max_commands=-1", None),
        ("log_facility=nonsense", None),
        ("log_facility=local3", None),
        ("connection_timeout=5:WARNING", None),
        ("allow_weak_random_seed=1", None),
        ("disable_syslog=1", None),
        ("nonsense=1", None),
        ("include=/no/such/file", None),
        ("ssl_version=TLSv1.2+", None),
        ("ssl_logging=junk", None),
        ("server_address=127.0.0.1", None),
        ("server_address=127.0.0.1,127.0.0.2", Some(1)),
        ("server_address=192.0.2.1", Some(1)),
        ("server_address=no-such-host.invalid", Some(1)),
        ("server_address=*", None),
        ("=max_commands=1", None),
        ("==command[x]=y", None),
        ("=", Some(2)),
        ("command_timeout=4294967301", None),
        ("command_timeout=99999999999", None),
        ("command_timeout=-1", Some(2)),
        ("listen_queue_size=-1", None),
        ("listen_queue_size=x", Some(2)),
        ("ssl_use_adh=junk", None),
        ("ssl_use_adh=2x", None),
        ("ssl_client_certs=0x1", None),
        ("ssl_client_certs=1", None),
        ("ssl_version= TLSv1.2", Some(2)),
        ("server_port=-5", Some(2)),
        ("server_port=0x1700", Some(2)),
    ] {
        assert_eq!(start(Which::Real, lines), code, "nrpe: {lines}");
        assert_eq!(start(Which::Custos, lines), code, "custos: {lines}");
    }
}

#[test]
fn long_lines_and_files_that_include_themselves_are_no_harm() {
    let line = format!("allowed_hosts={}127.0.0.1", "192.0.2.1,".repeat(500));
    assert_eq!(start(Which::Custos, &line), None);
    assert_eq!(start(Which::Custos, "include=%d/nrpe.cfg"), None);
}

#[test]
fn debians_own_file_is_taken_as_it_is() {
    let content = fs::read_to_string("/etc/nagios/nrpe.cfg").unwrap();
    // Only what would collide with other tests is left out.
    let kept = |line: &&str| {
        !["server_port", "pid_file", "nrpe_user", "nrpe_group"].iter().any(|key| line.starts_with(key))
    };
    let lines: Vec<&str> = content.lines().filter(kept).collect();
    let pair = Pair::start(&lines.join("\n"), &[]);
    assert_eq!(pair.same("version", |daemon| daemon.ask(&[])).stdout, "NRPE v4.1.0\n");
    pair.same("check_users", |daemon| daemon.ask(&["-c", "check_users"]));
    pair.same("no such disk", |daemon| daemon.ask(&["-c", "check_hda1"]));
}
