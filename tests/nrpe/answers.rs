//! Items 13 to 27: what is answered, and where commands run.

use crate::reply::Answer;
use crate::server::Pair;
use crate::stage::{Stage, wait_for};

/// Commands by name, each answered alike by both daemons.
const ALIKE: &[(&str, &str)] = &[
    ("ok", "echo 'OK - fine | a=1;2;3;0;10'"),
    ("warning", "echo W; exit 1"),
    ("critical", "echo 'C | x=1s'; exit 2"),
    ("unknown", "echo U; exit 3"),
    ("rc4", "echo text; exit 4"),
    ("rc126", "echo text; exit 126"),
    ("rc127", "echo text; exit 127"),
    ("rc128", "echo text; exit 128"),
    ("rc255", "echo text; exit 255"),
    ("nl", "echo; exit 1"),
    ("nlnl", "echo; echo; exit 2"),
    ("nl3", "printf 'a\\n\\n\\n'"),
    ("nonl", "printf x"),
    ("multi", "printf 'a\\nb | x=1\\nc\\n'; exit 1"),
    ("crlf", "printf 'a\\r\\nb\\r\\n'"),
    ("bin", "printf '\\377\\376\\200'"),
    ("utf8", "printf 'äöü €\\n'"),
    ("lead", "printf '   x\\t '"),
    ("nul", "printf 'abc\\n\\000def\\n'"),
    ("both", "echo out; echo err >&2"),
    ("merged", "(echo out; echo err >&2) 2>&1"),
    ("s1022", "head -c 1022 /dev/zero | tr '\\0' x"),
    ("s1023", "head -c 1023 /dev/zero | tr '\\0' x"),
    ("s1024", "head -c 1024 /dev/zero | tr '\\0' x"),
    ("s2048", "head -c 2048 /dev/zero | tr '\\0' x"),
    ("s60000", "head -c 60000 /dev/zero | tr '\\0' x"),
    ("kill9", "sh -c 'echo so far; kill -9 $$$$'; exit"),
    ("shkill", "echo so far; kill -9 $$$$"),
    ("exkill", "exec sh -c 'echo so far; kill -9 $$$$'"),
    ("bgq", "(sleep 3 >/dev/null 2>&1 &); echo x"),
    ("shell", "echo a | tr a b; echo $((1+1))"),
    ("shvar", "x=1; echo $$x"),
    ("cwd", "pwd"),
    ("stdin", "wc -c"),
    ("id", "id"),
    ("umask", "umask"),
    ("env", "env | sort"),
    ("dollar", "echo '$$' '$$x' '$X$' '[$ARG1$]' '[$ARG0$]' '[$ARGx$]' '[$ARG17$]' '[$ARG1abc$]'"),
    ("dollarodd", "echo 'a $1 b'"),
    ("dollarend", "echo a$"),
    ("dup", "echo first"),
    ("dup", "echo second"),
    ("with space", "echo spaced"),
    ("dots.and-dashes", "echo dotted"),
];

fn config(commands: &[(&str, &str)]) -> String {
    commands.iter().map(|(name, line)| format!("command[{name}]={line}\n")).collect()
}

#[test]
fn commands_are_answered_alike() {
    let pair = Pair::start(&config(ALIKE), &["-n"]);
    for (name, _) in ALIKE {
        for options in [&["-n", "-c", name][..], &["-n", "-2", "-c", name]] {
            pair.same(name, |daemon| daemon.ask(options));
        }
    }
    for name in ["nosuch", "OK", " ok", "_nrpe_check"] {
        pair.same(name, |daemon| daemon.ask(&["-n", "-c", name]));
    }
    let version = pair.same("version", |daemon| daemon.ask(&["-n"]));
    assert_eq!((version.stdout.as_str(), version.code), ("NRPE v4.1.0\n", Some(0)));
}

