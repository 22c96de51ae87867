//! Writing the configuration: never half of it, never over one that somebody wrote, and never one with mistakes.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};

use nix::sys::stat::Mode;
use nix::unistd::{Pid, Uid, mkdtemp};

use crate::cli::config::report;
use crate::cli::failure::Failure;
use crate::config::{self, Config};
use crate::limits::{DISCOVERED_FILE_MAX_BYTES, LINKS_MAX};
use crate::text::system_error::words;

/// What the package installs; it may be replaced without asking for force.
const PACKAGED: &str = include_str!("../../../packaging/etc/custos.yaml");
/// Everybody may read it: it has no secrets, and the agent has a user of its own.
const MODE: u32 = 0o644;

/// What is at the place that is to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nothing.
    Nothing,
    /// What is to be written.
    Same,
    /// What the package installed.
    Packaged,
    /// Something else.
    Other,
}

impl Standing {
    /// Looks what is there.
    pub(super) fn of(output: &Path, page: &str) -> Result<Standing, Failure> {
        match read(output) {
            Ok(found) if found == page.as_bytes() => Ok(Standing::Same),
            Ok(found) if found == PACKAGED.as_bytes() => Ok(Standing::Packaged),
            Ok(_) => Ok(Standing::Other),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Standing::Nothing),
            Err(error) => Err(failed("read", output, &error)),
        }
    }
}

/// The bytes of a regular file. Anything else is not opened: it may hold us up or act on that, and must not be replaced.
fn read(output: &Path) -> io::Result<Vec<u8>> {
    let mut found = Vec::new();
    if !fs::metadata(output)?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(output)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    // What is longer is another in any case.
    file.take(DISCOVERED_FILE_MAX_BYTES).read_to_end(&mut found)?;
    Ok(found)
}

/// Where a file is written: behind the links on its way and of its own, which must be of root or of this user.
pub(super) fn target(output: &Path) -> Result<PathBuf, Failure> {
    let absolute = std::path::absolute(output).map_err(|error| failed("find", output, &error))?;
    let mut left: Vec<OsString> = absolute.iter().rev().map(OsStr::to_owned).collect();
    let (mut path, mut links) = (PathBuf::new(), 0);
    while let Some(name) = left.pop() {
        if name == "." {
            continue;
        }
        if name == ".." {
            path.pop();
            continue;
        }
        let next = path.join(&name);
        let link = match fs::symlink_metadata(&next) {
            Ok(found) if found.is_symlink() => found,
            // It, or what is missing of its way, is found to be so later.
            _ => {
                path = next;
                continue;
            }
        };
        if link.uid() != 0 && link.uid() != Uid::effective().as_raw() {
            let shown = next.display();
            return Err(Failure::new(format!("nothing is written: {shown} is a link of another user")));
        }
        links += 1;
        if links > LINKS_MAX {
            let shown = output.display();
            return Err(Failure::new(format!("nothing is written: {shown} leads through too many links")));
        }
        let behind = fs::read_link(&next).map_err(|error| failed("follow", &next, &error))?;
        // One that begins with `/` leads away from where it stands.
        left.extend(behind.iter().rev().map(OsStr::to_owned));
    }
    Ok(path)
}

fn failed(what: &str, path: &Path, error: &io::Error) -> Failure {
    Failure::new(format!("failed to {what} {}: {}", path.display(), words(error)))
}

/// The same of writing, with what can be done about it.
fn denied(path: &Path, error: &io::Error) -> Failure {
    let mut failure = failed("write", path, error);
    if error.kind() == io::ErrorKind::PermissionDenied {
        failure.message += "; do it as root, or name another file with --output FILE";
    }
    failure
}

/// The configuration in a directory that only this user can enter, to be read back.
#[derive(Debug)]
pub(super) struct Scratch {
    directory: PathBuf,
}

impl Scratch {
    pub(super) fn new(page: &str) -> Result<Scratch, Failure> {
        let template = std::env::temp_dir().join("custos-init-XXXXXX");
        let directory = mkdtemp(&template).map_err(|error| failed("make", &template, &error.into()))?;
        let scratch = Scratch { directory };
        let file = scratch.file();
        fs::write(&file, page).map_err(|error| failed("write", &file, &error))?;
        Ok(scratch)
    }

    fn file(&self) -> PathBuf {
        self.directory.join("custos.yaml")
    }

