//! The threads that bring lines, one for each host.

use std::sync::{Arc, Mutex};

use super::access::Access;
use super::inlet::{Inlet, Wake};
use super::ssh::Children;
use super::{here, http, retry, ssh};
use crate::limits::WATCH_HOSTS_MAX;
use crate::lock::locked;
use crate::watch::model::Model;
use crate::watch::target::Site;

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
        let sites: Vec<Site> = locked(model).sites().cloned().collect();
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
