//! What follows the reason why a host is not reached: the option that would help, where one does. Pure.

use std::path::Path;

use hyper::StatusCode;

use crate::connect::Broken;

/// About a connection that came to nothing, which is verified by these authorities, or else by those of the system.
pub(super) fn of_connection(broken: Broken, authorities: Option<&Path>) -> String {
    match (broken, authorities) {
        (Broken::Refused, _) => {
            "; is that the port of `http:` there, or of custos serve? ssh://HOST/CHECK needs neither"
                .to_owned()
        }
        (Broken::NoSuchHost, _) => "; an address can stand in place of the name".to_owned(),
        (Broken::Unvouched, None) => "; --ca FILE names who vouches for it".to_owned(),
        (Broken::Unvouched, Some(file)) => format!("; nobody in {} (--ca) vouches for it", file.display()),
        (Broken::OtherName, _) => "; call the host by a name that its certificate has".to_owned(),
        (Broken::Other, _) => String::new(),
    }
}

/// About an answer that is no good one, to one who has shown a token or not, or a certificate.
pub(super) fn of_status(status: StatusCode, has_token: bool, has_certificate: bool) -> &'static str {
    match status {
        StatusCode::UNAUTHORIZED if has_token => {
            "; the token of --token-file or CUSTOS_TOKEN is none of that host's"
        }
        StatusCode::UNAUTHORIZED if has_certificate => {
            "; the certificate is not enough there: --token-file FILE or the variable CUSTOS_TOKEN shows a token"
        }
        StatusCode::UNAUTHORIZED => {
            "; --token-file FILE or the variable CUSTOS_TOKEN shows one, --certificate and --key a certificate"
        }
        StatusCode::NOT_FOUND => "; is that the port of `http:` there, or of custos serve?",
        _ => "",
    }
}

/// About what ssh, or the shell of the other host, has complained of last.
pub(super) fn of_ssh(complaint: &str, remote: &str) -> String {
    let says = |any: &[&str]| any.iter().any(|part| complaint.contains(part));
    // What comes from the shell there names the command; ssh itself says so otherwise.
    let program = remote.split_whitespace().next_back().unwrap_or_default();
    if complaint.contains(program)
        && says(&["not found", "No such file or directory", "nknown command", "Permission denied"])
    {
        return "; --remote says how custos is called there: --remote /usr/bin/custos".to_owned();
    }
    if says(&["a password is required", "a terminal is required"]) {
        return "; sudo has to let --remote 'sudo -n custos' in without asking".to_owned();
    }
    if says(&["sudo custos", "sudo -u"]) {
        return "; --remote 'sudo -n custos' does that there".to_owned();
    }
    if says(&["Permission denied (", "Too many authentication failures"]) {
        return "; ssh asks nobody here: --ssh 'ssh -i KEY' names a key, ssh://USER@HOST another user"
            .to_owned();
    }
    if says(&["Host key verification failed"]) {
        return "; ssh asks nobody here: let it in once by hand, so that it knows the host".to_owned();
    }
    if says(&["Could not resolve hostname"]) {
        return "; an address can stand in place of the name".to_owned();
    }
    if says(&["Connection refused"]) {
        return "; ssh://HOST:PORT names another port, https://HOST:PORT asks the agent there".to_owned();
    }
    String::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ssh_and_shells_say_has_an_option_that_helps() {
        for (complaint, helps) in [
            ("bash: line 1: custos: command not found", "--remote"),
            ("sh: 1: custos: not found", "--remote"),
            ("zsh:1: command not found: custos", "--remote"),
            ("fish: Unknown command: custos", "--remote"),
            ("root@web1: Permission denied (publickey,password).", "--ssh 'ssh -i KEY'"),
            ("Host key verification failed.", "by hand"),
            ("ssh: Could not resolve hostname web9: Name or service not known", "an address"),
            ("ssh: connect to host web1 port 22: Connection refused", "ssh://HOST:PORT"),
            ("custos: only the owner may ask the agent: sudo custos stream", "--remote 'sudo -n custos'"),
            ("sudo: a password is required", "without asking"),
        ] {
            let advice = of_ssh(complaint, "custos");
            assert!(advice.starts_with("; ") && advice.contains(helps), "{complaint}: {advice}");
        }
        assert_eq!(of_ssh("custos: no check is called x", "custos"), "");
        assert_eq!(of_ssh("Connection closed by 192.0.2.1 port 22", "custos"), "");
    }

    #[test]
    fn a_file_that_does_not_help_is_named() {
        let (none, some) = (None, Some(Path::new("/etc/ca.pem")));
        assert!(of_connection(Broken::Unvouched, none).contains("--ca FILE"));
        assert!(of_connection(Broken::Unvouched, some).contains("/etc/ca.pem"));
        assert_eq!(of_connection(Broken::Other, some), "");
        let of = |status| {
            [(false, false), (true, false), (false, true)].map(|(token, own)| of_status(status, token, own))
        };
        assert!(of(StatusCode::UNAUTHORIZED).iter().all(|advice| advice.contains("--token-file")));
        assert_eq!(of(StatusCode::FORBIDDEN), [""; 3], "its answer says what is wrong");
    }
}
