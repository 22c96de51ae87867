"""Thousands of agents' ways to one VictoriaMetrics and one NATS: steady, an outage, and what comes after it. See scripts/fleet."""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

from feed_servers import Nats, VictoriaMetrics, cpu_s, memory_mib
from query_servers import free_port

# A process of the simulation has at most so many agents, each with seven descriptors of files and connections.
AGENTS_A_PROCESS = 2_000
STORES = 20
SERIES = 30
INTERVAL_S = 10


class Shard:
    """One process of agents."""

    def __init__(self, command, log):
        with open(log, "w", encoding="utf-8") as errors:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
            )
        self.last, self.log = None, log
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        for line in self.process.stdout:
            self.last = json.loads(line)

    def stop(self):
        """Has it deliver nothing more, and prove what it delivered."""
        self.process.stdin.close()

    def proof(self):
        """What it says of that."""
        if self.process.wait() != 0:
            raise SystemExit(f"the proof has failed, see {self.log}")
        self.thread.join()
        return self.last


class Simulation:
    def __init__(self, given):
        self.given, self.work = given, given.work
        # What an agent's host has a disk of its own for.
        self.stores = tempfile.mkdtemp(dir="/dev/shm")
        self.shards, self.metrics, self.nats = [], None, None
        self.metrics_port, self.nats_port, self.watch_port = free_port(), free_port(), free_port()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for shard in self.shards:
            shard.process.kill()
            shard.process.wait()
        if hasattr(self, "source"):
            self.source.kill()
            self.source.wait()
        self.stop_receivers()
        shutil.rmtree(self.stores)

    def start_receivers(self):
        self.metrics = VictoriaMetrics(f"{self.work}/metrics", f"{self.work}/victoria-metrics.log", self.metrics_port)
        self.metrics.__enter__()
        if self.given.nats:
            self.nats = Nats(f"{self.work}/nats", f"{self.work}/nats.log")
            self.nats.port, self.nats.client_port = self.watch_port, self.nats_port
            self.nats.__enter__()

    def stop_receivers(self):
        for receiver in (self.metrics, self.nats):
            if receiver:
                receiver.__exit__()
        self.metrics = self.nats = None

    def start_stores(self):
        now_s = int(time.time())
        self.begins_s = now_s // 3600 * 3600 - 3600 * self.given.hours if self.given.hours else now_s - 60
        command = [self.given.simulation, "stores", self.stores, str(STORES), str(self.begins_s)]
        self.source = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self.source.stdout.readline() != "ready\n":
            raise SystemExit("the stores cannot be made")

    def start_agents(self):
        for first in range(0, self.given.agents, AGENTS_A_PROCESS):
            count = min(AGENTS_A_PROCESS, self.given.agents - first)
            command = [
                self.given.simulation, "agents", self.stores, str(STORES), str(first), str(count),
                f"http://127.0.0.1:{self.metrics_port}/api/v1/write",
            ]
            command += [f"nats://127.0.0.1:{self.nats_port}"] if self.given.nats else []
            self.shards.append(Shard(command, f"{self.work}/agents{first}.log"))

    def said(self, kind, figure, how=sum):
        told = [shard.last[kind][figure] for shard in self.shards if shard.last and shard.last.get(kind)]
        return how([one for one in told if one is not None] or [0])

    def alive(self):
        for shard in self.shards:
            if shard.process.poll() is not None:
                raise SystemExit(f"agents have ended, see {self.work}/agents*.log")

    def until_caught_up(self, seconds, kinds):
        """How long it took until nobody waits or is behind."""
        begun = time.monotonic()
        while time.monotonic() - begun < seconds:
            time.sleep(1)
            self.alive()
            said = self.said("metrics", "requests") >= self.given.agents
            behind = sum(self.said(kind, figure) for kind in kinds for figure in ("behind", "waiting"))
            if said and not behind and self.said("metrics", "lag_max_ms", max) < INTERVAL_S * 1000:
                return time.monotonic() - begun
        raise SystemExit(f"after {seconds} s {behind} sinks are behind")

    def look(self, name, seconds):
        """What a while costs: each part's processors, samples and lag."""
        programs = {"VictoriaMetrics": [self.metrics.process.pid]}
        if self.nats:
            programs["NATS"] = [self.nats.process.pid]
        programs["agents"] = [shard.process.pid for shard in self.shards]
        spent = lambda: {what: sum(map(cpu_s, pids)) for what, pids in programs.items()}
        before, rows, lags = spent(), self.metrics.rows(), []
        bytes_ = {kind: self.said(kind, "sent_bytes") for kind in ("metrics", "runs")}
        begun, peak, last = time.monotonic(), 0.0, before
        while time.monotonic() - begun < seconds:
            time.sleep(1)
            self.alive()
            lags.append((self.said("metrics", "lag_p99_ms", max), self.said("runs", "lag_p99_ms", max)))
        took, after = time.monotonic() - begun, spent()
        cores = {what: (after[what] - before[what]) / took for what in programs}
        a_second = (self.metrics.rows() - rows) / took
        print(f"{name}, {took:.0f} s: {a_second:.0f} samples/s; cores: " + ", ".join(f"{what} {n:.2f}" for what, n in cores.items()))
        sent = {kind: (self.said(kind, "sent_bytes") - bytes_[kind]) / took for kind in bytes_}
        print(
            f"  bytes/s sent: remote write {sent['metrics']:.0f}, NATS {sent['runs']:.0f}; "
            f"p99 of the lag, the greatest of each second: remote write {max(a for a, _ in lags)} ms, NATS {max(b for _, b in lags)} ms",
            flush=True,
        )
        sizes = {what: sum(memory_mib(pid)[1] for pid in pids) for what, pids in programs.items()}
        print("  resident: " + ", ".join(f"{what} {size:.0f} MiB" for what, size in sizes.items()), flush=True)
        return cores

    def recover(self, steady):
        """The receivers go, and come back: how much more they have to do than before, second by second."""
        kinds = ["metrics", "runs"] if self.given.nats else ["metrics"]
        self.stop_receivers()
        time.sleep(self.given.outage)
        print(f"after {self.given.outage} s without receivers {sum(self.said(kind, 'waiting') for kind in kinds)} sinks wait")
        self.start_receivers()
        watch = Watch({"VictoriaMetrics": self.metrics, **({"NATS": self.nats} if self.nats else {})})
        with watch:
            took = self.until_caught_up(900, kinds)
        print(f"all have caught up after {took:.0f} s")
        for what, used in watch.cores(took).items():
            mean, most = used
            print(f"  {what}: {mean:.2f} cores meanwhile, {mean / max(steady[what], 1e-9):.1f} x steady; at most {most:.2f} in 5 s")

    def prove(self):
        before, begun = self.metrics.cpu_s(), time.monotonic()
        for shard in self.shards:
            shard.stop()
        said = [shard.proof() for shard in self.shards]
        total = {key: sum(one[key] for one in said) for key in said[0]}
        print(
            f"proven: {total['proven']} of {total['hosts']} hosts, {total['samples']} samples in {total['pairs']} pairs of series and hour; "
            f"missing {total['missing']}, doubled {total['doubled']}"
        )
        spent, took = self.metrics.cpu_s() - before, time.monotonic() - begun
        print(f"  took {took:.0f} s, and {spent / total['hosts'] * 1000:.1f} ms of VictoriaMetrics' processors for each host")
        return total["proven"] == total["hosts"]


