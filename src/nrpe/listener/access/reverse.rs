//! The name of an address, from the system's name service.
//!
//! File-level promise: the one call into C is given a socket address and a buffer that both outlive it, with their
//! true lengths, and its result is used only when it reports success.
#![expect(unsafe_code, reason = "calls getnameinfo, which std has no form of")]

use std::ffi::CStr;
use std::net::{IpAddr, SocketAddr};

use nix::sys::socket::{SockaddrLike, SockaddrStorage};

use crate::limits;

/// Longest name that the system returns, with its NUL.
const NAME_MAX_LEN: usize = 1025;

/// The name of a peer; `None` if it has none or the name service does not answer in time.
pub(super) async fn name_of(peer: IpAddr) -> Option<String> {
    let lookup = tokio::task::spawn_blocking(move || look_up(peer));
    tokio::time::timeout(limits::NRPE_LOOKUP_TIMEOUT, lookup).await.ok()?.ok()?
}

fn look_up(peer: IpAddr) -> Option<String> {
    let address = SockaddrStorage::from(SocketAddr::new(peer, 0));
    let mut name = [0_u8; NAME_MAX_LEN];
    // SAFETY: by the file-level promise `address` and `name` are valid for the lengths given, and the service is
    // not asked for, which a null pointer of length zero says.
    let failure = unsafe {
        libc::getnameinfo(
            address.as_ptr(),
            address.len(),
            name.as_mut_ptr().cast(),
            NAME_MAX_LEN as libc::socklen_t,
            std::ptr::null_mut(),
            0,
            libc::NI_NAMEREQD,
        )
    };
    if failure != 0 {
        return None;
    }
    let name = CStr::from_bytes_until_nul(&name).ok()?.to_str().ok()?;
    Some(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn loopback_has_a_name_and_documentation_has_none() {
        assert!(name_of("127.0.0.1".parse().unwrap()).await.is_some_and(|name| name.contains("localhost")));
        assert_eq!(name_of("192.0.2.255".parse().unwrap()).await, None);
    }
}
