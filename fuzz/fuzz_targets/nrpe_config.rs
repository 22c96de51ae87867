//! Any bytes are an `nrpe.cfg` or a mistake, and any bytes are rules of TCP wrappers.
#![no_main]

use std::net::IpAddr;
use std::path::Path;

use custos_compat::nrpe::{
    Ask, Entry, EntryKind, Found, PeerName, Verdict, WrapperFile, WrapperRules, load,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let peers: [IpAddr; 3] = ["192.0.2.7", "::1", "::ffff:127.0.0.1"].map(|peer| peer.parse().expect("an address"));
    // Every file is this one, under as many identities as there are paths; every directory has it twice.
    let mut asked = 0;
    let mut answer = |ask: Ask<'_>| {
        asked += 1;
        match ask {
            _ if asked > 200 => Found::Nothing("enough".into()),
            Ask::File(path) => Found::File { content: data.to_vec(), identity: path.to_owned() },
            Ask::Directory(_) => Found::Directory(vec![
                Entry { name: b"a.cfg".to_vec(), kind: EntryKind::File },
                Entry { name: b"sub".to_vec(), kind: EntryKind::Directory },
            ]),
        }
    };
    if let Ok(config) = load(Path::new("/nrpe.cfg"), &mut answer) {
        assert!(config.command_timeout_s > 0 && config.server_port >= 1024);
        assert!(config.commands.keys().all(|name| !name.is_empty()));
        for peer in peers {
            if config.allowed_hosts.entries().is_some_and(<[_]>::is_empty) {
                assert_eq!(config.allowed_hosts.verdict(peer), Verdict::Refused);
            }
        }
    }
    for file in [WrapperFile::Allow, WrapperFile::Deny] {
        let mut read = |_: &Path| Some(data.to_vec());
        let rules = WrapperRules::parse(data, "nrpe", file, &mut read);
        for peer in peers {
            let _ = rules.judge(peer, &PeerName::Known("poller.example.com".into()), file);
        }
    }
});
