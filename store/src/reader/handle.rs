//! The handle on a store: looks at the directory, and has the snapshot of what it saw last.
//!
//! Two equal listings around the opening of files show that no file was replaced by another while they were listed. When
//! a listing equals the one that the view was made from, nothing was replaced since, and only the end of the last log can
//! be new.

use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

use super::snapshot::{Derived, Part, Snapshot, View};
use crate::amendment::{self, AMENDMENTS_NAME};
use crate::damage::Damage;
use crate::disk::{Disk, FileId, RealDisk};
use crate::error::{Error, Result};
use crate::identity::{self, IDENTITY_NAME};
use crate::limits::LISTINGS_MAX;
use crate::log::{End, LogImage, ends};
use crate::mark;
use crate::names::FileName;
use crate::position::Position;
use crate::segment::Segment;
use crate::survey::{Survey, survey};

/// A store that is open for reading, whether or not somebody writes to it.
///
/// All that can be read is read from a [`Snapshot`], which this handle stands for too: what it shows does not change until
/// [`Reader::refresh`].
pub struct Reader {
    snapshot: Snapshot,
    /// The listing that the snapshot was made from.
    names: Vec<String>,
    /// The files that tell this store from another one with the same listing.
    anchors: [Option<FileId>; 2],
}

impl Deref for Reader {
    type Target = Snapshot;

    fn deref(&self) -> &Snapshot {
        &self.snapshot
    }
}

impl Reader {
    /// Opens a store for reading, whether or not somebody writes to it.
    ///
    /// # Errors
    /// [`Error::Io`] if the system refuses the directory or every file in it, [`Error::Version`] if a newer version wrote
    /// it. Damage is not an error here, nor is a file that is refused beside others, see [`Snapshot::damages`].
    pub fn open(dir: &Path) -> Result<Reader> {
        Reader::open_on(Arc::new(RealDisk::new(dir)))
    }

    /// Opens a store on any disk.
    pub fn open_on(disk: Arc<dyn Disk>) -> Result<Reader> {
        let mut reader = Reader { snapshot: Snapshot::empty(disk), names: Vec::new(), anchors: [None; 2] };
        reader.refresh()?;
        match reader.refused() {
            Some(error) => Err(error),
            None => Ok(reader),
        }
    }

    /// A store of which the system lets this user read no file is not an empty one: why, if it is such a store.
    fn refused(&self) -> Option<Error> {
        if !self.parts().is_empty() {
            return None;
        }
        self.snapshot.unopened().iter().find_map(|damage| {
            let source = self.disk().open(damage.file.file_name()?.to_str()?).err()?;
            let refused = source.kind() == std::io::ErrorKind::PermissionDenied;
            refused.then(|| Error::io("open", &damage.file)(source))
        })
    }

    /// The store as the last refresh saw it. It costs a pointer, whatever the writer does, and later refreshes do not change
    /// it.
    pub fn snapshot(&self) -> Snapshot {
        self.snapshot.clone()
    }

