//! The reader's view: all files as they were at the last refresh.
//!
//! A file that is open stays readable after it has been removed, so the view holds while the writer seals and
//! merges. Two equal listings around the opening show that no file was replaced by another while being listed.

use std::path::Path;
use std::sync::Arc;

use crate::disk::{Disk, RealDisk};
use crate::error::{Error, Result};
use crate::limits::LISTINGS_MAX;
use crate::log::LogImage;
use crate::names::{FileName, live};
use crate::segment::Segment;

/// One file of the view. The files' run numbers do not overlap and ascend.
pub(super) enum Part {
    Log(Box<LogImage>),
    Segment(Segment),
}

impl Part {
    fn is(&self, file: &FileName) -> bool {
        match (self, file) {
            (Part::Log(image), FileName::Log { start }) => image.start() == *start,
            (Part::Segment(segment), FileName::Segment { start, end }) => {
                (segment.start(), segment.end()) == (*start, *end)
            }
            _ => false,
        }
    }
}

/// Reads on in a log; returns what keeps the rest of it from being read.
fn extend(image: &mut LogImage, disk: &dyn Disk) -> Result<Option<Error>> {
    match image.extend(disk) {
        Ok(()) => Ok(None),
        Err(error @ Error::Version { .. }) => Err(error),
        Err(error) => Ok(Some(error)),
    }
}

/// A view of a store. It does not change until [`Reader::refresh`], whatever the writer does meanwhile.
///
/// ```no_run
/// # fn main() -> Result<(), custos_store::Error> {
/// use custos_store::{Reader, SeriesKey};
/// let reader = Reader::open("/var/lib/custos".as_ref())?;
/// for check in reader.checks() {
///     println!("{}: {} runs, last {:?}", check.name, check.runs, reader.last(&check.name)?.map(|run| run.text));
/// }
/// let columns = reader.envelope("load", &SeriesKey::new("load1"), 1_700_000_000_000..1_700_000_600_000, 80)?;
/// # Ok(())
/// # }
/// ```
pub struct Reader {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) parts: Vec<Part>,
    damages: Vec<Error>,
}

impl Reader {
    /// Opens a store for reading, whether or not somebody writes to it.
    ///
    /// # Errors
    /// [`Error::Io`] if the directory cannot be read, [`Error::Version`] if a newer version wrote it. Damage is not an
    /// error here, see [`Reader::damages`].
    pub fn open(dir: &Path) -> Result<Reader> {
        Reader::open_on(Arc::new(RealDisk::new(dir)))
    }

    /// Opens a store on any disk.
    pub fn open_on(disk: Arc<dyn Disk>) -> Result<Reader> {
        let mut reader = Reader { disk, parts: Vec::new(), damages: Vec::new() };
        reader.refresh()?;
        Ok(reader)
    }

    /// Takes in what has been written since. After an error the view is as before or newer.
    pub fn refresh(&mut self) -> Result<()> {
        let mut names = self.list()?;
        for _ in 0..LISTINGS_MAX {
            match self.take_in(&names) {
                Ok(()) => {
                    let again = self.list()?;
                    if again == names {
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
        Err(Error::io("list", self.disk.path())(busy))
    }

    fn list(&self) -> Result<Vec<String>> {
        let mut names = self.disk.list().map_err(Error::io("list", self.disk.path()))?;
        names.sort_unstable();
        Ok(names)
    }

    /// Makes the view that of these names; keeps the old one if a file cannot be opened.
    fn take_in(&mut self, names: &[String]) -> Result<()> {
        let (files, _) = live(names);
        let disk = Arc::clone(&self.disk);
        let (mut fresh, mut damages) = (Vec::new(), Vec::new());
        for (index, file) in files.iter().enumerate() {
            let known = self.parts.iter().any(|part| part.is(file));
            match *file {
                FileName::Log { start } => {
                    let end = files.get(index + 1).and_then(FileName::start).unwrap_or(u64::MAX);
                    if let Some(image) = self.log_mut(start) {
                        image.set_end(end);
                        damages.extend(extend(image, &*disk)?);
                        continue;
                    }
                    match LogImage::open(&*disk, start, end) {
                        Ok(mut image) => {
                            damages.extend(extend(&mut image, &*disk)?);
                            fresh.push(Part::Log(Box::new(image)));
                        }
                        Err(error @ Error::Damaged { .. }) => damages.push(error),
                        Err(error) => return Err(error),
                    }
                }
                FileName::Segment { start, end } if !known => match Segment::open(&*self.disk, start, end) {
                    Ok(segment) => fresh.push(Part::Segment(segment)),
                    Err(error @ Error::Damaged { .. }) => damages.push(error),
                    Err(error) => return Err(error),
                },
                _ => {}
            }
        }
        self.parts.retain(|part| files.iter().any(|file| part.is(file)));
        self.parts.extend(fresh);
        self.parts.sort_by_key(|part| match part {
            Part::Log(image) => image.start(),
            Part::Segment(segment) => segment.start(),
        });
        self.damages = damages;
        Ok(())
    }

    fn log_mut(&mut self, start: u64) -> Option<&mut LogImage> {
        self.parts.iter_mut().find_map(|part| match part {
            Part::Log(image) if image.start() == start => Some(&mut **image),
            _ => None,
        })
    }

    /// What could not be read when the files were opened: whole segments, and parts of logs. Damage within a segment
    /// shows as an error where its runs are read.
    pub fn damages(&self) -> Vec<String> {
        let logs = self.parts.iter().filter_map(|part| match part {
            Part::Log(image) => Some(&**image),
            Part::Segment(_) => None,
        });
        let in_logs = logs.flat_map(|image| {
            let path = self.disk.path().join(image.name());
            image
                .damages()
                .iter()
                .map(move |damage| Error::damaged(&path, damage.offset, damage.what).to_string())
        });
        self.damages.iter().map(Error::to_string).chain(in_logs).collect()
    }

    /// Logs that end in the middle of a frame: their writer ended there. What was acknowledged is not among that,
    /// unless the very last frame of a log has been damaged.
    pub fn torn_tails(&self) -> Vec<String> {
        let tail = |part: &Part| match part {
            Part::Log(image) => image.torn_tail().map(|(offset, len)| {
                let path = self.disk.path().join(image.name());
                Error::damaged(path, offset, format!("{len} bytes at the end are no whole frame")).to_string()
            }),
            Part::Segment(_) => None,
        };
        self.parts.iter().filter_map(tail).collect()
    }
}
