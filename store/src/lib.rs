//! The store: every run of every check, kept at full resolution for ever.
//!
//! `FORMAT.md` draws the bytes. This package reads no clock, opens no socket and is not asynchronous.

mod amendment;
mod aside;
mod blocks;
mod bundle;
mod bytes;
mod chunk;
mod column;
mod cursor;
mod damage;
pub mod disk;
mod error;
mod figure;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod hash;
mod health;
mod identity;
mod import;
mod instances;
mod leftover;
pub mod limits;
mod log;
mod mark;
mod names;
mod note;
mod options;
mod own_name;
mod position;
mod provenance;
mod reader;
mod recovery;
mod repair;
mod run;
mod search_budget;
mod segment;
mod small;
mod state;
mod statistics;
mod survey;
mod upkeep;
mod value;
mod verify;
mod writer;

pub use amendment::{Amendment, AmendmentKind, Amendments};
pub use bundle::{Bundle, BundleFault, Bundled, Framed, put_framed, read_bundle, read_framed};
pub use cursor::{Continuity, Cursor, Cursors, Delivered, FoundRun, StoreAt, fingerprint};
pub use damage::Damage;
pub use disk::writer_pid;
pub use error::{Error, Result};
pub use figure::Figure;
pub use health::{Health, Space};
pub use identity::{IDENTITY_NAME, Identity, NoIdentity};
pub use import::{Imported, Importer};
pub use instances::{Change, Changes, Instance, Instances};
pub use leftover::Leftover;
pub use note::Notes;
pub use options::Options;
pub use own_name::SERIES_NAME;
pub use position::Position;
pub use provenance::{Consolidation, Provenance};
pub use reader::{
    ArrivalRange, Arrivals, Arrived, ArrivedRev, Batch, Bucket, Catalogue, Cell, CheckInfo, CheckSeries,
    Column, Figures, Reader, RunFigure, RunState, Runs, Sample, SampleBatch, Samples, Scan, SeriesInfo,
    SeriesKey, SlotStretch, Slots, Snapshot, StateStretch, StateStretches, States, StoreInfo, Unread,
    Windows,
};
pub use repair::{Repaired, repair, repair_on};
pub use run::{Metric, Reason, Run, Standing};
pub use state::State;
pub use statistics::Statistics;
pub use value::{Bounds, Value};
pub use verify::{FileReport, Finding, Progress, Salvaged, is_store, salvage, verify, verify_on};
pub use writer::Writer;
