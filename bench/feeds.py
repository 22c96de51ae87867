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
        self.scrape_vmagent(ours)
        self.relay(PrometheusAgent, "Prometheus, agent mode")
        if relayed:
            self.tell("Custos, times vmagent that takes and writes the same", f"{ours / relayed:.1f}", ">= 3")

    def catch_up_ours(self):
        place = self.place("catch-up")
        store, (_, samples) = self.data.coming()
        with self.receiver(place) as receiver:
            with self.agent(place, store, sink(receiver.url())) as agent, Watch(agent.feed) as memory:
                begun = time.monotonic()
                rows = until_there(receiver.rows, samples)
                took, spent = time.monotonic() - begun, cpu_s(agent.feed)
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
                rows = until_there(receiver.rows, self.rows)
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
                until_there(relay.taken, self.rows)
            queued = relay.cpu_s()
            with self.receiver(place, port) as receiver:
                rows = until_there(receiver.rows, self.rows)
            drained = relay.cpu_s() - queued
        self.tell("vmagent: the same while the receiver is down, then it writes what it queued", f"{rows}")
        self.tell("  samples/s a core, taking into the queue and writing", f"{rows / (queued + drained) / 1e6:.2f} M")
        self.tell("  samples/s a core, writing alone: what is queued is compressed already", f"{rows / drained / 1e6:.2f} M")

    def scrape_vmagent(self, ours):
        """What it does otherwise: a sample of each series in a request, as it was scraped."""
        place = self.place("vmagent-scrape")
        with self.receiver(place) as receiver, Exporter(HOST_CHECKS, HOST_METRICS + 6) as page:
            scrape = scrape_file(place, page.port, "1s")
            with Vmagent(f"{place}/queue", f"{place}/log", receiver.url(), scrape) as relay:
                time.sleep(5)
                rows, before, taken = receiver.rows(), relay.cpu_s(), receiver.cpu_s()
                time.sleep(self.given.seconds)
                rows, spent = receiver.rows() - rows, relay.cpu_s() - before
                taken = receiver.cpu_s() - taken
        self.tell(f"vmagent: scrapes 540 series each second, samples", f"{rows}")
        self.tell("  samples/s a core", f"{rows / spent / 1e6:.2f} M")
        self.tell("  receiver's processor time a sample", f"{taken / rows * 1e6:.2f} us")
        self.tell("Custos, times vmagent that scrapes", f"{ours / (rows / spent):.1f}", ">= 3")

    # Bytes on the wire.

    def wire(self):
        store, (_, samples) = self.data.past(1)
        place = self.place("wire")
        with self.receiver(place) as receiver, Wire(receiver.port) as wire:
            with self.agent(place, store, sink(receiver.url(wire.port))):
                rows = until_there(receiver.rows, samples)
            ours = (wire.sent + wire.answered) / rows
        place = self.place("wire-vmagent")
        store, _ = self.data.past(1)
        with self.receiver(place) as receiver, Wire(receiver.port) as wire:
            with Vmagent(f"{place}/queue", f"{place}/log", receiver.url(wire.port)) as relay:
                with self.agent(place, store, sink(relay.url())):
                    rows = until_there(receiver.rows, rows)
            theirs = (wire.sent + wire.answered) / rows
        self.tell("bytes a sample on the wire, catching up by remote write", f"{ours:.2f}", f"<= {0.7 * theirs:.2f}")
        self.tell("  vmagent, of the same samples", f"{theirs:.2f}")
        self.wire_nats(rows)
        self.wire_steady()

    def wire_nats(self, rows):
        store, (runs, _) = self.data.past(1)
        place = self.place("wire-nats")
        with Nats(f"{place}/nats", f"{place}/nats.log") as server, Wire(server.client_port) as wire:
            with self.agent(place, store, nats(wire.port)) as agent, Watch(agent.feed) as memory:
                begun = time.monotonic()
                until_there(lambda: acknowledged(agent), runs)
                took, spent = time.monotonic() - begun, cpu_s(agent.feed)
            bytes_ = wire.sent + wire.answered
        self.tell("bytes a sample on the wire, catching up into JetStream", f"{bytes_ / rows:.2f}", "<= 5")
        self.tell("  samples/s a core", f"{rows / spent / 1e6:.2f} M")
        self.tell("  samples/s, all in all", f"{rows / took / 1e6:.2f} M")
        self.tell("  memory of the process, its own and all that is resident", memory_text(memory), "<= 16 MiB")

    def wire_steady(self):
        print("steady, 30 checks of 12 metrics every 10 s:")
        theirs = self.steady_vmagent()
        self.steady_remote_write("1s", theirs)
        self.steady_remote_write("10s", theirs)
        self.steady_nats("100ms")
        self.steady_nats("10s")

    def steady_vmagent(self):
        place = self.place("steady-vmagent")
        # Custos adds six series of its own to each check.
        with self.receiver(place) as receiver, Wire(receiver.port) as wire, Exporter(HOST_CHECKS, HOST_METRICS + 6) as page:
            scrape = scrape_file(place, page.port, "10s")
            with Vmagent(f"{place}/queue", f"{place}/log", receiver.url(wire.port), scrape) as relay:
                bytes_, spent = steady_bytes(wire, receiver, self.given.seconds, relay.cpu_s)
                own, resident = memory_mib(relay.process.pid)
        self.tell("  vmagent, which scrapes as many series: bytes a sample on the wire", f"{bytes_:.1f}")
        self.tell("    processor time a sample, scraping included", f"{spent * 1e6:.1f} us")
        self.tell("    memory, its own and all that is resident", f"{own:.1f} / {resident:.1f} MiB")
        return bytes_

    def steady_remote_write(self, gather, theirs):
        place = self.place(f"steady-{gather}")
        checks = live_checks(HOST_CHECKS, HOST_METRICS, "10s")
        with self.receiver(place) as receiver, Wire(receiver.port) as wire:
            with self.agent(place, f"{place}/store", sink(receiver.url(wire.port), gather), checks) as agent:
                bytes_, spent = steady_bytes(wire, receiver, self.given.seconds, lambda: cpu_s(agent.feed))
                own, resident = memory_mib(agent.feed)
        self.tell(f"  remote write, gather: {gather}, bytes a sample on the wire", f"{bytes_:.1f}", f"<= {0.7 * theirs:.1f}")
        self.tell("    processor time a sample", f"{spent * 1e6:.1f} us")
        self.tell("    memory, its own and all that is resident", f"{own:.1f} / {resident:.1f} MiB", "<= 4 MiB")

    def steady_nats(self, gather):
        place, seconds = self.place(f"steady-nats-{gather}"), self.given.seconds
        checks = live_checks(HOST_CHECKS, HOST_METRICS, "10s")
        with Nats(f"{place}/nats", f"{place}/nats.log") as server, Wire(server.client_port) as wire:
            with self.agent(place, f"{place}/store", nats(wire.port, gather), checks) as agent:
                time.sleep(15)
                before, begun = wire.sent + wire.answered, time.monotonic()
                time.sleep(seconds)
                a_second = (wire.sent + wire.answered - before) / (time.monotonic() - begun)
                own, resident = memory_mib(agent.feed)
        samples = HOST_CHECKS * (HOST_METRICS + 6) / 10
        self.tell(f"  JetStream, gather: {gather}, bytes a sample on the wire", f"{a_second / samples:.1f}", "<= 5")
        self.tell("    memory, its own and all that is resident", f"{own:.1f} / {resident:.1f} MiB", "<= 4 MiB")

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
        store, (_, samples) = self.data.past(days, 150)
        place = self.place("month")
        checks = live_checks(HOST_CHECKS, 1, "1s")
        with self.receiver(place) as receiver:
            with self.agent(place, store, sink(receiver.url()), checks) as agent, Watch(agent.feed) as memory:
                begun = time.monotonic()
                lags = feed_lag.Background(receiver)
                with lags:
                    until_there(receiver.rows, samples)
                    took = time.monotonic() - begun
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


def sink(url, gather="1s"):
    return f"  vm: {{ remote_write: '{url}', clock_lead: 47h, gather: {gather} }}"


def nats(port, gather="100ms"):
    return f"  js: {{ nats: 'nats://127.0.0.1:{port}', site: bench, gather: {gather} }}"


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


def until_there(count, wanted):
    """What a count comes to: all that is wanted, but for what an agent says of itself, or what it is after a minute of nothing."""
    last, at = count(), time.monotonic()
    while last < wanted * 0.999 and time.monotonic() - at < 60:
        time.sleep(0.1)
        now = count()
        if now != last:
            last, at = now, time.monotonic()
    return last


def acknowledged(agent):
    """Runs that the receiver has taken, as the sink says."""
    found = re.search(r"acknowledged (\d+),", agent.ask("sink", "status").stdout)
    return int(found[1]) if found else 0


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
