//! Certificates for tests, made with OpenSSL when they are needed.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// An authority with its files in a directory.
#[derive(Debug)]
pub(crate) struct Authority {
    directory: PathBuf,
    name: String,
}

/// A certificate and its key.
#[derive(Clone, Debug)]
pub(crate) struct Certificate {
    pub(crate) cert: String,
    pub(crate) key: String,
}

impl Authority {
    pub(crate) fn new(directory: &Path, name: &str) -> Authority {
        let authority = Authority { directory: directory.to_owned(), name: name.to_owned() };
        let (cert, key) = (authority.path("pem"), authority.path("key"));
        openssl(&[
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            &format!("/CN={name}"),
            "-keyout",
            &key,
            "-out",
            &cert,
        ]);
        authority
    }

    /// The authority's own certificate.
    pub(crate) fn cert(&self) -> String {
        self.path("pem")
    }

    /// Signs a certificate for this common name.
    pub(crate) fn sign(&self, name: &str) -> Certificate {
        self.sign_for(name, "2")
    }

    /// The same, for some days from now; a negative number makes one that is over.
    pub(crate) fn sign_for(&self, name: &str, days: &str) -> Certificate {
        let base = self.directory.join(format!("{}-{name}", self.name)).display().to_string();
        let (cert, key, request) = (format!("{base}.pem"), format!("{base}.key"), format!("{base}.csr"));
        let subject = format!("/O=Custos/CN={name}");
        openssl(&[
            "req", "-newkey", "rsa:2048", "-nodes", "-subj", &subject, "-keyout", &key, "-out", &request,
        ]);
        openssl(&[
            "x509",
            "-req",
            "-in",
            &request,
            "-CA",
            &self.path("pem"),
            "-CAkey",
            &self.path("key"),
            "-CAcreateserial",
            "-days",
            days,
            "-out",
            &cert,
        ]);
        // The daemons read their keys as an unprivileged user after a reload.
        Command::new("chmod").args(["644", &key]).status().unwrap();
        Certificate { cert, key }
    }

    fn path(&self, extension: &str) -> String {
        self.directory.join(format!("{}.{extension}", self.name)).display().to_string()
    }
}

fn openssl(words: &[&str]) {
    let status =
        Command::new("openssl").args(words).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
    assert!(status.success(), "openssl {words:?}");
}
