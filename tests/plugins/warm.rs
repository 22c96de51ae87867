//! Plugins that are scripts, each run by a fork of a warm interpreter beside a process of its own: whatever can be seen of both is equal.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use custos_shim::{IoPriority, Limits, Outcome, Report, Spec, Warm};

use crate::bench::{Bench, text};
use crate::stage::{PATIENCE, as_root};

const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/plugins/scripts");

/// Puts a script of `scripts/` where its plugin is, as it is written but for its interpreter.
fn place(bench: &Bench, name: &str, at: &str) -> String {
    let python = std::env::var("CUSTOS_PYTHON").unwrap_or_else(|_| "/usr/bin/python3".to_owned());
    let text = std::fs::read_to_string(Path::new(SCRIPTS).join(name)).unwrap();
    plugin(
        bench,
        at,
        &text.replacen(
            "#!PYTHON",
            &format!("#!{}", Path::new(&python).with_file_name("python3").display()),
            1,
        ),
    )
}

/// A plugin of this text.
pub(crate) fn plugin(bench: &Bench, at: &str, text: &str) -> String {
    let path: PathBuf = bench.stage.path(at);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Runs it until it was warm: an interpreter is started with the first run, which is cold.
pub(crate) async fn run_warm(bench: &mut Bench, spec: &Spec) -> Report {
    run_until(bench, spec, true).await
}

/// Runs it until it was warm, or was not.
async fn run_until(bench: &mut Bench, spec: &Spec, warm: bool) -> Report {
    let ended = async {
        loop {
            let report = bench.run(Spec { warm: Warm::ALL, ..spec.clone() }).await;
            if report.warm == warm {
                return report;
            }
        }
    };
    tokio::time::timeout(PATIENCE, ended).await.expect("a run of that kind in time")
}

/// What stands for the beginning of perl's last words on a program that does not compile.
const ABORTED: &str = "Execution aborted";

/// What can be seen of a run.
fn seen(report: &Report) -> (Outcome, String, String, u64, u32) {
    // The one difference that is known: of a program in Perl that does not compile, the last line names the file that perl was started with.
    let stderr =
        String::from_utf8_lossy(&report.stderr).replace("Execution of /proc/self/fd/0 aborted", ABORTED);
    let stderr = match stderr.split_once("\nExecution of /") {
        Some((before, after)) if after.contains(" aborted due to ") => {
            format!("{before}\n{ABORTED}{}", after.split_once(" aborted").unwrap().1)
        }
        _ => stderr,
    };
    (
        report.outcome.clone(),
        unplaced(&text(report)),
        unplaced(&stderr),
        report.stdout_bytes,
        report.left_behind,
    )
}

/// A text without the addresses of things in memory.
fn unplaced(text: &str) -> String {
    let mut parts = text.split("0x");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        plain.push_str("0x");
        plain.push_str(part.trim_start_matches(|digit: char| digit.is_ascii_hexdigit()));
    }
    plain
}

/// Compares a run of each kind. Returns what was printed.
async fn compare(bench: &mut Bench, spec: &Spec) -> String {
    let cold = bench.run(spec.clone()).await;
    assert!(!cold.warm);
    // Whoever installs something meanwhile has the interpreter replaced.
    let warm = run_warm(bench, spec).await;
    let (cold, warm) = (seen(&cold), seen(&warm));
    for (cold, warm) in cold.1.lines().zip(warm.1.lines()) {
        assert_eq!(cold, warm, "{:?}", spec.argv);
    }
    assert_eq!(cold, warm, "{:?}", spec.argv);
    warm.1
}

