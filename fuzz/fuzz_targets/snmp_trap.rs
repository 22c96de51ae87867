//! Any packets are traps or counted as what they are, and what they say becomes runs whose instances are as bad as they say.
#![no_main]

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use custos::agent::{Agent, Effect, Event};
use custos::clock::Moment;
use custos::config::{Config, Surroundings, load_with};
use custos::execute::PluginEnvironment;
use custos::snmp::traps::{Intake, Taken};
use libfuzzer_sys::fuzz_target;

const CONFIGURATION: &str = r#"
snmp:
  profiles:
    one: { version: 1, community: public }
    two: { version: 2c, community: public }
    three: { version: 3, user: open }
  traps: { listen: "127.0.0.1:0", per_source: 1000, engine_id: 8000000001 }
checks:
  link:
    trap:
      oid: [linkDown, linkUp, 1.3.6]
      state: { linkDown: critical, linkUp: ok, 1.3.6: warning }
      key: [source, ifIndex]
      text: "{trap} {source} {agent} {uptime} {variables} {ifDescr}"
      metrics: [ifIndex, 1.3.6]
      deduplicate: 1s
      expires: 10s
  some: { trap: { oid: linkDown, state: critical, where: { ifDescr: "e*", ifAdminStatus: [up, 7] } } }
  noit: { trap: { reconnoiter: 00010002-0003-0004-0005-000600070008 } }
"#;

fn configuration() -> Arc<Config> {
    static CONFIG: OnceLock<Arc<Config>> = OnceLock::new();
    let read = || {
        let path = std::env::temp_dir().join(format!("custos-fuzz-{}.yaml", std::process::id()));
        std::fs::write(&path, CONFIGURATION).expect("a temporary file can be written");
        let loaded = load_with(&path, &Surroundings { cpus: 1, ..Surroundings::of_this_machine() });
        // It has been read.
        let _ = std::fs::remove_file(&path);
        Arc::new(loaded.expect("the configuration is right").config)
    };
    Arc::clone(CONFIG.get_or_init(read))
}

fuzz_target!(|data: &[u8]| {
    let config = configuration();
    let Some(traps) = &config.snmp.traps else { return };
    let mut now = Moment { mono_us: 1_000_000_000, wall_ms: 1_790_000_000_000 };
    let mut faults = Vec::new();
    let mut intake = Intake::new(&config, traps, now, &mut faults);
    let environment = PluginEnvironment::new("nobody", "/".into());
    let mut agent = Agent::new(Arc::clone(&config), environment, now);
    let mut effects = Vec::new();
    // The first byte of each packet says how long it is, and when and where it comes from.
    let mut rest = data;
    let mut packets = 0;
    while let Some((&head, after)) = rest.split_first() {
        let len = (usize::from(head) * 2).min(after.len());
        let (packet, after) = after.split_at(len);
        rest = after;
        packets += 1;
        now.mono_us += u64::from(head & 7) * 300_000;
        now.wall_ms += i64::from(head & 7) * 300;
        let Taken { results, .. } = intake.take(packet, IpAddr::from([192, 0, 2, head & 3]), now);
        agent.handle(Event::Passive(results), now, &mut effects);
        agent.handle(Event::Passive(intake.tick(now)), now, &mut effects);
        agent.handle(Event::Look, now, &mut effects);
    }
    let counted: u64 = intake.counters().snapshot().iter().take(11).map(|(_, count)| count).sum();
    assert_eq!(counted, packets, "every packet falls under one heading");
    let runs: Vec<_> = effects
        .into_iter()
        .filter_map(|effect| match effect {
            Effect::Record { check, run } if &*check == "link" => Some(Arc::unwrap_or_clone(run)),
            _ => None,
        })
        .collect();
    if let Some(last) = runs.last() {
        assert_eq!(last.instances.worst(), last.plugin_state);
    }
});
