//! Where lines come from: a thread for each host, which connects, hands on what comes, and connects again when that ends.

mod here;
mod http;
mod inlet;
mod retry;
mod ssh;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::model::Model;
use super::target::Site;
use crate::limits::WATCH_HOSTS_MAX;
use inlet::Inlet;
pub use inlet::Wake;
use ssh::Children;

/// What is needed to reach hosts.
#[derive(Clone, Debug)]
pub struct Access {
    /// The store of this host.
    pub store: PathBuf,
    /// What is shown to hosts over HTTP.
    pub token: Option<String>,
    /// The authorities of their certificates; those of the system if absent.
    pub authorities: Option<PathBuf>,
    /// A certificate to show them, and its key.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// ssh, with options.
    pub ssh: Vec<String>,
    /// What ssh has the shell of the other host run, before the arguments.
    pub remote: String,
    /// How often checks shall be run (ms); absent for as often as they are run anyway.
    pub every_ms: Option<u64>,
    /// How much of the past is wanted.
    pub past: Duration,
}

/// The threads that bring lines. What they have started ends with this.
#[derive(Debug)]
pub struct Sources {
    children: Children,
}

impl Sources {
    /// Connects to every host of a model, which is told what comes; `wake` is, too, that something has.
    ///
    /// # Errors
    /// There are too many hosts.
    pub fn start(model: &Arc<Mutex<Model>>, access: &Arc<Access>, wake: &Wake) -> Result<Sources, String> {
        let sites: Vec<Site> = crate::lock::locked(model).sites().cloned().collect();
        if sites.len() > WATCH_HOSTS_MAX {
            return Err(format!("at most {WATCH_HOSTS_MAX} hosts can be watched at once"));
        }
        let children = Children::default();
        for (host, site) in sites.into_iter().enumerate() {
            let inlet = Inlet::new(host, Arc::clone(model), wake.clone());
            let (access, children) = (Arc::clone(access), children.clone());
            std::thread::spawn(move || match site {
                Site::Here => retry::forever(&inlet, || here::watch(&access, &inlet)),
                Site::Ssh(site) => retry::forever(&inlet, || ssh::watch(&site, &access, &inlet, &children)),
                Site::Http(site) => retry::forever(&inlet, || http::watch(&site, &access, &inlet)),
            });
        }
        Ok(Sources { children })
    }
}

impl Drop for Sources {
    fn drop(&mut self) {
        self.children.end();
    }
}
