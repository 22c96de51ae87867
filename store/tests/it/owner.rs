//! Who a store belongs to: root writes as the owner, others do not write at all, and what another user or the owner's
//! plugins put into the directory neither misleads nor holds up whoever opens the store.
//!
//! These tests are run as root, as the checks of this project are, and start themselves again as other users. Without
//! root there is no second user, and they fail.

use std::fs::{self, File, Permissions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use custos_store::{Error, Importer, Options, Position, Reader, Run, Writer, repair, verify, writer_pid};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{geteuid, mkfifo};

/// Tells a process of these tests what to do, and where.
const ROLE: &str = "CUSTOS_STORE_ROLE";
const DIR: &str = "CUSTOS_STORE_DIR";

/// The owner of the stores here.
const OWNER: u32 = 65534;
/// Another user.
const OTHER: u32 = 65533;

fn as_root() {
    assert!(geteuid().is_root(), "this test acts as several users, so it has to run as root");
}

fn run(n: i64) -> Run {
    Run { time_ms: n * 1000, text: format!("run {n}"), ..Run::default() }
}

fn options() -> Options {
    Options { log_bytes: 64 << 10, reserve_bytes: 64 << 10, background: false, ..Options::default() }
}

fn append(dir: &Path, n: i64) -> custos_store::Result<()> {
    let mut writer = Writer::open(dir, options())?;
    writer.append(&[("x", &run(n))])?;
    writer.close()
}

/// A directory of the owner with a store in it, within one that everybody can enter.
struct Stage {
    around: tempfile::TempDir,
    store: PathBuf,
}

fn stage() -> Stage {
    let around = tempfile::tempdir().unwrap();
    fs::set_permissions(around.path(), Permissions::from_mode(0o755)).unwrap();
    let store = around.path().join("store");
    fs::create_dir(&store).unwrap();
    fs::set_permissions(&store, Permissions::from_mode(0o755)).unwrap();
    chown(&store, Some(OWNER), Some(OWNER)).unwrap();
    // Where it was built, other users may not see it.
    // A process of its own copies it: a descriptor of this one could reach a child that another test starts meanwhile, and a
    // program that somebody has open for writing is not executed.
    let program = std::env::current_exe().unwrap();
    assert!(Command::new("cp").arg(program).arg(around.path().join("program")).status().unwrap().success());
    Stage { around, store }
}

impl Stage {
    fn command(&self, user: u32, role: &str) -> Command {
        let mut command = Command::new(self.around.path().join("program"));
        command.args(["--exact", "owner::another_process", "--nocapture", "--test-threads=1"]);
        command.env(ROLE, role).env(DIR, &self.store).current_dir("/").uid(user).gid(user);
        command
    }

    fn done(&self, user: u32, role: &str) -> Output {
        let output = self.command(user, role).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{role}: {text}{}", String::from_utf8_lossy(&output.stderr));
        output
    }

    /// Starts a process that goes on until it is killed, and waits until it has begun.
    fn started(&self, user: u32, role: &str) -> Background {
        let mut child = self.command(user, role).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.map(Result::unwrap).any(|line| line.contains("begun")), "{role} did not begin");
        Background(child)
    }

    fn files(&self) -> Vec<(String, fs::Metadata)> {
        let entries = fs::read_dir(&self.store).unwrap().map(Result::unwrap);
        entries.map(|entry| (entry.file_name().into_string().unwrap(), entry.metadata().unwrap())).collect()
    }

    fn read(&self) -> Vec<i64> {
        let reader = Reader::open(&self.store).unwrap();
        reader.since(Position::START).map(|arrived| arrived.unwrap().run.time_ms / 1000).collect()
    }
}

struct Background(Child);