    /// Takes in what has been written since; what is written meanwhile is for the next time. It takes no lock and waits for
    /// nobody. After an error the view is as before or newer.
    ///
    /// It costs a listing of the directory, and then what is new: 0.1 to 0.2 µs for a run of a few metrics that is not
    /// sealed yet, so some tens of ms for a whole log of the usual size, and the directories of new segments. Whoever wants
    /// short ones refreshes often.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub fn refresh(&mut self) -> Result<()> {
        let mut names = self.list()?;
        // What is durable now is in the files that are read hereafter.
        let marked = mark::load(self.disk())?;
        self.snapshot.view_mut().marked = marked;
        if names == self.names && self.anchors(&names)? == self.anchors && self.follow().is_ok() {
            return Ok(());
        }
        for _ in 0..LISTINGS_MAX {
            self.anchor(&names)?;
            match take_in(self.snapshot.view_mut(), &names) {
                Ok(()) => {
                    let again = self.list()?;
                    if again == names {
                        // A log that could not be read is tried again, also if nothing else changes.
                        self.names = if self.has_all_logs() { names } else { Vec::new() };
                        return Ok(());
                    }
                    names = again;
                }
                Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                    names = self.list()?;
                }
                Err(error) => return Err(error),
            }
        }
        let busy = std::io::Error::other("the directory changes faster than it can be read");
        Err(Error::io("list", self.disk().path())(busy))
    }

    /// Takes in only what has been appended to the last log since, for three small reads: that of the writer's mark is the
    /// third. What other files have is for the next [`Reader::refresh`], which this is if there is no log that can be followed,
    /// or if by the mark a further one has begun.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub fn refresh_log(&mut self) -> Result<()> {
        if self.names.is_empty() {
            return self.refresh();
        }
        // What is acknowledged now is in the log that is read hereafter, or in one that has begun since.
        let marked = mark::load(self.disk())?;
        let acknowledged = marked.map_or(Position::START, |marked| marked.acknowledged);
        if self.snapshot.view().marked != marked {
            self.snapshot.view_mut().marked = marked;
        }
        let is_followed = self.follow().is_ok() && acknowledged <= self.end();
        if is_followed { Ok(()) } else { self.refresh() }
    }

    /// Closes all files if others have taken their place: another store, or other files of this one with the same names.
    /// Until the files of the listing have been read, none counts as read.
    fn anchor(&mut self, names: &[String]) -> Result<()> {
        let anchors = self.anchors(names)?;
        if anchors[0] != self.anchors[0] || (names == self.names && anchors != self.anchors) {
            self.snapshot.view_mut().parts.clear();
        }
        self.anchors = anchors;
        self.names.clear();
        Ok(())
    }

    /// The identity's file and the last log.
    fn anchors(&self, names: &[String]) -> Result<[Option<FileId>; 2]> {
        let id = |name: &str| {
            self.disk().id_at(name).map_err(Error::io("look for", self.disk().path().join(name)))
        };
        let last_log = names.iter().rfind(|name| name.ends_with(".log"));
        Ok([id(IDENTITY_NAME)?, last_log.map_or(Ok(None), |name| id(name))?])
    }

    /// `true` if every log could be opened and read to its end.
    fn has_all_logs(&self) -> bool {
        let is_log = |damage: &Damage| damage.file.extension().is_some_and(|end| end == "log");
        !self.snapshot.unopened().iter().any(is_log)
    }

    fn list(&self) -> Result<Vec<String>> {
        let mut names = self.disk().list().map_err(Error::io("list", self.disk().path()))?;
        // What is being written under another name changes nothing.
        names.retain(|name| !name.ends_with(".tmp"));
        names.sort_unstable();
        Ok(names)
    }

    /// Takes in what has been appended to the last log; no other file changes.
    fn follow(&mut self) -> Result<()> {
        if let Some(Part::Log(_)) = self.parts().last() {
            let view = self.snapshot.view_mut();
            if let Some(Part::Log(image)) = view.parts.last_mut() {
                let before = image.last_seq();
                let followed = Arc::make_mut(image).follow(&*view.disk);
                if image.last_seq() != before {
                    view.derived = Derived::default();
                }
                followed?;
            }
        }
        Ok(())
    }
}

/// Reads on in a log; returns what keeps the rest of it from being read.
fn read_on(image: &mut LogImage, disk: &dyn Disk, growth: Growth) -> Result<Option<Damage>> {
    let read = match growth {
        Growth::Followed => image.follow(disk),
        Growth::Possible | Growth::Ended => image.extend(disk),
    };
    match read {
        Ok(()) => {
            if growth == Growth::Ended {
                // When the writer has removed it, closing it here would be what frees it.
                image.close();
            }
            Ok(None)
        }
        Err(error @ Error::Version { .. }) => Err(error),
        Err(error) => {
            let next = image.last_seq().map_or(image.start(), |last| last.saturating_add(1));
            Ok(Some(Damage::of(&error, &disk.path().join(image.name()), next, image.end())))
        }
    }
}

/// What may become of a log.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Growth {
    /// Another file comes after it.
    Ended,
    /// It is the last file of a store that is read for the first time.
    Possible,
    /// It is the last file, and a reader has been following its store.
    Followed,
}

