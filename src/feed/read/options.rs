//! What a feed delivers, from where on, and in what order.

use custos_store::Position;

use super::selection::Selection;

/// Where a feed begins that has no cursor yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum From {
    /// With the first run that the store has.
    #[default]
    Start,
    /// At a position.
    Position(Position),
    /// With the run that arrived first of those whose time is this or later, in ms since the epoch.
    Time(i64),
    /// With the next run that is stored.
    End,
}

/// What comes first where a consumer is behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// All runs in the order in which they arrived: for consumers that take no older run after a newer one. What is behind delays
    /// what is new.
    #[default]
    InOrder,
    /// The newest at once, and beside it, check by check, what is behind: for consumers that take any order.
    Beside,
}

/// What a feed delivers.
#[derive(Clone, Debug, Default)]
pub struct FeedOptions {
    /// The name of its cursor; a feed without is not durable.
    pub name: Option<String>,
    /// Where it begins without a cursor.
    pub from: From,
    /// Begin there even if there is a cursor.
    pub anew: bool,
    /// What comes first.
    pub order: Order,
    /// Which checks and metrics.
    pub selection: Selection,
}
