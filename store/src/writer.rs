//! The one writer of a store.
//!
//! Invariants: run numbers only grow, and the number of a run that was refused is never another's; a log file is never
//! written to by a writer that did not create it; after a sync that failed nothing more is accepted, because what the disk
//! holds is no longer known.

use std::path::Path;
use std::sync::Arc;

use crate::disk::{Disk, LOCK_NAME, Lock, RealDisk};
use crate::error::{Error, Result};
use crate::health::{Health, Space};
use crate::identity::{self, Identity};
use crate::leftover::{Leftover, Refused};
use crate::limits::{LOG_BYTES_MIN, LOG_NAMES_TAKEN_MAX, SEQ_MAX};
use crate::log::{Appended, Before, LogWriter};
use crate::mark::{Mark, Marked};
use crate::names::{RESERVE_NAME, log_name};
use crate::note::Notes;
use crate::options::Options;
use crate::position::Position;
use crate::recovery::recover;
use crate::run::Run;
use crate::upkeep::{Permit, Upkeep, Work, displaced};

/// The writer: at most one a store, in one process.
pub struct Writer {
    disk: Arc<dyn Disk>,
    options: Options,
    identity: Identity,
    log: Option<LogWriter>,
    /// The number of the next run.
    next_seq: u64,
    /// Where the runs end that count; numbers from there to the next run's are of runs that were refused, or of none.
    before: Before,
    synced: Position,
    mark: Mark,
    health: Health,
    poisoned: Option<String>,
    /// The log is perhaps at no path any more.
    displaced: bool,
    /// Runs were refused, which no log says yet.
    unstated: Option<Refused>,
    // Before the lock, so that it ends first.
    upkeep: Upkeep,
    lock: Box<dyn Lock>,
}

impl Writer {
    /// Opens a store for writing and creates its directory where absent.
    ///
    /// # Errors
    /// [`Error::Locked`] if another writer has it open, [`Error::NotOwner`] and [`Error::Exposed`] if this user is not to
    /// write there, [`Error::Version`] if it was written by a newer version.
    pub fn open(dir: &Path, options: Options) -> Result<Writer> {
        let disk = RealDisk::new(dir);
        disk.create_dir().map_err(Error::io("create", dir))?;
        Writer::open_on(Arc::new(disk), options)
    }

    /// Opens a store on any disk.
    pub fn open_on(disk: Arc<dyn Disk>, options: Options) -> Result<Writer> {
        let lock = disk.lock()?;
        let (identity, identity_damaged) = identity::ensure(&*disk)?;
        let found = recover(&*disk)?;
        let upkeep = Upkeep::new(Arc::clone(&disk), &options, Permit::new(lock.id()))?;
        upkeep.ask(Work::Usual, found.next, found.logs);
        let mark = Mark::new(&*disk);
        let synced = Position(found.before.end);
        mark.set(Marked { synced, acknowledged: synced });
        let damages = found.damages + u64::from(identity_damaged);
        Ok(Writer {
            disk,
            options,
            identity,
            log: None,
            next_seq: found.next,
            before: found.before,
            synced,
            mark,
            health: Health { damages, ..Health::default() },
            poisoned: None,
            displaced: false,
            unstated: None,
            upkeep,
            lock,
        })
    }

    /// The notes of this store.
    pub fn notes(&self) -> Notes {
        Notes::on(Arc::clone(&self.disk))
    }

    /// Which store this is.
    pub fn identity(&self) -> Identity {
        self.identity
    }

    /// The position after the last run that was appended. Of the runs before it, each is there and stays, unless the power
    /// goes before the next sync; none that was refused is among them, and none will be added.
    pub fn acknowledged(&self) -> Position {
        Position(self.before.end)
    }

    /// The position after the last run that is durable: a power cut takes none of those before it.
    pub fn synced(&self) -> Position {
        self.synced
    }

    /// Appends a batch of (check, run) with one write, in that order. The runs are safe from the end of this process
    /// on return, and from a power cut after the next [`Writer::sync`]. Returns the position after the last run.
    ///
    /// # Errors
    /// On any error no run of the batch counts as stored: none is ever read, and their numbers are not given to other runs.
    /// [`Error::Refusing`] and errors for which [`Error::is_no_space`] holds pass when there is room again; just append
    /// the next batch.
    pub fn append(&mut self, batch: &[(&str, &Run)]) -> Result<Position> {
        if batch.is_empty() {
            return Ok(self.acknowledged());
        }
        let appended = self.try_append(batch);
        match &appended {
            Ok(_) => {
                self.health.stored_runs += batch.len() as u64;
                if self.health.refusing.take().is_some() {
                    // There is room again: for sealing too, which may have failed meanwhile.
                    self.upkeep.ask(Work::Usual, 0, 0);
                }
            }
            Err(error) => {
                self.health.refused_runs += batch.len() as u64;
                if !matches!(error, Error::RunTooLarge { .. }) {
                    self.health.refusing = Some(error.to_string());
                }
            }
        }
        appended
    }

