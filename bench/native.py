"""Measures what a run of a standard plugin costs without a process and with one, and what one of a script does warm and cold; see scripts/bench-native.

Each is the processor time of the agent with all its children for a run, from the schedule to the store, without what an agent takes that
runs nothing. Both kinds take turns.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import signal
import socket
import ssl
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
    "check_tcp": "check_tcp -H 127.0.0.1 -p {quiet}",
    "check_tcp refused": "check_tcp -H 127.0.0.1 -p {closed}",
    "check_ftp": "check_ftp -H 127.0.0.1 -p {greets}",
    "check_ssh": "check_ssh -p {ssh} 127.0.0.1",
    "check_http": "check_http -H localhost -I 127.0.0.1 -p {web} -u / -s Welcome",
    "check_http -S": "check_http -H localhost -I 127.0.0.1 -p {secure} -S -s Welcome",
}
# How often each is in public configurations of NRPE, in lines of 100.
MIX = {"check_procs": 20, "check_procs -s": 12, "check_procs -a": 7, "check_disk": 22, "check_load": 16, "check_users": 14, "check_swap": 9}


PAGE = b"HTTP/1.1 200 OK\r\nServer: bench\r\nContent-Type: text/html\r\n\r\n<h1>Welcome</h1>\n" + b"<p>more</p>\n" * 200


class Servers:
    """Servers for the plugins on the network, in a process of their own, which counts for nobody."""

    def __init__(self, place):
        self.place = place
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{place}/key.pem", "-out", f"{place}/cert.pem",
                        "-subj", "/CN=localhost", "-days", "90"], check=True, capture_output=True)
        self.sockets = {}
        for name in ("quiet", "greets", "ssh", "web", "secure"):
            self.sockets[name] = socket.create_server(("127.0.0.1", 0), backlog=1024)
        with socket.create_server(("127.0.0.1", 0)) as gone:
            self.ports = {"closed": gone.getsockname()[1]}
        self.ports |= {name: each.getsockname()[1] for name, each in self.sockets.items()}
        self.process = multiprocessing.get_context("fork").Process(target=lambda: asyncio.run(self.serve()), daemon=True)
        self.process.start()

    async def serve(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(f"{self.place}/cert.pem", f"{self.place}/key.pem")

        def answers(greeting, page=None):
            async def answer(reader, writer):
                try:
                    writer.write(greeting)
                    await reader.read(4096)
                    if page:
                        writer.write(page)
                        await writer.drain()
                    writer.close()
                except (ConnectionError, ssl.SSLError):
                    pass
            return answer

        kinds = {"quiet": (b"", None), "greets": (b"220 hello\r\n", None), "ssh": (b"SSH-2.0-bench\r\n", None), "web": (b"", PAGE), "secure": (b"", PAGE)}
        for name, kind in kinds.items():
            await asyncio.start_server(answers(*kind), sock=self.sockets[name], ssl=context if name == "secure" else None)
        await asyncio.Event().wait()


def cpu_s(usage):
    return usage.ru_utime + usage.ru_stime


def interpreters_s(agent):
    """Processor seconds of the warm interpreters below an agent, which nobody waits for."""
    below, total = [agent], 0.0
    while below:
        pid = below.pop()
        try:
            for thread in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{thread}/children", encoding="ascii") as file:
                    below += [int(child) for child in file.read().split()]
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                if b"\0/proc/self/fd/0\0" not in file.read():
                    continue
            with open(f"/proc/{pid}/schedstat", encoding="ascii") as file:
                total += int(file.read().split()[0]) / 1e9
        except FileNotFoundError:
            pass
    return total


def run(args, commands, interval, settings, seconds):
    """Processor seconds of an agent and its children, and the runs that are stored."""
    with tempfile.TemporaryDirectory() as place:
        lines = [f"store: {place}/store", "plugins: [/usr/lib/nagios/plugins]", "defaults:",
                 f"  check_interval: {interval}", f"  {settings}", "checks:" if commands else "checks: {}"]
        lines += [f"  c{number}: {{ command: {json.dumps(command)} }}" for number, command in enumerate(commands)]
        with open(f"{place}/custos.yaml", "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        with open(f"{place}/log", "w", encoding="utf-8") as log:
            agent = subprocess.Popen([args.custos, "run", "--config", f"{place}/custos.yaml"], stdout=log, stderr=log)
        time.sleep(seconds)
        interpreters = interpreters_s(agent.pid)
        agent.send_signal(signal.SIGTERM)
        _, _, usage = os.wait4(agent.pid, 0)
        runs = []
        for number in range(len(commands)):
            command = [args.custos, "history", f"c{number}", "--all", "--json", "--config", f"{place}/custos.yaml"]
            out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            of_check = [json.loads(line) for line in out.splitlines()]
            runs += [run for run in of_check if run["reason"] == "exited"]
    return cpu_s(usage) + interpreters, runs


def setting(native):
    return f"native: {'auto' if native else 'false'}"


def each(args):
    print(f"{'':18} {'without':>10} {'process':>10}  times less   (us of processor time a run)")
    place = tempfile.TemporaryDirectory()
    servers = Servers(place.name)
    for name, command in PLUGINS.items():
        if args.plugin and not name.startswith(args.plugin):
            continue
        command = command.format(**servers.ports)
        best = {}
        for _ in range(args.rounds):
            for native in (True, False):
                idle, _ = run(args, [], "1s", setting(native), args.seconds)
                cpu, runs = run(args, [command] * args.checks, "1s", setting(native), args.seconds)
                if native and any(run["max_rss_bytes"] is not None for run in runs):
                    raise SystemExit(f"{command} was run as a process")
                cost = 1e6 * (cpu - idle) / max(len(runs), 1)
                best[native] = min(cost, best.get(native, cost))
        print(f"{name:18} {best[True]:10.0f} {best[False]:10.0f}  {best[False] / best[True]:10.1f}", flush=True)


def many(args):
    lines = [PLUGINS[name] for name, share in MIX.items() for _ in range(share)]
    commands = [lines[number % len(lines)] for number in range(args.services)]
    cpu, runs = run(args, commands, "10s", setting(True), args.long_seconds)
    lateness = sorted(run["lateness_ms"] or 0 for run in runs)
    late = lateness[int(len(lateness) * 0.99)] if lateness else 0.0
    share = 100 * cpu / args.long_seconds
    print(f"{args.services} services every 10 s: {share:.0f} % of a core, {len(runs)} runs, p99 of lateness {late:.1f} ms", flush=True)


SCRIPTS = {
    "python, bare": """#!/usr/bin/python3