/// All that a script prints of what it was given, under specs that differ in each respect.
async fn compare_facts(script: &str) {
    let mut bench = Bench::set();
    let program = place(&bench, script, "facts");
    let link = bench.stage.path("link");
    std::os::unix::fs::symlink(&program, &link).unwrap();
    let plain = |bench: &Bench, words: &[&str]| {
        let argv: Vec<&str> = [program.as_str()].into_iter().chain(words.iter().copied()).collect();
        Spec { stderr_max_bytes: 64 * 1024, ..bench.spec(&argv) }
    };
    let simple = plain(&bench, &[]);
    run_warm(&mut bench, &simple).await;
    let mut specs = vec![simple.clone(), plain(&bench, &["-w", "5", "", "a b", "ü\n", "--", "=x"])];
    specs.push(Spec { cwd: "/usr/share".into(), ..simple.clone() });
    specs.push(Spec { stdin: b"given\nto read".to_vec(), ..simple.clone() });
    specs.push(Spec { stdin: b"0123456789abcdef".repeat(10_000), ..simple.clone() });
    let mut env = simple.env.clone();
    env.extend([
        ("EMPTY".into(), "".into()),
        ("WITH=".into(), "a=b".into()),
        ("LINES".into(), "a\nb ü".into()),
    ]);
    specs.push(Spec { env, ..simple.clone() });
    let limits = Limits {
        address_space_bytes: Some(1 << 30),
        cpu_s: Some(7),
        processes: Some(5000),
        open_files: Some(100),
    };
    specs.push(Spec { limits, ..simple.clone() });
    specs.push(Spec { leave_background: true, ..simple.clone() });
    let linked = Spec { argv: vec![link.into()], ..simple.clone() };
    specs.push(linked);
    for spec in specs {
        assert!(!compare(&mut bench, &spec).await.is_empty());
    }
    // Those have an interpreter of their own.
    let mut env = simple.env.clone();
    env.retain(|(name, _)| name != "LC_ALL");
    env.extend([("LC_ALL".into(), "C.UTF-8".into()), ("TZ".into(), "Asia/Kolkata".into())]);
    let nice =
        Spec { nice: 3, io_priority: Some(IoPriority::Idle), no_new_privileges: true, ..simple.clone() };
    for spec in [Spec { env, ..simple.clone() }, nice] {
        run_warm(&mut bench, &spec).await;
        compare(&mut bench, &spec).await;
    }
}

#[tokio::test]
async fn a_python_plugin_is_given_the_same() {
    compare_facts("facts.py").await;
}

#[tokio::test]
async fn a_perl_plugin_is_given_the_same() {
    compare_facts("facts.pl").await;
}

/// Compares each of these command lines.
async fn compare_lines(bench: &mut Bench, program: &str, lines: &[&str]) {
    let spec = |bench: &Bench, line: &str| {
        let argv: Vec<String> =
            [program.to_owned()].into_iter().chain(shell_words::split(line).unwrap()).collect();
        let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
        Spec { stdin: b"one\ntwo\nthree\nfour\n".to_vec(), stderr_max_bytes: 64 * 1024, ..bench.spec(&argv) }
    };
    let first = spec(bench, lines[0]);
    run_warm(bench, &first).await;
    for line in lines {
        let spec = spec(bench, line);
        compare(bench, &spec).await;
    }
}

#[tokio::test]
async fn a_python_plugin_ends_as_it_would() {
    let mut bench = Bench::set();
    let program = place(&bench, "ends.py", "ends");
    let lines = [
        "falls",
        "file",
        "file-then",
        "status 0",
        "status 3",
        "status 256",
        "status -1",
        "status None",
        "status True",
        "status 2**70",
        "status \"'a text'\"",
        "status 2.5",
        "status \"b'x'\"",
        "raises \"ValueError('x')\"",
        "raises \"SystemExit(4)\"",
        "raises \"OSError(2, 'gone', '/x')\"",
        "raises \"SyntaxError('bad')\"",
        "raises \"BrokenPipeError()\"",
        "raises \"GeneratorExit\"",
        "nested",
        "chained",
        "hook",
        "bad-hook",
        "hook-exits",
        "atexit-raises",
        "atexit-exits",
        "at-once 5",
        "thread",
        "daemon",
        "thread-raises",
        "alarm",
        "alarm-kills",
        "signal 15",
        "signal 9",
        "signal 2",
        "signal 11",
        "signal 13",
        "interrupt",
        "abort",
        "closed",
        "closed-descriptor",
        "exec",
        "fork",
        "replaced",
        "nothing",
    ];
    compare_lines(&mut bench, &program, &lines).await;
    for broken in [
        "#!/usr/bin/python3\nif x\n",
        "#!/usr/bin/python3\n# coding: latin-1\nprint('\u{e9}')\n",
        "#!/usr/bin/python3\n",
        "#!/usr/bin/python3\n\tprint(1)\n",
        "#!/usr/bin/python3\nprint(1)\nreturn 3\n",
        "#!/usr/bin/python3\nprint('no end of line')",
    ] {
        let program = plugin(&bench, "broken", broken);
        compare_lines(&mut bench, &program, &[""]).await;
    }
}

