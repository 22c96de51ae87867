"""Measures what it takes to watch checks; see scripts/bench-live.

The check prints a number that is one more with each run, and the terminal's end is read here as a terminal would: so it is
known when the picture had the value of which run. Times are from the end of the run, which the store has.
"""

import argparse
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import tempfile
import termios
import threading
import time

TICKS_S = os.sysconf("SC_CLK_TCK")
COLUMNS, LINES = 80, 24
# Values of three digits, which are shown whole.
FIRST, COUNT = 100, 900
ESCAPE = re.compile(r"\x1b\[([?0-9;]*)([A-Za-z])")
PLUGIN = """#!/bin/sh
read -r n 2>/dev/null <"$0.n" || n=0
echo $(((n + 1) % 900)) >"$0.n"
echo "OK | seq=$((100 + n))"
"""


def cpu_s(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_S


def part(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))] if values else float("nan")


def row(name, figure, wanted=""):
    print(f"{name:<58} {figure:<34} {wanted}", flush=True)


class Agent:
    """An agent in a directory of its own."""

    def __init__(self, custos, place, checks, port=0, cors=""):
        self.custos, self.place, self.port = custos, place, port
        self.config = f"{place}/custos.yaml"
        cors = f", cors: '{cors}'" if cors else ""
        http = f"http: {{ listen: '127.0.0.1:{port}', open_watch: true{cors} }}\n" if port else ""
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(f"store: {place}/store\n{http}checks:\n{checks}")
        log = open(f"{place}/log", "w", encoding="utf-8")
        self.process = subprocess.Popen([custos, "run", "--config", self.config], stderr=log)
        while not os.path.exists(f"{place}/store/agent.socket"):
            time.sleep(0.05)
        time.sleep(1)

    def lines(self, *words):
        words = [self.custos, *words, "--config", self.config]
        return [json.loads(line) for line in subprocess.check_output(words).splitlines()]

    def ended_ms(self, check):
        """When each value was printed, by the last run that printed it."""
        runs = self.lines("history", f"{check}@watched", "--all", "--json")
        return {
            int(run["metrics"][0]["value"]): run["time_ms"] + run["duration_ms"] for run in runs if run["metrics"]
        }

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


def plugin(place, name):
    path = f"{place}/{name}"
    with open(path, "w", encoding="utf-8") as file:
        file.write(PLUGIN)
    os.chmod(path, 0o755)
    return path


class Screen:
    """What a terminal shows of the few sequences that programs of Custos write."""

    def __init__(self):
        self.cells = [[" "] * COLUMNS for _ in range(LINES)]
        self.x = self.y = 0
        self.rest = ""

    def take(self, text):
        text, at = self.rest + text, 0
        self.rest = ""
        while at < len(text):
            found = ESCAPE.match(text, at)
            if found:
                at = found.end()
                numbers, command = found.groups()
                if command == "H":
                    y, x = (int(number or 1) for number in ((numbers or "1;1") + ";1").split(";")[:2])
                    self.y, self.x = y - 1, x - 1
                elif command == "J":
                    self.cells = [[" "] * COLUMNS for _ in range(LINES)]
                continue
            if text[at] == "\x1b" and len(text) - at < 16:
                self.rest = text[at:]
                return
            if text[at] != "\x1b" and self.y < LINES and self.x < COLUMNS:
                self.cells[self.y][self.x] = text[at]
                self.x += 1
            at += 1

    def value(self):
        for cells in self.cells:
            found = re.search(r"seq .*  last (\d+)", "".join(cells))
            if found:
                return int(found.group(1))
        return None


def seen(command, seconds):
    """When each value was on the screen first (ms), and the processor time of the command (s)."""
    pid, end = pty.fork()
    if pid == 0:
        os.environ.update(LC_ALL="C.UTF-8", TERM="xterm-256color")
        os.execv(command[0], command)
    fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    os.kill(pid, signal.SIGWINCH)
    screen, first, began = Screen(), {}, time.time()
    while time.time() < began + seconds:
        if not select.select([end], [], [], 0.2)[0]:
            continue
        screen.take(os.read(end, 1 << 16).decode("utf-8", "replace"))
        value = screen.value()
        if value is not None:
            first.setdefault(value, time.time() * 1000)
    used = cpu_s(pid)
    os.write(end, b"q")
    threading.Thread(target=lambda: drain(end), daemon=True).start()
    os.waitpid(pid, 0)
    return first, used


def drain(end):
    try:
        while os.read(end, 1 << 16):
            pass
    except OSError:
        pass


def latency(agent, command, seconds, name, wanted):
    first, used = seen(command, seconds)
    ended = agent.ended_ms("seq")
    # What was there at the start was not waited for.
    values = sorted(first, key=first.get)[5:]
    lags = [first[value] - ended[value] for value in values if value in ended]
    figure = f"p50 {part(lags, 0.5):.1f} ms, p99 {part(lags, 0.99):.1f} ms of {len(lags)}"
    row(name, figure, wanted)
    row("  values that were drawn, of those printed meanwhile", f"{len(first)} of {len(ended)}")
    row("  processor time of custos watch", f"{used / seconds * 100:.1f} % of a core")