impl Drop for Background {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// Not a test of its own: what the processes do that these tests start.
#[test]
fn another_process() {
    let (Ok(role), Ok(dir)) = (std::env::var(ROLE), std::env::var(DIR)) else { return };
    let dir = Path::new(&dir);
    let forever = || -> ! {
        println!("begun");
        loop {
            std::thread::park();
        }
    };
    match role.as_str() {
        "append" => append(dir, 1).unwrap(),
        "append with umask 0" => {
            umask(Mode::empty());
            append(dir, 1).unwrap();
        }
        "append with umask 77" => {
            umask(Mode::from_bits_truncate(0o77));
            append(dir, 1).unwrap();
        }
        "import and repair" => {
            let mut writer = Writer::open(dir, options()).unwrap();
            let reader = Reader::open(dir).unwrap();
            let mut importer = Importer::new(&reader, &mut writer);
            importer.add("x", run(2)).unwrap();
            importer.finish().unwrap();
            writer.compact().unwrap();
            writer.close().unwrap();
            repair(dir).unwrap();
            append(dir, 3).unwrap();
        }
        "refused" => assert!(matches!(append(dir, 1), Err(Error::NotOwner { .. }))),
        "write" => {
            let _writer = Writer::open(dir, options()).unwrap();
            forever()
        }
        "open the lock" => {
            let _file = File::open(dir.join("lock")).unwrap();
            forever()
        }
        other => panic!("{other}"),
    }
}

#[test]
fn root_writes_as_the_owner() {
    as_root();
    let stage = stage();
    stage.done(OWNER, "append");
    stage.done(0, "append with umask 0");
    stage.done(0, "import and repair");
    let files = stage.files();
    assert!(files.len() >= 3, "{files:?}");
    for (name, meta) in files {
        let mode = if name == "lock" { 0o600 } else { 0o640 };
        assert_eq!((meta.uid(), meta.gid(), meta.mode() & 0o7777), (OWNER, OWNER, mode), "{name}");
    }
    stage.done(OWNER, "append");
    assert_eq!(stage.read(), [1, 1, 2, 3, 1]);
    // And this thread is root again.
    fs::write(stage.around.path().join("of root"), "").unwrap();
    assert_eq!(fs::metadata(stage.around.path().join("of root")).unwrap().uid(), 0);
}

#[test]
fn nobody_but_the_owner_and_root_writes() {
    as_root();
    let stage = stage();
    stage.done(OTHER, "refused");
    chown(&stage.store, Some(0), Some(0)).unwrap();
    stage.done(OWNER, "refused");
    // Nor anybody in a directory where every user may put files.
    fs::set_permissions(&stage.store, Permissions::from_mode(0o1777)).unwrap();
    let Err(error) = append(&stage.store, 1) else { panic!("stored where anybody may") };
    assert!(matches!(error, Error::Exposed { .. }), "{error}");
    assert_eq!(fs::read_dir(&stage.store).unwrap().count(), 0);
}

#[test]
fn modes_do_not_depend_on_the_umask() {
    as_root();
    for umask in ["0", "77"] {
        let stage = stage();
        let made = stage.around.path().join("made");
        fs::create_dir(&made).unwrap();
        chown(&made, Some(OWNER), Some(OWNER)).unwrap();
        let store = made.join("deep/store");
        let stage = Stage { store: store.clone(), ..stage };
        stage.done(OWNER, &format!("append with umask {umask}"));
        let dir = fs::metadata(&store).unwrap().mode() & 0o7777;
        assert_eq!(dir & !0o750, 0, "{dir:o}");
        for (name, meta) in stage.files() {
            let mode = if name == "lock" { 0o600 } else { 0o640 };
            assert_eq!(meta.mode() & 0o7777, mode, "{name} with umask {umask}");
        }
    }
}

#[test]
fn a_lock_that_is_a_link_leads_nowhere() {
    as_root();
    let stage = stage();
    let victim = stage.around.path().join("precious");
    fs::write(&victim, "precious\n").unwrap();
    fs::set_permissions(&victim, Permissions::from_mode(0o600)).unwrap();
    let lock = stage.store.join("lock");
    let refused = |what: &str| {
        let error = append(&stage.store, 1).unwrap_err();
        assert!(
            error.to_string().contains("lock") && !matches!(error, Error::Locked { .. }),
            "{what}: {error}"
        );
        assert_eq!(fs::read_to_string(&victim).unwrap(), "precious\n", "{what}");
        fs::remove_file(&lock).unwrap();
    };
    symlink(&victim, &lock).unwrap();
    refused("a symbolic link");
    fs::hard_link(&victim, &lock).unwrap();
    refused("a hard link");
    mkfifo(&lock, Mode::from_bits_truncate(0o644)).unwrap();
    refused("a FIFO");
    append(&stage.store, 1).unwrap();
}

#[test]
fn a_stranger_cannot_take_the_lock() {
    as_root();
    let stage = stage();
    // As an older version left it.
    let lock = stage.store.join("lock");
    fs::write(&lock, "4711\n").unwrap();
    chown(&lock, Some(OWNER), Some(OWNER)).unwrap();
    fs::set_permissions(&lock, Permissions::from_mode(0o644)).unwrap();
    append(&stage.store, 1).unwrap();
    assert_eq!(fs::metadata(&lock).unwrap().mode() & 0o7777, 0o600);
    let output = stage.command(OTHER, "open the lock").output().unwrap();
    assert!(!output.status.success());
}

#[test]
fn the_kernel_names_the_writer() {
    as_root();
    let stage = stage();
    assert_eq!(writer_pid(&stage.store), None);
    let writing = stage.started(OWNER, "write");
    // What stands in the file is of no consequence.
    fs::write(stage.store.join("lock"), "1\n").unwrap();
    let pid = Some(writing.0.id());
    assert_eq!(writer_pid(&stage.store), pid);
    let Err(Error::Locked { pid: named, .. }) = Writer::open(&stage.store, options()) else { panic!() };
    assert_eq!(named, pid);
    drop(writing);
    assert_eq!(writer_pid(&stage.store), None);
    // A process that has it open is no writer.
    let _opened = stage.started(OWNER, "open the lock");
    assert_eq!(writer_pid(&stage.store), None);
    append(&stage.store, 1).unwrap();
}

/// What has the name of a file of the store and is none.
fn plant(store: &Path, elsewhere: &Path) -> usize {
    mkfifo(&store.join("0000000000000001.log"), Mode::from_bits_truncate(0o640)).unwrap();
    fs::create_dir(store.join("0000000000000002.log")).unwrap();
    symlink("/dev/zero", store.join("0000000000000003.log")).unwrap();
    symlink(elsewhere, store.join("0000000000000004.log")).unwrap();
    mkfifo(&store.join("0000000000000005-0000000000000006.seg"), Mode::from_bits_truncate(0o640)).unwrap();
    fs::create_dir(store.join("0000000000000006-0000000000000007.seg")).unwrap();
    symlink(elsewhere, store.join("0000000000000007-0000000000000008.seg")).unwrap();
    7
}

#[test]
fn what_is_no_file_is_damage_and_not_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let (store, elsewhere) = (dir.path().join("store"), dir.path().join("elsewhere"));
    append(&store, 1).unwrap();
    fs::write(&elsewhere, "not history").unwrap();
    let planted = plant(&store, &elsewhere);
    let reader = Reader::open(&store).unwrap();
    assert_eq!(reader.damages().len(), planted, "{:?}", reader.damages());
    assert!(reader.damages().iter().any(|damage| damage.what.contains("a FIFO")), "{:?}", reader.damages());
    assert_eq!(reader.last("x").unwrap().unwrap().text, "run 1");
    let damaged = || {
        let reports = verify(&store, &mut |_| {}).unwrap();
        reports.iter().filter(|report| report.findings.iter().any(|finding| finding.is_damage())).count()
    };
    assert_eq!(damaged(), planted);
    // The writer goes on, and so does sealing, around what cannot be opened.
    let mut writer = Writer::open(&store, options()).unwrap();
    writer.append(&[("x", &run(2))]).unwrap();
    writer.seal().unwrap();
    let error = writer.settle().unwrap_err();
    assert!(error.to_string().contains("it is "), "{error}");
    writer.append(&[("x", &run(3))]).unwrap();
    writer.close().unwrap();
    let texts = |store: &Path| -> Vec<String> {
        let reader = Reader::open(store).unwrap();
        reader.runs("x", i64::MIN..i64::MAX).map(|run| run.unwrap().text).collect()
    };
    assert_eq!(texts(&store), ["run 1", "run 2", "run 3"]);
    assert_eq!(repair(&store).unwrap().set_aside.len(), planted);
    assert_eq!(damaged(), 0);
    assert_eq!(texts(&store), ["run 1", "run 2", "run 3"]);
    assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "not history");
}