#[tokio::test]
async fn a_perl_plugin_ends_as_it_would() {
    let mut bench = Bench::set();
    let program = place(&bench, "ends.pl", "ends");
    let own = format!("args {program} /no/such");
    let lines = [
        "falls",
        "exit 3",
        "exit 256",
        "exit -1",
        "end-status",
        "die",
        "die-line",
        "die-object x",
        "die-errno",
        "eval",
        "confess",
        "hook",
        "undef",
        "alarm",
        "alarm-kills",
        "signal 15",
        "signal 9",
        "signal 11",
        "handled",
        "ignored",
        "exec",
        "exec-fails",
        "system",
        "fork",
        "pipe",
        "posix",
        "closed",
        "dup",
        "file",
        "file-then",
        "stdin",
        "args",
        &own,
        "threads",
        "sort",
        "require",
        "top",
        "inc",
        "format",
        "local",
        "nothing",
    ];
    compare_lines(&mut bench, &program, &lines).await;
    for broken in [
        "#!/usr/bin/perl\nuse strict;\n$x = 1;\n",
        "#!/usr/bin/perl\nprint 1 +;\n",
        "#!/usr/bin/perl\n",
        "#!/usr/bin/perl\nreturn 3;\n",
        "#!/usr/bin/perl\nprint <<X;\nnever ends\n",
        "#!/usr/bin/perl -w\nmy $x = 'a' + 1; print 'no end of line', __LINE__",
        "#!/usr/bin/perl\n\n=pod\n\ntext\n\n=cut\n\nprint __LINE__, \"\\n\"; warn 'here'; print $x::y;\n",
        "#!/usr/bin/perl\n#line 7 \"other\"\nwarn 'elsewhere';\n",
    ] {
        let program = plugin(&bench, "broken", broken);
        compare_lines(&mut bench, &program, &[""]).await;
    }
}

#[tokio::test]
async fn a_python_plugin_works_as_it_would() {
    let mut bench = Bench::set();
    let program = place(&bench, "work.py", "work");
    let lines = ["", "-w 1", "--help", "-x", "-w", "-w x", "nonsense", "processes", "sockets", "libraries"];
    compare_lines(&mut bench, &program, &lines).await;
}

#[tokio::test]
async fn a_perl_plugin_that_is_a_module_too_works_as_it_would() {
    let mut bench = Bench::set();
    let program = place(&bench, "modulino.pl", "own dir/check_own");
    plugin(
        &bench,
        "own dir/lib/Own/Module.pm",
        "package Own::Module; sub says { join ' ', (caller(0))[3], __FILE__ =~ s{.*/lib}{}r } 1;\n",
    );
    let lines = ["", "-w 3 -v -v rest", "--warning=x", "--none", "--verbose -- -w 3"];
    compare_lines(&mut bench, &program, &lines).await;
    // What is beside it stands before what the interpreter has loaded.
    plugin(
        &bench,
        "own dir/lib/Getopt/Long.pm",
        "package Getopt::Long; our $OWN = 1; sub import { *main::GetOptions = sub { 1 } } 1;\n",
    );
    let spec = bench.spec(&[&program]);
    let printed = compare(&mut bench, &spec).await;
    assert!(printed.contains("Getopt::Long of its own"), "{printed}");
}

#[tokio::test]
async fn plugins_by_the_libraries_for_plugins_work_as_they_would() {
    let mut bench = Bench::set();
    let program = place(&bench, "monitoring.pl", "monitoring");
    let lines = [
        "-n 3",
        "-n 7",
        "-n 12 -w 1: -c @5:20",
        "",
        "-w 3",
        "--help",
        "--version",
        "--usage",
        "-n x",
        "--none",
        "-n 3 -t 5",
        "-n 3 -vvv",
        "-n 3 --extra-opts=a@/no/such",
    ];
    compare_lines(&mut bench, &program, &lines).await;
    let program = place(&bench, "nagiosplugin.py", "nagiosplugin");
    compare_lines(
        &mut bench,
        &program,
        &["3", "7", "12 -w 1: -c @5:20", "", "--help", "-- -1", "3 -v", "3 -vv", "3 -vvv", "x"],
    )
    .await;
}

