//! The work of a plugin, as its command line has it.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use custos_native::{Flavour, Needs, NotNative, OWN, PLUGINS, Plan, own, plan};
use custos_shim::{Limits, Spec};

use super::distribution::Identities;
use crate::config::Native;

/// What a plugin would do, which is done in its place.
#[derive(Clone, Debug)]
pub(in crate::execute) struct NativeWork {
    /// Whose words they are; none for the own plugins.
    pub(super) plugin: Option<PathBuf>,
    pub(super) plan: Plan,
}

impl NativeWork {
    /// The work of a plugin that is to be run so.
    ///
    /// # Errors
    /// Why it has to be run itself.
    pub(in crate::execute) fn of(spec: &Spec) -> Result<NativeWork, String> {
        let [program, arguments @ ..] = spec.argv.as_slice() else {
            return Err("a shell runs it".to_owned());
        };
        if !program.as_bytes().starts_with(b"/") {
            return Err("it has no path".to_owned());
        }
        if spec.credentials.is_some() || spec.limits != Limits::default() || spec.nice != 0 {
            return Err("it has a user, a niceness or limits of its own".to_owned());
        }
        if let Some((name, words)) = own_words(program, arguments) {
            let plan = own(name, words).map_err(|NotNative(why)| why)?;
            return Ok(NativeWork { plugin: None, plan });
        }
        let name = Path::new(program).file_name().unwrap_or_default().to_string_lossy();
        let plan = plan(&name, arguments, Flavour::V2_3).map_err(|NotNative(why)| why)?;
        // Times of certificates are shown as the locale has them.
        let shows_times = plan.needs() == Needs::Network;
        if let Some(name) = spec.env.iter().find_map(|variable| matters(variable, shows_times)) {
            return Err(format!("{name} is set"));
        }
        Ok(NativeWork { plugin: Some(program.into()), plan })
    }
}

/// The name of an own plugin, and its options, if this very program is to be run as that.
fn own_words<'w>(program: &OsStr, arguments: &'w [OsString]) -> Option<(&'w str, &'w [OsString])> {
    let (name, words) = arguments.split_first()?;
    let name = name.to_str().filter(|name| OWN.contains(name))?;
    let this = std::env::current_exe().ok()?;
    (this.as_os_str() == program).then_some((name, words))
}

/// A variable by which a plugin would say something else.
fn matters((name, value): &(OsString, OsString), shows_times: bool) -> Option<&str> {
    let is_english = |value: &OsStr| {
        let value = value.as_bytes();
        let is_of_c = value.is_empty() || value.starts_with(b"C") || value.starts_with(b"POSIX");
        is_of_c || (value.starts_with(b"en") && !shows_times)
    };
    let name = name.to_str()?;
    match name {
        "LC_ALL" | "LC_MESSAGES" | "LC_CTYPE" | "LC_NUMERIC" | "LC_TIME" | "LANG" | "LANGUAGE" => {
            (!is_english(value)).then_some(name)
        }
        "POSIXLY_CORRECT" | "LD_PRELOAD" | "LD_LIBRARY_PATH" | "LOCPATH" | "PS_FORMAT" | "PS_PERSONALITY"
        | "COLUMNS" | "PERL5LIB" | "PERL5OPT" | "PERLLIB" | "OPENSSL_CONF" | "RES_OPTIONS"
        | "LOCALDOMAIN" | "HOSTALIASES" => Some(name),
        _ => None,
    }
}

/// Whether the work of a plugin is done in its place, and why not where it could be; none if it is no standard plugin. Reads the file of
/// the plugin.
pub fn why_not(native: Native, spec: &Spec) -> Option<Result<(), String>> {
    let name = Path::new(spec.argv.first()?).file_name()?;
    let is_own = own_words(spec.argv.first()?, &spec.argv[1..]).is_some();
    if !is_own && !PLUGINS.iter().any(|plugin| name == *plugin) {
        return None;
    }
    if native == Native::Never {
        return Some(Err("`native: false`".to_owned()));
    }
    Some(NativeWork::of(spec).and_then(|work| match work.plugin {
        Some(plugin) => Identities::default().flavour(&plugin).map(drop),
        None => Ok(()),
    }))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn spec(words: &[&str]) -> Spec {
        let argv = words.iter().map(OsString::from).collect();
        Spec { env: vec![("LC_ALL".into(), "C".into())], ..Spec::new(argv, Duration::from_secs(10)) }
    }

    #[test]
    fn whatever_would_change_what_a_plugin_says_leaves_it_to_be_run() {
        let plain = spec(&["/p/check_load", "-w", "5", "-c", "10"]);
        assert!(NativeWork::of(&plain).is_ok());
        let with = |change: fn(&mut Spec)| {
            let mut changed = plain.clone();
            change(&mut changed);
            NativeWork::of(&changed).unwrap_err()
        };
        assert_eq!(with(|spec| spec.argv.clear()), "a shell runs it");
        assert_eq!(with(|spec| spec.argv[0] = "check_load".into()), "it has no path");
        assert_eq!(with(|spec| spec.nice = 5), "it has a user, a niceness or limits of its own");
        assert_eq!(with(|spec| spec.env[0].1 = "de_DE.UTF-8".into()), "LC_ALL is set");
        assert_eq!(
            with(|spec| spec.env.push(("POSIXLY_CORRECT".into(), "".into()))),
            "POSIXLY_CORRECT is set"
        );
        assert_eq!(with(|spec| spec.argv[1] = "-x".into()), "invalid option -- 'x'");
        assert_eq!(
            NativeWork::of(&spec(&["/p/check_own"])).unwrap_err(),
            "there is no check_own without a process"
        );
    }
}