/// Lines of plain words: Custos executes them without the shell that nrpe starts.
#[test]
fn plain_lines_are_answered_as_through_the_shell() {
    use std::os::unix::fs::PermissionsExt;

    let directory = Stage::writable_by_all();
    let script = |name: &str, mode: u32, content: &str| {
        let path = directory.path(name);
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path.into_os_string().into_string().unwrap()
    };
    let lines = [
        ("words".to_owned(), "/bin/echo a  'b  c' \"d e\" --f='x y' \"it's\" '' '$$HOME' 20%".to_owned()),
        ("stdin".to_owned(), "/usr/bin/wc -c".to_owned()),
        ("cwd".to_owned(), "/bin/pwd".to_owned()),
        ("code".to_owned(), "/bin/sh -c 'echo x; exit 2'".to_owned()),
        ("signal".to_owned(), "/bin/sh -c 'echo x; kill -9 $$$$'".to_owned()),
        ("arguments".to_owned(), "/bin/echo '[$ARG1$]' $ARG2$".to_owned()),
        (
            "script".to_owned(),
            script("script", 0o755, "#!/bin/sh\necho \"$0\" \"$#\" \"$1\"; exit 1\n") + " 'a b'",
        ),
        ("headless".to_owned(), script("headless", 0o755, "echo \"$0\" \"$#\" \"$1\"; exit 2\n") + " 'a b'"),
        ("interpreter".to_owned(), script("interpreter", 0o755, "#!/no/such/interpreter\n") + " 2>&1"),
        // An executable that neither the kernel nor dash takes: a program of another architecture looks like this.
        ("alien".to_owned(), script("alien", 0o755, "echo ran\0\n")),
        // What a shell starts leads no session, so it may begin one.
        ("setsid".to_owned(), "/usr/bin/setsid /bin/sh -c 'echo critical; exit 2'".to_owned()),
        ("group".to_owned(), "/usr/bin/perl -e 'setpgrp(0, 0) or exit 2; print 1 + 1; exit 1'".to_owned()),
        ("session".to_owned(), "/usr/bin/perl -MPOSIX -e 'setsid() > 0 or exit 2; print 1 + 1'".to_owned()),
        ("noexec".to_owned(), script("noexec", 0o644, "#!/bin/sh\necho x\n")),
        ("directory".to_owned(), directory.root().display().to_string()),
        ("missing".to_owned(), "/no/such/file -w 1".to_owned()),
    ];
    let lines: Vec<(&str, &str)> = lines.iter().map(|(name, line)| (name.as_str(), line.as_str())).collect();
    let pair = Pair::start(&config(&lines), &["-n"]);
    for (name, _) in &lines {
        let (real, custos) = pair.both(|daemon| daemon.ask(&["-n", "-c", name]));
        assert_eq!(real.code, custos.code, "{name}");
        let same = real.stdout == custos.stdout;
        let reasoned = real.stdout == "NRPE: Unable to read output\n"
            && custos.stdout.starts_with("NRPE: Unable to read output (exit code 12");
        assert!(same || reasoned, "{name}: {real:?} {custos:?}");
    }
    let pair = Pair::start(&config(&[("env", "/usr/bin/env")]), &["-n"]);
    pair.same("environment", |daemon| {
        let answer = daemon.ask(&["-n", "-c", "env"]);
        let mut variables: Vec<String> = answer.stdout.lines().map(str::to_owned).collect();
        variables.sort();
        variables
    });
}

#[test]
fn no_output_is_said_in_the_same_words_with_a_reason_behind() {
    let silent = [
        ("silent0", "true", "exit code 0"),
        ("silent2", "exit 2", "exit code 2"),
        ("err", "echo 'what went wrong' >&2; exit 2", "exit code 2: what went wrong"),
        ("missing", "/no/such/plugin", "exit code 127: sh: 1: /no/such/plugin: not found"),
        ("notexec", "/etc/passwd", "exit code 126: sh: 1: /etc/passwd: Permission denied"),
        ("nulfirst", "printf '\\000abc'", "exit code 0"),
        ("syntax", "echo 'unbalanced", "exit code 2"),
        ("killed", "kill -TERM $$$$", "killed by SIGTERM"),
    ];
    let commands: Vec<(&str, &str)> = silent.iter().map(|(name, line, _)| (*name, *line)).collect();
    let pair = Pair::start(&config(&commands), &["-n"]);
    for (name, _, reason) in silent {
        let (real, custos) = pair.both(|daemon| daemon.ask(&["-n", "-c", name]));
        let text = "NRPE: Unable to read output";
        let expected = Answer { stdout: format!("{text}\n"), stderr: String::new(), code: Some(3) };
        assert_eq!(real, expected, "{name}");
        assert_eq!(custos.code, Some(3));
        assert!(custos.stdout.starts_with(&format!("{text} ({reason}")), "{name}: {}", custos.stdout);
    }
}

