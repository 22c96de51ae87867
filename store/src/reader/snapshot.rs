//! A view of a store that does not change, shared by whoever reads it.
//!
//! Sealed segments never change, and an image of a log shares what it has in common with later ones. So a snapshot is a
//! list of pointers: taking one, cloning it and reading it take no lock and wait for nobody.

use std::any::Any;
use std::sync::{Arc, OnceLock};

use crate::amendment::Amendments;
use crate::damage::Damage;
use crate::disk::Disk;
use crate::error::Error;
use crate::identity::Identity;
use crate::log::LogImage;
use crate::mark::Marked;
use crate::names::FileName;
use crate::segment::Segment;

/// One file of the view. The files' run numbers do not overlap and ascend.
#[derive(Clone)]
pub(super) enum Part {
    Log(Arc<LogImage>),
    Segment(Arc<Segment>),
}

impl Part {
    pub(super) fn is(&self, file: &FileName) -> bool {
        match (self, file) {
            (Part::Log(image), FileName::Log { start }) => image.start() == *start,
            (Part::Segment(segment), FileName::Segment { start, end }) => {
                (segment.start(), segment.end()) == (*start, *end)
            }
            _ => false,
        }
    }

    pub(super) fn start(&self) -> u64 {
        match self {
            Part::Log(image) => image.start(),
            Part::Segment(segment) => segment.start(),
        }
    }
}

/// All files of a store as they were at one moment.
#[derive(Clone)]
pub(super) struct View {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) parts: Vec<Part>,
    /// Files that cannot be opened, and logs that cannot be read on.
    pub(super) damages: Vec<Damage>,
    /// Which store it is.
    pub(super) identity: Option<Identity>,
    /// What was lost and restored behind the back of consumers.
    pub(super) amendments: Arc<Amendments>,
    /// What the writer's mark said before the files were read.
    pub(super) marked: Option<Marked>,
    /// What somebody derived from the view; made anew when the view changes.
    pub(super) derived: Derived,
}

/// What was derived from a view, once for all its clones.
pub(super) type Derived = Arc<OnceLock<Arc<dyn Any + Send + Sync>>>;

/// A store as it was when [`Reader::refresh`](crate::Reader::refresh) looked at it last. It stays so, whatever the writer
/// does meanwhile: files that were open stay readable after they have been replaced.
///
/// A clone costs a pointer, and any number of threads may read one snapshot at once.
///
/// ```no_run
/// # fn main() -> Result<(), custos_store::Error> {
/// use custos_store::{Reader, SeriesKey};
/// let snapshot = Reader::open("/var/lib/custos".as_ref())?.snapshot();
/// for check in snapshot.checks() {
///     println!("{}: {} runs, last {:?}", check.name, check.runs, snapshot.last(&check.name)?.map(|run| run.text));
/// }
/// let columns = snapshot.envelope("load", &SeriesKey::new("load1"), 1_700_000_000_000..1_700_000_600_000, 80)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Snapshot {
    view: Arc<View>,
}

impl Snapshot {
    pub(super) fn empty(disk: Arc<dyn Disk>) -> Snapshot {
        let view = View {
            disk,
            parts: Vec::new(),
            damages: Vec::new(),
            identity: None,
            amendments: Arc::default(),
            marked: None,
            derived: Derived::default(),
        };
        Snapshot { view: Arc::new(view) }
    }

    /// What is made of this view once, for this snapshot, its clones and later ones of the same content: an index of it, say. One
    /// type of things is kept; others are made each time.
    pub fn derived<T: Any + Send + Sync>(&self, make: impl Fn() -> T) -> Arc<T> {
        let kept = self.view.derived.get_or_init(|| Arc::new(make()));
        Arc::clone(kept).downcast().unwrap_or_else(|_| Arc::new(make()))
    }

    /// The view, to be changed: a copy of it, if a clone of this snapshot has it too.
    pub(super) fn view_mut(&mut self) -> &mut View {
        Arc::make_mut(&mut self.view)
    }

    pub(super) fn view(&self) -> &View {
        &self.view
    }

    pub(super) fn parts(&self) -> &[Part] {
        &self.view.parts
    }

    pub(super) fn disk(&self) -> &dyn Disk {
        &*self.view.disk
    }

    /// Files that cannot be opened, and logs that cannot be read on.
    pub(super) fn unopened(&self) -> &[Damage] {
        &self.view.damages
    }

    /// What could not be read when the files were opened: whole segments, and parts of logs. Damage within a segment
    /// shows where its runs are read.
    pub fn damages(&self) -> Vec<Damage> {
        let in_logs = self.parts().iter().flat_map(|part| match part {
            Part::Log(image) => self.damages_of(image),
            Part::Segment(_) => Vec::new(),
        });
        self.unopened().iter().cloned().chain(in_logs).collect()
    }

    pub(super) fn damages_of(&self, image: &LogImage) -> Vec<Damage> {
        image.damages_in(&self.disk().path().join(image.name()))
    }

    /// Logs that end in the middle of a frame: their writer ended there. What was acknowledged is not among that,
    /// unless the very last frame of a log has been damaged.
    pub fn torn_tails(&self) -> Vec<String> {
        let tail = |part: &Part| match part {
            Part::Log(image) => image.torn_tail().map(|(offset, len)| {
                let path = self.disk().path().join(image.name());
                Error::damaged(path, offset, format!("{len} bytes at the end are no whole frame")).to_string()
            }),
            Part::Segment(_) => None,
        };
        self.parts().iter().filter_map(tail).collect()
    }
}
