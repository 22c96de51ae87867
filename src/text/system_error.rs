//! Errors of the system as other programs tell them.

use std::io;

/// What the standard library puts before the words of the system where the name of a host is not found.
const LOOKUP: &str = "failed to lookup address information: ";

/// Whether the name of a host was not found.
pub(crate) fn is_of_lookup(error: &io::Error) -> bool {
    error.to_string().starts_with(LOOKUP)
}

/// The system's own words for an error, without what the standard library puts around them: that a lookup failed, and
/// the number.
pub(crate) fn words(error: &io::Error) -> String {
    let words = error.to_string();
    let words = words.strip_prefix(LOOKUP).unwrap_or(&words);
    without_number(words)
}

/// A message without the number that the standard library puts behind the system's words, which are at its end.
pub(crate) fn without_number(message: &str) -> String {
    message.split(" (os error ").next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use std::net::ToSocketAddrs;

    use super::*;

    #[test]
    fn only_the_systems_words_are_left() {
        assert_eq!(words(&io::Error::from_raw_os_error(libc::ENOENT)), "No such file or directory");
        let error = ("no-such-name.invalid", 0).to_socket_addrs().unwrap_err();
        assert!(is_of_lookup(&error) && !words(&error).contains("lookup"), "{error}");
        assert_eq!(words(&io::Error::other("a pipe")), "a pipe");
    }
}
