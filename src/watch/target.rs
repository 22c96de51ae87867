//! What is watched and where: `CHECK[:METRIC]`, or an expression of PromQL, of this host, or behind the address of another.

use std::fmt;

use custos_query::Selector;

/// Where an agent is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Site {
    /// On this host.
    Here,
    /// By a command that ssh runs there.
    Ssh(SshSite),
    /// Over HTTP.
    Http(HttpSite),
}

/// An address of ssh.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshSite {
    /// The user there; that of ssh's configuration if absent.
    pub user: Option<String>,
    /// A name that ssh knows, or an address.
    pub host: String,
    /// The port; that of ssh's configuration if absent.
    pub port: Option<u16>,
}

/// An address of HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpSite {
    /// Whether it is encrypted. Only this host is reached without.
    pub tls: bool,
    /// Host and port, as they stand in the address.
    pub authority: String,
}

impl Site {
    /// As it is shown: host, and port if one was given.
    pub fn label(&self) -> String {
        match self {
            Site::Here => "this host".to_owned(),
            Site::Ssh(SshSite { host, port: None, .. }) => host.clone(),
            Site::Ssh(SshSite { host, port: Some(port), .. }) => format!("{host}:{port}"),
            Site::Http(site) => site.authority.clone(),
        }
    }
}

/// One thing that is to be watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Where.
    pub site: Site,
    /// `CHECK` or `CHECK:METRIC`, which may contain colons themselves; or an expression.
    pub what: String,
    /// Which of these it is.
    pub kind: Kind,
}

/// What a word means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A check, or metrics of one.
    Check,
    /// An expression.
    Query,
    /// A check if there is one of that name, else an expression. Which, the host knows.
    Either,
}

impl Kind {
    /// What a word may mean to a host of which the checks are not known. An expression has brackets of some kind there.
    fn of(what: &str) -> Kind {
        match what.contains(['(', '{', '[']) && custos_promql::parse(what).is_ok() {
            true => Kind::Either,
            false => Kind::Check,
        }
    }
}

/// Why a word is no target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetError(String);

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for TargetError {}

impl Target {
    /// Reads a word of the command line.
    ///
    /// # Errors
    /// Why it cannot be watched.
    pub fn parse(word: &str) -> Result<Target, TargetError> {
        let wrong = |why: &str| TargetError(format!("{word:?} cannot be watched: {why}"));
        let Some((scheme, rest)) =
            word.split_once("://").filter(|(scheme, _)| ["ssh", "http", "https"].contains(scheme))
        else {
            return Ok(Target { site: Site::Here, what: word.to_owned(), kind: Kind::of(word) });
        };
        let (authority, what) = rest.split_once('/').unwrap_or((rest, ""));
        if what.is_empty() {
            return Err(wrong("behind the host there is no check, as in ssh://web1/load"));
        }
        let site = match scheme {
            "ssh" => Site::Ssh(SshSite::parse(authority).map_err(|why| wrong(&why))?),
            _ => Site::Http(HttpSite::parse(scheme == "https", authority).map_err(|why| wrong(&why))?),
        };
        Ok(Target { site, what: what.to_owned(), kind: Kind::of(what) })
    }

    /// The names that the check may have, the longest first: which of them there is, the agent knows.
    pub fn candidates(&self) -> Vec<&str> {
        if self.kind == Kind::Query {
            return Vec::new();
        }
        let ends = self.what.rmatch_indices(':').map(|(at, _)| at).filter(|at| *at > 0);
        std::iter::once(self.what.len()).chain(ends).map(|end| &self.what[..end]).collect()
    }

    /// What is selected of a check that there is; `None` if this is about another check.
    pub fn selector(&self, check: &str) -> Option<Selector> {
        if self.kind == Kind::Query {
            return None;
        }
        Selector::parse(&self.what, &[check]).ok()
    }
}

impl SshSite {
    fn parse(authority: &str) -> Result<SshSite, String> {
        let (user, place) = match authority.rsplit_once('@') {
            Some((user, place)) => (Some(user.to_owned()), place),
            None => (None, authority),
        };
        let (host, port) = host_and_port(place)?;
        // ssh and the commands that its configuration may make of a name take some characters for more than a name.
        let is_plain = |text: &str| {
            !text.is_empty()
                && !text.starts_with('-')
                && text.chars().all(|c| c.is_ascii_alphanumeric() || "._-:%+".contains(c))
        };
        if !is_plain(&host) {
            return Err(format!("{host:?} is no name of a host"));
        }
        match user {
            Some(user) if !is_plain(&user) => Err(format!("{user:?} is no name of a user")),
            user => Ok(SshSite { user, host, port }),
        }
    }
}