    /// Reads it as the agent would.
    pub(super) fn load(&self) -> Result<Config, Failure> {
        match config::load(&self.file()) {
            Ok(loaded) => Ok(loaded.config),
            Err(mistakes) => {
                Err(Failure::new(format!("{}what is proposed has mistakes", report(&mistakes, false))))
            }
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed stays among the temporary files.
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// Writes the configuration, and gives the path at which another that was there is kept.
///
/// It is read in its place, with what it includes there, before it gets its name.
pub(super) fn write(output: &Path, page: &str, standing: &Standing) -> Result<Option<PathBuf>, Failure> {
    let output = target(output)?;
    let directory = output.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = output.file_name().ok_or_else(|| Failure::usage("--output names no file"))?;
    let mut hidden = OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".{}", Pid::this()));
    match fs::create_dir(directory) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(denied(directory, &error)),
        _ => {}
    }
    let draft = Draft { path: directory.join(hidden) };
    draft.fill(page, fs::metadata(&output).ok().as_ref())?;
    if let Err(mistakes) = config::load(&draft.path) {
        let found =
            report(&mistakes, false).replace(&*draft.path.to_string_lossy(), &output.to_string_lossy());
        return Err(Failure::new(format!(
            "{found}nothing is written: together with what is there it has mistakes"
        )));
    }
    let kept = match standing {
        Standing::Other => Some(keep(&output)?),
        _ => None,
    };
    fs::rename(&draft.path, &output).map_err(|error| failed("write", &output, &error))?;
    File::open(directory)
        .and_then(|directory| directory.sync_all())
        .map_err(|error| failed("write", directory, &error))?;
    Ok(kept)
}

/// A second name for what is there: the first of `FILE.old`, `FILE.old.2` and so on that is free.
fn keep(output: &Path) -> Result<PathBuf, Failure> {
    for number in 1..=crate::limits::CONFIGURATIONS_KEPT_MAX {
        let mut name = output.as_os_str().to_owned();
        name.push(if number == 1 { ".old".to_owned() } else { format!(".old.{number}") });
        match fs::hard_link(output, &name) {
            Ok(()) => return Ok(name.into()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed("keep", output, &error)),
        }
    }
    Err(Failure::new(format!("nothing is written: too many {}.old are kept already", output.display())))
}

/// A file that has no name of its own yet, and is removed unless it gets one.
struct Draft {
    path: PathBuf,
}

impl Draft {
    /// Writes it whole, with the mode and the owner of the file that it will replace.
    fn fill(&self, page: &str, replaced: Option<&fs::Metadata>) -> Result<(), Failure> {
        let mode = replaced.map_or(MODE, |found| found.mode() & Mode::all().bits());
        let written = OpenOptions::new().write(true).create_new(true).mode(mode).open(&self.path).and_then(
            |mut file| {
                // Whatever the umask is.
                file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(mode))?;
                if let Some(found) = replaced.filter(|_| Uid::effective().is_root()) {
                    fchown(&file, Some(found.uid()), Some(found.gid()))?;
                }
                file.write_all(page.as_bytes())?;
                file.sync_all()
            },
        );
        written.map_err(|error| denied(&self.path, &error))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // Where it got its name, there is nothing left to remove.
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const GOOD: &str = "checks: { a: { command: /bin/true } }\n";

