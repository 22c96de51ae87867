//! The plugins of Debian beside what stands in for them, over the same machine: text, performance data and exit code are the same to the
//! byte.
//!
//! The machine is staged in namespaces of its own, for which the test starts itself once more: files of `/proc` and `utmp` bound
//! over, file systems of known sizes, processes of known kinds. With `CUSTOS_COMPARE=all`, as `scripts/compare-plugins` has it, every
//! combination of options is tried, else every so many'th.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::ffi::OsString;
use std::io::Write as _;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use custos_native::{Flavour, Live, plan};
use nix::mount::{MsFlags, mount};

/// Where Debian has the plugins.
const PLUGINS: &str = "/usr/lib/nagios/plugins";
/// Set where the test runs once more, in the namespaces.
const INSIDE: &str = "CUSTOS_COMPARE_INSIDE";
/// Of how many cases one is tried where not all are.
const SAMPLE: usize = 7;

fn now_s() -> i64 {
    nix::time::clock_gettime(nix::time::ClockId::CLOCK_REALTIME).unwrap().tv_sec()
}

/// Runs a test in namespaces of its own, of mounts and perhaps of processes.
fn inside(test: &str, options: &[&str], stage: impl FnOnce()) {
    if std::env::var_os(INSIDE).is_some() {
        return stage();
    }
    let done = Command::new("unshare")
        .args(["--mount", "--propagation", "private"])
        .args(options)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(INSIDE, "yes")
        .stdin(Stdio::null())
        .status()
        .expect("unshare runs, as root");
    assert!(done.success(), "{test} inside: {done}");
}

fn bind(file: &Path, over: &str) {
    mount(Some(file), over, None::<&str>, MsFlags::MS_BIND, None::<&str>).unwrap();
}

/// What was compared, and what was not the same.
#[derive(Default)]
struct Compared {
    cases: usize,
    native: usize,
    different: Vec<String>,
}

impl Compared {
    /// Compares a plugin and what stands in for it with these options, and says whether there is something that does.
    fn compare(&mut self, plugin: &str, words: &[String]) -> bool {
        let arguments: Vec<OsString> = words.iter().map(OsString::from).collect();
        self.cases += 1;
        let live = Live { parent: Some(std::process::id() as i32), now_s: Some(now_s) };
        let Ok(plan) = plan(plugin, &arguments, Flavour::V2_3) else { return false };
        // What moves, as a file system that others write to does, is read before and after.
        let Ok(before) = plan.run(&live) else { return false };
        self.native += 1;
        let theirs = Command::new(format!("{PLUGINS}/{plugin}"))
            .args(words)
            .env("LC_ALL", "C")
            .output()
            .expect("the plugin runs");
        let theirs_code = theirs.status.code().unwrap_or_else(|| 128 + theirs.status.signal().unwrap_or(0));
        let said = (theirs_code, &theirs.stdout);
        let after = plan.run(&live);
        let ours = [Some(&before), after.as_ref().ok()].into_iter().flatten();
        if ours.clone().all(|ours| (i32::from(ours.exit), &ours.stdout) != said)
            && after.as_ref() == Ok(&before)
        {
            self.different.push(format!(
                "{plugin} {}\n  plugin {theirs_code} {}  ours   {} {}",
                words.join(" "),
                String::from_utf8_lossy(&theirs.stdout),
                before.exit,
                String::from_utf8_lossy(&before.stdout)
            ));
        }
        true
    }

    fn all(&mut self, plugin: &str, lines: impl Iterator<Item = String>) {
        let every = if std::env::var_os("CUSTOS_COMPARE").is_some() { 1 } else { SAMPLE };
        for line in lines.step_by(every) {
            let words: Vec<String> =
                line.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect();
            self.compare(plugin, &words);
        }
    }

    /// Panics with what was different.
    fn end(self, native_min: usize) {
        eprintln!("{} cases, {} of them without a process", self.cases, self.native);
        let shown = self.different.iter().take(20).cloned().collect::<Vec<_>>().join("\n");
        assert!(self.different.is_empty(), "{} are different:\n{shown}", self.different.len());
        assert!(self.native >= native_min, "only {} of {} cases were compared", self.native, self.cases);
    }
}

/// Every combination of one of each list, with blanks between.
fn combined(lists: &[&[&str]]) -> impl Iterator<Item = String> {
    let mut lines = vec![String::new()];
    for list in lists {
        let with = |line: &String| list.iter().map(move |word| format!("{line} {word}")).collect::<Vec<_>>();
        lines = lines.iter().flat_map(with).collect();
    }
    lines.into_iter()
}

