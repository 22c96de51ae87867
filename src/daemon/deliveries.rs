//! Deliveries under way: each message is sent on the runtime of the listener, so that no receiver delays a check.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::timeout;

use crate::config::Target;
use crate::control::Response;
use crate::limits::{
    NOTIFY_DELIVERIES_MAX, NOTIFY_DELIVERIES_QUEUE_MAX, NOTIFY_DELIVERY_TIMEOUT, NOTIFY_NOTE_WAIT_MAX,
    NOTIFY_SLOT_MAX,
};
use crate::notify::Notification;
use crate::notify::send::{Receipt, Sender, Taken};
use crate::record::NoteKept;

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

    /// Begins to send a message, once what must be in the store `first` is there.
    pub(super) fn begin(
        &self,
        ticket: u64,
        target: Arc<Target>,
        notification: Box<Notification>,
        first: Option<NoteKept>,
    ) {
        let (sender, permits, ended) = (self.sender.clone(), Arc::clone(&self.permits), self.ended.clone());
        let count = notification.alerts.len();
        let sending = async move {
            // The semaphore is never closed.
            let permit = permits.acquire_owned().await;
            let noted = wait_for_note(first, &target.name);
            let sending = in_a_slot(permit, sender.send_after(noted, &target, &notification));
            timeout(NOTIFY_DELIVERY_TIMEOUT, sending).await
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

    /// Answers a command as soon as what it changed is in the store, or says that it is not there.
    pub(super) fn answer_when_kept(
        &self,
        answer: oneshot::Sender<Response>,
        response: Response,
        kept: Vec<NoteKept>,
    ) {
        self.serving.spawn(async move {
            // Whoever asked may have left.
            let _ = answer.send(when_kept(response, kept).await);
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
            Err(why) => Response::Refused(why),
        };
        // Whoever asked may have left.
        let _ = answer.send(response);
    }
}

/// Sends a message that has a slot, which it gives up if it takes long: receivers that hang keep none from the others.
async fn in_a_slot<P, T>(slot: P, sending: impl Future<Output = T>) -> T {
    let mut sending = pin!(sending);
    if let Ok(sent) = timeout(NOTIFY_SLOT_MAX, &mut sending).await {
        return sent;
    }
    drop(slot);
    sending.await
}

/// Waits until the note of a message is in the store. A disk that refuses it, or hangs, holds up no message for long.
async fn wait_for_note(note: Option<NoteKept>, target: &str) {
    let Some(note) = note else { return };
    if let Err(why) = note.within(NOTIFY_NOTE_WAIT_MAX).await {
        tracing::warn!("{target} is told, though what it is told is not in the store: {why}");
    }
}

/// What a command is answered once what it changed is in the store.
async fn when_kept(response: Response, kept: Vec<NoteKept>) -> Response {
    for note in kept {
        if let (Err(why), Response::Done(done)) = (note.within(NOTIFY_NOTE_WAIT_MAX).await, &response) {
            tracing::warn!("{done}, which is not in the store: {why}");
            return Response::Refused(format!(
                "{done}, but a restart may forget that, as it is not in the store: {why}"
            ));
        }
    }
    response
}

#[cfg(test)]
mod tests {
    use custos_store::disk::SimDisk;
    use custos_store::{Options, Writer};

    use super::*;
    use crate::config::SyncPolicy;
    use crate::limits::RECORD_OPEN_MAX;
    use crate::record::Recorder;

    fn recorder(disk: &SimDisk) -> Recorder {
        let disk = disk.clone();
        let options = || Options { background: false, ..Options::default() };
        let open = move || Writer::open_on(Arc::new(disk.clone()), options());
        let recorder = Recorder::start(Box::new(open), SyncPolicy::Never).unwrap();
        recorder.wait_until_opened(RECORD_OPEN_MAX);
        recorder
    }

    fn note(recorder: &Recorder) -> NoteKept {
        recorder.note_awaited("notify-acks".to_owned(), "[]".to_owned())
    }

    fn done() -> Response {
        Response::Done("acknowledged web".to_owned())
    }

    async fn refusal(kept: Vec<NoteKept>) -> String {
        let Response::Refused(why) = when_kept(done(), kept).await else { panic!() };
        let why =
            why.strip_prefix("acknowledged web, but a restart may forget that, as it is not in the store: ");
        why.unwrap().to_owned()
    }

    #[tokio::test]
    async fn a_command_is_answered_once_its_note_is_in_the_store() {
        let disk = SimDisk::new();
        let recorder = recorder(&disk);
        assert!(matches!(when_kept(done(), vec![note(&recorder)]).await, Response::Done(_)));
        let notes = custos_store::Notes::on(Arc::new(disk.clone()));
        assert_eq!(notes.read("notify-acks").unwrap().as_deref(), Some(&b"[]"[..]));
        disk.fail_syncs(true);
        let why = refusal(vec![note(&recorder)]).await;
        assert!(why.ends_with("notify-acks.note.tmp: the disk did not take the data"), "{why}");
    }

    #[tokio::test(start_paused = true)]
    async fn receivers_that_hang_keep_no_slot_from_the_others() {
        let permits = Arc::new(Semaphore::new(NOTIFY_DELIVERIES_MAX));
        let hang = || {
            let permits = Arc::clone(&permits);
            tokio::spawn(async move {
                let permit = permits.acquire_owned().await.unwrap();
                in_a_slot(permit, std::future::pending::<()>()).await;
            })
        };
        let hung: Vec<_> = (0..NOTIFY_DELIVERIES_MAX).map(|_| hang()).collect();
        while permits.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let permit = Arc::clone(&permits).acquire_owned().await.unwrap();
        assert_eq!(in_a_slot(permit, async { 7 }).await, 7);
        assert!(hung.iter().all(|hung| !hung.is_finished()));
        hung.iter().for_each(|hung| hung.abort());
    }

    #[tokio::test(start_paused = true)]
    async fn a_disk_that_hangs_holds_up_neither_commands_nor_messages_for_long() {
        let disk = SimDisk::new();
        let recorder = recorder(&disk);
        disk.stall();
        let (first, second) = (note(&recorder), note(&recorder));
        disk.wait_until_stalled();
        assert_eq!(refusal(vec![first]).await, "the disk has not taken it in 2 s");
        wait_for_note(Some(second), "t").await;
        disk.resume();
        drop(recorder.finish(crate::clock::Moment::default()));
    }
}