#[test]
fn output_beyond_nrpes_limit_is_whole_up_to_64_kib_and_cut_between_words_beyond() {
    let commands = config(&[
        ("s65500", "head -c 65500 /dev/zero | tr '\\0' x"),
        ("s65535", "head -c 65535 /dev/zero | tr '\\0' x"),
        ("perfdata", "echo \"OK |$(seq -f ' label%g=1;2;3;4;5' 20000 | tr -d '\\n')\""),
    ]);
    let pair = Pair::start(&commands, &["-n"]);
    pair.same("65500 bytes", |daemon| daemon.ask(&["-n", "-c", "s65500"]));
    assert_eq!(pair.custos.ask(&["-n", "-c", "s65535"]).stdout.len(), 65_536);
    let cut = pair.custos.ask(&["-n", "-c", "perfdata"]).stdout;
    assert!(cut.len() > 65_000 && cut.ends_with("=1;2;3;4;5\n"), "{}", &cut[cut.len() - 40..]);
}

#[test]
fn commands_that_take_too_long_are_ended_with_everything_they_started() {
    let commands = config(&[
        ("sleep", "sleep 20"),
        ("partial", "echo part; sleep 20"),
        ("trap", "trap '' TERM; echo x; sleep 20; sleep 20"),
        ("child", "sleep 4321.5 | cat"),
    ]);
    let pair = Pair::start(&format!("command_timeout=1\n{commands}"), &["-n"]);
    for name in ["sleep", "partial", "trap", "child"] {
        let answer = pair.same(name, |daemon| daemon.ask(&["-n", "-c", name]));
        assert_eq!(answer.stdout, "NRPE: Command timed out after 1 seconds\n", "{name}");
        assert_eq!(answer.code, Some(3));
    }
    wait_for("the end of the command's children", || {
        let listed = std::process::Command::new("pgrep").args(["-fx", "sleep 4321.5"]).output().unwrap();
        listed.stdout.is_empty().then_some(())
    });
}

#[test]
fn nothing_of_the_daemon_is_open_in_a_command() {
    let pair = Pair::start(&config(&[("fds", "ls -l /proc/self/fd | grep -o '[0-9]* -> .*'")]), &["-n"]);
    let (real, custos) = pair.both(|daemon| daemon.ask(&["-n", "-c", "fds"]).stdout);
    assert!(real.contains("socket:"), "nrpe leaks the client's socket: {real}");
    assert!(!custos.contains("socket:"), "{custos}");
    // stdin, stdout, stderr, and the directory that ls itself reads.
    assert_eq!(custos.lines().count(), 4, "{custos}");
}

#[test]
fn environment_variables_are_kept_by_prefix() {
    let lines = "keep_env_vars=CARGO_PKG_NAM, CARGO_PKG_VERSION_M\ncommand[env]=env | sort\n";
    let pair = Pair::start(lines, &["-n"]);
    let env = pair.same("kept variables", |daemon| daemon.ask(&["-n", "-c", "env"]));
    assert!(env.stdout.contains("CARGO_PKG_NAME=custos\n"), "{}", env.stdout);
    assert!(env.stdout.contains("CARGO_PKG_VERSION_MAJOR="));
    assert!(!env.stdout.contains("CARGO_MANIFEST_DIR="));
}