#[test]
fn loads() {
    inside("loads", &[], || {
        let stage = tempfile::tempdir().unwrap();
        let file = stage.path().join("loadavg");
        std::fs::write(&file, "0.00 0.00 0.00 1/100 1\n").unwrap();
        bind(&file, "/proc/loadavg");
        let mut compared = Compared::default();
        for text in
            ["0.00 0.00 0.00", "1.00 2.00 3.00", "12.34 5.67 0.05", "4.00 4.00 4.00", "250.10 199.99 1000.00"]
        {
            std::fs::write(&file, format!("{text} 1/100 4711\n")).unwrap();
            let warnings = [
                "",
                "-w 1",
                "-w 4,4,4",
                "--warning=5,4,3",
                "-w 0.5,12",
                "-w10",
                "-w 2.345",
                "-w -1",
                "-w a",
                "-w 0",
            ];
            let criticals = [
                "",
                "-c 2",
                "-c 4,4,4",
                "--critical 10,8,6",
                "-c 1000",
                "-c 12.34,5.67,0.05",
                "-c 5;4;3",
                "-c 0",
            ];
            let others = ["", "-r", "--percpu", "-n 0", "-v"];
            compared.all("check_load", combined(&[&warnings, &criticals, &others]));
        }
        compared.end(40);
    });
}

#[test]
fn swaps() {
    inside("swaps", &[], || {
        let stage = tempfile::tempdir().unwrap();
        let file = stage.path().join("meminfo");
        std::fs::write(&file, "").unwrap();
        bind(&file, "/proc/meminfo");
        let mut compared = Compared::default();
        for (total, free, cached) in [
            (0, 0, 0),
            (1_048_572, 1_048_572, 0),
            (1_048_572, 0, 0),
            (999_999, 123_456, 7890),
            (4_194_300, 209_715, 1023),
            (67_108_860, 33_554_430, 5),
            (500, 400, 0),
        ] {
            let text = format!(
                "MemTotal:       16309348 kB\nMemFree:         5224380 kB\nSwapCached: {cached} kB\nActive: 5 kB\nSwapTotal: \
                 {total} kB\nSwapFree: {free} kB\nZswap: 0 kB\n"
            );
            std::fs::write(&file, text).unwrap();
            let warnings = [
                "",
                "-w 50%",
                "-w 100%",
                "--warning=5%",
                "-w 0%",
                "-w 1000000",
                "-w 524288000",
                "-w 101%",
                "-w 1M",
                "-w 0",
            ];
            let criticals =
                ["", "-c 10%", "-c 5%", "-c 1024", "--critical 214748160", "-c 99%", "-c -1", "-c 0"];
            let others = ["", "-a", "-n ok", "--no-swap=warning", "-n 3", "-n CRITICAL", "-n maybe", "-v"];
            compared.all("check_swap", combined(&[&warnings, &criticals, &others]));
        }
        compared.end(200);
    });
}

#[test]
fn users() {
    inside("users", &[], || {
        let stage = tempfile::tempdir().unwrap();
        let file = stage.path().join("utmp");
        std::fs::write(&file, "").unwrap();
        if !Path::new("/run/utmp").exists() {
            mount(Some("none"), "/run", Some("tmpfs"), MsFlags::empty(), None::<&str>).unwrap();
            std::fs::write("/run/utmp", "").unwrap();
        }
        bind(&file, "/run/utmp");
        let mut compared = Compared::default();
        for kinds in [&[][..], &[7], &[2, 1, 7, 6, 7, 8, 7], &[7; 25], &[8, 8]] {
            let mut utmp = Vec::new();
            for kind in kinds {
                let mut entry = [0_u8; 384];
                entry[0] = *kind;
                entry[44..48].copy_from_slice(b"root");
                utmp.extend(entry);
            }
            std::fs::write(&file, utmp).unwrap();
            let warnings = [
                "", "-w 1", "-w 5", "-w 0", "-w 1:", "-w ~:3", "-w @1:3", "-w 10:5", "-w 2:20", "-w 1.5",
                "-w :5", "-w x",
            ];
            let criticals = ["", "-c 2", "--critical=10", "-c @0:0", "-c 0:2", "-c 24"];
            compared.all("check_users", combined(&[&warnings, &criticals]));
        }
        compared.end(30);
    });
}