#[tokio::test]
async fn a_python_plugin_imports_what_it_would() {
    let mut bench = Bench::set();
    let program = place(&bench, "imports.py", "own/imports");
    plugin(&bench, "own/beside.py", "import json\nJSON = json.__file__\n");
    plugin(&bench, "own/package/__init__.py", "");
    plugin(&bench, "own/package/inner.py", "from . import further\nVALUE = further.VALUE\n");
    plugin(&bench, "own/package/further.py", "VALUE = 7\n");
    compare_lines(&mut bench, &program, &[""]).await;
    // One that the plugin puts first, one of what an import needs, and one beside the plugin.
    for shadow in ["own/first/json.py", "own/first/gettext.py", "own/csv.py"] {
        plugin(&bench, shadow, "OWN = 'its own'\n__version__ = '1'\nngettext = gettext = _ = str\n");
        let spec = bench.spec(&[&program]);
        let printed = compare(&mut bench, &spec).await;
        assert!(shadow.ends_with("gettext.py") || printed.contains("its own"), "{printed}");
    }
}

#[tokio::test]
async fn nothing_of_one_run_is_left_to_the_next() {
    let mut bench = Bench::set();
    let python = "#!/usr/bin/python3\nimport atexit, json, os, random, signal, socket, sys, tempfile, uuid\n\
        print(getattr(json, 'touched', None), os.environ.get('TOUCHED'), os.getcwd(), os.umask(0o22), signal.getsignal(signal.SIGTERM))\n\
        print(sys.path[0], len(os.listdir('/proc/self/fd')), socket.getdefaulttimeout())\n\
        json.touched = 1; os.environ['TOUCHED'] = '1'; os.chdir('/usr'); os.umask(0o77); signal.signal(signal.SIGTERM, signal.SIG_IGN)\n\
        sys.path.insert(0, '/usr'); os.open('/', os.O_RDONLY); socket.setdefaulttimeout(3); os.nice(2); atexit.register(print, 'ends')\n\
        print(random.random(), uuid.uuid4(), next(tempfile._get_candidate_names()), os.urandom(4), file=sys.stderr)\n";
    let perl = "#!/usr/bin/perl\nuse POSIX; use File::Basename;\n\
        print $File::Basename::touched // 'untouched', ' ', $ENV{TOUCHED} // '', ' ', getcwd(), ' ', umask(022), ' ', $SIG{TERM} // '', \"\\n\";\n\
        print scalar(@INC), ' ', scalar(() = glob '/proc/self/fd/*'), \" $| $, \\n\";\n\
        $File::Basename::touched = 1; $ENV{TOUCHED} = 1; chdir '/usr'; umask 077; $SIG{TERM} = 'IGNORE'; unshift @{'main::IN' . 'C'}, '/usr';\n\
        open our $held, '<', '/'; POSIX::nice(2); print STDERR rand, ' ', rand, \"\\n\"; END { print \"ends\\n\" }\n";
    for (name, text) in [("check_python", python), ("check_perl", perl)] {
        let program = plugin(&bench, name, text);
        let spec = bench.spec(&[&program]);
        let first = run_warm(&mut bench, &spec).await;
        let second = bench.run(Spec { warm: Warm::ALL, ..spec.clone() }).await;
        let cold = bench.run(spec).await;
        assert!(second.warm && first.outcome == Outcome::Exited(0), "{first:?}");
        assert_eq!(text_of(&first), text_of(&second));
        assert_eq!(text_of(&first), text_of(&cold));
        // Numbers by chance are others each time.
        assert_ne!(first.stderr, second.stderr);
        assert!(!first.stderr.is_empty());
    }
}

fn text_of(report: &Report) -> String {
    text(report)
}