    fn stand() -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let output = directory.path().join("custos.yaml");
        (directory, output)
    }

    fn names(directory: &tempfile::TempDir) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(directory.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn what_is_there_is_told_from_what_the_package_brought() {
        let (_directory, output) = stand();
        let standing = || Standing::of(&output, GOOD).unwrap();
        assert_eq!(standing(), Standing::Nothing);
        for (text, expected) in
            [(GOOD, Standing::Same), (PACKAGED, Standing::Packaged), ("checks: {}\n", Standing::Other)]
        {
            fs::write(&output, text).unwrap();
            assert_eq!(standing(), expected);
        }
    }

    #[test]
    fn a_new_file_can_be_read_by_everybody() {
        let (directory, output) = stand();
        assert_eq!(write(&output, GOOD, &Standing::Nothing).unwrap(), None);
        assert_eq!(fs::read_to_string(&output).unwrap(), GOOD);
        assert_eq!(fs::metadata(&output).unwrap().permissions().mode() & 0o777, 0o644);
        assert_eq!(names(&directory), ["custos.yaml"]);
    }

    #[test]
    fn what_is_replaced_is_kept_and_its_mode_goes_on_to_hold() {
        let (directory, output) = stand();
        for (number, old) in ["one", "two"].iter().enumerate() {
            fs::write(&output, old).unwrap();
            fs::set_permissions(&output, fs::Permissions::from_mode(0o640)).unwrap();
            let kept = write(&output, GOOD, &Standing::Other).unwrap().unwrap();
            assert!(kept.to_string_lossy().ends_with([".old", ".old.2"][number]), "{kept:?}");
            assert_eq!(fs::read_to_string(kept).unwrap(), *old);
            assert_eq!(fs::read_to_string(&output).unwrap(), GOOD);
            assert_eq!(fs::metadata(&output).unwrap().permissions().mode() & 0o777, 0o640);
        }
        assert_eq!(names(&directory), ["custos.yaml", "custos.yaml.old", "custos.yaml.old.2"]);
    }

    #[test]
    fn behind_a_link_the_file_is_written() {
        let (directory, output) = stand();
        let real = directory.path().join("real.yaml");
        fs::write(&real, "old").unwrap();
        std::os::unix::fs::symlink("real.yaml", &output).unwrap();
        write(&output, GOOD, &Standing::Packaged).unwrap();
        assert!(output.symlink_metadata().unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&real).unwrap(), GOOD);
    }

    #[test]
    fn what_is_no_regular_file_is_neither_read_nor_replaced() {
        let (directory, output) = stand();
        nix::unistd::mkfifo(&output, Mode::from_bits_truncate(0o644)).unwrap();
        let link = directory.path().join("null");
        std::os::unix::fs::symlink("/dev/null", &link).unwrap();
        for output in [&output, &link, directory.path()] {
            let failure = Standing::of(output, GOOD).unwrap_err().message;
            assert!(failure.contains("it is not a regular file"), "{failure}");
        }
    }

    #[test]
    fn links_of_other_users_are_not_followed() {
        if !Uid::effective().is_root() {
            return;
        }
        let (directory, output) = stand();
        std::os::unix::fs::symlink("real.yaml", &output).unwrap();
        let link = directory.path().join("link");
        std::os::unix::fs::symlink(&output, &link).unwrap();
        assert_eq!(target(&link).unwrap(), directory.path().join("real.yaml"));
        std::os::unix::fs::lchown(&output, Some(12345), None).unwrap();
        let failure = target(&link).unwrap_err().message;
        assert!(failure.contains("is a link of another user"), "{failure}");
        // Nor on the way, whether or not what is behind them exists.
        let (way, there) = (directory.path().join("way"), directory.path().join("there"));
        fs::create_dir(&there).unwrap();
        std::os::unix::fs::symlink("./there/../there", &way).unwrap();
        assert_eq!(target(&way.join("new.yaml")).unwrap(), there.join("new.yaml"));
        std::os::unix::fs::lchown(&way, Some(12345), None).unwrap();
        for output in [way.join("new.yaml"), way.join("none/../new.yaml")] {
            let failure = write(&output, GOOD, &Standing::Nothing).unwrap_err().message;
            assert!(failure.contains("way is a link of another user"), "{failure}");
        }
        std::os::unix::fs::symlink("circle", directory.path().join("circle")).unwrap();
        let failure = target(&directory.path().join("circle/x")).unwrap_err().message;
        assert!(failure.contains("too many links"), "{failure}");
    }

    #[test]
    fn what_has_mistakes_beside_other_files_is_not_written() {
        let (directory, output) = stand();
        fs::write(&output, "old").unwrap();
        fs::write(directory.path().join("more.yaml"), GOOD).unwrap();
        let page = format!("include: [more.yaml]\n{GOOD}");
        let failure = write(&output, &page, &Standing::Other).unwrap_err().message;
        assert!(failure.contains("the check `a` is defined twice"), "{failure}");
        assert!(failure.contains("nothing is written") && !failure.contains("/.custos"), "{failure}");
        assert_eq!(fs::read_to_string(&output).unwrap(), "old");
        assert_eq!(names(&directory), ["custos.yaml", "more.yaml"]);
        let none = directory.path().join("none/none/custos.yaml");
        let failure = write(&none, GOOD, &Standing::Nothing).unwrap_err().message;
        assert!(failure.contains("No such file"), "{failure}");
        let new = directory.path().join("new/custos.yaml");
        write(&new, GOOD, &Standing::Nothing).unwrap();
        assert_eq!(fs::read_to_string(new).unwrap(), GOOD);
    }
}
