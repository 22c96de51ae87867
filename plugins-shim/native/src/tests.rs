//! Scenes of plugins over a machine that is made up.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::sync::Arc;

use crate::scan::{Process, Scan, Wants};
use crate::system::{FileFacts, FileSystemUsage, System};
use crate::{Flavour, Needs, NotNative, plan};

#[derive(Default)]
struct Staged {
    files: BTreeMap<&'static str, Vec<u8>>,
    usages: BTreeMap<&'static str, FileSystemUsage>,
    processes: Vec<Process>,
}

impl System for Staged {
    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        self.files.get(path).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn processors(&self) -> u64 {
        2
    }

    fn reach(&self, path: &OsStr) -> io::Result<()> {
        if path == "/gone" { Err(io::Error::from_raw_os_error(2)) } else { Ok(()) }
    }

    fn file(&self, path: &OsStr) -> io::Result<FileFacts> {
        match path.to_str() {
            Some("/old") => Ok(FileFacts { age_s: 601, bytes: 5 }),
            Some("/silent") => Err(io::ErrorKind::TimedOut.into()),
            _ => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn usage(&self, mount_point: &OsStr) -> io::Result<FileSystemUsage> {
        self.usages
            .get(mount_point.to_str().unwrap())
            .copied()
            .ok_or_else(|| io::ErrorKind::PermissionDenied.into())
    }

    fn processes(&self, wants: Wants) -> io::Result<Arc<Scan>> {
        Ok(Arc::new(Scan { processes: self.processes.clone(), wants }))
    }

    fn user(&self, by: &str) -> Option<(u32, String)> {
        ["0", "root"].contains(&by).then(|| (0, "root".to_owned()))
    }

    fn own_uid(&self) -> u32 {
        110
    }

    fn own_nice(&self) -> i32 {
        0
    }
}

fn words(line: &str) -> Vec<OsString> {
    line.split(' ').filter(|word| !word.is_empty()).map(OsString::from).collect()
}

fn says(system: &Staged, line: &str) -> String {
    let (name, rest) = line.split_once(' ').unwrap_or((line, ""));
    let printed = plan(name, &words(rest), Flavour::V2_3).unwrap().run(system).unwrap();
    format!("{} {}", printed.exit, String::from_utf8(printed.stdout).unwrap())
}

#[test]
fn what_is_not_exactly_known_is_left_to_the_plugin() {
    for line in [
        "check_load",
        "check_load -w 5,4,3 -c 4",
        "check_load -w 5;4 -c 9",
        "check_load -w 1 -c 2 -n 3",
        "check_load --extra-opts",
        "check_swap -w 10% -c 20%",
        "check_swap -w 10%",
        "check_swap -w 101% -c 5%",
        "check_users -w 5",
        "check_users 5 10",
        "check_users -w 5 -c 10 -v",
        "check_procs -w 10 -c 20 Z",
        "check_procs -m VSZ -w 5",
        "check_procs -s L",
        "check_procs --ereg-argument-array=x",
        "check_procs -w 20:10",
        "check_disk -p /",
        "check_disk -w 10% -c 5% -p var",
        "check_disk -w 10%5 -c 5%",
        "check_disk -w 10% -c 5% -A",
        "check_disk -w 10% -p / -E",
        "check_own -H x",
    ] {
        let (name, rest) = line.split_once(' ').unwrap_or((line, ""));
        let found = plan(name, &words(rest), Flavour::V2_3);
        // What -w alone means to check_swap is known, as what is critical is nothing then.
        let is_known = line == "check_swap -w 10%";
        assert_eq!(found.is_ok(), is_known, "{line}: {found:?}");
    }
}

#[test]
fn loads_are_compared_with_what_is_given_for_each() {
    let files = BTreeMap::from([("/proc/loadavg", b"3.10 2.00 1.05 2/300 4711\n".to_vec())]);
    let system = Staged { files, ..Staged::default() };
    assert_eq!(
        says(&system, "check_load -w 3,2,1 -c 4"),
        "1 LOAD WARNING - total load average: 3.10, 2.00, 1.05|load1=3.100;3.000;4.000;0; load5=2.000;2.000;4.000;0; \
         load15=1.050;1.000;4.000;0; \n"
    );
    assert_eq!(
        says(&system, "check_load -r -w1.6 -c 2"),
        "0 LOAD OK - scaled load average: 1.55, 1.00, 0.53 - total load average: 3.10, 2.00, 1.05|load1=3.100;;;0; \
         scaled_load1=1.550;1.600;2.000;0; load5=2.000;;;0; scaled_load5=1.000;1.600;2.000;0; load15=1.050;;;0; \
         scaled_load15=0.525;1.600;2.000;0; \n"
    );
}

#[test]
fn swap_is_counted_in_whole_mebibytes() {
    let meminfo = |text: &str| Staged {
        files: BTreeMap::from([("/proc/meminfo", text.as_bytes().to_vec())]),
        ..Staged::default()
    };
    let some = meminfo("MemTotal: 9 kB\nSwapCached:  2047 kB\nSwapTotal: 1048575 kB\nSwapFree: 524288 kB\n");
    assert_eq!(
        says(&some, "check_swap -w 50% -c 10%"),
        "0 SWAP OK - 51% free (513MB out of 1023MB) |swap=537919488B;536346600;107269320;0;1072693248\n"
    );
    assert!(says(&some, "check_swap -w 600000000 -c 10%").starts_with("1 SWAP WARNING"));
    let none = meminfo("SwapTotal: 0 kB\nSwapFree: 0 kB\n");
    assert_eq!(
        says(&none, "check_swap -w 50% -c 10% -n warning"),
        "1 SWAP WARNING - 0% free (0MB out of 0MB) - Swap is either disabled, not present, or of zero size. \
         |swap=0B;0;0;0;0\n"
    );
}

#[test]
fn processes_are_counted_as_ps_shows_them() {
    let process = |pid: i32, parent: i32, name: &str, arguments: &str| Process {
        pid,
        parent,
        state: b'S',
        name: name.into(),
        arguments: arguments.replace(' ', "\0").into_bytes(),
        user: Some(0),
        ..Process::default()
    };
    let mut zombie = process(9, 1, "sh", "");
    zombie.state = b'Z';
    let system = Staged {
        processes: vec![
            process(1, 0, "init", "/sbin/init "),
            process(2, 0, "kthreadd", ""),
            process(3, 2, "kworker/0:1-ev", ""),
            process(8, 1, "Web Content", "/usr/bin/web -x "),
            zombie,
        ],
        ..Staged::default()
    };
    // `ps` itself is one of them.
    assert_eq!(says(&system, "check_procs -w 5 -c 10"), "1 PROCS WARNING: 6 processes | procs=6;5;10;0;\n");
    assert_eq!(says(&system, "check_procs"), "0 PROCS OK: 6 processes | procs=6;;;0;\n");
    assert_eq!(
        says(&system, "check_procs -c 1: -C ps"),
        "0 PROCS OK: 1 process with command name 'ps' | procs=1;;1:;0;\n"
    );
    assert_eq!(
        says(&system, "check_procs -s Z -u root -c 0"),
        "2 PROCS CRITICAL: 1 process with STATE = Z, UID = 0 (root) | procs=1;;0;0;\n"
    );
    let count =
        |filter: &str| says(&system, &format!("check_procs {filter}")).split(' ').nth(3).unwrap().to_owned();
    assert_eq!(count("-C Web"), "1");
    assert_eq!(count("-C 0:1-ev"), "1");
    assert_eq!(count("-a Content"), "1");
    assert_eq!(count("-a defunct"), "1");
    assert_eq!(count("-a [kworker/0:1"), "1");
    assert_eq!(count("-p 1"), "2");
    // The first process of all is taken for a thread of the kernel.
    assert_eq!(count("-k"), "4");
}

#[test]
fn file_systems_are_judged_by_what_is_free() {
    let usage = |free| FileSystemUsage {
        block_size: 4096,
        blocks: 25_600,
        blocks_free: free,
        blocks_available: free,
        files: 1000,
        files_free: 990,
        files_available: 990,
    };
    let mounts = "/dev/sda1 / ext4 rw 0 0\nproc /proc proc rw 0 0\n/dev/sdb1 /var\\040x ext4 rw 0 0\n\
                  server:/x /mnt nfs rw 0 0\n";
    let system = Staged {
        files: BTreeMap::from([("/proc/self/mounts", mounts.as_bytes().to_vec())]),
        usages: BTreeMap::from([("/", usage(12_800)), ("/var x", usage(1000)), ("/mnt", usage(20_000))]),
        ..Staged::default()
    };
    assert_eq!(
        says(&system, "check_disk -w 20% -c 10% -p /home"),
        "0 DISK OK - free space: / 50MiB (50% inode=99%);| /=52428800B;83886080;94371840;0;104857600\n"
    );
    let all = says(&system, "check_disk -w 10 -c 5% -e -l");
    assert_eq!(
        all,
        "2 DISK CRITICAL - free space: /var x 3MiB (3% inode=99%);| /=52428800B;94371840;99614720;0;104857600 \
         '/var x'=100663296B;94371840;99614720;0;104857600\n"
    );
    assert_eq!(says(&system, "check_disk -w 20% -c 10% -E -p /home"), "2 DISK CRITICAL: /home not found\n");
    assert_eq!(
        says(&system, "check_disk -w 20% -c 10% -p /gone"),
        "2 DISK CRITICAL - /gone is not accessible: No such file or directory\n"
    );
    let plan = plan("check_disk", &words("-w 1 -c 1 -p /"), Flavour::V2_3).unwrap();
    assert_eq!(plan.needs(), Needs::FileSystems);
    let blind = Staged::default();
    assert!(matches!(plan.run(&blind), Err(NotNative(_))));
}

#[test]
fn files_are_judged_by_age_and_size() {
    let system = Staged::default();
    assert_eq!(
        says(&system, "check_file_age -f /old"),
        "2 FILE_AGE CRITICAL: /old is 601 seconds old and 5 bytes | age=601s;240;600 size=5B;0;0;0\n"
    );
    assert_eq!(
        says(&system, "check_file_age -w 0240 -c 601 -W 6 /old"),
        "1 FILE_AGE WARNING: /old is 601 seconds old and 5 bytes | age=601s;0240;601 size=5B;6;0;0\n"
    );
    assert_eq!(says(&system, "check_file_age /gone"), "2 FILE_AGE CRITICAL: File not found - /gone\n");
    let silent = "2 FILE_AGE CRITICAL - /silent does not answer\n";
    assert_eq!(says(&system, "check_file_age /silent -i"), silent);
}
