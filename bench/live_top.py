"""Measures `custos top` over many checks in a real terminal; see scripts/bench-live."""

import argparse
import json
import os
import signal
import subprocess
import tempfile
import time

COLUMNS, LINES = 200, 60
INTERVAL_S = 10
# What is wanted of it: percent of a processor, and bytes.
CPU_MAX, MEMORY_MAX = 1.0, 20 << 20


def cpu_s(pid):
    """Processor time of all threads, by what the scheduler counts: ticks are too coarse for so little."""
    total_ns = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/schedstat", encoding="ascii") as file:
            total_ns += int(file.read().split()[0])
    return total_ns / 1e9


def memory(pid):
    """Bytes in memory: all, and what of that is the process's own, neither its program nor the store's files."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        lines = dict(line.split(":", 1) for line in file)
    kib = lambda name: int(lines[name].split()[0]) * 1024
    return kib("VmRSS"), kib("RssAnon")


def configuration(place, checks):
    # The numbers differ, so that rows and small graphs do.
    lines = [
        f"  service-{n:04}: {{ command: '/bin/echo \"OK - {n} of {checks} | load={n % 97};90;95 used={n % 13}\"', "
        f"check_interval: {INTERVAL_S}s }}\n"
        for n in range(checks)
    ]
    path = f"{place}/custos.yaml"
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"store: {place}/store\nchecks:\n{''.join(lines)}")
    return path


def until(what, is_there, tries=600):
    for _ in range(tries):
        found = is_there()
        if found:
            return found
        time.sleep(0.2)
    raise SystemExit(f"waited in vain for {what}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--custos", required=True)
    parser.add_argument("--checks", type=int, default=1000)
    parser.add_argument("--seconds", type=int, default=60)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-live-") as place:
        path = configuration(place, args.checks)
        with open(f"{place}/log", "wb") as log:
            agent = subprocess.Popen([args.custos, "run", "--config", path], stdout=log, stderr=log)
        tmux = ["tmux", "-S", f"{place}/tmux", "-f", "/dev/null"]
        try:
            def all_ran():
                shown = subprocess.run([args.custos, "status", "--json", "--config", path], capture_output=True, check=False)
                rows = [json.loads(line) for line in shown.stdout.splitlines()]
                return sum(row["last_run_ms"] is not None for row in rows) >= args.checks

            until("a run of every check", all_ran)
            command = f"LC_ALL=C.UTF-8 exec {args.custos} top --config {path} 2>{place}/said"
            size = ["-x", str(COLUMNS), "-y", str(LINES)]
            subprocess.run([*tmux, "new-session", "-d", *size, command], check=True)
            shown = lambda: subprocess.run([*tmux, "capture-pane", "-p"], capture_output=True, text=True, check=True).stdout
            until("the page", lambda: f"{args.checks + 1} ok" in shown() and "agent up" in shown())
            pid = subprocess.run([*tmux, "display-message", "-p", "#{pane_pid}"], capture_output=True, text=True, check=True)
            pid = int(pid.stdout)
            # What it reads at first is not what it takes to look on.
            first_s = cpu_s(pid)
            time.sleep(INTERVAL_S)
            before_s, began = cpu_s(pid), time.monotonic()
            time.sleep(args.seconds)
            cpu = 100 * (cpu_s(pid) - before_s) / (time.monotonic() - began)
            resident, own = memory(pid)
            print(f"custos top, {args.checks} checks every {INTERVAL_S} s, {COLUMNS} x {LINES} characters, once a second")
            print(f"  processor   {cpu:.2f} % of one (wanted: at most {CPU_MAX:g} %); {first_s:.2f} s to begin with")
            print(f"  memory      {resident / 2**20:.1f} MiB resident (wanted: at most {MEMORY_MAX >> 20} MiB), {own / 2**20:.1f} MiB of that its own")
            raise SystemExit(0 if cpu <= CPU_MAX and resident <= MEMORY_MAX else 1)
        finally:
            subprocess.run([*tmux, "kill-server"], capture_output=True, check=False)
            agent.send_signal(signal.SIGTERM)
            agent.wait()


if __name__ == "__main__":
    main()
