//! A feed: the runs of a store for one consumer, each at least once, from a durable cursor on.
//!
//! Nothing is buffered between the store and the consumer: the store is the buffer, and the cursor says how much of it the
//! consumer has. Invariants: only runs are handed out that their writer has acknowledged; what the cursor says is delivered was
//! acknowledged by the consumer; in a lane, the runs of a check come in the order of their numbers.

mod amended;
mod anchors;
mod backlog;
mod consumed;
mod continuity;
mod error;
mod excerpt;
mod feed;
mod lag;
mod live;
mod options;
mod owed;
mod piece;
mod place;
mod selection;
#[cfg(test)]
mod tests;

pub use consumed::Found;
pub use continuity::Notice;
pub use error::{FeedError, beyond};
pub use excerpt::{Excerpt, excerpt};
pub use feed::Feed;
pub use lag::Lag;
pub use options::{FeedOptions, From, Order};
pub use owed::{Asked, Why};
pub use piece::{Budget, FedRun, Gap, Loss, Piece, Progress};
pub use selection::Selection;
