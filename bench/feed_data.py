"""Stores of samples as a host's checks would give them, made once and copied."""

import os
import shutil
import struct
import subprocess
import time

# Times begin so much ahead of now: what ships only what is newer than its own start takes them.
AHEAD_S = 600
# Series that Custos adds to those of each check here: both states and the duration. Nobody started these runs, so they have no lateness.
ADDED = 3


class Data:
    def __init__(self, given):
        self.given, self.copies = given, 0

    def past(self, days, checks=150):
        """A store of samples from 2025 on, and how many runs and samples it has."""
        return self.store(f"past-{days}-{checks}", days, checks, None)

    def coming(self):
        """A day of samples from now on."""
        made = getattr(self, "begins", None) or int(time.time()) + AHEAD_S
        self.begins = made
        return self.store(f"coming-{made}", 1, 150, made)

    def recent(self, checks):
        """A day of samples up to an hour ago."""
        begins = int(time.time()) // 3600 * 3600 - 25 * 3600
        return self.store(f"recent-{begins}-{checks}", 1, checks, begins)

    def checks_of_series(self, wanted):
        """How many checks have about as many series, with those that Custos adds."""
        runs, series = f"{self.given.work}/past-1-150.runs", 0
        self.past(1)
        for count, file in enumerate(sorted(os.listdir(runs)), 1):
            series += head(f"{runs}/{file}")[0] + ADDED
            if series >= wanted:
                return count
        return 150

    def store(self, name, days, checks, start_s):
        """A copy of its own for the agent that writes into it."""
        made = f"{self.given.work}/{name}"
        if not os.path.exists(made):
            runs = f"{self.given.work}/{name}.runs"
            command = [self.given.make_workload, "1", str(checks), str(days), "10", runs]
            subprocess.run(command + ([str(start_s)] if start_s else []), check=True)
            making = f"{self.given.work}/making"
            shutil.rmtree(making, ignore_errors=True)
            subprocess.run([self.given.workload, runs, making], check=True, stdout=subprocess.DEVNULL)
            os.rename(making, made)
        self.copies += 1
        copy = f"{self.given.work}/copy"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(made, copy)
        heads = [head(f"{made}.runs/{file}") for file in os.listdir(f"{made}.runs")]
        count = sum(runs for _, runs in heads)
        return copy, (count, sum((metrics + ADDED) * runs for metrics, runs in heads))


def head(file):
    """How many metrics and runs a check has."""
    with open(file, "rb") as source:
        _, metrics, _, runs = struct.unpack("<8sIIQ", source.read(24))
    return metrics, runs