#[test]
fn disks() {
    inside("disks", &[], || {
        let stage = tempfile::tempdir().unwrap();
        mount(Some("stage"), stage.path(), Some("tmpfs"), MsFlags::empty(), Some("size=50m")).unwrap();
        let place = |name: &str| {
            let place = stage.path().join(name);
            std::fs::create_dir_all(&place).unwrap();
            place
        };
        let tmpfs = |name: &str, options: &str| {
            mount(Some(name), &place(name), Some("tmpfs"), MsFlags::empty(), Some(options)).unwrap();
            place(name)
        };
        // Nothing else is there, so that what is compared stands still.
        let some = tmpfs("some", "size=10m,nr_inodes=1000");
        std::fs::write(some.join("file"), vec![0; 3 << 20]).unwrap();
        let blank = tmpfs("with blank", "size=20m,nr_inodes=50");
        let full = tmpfs("full", "size=1m");
        let _ = std::fs::File::create(full.join("file")).unwrap().write_all(&vec![0; 2 << 20]);
        let endless = tmpfs("endless", "size=3g,nr_inodes=0");
        let over = place("some/over");
        mount(Some("over"), &over, Some("tmpfs"), MsFlags::empty(), Some("size=5m")).unwrap();
        let twice = place("twice");
        bind(&some, twice.to_str().unwrap());
        bind(&endless, twice.to_str().unwrap());
        let paths = [
            &some,
            &full,
            &endless,
            &over,
            &twice,
            &some.join("file"),
            &stage.path().join("nothing"),
            &stage.path().to_path_buf(),
        ];
        let mut shown: Vec<String> = paths.iter().map(|path| format!("-p {}", path.display())).collect();
        shown.extend([
            format!("-p {} -p {}", some.display(), full.display()),
            format!("-p {} -w 1 -c 1 -p {} -c 99% -p {}", some.display(), full.display(), some.display()),
            "-p over".to_owned(),
            "-p /proc".to_owned(),
            format!("-x {} -X ext4 -X overlay", full.display()),
            format!("-N tmpfs -x {}", stage.path().display()),
            "-N proc".to_owned(),
        ]);
        let shown: Vec<&str> = shown.iter().map(String::as_str).collect();
        let limits = [
            "-w 50% -c 10%",
            "-w 5 -c 1",
            "-w 20% -c 1",
            "-w 5% -c 5% -W 90% -K 20%",
            "-w 10: -c @0:7",
            "-W 20 -K 10",
            "-w 100% -c 100%",
            "-c 3",
            "-w 69% -c 30",
            "-w 70% -c 31%",
        ];
        let others = [
            "", "-e", "-u kB", "-u GB", "-u bytes", "-u MiB", "-k", "-m", "-M", "-P", "-l", "-f -P", "-E",
            "-u XB", "-M -e -P", "-t 5", "-E -k -l",
        ];
        let mut compared = Compared::default();
        compared.all("check_disk", combined(&[&others, &limits, &shown]));
        for words in [
            vec!["-w", "50%", "-c", "10%", "-p", blank.to_str().unwrap()],
            vec!["-w", "50%", "-c", "10%", "-P", "-p", blank.to_str().unwrap(), "-K", "10"],
        ] {
            assert!(
                compared.compare("check_disk", &words.into_iter().map(str::to_owned).collect::<Vec<_>>())
            );
        }
        compared.end(200);
    });
}

#[test]
fn ages_of_files() {
    inside("ages_of_files", &[], || {
        let stage = tempfile::tempdir().unwrap();
        let place = |name: &str| stage.path().join(name);
        for (name, bytes, ago_s) in
            [("new", 0, 0), ("small", 100, 239), ("old", 5000, 100_000), ("coming", 7, -3600)]
        {
            let file = std::fs::File::create(place(name)).unwrap();
            file.set_len(bytes).unwrap();
            let changed_s = u64::try_from(now_s() - ago_s).unwrap();
            file.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(changed_s)).unwrap();
        }
        std::os::unix::fs::symlink("old", place("link")).unwrap();
        std::os::unix::fs::symlink("nowhere", place("dangling")).unwrap();
        let files: Vec<String> = ["new", "small", "old", "coming", "link", "dangling", "gone", "."]
            .iter()
            .flat_map(|name| [format!("-f {}", place(name).display()), place(name).display().to_string()])
            .collect();
        let files: Vec<&str> = files.iter().map(String::as_str).chain(["", "-f relative"]).collect();
        let warnings = [
            "",
            "-w 10",
            "-w 0",
            "-w0100",
            "--warning-age=1000",
            "--warning-a 5",
            "-w 1:5",
            "-w -1",
            "--WARNING-AGE=7",
        ];
        let criticals = ["", "-c 3600", "-c 0", "--critical-age 1000000", "-c x"];
        let sizes = [
            "",
            "-W 50 -C 10",
            "-C 10000",
            "-W 0 -C 00",
            "--warning-size=101",
            "-W 1K",
            "-i",
            "--ignore-missing -W 5",
        ];
        let mut compared = Compared::default();
        compared.all("check_file_age", combined(&[&files, &warnings, &criticals, &sizes]));
        compared.end(100);
    });
}

