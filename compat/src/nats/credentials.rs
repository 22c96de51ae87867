//! `.creds` files: the JWT of a user and the seed of its key, each between lines of dashes.

use super::seed::{Seed, SeedFault};

/// What such a file has.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The JWT.
    pub jwt: String,
    /// The key.
    pub seed: Seed,
}

impl Credentials {
    /// Reads the text of a file.
    ///
    /// # Errors
    /// If it has no JWT or no seed of a user.
    pub fn read(text: &str) -> Result<Credentials, SeedFault> {
        let jwt = section(text, "JWT").ok_or(SeedFault::Text)?;
        let seed = section(text, "SEED").ok_or(SeedFault::Text)?;
        Ok(Credentials { jwt: jwt.to_owned(), seed: Seed::read(seed)? })
    }
}

/// The first line that is not empty behind one of dashes that begins a section whose name ends so.
fn section<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = text.lines().map(str::trim);
    let is_begin = |line: &&str| {
        line.starts_with("---") && line.contains("BEGIN") && line.trim_end_matches('-').ends_with(name)
    };
    lines.find(is_begin)?;
    lines.find(|line| !line.is_empty()).filter(|line| !line.starts_with('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_a_jwt_and_a_seed() {
        let text = "-----BEGIN NATS USER JWT-----\r\neyJ0.eyJq.c2ln\r\n------END NATS USER JWT------\r\n\r\n\
            ************************* IMPORTANT *************************\n\n\
            -----BEGIN USER NKEY SEED-----\nSUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY\n------END USER NKEY SEED------\n";
        let read = Credentials::read(text).unwrap();
        assert_eq!(read.jwt, "eyJ0.eyJq.c2ln");
        assert_eq!(read.seed.public().unwrap(), "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4");
        for cut in [0, 30, 120] {
            assert!(Credentials::read(&text[..cut]).is_err());
        }
    }
}
