//! How a client logs in, read from files of keys.

use std::fmt;
use std::path::{Path, PathBuf};

use custos_compat::nats::{Credentials, Login, Seed, SeedFault};

use crate::limits::CREDENTIALS_MAX_BYTES;
use crate::text::system_error;
use crate::whole_file;

/// Why a file gives no login. The text continues "failed to log in: …".
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoginFault {
    /// It cannot be read.
    File(PathBuf, String),
    /// It has no key.
    Key(PathBuf, SeedFault),
}

impl fmt::Display for LoginFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoginFault::File(path, why) => write!(out, "failed to read {}: {why}", path.display()),
            LoginFault::Key(path, fault) => write!(out, "failed to use {}: {fault}", path.display()),
        }
    }
}

impl std::error::Error for LoginFault {}

/// The login of a `.creds` file: a JWT and a key.
///
/// # Errors
/// If it cannot be read, or is none.
pub fn login_by_credentials(path: &Path) -> Result<Login, LoginFault> {
    let read = Credentials::read(&text(path)?).map_err(|fault| LoginFault::Key(path.to_owned(), fault))?;
    Ok(Login::Jwt { jwt: read.jwt, seed: read.seed })
}

/// The login of a file that has the seed of a user's key.
///
/// # Errors
/// If it cannot be read, or is none.
pub fn login_by_seed(path: &Path) -> Result<Login, LoginFault> {
    let seed = Seed::read(&text(path)?).map_err(|fault| LoginFault::Key(path.to_owned(), fault))?;
    Ok(Login::Key(seed))
}

/// The login of a user whose password is in a file.
///
/// # Errors
/// If it cannot be read.
pub fn login_by_password(user: &str, path: &Path) -> Result<Login, LoginFault> {
    Ok(Login::Password { user: user.to_owned(), password: line(path)? })
}

/// The login by a token that is in a file.
///
/// # Errors
/// If it cannot be read.
pub fn login_by_token(path: &Path) -> Result<Login, LoginFault> {
    line(path).map(Login::Token)
}

/// What a file has, without the end of its line.
fn line(path: &Path) -> Result<String, LoginFault> {
    Ok(text(path)?.trim_end_matches(['\n', '\r']).to_owned())
}

fn text(path: &Path) -> Result<String, LoginFault> {
    let failed = |why: String| LoginFault::File(path.to_owned(), why);
    let bytes = whole_file::bytes(path, CREDENTIALS_MAX_BYTES as u64)
        .map_err(|error| failed(system_error::words(&error)))?;
    String::from_utf8(bytes).map_err(|_| failed("it is not UTF-8".to_owned()))
}
