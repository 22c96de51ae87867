"""Compares Custos with what the machine can do at all, with nagios4 and with icinga2; see scripts/bench-run.

Every side runs the same plugin, which appends the moment of its start to a file. Rates, starts and intervals are taken
from that file alone; processor time is that of the whole tree of processes, plugins included.
"""

import argparse
import json
import os
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time

from schedulers import INTERVAL_S, Custos, Icinga, Nagios
from tree import Tree

MASK = (1 << 64) - 1


class Bench:
    """The tools, and the place where everything happens."""

    def __init__(self, work, plugin, bound, seconds):
        self.work, self.plugin, self.bound_program, self.seconds = work, plugin, bound, seconds
        self.stamps = f"{work}/stamps"
        self.bounds = []
        open(self.stamps, "w").close()
        os.chmod(self.stamps, 0o666)

    def bound(self):
        """How many plugins a second this machine starts, reads and reaps, and what one costs."""
        command = [self.bound_program, "3", str(os.cpu_count()), self.plugin, self.stamps, "0"]
        figures = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        figures["cpu_us"] = figures["own_cpu_us"] + figures["plugin_cpu_us"]
        self.bounds.append(figures)
        print(f"bound     {figures['per_s']:7.0f}/s  {figures['cpu_us']:6.0f} us a plugin", flush=True)

    def begin(self, side, services):
        os.truncate(self.stamps, 0)
        place = tempfile.mkdtemp(dir=self.work)
        os.chmod(place, 0o755)
        with open(f"{place}/output", "w") as log:
            return place, side.start(place, self.plugin, self.stamps, services, log)

    def records(self):
        """All stamps so far, as pairs of service and nanoseconds."""
        with open(self.stamps, "rb") as file:
            data = file.read()
        return list(struct.iter_unpack("QQ", data[: len(data) // 16 * 16]))

    def sustained(self, side, services, warm_s):
        """Lets it run, then measures for a while."""
        place, tree = self.begin(side, services)
        try:
            sleep_or_fail(tree, warm_s, place)
            before, begun_ns, offset = tree.cpu_s(), time.monotonic_ns(), os.path.getsize(self.stamps)
            sleep_or_fail(tree, self.seconds, place)
            after, ended_ns, end = tree.cpu_s(), time.monotonic_ns(), os.path.getsize(self.stamps)
            rss, pss = tree.memory_kib(self.plugin)
        finally:
            tree.end()
        records = self.records()
        shutil.rmtree(place)
        count = max(1, (end - offset) // 16)
        own, plugins = (1e6 * (after[n] - before[n]) / count for n in (0, 1))
        window = [record for record in records if begun_ns <= record[1] < ended_ns]
        result = {
            "side": side.name,
            "services": services,
            "per_s": count / ((ended_ns - begun_ns) / 1e9),
            "own_us": own,
            "cpu_us": own + plugins,
            "rss_mib": rss / 1024,
            "pss_mib": pss / 1024,
            "intervals_ms": intervals_ms(records),
            "late_ms": late_ms(window) if side.name == "custos" else [],
            "first": first_starts(records, tree.begun_ns, services),
        }
        print(
            f"{side.name:9} {result['per_s']:7.0f}/s  {result['cpu_us']:6.0f} us a check ({own:.0f} its own)  "
            f"of {services / INTERVAL_S:.0f}/s wanted, {result['rss_mib']:.0f} MiB ({result['pss_mib']:.0f} shared once)",
            flush=True,
        )
        return result

    def idle(self, side, seconds):
        """Twenty checks: what the daemon uses, its plugins and all."""
        place, tree = self.begin(side, 20)
        try:
            sleep_or_fail(tree, 3, place)
            before = sum(tree.cpu_s())
            sleep_or_fail(tree, seconds, place)
            cpu = (sum(tree.cpu_s()) - before) / seconds
            rss, pss = tree.memory_kib(self.plugin)
        finally:
            tree.end()
        shutil.rmtree(place)
        return 100 * cpu, rss / 1024, pss / 1024


def sleep_or_fail(tree, seconds, place):
    try:
        tree.root.wait(seconds)
    except subprocess.TimeoutExpired:
        return
    with open(f"{place}/output") as log:
        sys.exit("it ended early:\n" + log.read()[-2000:])


def late_ms(records):
    """By how much each start missed its slot, as docs and `agent/slots.rs` define slots, in milliseconds."""
    ahead_ns = time.time_ns() - time.monotonic_ns()
    interval_ns = INTERVAL_S * 10**9
    phases = {}
    late = []
    for service, start_ns in records:
        if service not in phases:
            phases[service] = (stable_hash("bench", f"c{service}") * interval_ns) >> 64
        past_ns = (start_ns + ahead_ns - phases[service]) % interval_ns
        # A start just before its slot, as the clocks are read to the millisecond.
        late.append((past_ns if past_ns < interval_ns - 10**7 else past_ns - interval_ns) / 1e6)
    return sorted(late)


def stable_hash(host, check):
    value = 0xCBF29CE484222325
    for byte in host.encode() + b"\0" + check.encode():
        value = ((value ^ byte) * 0x100000001B3) & MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & MASK
    return value ^ (value >> 31)


def intervals_ms(records):
    """Between two starts of a service, in milliseconds, sorted by how far each is from what was wanted."""
    last, intervals = {}, []
    for service, start_ns in records:
        if service in last:
            intervals.append((start_ns - last[service]) / 1e6)
        last[service] = start_ns
    return sorted(intervals, key=lambda interval: abs(interval - 1000 * INTERVAL_S))


def first_starts(records, begun_ns, services):
    """Seconds until every service had run once, and the fullest second against the mean; none if some never ran."""
    first = {}
    for service, start_ns in records:
        first.setdefault(service, (start_ns - begun_ns) / 1e9)
    if len(first) < services:
        return None
    last = max(first.values())
    seconds = [0] * (int(last) + 1)
    for start in first.values():
        seconds[int(start)] += 1
    return last, max(seconds) / (services / max(last, 1))


def at(values, part):
    return values[min(len(values) - 1, int(part * len(values)))] if values else float("nan")


def table(bench, results, idle):
    """The figures that are wanted, with what is wanted of them."""
    bound_rate = statistics.median(figures["per_s"] for figures in bench.bounds)
    bound_cpu = statistics.median(figures["cpu_us"] for figures in bench.bounds)
    of = lambda side: [result for result in results if result["side"] == side]
    best = {side: max((r["per_s"] for r in of(side)), default=float("nan")) for side in ("custos", "nagios4", "icinga2")}
    # Where each was busiest, so that what a check costs is not what an idle processor's waking costs.
    cost = {
        side: max(of(side), key=lambda r: r["per_s"], default={"cpu_us": float("nan")})["cpu_us"] for side in best
    }
    rows = [
        ("highest sustained checks/s", f"{best['custos']:.0f}", ""),
        ("  against the bound", f"{best['custos'] / bound_rate:.2f}", ">= 0.85"),
        ("  against nagios4", f"{best['custos'] / best['nagios4']:.2f}", ">= 1.5"),
        ("  against icinga2", f"{best['custos'] / best['icinga2']:.2f}", ""),
        ("CPU a check, us", f"{cost['custos']:.0f}", ""),
        ("  against the bound", f"{cost['custos'] / bound_cpu:.2f}", "<= 1.25"),
        ("  against nagios4", f"{cost['custos'] / cost['nagios4']:.2f}", "<= 0.75"),
        ("  against icinga2", f"{cost['custos'] / cost['icinga2']:.2f}", ""),
    ]
    for result in of("custos"):
        if result["services"] == 10_000:
            late, intervals = result["late_ms"], result["intervals_ms"]
            rows += [
                ("start against schedule at 1,000/s, p50 ms", f"{at(late, 0.5):.1f}", "<= 2"),
                ("  p99 ms", f"{at(late, 0.99):.1f}", "<= 50"),
                ("interval, p99 of the deviation, ms", f"{abs(at(intervals, 0.99) - 1000 * INTERVAL_S):.1f}", "<= 50"),
                ("resident memory at 10,000 services, MiB", f"{result['rss_mib']:.1f}", "<= 64"),
                ("  shared pages counted once", f"{result['pss_mib']:.1f}", ""),
            ]
        if result["services"] == 1_000 and result["first"]:
            rows += [
                ("until 1,000 services had run once, s", f"{result['first'][0]:.1f}", "10"),
                ("  fullest second against the mean", f"{result['first'][1]:.2f}", "<= 2"),
            ]
    for side in ("nagios4", "icinga2"):
        for result in of(side):
            if result["services"] == 10_000:
                deviation = abs(at(result["intervals_ms"], 0.99) - 1000 * INTERVAL_S)
                rows.append((f"{side}: interval, p99 of the deviation, ms", f"{deviation:.1f}", ""))
    if idle:
        rows += [
            ("idle, 20 checks: % of a core, plugins included", f"{idle[0]:.2f}", "<= 0.3"),
            ("  resident memory, MiB", f"{idle[1]:.1f}", "<= 16"),
            ("  shared pages counted once", f"{idle[2]:.1f}", ""),
        ]
    print(f"\nbound {bound_rate:.0f}/s at {bound_cpu:.0f} us; load average {open('/proc/loadavg').read().split(' ')[0]}\n")
    print(f"{'figure':50} {'value':>8}  target")
    for name, value, target in rows:
        print(f"{name:50} {value:>8}  {target}")


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench-run")
    parser.add_argument("--seconds", type=int, default=15, help="measured for each figure (15)")
    parser.add_argument("--warm", type=int, default=12, help="before that, so that every service has run once (12)")
    parser.add_argument("--services", default="1000,5000,10000,20000", help="how many, one after the other")
    parser.add_argument("--sides", default="nagios4,icinga2,custos", help="beside the bound")
    parser.add_argument("--no-flood", action="store_true", help="leave out more services than the machine can run")
    parser.add_argument("--no-idle", action="store_true", help="leave out the idle daemon")
    for tool in ("custos", "plugin", "bound", "work"):
        parser.add_argument(f"--{tool}", required=True, help=argparse.SUPPRESS)
    args = parser.parse_args()
    sides = [side for side in (Nagios(), Icinga(), Custos(args.custos)) if side.name in args.sides.split(",")]
    for side in sides:
        if not os.access(side.program, os.X_OK):
            print(f"{side.name} is not installed and left out")
    sides = [side for side in sides if os.access(side.program, os.X_OK)]
    bench = Bench(args.work, args.plugin, args.bound, args.seconds)
    bench.bound()
    results = []
    for services in (int(services) for services in args.services.split(",")):
        for side in sides:
            # What the others do with few services, and icinga2 beyond what it can do, takes time and tells nothing.
            if side.name != "custos" and (services < 10_000 or (side.name == "icinga2" and services > 10_000)):
                continue
            results.append(bench.sustained(side, services, args.warm))
        bench.bound()
    custos = [side for side in sides if side.name == "custos"]
    if custos and not args.no_flood:
        flood = int(bench.bounds[-1]["per_s"] * INTERVAL_S * 1.2)
        results.append(bench.sustained(custos[0], flood, args.warm))
        bench.bound()
    idle = bench.idle(custos[0], args.seconds * 2) if custos and not args.no_idle else None
    table(bench, results, idle)


main()