#[tokio::test]
async fn what_cannot_be_warm_is_cold() {
    let mut bench = Bench::set();
    let cold = [
        ("#!/bin/sh\necho x\n", vec![]),
        ("#!/usr/bin/perl -T\nprint 'x'\n", vec![]),
        ("#!/usr/bin/perl\nprint 'x'\n", vec![("PERL5OPT", "-w")]),
        ("#!/usr/bin/python3 -I\nprint('x')\n", vec![]),
        ("#!/usr/bin/python3\nprint('x')\n", vec![("PYTHONUNBUFFERED", "1")]),
    ];
    for (text, variables) in cold {
        let program = plugin(&bench, "cold", text);
        let mut spec = Spec { warm: Warm::ALL, ..bench.spec(&[&program]) };
        spec.env.extend(variables.into_iter().map(|(name, value)| (name.into(), value.into())));
        for _ in 0..3 {
            let report = bench.run(spec.clone()).await;
            assert_eq!((report.warm, report.outcome), (false, Outcome::Exited(0)), "{text}");
        }
    }
    // What fails before the plugin runs is said as it is said of a process.
    let program = plugin(&bench, "check", "#!/usr/bin/perl\nprint 'x'\n");
    let spec = bench.spec(&[&program]);
    run_warm(&mut bench, &spec).await;
    let nowhere = Spec { cwd: "/no/such".into(), ..spec.clone() };
    let cold = bench.run(nowhere.clone()).await;
    let warm = bench.run(Spec { warm: Warm::ALL, ..nowhere }).await;
    assert_eq!(seen(&cold), seen(&warm));
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o644)).unwrap();
    let cold = bench.run(spec.clone()).await;
    let warm = bench.run(Spec { warm: Warm::ALL, ..spec }).await;
    assert_eq!(seen(&cold), seen(&warm));
}

#[tokio::test]
async fn another_user_has_an_interpreter_of_its_own() {
    as_root();
    let mut bench = Bench::set();
    std::fs::set_permissions(bench.stage.root(), std::fs::Permissions::from_mode(0o755)).unwrap();
    for script in ["facts.pl", "facts.py"] {
        let program = place(&bench, script, "facts");
        let credentials = custos_shim::Credentials { uid: 64_101, gid: 64_102, groups: vec![64_103] };
        let spec = Spec { credentials: Some(credentials), ..bench.spec(&[&program]) };
        run_warm(&mut bench, &spec).await;
        let printed = compare(&mut bench, &spec).await;
        assert!(printed.contains("64101"), "{printed}");
        let own = bench.spec(&[&program]);
        run_warm(&mut bench, &own).await;
        compare(&mut bench, &own).await;
    }
}

#[tokio::test]
async fn an_interpreter_is_replaced_when_what_it_has_loaded_changes() {
    let mut bench = Bench::set();
    let program = plugin(
        &bench,
        "check",
        "#!/usr/bin/env python3\nimport os, sys\nprint(os.path.dirname(sys.executable), len(sys.path))\n",
    );
    let shim = bench.stage.path("bin/python3");
    std::fs::create_dir_all(shim.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink("/usr/bin/python3", &shim).unwrap();
    let path = format!("{}:/usr/bin:/bin", shim.parent().unwrap().display());
    let mut spec = bench.spec(&[&program]);
    spec.env[0] = ("PATH".into(), path.into());
    let before = run_warm(&mut bench, &spec).await;
    assert!(text(&before).starts_with(shim.parent().unwrap().to_str().unwrap()), "{before:?}");
    std::fs::remove_file(&shim).unwrap();
    std::fs::copy(std::fs::canonicalize("/usr/bin/python3").unwrap(), &shim).unwrap();
    // The look comes with a run, once in a while.
    run_until(&mut bench, &spec, false).await;
    let after = run_warm(&mut bench, &spec).await;
    let cold = bench.run(spec).await;
    assert_eq!(seen(&after), seen(&cold));
}

/// A plugin that would take longer than a test waits is ended as any other.
#[tokio::test]
async fn the_time_of_a_run_is_up_as_that_of_any_other() {
    let mut bench = Bench::set();
    for text in [
        "#!/usr/bin/perl\n$| = 1; print \"begins\\n\"; sleep 1000;\n",
        "#!/usr/bin/python3 -u\nimport time\nprint('begins')\ntime.sleep(1000)\n",
    ] {
        let program = plugin(&bench, "sleeps", text);
        let quick = plugin(&bench, "quick", &format!("{}\n", text.lines().next().unwrap()));
        let quick = bench.spec(&[&quick]);
        run_warm(&mut bench, &quick).await;
        let spec = Spec { warm: Warm::ALL, timeout: Duration::from_secs(3), ..bench.spec(&[&program]) };
        let report = bench.run(spec).await;
        assert_eq!((report.outcome, report.warm), (Outcome::TimedOut, true));
        assert_eq!(report.stdout, b"begins\n");
    }
    assert!(bench.processes().is_empty());
}