/// Makes the view that of these names; keeps the old one if a file cannot be opened.
fn take_in(view: &mut View, names: &[String]) -> Result<()> {
    view.derived = Derived::default();
    let disk = Arc::clone(&view.disk);
    let Survey { files, strays, .. } = survey(&*disk, names)?;
    let mut opened = Vec::new();
    let mut damages: Vec<Damage> = strays.iter().map(|stray| stray.damage(&*disk)).collect();
    let path = |file: &FileName| disk.path().join(file.name());
    view.amendments = match amendment::load(&*disk) {
        Ok(amendments) => Arc::new(amendments),
        Err(error @ Error::Damaged { .. }) => {
            damages.push(Damage::of(&error, &disk.path().join(AMENDMENTS_NAME), 0, 0));
            Arc::default()
        }
        Err(error) => return Err(error),
    };
    view.identity = match identity::load(&*disk) {
        Ok(identity) => identity,
        Err(error @ Error::Damaged { .. }) => {
            damages.push(Damage::of(&error, &disk.path().join(IDENTITY_NAME), 0, 0));
            None
        }
        Err(error) => return Err(error),
    };
    let last = if view.parts.is_empty() { Growth::Possible } else { Growth::Followed };
    for (index, (file, end)) in files.iter().zip(ends(&*disk, &files, End::OPEN)?).enumerate() {
        let growth = if index + 1 < files.len() { Growth::Ended } else { last };
        let known = view.parts.iter_mut().find(|part| part.is(file));
        match (*file, known) {
            (FileName::Log { start }, known) => {
                if let Some(Part::Log(image)) = known {
                    let image = Arc::make_mut(image);
                    image.set_end(end);
                    damages.extend(read_on(image, &*disk, growth)?);
                    continue;
                }
                match LogImage::open(&*disk, start, end) {
                    Ok(mut image) => {
                        damages.extend(read_on(&mut image, &*disk, growth)?);
                        opened.push(Part::Log(Arc::new(image)));
                    }
                    Err(error @ Error::Damaged { .. }) => {
                        damages.push(Damage::of(&error, &path(file), start, end.before));
                    }
                    Err(error) => return Err(error),
                }
            }
            (FileName::Segment { start, end }, None) => match Segment::open(&*disk, start, end) {
                Ok(segment) => opened.push(Part::Segment(Arc::new(segment))),
                Err(error @ Error::Damaged { .. }) => {
                    damages.push(Damage::of(&error, &path(file), start, end));
                }
                Err(error) => return Err(error),
            },
            _ => {}
        }
    }
    view.parts.retain(|part| files.iter().any(|file| part.is(file)));
    view.parts.extend(opened);
    view.parts.sort_by_key(Part::start);
    view.damages = damages;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;
    use crate::disk::{DiskFile, Lock, Region, SimDisk};
    use crate::options::Options;
    use crate::run::Run;
    use crate::writer::Writer;

    type Step = Box<dyn FnOnce() + Send>;

    /// A disk that counts what is read, and on which something happens when the directory is listed or a log is read.
    #[derive(Default)]
    struct Watched {
        disk: Arc<SimDisk>,
        read: Arc<AtomicU64>,
        at_list: Mutex<Vec<Step>>,
        at_read: Arc<Mutex<Vec<Step>>>,
    }

    struct WatchedFile {
        file: Box<dyn DiskFile>,
        read: Arc<AtomicU64>,
        at_read: Arc<Mutex<Vec<Step>>>,
    }

    fn happen(steps: &Mutex<Vec<Step>>) {
        let step = steps.lock().unwrap().pop();
        step.into_iter().for_each(|step| step());
    }

    impl std::fmt::Debug for Watched {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("watched")
        }
    }

    impl std::fmt::Debug for WatchedFile {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("watched")
        }
    }

    impl Disk for Watched {
        fn path(&self) -> &Path {
            self.disk.path()
        }
        fn list(&self) -> io::Result<Vec<String>> {
            let names = self.disk.list();
            happen(&self.at_list);
            names
        }
        fn create(&self, name: &str, len: u64) -> io::Result<Box<dyn DiskFile>> {
            self.disk.create(name, len)
        }
        fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
            let (read, at_read) = (Arc::clone(&self.read), Arc::clone(&self.at_read));
            Ok(Box::new(WatchedFile { file: self.disk.open(name)?, read, at_read }))
        }
        fn rename(&self, from: &str, to: &str) -> io::Result<()> {
            self.disk.rename(from, to)
        }
        fn remove(&self, name: &str) -> io::Result<()> {
            self.disk.remove(name)
        }
        fn sync_names(&self) -> io::Result<()> {
            self.disk.sync_names()
        }
        fn free_bytes(&self) -> io::Result<u64> {
            self.disk.free_bytes()
        }
        fn id_at(&self, name: &str) -> io::Result<Option<FileId>> {
            self.disk.id_at(name)
        }
        fn lock(&self) -> Result<Box<dyn Lock>> {
            self.disk.lock()
        }
    }

    impl DiskFile for WatchedFile {
        fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
            let got = self.file.read_at(buffer, offset)?;
            self.read.fetch_add(got as u64, Ordering::Relaxed);
            // Not where it is only looked for the end.
            if buffer.len() > 4 << 10 {
                happen(&self.at_read);
            }
            Ok(got)
        }
        fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
            self.file.write_at(bytes, offset)
        }
        fn size(&self) -> io::Result<u64> {
            self.file.size()
        }
        fn set_len(&self, len: u64) -> io::Result<()> {
            self.file.set_len(len)
        }
        fn sync(&self) -> io::Result<()> {
            self.file.sync()
        }
        fn id(&self) -> io::Result<FileId> {
            self.file.id()
        }
        fn map(&self, len: u64) -> io::Result<Region> {
            self.file.map(len)
        }
    }

    fn run(n: usize) -> Run {
        Run { time_ms: n as i64, text: "some text to fill a log with".repeat(40), ..Run::default() }
    }

    fn append(writer: &mut Writer, n: usize) {
        writer.append(&[("x", &run(n))]).unwrap();
    }

    fn writer(disk: &Watched, log_bytes: u64) -> Writer {
        let options = Options { log_bytes, reserve_bytes: 0, background: false, ..Options::default() };
        Writer::open_on(Arc::clone(&disk.disk) as _, options).unwrap()
    }

    #[test]
    fn a_log_that_begins_while_the_directory_is_looked_at_does_not_make_the_others_be_read_again() {
        let disk = Arc::new(Watched::default());
        let mut writer = writer(&disk, 256 << 10);
        let under = Arc::clone(&disk.disk);
        // Appends until there are so many logs.
        let mut fill = move |logs| {
            while under.list().unwrap().iter().filter(|name| name.ends_with(".log")).count() < logs {
                append(&mut writer, 0);
            }
        };
        fill(1);
        let mut reader = Reader::open_on(Arc::clone(&disk) as _).unwrap();
        fill(2);
        // After the refresh has listed the files, a log begins.
        disk.at_list.lock().unwrap().push(Box::new(move || fill(3)));
        reader.refresh().unwrap();
        let (end, logs) = (reader.end(), reader.parts().len());
        assert_eq!(logs, 3);
        disk.read.store(0, Ordering::Relaxed);
        reader.refresh().unwrap();
        let read = disk.read.load(Ordering::Relaxed);
        assert_eq!((reader.end(), reader.parts().len()), (end, logs));
        assert!(read < 64 << 10, "{read} bytes for nothing new");
    }

    #[test]
    fn a_log_is_followed_without_a_listing_until_another_one_begins() {
        let disk = Arc::new(Watched::default());
        let mut writer = writer(&disk, 16 << 10);
        append(&mut writer, 0);
        let mut reader = Reader::open_on(Arc::clone(&disk) as _).unwrap();
        let listed: Step = Box::new(|| panic!("the directory was listed"));
        disk.at_list.lock().unwrap().push(listed);
        append(&mut writer, 1);
        reader.refresh_log().unwrap();
        assert_eq!(reader.last("x").unwrap().unwrap(), run(1));
        // These fill the log, and begin another, which the mark tells.
        (2..40).for_each(|n| append(&mut writer, n));
        disk.at_list.lock().unwrap().clear();
        reader.refresh_log().unwrap();
        assert_eq!(reader.last("x").unwrap().unwrap(), run(39));
    }

    #[test]
    fn what_is_appended_while_a_log_is_followed_is_for_the_next_refresh() {
        let disk = Arc::new(Watched::default());
        let mut writer = writer(&disk, 4 << 20);
        append(&mut writer, 0);
        let mut reader = Reader::open_on(Arc::clone(&disk) as _).unwrap();
        (1..60).for_each(|n| append(&mut writer, n));
        let writer = Arc::new(Mutex::new(writer));
        let step = |n| -> Step {
            let writer = Arc::clone(&writer);
            Box::new(move || append(&mut writer.lock().unwrap(), n))
        };
        // Whatever the reader reads, there is more when it has.
        disk.at_read.lock().unwrap().extend((60..100).rev().map(step));
        reader.refresh().unwrap();
        assert_eq!(reader.end(), crate::Position(60));
        let left = std::mem::take(&mut *disk.at_read.lock().unwrap()).len();
        assert!(left < 40);
        reader.refresh().unwrap();
        let written = 100 - left;
        let arrived = reader.since(crate::Position::START).map(|arrived| arrived.unwrap().run);
        assert!(arrived.eq((0..written).map(run)));
        assert!(reader.damages().is_empty() && reader.torn_tails().is_empty());
    }
}