    fn try_append(&mut self, batch: &[(&str, &Run)]) -> Result<Position> {
        let mut room = self.options.log_bytes;
        let mut least = LOG_BYTES_MIN.min(room);
        loop {
            if let Some(why) = &self.poisoned {
                return Err(Error::Refusing { why: why.clone() });
            }
            if self.next_seq.saturating_add(batch.len() as u64) > SEQ_MAX {
                return Err(Error::NumbersUsedUp { limit: SEQ_MAX });
            }
            let mut log = match self.log.take() {
                Some(log) => log,
                None => self.create_log(room, least)?,
            };
            self.unstated = None;
            match log.append(&*self.disk, batch) {
                Ok(Appended::Yes) => {
                    self.next_seq = log.next_seq();
                    self.before = Before { end: self.next_seq, exact: true };
                    self.log = Some(log);
                    self.set_mark();
                    return Ok(self.acknowledged());
                }
                Ok(Appended::Full { least: need, room: wanted }) => {
                    (room, least) = (room.max(need).max(wanted), least.max(need));
                    self.retire(log)?;
                }
                Err(error) if log.has_refused() => {
                    self.refuse(log, batch.len() as u64);
                    return Err(error);
                }
                Err(error) => {
                    // The dictionary may hold definitions that were not written, so the log ends here.
                    self.retire(log)?;
                    return Err(error);
                }
            }
        }
    }

    /// A log with that much room, or with less where the disk is nearly full, but not less than `least` bytes.
    fn create_log(&mut self, room: u64, least: u64) -> Result<LogWriter> {
        self.pass_taken_names()?;
        let mut room = room;
        loop {
            match LogWriter::create(&*self.disk, self.next_seq, self.before, room) {
                Err(error) if error.is_no_space() && room > least => room = (room / 2).max(least),
                created => return created,
            }
        }
    }

    /// A file that somebody has put where the next log would be is not replaced: its number is left out.
    fn pass_taken_names(&mut self) -> Result<()> {
        for _ in 0..LOG_NAMES_TAKEN_MAX {
            let name = log_name(self.next_seq);
            match self.disk.id_at(&name).map_err(Error::io("look for", self.disk.path().join(&name)))? {
                Some(_) => self.next_seq += 1,
                None => return Ok(()),
            }
        }
        let why = format!("{LOG_NAMES_TAKEN_MAX} files have the names that the next log could have");
        Err(Error::Refusing { why })
    }

    /// Ends a log in which the write of so many runs failed. What of them has reached the disk is cut off; the next log,
    /// which is begun at once, says that it does not count, to readers that have seen it and in case that it comes back.
    fn refuse(&mut self, log: LogWriter, runs: u64) {
        let next = log.next_seq().saturating_add(runs);
        // What it fails with is known from the write.
        let _ = self.retire(log);
        self.next_seq = next;
        let least = LOG_BYTES_MIN.min(self.options.log_bytes);
        self.unstated = Some(Refused { store: self.identity, end: self.before.end, next });
        if let Ok(log) = self.create_log(self.options.log_bytes, least) {
            self.log = Some(log);
            self.unstated = None;
        }
    }

    /// Ends a log: makes it durable, or removes it if it holds nothing and says nothing that must be remembered.
    fn retire(&mut self, mut log: LogWriter) -> Result<()> {
        self.next_seq = log.next_seq();
        if log.is_empty() && (log.has_refused() || self.poisoned.is_none()) {
            let name = log_name(log.start());
            return self.disk.remove(&name).map_err(Error::io("remove log", self.disk.path().join(&name)));
        }
        let finished = log.finish(&*self.disk);
        if let Err(error) = self.look_for(Some(&log)) {
            self.log = Some(log);
            return Err(error);
        }
        finished.inspect_err(|error| self.sync_failed(error))?;
        self.has_synced();
        self.upkeep.ask(Work::Usual, self.next_seq, 1);
        Ok(())
    }

    fn sync_failed(&mut self, error: &Error) {
        self.poison(format!(
            "a sync failed ({error}), so what the disk holds is not known; open the store again"
        ));
    }

    fn poison(&mut self, why: String) {
        self.health.refusing = Some(why.clone());
        self.poisoned = Some(why);
    }