print("OK | a=1")
""",
    "python, argparse and json": """#!/usr/bin/python3
import argparse
import json
import sys

parser = argparse.ArgumentParser(description="Judges a number.")
parser.add_argument("-w", "--warning", type=float, default=5)
parser.add_argument("-c", "--critical", type=float, default=10)
parser.add_argument("value", type=float)
arguments = parser.parse_args()
found = json.loads('{"values": [1, 2, 3]}')
print(f"OK - {len(found['values'])} | value={arguments.value};{arguments.warning};{arguments.critical}")
sys.exit(0)
""",
    "perl, bare": """#!/usr/bin/perl
print "OK | a=1\\n";
""",
    "perl, Monitoring::Plugin": """#!/usr/bin/perl
use strict;
use warnings;
use Monitoring::Plugin;
my $plugin = Monitoring::Plugin->new(usage => 'Usage: %s', shortname => 'NUMBER', version => '1');
$plugin->add_arg(spec => 'warning|w=s', help => 'range', default => 5);
$plugin->add_arg(spec => 'critical|c=s', help => 'range', default => 10);
$plugin->getopts;
my $value = 3;
my $threshold = $plugin->set_thresholds(warning => $plugin->opts->warning, critical => $plugin->opts->critical);
$plugin->add_perfdata(label => 'value', value => $value, threshold => $threshold);
$plugin->plugin_exit($plugin->check_threshold($value), 'judged');
""",
}


def warm(args):
    print(f"{'':26} {'warm':>8} {'cold':>8}  times less {'warm':>8} {'cold':>8}  times sooner   (ms of processor time a run; ms from start to end, median)")
    place = tempfile.TemporaryDirectory()
    seconds = 4 * args.seconds
    idle, _ = run(args, [], "1s", "warm: true", seconds)
    for number, (name, text) in enumerate(SCRIPTS.items()):
        path = f"{place.name}/check_{number}"
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, 0o755)
        command = f"{path} 3" if "argparse" in name else path
        best = {}
        for _ in range(args.rounds):
            for is_warm in (True, False):
                settings = f"warm: {'true' if is_warm else 'false'}"
                cpu, runs = run(args, [command] * args.scripts, "1s", settings, seconds)
                durations = sorted(run["duration_ms"] for run in runs)
                found = 1e3 * (cpu - idle) / max(len(runs), 1), durations[len(durations) // 2]
                best[is_warm] = tuple(map(min, zip(found, best.get(is_warm, found))))
        (warm_cpu, warm_ms), (cold_cpu, cold_ms) = best[True], best[False]
        print(f"{name:26} {warm_cpu:8.2f} {cold_cpu:8.2f}  {cold_cpu / warm_cpu:10.1f} {warm_ms:8.2f} {cold_ms:8.2f}  {cold_ms / warm_ms:10.1f}", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--custos", required=True)
    parser.add_argument("--seconds", type=float, default=6)
    parser.add_argument("--long-seconds", type=float, default=60)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--checks", type=int, default=50)
    parser.add_argument("--services", type=int, default=10_000)
    parser.add_argument("--plugin", help="only those whose names begin so")
    parser.add_argument("--scripts", type=int, default=20, help="checks that are scripts")
    parser.add_argument("--only", choices=["each", "many", "warm"])
    args = parser.parse_args()
    for part in (each, many, warm):
        if args.only in (None, part.__name__):
            part(args)


if __name__ == "__main__":
    main()
