//! Who does the upkeep: a thread of its own, or the caller.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use super::plan::{Candidate, logs_to_seal, segments_to_merge};
use super::{Permit, merge, seal};
use crate::disk::Disk;
use crate::error::{Error, Result};
use crate::log::End;
use crate::names::{FileName, RESERVE_NAME};
use crate::options::Options;
use crate::segment::Segment;
use crate::survey::{Stray, survey_now};

/// How far upkeep goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Work {
    /// Nothing is asked for.
    #[default]
    None,
    /// Seal logs that are finished and merge where it is worth while.
    Usual,
    /// Also merge everything into as few segments as the size limit allows.
    Everything,
}

#[derive(Default)]
struct State {
    asked: Work,
    busy: bool,
    stop: bool,
    /// Logs from this number on are not finished.
    bound: u64,
    unsealed: u64,
    error: Option<String>,
}

/// What became of one step of upkeep.
enum Step {
    /// Something was sealed or merged.
    Done,
    /// There is nothing to do, but for what cannot be done.
    Nothing(Option<Error>),
}

struct Shared {
    disk: Arc<dyn Disk>,
    log_bytes: u64,
    segment_bytes_max: u64,
    reserve_bytes: u64,
    state: Mutex<State>,
    changed: Condvar,
    permit: Permit,
}

/// The upkeep of one store that is open for writing.
pub(crate) struct Upkeep {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Upkeep {
    /// With `background`, on a thread of its own; otherwise only within [`Upkeep::wait`].
    pub(crate) fn new(disk: Arc<dyn Disk>, options: &Options, permit: Permit) -> Result<Upkeep> {
        let path = disk.path().to_path_buf();
        let shared = Arc::new(Shared {
            disk,
            log_bytes: options.log_bytes,
            segment_bytes_max: options.segment_bytes_max,
            reserve_bytes: options.reserve_bytes,
            state: Mutex::default(),
            changed: Condvar::new(),
            permit,
        });
        let worker = Arc::clone(&shared);
        let thread = options
            .background
            .then(|| std::thread::Builder::new().name("store upkeep".to_owned()).spawn(move || worker.work()))
            .transpose()
            .map_err(Error::io("start the upkeep of", path))?;
        Ok(Upkeep { shared, thread })
    }

    /// Asks for work; logs that start before `bound` are finished.
    pub(crate) fn ask(&self, work: Work, bound: u64, unsealed: u64) {
        let mut state = self.shared.state();
        state.asked = state.asked.max(work);
        state.bound = state.bound.max(bound);
        state.unsealed += unsealed;
        self.shared.changed.notify_all();
    }

    /// Waits until all that was asked for is done, or failed.
    pub(crate) fn wait(&self) -> Result<()> {
        if self.thread.is_none() {
            let mut state = self.shared.state();
            let (work, bound) = (std::mem::take(&mut state.asked), state.bound);
            drop(state);
            return if work == Work::None { Ok(()) } else { self.shared.attend(work, bound) };
        }
        let state = self.shared.state();
        let idle = |state: &mut State| !state.stop && (state.busy || state.asked != Work::None);
        let state = self.shared.changed.wait_while(state, idle).unwrap_or_else(PoisonError::into_inner);
        match &state.error {
            Some(why) => Err(Error::Upkeep { why: why.clone() }),
            None => Ok(()),
        }
    }

    /// Waits until at most `logs` wait to be sealed, or sealing failed. With no thread it does not wait.
    pub(crate) fn wait_for_backlog(&self, logs: u64) {
        if self.thread.is_some() {
            let idle = |state: &mut State| state.unsealed > logs && (state.busy || state.asked != Work::None);
            drop(self.shared.changed.wait_while(self.shared.state(), idle));
        }
    }

    /// Logs that wait to be sealed, and what went wrong last.
    pub(crate) fn status(&self) -> (u64, Option<String>) {
        let state = self.shared.state();
        (state.unsealed, state.error.clone())
    }
}

impl Drop for Upkeep {
    /// Gives up what is under way; files stay as they were before it.
    fn drop(&mut self) {
        self.shared.permit.cancel();
        self.shared.state().stop = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // A panic in the thread has been reported by then and harmed no file.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        loop {
            let nothing = |state: &mut State| !state.stop && state.asked == Work::None;
            let mut state =
                self.changed.wait_while(self.state(), nothing).unwrap_or_else(PoisonError::into_inner);
            if state.stop {
                return;
            }
            let (work, bound) = (std::mem::take(&mut state.asked), state.bound);
            state.busy = true;
            drop(state);
            let done = self.attend(work, bound);
            let mut state = self.state();
            state.busy = false;
            state.error = done.err().map(|error| error.to_string());
            self.changed.notify_all();
        }
    }

    /// Does all there is to do, then restores the reserve. What cannot be tidied away or opened stays, and is the error
    /// in the end.
    fn attend(&self, work: Work, bound: u64) -> Result<()> {
        let tidied = self.tidy();
        let blocked = loop {
            let newest = self.state().bound.max(bound);
            let step = match self.step(work, newest) {
                Err(error) if error.is_no_space() && self.disk.remove(RESERVE_NAME).is_ok() => {
                    self.step(work, newest)
                }
                step => step,
            };
            match step? {
                Step::Done => {}
                Step::Nothing(blocked) => break blocked,
            }
        };
        self.hold_reserve();
        tidied?;
        blocked.map_or(Ok(()), Err)
    }

