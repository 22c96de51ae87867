//! What can be asked of a store: an opened store goes in, plain data comes out.
//!
//! Pure but for the reading itself: no clock (the caller passes the time), no sockets, no runtime, no file formats. The
//! command line, HTTP, rules and sinks ask through this package and only put the answers into words.

#![forbid(unsafe_code)]

mod apart;
mod bucketed;
mod built_in;
mod change;
mod changes;
mod check_series;
mod checks;
mod columns;
mod consolidated;
mod context;
mod envelope;
mod error;
mod events;
mod forecast;
mod intervals;
mod json;
mod latest;
pub mod limits;
mod mean;
mod merged;
mod new_texts;
mod newest;
mod normal;
mod normal_days;
mod outbound;
mod placed;
mod printable;
mod promql;
mod rate;
mod run_json;
mod selector;
mod series;
mod series_title;
mod shifts;
mod similar;
mod stand;
mod state_bar;
mod unit;
mod verdict;

pub use apart::{consolidated_check, consolidated_name, own_check, told_name, watched_check, watched_name};
pub use bucketed::Bucketed;
pub use built_in::{BuiltIn, was_run};
pub use change::{Change, ChangeKind, PreviousState, change_kind, is_judged, stored_change};
pub use changes::{ChangesRequest, SeriesChange};
pub use checks::{all_known, check_names};
pub use columns::{Column, Columns, part_of};
pub use consolidated::{ConsolidatedColumn, ConsolidatedCurve, read_consolidated};
pub use context::ReadContext;
pub use custos_memory::Change as MetricChange;
pub use custos_memory::limits::{CHANGE_HISTORY_DAYS, FORECAST_DAYS};
pub use custos_memory::{Band, WEEK_HOURS};
pub use custos_memory::{Form as SimilarForm, Silent as ForecastSilent};
pub use envelope::{
    CheckEnvelope, Drawn, DrawnCheck, Envelope, EnvelopeRequest, Limit, Others, consolidated_names,
    drawable_checks, drawable_series,
};
pub use error::{Error, Offer, Result};
pub use events::{Event, EventFold, EventKind, EventRequest, PENDING};
pub use forecast::{ForecastRequest, Forecasted};
pub use intervals::Intervals;
pub use json::write_json_line;
pub use latest::{LatestRuns, latest_runs};
pub use mean::Mean;
pub use merged::{MergedRuns, merged_runs};
pub use new_texts::{NewText, NewTextsRequest};
pub use newest::{Listed, NewestRuns, Pick};
pub use normal::{Normal, NormalRequest};
pub use normal_days::{NormalDays, NormalHistory, day_and_hour};
pub use outbound::{
    OutboundRuns, OutboundSample, OutboundSeries, RunSample, RunSeries, Wanted, outbound_labels,
    outbound_series, walk_outbound,
};
pub use printable::{is_unsafe, printable};
pub use promql::{Known, LiveSource, Look, Selections, StoreSource, query_threads};
pub use rate::{COUNTER, Rate};
pub use run_json::RunJson;
pub use selector::Selector;
pub use series::{Reported, Series};
pub use series_title::series_title;
pub use shifts::{SeriesShift, ShiftRequest, Shifts};
pub use similar::{Similar, SimilarMatch, SimilarRequest, SimilarSeries};
pub use stand::Stand;
pub use state_bar::StateBar;
pub use unit::unit_of;
pub use verdict::{threshold_lines, verdict_text};