impl HttpSite {
    /// The host, without its port and the brackets around an address of IPv6.
    pub fn host(&self) -> &str {
        let authority = &self.authority[..];
        match authority.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or(rest),
            None => authority.split(':').next().unwrap_or(authority),
        }
    }

    fn parse(tls: bool, authority: &str) -> Result<HttpSite, String> {
        if authority.contains('@') {
            return Err("an address has no user; tokens are read from a file".to_owned());
        }
        let (host, _) = host_and_port(authority)?;
        if host.is_empty() || !host.chars().all(|c| c.is_ascii_alphanumeric() || "._-:".contains(c)) {
            return Err(format!("{host:?} is no name of a host"));
        }
        let is_loopback = host == "localhost"
            || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
        if !tls && !is_loopback {
            return Err(
                "without https only this host may be asked, or the token would be read on the way".to_owned()
            );
        }
        Ok(HttpSite { tls, authority: authority.to_owned() })
    }

    /// The address of a path.
    pub fn url(&self, path: &str) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://{}{path}", self.authority)
    }
}

/// The host without the brackets around an address of IPv6, and the port.
fn host_and_port(place: &str) -> Result<(String, Option<u16>), String> {
    let (host, port) = match place.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, rest)) => (host, rest.strip_prefix(':').or(rest.is_empty().then_some(""))),
        None => match place.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (place, Some("")),
        },
    };
    match port {
        Some("") => Ok((host.to_owned(), None)),
        Some(port) => match port.parse() {
            Ok(port) if port > 0 => Ok((host.to_owned(), Some(port))),
            _ => Err(format!("{port:?} is no port")),
        },
        None => Err(format!("{place:?} is no host with a port")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_names_a_check_here_or_elsewhere() {
        let ssh = |user: Option<&str>, host: &str, port| {
            Site::Ssh(SshSite { user: user.map(str::to_owned), host: host.to_owned(), port })
        };
        let http = |tls, authority: &str| Site::Http(HttpSite { tls, authority: authority.to_owned() });
        for (word, site, what) in [
            ("load:load1", Site::Here, "load:load1"),
            ("disk:/", Site::Here, "disk:/"),
            ("a://b", Site::Here, "a://b"),
            ("ssh://web1/load:load1", ssh(None, "web1", None), "load:load1"),
            ("ssh://op@[fe80::1%eth0]:2222/disk:/", ssh(Some("op"), "fe80::1%eth0", Some(2222)), "disk:/"),
            ("https://db1:43191/disk root", http(true, "db1:43191"), "disk root"),
            ("http://[::1]:43191/load", http(false, "[::1]:43191"), "load"),
            ("http://127.0.0.1/load", http(false, "127.0.0.1"), "load"),
        ] {
            let expected = Target { site, what: what.to_owned(), kind: Kind::Check };
            assert_eq!(Target::parse(word), Ok(expected), "{word}");
        }
    }

    #[test]
    fn what_may_be_an_expression_has_brackets_and_can_be_read() {
        for (word, kind) in [
            ("https://db1/rate(net{metric=\"in\"}[1m])", Kind::Either),
            ("ssh://db1/disk (root)", Kind::Check),
            ("ssh://db1/disk(root)", Kind::Check),
            ("ssh://db1/(load)", Kind::Either),
            ("ssh://db1/net-in", Kind::Check),
            ("ssh://db1/load:load1", Kind::Check),
        ] {
            assert_eq!(Target::parse(word).unwrap().kind, kind, "{word}");
        }
        let either = Target::parse("ssh://db1/sum(a:b)").unwrap();
        assert_eq!(either.candidates(), ["sum(a:b)", "sum(a"]);
        assert!(Target { kind: Kind::Query, ..either }.candidates().is_empty());
    }

    #[test]
    fn no_address_is_an_option_or_a_command() {
        for (word, why) in [
            ("ssh://-oProxyCommand=id/load", "\"-oProxyCommand=id\" is no name of a host"),
            ("ssh://web1;id/load", "\"web1;id\" is no name of a host"),
            ("ssh://$(id)/load", "\"$(id)\" is no name of a host"),
            ("ssh://-l@web1/load", "\"-l\" is no name of a user"),
            ("ssh:///load", "\"\" is no name of a host"),
            ("ssh://web1:0/load", "\"0\" is no port"),
            ("ssh://web1:22:23/load", "\"22:23\" is no port"),
            ("ssh://web1", "behind the host there is no check, as in ssh://web1/load"),
            ("https://web1/", "behind the host there is no check, as in ssh://web1/load"),
            ("https://me:secret@web1/load", "an address has no user; tokens are read from a file"),
            (
                "http://web1/load",
                "without https only this host may be asked, or the token would be read on the way",
            ),
        ] {
            let expected = format!("{word:?} cannot be watched: {why}");
            assert_eq!(Target::parse(word).unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn what_may_be_a_check_is_asked_for_the_longest_first() {
        let target = Target::parse("disk:root:/").unwrap();
        assert_eq!(target.candidates(), ["disk:root:/", "disk:root", "disk"]);
        assert!(target.selector("disk:root").unwrap().has_metric());
        assert!(target.selector("load").is_none());
        assert_eq!(Target::parse("load").unwrap().candidates(), ["load"]);
    }
}
