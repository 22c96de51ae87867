"""A tree of processes: what processor time it has used, what memory it has, and how it is ended."""

import os
import signal
import subprocess
import time

TICKS = os.sysconf("SC_CLK_TCK")


class Tree:
    """A program that was started, with all that lives below it."""

    def __init__(self, command, log, user=None):
        self.begun_ns = time.monotonic_ns()
        self.root = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, user=user)

    def pids(self):
        """Every process of the tree, plugins that happen to run included."""
        found, pending = [], [self.root.pid]
        while pending:
            pid = pending.pop()
            found.append(pid)
            try:
                for task in os.listdir(f"/proc/{pid}/task"):
                    with open(f"/proc/{pid}/task/{task}/children") as children:
                        pending += [int(child) for child in children.read().split()]
            except OSError:
                continue
        return found

    def cpu_s(self):
        """Processor time of the tree: its own, and that of the plugins that have ended."""
        own, plugins = 0, 0
        for pid in self.pids():
            try:
                with open(f"/proc/{pid}/stat") as stat:
                    fields = stat.read().rsplit(")", 1)[1].split()
            except OSError:
                continue
            own += int(fields[11]) + int(fields[12])
            plugins += int(fields[13]) + int(fields[14])
        return own / TICKS, plugins / TICKS

    def memory_kib(self, plugin):
        """Resident memory of all but plugins: the sum, and with shared pages counted once."""
        rss, pss = 0, 0
        for pid in self.pids():
            try:
                if os.path.samefile(f"/proc/{pid}/exe", plugin):
                    continue
                with open(f"/proc/{pid}/smaps_rollup") as maps:
                    lines = dict(line.split(":", 1) for line in maps if ":" in line and line[0] in "RP")
            except OSError:
                continue
            rss += int(lines["Rss"].split()[0])
            pss += int(lines["Pss"].split()[0])
        return rss, pss

    def end(self):
        """TERM, then KILL if that does not help within half a minute."""
        left = self.pids()[1:]
        self.root.send_signal(signal.SIGTERM)
        try:
            self.root.wait(30)
        except subprocess.TimeoutExpired:
            self.root.kill()
            self.root.wait()
        deadline = time.monotonic() + 10
        while any(os.path.exists(f"/proc/{pid}") for pid in left) and time.monotonic() < deadline:
            time.sleep(0.05)
