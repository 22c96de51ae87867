"""How long it takes from a sample to its receiver. The first metric of a check of `now_plugin` is the time in ms."""

import json
import threading
import time

from feed_servers import nats_messages

LOOK_S = 0.05


def values(receiver):
    """{series: the newest time that a query answers}."""
    _, body = receiver.ask("/api/v1/query", {"query": '{metric="now"}'})
    return {str(one["metric"]): int(float(one["value"][1])) for one in json.loads(body)["data"]["result"]}


def of_receiver(receiver, seconds, ends=None):
    """The lag of each sample that a query has found for the first time."""
    lags_ms, seen = [], values(receiver)
    until = time.monotonic() + seconds
    while time.monotonic() < until and not (ends and ends.is_set()):
        found, now_ms = values(receiver), time.time() * 1000
        for series, value in found.items():
            if value > seen.get(series, 0):
                lags_ms.append(now_ms - value)
        seen = found
        time.sleep(LOOK_S)
    return lags_ms


class Background:
    """The same in a thread, for as long as something lasts."""

    def __init__(self, receiver):
        self.found_ms, self.ends = [], threading.Event()
        self.receiver = type(receiver)(receiver.data, receiver.log, receiver.port)
        self.receiver.connection, self.receiver.used = None, 0
        self.thread = threading.Thread(target=self.look, daemon=True)

    def look(self):
        self.found_ms = of_receiver(self.receiver, 1e9, self.ends)

    def __enter__(self):
        self.thread.start()

    def __exit__(self, *_):
        self.ends.set()
        self.thread.join()


class Messages:
    """When messages came to a server of NATS, and up to which run each is."""

    def __init__(self, port):
        self.port, self.came, self.ends = port, [], threading.Event()
        self.thread = threading.Thread(target=self.listen, daemon=True)

    def listen(self):
        for at, headers, _ in nats_messages(self.port, "custos.>", self.ends):
            said = dict(line.split(": ", 1) for line in headers.split("\r\n") if ": " in line)
            if "Custos-Last" in said:
                self.came.append((at * 1000, int(said["Custos-Last"].split()[0])))

    def __enter__(self):
        self.thread.start()

    def __exit__(self, *_):
        self.ends.set()
        self.thread.join()

    def lags_ms(self, agent):
        """From the end of each run to its message."""
        lines = agent.ask("stream", "--runs").stdout.splitlines()
        runs = {}
        for line in map(json.loads, lines):
            runs[line["position"] - 1] = line["time_ms"] + line["duration_ms"]
        lags, before = [], None
        for at_ms, last in self.came:
            if before is not None:
                lags += [at_ms - runs[number] for number in range(before + 1, last + 1) if number in runs]
            before = last
        return lags
