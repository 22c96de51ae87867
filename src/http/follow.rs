//! `GET /api/stream?follow=SECONDS`: an answer that does not end. Lines come as runs are stored, and where nothing comes, a line that
//! says where the client is, every so many seconds.
//!
//! Invariants: of a client there are at most two pieces of lines in memory; one that does not read is given up, and one that has gone
//! is forgotten at once.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use custos_store::Position;
use http_body_util::Full;
use hyper::body::{Body, Bytes, Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};

use super::api::StreamWish;
use super::params::Params;
use super::reply::{Failure, Reply};
use super::stores::Stores;
use super::watch::Watching;
use crate::clock::{self, micros};
use crate::feed::lines::Lines;
use crate::feed::read::Budget;
use crate::limits::{
    HTTP_FOLLOW_BYTES, HTTP_FOLLOW_HEARTBEAT_MAX, HTTP_FOLLOW_POLL, HTTP_FOLLOW_RUNS, HTTP_FOLLOWERS_MAX,
    HTTP_FOLLOWS_AT_ONCE, HTTP_SEND_TIMEOUT,
};

/// The clients that follow.
pub(super) struct Follows {
    places: Arc<Semaphore>,
    /// Threads that may read the store for them at once.
    turns: Arc<Semaphore>,
    /// Whether the server is about to end.
    leaving: watch::Receiver<bool>,
}

/// An answer that goes on, or one that is there whole.
pub(super) enum Outgoing {
    Whole(Full<Bytes>),
    Following(Following),
    Watching(Watching),
}

/// What comes for one client.
pub(super) struct Following {
    pieces: mpsc::Receiver<Bytes>,
    _place: OwnedSemaphorePermit,
}

impl Follows {
    pub(super) fn new(leaving: watch::Receiver<bool>) -> Follows {
        let places = Arc::new(Semaphore::new(HTTP_FOLLOWERS_MAX));
        Follows { places, turns: Arc::new(Semaphore::new(HTTP_FOLLOWS_AT_ONCE)), leaving }
    }

    /// Begins an answer that goes on.
    ///
    /// # Errors
    /// The answer where it cannot be begun.
    pub(super) async fn begin(&self, stores: &Arc<Stores>, params: Params) -> Result<Following, Reply> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| {
            Reply::failure(Failure::Timeout, &format!("{HTTP_FOLLOWERS_MAX} clients follow already"))
        })?;
        let seconds = params.get("follow").parse().ok().map(Duration::from_secs);
        let is_bounded = |pause: &Duration| !pause.is_zero() && *pause <= HTTP_FOLLOW_HEARTBEAT_MAX;
        let heartbeat = seconds.filter(is_bounded).ok_or_else(|| {
            let most = HTTP_FOLLOW_HEARTBEAT_MAX.as_secs();
            Reply::invalid("follow", &format!("it is no number of seconds from 1 to {most}"))
        })?;
        let turn = self.turns.acquire().await;
        let reading = Arc::clone(stores);
        let wish = tokio::task::spawn_blocking(move || StreamWish::of(&params, &reading.now())).await;
        drop(turn);
        let wish = wish.unwrap_or_else(|error| Err(Reply::failure(Failure::Internal, &error.to_string())))?;
        let (sender, pieces) = mpsc::channel(1);
        let lines = Lines::new(wish.form);
        let from = wish.from;
        let follower = Follower {
            stores: Arc::clone(stores),
            wish,
            from,
            lines,
            heartbeat,
            turns: Arc::clone(&self.turns),
            leaving: self.leaving.clone(),
        };
        tokio::spawn(follower.run(sender));
        Ok(Following { pieces, _place: place })
    }

    /// How many clients may still come.
    #[cfg(test)]
    fn places(&self) -> usize {
        self.places.available_permits()
    }
}

/// What reads for one client.
struct Follower {
    stores: Arc<Stores>,
    wish: StreamWish,
    from: Position,
    lines: Lines,
    heartbeat: Duration,
    turns: Arc<Semaphore>,
    leaving: watch::Receiver<bool>,
}

impl Follower {
    /// Goes on until the client has gone, does not read, or the server ends.
    async fn run(mut self, pieces: mpsc::Sender<Bytes>) {
        let mut told_us = None;
        let mut leaving = self.leaving.clone();
        loop {
            let Ok(turn) = Arc::clone(&self.turns).acquire_owned().await else { return };
            let read = tokio::task::spawn_blocking(move || {
                let read = self.step();
                (self, read)
            });
            let Ok((follower, read)) = read.await else { return };
            drop(turn);
            self = follower;
            let (has_lines, piece, more) = match read {
                Ok(read) => read,
                Err(why) => {
                    tracing::warn!("a client that follows the store is given up: {why}");
                    return;
                }
            };
            let now_us = clock::now().mono_us;
            let is_due = |told_us: u64| now_us.saturating_sub(told_us) >= micros(self.heartbeat);
            if has_lines || told_us.is_none_or(is_due) {
                told_us = Some(now_us);
                tokio::select! {
                    sent = tokio::time::timeout(HTTP_SEND_TIMEOUT, pieces.send(piece)) => {
                        if !matches!(sent, Ok(Ok(()))) {
                            return;
                        }
                    }
                    _ = leaving.wait_for(|leaving| *leaving) => return,
                }
            }
            if !more {
                tokio::select! {
                    () = tokio::time::sleep(HTTP_FOLLOW_POLL) => {}
                    () = pieces.closed() => return,
                    _ = leaving.wait_for(|leaving| *leaving) => return,
                }
            }
        }
    }

