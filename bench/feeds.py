"""What sinks cost and how far they are behind, beside vmagent and Prometheus in agent mode. See scripts/bench-feeds."""

import argparse
import os
import re
import shutil
import threading
import time

import feed_lag
from feed_data import Data
from feed_servers import (
    MIB, Agent, Exporter, Nats, PrometheusAgent, VictoriaMetrics, Vmagent, Wire, cpu_s, memory_mib,
)
from query_servers import free_port

# A host as many are: 30 checks with 12 metrics each.
HOST_CHECKS, HOST_METRICS = 30, 12


class Watch(threading.Thread):
    """The peak memory of a process, looked at every now and then."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.own, self.resident, self.ends = pid, 0.0, 0.0, threading.Event()

    def run(self):
        while not self.ends.wait(0.1):
            try:
                own, resident = memory_mib(self.pid)
            except (OSError, KeyError):
                return
            self.own, self.resident = max(self.own, own), max(self.resident, resident)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ends.set()
        self.join()


class Bench:
    def __init__(self, given):
        self.given, self.data, self.lines, self.number = given, Data(given), [], 0
        Agent.program = given.custos

    def place(self, name):
        """A directory of its own."""
        self.number += 1
        place = f"{self.given.work}/{self.number:02}-{name}"
        shutil.rmtree(place, ignore_errors=True)
        os.makedirs(place)
        return place

    def tell(self, name, value, target=""):
        self.lines.append((name, value, target))
        print(f"{name:<78} {value:>22}  {target}", flush=True)

    def receiver(self, place, port=None):
        return VictoriaMetrics(f"{place}/metrics", f"{place}/victoria-metrics.log", port)

    def agent(self, place, store, sinks, checks=""):
        return Agent(place, store, sinks, checks, f"{self.given.plugins}")

    # Catching up.

    def catch_up(self):
        """The same samples through each, from the store of an agent."""
        ours = self.catch_up_ours()
        relayed = self.relay(Vmagent, "vmagent")
        self.drain_vmagent()
        self.relay(PrometheusAgent, "Prometheus, agent mode")
        if relayed:
            self.tell("  times vmagent", f"{ours / relayed:.1f}", ">= 3")

    def catch_up_ours(self):
        place = self.place("catch-up")
        store, _ = self.data.coming()
        with self.receiver(place) as receiver:
            with self.agent(place, store, sink(receiver.url())) as agent, Watch(agent.feed) as memory:
                begun = time.monotonic()
                rows, took = until_still(receiver.rows, begun)
                spent = cpu_s(agent.feed)
            taken = receiver.cpu_s()
        self.rows = rows
        self.tell("catch-up by remote write, samples", f"{rows}")
        self.tell("  samples/s a core", f"{rows / spent / 1e6:.2f} M", ">= 1 M")
        self.tell("  samples/s, all in all", f"{rows / took / 1e6:.2f} M")
        self.tell("  receiver's processor time a sample", f"{taken / rows * 1e6:.2f} us")
        self.tell("  memory of the process, its own and all that is resident", memory_text(memory), "<= 16 MiB")
        return rows / spent

    def relay(self, kind, name):
        """An agent writes to it, and it to the receiver."""
        place = self.place(kind.name)
        store, _ = self.data.coming()
        with self.receiver(place) as receiver, kind(f"{place}/queue", f"{place}/log", receiver.url()) as relay:
            with self.agent(place, store, sink(relay.url())), Watch(relay.process.pid) as memory:
                rows, _ = until_still(receiver.rows, time.monotonic(), self.rows)
                spent = relay.cpu_s()
            taken = receiver.cpu_s()
        self.tell(f"{name}: takes and writes the same, samples", f"{rows}")
        self.tell("  samples/s a core", f"{rows / spent / 1e6:.2f} M")
        self.tell("  receiver's processor time a sample", f"{taken / rows * 1e6:.2f} us")
        self.tell("  memory of the process, its own and all that is resident", memory_text(memory))
        return rows / spent

    def drain_vmagent(self):
        """Its receiver is down while it is written to, so that all goes through its files."""
        place, port = self.place("vmagent-queue"), free_port()
        store, _ = self.data.coming()
        target = f"http://127.0.0.1:{port}/api/v1/write"
        with Vmagent(f"{place}/queue", f"{place}/log", target) as relay:
            with self.agent(place, store, sink(relay.url())):
                until_still(relay.taken, time.monotonic(), self.rows)
            queued = relay.cpu_s()
            with self.receiver(place, port) as receiver:
                rows, _ = until_still(receiver.rows, time.monotonic(), self.rows)
            drained = relay.cpu_s() - queued
        self.tell("vmagent: the same while the receiver is down, then it writes what it queued", f"{rows}")
        self.tell("  samples/s a core, taking into the queue and writing", f"{rows / (queued + drained) / 1e6:.2f} M")
        self.tell("  samples/s a core, writing alone: what is queued is compressed already", f"{rows / drained / 1e6:.2f} M")

    # Bytes on the wire.

    def wire(self):
        store, _ = self.data.past(1)
        place = self.place("wire")
        with self.receiver(place) as receiver, Wire(receiver.port) as wire:
            with self.agent(place, store, sink(receiver.url(wire.port))):
                rows, _ = until_still(receiver.rows, time.monotonic())
            ours = (wire.sent + wire.answered) / rows
        place = self.place("wire-vmagent")
        store, _ = self.data.past(1)
        with self.receiver(place) as receiver, Wire(receiver.port) as wire:
            with Vmagent(f"{place}/queue", f"{place}/log", receiver.url(wire.port)) as relay:
                with self.agent(place, store, sink(relay.url())):
                    rows, _ = until_still(receiver.rows, time.monotonic(), rows)
            theirs = (wire.sent + wire.answered) / rows
        self.tell("bytes a sample on the wire, catching up by remote write", f"{ours:.2f}", f"<= {0.7 * theirs:.2f}")
        self.tell("  vmagent, of the same samples", f"{theirs:.2f}")
        self.wire_nats(rows)
        self.wire_steady()

    def wire_nats(self, rows):
        store, _ = self.data.past(1)
        place = self.place("wire-nats")
        with Nats(f"{place}/nats", f"{place}/nats.log") as server, Wire(server.client_port) as wire:
            with self.agent(place, store, nats(wire.port)) as agent, Watch(agent.feed) as memory:
                begun = time.monotonic()
                until_delivered(agent)
                took, spent = time.monotonic() - begun, cpu_s(agent.feed)
            bytes_ = wire.sent + wire.answered
        self.tell("bytes a sample on the wire, catching up into JetStream", f"{bytes_ / rows:.2f}", "<= 5")
        self.tell("  samples/s a core", f"{rows / spent / 1e6:.2f} M")
        self.tell("  samples/s, all in all", f"{rows / took / 1e6:.2f} M")
        self.tell("  memory of the process, its own and all that is resident", memory_text(memory), "<= 16 MiB")

    def wire_steady(self):
        seconds = self.given.seconds
        place = self.place("wire-steady")
        checks = live_checks(HOST_CHECKS, HOST_METRICS, "10s")
        with self.receiver(place) as receiver, Wire(receiver.port) as wire:
            with self.agent(place, f"{place}/store", sink(receiver.url(wire.port)), checks) as agent:
                ours, spent = steady_bytes(wire, receiver, seconds, lambda: cpu_s(agent.feed))
                own, resident = memory_mib(agent.feed)
        place = self.place("wire-steady-vmagent")
        # Custos adds six series of its own to each check.
        with self.receiver(place) as receiver, Wire(receiver.port) as wire, Exporter(HOST_CHECKS, HOST_METRICS + 6) as page:
            scrape = scrape_file(place, page.port, "10s")
            with Vmagent(f"{place}/queue", f"{place}/log", receiver.url(wire.port), scrape) as relay:
                theirs, their_spent = steady_bytes(wire, receiver, seconds, relay.cpu_s)
                their_own, their_resident = memory_mib(relay.process.pid)
        place = self.place("wire-steady-nats")
        with Nats(f"{place}/nats", f"{place}/nats.log") as server, Wire(server.client_port) as wire:
            with self.agent(place, f"{place}/store", nats(wire.port), checks) as agent:
                time.sleep(15)
                before = wire.sent + wire.answered
                time.sleep(seconds)
                sent = wire.sent + wire.answered - before
                nats_own, nats_resident = memory_mib(agent.feed)
        a_second = HOST_CHECKS * (HOST_METRICS + 6) / 10
        self.tell("steady, 30 checks of 12 metrics every 10 s: bytes a sample by remote write", f"{ours:.1f}", f"<= {0.7 * theirs:.1f}")
        self.tell("  vmagent, which scrapes as many series every 10 s", f"{theirs:.1f}")
        self.tell("  bytes a sample into JetStream", f"{sent / seconds / a_second:.1f}", "<= 5")
        self.tell("  processor time a sample, remote write", f"{spent * 1e6:.1f} us")
        self.tell("  processor time a sample, vmagent, scraping included", f"{their_spent * 1e6:.1f} us")
        self.tell("  memory by remote write, its own and all that is resident", f"{own:.1f} / {resident:.1f} MiB", "<= 4 MiB")
        self.tell("  memory into JetStream", f"{nats_own:.1f} / {nats_resident:.1f} MiB", "<= 4 MiB")
        self.tell("  memory of vmagent", f"{their_own:.1f} / {their_resident:.1f} MiB")

    # Lag.

    def lag(self):
        seconds = self.given.seconds
        place = self.place("lag")
        checks = live_checks(HOST_CHECKS, 1, "1s")
        with self.receiver(place) as receiver, Nats(f"{place}/nats", f"{place}/nats.log") as server:
            sinks = sink(receiver.url()) + "\n" + nats(server.client_port)
            with self.agent(place, f"{place}/store", sinks, checks) as agent:
                time.sleep(5)
                messages = feed_lag.Messages(server.client_port)
                with messages:
                    ours = feed_lag.of_receiver(receiver, seconds)
                into_nats = messages.lags_ms(agent)
        place = self.place("lag-vmagent")
        with self.receiver(place) as receiver, Exporter(HOST_CHECKS, 1) as page:
            scrape = scrape_file(place, page.port, "1s")
            with Vmagent(f"{place}/queue", f"{place}/log", receiver.url(), scrape):
                time.sleep(5)
                theirs = feed_lag.of_receiver(receiver, seconds)
        self.tell("steady lag, from the sample to the answer of a query, p50 / p99", pair(ours), "p99 <= 2000 ms")
        self.tell("  vmagent, from its scrape", pair(theirs))
        self.tell("  from the end of a run to JetStream", pair(into_nats), "p99 <= 200 ms")

    # A month.

    def month(self):
        """All that 150 checks have measured in 30 days, while others go on."""
        days = max(1, round(30 * self.given.scale))
        store, made = self.data.past(days, 150)
        place = self.place("month")
        checks = live_checks(HOST_CHECKS, 1, "1s")
        with self.receiver(place) as receiver:
            with self.agent(place, store, sink(receiver.url()), checks) as agent, Watch(agent.feed) as memory:
                begun = time.monotonic()
                lags = feed_lag.Background(receiver)
                with lags:
                    took = until_caught_up(agent, receiver, made, begun)
                spent, rows = cpu_s(agent.feed), receiver.rows()
            taken = receiver.cpu_s()
        a_month = took * 30 / days
        said = "" if days == 30 else f", {30 / days:.3g} times {took:.0f} s"
        self.tell(f"30 days of 150 checks caught up, {rows / 1e6:.0f} M samples in {days} d{said}", f"{a_month:.0f} s", "<= 300 s")
        self.tell("  samples/s a core, receiver's processor time a sample", f"{rows / spent / 1e6:.2f} M, {taken / rows * 1e6:.2f} us")
        self.tell("  live lag meanwhile, p50 / p99", pair(lags.found_ms), "p99 <= 2000 ms")
        self.tell("  memory of the process, its own and all that is resident", memory_text(memory), "<= 16 MiB")

    # Proof.

    def proof(self):
        """A day of about 360 series."""
        store, _ = self.data.recent(self.data.checks_of_series(360))
        place = self.place("proof")
        with self.receiver(place) as receiver:
            with self.agent(place, store, sink(receiver.url()), live_checks(1, 1, "1s")) as agent:
                until_safe(agent)
                took, said = None, ""
                for _ in range(3):
                    begun = time.monotonic()
                    done = agent.ask("sink", "verify", "vm")
                    took = min(took or 1e9, time.monotonic() - begun)
                    said = done.stdout + done.stderr
        stored = re.search(r"stored: (\d+) samples of (\d+) series", said)
        if not stored or "missing: 0, doubled: 0" not in said:
            raise SystemExit(f"the proof says: {said}")
        self.tell(f"proof of a day, {stored[1]} samples of {stored[2]} series", f"{took:.2f} s", "<= 2 s")


def sink(url):
    return f"  vm: {{ remote_write: '{url}', clock_lead: 47h }}"


def nats(port):
    return f"  js: {{ nats: 'nats://127.0.0.1:{port}', site: bench }}"


def live_checks(count, metrics, interval):
    line = "  live{:03}: {{ command: now_plugin {}, check_interval: {}, retry_interval: {} }}"
    return "\n".join(line.format(number, metrics, interval, interval) for number in range(count))


def scrape_file(place, port, interval):
    with open(f"{place}/scrape.yml", "w") as out:
        out.write(
            f"global: {{scrape_interval: {interval}}}\nscrape_configs:\n- job_name: bench\n  honor_labels: true\n"
            f"  static_configs: [{{targets: ['127.0.0.1:{port}']}}]\n"
        )
    return f"{place}/scrape.yml"


def steady_bytes(wire, receiver, seconds, spent):
    """Bytes and seconds of a processor for each sample."""
    time.sleep(15)
    bytes_, rows, before = wire.sent + wire.answered, receiver.rows(), spent()
    time.sleep(seconds)
    count = receiver.rows() - rows
    return (wire.sent + wire.answered - bytes_) / count, (spent() - before) / count


def until_still(count, begun, wanted=None):
    """What a count comes to that goes up no more, or to what is wanted, and how long that took."""
    last, at = count(), time.monotonic()
    while time.monotonic() - at < (5 if last and not wanted else 60):
        time.sleep(0.1)
        now = count()
        if now != last:
            last, at = now, time.monotonic()
        if wanted and last >= wanted:
            break
    return last, at - begun


def until_caught_up(agent, receiver, made, begun):
    """Seconds until nothing older is left to go."""
    while receiver.rows() < made * 0.9:
        time.sleep(0.5)
    while "older runs to go" in agent.ask("sink", "status").stdout:
        time.sleep(0.2)
    return time.monotonic() - begun


def until_delivered(agent):
    """Until what the sink has acknowledged becomes no more."""
    last, at = "", time.monotonic()
    while not last or time.monotonic() - at < 5:
        time.sleep(0.1)
        found = re.search(r"acknowledged (\d+),", agent.ask("sink", "status").stdout)
        if found and found[1] != last:
            last, at = found[1], time.monotonic()


def until_safe(agent):
    deadline = time.monotonic() + 180
    while True:
        said = agent.ask("sink", "status").stdout
        if "safe up to" in said and "older runs" not in said:
            return
        if time.monotonic() > deadline:
            raise SystemExit(f"the sink does not catch up: {said}")
        time.sleep(0.5)


def memory_text(watch):
    return f"{watch.own:.1f} / {watch.resident:.1f} MiB"


def pair(lags_ms):
    if not lags_ms:
        return "none seen"
    lags = sorted(lags_ms)
    return f"{lags[len(lags) // 2]:.0f} / {lags[min(len(lags) - 1, len(lags) * 99 // 100)]:.0f} ms"


FIGURES = ["catch_up", "wire", "lag", "month", "proof"]


def main():
    arguments = argparse.ArgumentParser()
    for name in ["work", "custos", "make-workload", "workload", "plugins"]:
        arguments.add_argument(f"--{name}", required=True)
    arguments.add_argument("--only", default=",".join(FIGURES), help="some of " + ", ".join(FIGURES))
    arguments.add_argument("--scale", type=float, default=0.1, help="the part of the 30 days that is caught up")
    arguments.add_argument("--seconds", type=int, default=60, help="how long what is steady is looked at")
    given = arguments.parse_args()
    bench = Bench(given)
    for figure in given.only.split(","):
        getattr(bench, figure)()


if __name__ == "__main__":
    main()
