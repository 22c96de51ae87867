//! Deliveries under way: each message is sent on the runtime of the listener, so that no receiver delays a check.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::timeout;

use crate::config::Target;
use crate::control::Response;
use crate::limits::{NOTIFY_DELIVERIES_MAX, NOTIFY_DELIVERIES_QUEUE_MAX, NOTIFY_DELIVERY_TIMEOUT};
use crate::notify::Notification;
use crate::notify::send::{Receipt, Sender, Taken};

/// What became of a delivery.
pub(super) struct Delivered {
    pub(super) ticket: u64,
    /// What became of each alert of the message.
    pub(super) alerts: Vec<Taken>,
}

/// Sends messages.
pub(super) struct Deliveries {
    sender: Sender,
    serving: Handle,
    permits: Arc<Semaphore>,
    ended: mpsc::Sender<Delivered>,
    /// Commands that wait for the end of a trial.
    asked: HashMap<u64, oneshot::Sender<Response>>,
    last_asker: u64,
}

impl Deliveries {
    /// Sends by `sender` on the runtime `serving`; what becomes of each message comes out of the receiver.
    pub(super) fn new(sender: Sender, serving: Handle) -> (Deliveries, mpsc::Receiver<Delivered>) {
        let (ended, receiver) = mpsc::channel(NOTIFY_DELIVERIES_QUEUE_MAX);
        let permits = Arc::new(Semaphore::new(NOTIFY_DELIVERIES_MAX));
        (Deliveries { sender, serving, permits, ended, asked: HashMap::new(), last_asker: 0 }, receiver)
    }

    /// Sends from now on by this sender.
    pub(super) fn replace(&mut self, sender: Sender) {
        self.sender = sender;
    }

    /// Begins to send a message.
    pub(super) fn begin(&self, ticket: u64, target: Arc<Target>, notification: Box<Notification>) {
        let (sender, permits, ended) = (self.sender.clone(), Arc::clone(&self.permits), self.ended.clone());
        let count = notification.alerts.len();
        let sending = async move {
            // The semaphore is never closed.
            let _permit = permits.acquire_owned().await;
            timeout(NOTIFY_DELIVERY_TIMEOUT, sender.send(&target, &notification)).await
        };
        let sending = self.serving.spawn(sending);
        self.serving.spawn(async move {
            let later = |why: &str| Receipt::all(count, Taken::Later(why.to_owned()));
            let receipt = match sending.await {
                Ok(Ok(receipt)) => receipt,
                Ok(Err(_)) => later(&format!("it took longer than {} s", NOTIFY_DELIVERY_TIMEOUT.as_secs())),
                Err(_) => later("sending broke off; the log says why"),
            };
            // The agent may have ended.
            let _ = ended.send(Delivered { ticket, alerts: receipt.alerts }).await;
        });
    }

    /// Has a command wait for the end of a trial; returns its number.
    pub(super) fn wait(&mut self, answer: oneshot::Sender<Response>) -> u64 {
        self.last_asker += 1;
        self.asked.insert(self.last_asker, answer);
        self.last_asker
    }

    /// Answers a command that waits for the end of a trial.
    pub(super) fn answer(&mut self, asker: u64, result: Result<(), String>) {
        let Some(answer) = self.asked.remove(&asker) else { return };
        let response = match result {
            Ok(()) => Response::Done("the target took the message".to_owned()),
            Err(why) => Response::Refused(format!("the target was not told: {why}")),
        };
        // Whoever asked may have left.
        let _ = answer.send(response);
    }
}
