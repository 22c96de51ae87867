"""Measures what a run of a standard plugin costs without a process and with one; see scripts/bench-native.

Each is the processor time of the agent with all its children for a run, from the schedule to the store, without what an agent takes that
runs nothing. Both kinds take turns.
"""

import argparse
import json
import os
import signal
import subprocess
import tempfile
import time

PLUGINS = {
    "check_load": "check_load -w 100,90,80 -c 200,190,180",
    "check_swap": "check_swap -w 0% -c 1 -n ok",
    "check_users": "check_users -w 50 -c 100",
    "check_disk": "check_disk -w 1% -c 1% -p /",
    "check_procs": "check_procs -w 5000 -c 10000",
    "check_procs -s": "check_procs -w 500 -c 1000 -s Z",
    "check_procs -C": "check_procs -c 0: -C cron",
    "check_procs -a": "check_procs -c 0: -a cron",
    "check_procs -u": "check_procs -c 0: -u root",
}
# How often each is in public configurations of NRPE, in lines of 100.
MIX = {"check_procs": 20, "check_procs -s": 12, "check_procs -a": 7, "check_disk": 22, "check_load": 16, "check_users": 14, "check_swap": 9}


def cpu_s(usage):
    return usage.ru_utime + usage.ru_stime


def run(args, commands, interval, native, seconds):
    """Processor seconds of an agent and its children, the runs that are stored, and the p99 of their lateness in ms."""
    with tempfile.TemporaryDirectory() as place:
        lines = [f"store: {place}/store", "plugins: [/usr/lib/nagios/plugins]", "defaults:",
                 f"  check_interval: {interval}", f"  native: {'auto' if native else 'false'}", "checks:" if commands else "checks: {}"]
        lines += [f"  c{number}: {{ command: {json.dumps(command)} }}" for number, command in enumerate(commands)]
        with open(f"{place}/custos.yaml", "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        with open(f"{place}/log", "w", encoding="utf-8") as log:
            agent = subprocess.Popen([args.custos, "run", "--config", f"{place}/custos.yaml"], stdout=log, stderr=log)
        time.sleep(seconds)
        agent.send_signal(signal.SIGTERM)
        _, _, usage = os.wait4(agent.pid, 0)
        runs = 0
        lateness = []
        for number in range(len(commands)):
            command = [args.custos, "history", f"c{number}", "--all", "--json", "--config", f"{place}/custos.yaml"]
            out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            of_check = [json.loads(line) for line in out.splitlines()]
            kept = [run for run in of_check if run["reason"] == "exited"]
            runs += len(kept)
            lateness += [run["lateness_ms"] or 0 for run in kept]
            was_process = [run["max_rss_bytes"] is not None for run in kept]
            if native and any(was_process):
                raise SystemExit(f"{commands[number]} was run as a process")
    lateness.sort()
    late = lateness[int(len(lateness) * 0.99)] if lateness else 0.0
    return cpu_s(usage), runs, late


def each(args):
    print(f"{'':16} {'without':>10} {'process':>10}  times less   (us of processor time a run)")
    for name, command in PLUGINS.items():
        best = {}
        for _ in range(args.rounds):
            for native in (True, False):
                idle, _, _ = run(args, [], "1s", native, args.seconds)
                cpu, runs, _ = run(args, [command] * args.checks, "1s", native, args.seconds)
                cost = 1e6 * (cpu - idle) / max(runs, 1)
                best[native] = min(cost, best.get(native, cost))
        print(f"{name:16} {best[True]:10.0f} {best[False]:10.0f}  {best[False] / best[True]:10.1f}", flush=True)


def many(args):
    lines = [PLUGINS[name] for name, share in MIX.items() for _ in range(share)]
    commands = [lines[number % len(lines)] for number in range(args.services)]
    cpu, runs, late = run(args, commands, "10s", True, args.long_seconds)
    share = 100 * cpu / args.long_seconds
    print(f"{args.services} services every 10 s: {share:.0f} % of a core, {runs} runs, p99 of lateness {late:.1f} ms", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--custos", required=True)
    parser.add_argument("--seconds", type=float, default=6)
    parser.add_argument("--long-seconds", type=float, default=60)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--checks", type=int, default=50)
    parser.add_argument("--services", type=int, default=10_000)
    parser.add_argument("--only", choices=["each", "many"])
    args = parser.parse_args()
    if args.only != "many":
        each(args)
    if args.only != "each":
        many(args)


if __name__ == "__main__":
    main()
