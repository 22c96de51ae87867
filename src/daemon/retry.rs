//! A listener that could not be started, and further attempts to start it.
//!
//! Invariant: one attempt at a time, on a thread of its own, as it may look up names; checks are started meanwhile.

use tokio::sync::oneshot;

use crate::clock::{Moment, micros};
use crate::limits::LISTENER_RETRY;

/// Why a listener does not listen, and the attempts to have it listen.
#[derive(Debug)]
pub(super) struct Retry<T> {
    why: String,
    next_us: u64,
    under_way: Option<oneshot::Receiver<Result<T, String>>>,
}

impl<T: Send + 'static> Retry<T> {
    /// After a failure; the next attempt is made when it is due.
    pub(super) fn after(why: String, now: Moment) -> Retry<T> {
        Retry { why, next_us: now.after(LISTENER_RETRY).mono_us, under_way: None }
    }

    /// Why the last attempt failed.
    pub(super) fn why(&self) -> &str {
        &self.why
    }

    /// Whether an attempt is to be begun now.
    pub(super) fn is_due(&self, now: Moment) -> bool {
        self.under_way.is_none() && now.mono_us >= self.next_us
    }

    /// Begins an attempt. What it makes is dropped if nobody waits for it any more.
    pub(super) fn begin(
        &mut self,
        now: Moment,
        attempt: impl FnOnce() -> Result<T, String> + Send + 'static,
    ) {
        self.next_us = now.mono_us + micros(LISTENER_RETRY);
        let (send, under_way) = oneshot::channel();
        let work = move || drop(send.send(attempt()));
        match std::thread::Builder::new().name("custos-listen".to_owned()).spawn(work) {
            Ok(_) => self.under_way = Some(under_way),
            Err(error) => self.why = format!("failed to start a thread: {error}"),
        }
    }

    /// What the attempt under way has made, if it has ended and was successful. Another reason for a failure is logged.
    pub(super) fn made(&mut self) -> Option<T> {
        match self.under_way.as_mut()?.try_recv() {
            Ok(Ok(made)) => return Some(made),
            Ok(Err(why)) if why != self.why => {
                tracing::error!("{why}");
                self.why = why;
            }
            Ok(Err(_)) | Err(oneshot::error::TryRecvError::Closed) => {}
            Err(oneshot::error::TryRecvError::Empty) => return None,
        }
        self.under_way = None;
        None
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    fn at(mono_us: u64) -> Moment {
        Moment { mono_us, wall_ms: 0 }
    }

    fn ended<T: Send + 'static>(retry: &mut Retry<T>) -> Option<T> {
        loop {
            match retry.made() {
                None if retry.under_way.is_some() => std::thread::yield_now(),
                made => return made,
            }
        }
    }

    #[test]
    fn attempts_are_made_one_after_the_other_until_one_is_successful() {
        let interval = micros(LISTENER_RETRY);
        let mut retry: Retry<u8> = Retry::after("busy".to_owned(), at(0));
        assert!(!retry.is_due(at(interval - 1)) && retry.is_due(at(interval)));
        let (go, wait) = mpsc::channel::<()>();
        retry.begin(at(interval), move || {
            wait.recv().unwrap();
            Err("still busy".to_owned())
        });
        assert!(!retry.is_due(at(9 * interval)) && retry.made().is_none());
        go.send(()).unwrap();
        assert_eq!(ended(&mut retry), None);
        assert_eq!(retry.why(), "still busy");
        assert!(!retry.is_due(at(2 * interval - 1)) && retry.is_due(at(2 * interval)));
        retry.begin(at(2 * interval), || Ok(7));
        assert_eq!(ended(&mut retry), Some(7));
    }
}