    /// Takes the reserve from the disk if it is not there. Without room for it, upkeep does without.
    fn hold_reserve(&self) {
        if self.reserve_bytes > 0 && self.disk.open(RESERVE_NAME).is_err() {
            let _ = self.disk.create(RESERVE_NAME, self.reserve_bytes);
        }
    }

    /// Removes what a larger segment has replaced, once it is known to have all of its runs, and what was never finished.
    fn tidy(&self) -> Result<()> {
        let survey = survey_now(&*self.disk)?;
        let mut tidied = Ok(());
        let mut remove = |name: String| {
            let removed = self.disk.remove(&name).map_err(Error::io("remove", self.disk.path().join(&name)));
            tidied = std::mem::replace(&mut tidied, Ok(())).and(removed);
        };
        let mut kept = Ok(());
        for file in &survey.replaced {
            match survey.check_replaced(&*self.disk, *file) {
                Ok(()) => remove(file.name()),
                Err(why) => kept = kept.and(Err(why)),
            }
        }
        for name in self.list()? {
            if FileName::parse(&name) == Some(FileName::Temporary) {
                remove(name);
            }
        }
        tidied.and(kept)
    }

    fn list(&self) -> Result<Vec<String>> {
        self.disk.list().map_err(Error::io("list", self.disk.path()))
    }

    /// Seals or merges once.
    fn step(&self, work: Work, bound: u64) -> Result<Step> {
        let survey = survey_now(&*self.disk)?;
        let (files, barriers) = (&survey.files, survey.barriers());
        if let Some((starts, end)) = logs_to_seal(files, bound, self.logs_at_once(files, bound), &barriers) {
            seal::seal(&*self.disk, (&starts, &barriers), End::at(end), &self.permit)?;
            let mut state = self.state();
            state.unsealed = state.unsealed.saturating_sub(starts.len() as u64);
            self.changed.notify_all();
            return Ok(Step::Done);
        }
        let mut broken = Vec::new();
        let Some(segments) = self.segments_to_merge(files, work == Work::Everything, &mut broken)? else {
            return Ok(Step::Nothing(blocked(survey.strays, broken)));
        };
        merge::merge(&*self.disk, &segments, &self.permit)?;
        Ok(Step::Done)
    }

    /// How many finished logs make one segment: full ones one by one, small ones together.
    fn logs_at_once(&self, files: &[FileName], bound: u64) -> usize {
        let mut bytes = 0_u64;
        let logs = files.iter().filter(|file| matches!(file, FileName::Log { start } if *start < bound));
        let fits = |file: &&FileName| {
            let size = self.disk.open(&file.name()).and_then(|file| file.size()).unwrap_or(0);
            bytes = bytes.saturating_add(size);
            bytes <= self.log_bytes
        };
        logs.take_while(fits).count().max(1)
    }

    /// The next segments to merge. One that is damaged stays by itself: why is added to `broken`.
    fn segments_to_merge(
        &self,
        files: &[FileName],
        all: bool,
        broken: &mut Vec<Error>,
    ) -> Result<Option<Vec<Segment>>> {
        // Merging is worth while, sealing is a must: room for a log's segment is left to it.
        let free = self.disk.free_bytes().unwrap_or(u64::MAX);
        let room = free.saturating_sub(self.log_bytes).min(self.segment_bytes_max);
        let mut stretch: Vec<Segment> = Vec::new();
        for file in files.iter().map(Some).chain([None]) {
            let opened = match file {
                Some(FileName::Segment { start, end }) => match Segment::open(&*self.disk, *start, *end) {
                    Ok(segment) => Some(segment),
                    Err(error @ Error::Damaged { .. }) => {
                        broken.push(error);
                        None
                    }
                    Err(error) => return Err(error),
                },
                _ => None,
            };
            match opened {
                Some(segment) => stretch.push(segment),
                None => {
                    let candidates: Vec<Candidate> = stretch.iter().map(candidate).collect();
                    if let Some(range) = segments_to_merge(&candidates, all, room) {
                        stretch.truncate(range.end);
                        stretch.drain(..range.start);
                        return Ok(Some(stretch));
                    }
                    stretch.clear();
                }
            }
        }
        Ok(None)
    }
}

/// What has the name of a log or segment and is none, or is broken, stays as it is: what is wrong with the first of them,
/// and how many more there are.
fn blocked(strays: Vec<Stray>, broken: Vec<Error>) -> Option<Error> {
    let mut all = strays.into_iter().map(|stray| stray.why).chain(broken);
    match (all.next()?, all.count()) {
        (Error::Damaged { path, offset, what }, more) if more > 0 => {
            Some(Error::Damaged { path, offset, what: format!("{what} (one of {} such files)", more + 1) })
        }
        (why, _) => Some(why),
    }
}

fn candidate(segment: &Segment) -> Candidate {
    let rows = segment.checks().map(|(_, extent)| extent.rows).fold(0, u64::saturating_add);
    Candidate { rows, bytes: segment.bytes() }
}
