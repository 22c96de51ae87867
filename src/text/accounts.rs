//! Users and groups that are not found.

/// Ends a message that there is no such user or group: says what this program cannot see, if there is such a thing. musl
/// has no NSS.
pub(crate) const UNSEEN: &str = if cfg!(target_env = "musl") {
    "; this static program sees those of /etc/passwd and /etc/group alone, not those of LDAP or SSSD"
} else {
    ""
};