#[test]
fn root_reads_no_more_than_the_owner() {
    as_root();
    let stage = stage();
    stage.done(OWNER, "append");
    let log = stage.files().into_iter().find(|(name, _)| name.ends_with(".log")).unwrap().0;
    // A file of root that the owner of the directory has moved here.
    let planted = stage.store.join("00000000ffffffff.log");
    fs::copy(stage.store.join(log), &planted).unwrap();
    chown(&planted, Some(0), Some(0)).unwrap();
    fs::set_permissions(&planted, Permissions::from_mode(0o600)).unwrap();
    let reader = Reader::open(&stage.store).unwrap();
    assert_eq!(reader.damages().len(), 1);
    assert!(reader.damages()[0].what.contains("ermission denied"), "{:?}", reader.damages());
    assert_eq!(repair(&stage.store).unwrap().forbidden, ["00000000ffffffff.log"]);
    assert!(planted.exists());
    // Where others may put files, theirs do not count.
    fs::set_permissions(&planted, Permissions::from_mode(0o644)).unwrap();
    chown(&planted, Some(OTHER), Some(OTHER)).unwrap();
    fs::set_permissions(&stage.store, Permissions::from_mode(0o777)).unwrap();
    let reader = Reader::open(&stage.store).unwrap();
    assert_eq!(reader.damages().len(), 1);
    assert!(reader.damages()[0].what.contains("65533"), "{:?}", reader.damages());
    // A snapshot made with hard links is read.
    fs::remove_file(&planted).unwrap();
    let snapshot = stage.around.path().join("snapshot");
    fs::create_dir(&snapshot).unwrap();
    for (name, _) in stage.files().into_iter().filter(|(name, _)| name != "lock") {
        fs::hard_link(stage.store.join(&name), snapshot.join(&name)).unwrap();
    }
    assert_eq!(stage.read(), [1]);
}