/// Processes of known kinds, which end with this.
struct Staged(Vec<Child>);

impl Staged {
    fn start(stage: &Path) -> Staged {
        let sleep = |name: &str| {
            let mut command = Command::new("/bin/sleep");
            command.arg("1000").stdin(Stdio::null());
            command.arg0(name);
            command
        };
        let mut all = vec![
            sleep("sleep").spawn().unwrap(),
            sleep("/usr/sbin/a daemon: with \u{e9} and\ttab").spawn().unwrap(),
            sleep("nobody's").uid(65534).gid(65534).spawn().unwrap(),
            sleep("").process_group(0).spawn().unwrap(),
        ];
        // Names of its own: with a blank, with a slash cannot be, and one that is cut off.
        for name in ["Web Content", "a-very-long-name-of-a-program", "p\u{f6}", "check_procs"] {
            let program = stage.join(name);
            std::fs::copy("/bin/sleep", &program).unwrap();
            all.push(Command::new(&program).arg("1000").spawn().unwrap());
        }
        let mut nice = Command::new("nice");
        nice.args(["-n", "5", "setsid", "sleep", "1000"]);
        all.push(nice.spawn().unwrap());
        // Zombies: nobody waits for them before the end.
        all.push(Command::new("/bin/true").spawn().unwrap());
        all.push(Command::new("sh").args(["-c", "exit 3"]).spawn().unwrap());
        let staged = Staged(all);
        staged.settle();
        staged
    }

    /// Waits until each is what it is to be.
    fn settle(&self) {
        let state = |pid: u32| {
            let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
            text.rsplit(") ").next().unwrap().chars().next().unwrap()
        };
        let name = |pid: u32| std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap();
        let (sleeping, ended) = self.0.split_at(self.0.len() - 2);
        let is_settled = || {
            sleeping.iter().all(|child| state(child.id()) == 'S' && !name(child.id()).contains("nice"))
                && ended.iter().all(|child| state(child.id()) == 'Z')
        };
        while !is_settled() {
            std::thread::yield_now();
        }
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[test]
fn processes() {
    inside("processes", &["--pid", "--fork", "--mount-proc"], || {
        let stage = tempfile::tempdir().unwrap();
        let staged = Staged::start(stage.path());
        let own = std::process::id();
        let ranges = [
            "",
            "-w 5 -c 10",
            "-w 1: -c 1:",
            "-c 0",
            "-w @3:5",
            "-w ~:2 -c 20:30",
            "--warning=14 --critical 15",
            "-w 20:10",
        ];
        let filters = [
            "",
            "-s Z",
            "-s S",
            "-s Ss",
            "-s N",
            "-s SN",
            "-s ZR",
            "-s l",
            "-s R",
            "-s L",
            "-C sleep",
            "-C Web",
            "-C ps",
            "-C check_procs",
            "-C a-very-long-nam",
            "-C a-very-long-name-of-a-program",
            "-C p??",
            "-a 1000",
            "-a sleep",
            "-a Content",
            "-a daemon:",
            "-a defunct",
            "-a [true]",
            "-a axwwo",
            "-a e?",
            "-a nothing-like-it",
            "-u root",
            "-u 65534",
            "-u nobody",
            "-u nobody-at-all",
            "-k",
            "-T",
            "-k -s S",
            "-C sleep -a 1000 -u 0",
            "-u root -s S",
            "-m PROCS",
            "-m VSZ",
            "-t 5",
            "-t x",
            "-v",
            "--argument-array=1000 --command=sleep",
            "Z",
        ];
        let parents =
            [String::new(), format!("-p {own}"), "-p 0".to_owned(), "-p 1".to_owned(), "-p 4711".to_owned()];
        let parents: Vec<&str> = parents.iter().map(String::as_str).collect();
        let mut compared = Compared::default();
        compared.all("check_procs", combined(&[&ranges, &filters, &parents]));
        drop(staged);
        compared.end(150);
    });
}
