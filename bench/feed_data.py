"""Stores of samples as a host's checks would give them, made once and copied."""

import os
import shutil
import struct
import subprocess
import time

# Times begin so much ahead of now: what ships only what is newer than its own start takes them.
AHEAD_S = 600


class Data:
    def __init__(self, given):
        self.given, self.copies = given, 0

    def past(self, days, checks=150):
        """A store of samples from 2025 on, and how many metrics' samples it has."""
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
            with open(f"{runs}/{file}", "rb") as source:
                # make_workload's runs were not started by anybody: they have states, and no lateness.
                series += struct.unpack("<8sI", source.read(12))[1] + 3
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
            samples = sum(samples_of(f"{runs}/{file}") for file in os.listdir(runs))
            with open(f"{made}.samples", "w") as out:
                out.write(str(samples))
        self.copies += 1
        copy = f"{self.given.work}/copy"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(made, copy)
        return copy, int(open(f"{made}.samples").read())


def samples_of(file):
    with open(file, "rb") as source:
        _, metrics, _, runs = struct.unpack("<8sIIQ", source.read(24))
    return metrics * runs
