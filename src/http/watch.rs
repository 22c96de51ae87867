//! `GET /api/watch`: what the agent shows of checks that are watched, for as long as the client is there.
//!
//! Invariants: for a client that is slow there are at most the newest [`WATCH_LINES_MAX`](crate::limits::WATCH_LINES_MAX) lines, and it is
//! told how many it missed; one that has gone is forgotten at once, one that takes nothing within the lease of `wire.rs`.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::thread;

use crossbeam::channel::{Sender, bounded};
use hyper::body::Bytes;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::time::{MissedTickBehavior, interval};

use super::access::Who;
use super::api::{WatchForm, WatchWish};
use super::places::client_of;
use super::reply::{Failure, Reply};
use super::stores::Stores;
use crate::clock;
use crate::control::{self, AskError, WatchedLines};
use crate::limits::{
    HTTP_WATCHERS_MAX, HTTP_WATCHERS_PER_CLIENT_MAX, HTTP_WATCHES_AT_ONCE, WATCH_QUERY_LINES_MAX,
    WATCH_TIME_INTERVAL,
};
use crate::live::{LiveLine, Queries, Shown, Wish, past, pump};
use crate::lock::locked;

/// Whose watching is counted together: all who show one token, else all of one [client](client_of).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Client {
    Shown(Who),
    At(Option<IpAddr>),
}

impl Client {
    pub(super) fn of(who: Who, peer: Option<IpAddr>) -> Client {
        match who {
            Who::Token(_) => Client::Shown(who),
            Who::Certified | Who::Anybody => Client::At(peer.map(client_of)),
        }
    }
}

/// Those who watch.
pub(super) struct Watches {
    /// Those that are looked up in the store before they begin.
    beginning: Arc<Semaphore>,
    counts: Arc<Mutex<HashMap<Client, usize>>>,
    /// Whether the server is about to end.
    leaving: watch::Receiver<bool>,
}

/// What comes for one who watches.
pub(super) struct Watching {
    pub(super) pieces: mpsc::Receiver<Bytes>,
    pub(super) form: WatchForm,
    _place: Place,
}

/// The place of one who watches, which is free again when this is dropped.
struct Place {
    counts: Arc<Mutex<HashMap<Client, usize>>>,
    client: Client,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = locked(&self.counts);
        if let Some(count) = counts.get_mut(&self.client) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.client);
            }
        }
    }
}

impl Watches {
    pub(super) fn new(leaving: watch::Receiver<bool>) -> Watches {
        let beginning = Arc::new(Semaphore::new(HTTP_WATCHES_AT_ONCE));
        Watches { beginning, counts: Arc::default(), leaving }
    }

    fn place(&self, client: Client) -> Result<Place, Reply> {
        let mut counts = locked(&self.counts);
        if counts.values().sum::<usize>() >= HTTP_WATCHERS_MAX {
            return Err(unavailable(&format!("{HTTP_WATCHERS_MAX} watch over HTTP already")));
        }
        let count = counts.entry(client).or_default();
        if *count >= HTTP_WATCHERS_PER_CLIENT_MAX {
            let what = format!(
                "{HTTP_WATCHERS_PER_CLIENT_MAX} watch with this token, or from this address, already"
            );
            return Err(unavailable(&what));
        }
        *count += 1;
        drop(counts);
        Ok(Place { counts: Arc::clone(&self.counts), client })
    }

