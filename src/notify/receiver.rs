//! Who is told: each target, and of a target with several Alertmanagers or several recipients of a mail server each address by itself,
//! so that one that is away holds up no other, and each has its own back-off, its own note and what it was told.

use std::sync::Arc;

use crate::config::{Alertmanager, Config, Email, Medium, Target};

/// Between the name of a target and the number of one of its addresses.
const NUMBERED: char = '#';

/// The receivers of a configuration: the name of each, and the target as it is for it. The second address of the target `am` is `am#2`.
pub(super) fn receivers(config: &Config) -> Vec<(String, Arc<Target>)> {
    let mut all = Vec::new();
    for (name, target) in config.notify.iter().flat_map(|notify| &notify.targets) {
        let media = by_address(&target.medium);
        if media.len() <= 1 {
            all.push((name.clone(), Arc::clone(target)));
            continue;
        }
        for (number, medium) in (1..).zip(media) {
            let target = Target { medium, ..target.as_ref().clone() };
            all.push((format!("{name}{NUMBERED}{number}"), Arc::new(target)));
        }
    }
    all
}

/// The medium for each of its addresses, where these answer one by one. What `sendmail` takes it has for all.
fn by_address(medium: &Medium) -> Vec<Medium> {
    match medium {
        Medium::Alertmanager(managers) => {
            let one =
                |url: &String| Alertmanager { urls: vec![url.clone()], access: managers.access.clone() };
            managers.urls.iter().map(one).map(Medium::Alertmanager).collect()
        }
        Medium::Email(email) if email.smtp.is_some() => {
            let one = |to: &String| Email { to: vec![to.clone()], ..email.clone() };
            email.to.iter().map(one).map(Medium::Email).collect()
        }
        _ => Vec::new(),
    }
}

/// Their names.
pub fn receiver_names(config: &Config) -> Vec<String> {
    receivers(config).into_iter().map(|(name, _)| name).collect()
}

/// The name of the note of a receiver. That of a target with one address is that of its first if it has several.
pub fn target_note(receiver: &str) -> String {
    match receiver.rsplit_once(NUMBERED) {
        None => format!("notify-target-{receiver}"),
        Some((target, "1")) => format!("notify-target-{target}"),
        Some((target, number)) => format!("notify-address-{number}-{target}"),
    }
}