class Link(threading.Thread):
    """A link to a port that takes so long each way. Of each hundred pieces some are lost, and come when TCP has sent them again."""

    def __init__(self, port, way_s, lost_percent):
        super().__init__(daemon=True)
        import socket

        self.socket = socket
        self.to, self.way_s, self.lost_percent = port, way_s, lost_percent
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def run(self):
        while True:
            near, _ = self.listener.accept()
            far = self.socket.create_connection(("127.0.0.1", self.to))
            for one in (near, far):
                one.setsockopt(self.socket.IPPROTO_TCP, self.socket.TCP_NODELAY, 1)
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self.carry, args=(source, sink), daemon=True).start()

    def carry(self, source, sink):
        import queue
        import random

        pieces = queue.Queue()

        def deliver():
            due = 0
            while (piece := pieces.get()) is not None:
                # What follows a lost piece waits for it.
                due = max(due, piece[0])
                time.sleep(max(0, due - time.monotonic()))
                try:
                    sink.sendall(piece[1])
                except OSError:
                    return

        threading.Thread(target=deliver, daemon=True).start()
        try:
            while data := source.recv(1460):
                # Seen to be missing by what follows, it is sent again: a way back, and a way.
                lost = random.random() * 100 < self.lost_percent
                pieces.put((time.monotonic() + self.way_s * (3 if lost else 1), data))
        except OSError:
            pass
        pieces.put(None)


def drawn(arguments, place):
    agent = Agent(arguments.custos, place, f"  seq: {{ command: {plugin(place, 'seq')}, check_interval: 1h }}\n", arguments.port)
    local = [arguments.custos, "watch", "seq", "--every", "100ms", "--window", "30s", "--config", agent.config]
    seconds = min(arguments.seconds, 80)
    latency(agent, local, seconds, "run ended to drawn in the terminal, this host, 100 ms", "<= 50 ms (p99)")
    agent.end()
    os.rename(f"{place}/store", f"{place}/store-before")
    agent = Agent(arguments.custos, place, f"  seq: {{ command: {place}/seq, check_interval: 1h }}\n", arguments.port)
    link = Link(arguments.port, 0.04, 1)
    link.start()
    remote = [arguments.custos, "watch", f"http://127.0.0.1:{link.port}/seq", "--every", "100ms", "--window", "30s"]
    latency(agent, remote, seconds, "the same over a link of 80 ms, 1 % lost", "<= 400 ms (p99)")
    agent.end()


def watchers(arguments, place):
    agent = Agent(arguments.custos, place, f"  seq: {{ command: {plugin(place, 'seq')}, check_interval: 1h }}\n")
    command = [arguments.custos, "stream", "--watch", "seq", "--every", "200ms", "--config", agent.config]
    idle = measured(agent, 5)
    own = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    time.sleep(1)
    one = measured(agent, 10)
    others = [subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) for _ in range(99)]
    time.sleep(3)
    before = len(agent.lines("history", "seq@watched", "--all", "--json"))
    many = measured(agent, 10)
    runs = len(agent.lines("history", "seq@watched", "--all", "--json")) - before
    for process in [own, *others]:
        process.kill()
        process.wait()
    row("100 watchers of one check at 200 ms: runs in 10 s", f"{runs}", "50: one clone")
    row("  processor time of the agent: nobody, one, 100 watch", f"{idle:.1f}, {one:.1f}, {many:.1f} % of a core", "<= 5 % (100)")
    agent.end()


def measured(agent, seconds):
    before = cpu_s(agent.process.pid)
    time.sleep(seconds)
    return (cpu_s(agent.process.pid) - before) / seconds * 100


def others(arguments, place):
    names = [f"own{number}" for number in range(100)]
    cloned = [f"seq{number}" for number in range(20)]
    checks = "".join(f"  {name}: {{ command: /bin/true, check_interval: 1s }}\n" for name in names)
    checks += "".join(f"  {name}: {{ command: /bin/true, check_interval: 1h }}\n" for name in cloned)
    agent = Agent(arguments.custos, place, checks)
    time.sleep(5)

    def lateness(since_s, until_s):
        runs = [agent.lines("history", name, "--all", "--json") for name in names]
        return [run["lateness_ms"] for all in runs for run in all if since_s < run["time_ms"] / 1000 < until_s and run["lateness_ms"] is not None]

    began = time.time()
    time.sleep(arguments.seconds)
    without = lateness(began, began + arguments.seconds)
    words = ["stream", "--watch", *cloned, "--every", "200ms", "--config", agent.config]
    watcher = subprocess.Popen([arguments.custos, *words], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    time.sleep(5)
    began = time.time()
    time.sleep(arguments.seconds)
    with_clones = lateness(began, began + arguments.seconds)
    watcher.kill()
    watcher.wait()
    for name, all in (("without", without), ("while 20 clones run at 200 ms", with_clones)):
        row(f"lateness of 100 checks of 1 s, {name}", f"p50 {part(all, 0.5):.1f} ms, p99 {part(all, 0.99):.1f} ms of {len(all)}", "p99 as without")
    agent.end()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--custos", required=True)
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--port", type=int, default=43791)
    parser.add_argument("--only", choices=["drawn", "watchers", "others"])
    arguments = parser.parse_args()
    for what in (drawn, watchers, others):
        if arguments.only in (None, what.__name__):
            with tempfile.TemporaryDirectory(prefix="custos-bench-") as place:
                what(arguments, place)


if __name__ == "__main__":
    main()
