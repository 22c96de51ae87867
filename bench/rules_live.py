"""Measures rules that are judged live: Custos beside Prometheus on the same series, and how soon a webhook is told; see
scripts/bench-rules.

An evaluation's processor time is that of the whole process, without what the same process takes with no rules: reading,
judging, labels, `for`, and storing what the rules came to.
"""

import argparse
import datetime
import http.server
import json
import os
import shutil
import signal
import statistics
import subprocess
import tempfile
import threading
import time

SERIES = 50
TICKS_S = os.sysconf("SC_CLK_TCK")


def values(at_s):
    """The value of each series: each is above 50 for half of each minute, at times of its own."""
    return [(n * 7 + int(at_s) * 100 // 60) % 100 for n in range(SERIES)]


def rule_file(rules):
    rule = (
        "  - {{ alert: A{n}, expr: 'src{{metric=\"m{m}\"}} > {limit}', for: 5s,"
        " labels: {{ severity: warning, level: '{{{{ if gt $value 90.0 }}}}high{{{{ else }}}}low{{{{ end }}}}' }} }}"
    )
    lines = [rule.format(n=n, m=n % SERIES, limit=50 + n % 40) for n in range(rules)]
    return "groups:\n- name: g\n  interval: 1s\n  rules:\n" + "\n".join(lines) + "\n" if rules else "groups: []\n"


def cpu_s(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_S


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def served(handler):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, server.server_address[1]


class Exported(http.server.BaseHTTPRequestHandler):
    """What Prometheus reads."""

    def do_GET(self):
        lines = [f'src{{metric="m{n}"}} {value}\n' for n, value in enumerate(values(time.time()))]
        body = "".join(lines).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def plugin(place, name, text):
    os.makedirs(f"{place}/plugins", exist_ok=True)
    write(f"{place}/plugins/{name}", text)
    os.chmod(f"{place}/plugins/{name}", 0o755)


def custos_command(place, custos, rules):
    perfdata = " ".join(f"m{n}=$(( ({n} * 7 + t * 100 / 60) % 100 ))" for n in range(SERIES))
    plugin(place, "src", f'#!/bin/sh\nt=$(date +%s)\necho "OK | {perfdata}"\n')
    write(f"{place}/rules.yml", rule_file(rules))
    write(
        f"{place}/custos.yaml",
        "store: store\nplugins: plugins\nrules: rules.yml\nchecks:\n  src: { command: src, check_interval: 1s }\n",
    )
    return [custos, "run", "--config", f"{place}/custos.yaml"]


def prometheus_command(place, exporter, rules):
    write(f"{place}/rules.yml", rule_file(rules))
    write(
        f"{place}/prometheus.yml",
        "global: { scrape_interval: 1s, evaluation_interval: 1s }\nrule_files: [rules.yml]\nscrape_configs:\n"
        f"- {{ job_name: src, static_configs: [{{ targets: ['127.0.0.1:{exporter}'] }}] }}\n",
    )
    return [
        "prometheus",
        f"--config.file={place}/prometheus.yml",
        f"--storage.tsdb.path={place}/data",
        "--web.listen-address=127.0.0.1:0",
        "--log.level=error",
    ]


def cost(command, place, warm_s, seconds):
    """Processor time a second."""
    with open(f"{place}/log", "w", encoding="utf-8") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        time.sleep(warm_s)
        before, begun_s = cpu_s(process.pid), time.monotonic()
        time.sleep(seconds)
        if process.poll() is not None:
            raise SystemExit(open(f"{place}/log", encoding="utf-8").read())
        return (cpu_s(process.pid) - before) / (time.monotonic() - begun_s)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def judged(custos, place):
    """How many judgements of rules are stored."""
    command = [custos, "history", "A0", "--all", "--json", "--config", f"{place}/custos.yaml"]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    runs = [json.loads(line) for line in lines]
    return len([run for run in runs if run["reason"] == "exited"]), runs[-1]["time_ms"] - runs[0]["time_ms"]


def evaluations(args):
    server, exporter = served(Exported)
    found = {}
    for side in ["custos", "prometheus"]:
        if side == "prometheus" and not shutil.which("prometheus"):
            continue
        costs = []
        for rules in [0, args.rules]:
            place = tempfile.mkdtemp(dir=args.work)
            if side == "custos":
                command = custos_command(place, args.custos, rules)
            else:
                command = prometheus_command(place, exporter, rules)
            costs.append(cost(command, place, args.warm, args.seconds))
            if side == "custos" and rules:
                runs, span_ms = judged(args.custos, place)
                if runs < 0.9 * span_ms / 1000:
                    raise SystemExit(f"{runs} judgements in {span_ms} ms, and one each second was to be")
        found[side] = 1e6 * (costs[1] - costs[0]) / args.rules
        print(f"{side:10} {found[side]:8.1f} us of CPU a live evaluation ({args.rules} rules each second)", flush=True)
    server.shutdown()
    if len(found) == 2:
        print(f"           {found['prometheus'] / found['custos']:8.1f} times less", flush=True)


def latency(args):
    """From the end of the plugin to the webhook, of each alert's beginning."""
    received = []

    class Hook(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            at_s = time.time()
            received.append((at_s, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server, port = served(Hook)
    place = tempfile.mkdtemp(dir=args.work)
    # Above and below the limit in turn.
    plugin(
        place,
        "c",
        f"#!/bin/sh\nif test -e {place}/up; then rm {place}/up; echo 'OK | v=1'; else : > {place}/up; echo 'OK | v=9'; fi\n",
    )
    write(
        f"{place}/custos.yaml",
        "store: store\nplugins: plugins\ndefaults: { flap_detection: false }\nnotify:\n  group_by: '...'\n"
        "  group_wait: 0s\n  group_interval: 0s\n"
        f"  targets: {{ hook: {{ webhook: 'http://127.0.0.1:{port}/' }} }}\nchecks:\n"
        "  c: { command: c, check_interval: 200ms }\n  hot: { query: c > 5, on: samples, check_interval: 1h }\n",
    )
    with open(f"{place}/log", "w", encoding="utf-8") as log:
        command = [args.custos, "run", "--config", f"{place}/custos.yaml"]
        process = subprocess.Popen(command, stdout=log, stderr=log)
    time.sleep(args.latency_seconds)
    process.send_signal(signal.SIGTERM)
    process.wait()
    server.shutdown()
    command = [args.custos, "history", "c", "--all", "--json", "--config", f"{place}/custos.yaml"]
    runs = [json.loads(line) for line in subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()]
    ended = {run["time_ms"]: (run["time_ms"] + run["duration_ms"]) / 1000 for run in runs}
    took_ms = []
    for at_s, body in received:
        for alert in body["alerts"]:
            if alert["status"] == "firing":
                # Of the run that made it fire, whose time is that of the alert.
                took_ms.append(1000 * (at_s - ended[parsed_ms(alert["startsAt"])]))
    if not took_ms:
        raise SystemExit(f"no message; the log says\n{open(f'{place}/log', encoding='utf-8').read()}")
    took_ms.sort()
    p99 = took_ms[min(len(took_ms) - 1, int(len(took_ms) * 0.99))]
    print(
        f"sample to webhook: p50 {statistics.median(took_ms):.1f} ms, p99 {p99:.1f} ms,"
        f" most {took_ms[-1]:.1f} ms, of {len(took_ms)} alerts",
        flush=True,
    )


def parsed_ms(text):
    return round(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--custos", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--rules", type=int, default=1000)
    parser.add_argument("--warm", type=float, default=8)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--latency-seconds", type=float, default=220)
    args = parser.parse_args()
    latency(args)
    evaluations(args)


main()
