"""A fleet on one machine: five agents, and what stands behind them, all of it from Debian's packages; see scripts/fleet."""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
import urllib.parse
import urllib.request

from query_servers import free_port

HOSTS = ["web1", "web2", "db1", "db2", "edge1"]
READY_S = 60

# One file: the agents judge it, each for itself, and vmalert judges it over all of them.
RULES = """\
groups:
- name: machines
  interval: 1s
  rules:
  - alert: LoadHigh
    expr: load{metric="load1"} > 50
    for: 5s
    labels: { severity: warning }
    annotations: { summary: 'the load is {{ $value }}' }
  - alert: DoorOpen
    expr: check_state{check="door"} > 0
    labels: { severity: critical }
    annotations: { summary: 'the door is open' }
"""

AGENT = """\
host: {host}
store: {place}/store
plugins: [{plugins}, {place}/plugins]
defaults: {{ check_interval: 1s, retry_interval: 1s, timeout: 900ms }}
rules: [{rules}]
checks:
  load: {{ command: load.sh -w 50 -c 100 }}
  uptime: {{ command: uptime.sh }}
  door: {{ command: door.sh, max_check_attempts: 1 }}
sinks:
  metrics: {{ remote_write: "http://127.0.0.1:{metrics}/api/v1/write" }}
  runs: {{ nats: "nats://127.0.0.1:{nats}", stream: CUSTOS, site: demo }}
"""

ALERTMANAGER = """\
route: { receiver: nobody, group_by: [alertname], group_wait: 1s }
receivers: [{ name: nobody }]
"""

DOOR = """\
#!/bin/sh
[ ! -e {place}/open ] || { echo "DOOR CRITICAL - open"; exit 2; }
echo "DOOR OK - closed"
"""


