//! The user that NRPE's commands run as, and the environment they get.
//!
//! Invariant: of the agent's own environment, only the variables that `keep_env_vars` names reach a command.

use std::ffi::{CString, OsString};
use std::os::unix::ffi::OsStrExt;

use custos_compat::nrpe::Config;
use custos_shim::Credentials;
use nix::unistd::{Gid, Group, Uid, User, getgrouplist};

use crate::nrpe::NRPE_VERSION;
use crate::nrpe::listener::error::Error;
use crate::text::accounts::UNSEEN;

/// The PATH of commands, whatever the agent's own is.
const PATH: &str = "/usr/bin:/bin:/usr/sbin:/sbin";

/// The user to run commands as. `None` if this process is not root and so cannot change its user: then, as with nrpe, the
/// configured names are not even looked up.
pub(super) fn to_become(config: &Config) -> Result<Option<Credentials>, Error> {
    match nix::unistd::geteuid().is_root() {
        true => credentials(config),
        false => Ok(None),
    }
}

/// The user and group of `nrpe_user` and `nrpe_group`, with the user's supplementary groups.
///
/// Both may be names or numbers. `None` if neither is configured. Root is refused, as by NRPE.
fn credentials(config: &Config) -> Result<Option<Credentials>, Error> {
    let Some(name) = &config.nrpe_user else {
        return match &config.nrpe_group {
            None => Ok(None),
            Some(_) => Err(Error::User("nrpe_group is set without nrpe_user".into())),
        };
    };
    let entry = passwd_entry(name);
    let uid = match (&entry, name.parse::<u32>()) {
        (Some(entry), _) => entry.uid,
        (None, Ok(number)) => Uid::from_raw(number),
        (None, Err(_)) => return Err(Error::User(format!("there is no user {name:?}{UNSEEN}"))),
    };
    let gid = match &config.nrpe_group {
        Some(group) => group_id(group)?,
        None => match &entry {
            Some(entry) => entry.gid,
            None => return Err(Error::User(format!("nrpe_user {name:?} needs an nrpe_group"))),
        },
    };
    if uid.is_root() || gid.as_raw() == 0 {
        return Err(Error::User("NRPE daemon cannot be run as user/group root!".into()));
    }
    let groups = match entry.and_then(|entry| CString::new(entry.name).ok()) {
        Some(user) => getgrouplist(&user, gid).unwrap_or_else(|_| vec![gid]),
        None => vec![gid],
    };
    Ok(Some(Credentials {
        uid: uid.as_raw(),
        gid: gid.as_raw(),
        groups: groups.into_iter().map(Gid::as_raw).collect(),
    }))
}

fn passwd_entry(name: &str) -> Option<User> {
    User::from_name(name).ok().flatten()
}

fn group_id(name: &str) -> Result<Gid, Error> {
    match (Group::from_name(name).ok().flatten(), name.parse::<u32>()) {
        (Some(group), _) => Ok(group.gid),
        (None, Ok(number)) => Ok(Gid::from_raw(number)),
        (None, Err(_)) => Err(Error::User(format!("there is no group {name:?}{UNSEEN}"))),
    }
}

/// The whole environment of a command, given the agent's own.
pub(super) fn environment(
    config: &Config,
    own: impl IntoIterator<Item = (OsString, OsString)>,
) -> Vec<(OsString, OsString)> {
    let entry = match config.nrpe_user.as_deref().and_then(passwd_entry) {
        Some(entry) => Some(entry),
        None => User::from_uid(nix::unistd::getuid()).ok().flatten(),
    };
    let kept =
        |name: &OsString| config.keep_env_vars.iter().any(|prefix| name.as_bytes().starts_with(prefix));
    let mut env: Vec<(OsString, OsString)> = own.into_iter().filter(|(name, _)| kept(name)).collect();
    let mut set =
        |name: &str, value: OsString, always: bool| match env.iter_mut().find(|(known, _)| known == name) {
            Some(known) if always => known.1 = value,
            Some(_) => {}
            None => env.push((name.into(), value)),
        };
    set("NRPE_MULTILINESUPPORT", "1".into(), true);
    set("NRPE_PROGRAMVERSION", NRPE_VERSION.into(), true);
    set("PATH", PATH.into(), true);
    set("IFS", " \t\n".into(), true);
    if let Some(entry) = entry {
        set("LOGNAME", entry.name.clone().into(), false);
        set("USER", entry.name.into(), false);
        set("HOME", entry.dir.into(), false);
        set("SHELL", entry.shell.into(), false);
    }
    env
}

/// The whole environment of a command with `-i`, where nrpe hands on all of the super-server's.
pub(super) fn inherited_environment(
    own: impl IntoIterator<Item = (OsString, OsString)>,
) -> Vec<(OsString, OsString)> {
    let own_variables = [("NRPE_MULTILINESUPPORT", "1"), ("NRPE_PROGRAMVERSION", NRPE_VERSION)];
    let mut env: Vec<_> =
        own.into_iter().filter(|(name, _)| own_variables.iter().all(|(own, _)| name != own)).collect();
    env.extend(own_variables.map(|(name, value)| (name.into(), value.into())));
    env
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(user: Option<&str>, group: Option<&str>) -> Config {
        Config {
            nrpe_user: user.map(str::to_owned),
            nrpe_group: group.map(str::to_owned),
            ..Config::default()
        }
    }

    #[test]
    fn root_and_nobody_at_all_are_refused() {
        let refused = |user, group| credentials(&config(Some(user), group)).unwrap_err().to_string();
        assert!(refused("root", None).contains("cannot be run as user/group root!"));
        assert!(refused("0", Some("1")).contains("root"));
        assert!(refused("1", Some("0")).contains("root"));
        assert!(refused("no-such-user", None).contains("there is no user"));
        assert!(refused("1", Some("no-such-group")).contains("there is no group"));
        assert_eq!(credentials(&config(None, None)).unwrap(), None);
    }

    #[test]
    fn numbers_need_no_entry() {
        let numbers = credentials(&config(Some("54321"), Some("54322"))).unwrap().unwrap();
        assert_eq!(numbers, Credentials { uid: 54321, gid: 54322, groups: vec![54322] });
        let named = credentials(&config(Some("nobody"), Some("nogroup"))).unwrap().unwrap();
        assert!(named.groups.contains(&named.gid));
    }

    #[test]
    fn only_what_is_named_is_kept() {
        let mut config = config(Some("nobody"), None);
        config.keep_env_vars = vec![b"KEEP".to_vec(), b"HOME".to_vec(), b"PA".to_vec()];
        let own = [("KEEPER", "1"), ("SECRET", "2"), ("HOME", "/own"), ("PATH", "/own")];
        let own = own.map(|(name, value)| (OsString::from(name), OsString::from(value)));
        let mut env = environment(&config, own);
        env.sort();
        let names: Vec<&str> = env.iter().filter_map(|(name, _)| name.to_str()).collect();
        assert_eq!(
            names,
            [
                "HOME",
                "IFS",
                "KEEPER",
                "LOGNAME",
                "NRPE_MULTILINESUPPORT",
                "NRPE_PROGRAMVERSION",
                "PATH",
                "SHELL",
                "USER"
            ]
        );
        assert_eq!(env[0].1, "/own");
        assert_eq!(env[6].1, PATH);
    }
}
