//! The plugins on the network that are under way, of which there are so many at most.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use custos_native::{NotNative, Printed, Talk};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::driver::talk;
use super::resolver::Resolver;
use crate::clock;
use crate::limits::NATIVE_TALKS_MAX;
use crate::observe::{Ending, PluginEnd, Usage};

/// Carries out what plugins do on the network.
#[derive(Debug)]
pub(in super::super) struct Talks {
    free: Arc<Semaphore>,
    resolver: Resolver,
}

impl Talks {
    pub(in super::super) fn new() -> Talks {
        Talks { free: Arc::new(Semaphore::new(NATIVE_TALKS_MAX)), resolver: Resolver::new() }
    }

    /// A place for one more, as long as it is held; none if there are too many.
    pub(in super::super) fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.free).try_acquire_owned().ok()
    }

    /// Does something that may hold a thread; none if that takes too long.
    pub(in super::super) async fn apart<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        self.resolver.apart(work).await
    }

    /// Does what a plugin would, for whoever waits for that alone.
    ///
    /// # Errors
    /// Why that cannot be done.
    pub(in super::super) async fn alone(&self, plugin: Talk) -> Result<Printed, NotNative> {
        talk(plugin, &self.resolver).await
    }

    /// Does what a plugin would, within this time; none if the plugin itself has to be run.
    pub(in super::super) async fn carry_out(&self, plugin: Talk, timeout: Duration) -> Option<PluginEnd> {
        let began_us = clock::mono_us();
        let talk = talk(plugin, &self.resolver);
        let (ended, cpu_us) = measured(tokio::time::timeout(timeout, talk)).await;
        let end = match ended {
            Ok(Ok(printed)) => PluginEnd::printed(Ending::Exited(printed.exit), printed.stdout),
            Ok(Err(_)) => return None,
            Err(_) => PluginEnd::printed(Ending::TimedOut, Vec::new()),
        };
        Some(PluginEnd {
            wall_us: clock::mono_us().saturating_sub(began_us),
            usage: Some(Usage { cpu_us, max_rss_bytes: None }),
            ..end
        })
    }
}

/// What comes of something, and the processor time that it took (µs).
async fn measured<T>(work: impl Future<Output = T>) -> (T, u64) {
    let mut work = pin!(work);
    let mut cpu_us = 0;
    let output = std::future::poll_fn(|context| {
        let began_us = clock::thread_cpu_us();
        let polled = work.as_mut().poll(context);
        cpu_us += clock::thread_cpu_us().saturating_sub(began_us);
        polled
    })
    .await;
    (output, cpu_us)
}
