//! The machine itself: load, memory, processes, the clock, the kernel's RAID.

use super::draft::Draft;
use super::subject::Subject;
use crate::discover::host::Host;

/// Units that keep the clock.
pub(super) const CLOCKS: [&str; 6] = ["chrony", "chronyd", "ntp", "ntpd", "ntpsec", "systemd-timesyncd"];

/// The checks, and remarks.
pub(super) fn drafts(host: &Host) -> (Vec<Draft>, Vec<String>) {
    let mut drafts = vec![load(host), memory()];
    drafts.extend(host.swap.then(swap));
    drafts.extend([processes(host), zombies(), uptime()]);
    let mut remarks = Vec::new();
    if !host.container {
        match host.units.iter().find(|unit| CLOCKS.contains(&unit.as_str())) {
            Some(unit) => drafts.push(clock(unit)),
            None => remarks.push(
                "nothing that keeps the clock is enabled (chrony, ntpsec, systemd-timesyncd)".to_owned(),
            ),
        }
    }
    drafts.extend((!host.arrays.is_empty()).then(|| {
        Draft::new("raid", format!("software RAID: {}", host.arrays.join(", "))).command(["check_raid"])
    }));
    (drafts, remarks)
}

fn load(host: &Host) -> Draft {
    let cpus = host.cpus;
    let why = match cpus {
        1 => "1 CPU: more than 4 tasks wait for it, or 3 for a quarter of an hour".to_owned(),
        _ => format!("{cpus} CPUs: more than 4 tasks wait for each, or 3 for a quarter of an hour"),
    };
    let (warning, critical) = ((4 * cpus).to_string(), (8 * cpus).to_string());
    Draft::new("load", why)
        .command(["check_load", "-r", "-w", "4,3.5,3", "-c", "8,7,6"])
        .command(["load.sh", "-w", &warning, "-c", &critical])
        .settings(&[("check_interval", "10s")])
}

fn memory() -> Draft {
    Draft::new("memory", "memory that programs cannot get; a short peak is nothing to wake anybody for")
        .command(["memory.sh"])
        .settings(&[("check_interval", "10s")])
        .thresholds(&["{ metric: used_percent, warning: \"90%\", critical: \"97%\", for: 2m }"])
        .of(Subject::Whole(&["check_mem", "check_mem.pl", "check_memory", "check_mem.sh", "check_mem.py"]))
}

fn swap() -> Draft {
    Draft::new("swap", "swap that is nearly full: memory is next")
        .command(["check_swap", "-w", "50%", "-c", "20%"])
        .settings(&[("check_interval", "1m")])
}

fn processes(host: &Host) -> Draft {
    // Thrice of what there is now, in hundreds; a small host has room to grow.
    let warning = (host.processes * 3).div_ceil(100).max(4) * 100;
    let (low, high) = (warning.to_string(), (warning * 2).to_string());
    Draft::new("processes", format!("{} processes ran when this was written", host.processes))
        .command(["check_procs", "-w", &low, "-c", &high])
        .settings(&[("check_interval", "1m")])
        .of(Subject::Processes)
}

fn zombies() -> Draft {
    Draft::new("zombies", "processes that ended and that nobody waits for: their parent is broken")
        .command(["check_procs", "-w", "5", "-c", "20", "-s", "Z"])
        .settings(&[("check_interval", "1m")])
        .of(Subject::Zombies)
}

fn uptime() -> Draft {
    Draft::new("uptime", "a WARNING for ten minutes after a start, so that none goes unseen")
        .command(["uptime.sh", "-w", "600"])
        .settings(&[("check_interval", "1m"), ("max_check_attempts", "1")])
        .of(Subject::Whole(&["check_uptime"]))
}

fn clock(unit: &str) -> Draft {
    Draft::new("clock", format!("{unit} keeps the clock: whether it is synchronised, and how far it is off"))
        .command(["clock.sh", "-w", "0.1", "-c", "1"])
        .settings(&[("check_interval", "1m")])
        .of(Subject::Whole(&[
            "check_ntp_time",
            "check_ntp",
            "check_ntp_peer",
            "check_chrony",
            "check_timesync",
        ]))
}
