"""Measures the page in Chromium; see scripts/bench-live."""

import argparse
import json
import os
import signal
import socket
import subprocess
import tempfile

from live_watch import PLUGIN, Agent, row

PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "page", "bench.mjs")
YEAR = "&start=1767225600000&end=1798761600000"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def ask(what, url, profile, *more):
    done = subprocess.run(["node", PAGE, what, url, profile, *map(str, more)], check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout)


def paint(args, work):
    store = args.year or os.path.join(work, "year")
    if not os.path.exists(os.path.join(store, "identity")):
        subprocess.run([args.make_year, store], check=True)
    port = free_port()
    with open(f"{work}/log", "w", encoding="utf-8") as log:
        served = subprocess.Popen([args.custos, "serve", "--store", store, "--listen", f"127.0.0.1:{port}"], stdout=subprocess.PIPE, stderr=log)
    try:
        served.stdout.readline()
        found = ask("paint", f"http://127.0.0.1:{port}/?check=load{YEAR}", f"{work}/profile")
    finally:
        served.send_signal(signal.SIGTERM)
        served.wait()
    row("year x 4 series, 3.15 M samples each: opened to painted", f"median {found['painted'][0]} ms, worst {found['painted'][1]} ms", "<= 150 ms")
    row("  of that, values asked for to drawn", f"median {found['drawn'][0]} ms, worst {found['drawn'][1]} ms")
    row("  events and marks on the axis of time, after opening", f"median {found['marked'][0]} ms, worst {found['marked'][1]} ms")


def watch(args, work, what, hosts, plugin, every):
    """What the page measures of the metrics of a plugin, on that many hosts side by side: agents that let the first one's page ask."""
    ports = [free_port() for _ in range(hosts)]
    started = []
    for at, port in enumerate(ports):
        place = f"{work}/agent{at}"
        os.mkdir(place)
        with open(f"{place}/plugin", "w", encoding="utf-8") as file:
            file.write(plugin)
        os.chmod(f"{place}/plugin", 0o755)
        check = f"  seq: {{ command: {place}/plugin, check_interval: 10s }}\n"
        started.append(Agent(args.custos, place, check, port, cors=f"http://127.0.0.1:{ports[0]}"))
    others = ",".join(f"http://127.0.0.1:{port}" for port in ports[1:])
    url = f"http://127.0.0.1:{ports[0]}/?check=seq&since=2m&every={every}" + (f"&hosts={others}" if others else "")
    try:
        return ask(what, url, f"{work}/profile", args.seconds)
    finally:
        for agent in started:
            agent.end()


def live(args, work):
    found = watch(args, work, "live", 1, PLUGIN, "100ms")
    row("sample taken to drawn in Chromium, every 100 ms", f"p50 {found['p50']} ms, p99 {found['p99']} ms of {found['runs']}", "p99 <= 100 ms")


def many(args, work):
    metrics = " ".join(f"m{at}=$((n % {at + 7}))" for at in range(50))
    plugin = f'#!/bin/sh\nread -r n 2>/dev/null <"$0.n" || n=0\nn=$(((n + 1) % 100000))\necho $n >"$0.n"\necho "OK | {metrics}"\n'
    found = watch(args, work, "many", 4, plugin, "200ms")
    row("50 metrics x 4 hosts x 5 Hz: pictures a second", f"{found['fps']:.1f}", ">= 30")
    row("  processor time of the page's process", f"{found['page']:.0f} % of a core", "<= 30 %")
    row("  of all processes of the browser", f"{found['all']:.0f} % of a core")
    row(f"  memory of its scripts in {args.seconds} s", f"{found['heap'][0]:.1f} to {found['heap'][1]:.1f} MiB", "no growth")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--custos", required=True)
    parser.add_argument("--make-year", required=True)
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--only", choices=["paint", "live", "many"])
    parser.add_argument("--year", help="a store that was made by the example `year`, or where to make it")
    args = parser.parse_args()
    for name, measure in [("paint", paint), ("live", live), ("many", many)]:
        if args.only in (None, name):
            with tempfile.TemporaryDirectory(prefix="custos-bench-") as work:
                os.chmod(work, 0o755)
                measure(args, work)


if __name__ == "__main__":
    main()
