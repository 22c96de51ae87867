//! CONNECT: what a client says of itself.

use serde::Serialize;

use super::info::Info;
use super::seed::{Seed, SeedFault};

/// How a client proves who it is.
#[derive(Clone, Default)]
pub enum Login {
    /// Not at all.
    #[default]
    None,
    /// By a name and a password.
    Password {
        /// The name.
        user: String,
        /// The password.
        password: String,
    },
    /// By a token.
    Token(String),
    /// By a key whose public half the server knows.
    Key(Seed),
    /// By a JWT, which names the public half of the key, and that key.
    Jwt {
        /// The JWT of the user.
        jwt: String,
        /// The key.
        seed: Seed,
    },
}

/// No secret is shown.
impl std::fmt::Debug for Login {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Login::None => "None",
            Login::Password { .. } => "Password",
            Login::Token(_) => "Token",
            Login::Key(_) => "Key",
            Login::Jwt { .. } => "Jwt",
        })
    }
}

/// The JSON of CONNECT.
#[derive(Serialize, Default)]
pub struct Connect<'a> {
    verbose: bool,
    pedantic: bool,
    tls_required: bool,
    name: &'a str,
    lang: &'a str,
    version: &'a str,
    protocol: u8,
    echo: bool,
    headers: bool,
    no_responders: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pass: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jwt: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nkey: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sig: Option<String>,
}

impl<'a> Connect<'a> {
    /// What a client of this name and version says to a server that said `info`, with TLS or without.
    ///
    /// # Errors
    /// If the nonce of the server cannot be signed.
    pub fn new(
        info: &Info,
        (name, version): (&'a str, &'a str),
        login: &'a Login,
        tls: bool,
    ) -> Result<Connect<'a>, SeedFault> {
        let mut connect = Connect {
            tls_required: tls,
            name,
            lang: "rust",
            version,
            protocol: 1,
            headers: true,
            no_responders: true,
            ..Connect::default()
        };
        let nonce = info.nonce.as_deref().unwrap_or_default().as_bytes();
        match login {
            Login::None => {}
            Login::Password { user, password } => {
                connect.user = Some(user);
                connect.pass = Some(password);
            }
            Login::Token(token) => connect.auth_token = Some(token),
            Login::Key(seed) => {
                connect.nkey = Some(seed.public()?);
                connect.sig = Some(seed.signature(nonce)?);
            }
            Login::Jwt { jwt, seed } => {
                connect.jwt = Some(jwt);
                connect.sig = Some(seed.signature(nonce)?);
            }
        }
        Ok(connect)
    }

    /// The line of the protocol.
    pub fn line(&self) -> Vec<u8> {
        let json = serde_json::to_string(self).expect("texts and booleans have a JSON");
        format!("CONNECT {json}\r\n").into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_sent_and_never_shown() {
        let info = Info { nonce: Some("n".to_owned()), ..Info::default() };
        let login = Login::Password { user: "u".to_owned(), password: "secret".to_owned() };
        let line = Connect::new(&info, ("custos", "1"), &login, true).unwrap().line();
        let json: serde_json::Value = serde_json::from_slice(&line[8..]).unwrap();
        assert_eq!(
            (&json["user"], &json["pass"], &json["tls_required"]),
            (&"u".into(), &"secret".into(), &true.into())
        );
        assert!(json.get("jwt").is_none() && !format!("{login:?}").contains("secret"));
        assert!(line.ends_with(b"}\r\n"));
        let token = Login::Token("t\r\nPUB".to_owned());
        let line = Connect::new(&info, ("custos", "1"), &token, false).unwrap().line();
        assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1);
    }
}