class Watch(threading.Thread):
    """The processor time of servers that have just begun, second by second."""

    def __init__(self, servers):
        super().__init__(daemon=True)
        self.servers, self.ends, self.seen = servers, threading.Event(), []

    def run(self):
        while True:
            self.seen.append((time.monotonic(), {what: cpu_s(server.process.pid) for what, server in self.servers.items()}))
            if self.ends.wait(1):
                return

    def __enter__(self):
        self.start()

    def __exit__(self, *_):
        self.ends.set()
        self.join()

    def cores(self, took):
        """{server: (in the mean, at most in five seconds)}."""
        found = {}
        for what in self.servers:
            used = [(at, spent[what]) for at, spent in self.seen]
            windows = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in zip(used, used[5:])] or [0]
            found[what] = (used[-1][1] / took, max(windows))
        return found


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--work", required=True)
    arguments.add_argument("--simulation", required=True)
    arguments.add_argument("--simulate", dest="agents", type=int, required=True, help="how many agents")
    arguments.add_argument("--seconds", type=int, default=600, help="how long it is steady")
    arguments.add_argument("--outage", type=int, default=600, help="how long the receivers are down, 0 for never")
    arguments.add_argument("--hours", type=int, default=1, help="how many whole hours the agents have at first, and are proven; 0 for none")
    arguments.add_argument("--no-nats", dest="nats", action="store_false")
    given = arguments.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with Simulation(given) as simulation:
        kinds = ["metrics", "runs"] if given.nats else ["metrics"]
        simulation.start_stores()
        simulation.start_receivers()
        simulation.start_agents()
        took = simulation.until_caught_up(1800, kinds)
        print(f"{given.agents} agents, {SERIES} series every {INTERVAL_S} s; all have caught up after {took:.0f} s", flush=True)
        steady = simulation.look("steady", given.seconds)
        if given.outage:
            simulation.recover(steady)
            simulation.look("after it", min(given.seconds, 60))
        if given.hours:
            # What was acknowledged counts as safe after a while.
            time.sleep(45)
            sys.exit(not simulation.prove())


if __name__ == "__main__":
    main()
