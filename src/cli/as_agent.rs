//! `custos check --as-agent`: the surroundings that the agent gives a plugin, for somebody who has a shell.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use custos_shim::{Credentials, Limits};
use nix::sys::resource::{Resource, getrlimit};
use nix::unistd::{Uid, User};

use super::read::Failure;
use crate::config::Check;
use crate::control;
use crate::execute::{Job, PluginEnvironment, PluginJob, plugin_spec};
use crate::observe::Reading;

/// Who the agent is, as far as its plugins inherit it.
struct Agent {
    credentials: Credentials,
    no_new_privileges: bool,
    limits: Limits,
}

/// The job of a check that runs a plugin, as the agent of this store would start it. `given` are the options that named the
/// configuration and the store.
///
/// # Errors
/// This user may not do so; the message says who may.
pub(super) fn job(check: &Check, store: &Path, given: &str) -> Result<Job, Failure> {
    let agent = running(store).or_else(|| owner(store)).ok_or_else(|| {
        Failure::new("failed to find out which user the agent runs as: it does not run and has no store yet")
    })?;
    let uid = Uid::from_raw(agent.credentials.uid);
    let user = User::from_uid(uid).ok().flatten();
    let (name, home) = match user {
        Some(user) => (user.name, user.dir),
        None => (uid.to_string(), "/".into()),
    };
    let spec = plugin_spec(check, &PluginEnvironment::new(&name, home.into_os_string()));
    let mut spec = spec.ok_or_else(|| Failure::new(format!("{} runs no plugin", check.name)))?;
    let own = Uid::effective();
    if let Some(run_as) = &check.process.run_as {
        if !uid.is_root() {
            let wanted = &run_as.name;
            return Err(Failure::new(format!("the agent runs as {name} and may not become {wanted}")));
        }
        if !own.is_root() {
            return Err(only("root", &check.name, given));
        }
    } else if own.is_root() {
        spec.credentials = Some(agent.credentials);
    } else if own != uid {
        return Err(only(&name, &check.name, given));
    }
    spec.no_new_privileges |= agent.no_new_privileges;
    inherit(&mut spec.limits, &agent.limits);
    Ok(Job::Plugin(PluginJob::new(spec, Reading::from(check))))
}

/// The name of the user that the agent of this store runs as, if that is known.
pub(super) fn user(store: &Path) -> Option<String> {
    let agent = running(store).or_else(|| owner(store))?;
    User::from_uid(Uid::from_raw(agent.credentials.uid)).ok().flatten().map(|user| user.name)
}

fn only(user: &str, check: &str, given: &str) -> Failure {
    let check = shell_words::quote(check);
    Failure::new(format!(
        "the agent runs this check as {user}, which you are not: sudo -u {user} custos check {check} --as-agent{given}"
    ))
}

/// The agent that runs on this store, by the kernel's word.
fn running(store: &Path) -> Option<Agent> {
    let peer = control::agent(store).ok()?;
    let text = fs::read_to_string(format!("/proc/{}/status", peer.pid)).ok()?;
    let numbers = |key: &str| -> Vec<u32> {
        let line = text.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default();
        line.split_whitespace().filter_map(|number| number.parse().ok()).collect()
    };
    // Real, effective, saved and file system id; the effective one decides.
    let effective = |key: &str| numbers(key).get(1).copied();
    let limits = fs::read_to_string(format!("/proc/{}/limits", peer.pid)).unwrap_or_default();
    // Another process may have got its number meanwhile.
    if effective("Uid:")? != peer.uid.as_raw() || effective("Gid:")? != peer.gid {
        return None;
    }
    Some(Agent {
        credentials: Credentials { uid: peer.uid.as_raw(), gid: peer.gid, groups: numbers("Groups:") },
        no_new_privileges: numbers("NoNewPrivs:") == [1],
        limits: read_limits(&limits),
    })
}

/// The one who owns the store, as only the agent writes there.
fn owner(store: &Path) -> Option<Agent> {
    let uid = fs::metadata(store).ok()?.uid();
    let user = User::from_uid(Uid::from_raw(uid)).ok().flatten()?;
    let name = std::ffi::CString::new(user.name).ok()?;
    let groups = nix::unistd::getgrouplist(&name, user.gid).unwrap_or_default();
    let groups = groups.into_iter().map(nix::unistd::Gid::as_raw).collect();
    let credentials = Credentials { uid, gid: user.gid.as_raw(), groups };
    Some(Agent { credentials, no_new_privileges: false, limits: Limits::default() })
}

/// The soft limits in `/proc/PID/limits`; none where there is no limit.
fn read_limits(text: &str) -> Limits {
    let soft = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse().ok()
    };
    Limits {
        address_space_bytes: soft("Max address space"),
        cpu_s: soft("Max cpu time"),
        processes: soft("Max processes"),
        open_files: soft("Max open files"),
    }
}

/// What the check does not set is the agent's, as far as this process may go there.
fn inherit(limits: &mut Limits, agent: &Limits) {
    let reachable = |resource, wanted: Option<u64>| {
        wanted.filter(|wanted| {
            Uid::effective().is_root() || getrlimit(resource).is_ok_and(|(_, hard)| *wanted <= hard)
        })
    };
    let Limits { address_space_bytes, cpu_s, processes, open_files } = limits;
    for (own, resource, wanted) in [
        (address_space_bytes, Resource::RLIMIT_AS, agent.address_space_bytes),
        (cpu_s, Resource::RLIMIT_CPU, agent.cpu_s),
        (processes, Resource::RLIMIT_NPROC, agent.processes),
        (open_files, Resource::RLIMIT_NOFILE, agent.open_files),
    ] {
        *own = own.or_else(|| reachable(resource, wanted));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_table_of_limits_is_read() {
        let text = "Limit                     Soft Limit           Hard Limit           Units     \n\
                    Max cpu time              unlimited            unlimited            seconds   \n\
                    Max processes             96395                96395                processes \n\
                    Max open files            1024                 524288               files     \n";
        let limits = read_limits(text);
        assert_eq!((limits.cpu_s, limits.processes, limits.open_files), (None, Some(96395), Some(1024)));
        let mut own = Limits { open_files: Some(64), ..Limits::default() };
        inherit(&mut own, &Limits { open_files: Some(128), processes: Some(1), ..Limits::default() });
        assert_eq!((own.open_files, own.processes), (Some(64), Some(1)));
    }
}