    /// Begins to watch, by way of the agent of a store.
    ///
    /// # Errors
    /// The answer where that cannot be.
    pub(super) async fn begin(
        &self,
        stores: &Arc<Stores>,
        client: Client,
        wish: WatchWish,
    ) -> Result<Watching, Reply> {
        let place = self.place(client)?;
        let WatchWish { checks, queries, every_ms, form, past_ms } = wish;
        let (queries, asking) = self.ask(stores, queries, &checks).await?;
        let all = queries.as_ref().map_or_else(|| checks.clone(), Queries::checks);
        if all.is_empty() {
            return Err(Reply::invalid(
                "query",
                &format!("nothing is selected: {}", asking.concat().trim_end()),
            ));
        }
        let wishes = all.into_iter().map(|check| Wish { check, every_ms }).collect();
        let dir = stores.dir().to_owned();
        let watched = self.blocking(move || control::watch(&dir, wishes)).await?;
        let mut lines =
            watched.and_then(WatchedLines::of).map_err(|error| unavailable(&error.to_string()))?;
        // Whether the agent refuses is known with the first line.
        let first = lines.next_line().await.map_err(|error| unavailable(&error.to_string()))?;
        let Some(first) = first else { return Err(unavailable(&AskError::Closed.to_string())) };
        let shown = Arc::new(Shown::default());
        shown.push(time());
        // Read after the watching has begun, it has no hole before what comes now.
        let (past, queries) = self.before(stores, checks, queries, past_ms).await?;
        let took = match queries {
            None => Took::Shown(Arc::clone(&shown)),
            Some(queries) => Took::answering(queries, Arc::clone(&shown)),
        };
        took.take(first);
        let (sender, pieces) = mpsc::channel(1);
        let first = Bytes::from(form.write(&[asking, past].concat()));
        tokio::spawn(show((lines, took), shown, (first, form), sender, self.leaving.clone()));
        Ok(Watching { pieces, form, _place: place })
    }

    /// Begins with expressions, if there are some, and the lines that say so.
    async fn ask(
        &self,
        stores: &Arc<Stores>,
        texts: Vec<String>,
        named: &[String],
    ) -> Result<(Option<Queries>, Vec<Arc<str>>), Reply> {
        if texts.is_empty() {
            return Ok((None, Vec::new()));
        }
        let (stores, named) = (Arc::clone(stores), named.to_vec());
        self.blocking(move || {
            let snapshot = stores.now();
            let look = Box::new(move || Some(stores.now()));
            let (queries, lines) = Queries::begin(&texts, named, look, &snapshot);
            (Some(queries), lines)
        })
        .await
    }

    /// The lines of what was before, from so many ms ago on.
    async fn before(
        &self,
        stores: &Arc<Stores>,
        checks: Vec<String>,
        mut queries: Option<Queries>,
        past_ms: i64,
    ) -> Result<(Vec<Arc<str>>, Option<Queries>), Reply> {
        if past_ms == 0 {
            return Ok((Vec::new(), queries));
        }
        let stores = Arc::clone(stores);
        self.blocking(move || {
            let span = clock::now_ms().saturating_sub(past_ms)..i64::MAX;
            let snapshot = stores.now();
            let mut lines = past(&snapshot, &checks, span.clone());
            if let Some(queries) = &mut queries {
                lines.extend(queries.past(&snapshot, span));
            }
            (lines, queries)
        })
        .await
    }

    /// What waits for the disk or the agent, off the threads that answer. What has begun goes on although its client has gone, so only so
    /// much of that is at once; who waits and has gone is left out.
    async fn blocking<T: Send + 'static>(
        &self,
        what: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Reply> {
        let permit = Arc::clone(&self.beginning).acquire_owned().await;
        let done = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            what()
        });
        done.await.map_err(|error| Reply::failure(Failure::Internal, &error.to_string()))
    }
}

/// Where the lines of the agent go.
enum Took {
    /// To who watches.
    Shown(Arc<Shown>),
    /// To where expressions are answered with them, by a thread that ends with this.
    Answered { lines: Sender<Result<String, Infallible>>, over: oneshot::Receiver<()>, shown: Arc<Shown> },
}

impl Took {
    fn answering(queries: Queries, shown: Arc<Shown>) -> Took {
        let (sender, lines) = bounded(WATCH_QUERY_LINES_MAX);
        let to = Arc::clone(&shown);
        let (done, over) = oneshot::channel();
        thread::spawn(move || {
            // Dropped at the end, which tells whoever waits for it.
            let _done: oneshot::Sender<()> = done;
            let Ok(()) = pump(queries, &lines, |line| {
                to.push(format!("{line}\n").into());
                true
            });
        });
        Took::Answered { lines: sender, over, shown }
    }

    fn take(&self, line: String) {
        match self {
            Took::Shown(shown) => shown.push(format!("{line}\n").into()),
            // Where answers take so long, some are without a run, which is told.
            Took::Answered { lines, shown, .. } if lines.try_send(Ok(line)).is_err() => shown.missed(),
            Took::Answered { .. } => {}
        }
    }

