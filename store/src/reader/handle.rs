//! The handle on a store: looks at the directory, and has the snapshot of what it saw last.
//!
//! Two equal listings around the opening of files show that no file was replaced by another while they were listed. When
//! a listing equals the one that the view was made from, nothing was replaced since, and only the end of the last log can
//! be new.

use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

use super::snapshot::{Part, Snapshot, View};
use crate::amendment::{self, AMENDMENTS_NAME};
use crate::damage::Damage;
use crate::disk::{Disk, FileId, RealDisk};
use crate::error::{Error, Result};
use crate::identity::{self, IDENTITY_NAME};
use crate::limits::LISTINGS_MAX;
use crate::log::{End, LogImage, ends};
use crate::mark;
use crate::names::{FileName, live};
use crate::segment::Segment;

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
    /// [`Error::Io`] if the directory cannot be read, [`Error::Version`] if a newer version wrote it. Damage is not an
    /// error here, see [`Snapshot::damages`].
    pub fn open(dir: &Path) -> Result<Reader> {
        Reader::open_on(Arc::new(RealDisk::new(dir)))
    }

    /// Opens a store on any disk.
    pub fn open_on(disk: Arc<dyn Disk>) -> Result<Reader> {
        let mut reader = Reader { snapshot: Snapshot::empty(disk), names: Vec::new(), anchors: [None; 2] };
        reader.refresh()?;
        Ok(reader)
    }

    /// The store as it was seen last. It costs a pointer, and later refreshes do not change it.
    pub fn snapshot(&self) -> Snapshot {
        self.snapshot.clone()
    }

    /// Takes in what has been written since. After an error the view is as before or newer.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub fn refresh(&mut self) -> Result<()> {
        let mut names = self.list()?;
        // What is durable now is in the files that are read hereafter.
        let marked = mark::load(self.disk())?;
        self.snapshot.view_mut().marked = marked;
        let anchors = self.anchors(&names)?;
        if names == self.names && anchors == self.anchors && self.follow().is_ok() {
            return Ok(());
        }
        if anchors[0] != self.anchors[0] || (names == self.names && anchors != self.anchors) {
            // Another store has taken the place of this one, or other files of it those that are open.
            self.snapshot.view_mut().parts.clear();
        }
        self.anchors = anchors;
        for _ in 0..LISTINGS_MAX {
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
        names.sort_unstable();
        Ok(names)
    }

    /// Takes in what has been appended to the last log; no other file changes.
    fn follow(&mut self) -> Result<()> {
        if let Some(Part::Log(_)) = self.parts().last() {
            let view = self.snapshot.view_mut();
            if let Some(Part::Log(image)) = view.parts.last_mut() {
                Arc::make_mut(image).follow(&*view.disk)?;
            }
        }
        Ok(())
    }
}

/// Reads on in a log; returns what keeps the rest of it from being read.
fn extend(image: &mut LogImage, disk: &dyn Disk) -> Result<Option<Damage>> {
    match image.extend(disk) {
        Ok(()) => Ok(None),
        Err(error @ Error::Version { .. }) => Err(error),
        Err(error) => {
            let next = image.last_seq().map_or(image.start(), |last| last.saturating_add(1));
            Ok(Some(Damage::of(&error, &disk.path().join(image.name()), next, image.end())))
        }
    }
}

/// Makes the view that of these names; keeps the old one if a file cannot be opened.
fn take_in(view: &mut View, names: &[String]) -> Result<()> {
    let (files, _) = live(names);
    let disk = Arc::clone(&view.disk);
    let (mut opened, mut damages) = (Vec::new(), Vec::new());
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
    for (file, end) in files.iter().zip(ends(&*disk, &files, End::OPEN)?) {
        let known = view.parts.iter_mut().find(|part| part.is(file));
        match (*file, known) {
            (FileName::Log { start }, known) => {
                if let Some(Part::Log(image)) = known {
                    let image = Arc::make_mut(image);
                    image.set_end(end);
                    damages.extend(extend(image, &*disk)?);
                    continue;
                }
                match LogImage::open(&*disk, start, end) {
                    Ok(mut image) => {
                        damages.extend(extend(&mut image, &*disk)?);
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