def write(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as out:
        out.write(text)
    os.chmod(path, mode)
    return path


def asked(url):
    with urllib.request.urlopen(url, timeout=5) as answer:
        return answer.read()


class Fleet:
    """All programs that run; each ends with the `with` statement, the agents first."""

    def __init__(self, work, custos, plugins):
        self.work, self.custos, self.plugins = work, custos, plugins
        self.ports = {name: free_port() for name in ["metrics", "nats", "watch", "vmalert", "alertmanager", "cluster"]}
        self.running = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for _, process in reversed(self.running):
            process.send_signal(signal.SIGTERM)
        for name, process in reversed(self.running):
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                print(f"{name} does not end, it is killed", file=sys.stderr)
                process.kill()
                process.wait()

    def start(self, name, *command):
        log = f"{self.work}/{name}.log"
        with open(log, "w", encoding="utf-8") as out:
            self.running.append((name, subprocess.Popen(command, stdout=out, stderr=out)))

    def at(self, name, path=""):
        return f"http://127.0.0.1:{self.ports[name]}{path}"

    def until(self, what, look):
        """What `look` comes to, once it comes to something."""
        deadline = time.monotonic() + READY_S
        while True:
            for name, process in self.running:
                if process.poll() is not None:
                    raise SystemExit(f"{name} has ended, see {self.work}/{name}.log")
            try:
                if found := look():
                    return found
            except (OSError, ValueError, KeyError, IndexError):
                pass
            if time.monotonic() > deadline:
                raise SystemExit(f"waited {READY_S} s for {what}; the logs are in {self.work}")
            time.sleep(0.2)

    def start_centre(self):
        ports, work = self.ports, self.work
        rules = write(f"{work}/rules.yaml", RULES)
        settings = write(f"{work}/alertmanager.yml", ALERTMANAGER)
        self.start(
            "victoria-metrics", "victoria-metrics", f"-storageDataPath={work}/metrics",
            f"-httpListenAddr=127.0.0.1:{ports['metrics']}", "-retentionPeriod=100y", "-dedup.minScrapeInterval=1ms",
            "-search.latencyOffset=1s",
        )
        self.start(
            "nats-server", "nats-server", "--addr", "127.0.0.1", "--port", str(ports["nats"]), "--jetstream",
            "--store_dir", f"{work}/nats", "--http_port", str(ports["watch"]),
        )
        self.start(
            "alertmanager", "prometheus-alertmanager", f"--config.file={settings}", f"--storage.path={work}/alertmanager",
            f"--web.listen-address=127.0.0.1:{ports['alertmanager']}", "--cluster.listen-address=",
        )
        self.until("VictoriaMetrics", lambda: asked(self.at("metrics", "/health")))
        self.start(
            "vmalert", "vmalert", f"-rule={rules}", f"-datasource.url={self.at('metrics')}",
            f"-remoteWrite.url={self.at('metrics')}", f"-notifier.url={self.at('alertmanager')}", "-evaluationInterval=1s",
            f"-httpListenAddr=127.0.0.1:{ports['vmalert']}",
        )

    def start_agents(self):
        for host in HOSTS:
            place = f"{self.work}/{host}"
            write(f"{place}/plugins/door.sh", DOOR.replace("{place}", place), 0o755)
            fields = {"host": host, "place": place, "plugins": self.plugins, "rules": f"{self.work}/rules.yaml"}
            settings = write(f"{place}/custos.yaml", AGENT.format(**fields, **self.ports))
            self.start(host, self.custos, "run", "--config", settings)

    def query(self, expression):
        found = json.loads(asked(self.at("metrics", "/api/v1/query?nocache=1&query=" + urllib.parse.quote(expression))))
        return found["data"]["result"]

    def hosts_seen(self):
        """Each host with how many samples of its load the centre has, once it has some of all."""
        counts = {one["metric"]["host"]: one["value"][1] for one in self.query('count_over_time(load{metric="load1"}[1h])')}
        return counts if len(counts) == len(HOSTS) else None

    def stream_seen(self):
        accounts = json.loads(asked(self.at("watch", "/jsz?streams=1")))["account_details"]
        (state,) = [stream["state"] for stream in accounts[0]["stream_detail"] if stream["name"] == "CUSTOS"]
        return state if state.get("num_subjects") == len(HOSTS) else None

    def alerts_seen(self):
        alerts = json.loads(asked(self.at("alertmanager", "/api/v2/alerts")))
        return [alert["labels"] for alert in alerts if alert["labels"]["alertname"] == "DoorOpen"]


def shown(fleet):
    counts = fleet.until("samples of all hosts", fleet.hosts_seen)
    print("VictoriaMetrics has of load: " + ", ".join(f"{host} {counts[host]}" for host in HOSTS))
    state = fleet.until("messages of all hosts", fleet.stream_seen)
    print(f"JetStream has {state['messages']} messages of {state['num_subjects']} hosts, {state['bytes']} bytes")
    write(f"{fleet.work}/db1/open", "")
    labels = fleet.until("the alert of an open door", fleet.alerts_seen)[0]
    print(f"Alertmanager has of vmalert: {labels['alertname']} on {labels['host']}, severity {labels['severity']}")


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--demo", action="store_true", required=True)
    arguments.add_argument("--work", required=True)
    arguments.add_argument("--custos", required=True)
    arguments.add_argument("--plugins", required=True)
    arguments.add_argument("--hold", type=float, help="end after so many seconds, instead of by Ctrl-C")
    given = arguments.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with Fleet(given.work, given.custos, given.plugins) as fleet:
        fleet.start_centre()
        fleet.start_agents()
        shown(fleet)
        print(f"""
  metrics        {fleet.at("metrics", "/vmui")}
  rules          {fleet.at("vmalert")}
  alerts         {fleet.at("alertmanager")}
  JetStream      nats://127.0.0.1:{fleet.ports["nats"]}, watched at {fleet.at("watch")}
  an agent       {given.custos} status --config {given.work}/web1/custos.yaml""")
        if given.hold is not None:
            time.sleep(given.hold)
            return
        print("\nCtrl-C ends all of it.")
        try:
            signal.pause()
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