    /// Waits until all that was taken is shown.
    async fn finish(self) {
        if let Took::Answered { lines, over, .. } = self {
            drop(lines);
            // Nothing is said but that it is over.
            let _ = over.await;
        }
    }
}

fn unavailable(what: &str) -> Reply {
    Reply::failure(Failure::Timeout, what)
}

fn time() -> Arc<str> {
    LiveLine::of_time(clock::now_ms(), None)
}

/// Goes on until the client has gone, nothing is watched any more, or the server ends.
async fn show(
    (lines, took): (WatchedLines, Took),
    shown: Arc<Shown>,
    (first, form): (Bytes, WatchForm),
    pieces: mpsc::Sender<Bytes>,
    mut leaving: watch::Receiver<bool>,
) {
    let gathering = async {
        gather(lines, &took, &shown).await;
        took.finish().await;
        shown.end();
        std::future::pending::<()>().await;
    };
    let handing_on = async {
        if first.is_empty() || pieces.send(first).await.is_ok() {
            hand_on(&shown, form, &pieces).await;
        }
    };
    tokio::select! {
        () = gathering => {}
        () = handing_on => {}
        () = pieces.closed() => {}
        _ = leaving.wait_for(|leaving| *leaving) => {}
    }
}

/// Has the lines of the agent shown, and the time every second, until the agent has no more.
async fn gather(mut lines: WatchedLines, took: &Took, shown: &Shown) {
    let reading = async {
        loop {
            match lines.next_line().await {
                Ok(Some(line)) => took.take(line),
                Ok(None) => return,
                Err(error) => {
                    tracing::debug!("what is watched over HTTP has ended: {error}");
                    return;
                }
            }
        }
    };
    let telling = async {
        let mut ticks = interval(WATCH_TIME_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        ticks.tick().await;
        loop {
            ticks.tick().await;
            shown.push(time());
        }
    };
    tokio::select! {
        () = reading => {}
        () = telling => {}
    }
}

/// Hands on what is shown, as fast as the client takes it, until there is no more.
async fn hand_on(shown: &Shown, form: WatchForm, pieces: &mpsc::Sender<Bytes>) {
    while let Ok(room) = pieces.reserve().await {
        let Some(lines) = shown.take().await else { return };
        room.send(Bytes::from(form.write(&lines)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_so_many_may_watch_with_one_token_and_in_all() {
        let (_leave, leaving) = watch::channel(false);
        let watches = Watches::new(leaving);
        let of = |number: u8| Client::of(Who::Token([number; 32]), None);
        let mut places = Vec::new();
        for number in 0..(HTTP_WATCHERS_MAX / HTTP_WATCHERS_PER_CLIENT_MAX) as u8 {
            for _ in 0..HTTP_WATCHERS_PER_CLIENT_MAX {
                places.push(watches.place(of(number)).unwrap());
            }
            assert_eq!(watches.place(of(number)).err().map(|reply| reply.status), Some(503));
        }
        let other = Client::of(Who::Anybody, Some([127, 0, 0, 1].into()));
        assert!(watches.place(other).err().unwrap().body.contains("watch over HTTP already"));
        places.clear();
        assert!(watches.place(other).is_ok());
        assert!(locked(&watches.counts).is_empty());
    }

    #[tokio::test]
    async fn a_slow_client_gets_the_newest_and_is_told_what_it_missed() {
        let shown = Shown::default();
        let (sender, mut pieces) = mpsc::channel::<Bytes>(1);
        shown.push("0\n".into());
        let reading = async {
            assert_eq!(pieces.recv().await.unwrap(), "0\n");
            // One piece is on its way; what comes after it waits.
            shown.push("1\n".into());
            while pieces.is_empty() {
                tokio::task::yield_now().await;
            }
            for number in 2..crate::limits::WATCH_LINES_MAX + 5 {
                shown.push(format!("{number}\n").into());
            }
            shown.end();
            assert_eq!(pieces.recv().await.unwrap(), "1\n");
            let rest = pieces.recv().await.unwrap();
            assert!(rest.starts_with(b"{\"dropped\":3}\n5\n"), "{rest:?}");
        };
        tokio::join!(hand_on(&shown, WatchForm::Lines, &sender), reading);
    }
}