    /// Looks whether the store at the path is still the one that is being written. To be called once a second while the
    /// store is open; [`Writer::sync`] does so too. Takes two system calls.
    ///
    /// # Errors
    /// [`Error::Displaced`] if it is not. The store takes no more runs then: see [`Writer::give_up`].
    pub fn look(&mut self) -> Result<()> {
        let log = self.log.take();
        let looked = self.look_for(log.as_ref());
        self.log = log;
        looked
    }

    fn look_for(&mut self, log: Option<&LogWriter>) -> Result<()> {
        self.lock.renew();
        let lock = displaced(&*self.disk, LOCK_NAME, self.lock.id());
        let what = lock.or_else(|| log.and_then(|log| displaced(&*self.disk, log.name(), log.id())));
        let Some(what) = what else { return Ok(()) };
        let error = Error::Displaced { path: self.disk.path().to_path_buf(), what };
        self.displaced = true;
        self.poison(error.to_string());
        Err(error)
    }

    /// Ends a writer that takes no more runs, and keeps what the next one has to know: which runs were refused, and those
    /// that are in a log which may be at no path any more. Returns how many runs are lost all the same.
    pub fn give_up(mut self, leftover: &mut Leftover) -> u64 {
        if let Some(refused) = self.unstated.take() {
            leftover.keep_refused(refused);
        }
        match self.log.take() {
            Some(log) if self.displaced && !log.is_empty() => leftover.keep_log(log.into_image()),
            _ => 0,
        }
    }

    /// Takes over what another writer left, right after this one was opened: appends the runs that the store does not have.
    /// Returns how many there were.
    ///
    /// # Errors
    /// Those of [`Writer::append`]. What was not taken over remains in `leftover`.
    pub fn take_over(&mut self, leftover: &mut Leftover) -> Result<u64> {
        if let Some(end) = leftover.take_refused(self.identity, self.before.end) {
            self.before.end = end;
        }
        let disk = Arc::clone(&self.disk);
        leftover.rescue(&disk, &mut |batch| self.append(batch).map(drop))
    }

    fn has_synced(&mut self) {
        let synced = self.acknowledged();
        if synced > self.synced {
            self.synced = synced;
            self.set_mark();
        }
    }

    fn set_mark(&self) {
        self.mark.set(Marked { synced: self.synced, acknowledged: self.acknowledged() });
    }

    /// Makes all appended runs durable. The caller owns the clock and calls this by its policy.
    ///
    /// # Errors
    /// After an error the store refuses all runs until it is opened again. [`Error::Displaced`] as for [`Writer::look`].
    pub fn sync(&mut self) -> Result<()> {
        if let Some(log) = &mut self.log {
            log.sync(&*self.disk).inspect_err(|error| self.sync_failed(error))?;
            self.look()?;
            self.has_synced();
        }
        Ok(())
    }

    /// Ends the current log, so that it is sealed soon.
    pub fn seal(&mut self) -> Result<()> {
        match self.log.take() {
            Some(log) => self.retire(log),
            None => Ok(()),
        }
    }

    /// Waits until the logs that are finished have been sealed and merging has nothing to do.
    ///
    /// # Errors
    /// What went wrong in doing so. Runs are safe in any case.
    pub fn settle(&mut self) -> Result<()> {
        self.upkeep.ask(Work::Usual, 0, 0);
        self.upkeep.wait()
    }

    /// Seals everything and merges it into as few segments as the size limit allows. Takes a while.
    pub fn compact(&mut self) -> Result<()> {
        self.seal()?;
        self.upkeep.ask(Work::Everything, self.next_seq, 0);
        self.upkeep.wait()
    }

    /// Waits until at most `logs` finished logs wait to be sealed. A bulk import calls this now and then, so that it
    /// does not run away from sealing.
    pub fn wait_for_backlog(&self, logs: u64) {
        self.upkeep.wait_for_backlog(logs);
    }

    /// How the store is doing. Asks the file system for its free space.
    pub fn health(&self) -> Health {
        let mut health = self.health.clone();
        if let Ok(free) = self.disk.free_bytes() {
            let space = if free < self.options.low_space_bytes { Space::Low } else { Space::Enough };
            (health.free_bytes, health.space) = (Some(free), space);
        }
        (health.unsealed_logs, health.maintenance_error) = self.upkeep.status();
        health
    }

    /// Syncs and ends writing; sealing and merging under way are given up. Dropping a writer instead loses nothing
    /// that was appended, but does not sync.
    pub fn close(mut self) -> Result<()> {
        self.seal()?;
        let Writer { disk, upkeep, lock: _lock, .. } = self;
        drop(upkeep);
        match disk.remove(RESERVE_NAME) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::io("remove", disk.path().join(RESERVE_NAME))(error))
            }
            _ => Ok(()),
        }
    }
}