    /// The next lines and where the client is behind them; whether there are any, and whether there is more already.
    fn step(&mut self) -> Result<(bool, Bytes, bool), String> {
        let snapshot = self.stores.now();
        let budget = Budget { runs: HTTP_FOLLOW_RUNS, bytes: HTTP_FOLLOW_BYTES };
        let told = self.wish.lines(&snapshot, self.from, &mut self.lines, budget)?;
        self.from = told.position;
        Ok((told.has_lines, Bytes::from(told.text), told.more))
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let pieces = match self.get_mut() {
            Outgoing::Whole(body) => return Pin::new(body).poll_frame(context),
            Outgoing::Following(following) => &mut following.pieces,
            Outgoing::Watching(watching) => &mut watching.pieces,
        };
        pieces.poll_recv(context).map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Outgoing::Whole(body) => body.is_end_stream(),
            Outgoing::Following(_) | Outgoing::Watching(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Outgoing::Whole(body) => body.size_hint(),
            Outgoing::Following(_) | Outgoing::Watching(_) => SizeHint::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use custos_store::{Options, Run, Writer};
    use http_body_util::BodyExt;

    use super::*;

    fn run(time_ms: i64) -> Run {
        Run { time_ms, ..Run::default() }
    }

    async fn next(outgoing: &mut Outgoing) -> String {
        let frame = outgoing.frame().await.unwrap().unwrap();
        String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap()
    }

    async fn follow(follows: &Follows, stores: &Arc<Stores>, query: &str) -> Result<Outgoing, u16> {
        let params = Params::of(query, b"").unwrap();
        follows.begin(stores, params).await.map(Outgoing::Following).map_err(|reply| reply.status)
    }

    #[tokio::test]
    async fn what_is_stored_comes_and_a_client_that_has_gone_is_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = Writer::open(dir.path(), Options::default()).unwrap();
        writer.append(&[("a", &run(1))]).unwrap();
        writer.sync().unwrap();
        let stores = Arc::new(Stores::open(dir.path()).unwrap());
        let (leave, leaving) = watch::channel(false);
        let follows = Follows::new(leaving);
        let mut following = follow(&follows, &stores, "follow=60").await.unwrap();
        let first = next(&mut following).await;
        assert!(
            first.starts_with("{\"position\":1,\"check\":\"a\"") && first.lines().count() == 2,
            "{first}"
        );
        // A line of its own says where the client is.
        let last: serde_json::Value = serde_json::from_str(first.lines().last().unwrap()).unwrap();
        assert_eq!((&last["position"], &last["more"]), (&1.into(), &false.into()));
        writer.append(&[("b", &run(2)), ("a", &run(3))]).unwrap();
        writer.sync().unwrap();
        let second = next(&mut following).await;
        assert!(second.contains("\"check\":\"b\"") && second.lines().count() == 3, "{second}");
        assert_eq!(follows.places(), HTTP_FOLLOWERS_MAX - 1);
        drop(following);
        assert_eq!(follows.places(), HTTP_FOLLOWERS_MAX);
        // Where nothing comes there is a line all the same.
        let mut idle = follow(&follows, &stores, "follow=1&from=end").await.unwrap();
        assert_eq!(next(&mut idle).await, next(&mut idle).await);
        let _ = leave.send(true);
        assert!(idle.frame().await.is_none());
    }

    #[tokio::test]
    async fn only_so_many_may_follow() {
        let dir = tempfile::tempdir().unwrap();
        drop(Writer::open(dir.path(), Options::default()).unwrap());
        let stores = Arc::new(Stores::open(dir.path()).unwrap());
        let (_leave, leaving) = watch::channel(false);
        let follows = Follows::new(leaving);
        let mut all = Vec::new();
        for _ in 0..HTTP_FOLLOWERS_MAX {
            all.push(follow(&follows, &stores, "follow=5").await.unwrap());
        }
        assert_eq!(follow(&follows, &stores, "follow=5").await.err(), Some(503));
        all.pop();
        for wrong in ["follow=0", "follow=x", "follow=61", "follow=5&from=x", "follow=5&form=x"] {
            assert_eq!(follow(&follows, &stores, wrong).await.err(), Some(400), "{wrong}");
        }
        assert_eq!(follow(&follows, &stores, "follow=5&store=00").await.err(), Some(409));
    }
}
